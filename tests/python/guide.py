"""Runs the examples of docs/guide/test-without-paying.md against `ark-video simulate`, each whose runtime is here, and says which
were left out. Usage: guide.py --ark-video PATH
"""

import argparse
import importlib.util
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from simulator import Simulator

GUIDE = pathlib.Path(__file__).parents[2] / "docs/guide/test-without-paying.md"

# Language of the block, file name, command, and what must be there for it.
EXAMPLES = [
    ("sh", "example.sh", ["sh"], lambda: shutil.which("curl")),
    ("python", "example.py", [sys.executable], lambda: importlib.util.find_spec("volcenginesdkarkruntime")),
    ("js", "example.js", ["node"], lambda: shutil.which("node")),
    ("go", "example.go", ["go", "run"], lambda: shutil.which("go")),
]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ark-video", required=True)
    ark_video = parser.parse_args().ark_video
    text = GUIDE.read_text(encoding="utf-8")
    with Simulator(ark_video, "--queued", "100ms", "--running", "200ms") as simulator:
        env = {**os.environ, "ARK_BASE_URL": simulator.base_url, "ARK_API_KEY": simulator.api_key}
        for language, name, runtime, is_here in EXAMPLES:
            code = re.search(rf"```{language}\n(.*?)```", text, re.S)
            if not code:
                sys.exit(f"the guide has no example in {language}")
            if not is_here():
                print(f"skipped: the guide's example in {language}, because its runtime is not here")
                continue
            with tempfile.TemporaryDirectory() as folder:
                path = pathlib.Path(folder, name)
                path.write_text(code[1], encoding="utf-8")
                ran = subprocess.run([*runtime, path], env=env, capture_output=True, text=True, timeout=120)
            if ran.returncode != 0 or "succeeded" not in ran.stdout:
                sys.exit(f"the guide's example in {language} does not work: {ran.stdout}{ran.stderr}")
            print(f"the guide's example in {language}: {ran.stdout.strip()[-120:]}")


if __name__ == "__main__":
    main()
