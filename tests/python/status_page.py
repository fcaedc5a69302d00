"""Opens the simulator's status page in headless Chromium: a finished task is listed, and its video plays at the right size and
length. Usage: status_page.py --ark-video PATH --chromium PATH
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import urllib.request


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ark-video", required=True)
    parser.add_argument("--chromium", required=True)
    args = parser.parse_args()
    command = [args.ark_video, "simulate", "--addr", "127.0.0.1:0", "--manual-clock", "--json"]
    simulator = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        ready = json.loads(simulator.stdout.readline())

        def post(url, body):
            headers = {"Authorization": f"Bearer {ready['api_key']}", "Content-Type": "application/json"}
            request = urllib.request.Request(url, data=json.dumps(body).encode(), headers=headers)
            return json.load(urllib.request.urlopen(request))

        body = {
            "model": "doubao-seedance-1-0-pro-fast-251015",
            "content": [{"type": "text", "text": "A paper boat."}],
            "resolution": "480p", "ratio": "1:1", "duration": 2,
        }
        task = post(ready["base_url"] + "/contents/generations/tasks", body)["id"]
        post(ready["control_url"] + "/clock/advance", {"seconds": 4})
        with tempfile.TemporaryDirectory() as profile:
            browser = [args.chromium, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}",
                       "--virtual-time-budget=20000", "--timeout=30000", "--dump-dom", ready["control_url"]]
            page = subprocess.run(browser, capture_output=True, text=True, timeout=120).stdout
    finally:
        simulator.terminate()
        simulator.wait(timeout=20)
    video = re.search(r"<video[^>]*>", page)
    if task not in page or "succeeded" not in page or not video:
        sys.exit(f"the page does not show the finished task {task}: {page[-3000:]}")
    # 2 s at 24 frames a second are 49 frames.
    if 'data-size="640x640"' not in video[0] or not re.search(r'data-seconds="2\.0[0-9]"', video[0]):
        sys.exit(f"the browser sees another video: {video[0]}")
    print(f"the page lists {task}; its video: {video[0]}")


if __name__ == "__main__":
    main()
