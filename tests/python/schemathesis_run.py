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
import urllib.parse
import urllib.request

DEFAULT = pathlib.Path(__file__).parents[2] / "schema" / "ark-video.openapi.json"

# All that hold for a service whose rules are more than its schema. Left out are `positive_data_acceptance` (what a request may
# hold depends on its model, which no schema says) and `unsupported_method` (it wants 405 for every method that a path does not
# describe; but a POST anywhere below the tasks path is a create, and other strangers among GET, POST and DELETE get 404).
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


def served(base_url, path):
    """The document as the simulator serves it beside the API, which must be the repository's."""
    parts = urllib.parse.urlsplit(base_url)
    with urllib.request.urlopen(f"{parts.scheme}://{parts.netloc}/openapi.json", timeout=10) as answer:
        document = json.load(answer)
    if document != json.loads(pathlib.Path(path).read_text(encoding="utf-8")):
        sys.exit("the simulator serves another OpenAPI document than the one of the repository")
    print("the simulator serves the repository's document at /openapi.json")
    return document


def without_combinations(document, folder):
    """The document without the rules on what may stand beside what: no generator of instances can follow them. The service
    refuses what breaks them, which is an answer that the document has. Without the documented floor of the expiry too: the live
    service holds it on 1.x only (probed 2026-07-31), and so does the simulator."""
    del document["components"]["schemas"]["CreateTaskRequest"]["properties"]["execution_expires_after"]["minimum"]
    del document["components"]["schemas"]["CreateTaskRequest"]["properties"]["content"]["allOf"]
    copy = pathlib.Path(folder) / "openapi.json"
    copy.write_text(json.dumps(document), encoding="utf-8")
    return str(copy)


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
        document = served(ready["base_url"], options.schema)
        run = [
            sys.executable, "-m", "schemathesis.cli", "run", without_combinations(document, folder.name),
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
