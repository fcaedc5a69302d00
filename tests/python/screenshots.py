"""Makes docs/images: the page of a batch with 12 and 500 shots, and the simulator's status page with 0, 12 and 500 tasks, each on a
desktop and on a phone, light and dark. Usage: screenshots.py --ark-video PATH --chromium PATH [--output FOLDER]
"""

import argparse
import json
import os
import pathlib
import subprocess
import tempfile

from batch_report import MODEL, PROMPTS
from browser import DESKTOP, PHONE, Browser
from simulator import Simulator

# Of the height of the screens.
SCALE = 0.4


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ark-video", required=True)
    parser.add_argument("--chromium", required=True)
    parser.add_argument("--output", default="docs/images")
    args = parser.parse_args()
    output = pathlib.Path(args.output).resolve()
    output.mkdir(parents=True, exist_ok=True)
    browser, ark_video = Browser(args.chromium), str(pathlib.Path(args.ark_video).resolve())
    for shots in (12, 500):
        with tempfile.TemporaryDirectory() as folder:
            page = report(ark_video, pathlib.Path(folder), shots)
            sheet(browser, page.as_uri(), output / f"report-{shots}.png")
    for tasks in (0, 12, 500):
        with Simulator(ark_video, "--manual-clock", "--seed", "1") as simulator:
            for at in range(tasks):
                simulator.api("/contents/generations/tasks", {
                    "model": MODEL, "content": [{"type": "text", "text": PROMPTS[at % 12]}], "resolution": "480p", "duration": 2,
                })
                if at == tasks - 3:
                    simulator.advance(seconds=600)
            simulator.advance(seconds=3)
            sheet(browser, simulator.control_url, output / f"status-{tasks}.png")


def report(ark_video, folder, count):
    """Runs a batch with failures, tags, a shot over the budget and one that waits for an approval; gives its page."""
    tags = ["harbour", "night", "boats"]
    shots = [{"name": f"shot {at + 1:03}", "prompt": PROMPTS[at % 12], "tags": [tags[at % 3]]} for at in range(count)]
    defaults = {"model": MODEL, "resolution": "480p", "ratio": "16:9", "duration": 2}
    (folder / "night.json").write_text(json.dumps({"batch": "night", "defaults": defaults, "shots": shots}))
    with Simulator(ark_video, "--speed", "600x", "--seed", "1") as simulator:
        env = dict(os.environ, ARK_BASE_URL=simulator.base_url, ARK_API_KEY=simulator.api_key)
        cap = f"{count * 0.065:.2f}CNY"
        run = [ark_video, "batch", "run", "night.json", "--json", "--cap", cap, "--rpm", "6000", "--concurrency", "64"]
        subprocess.run(run, cwd=folder, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=600)
        page = [ark_video, "batch", "report", "night.json", "--html", "night.html", "--text"]
        subprocess.run(page, cwd=folder, env=env, stdout=subprocess.DEVNULL, check=True)
    return folder / "night.html"


def sheet(browser, url, to):
    """One image of a page in its four forms."""
    with tempfile.TemporaryDirectory() as folder:
        images = []
        for size in (DESKTOP, PHONE):
            for dark in (False, True):
                image = pathlib.Path(folder, f"{size[0]}-{dark}.png")
                browser.screenshot(url, image, size, dark)
                images.append(f'<img src="{image.name}" width="{size[0] * SCALE:.0f}" height="{size[1] * SCALE:.0f}">')
        page = pathlib.Path(folder, "sheet.html")
        style = "body{margin:8px;display:flex;gap:8px;align-items:flex-start;background:#888}img{display:block}"
        page.write_text(f"<!doctype html><style>{style}</style>{''.join(images)}")
        width = sum(int(size[0] * SCALE) for size in (DESKTOP, PHONE)) * 2 + 40
        browser.screenshot(page.as_uri(), to, (width, int(DESKTOP[1] * SCALE) + 16))
    print(f"{to.name}: {to.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
