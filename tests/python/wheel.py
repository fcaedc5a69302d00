"""Builds the wheel of python/ around a built `ark-video`, installs it into a fresh virtual environment, and runs there what a user
would: the command, the examples of the READMEs and the guide, and python/tests, alone and with two workers of pytest-xdist.
Needs maturin in the Python that runs this. Usage: wheel.py --ark-video PATH
"""

import argparse
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import zipfile

ROOT = pathlib.Path(__file__).parents[2]
PAGES = ["README.md", "python/README.md", "docs/guide/test-without-paying.md"]

# What pip needs of the wheel to install the command, its module, its licences and the fixture.
CONTENT = ["scripts/ark-video", "ark_video/py.typed", "licenses/LICENSE-MIT", "licenses/LICENSE-APACHE", "entry_points.txt"]


def run(*command, **settings):
    print("$", *command, flush=True)
    return subprocess.run(command, check=True, stdin=subprocess.DEVNULL, text=True, **settings)


def build(ark_video, folder):
    """The wheel around that command, and its version. maturin compiles nothing: its cargo reports what is built already."""
    metadata = run("cargo", "metadata", "--no-deps", "--format-version", "1", "--locked", cwd=ROOT, stdout=subprocess.PIPE)
    package = next(one for one in json.loads(metadata.stdout)["packages"] if one["name"] == "ark-video-cli")
    target = next(one for one in package["targets"] if one["name"] == "ark-video")
    # maturin moves what it packs, and other steps of CI use the command meanwhile.
    (folder / "built").mkdir()
    ark_video = shutil.copy2(ark_video, folder / "built")
    built = {
        "reason": "compiler-artifact",
        "package_id": package["id"],
        "manifest_path": package["manifest_path"],
        "target": target,
        "profile": {"opt_level": "0", "debuginfo": 0, "debug_assertions": True, "overflow_checks": True, "test": False},
        "features": [],
        "filenames": [str(ark_video)],
        "executable": str(ark_video),
        "fresh": True,
    }
    (folder / "built.json").write_text(json.dumps(built) + "\n", encoding="utf-8")
    cargo = folder / "cargo"
    built_file = shlex.quote(str(folder / "built.json"))
    cargo.write_text(f'#!/bin/sh\ncase "$1" in rustc|build) cat {built_file} ;; *) exec cargo "$@" ;; esac\n', encoding="utf-8")
    cargo.chmod(0o755)
    maturin = [sys.executable, "-m", "maturin", "build", "--profile", "dev", "--compatibility", "linux", "--out", str(folder)]
    run(*maturin, cwd=ROOT / "python", env={**os.environ, "CARGO": str(cargo)})
    (wheel,) = folder.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    missing = [end for end in CONTENT if not any(name.endswith(end) for name in names)]
    if missing:
        sys.exit(f"the wheel lacks {', '.join(missing)}: {names}")
    return wheel, package["version"]


def examples(folder):
    """Writes every example in Python that uses this package into a file for pytest."""
    for page in PAGES:
        blocks = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.S)
        blocks = [block for block in blocks if "ark_simulator" in block or "ark_video" in block]
        if not blocks:
            sys.exit(f"{page} has no example of the fixture or of the module")
        for number, block in enumerate(blocks):
            name = re.sub(r"\W", "_", f"test_{page}_{number}")
            (folder / f"{name}.py").write_text(block, encoding="utf-8")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ark-video", required=True)
    ark_video = pathlib.Path(parser.parse_args().ark_video).resolve()
    with tempfile.TemporaryDirectory() as made:
        folder = pathlib.Path(made)
        wheel, version = build(ark_video, folder)
        run(sys.executable, "-m", "venv", folder / "venv")
        programs = folder / "venv/bin"
        pip = [programs / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        run(*pip, "-r", ROOT / "python/tests/requirements.txt", wheel)
        printed = run(programs / "ark-video", "--version", stdout=subprocess.PIPE).stdout.strip()
        if printed != f"ark-video {version}":
            sys.exit(f"the installed command prints {printed}, and its version is {version}")
        (folder / "examples").mkdir()
        examples(folder / "examples")
        # Without the caller's PATH: the command that is used must be the installed one.
        env = {name: value for name, value in os.environ.items() if not name.startswith("ARK_")}
        env["PATH"] = os.defpath
        pytest = [programs / "pytest", "-q", "-p", "no:cacheprovider", "--strict-markers", "--rootdir", folder]
        for workers in ([], ["-n", "2"]):
            run(*pytest, *workers, folder / "examples", ROOT / "python/tests", cwd=folder, env=env)


if __name__ == "__main__":
    main()
