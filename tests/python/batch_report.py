"""Runs a batch of twelve shots, two of which fail, against the simulator, writes its page and opens that in headless Chromium:
twelve cards, ten videos that play at their right length and size, two reasons. Also compares the journal with the simulator's
ledger. Usage: batch_report.py --ark-video PATH --chromium PATH
"""

import argparse
import decimal
import http.server
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import urllib.request

from browser import Browser

MODEL = "doubao-seedance-1-0-pro-fast-251015"
PROMPTS = [
    "A paper boat crosses a puddle at dawn.",
    "Gulls circle over the cranes of a harbour.",
    "A rope is thrown from deck to quay. [[fail:OutputVideoSensitiveContentDetected]]",
    "Hands repair a net, close, hand-held.",
    "Lamps go on along an empty street.",
    "Night turns into morning over the mole.",
    "A cat walks along the quay.",
    "Waves break over the lighthouse. [[fail:InternalServiceError]]",
    "Letters of light over dark water.",
    "Slow pan over ropes, nets and crates.",
    "Fog lifts from the bay.",
    "The ferry leaves.",
]
# Marks each video with what the browser makes of it: the page itself has no script, so this goes into a copy of it.
WATCH = """<script>
document.querySelectorAll("video").forEach((video) => {
  const inspect = async () => {
    Object.assign(video.dataset, { seconds: video.duration.toFixed(2), size: `${video.videoWidth}x${video.videoHeight}` });
    video.muted = true;
    await video.play();
    video.dataset.played = "yes";
  };
  if (video.readyState > 0) inspect(); else video.addEventListener("loadedmetadata", inspect);
});
</script>"""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ark-video", required=True)
    parser.add_argument("--chromium", required=True)
    args = parser.parse_args()
    ark_video = str(pathlib.Path(args.ark_video).resolve())
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        shots = [{"name": f"shot {place + 1:02}", "prompt": prompt} for place, prompt in enumerate(PROMPTS)]
        defaults = {"model": MODEL, "resolution": "480p", "ratio": "16:9", "duration": 2}
        (folder / "night.json").write_text(json.dumps({"batch": "night", "defaults": defaults, "shots": shots}))
        command = [ark_video, "simulate", "--addr", "127.0.0.1:0", "--speed", "60x", "--json"]
        simulator = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            ready = json.loads(simulator.stdout.readline())
            env = dict(os.environ, ARK_BASE_URL=ready["base_url"], ARK_API_KEY=ready["api_key"])

            def run(*args, expect):
                done = subprocess.run([ark_video, *args], cwd=folder, env=env, capture_output=True, text=True, timeout=300)
                if done.returncode != expect:
                    sys.exit(f"{args} ended with {done.returncode}, not {expect}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
                return done.stdout

            # Two shots fail: exit code 10.
            run("batch", "run", "night.json", "--json", expect=10)
            status = json.loads(run("batch", "status", "night.json", "--audit", "--json", expect=0))
            ledger = json.load(urllib.request.urlopen(ready["control_url"] + "/ledger"))
        finally:
            simulator.terminate()
            simulator.wait(timeout=20)
        tokens = next(budget["settled"] for budget in status["purses"]
                      if budget["scope"] == {"batch": "night"} and budget["unit"] == "tokens")
        if status["counts"].get("settled") != 10 or status["counts"].get("failed") != 2:
            sys.exit(f"the batch ended otherwise: {status['counts']}")
        if (ledger["accepted"], ledger["billed"], len(ledger["intents"]), ledger["tokens"]) != (12, 10, 12, tokens):
            sys.exit(f"the journal says {tokens} tokens, the ledger {ledger}")
        [price] = ledger["price"]
        micros = round(decimal.Decimal(price["amount"]) * 1_000_000)
        run("batch", "report", "night.json", "--html", "night.html", expect=0)
        page = (folder / "night.html").read_text()
        check_static(page, {"billed": micros, "tokens billed": tokens})
        # Videos load when they come into sight; here all of them do.
        watched = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page).replace("</body>", WATCH + "</body>")
        watched = watched.replace(' loading="lazy"', "")
        (folder / "watched.html").write_text(watched)
        check_lazy(args.chromium, folder)
        check_videos(browse(args.chromium, folder, "--virtual-time-budget=60000", "--dump-dom", "watched.html"))
    print(f"12 shots: 10 videos play, 2 reasons; {tokens} tokens in the journal as in the ledger")


def browse(chromium, folder, *args):
    *flags, page = args
    with tempfile.TemporaryDirectory() as profile:
        command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}",
                   "--autoplay-policy=no-user-gesture-required", "--timeout=60000", *flags, (folder / page).as_uri()]
        return subprocess.run(command, capture_output=True, text=True, timeout=180).stdout


def check_static(page, sums):
    videos = len(re.findall(r'<video[^>]* loading="lazy"[^>]*#t=0.1"', page))
    if page.count("<article") != 12 or videos != 10:
        sys.exit(f"the page has {page.count('<article')} cards, {videos} videos")
    names = re.findall(r'<article[^>]* data-name="([^"]*)"', page)
    if names != [f"shot {place + 1:02}" for place in range(12)]:
        sys.exit(f"the cards are not in the order of the list: {names}")
    first = re.findall(r'<a href="#s(\d+)">([^<]*)</a>', page)
    if first != [("2", "shot 03"), ("7", "shot 08")] or page.index("Needs you") > page.index("<article"):
        sys.exit(f"the page does not begin with what failed: {first}")
    shown = {name: int(value) for name, value in re.findall(r'<dt>([^<]*)</dt><dd><data value="(\d+)">', page)}
    if shown != sums:
        sys.exit(f"the page says {shown}, the ledger {sums}")
    if "<script" in page or re.search(r'(?:src|href)="https?:', page):
        sys.exit("the page takes something from elsewhere")
    reasons = re.findall(r'<p class="reason">([^<]*)', page)
    if len(reasons) != 2 or not any("OutputVideoSensitiveContentDetected" in reason for reason in reasons):
        sys.exit(f"the page's reasons: {reasons}")


def check_lazy(chromium, folder):
    """On a phone a few of the ten videos are in sight; the others are not requested."""
    requested = set()

    class Pages(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=folder)

        def log_message(self, _, *args):
            requested.update(re.findall(r"shot%20[0-9]+\.mp4", str(args[0])))

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    page = f"http://127.0.0.1:{server.server_port}/night.html"
    Browser(chromium).open_for(page, 5, "--window-size=390,600", is_loaded=lambda: requested)
    server.shutdown()
    if not 0 < len(requested) < 10:
        sys.exit(f"{len(requested)} of 10 videos were requested while few of them are in sight")


def check_videos(page):
    videos = re.findall(r"<video[^>]*>", page)
    # 2 s at 24 frames a second are 49 frames.
    good = [video for video in videos if 'data-size="864x480"' in video and re.search(r'data-seconds="2\.0[0-9]"', video)
            and 'data-played="yes"' in video]
    if len(good) != 10:
        sys.exit(f"{len(good)} of {len(videos)} videos play: {[video[:60] + '…' + video[-160:] for video in videos][:3]}")


if __name__ == "__main__":
    main()
