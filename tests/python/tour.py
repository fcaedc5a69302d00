"""Drives `ark-video simulate` with the vendor's own Python runtime, unchanged: only its base URL and key are set.

Prints each step; ends 0 if the service behaved at every one. Usage: tour.py --ark-video PATH
"""

import argparse
import json
import subprocess
import sys
import time
import urllib.request

from volcenginesdkarkruntime import Ark
from volcenginesdkarkruntime._exceptions import ArkAPIStatusError, ArkNotFoundError

STEPS = 0


def step(said, holds=True):
    """Says what was done, and fails the tour where it did not hold."""
    global STEPS
    STEPS += 1
    print(f"{STEPS:2}. {said}", flush=True)
    if not holds:
        sys.exit(f"step {STEPS} does not hold")


class Simulator:
    """`ark-video simulate` on a free port, for as long as the block lasts."""

    def __init__(self, ark_video, *flags):
        self.command = [ark_video, "simulate", "--addr", "127.0.0.1:0", "--json", *flags]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        ready = json.loads(self.process.stdout.readline())
        assert ready["ready"] is True, ready
        self.base_url = ready["base_url"]
        return Ark(base_url=self.base_url, api_key=ready["api_key"])

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=10)


def refused(call):
    """The error of a call that must be refused."""
    try:
        answer = call()
    except ArkAPIStatusError as error:
        return error
    sys.exit(f"step {STEPS + 1}: the service took what it must refuse, and answered {answer}")


def until_done(tasks, task_id, seconds=60):
    """Asks until the task has ended, and tells each state once."""
    last, deadline = None, time.monotonic() + seconds
    while time.monotonic() < deadline:
        task = tasks.get(task_id=task_id)
        if task.status != last:
            step(f"get {task_id}: {task.status}")
            last = task.status
        if task.status in ("succeeded", "failed", "cancelled", "expired"):
            return task
        time.sleep(0.2)
    sys.exit(f"{task_id} did not end within {seconds} s")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ark-video", required=True)
    ark_video = parser.parse_args().ark_video
    text = [{"type": "text", "text": "A paper boat drifts down a rainy gutter."}]

    with (simulator := Simulator(ark_video, "--queued", "500ms", "--running", "1s")) as ark:
        tasks = ark.content_generation.tasks
        created = tasks.create(model="doubao-seedance-2-0-260128", content=text, ratio="16:9", duration=5, seed=7)
        step(f"create: {created.id}", created.id.startswith("cgt-"))
        done = until_done(tasks, created.id)
        step(f"usage: {done.usage.completion_tokens} tokens, as 5 s at 1280x720", done.usage.completion_tokens == 108900)
        film = urllib.request.urlopen(done.content.video_url).read()
        step(f"the video: {len(film)} bytes of MP4", film[4:8] == b"ftyp")

        other = tasks.create(model="doubao-seedance-2-0-fast-260128", content=text, resolution="480p", duration=4)
        step(f"create another: {other.id}")
        both = tasks.list(task_ids=[created.id, other.id])
        step(f"list by two ids: total {both.total}", {t.id for t in both.items} == {created.id, other.id})
        one = tasks.list(task_ids=[created.id], status="succeeded", page_size=1)
        step(f"list by id and state: total {one.total}", [t.id for t in one.items] == [created.id])
        none = tasks.list(status="failed")
        step(f"list what failed: total {none.total}", none.total == 0 and not none.items)

        tasks.delete(created.id)
        step(f"delete the finished {created.id}")
        try:
            tasks.get(task_id=created.id)
            sys.exit("a deleted task is still there")
        except ArkNotFoundError as error:
            step(f"get it again: 404 {error.code}", error.code == "ResourceNotFound")
        until_done(tasks, other.id)

        wrong = refused(lambda: tasks.create(model="doubao-seedance-2-0-260128", content=text, ratio="2:1"))
        step(f"a ratio that does not exist: {wrong.status_code} {wrong.code}", wrong.status_code == 400)
        family = refused(lambda: tasks.create(model="doubao-seedance-2-0", content=text))
        step(f"a model without its date: {family.status_code} {family.code}", family.code == "InvalidEndpointOrModel.NotFound")
        stranger = Ark(base_url=simulator.base_url, api_key="wrong").content_generation.tasks
        key = refused(lambda: stranger.get(task_id=other.id))
        step(f"a wrong key: {key.status_code} {key.code}", key.status_code == 401)

    with Simulator(ark_video, "--queued", "1ms", "--running", "1h") as ark:
        tasks = ark.content_generation.tasks
        running = tasks.create(model="doubao-seedance-2-0-260128", content=text).id
        step(f"create a long one: {running}")
        while tasks.get(task_id=running).status != "running":
            time.sleep(0.05)
        step(f"get {running}: running")
        conflict = refused(lambda: tasks.delete(running))
        step(f"delete it: {conflict.status_code} {conflict.code}", conflict.code == "InvalidAction.RunningTaskDeletion")

    with Simulator(ark_video, "--queued", "1h") as ark:
        tasks = ark.content_generation.tasks
        waiting = tasks.create(model="doubao-seedance-2-0-260128", content=text).id
        step(f"create one that waits: {waiting}")
        tasks.delete(waiting)
        step(f"delete it: {tasks.get(task_id=waiting).status}", tasks.get(task_id=waiting).status == "cancelled")

    print(f"{STEPS} steps, all as the contract says")


if __name__ == "__main__":
    main()
