"""Does the running simulator do what schema/ark-video.openapi.json says? Schemathesis makes requests from the document, valid
and invalid ones, and holds every answer against it. Bounded in examples and time, and the same requests each time.

Usage: schemathesis_run.py --ark-video PATH [--schema FILE] [--examples N]
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request

DEFAULT = pathlib.Path(__file__).parents[2] / "schema" / "ark-video.openapi.json"

# All that hold for a service whose rules are more than its schema. Left out are `positive_data_acceptance` (what a request may
# hold depends on its model, which no schema says) and `unsupported_method` (it wants an `Allow` header; whether the service
# sends one, nobody has recorded).
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "ignored_auth",
    "use_after_free",
]


def without_combinations(path, folder):
    """The document without the rules on what may stand beside what: no generator of instances can follow them. The service
    refuses what breaks them, which is an answer that the document has."""
    document = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    del document["components"]["schemas"]["CreateTaskRequest"]["properties"]["content"]["allOf"]
    copy = pathlib.Path(folder) / "openapi.json"
    copy.write_text(json.dumps(document), encoding="utf-8")
    return str(copy)


def same_document(base_url, path):
    """Where the simulator serves the document itself, it is this one."""
    parts = urllib.parse.urlsplit(base_url)
    try:
        with urllib.request.urlopen(f"{parts.scheme}://{parts.netloc}/openapi.json", timeout=10) as answer:
            served = json.load(answer)
    except urllib.error.HTTPError as error:
        print(f"the simulator does not serve /openapi.json ({error.code}); the file is used")
        return
    document = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    # It says its own address.
    for side in (served, document):
        side.pop("servers", None)
    if served != document:
        sys.exit("the simulator serves another OpenAPI document than the one of the repository")
    print("the simulator serves this document at /openapi.json")


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--ark-video", required=True)
    options.add_argument("--schema", default=str(DEFAULT))
    options.add_argument("--examples", default="30")
    options = options.parse_args()

    command = [options.ark_video, "simulate", "--addr", "127.0.0.1:0", "--json", "--seed", "1"]
    folder = tempfile.TemporaryDirectory()
    simulator = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        ready = json.loads(simulator.stdout.readline())
        same_document(ready["base_url"], options.schema)
        run = [
            sys.executable, "-m", "schemathesis.cli", "run", without_combinations(options.schema, folder.name),
            "--url", ready["base_url"],
            "--header", f"Authorization: Bearer {ready['api_key']}",
            "--checks", ",".join(CHECKS),
            "--phases", "examples,coverage,fuzzing",
            "--max-examples", options.examples,
            "--max-failures", "10",
            "--seed", "1",
            "--generation-deterministic",
            "--request-timeout", "10",
            "--warnings", "off",
            "--no-color",
        ]
        # In the folder, where it keeps what it found between runs.
        ended = subprocess.run(run, timeout=300, check=False, cwd=folder.name).returncode
    finally:
        simulator.terminate()
        simulator.wait(timeout=10)
    sys.exit(ended)


if __name__ == "__main__":
    main()
