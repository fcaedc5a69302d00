"""Opens the simulator's status page in headless Chromium: finished tasks are listed with videos of the right size and length,
and these seek and play; an open page of 500 tasks costs the simulator at most a second in 25. Usage: status_page.py --ark-video PATH --chromium PATH
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading

from browser import Browser
from simulator import Simulator

# Seconds that the page is open, and seconds of CPU that this may cost the simulator.
OPEN, CPU = 25, 1.0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ark-video", required=True)
    parser.add_argument("--chromium", required=True)
    args = parser.parse_args()
    # The sizes and lengths that the players have to get by: the smallest, one with several key frames in a mov, the largest.
    samples = [
        sample("1-0-pro-fast-251015", resolution="480p", ratio="1:1", duration=2),
        sample("2-5-260628", resolution="720p", ratio="9:16", duration=12, output_format="mov"),
        sample("2-0-260128", resolution="4k", ratio="16:9", duration=5),
    ]
    with Simulator(args.ark_video, "--manual-clock") as simulator, tempfile.TemporaryDirectory() as profile:
        tasks = [simulator.api("/contents/generations/tasks", body)["id"] for body in samples]
        simulator.advance(seconds=600)

        browser = [args.chromium, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"]
        dump = [*browser, "--window-size=1280,2000", "--virtual-time-budget=20000", "--timeout=30000", "--dump-dom", simulator.control_url]
        page = subprocess.run(dump, capture_output=True, text=True, timeout=120).stdout
        videos = re.findall(r"<video[^>]*>", page)
        # n s at 24 frames a second are 24 n + 1 frames.
        for task, seen in zip(tasks, ["640x640 2.04", "720x1280 12.04", "3840x2160 5.04"], strict=True):
            size, seconds = seen.split()
            video = next((video for video in videos if task in video), "")
            if "succeeded" not in page or f'data-size="{size}"' not in video or f'data-seconds="{seconds}"' not in video:
                sys.exit(f"the page does not show the finished task {task} as {seen} s: {video or page[-3000:]}")
            print(f"the page lists {task}; its video: {video}")
        for task, body in zip(tasks, samples, strict=True):
            path = pathlib.Path(profile, "player.html")
            path.write_text(PLAYER.replace("VIDEO", f"{simulator.control_url}/video/{task}"))
            verdict = console([*browser, "--enable-logging=stderr", path.as_uri()])
            if "verdict: played" not in verdict:
                sys.exit(f"the video of {task} does not seek and play: {verdict}")
            print(f"{task}: sought to near its end, its start and its middle, and played on from there")
    check_cpu(args)


def check_cpu(args):
    with Simulator(args.ark_video, "--manual-clock") as simulator:
        for _ in range(500):
            simulator.api("/contents/generations/tasks", sample("2-0-260128", resolution="720p", ratio="16:9", duration=5))
        simulator.advance(seconds=600)
        before = cpu(simulator.process.pid)
        Browser(args.chromium).open_for(simulator.control_url, OPEN)
        spent = cpu(simulator.process.pid) - before
        print(f"500 tasks, page open for {OPEN} s: {spent:.2f} s of CPU")
        if spent > CPU:
            sys.exit(f"more than {CPU} s of CPU")


def cpu(pid):
    """Seconds of CPU of a process (proc(5))."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def console(command):
    """The line of the page's console that holds its verdict."""
    browser = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    late = threading.Timer(90, browser.kill)
    late.start()
    try:
        return next((line for line in browser.stderr if "verdict: " in line), "no verdict within 90 s")
    finally:
        late.cancel()
        browser.kill()
        browser.wait(timeout=20)


def sample(model, **fields):
    return {"model": f"doubao-seedance-{model}", "content": [{"type": "text", "text": "A paper boat."}], **fields}


# Seeks to near the end, back to the start, to the middle, and plays on from there.
PLAYER = """<!doctype html><script>
const video = document.createElement("video");
const once = (name) => new Promise((done, failed) => {
  video.addEventListener(name, done, { once: true });
  video.addEventListener("error", () => failed(video.error.message), { once: true });
});
(async () => {
  Object.assign(video, { muted: true, preload: "auto" });
  const known = once("loadedmetadata");
  video.src = "VIDEO";
  await known;
  for (const part of [0.9, 0, 0.5]) {
    const there = once("seeked"), at = video.duration * part;
    video.currentTime = at;
    await there;
    if (Math.abs(video.currentTime - at) > 0.05 || video.readyState < 2) throw `at ${video.currentTime}, not ${at}`;
  }
  const from = video.currentTime;
  await video.play();
  while (video.currentTime < from + 0.3) await once("timeupdate");
  console.log("verdict: played");
})().catch((why) => console.log("verdict: " + why));
</script>"""


if __name__ == "__main__":
    main()
