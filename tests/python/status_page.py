"""Opens the simulator's status page in headless Chromium: a finished task is listed, and its video plays at the right size and
length. Usage: status_page.py --ark-video PATH --chromium PATH
"""

import argparse
import re
import subprocess
import sys
import tempfile

from simulator import Simulator


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ark-video", required=True)
    parser.add_argument("--chromium", required=True)
    args = parser.parse_args()
    body = {
        "model": "doubao-seedance-1-0-pro-fast-251015",
        "content": [{"type": "text", "text": "A paper boat."}],
        "resolution": "480p", "ratio": "1:1", "duration": 2,
    }
    with Simulator(args.ark_video, "--manual-clock") as simulator:
        task = simulator.api("/contents/generations/tasks", body)["id"]
        simulator.advance(seconds=4)
        with tempfile.TemporaryDirectory() as profile:
            browser = [args.chromium, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}",
                       "--virtual-time-budget=20000", "--timeout=30000", "--dump-dom", simulator.control_url]
            page = subprocess.run(browser, capture_output=True, text=True, timeout=120).stdout
    video = re.search(r"<video[^>]*>", page)
    if task not in page or "succeeded" not in page or not video:
        sys.exit(f"the page does not show the finished task {task}: {page[-3000:]}")
    # 2 s at 24 frames a second are 49 frames.
    if 'data-size="640x640"' not in video[0] or not re.search(r'data-seconds="2\.0[0-9]"', video[0]):
        sys.exit(f"the browser sees another video: {video[0]}")
    print(f"the page lists {task}; its video: {video[0]}")


if __name__ == "__main__":
    main()
