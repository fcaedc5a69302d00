"""Other people's clients against `ark-video simulate`: does each work unchanged, and what does one action of its caller cost
when the service or the line fails?

Writes tests/clients/clients.json and the page docs/reference/clients.md from it, or compares both with what is there
(--check). A client whose package is not installed is named as skipped, and its recorded row stays.

Usage: run.py --ark-video PATH [--python PATH] [--node-folder PATH] [--check]
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "python"))
from simulator import Simulator  # noqa: E402

RECORD = HERE / "clients.json"
PAGE = HERE.parent.parent / "docs" / "reference" / "clients.md"
CHINA, ABROAD = "doubao-seedance-2-0-260128", "dreamina-seedance-2-0-260128"
OPERATIONS = ["create", "poll", "download", "list", "cancel"]
AT_ONCE = 4
# Most of the time they wait for a timeout.
CLIENTS_AT_ONCE = 2
# Timeout in seconds, for clients that have one; the silent fault lasts longer.
TIMEOUT, SILENCE = "4", 120

# name: (package, what runs it, its arguments, model, what the package has no function for)
CLIENTS = {
    "volcengine-python-sdk": ("volcengine-ark-runtime", "python", ["sdk.py", "volcenginesdkarkruntime"], CHINA, []),
    "arkruntime": ("arkruntime", "python", ["sdk.py", "arkruntime"], CHINA, []),
    "byteplus-python-sdk-v2": ("byteplus-python-sdk-v2", "python", ["sdk.py", "byteplussdkarkruntime"], ABROAD, []),
    "litellm": ("litellm", "python", ["litellm_client.py"], CHINA, ["list", "cancel"]),
    "zjandrew-seedance-cli": ("zjandrew-seedance-cli", "python", ["seedance_cli_client.py"], CHINA, []),
    "@ai-sdk/bytedance with ai": ("@ai-sdk/bytedance", "node", ["vercel.mjs"], ABROAD, ["list", "cancel"]),
}

FAULTS = {
    "accepted, then the connection drops": ("create", {"fault": "accept_then_drop"}, 1),
    "accepted, then 500": ("create", {"fault": "status", "status": 500, "code": "InternalServiceError", "accepted": True}, 1),
    "accepted, then silence": ("create", {"fault": "hang_after_accept", "seconds": SILENCE}, 1),
    "refused with 429 twice": ("create", {"fault": "status", "status": 429, "code": "ServerOverloaded"}, 2),
    "a 502 page for one GET": ("get", {"fault": "html_502"}, 1),
    "half a download, once": ("file", {"fault": "half_download"}, 1),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ark-video", required=True)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--node-folder", help="a folder with node_modules made from package.json")
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    # Clients run in a folder of their own. A link to an interpreter stays one: it says which packages there are.
    args.ark_video = str(pathlib.Path(args.ark_video).absolute())
    if pathlib.Path(args.python).exists():
        args.python = str(pathlib.Path(args.python).absolute())
    recorded = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    seen = {}
    with concurrent.futures.ThreadPoolExecutor(CLIENTS_AT_ONCE) as pool:
        running = {}
        for name, client in CLIENTS.items():
            version = version_of(args, client)
            if version is None:
                print(f"skipped: {name}: its package is not installed, so its row of docs/reference/clients.md was not run again")
                continue
            running[name] = pool.submit(measure, args, client, version)
        for name, row in running.items():
            seen[name] = row.result()
            print(f"{name} {seen[name]['version']}: {summary(seen[name])}", flush=True)
    rows = {name: seen.get(name, recorded.get(name)) for name in CLIENTS}
    rows = {name: row for name, row in rows.items() if row}
    record, page = json.dumps(rows, indent=1) + "\n", render(rows)
    if not args.check:
        RECORD.write_text(record)
        PAGE.write_text(page)
        return
    wrong = [name for name in seen if seen[name] != recorded.get(name)]
    for name in wrong:
        print(f"FAILED: {name} now comes to {json.dumps(seen[name])}, recorded is {json.dumps(recorded.get(name))}")
    if PAGE.read_text() != render(recorded):
        wrong.append("page")
        print("FAILED: docs/reference/clients.md is not what tests/clients/clients.json says; run this without --check")
    sys.exit(1 if wrong else 0)


def version_of(args, client):
    package, runner = client[0], client[1]
    if runner == "python":
        command = [args.python, "-c", "import importlib.metadata as m, sys; print(m.version(sys.argv[1]))", package]
        ended = subprocess.run(command, capture_output=True, text=True)
        return ended.stdout.strip() if ended.returncode == 0 else None
    if not args.node_folder or not shutil.which("node"):
        return None
    manifest = pathlib.Path(args.node_folder) / "node_modules" / package / "package.json"
    return json.loads(manifest.read_text())["version"] if manifest.exists() else None


def measure(args, client, version):
    """What the client does without a fault, and with each."""
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        tour = pool.submit(act, args, client, "tour", None)
        jobs = {name: pool.submit(act, args, client, "job", fault) for name, fault in FAULTS.items()}
        did = tour.result()["did"]
        lacks = client[4]
        works = {one: "not offered" if one in lacks else "yes" if one in did else "no" for one in OPERATIONS}
        faults = {name: {key: job.result()[key] for key in ("bills", "lost", "saved")} for name, job in jobs.items()}
    return {"version": version, "works": works, "faults": faults}


def act(args, client, action, fault):
    """One action of a caller: how many bills, how many tasks whose id the caller never got, and whether a whole video is there."""
    _, runner, script_args, model, _ = client
    # In the tour a task stays queued for five seconds, long enough for a command that starts slowly to cancel it.
    pace = ["--speed", "20", "--queued", "100s" if action == "tour" else "1s"]
    with tempfile.TemporaryDirectory() as folder, Simulator(args.ark_video, *pace, "--seed", "1") as simulator:
        if fault:
            endpoint, effect, hits = fault
            simulator.control("/faults", {"effect": effect, "when": {"endpoint": endpoint}, "hits": hits})
        output = pathlib.Path(folder) / "out.mp4"
        env = {**os.environ, "ARK_BASE_URL": simulator.base_url, "ARK_API_KEY": simulator.api_key, "MODEL": model,
               "OUTPUT": str(output), "HOME": folder, "NO_PROXY": "127.0.0.1,localhost"}
        if fault and effect["fault"].startswith("hang"):
            env["CLIENT_TIMEOUT"] = TIMEOUT
        if runner == "python":
            command = [args.python, str(HERE / script_args[0]), *script_args[1:], action]
        else:
            # Node finds packages from where the file lies.
            script = pathlib.Path(args.node_folder) / script_args[0]
            shutil.copyfile(HERE / script_args[0], script)
            command = [shutil.which("node"), str(script.resolve()), action]
        try:
            ended = subprocess.run(command, env=env, capture_output=True, text=True, timeout=170, cwd=folder)
            lines, code = ended.stdout, ended.returncode
            if action == "tour" and code:
                print(ended.stderr[-800:], file=sys.stderr)
        except subprocess.TimeoutExpired as late:
            lines, code = (late.stdout or b"").decode(), None
        results = [json.loads(line) for line in lines.splitlines() if line.startswith("{")]
        # What was accepted is paid for, whether or not the client waited for it.
        simulator.advance(seconds=3600)
        ledger = simulator.control("/ledger")
        billed = [entry for entry in ledger["entries"] if entry["tokens"]]
        known = {line["id"] for line in results if "id" in line}
        whole = {entry["task_id"] for entry in billed if entry["delivered"]}
        return {
            "did": [line["did"] for line in results if "did" in line],
            "bills": len(billed),
            "lost": sum(entry["task_id"] not in known for entry in billed),
            "saved": "yes" if code == 0 and whole and output.exists() and is_whole(output) else "no",
        }


def is_whole(path):
    """The boxes of an MP4 add up to the file."""
    data = path.read_bytes()
    at = 0
    while at + 8 <= len(data):
        size = int.from_bytes(data[at:at + 4], "big")
        if size < 8:
            return False
        at += size
    return at == len(data) > 0


def summary(row):
    worst = max(fault["bills"] for fault in row["faults"].values())
    return f"works {row['works']}, at most {worst} bills for one action"


def render(rows):
    head = """# Other people's clients

Generated by `tests/clients/run.py`; do not edit. Each client is installed by its published name, unchanged, and driven over
`ark-video simulate`; `.ci/run` runs the same again and compares. No real service was asked.

## Do they work?

A task of 4 s at 480p: created, waited for and downloaded; then a list, and a queued task cancelled.

"""
    text = head + "| client | version | " + " | ".join(OPERATIONS) + " |\n|---|---|" + "---|" * len(OPERATIONS) + "\n"
    for name, row in rows.items():
        text += f"| {name} | {row['version']} | " + " | ".join(row["works"][one] for one in OPERATIONS) + " |\n"
    text += """
## What does one action cost when something fails?

Bills for one action of the caller / of those, tasks whose id the caller never got / is the whole video there at the end? One bill, no lost
id and the video is the best there is. A lost id is a paid video that only a list can find, within 24 h.

"""
    text += "| fault | " + " | ".join(rows) + " |\n|---|" + "---|" * len(rows) + "\n"
    for fault in FAULTS:
        cells = (row["faults"][fault] for row in rows.values())
        text += f"| {fault} | " + " | ".join(f"{c['bills']} / {c['lost']} / {c['saved']}" for c in cells) + " |\n"
    return text + """
Vercel's SDK gives its caller no task id before the video is there. Its own download refuses loopback addresses; it is given a
`download` function that does not (`tests/clients/vercel.mjs`).
"""


if __name__ == "__main__":
    main()
