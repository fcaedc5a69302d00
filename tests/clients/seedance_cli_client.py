"""One action with the command of zjandrew-seedance-cli, run as a person runs it. Prints JSON lines as sdk.py does."""

import json
import os
import pathlib
import re
import subprocess
import sys

COMMAND = pathlib.Path(sys.executable).with_name("seedance-cli")
ENV = {**os.environ, "SEEDANCE_ENDPOINT": os.environ["ARK_BASE_URL"]}


def say(**line):
    print(json.dumps(line), flush=True)


def run(*args):
    ended = subprocess.run([COMMAND, "--format", "json", "--yes", *args], env=ENV, capture_output=True, text=True)
    if ended.returncode:
        print(ended.stdout[-300:], ended.stderr[-300:], file=sys.stderr)
    return ended.returncode, ended.stdout + ended.stderr


def ids(text):
    return list(dict.fromkeys(re.findall(r"cgt-[0-9]{14}-[0-9a-z]{5}", text)))


def main():
    code, text = run("generate", "--prompt", "A paper boat.", "--model", os.environ["MODEL"], "--resolution", "480p",
                        "--duration", "4", "--out", os.environ["OUTPUT"], "--poll-interval", "0.2")
    found = ids(text)
    for task_id in found:
        say(id=task_id)
    if code:
        sys.exit(code)
    for operation in ("create", "poll", "download"):
        say(did=operation)
    if sys.argv[1] == "tour":
        code, text = run("task", "list")
        if code == 0 and found[0] in text:
            say(did="list")
        code, text = run("generate", "--prompt", "A kite.", "--model", os.environ["MODEL"],
                            "--resolution", "480p", "--duration", "4", "--async")
        for task_id in ids(text):
            say(id=task_id)
        if run("task", "delete", ids(text)[0])[0] == 0:
            say(did="cancel")


main()
