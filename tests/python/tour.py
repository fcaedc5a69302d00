"""A tour of `ark-video simulate` with the vendor's own Python runtimes, unchanged: only their base URL and key are set. All six
states, refusals by code, drafts, pages, rates, faults and bills, on a clock that the tour moves by hand; and one task on a clock
that runs.

Takes every runtime that is here, and says which is not. Prints each step; ends 0 if the service behaved at every one.
Usage: tour.py --ark-video PATH
"""

import argparse
import importlib
import importlib.util
import sys
import time
import urllib.error
import urllib.request

from simulator import Simulator

RUNTIMES = [
    # Module, the models 2.5 and 2.0, and 1.0 pro fast, which has the smallest videos.
    ("volcenginesdkarkruntime", "doubao-seedance-2-5-260628", "doubao-seedance-2-0-260128", "doubao-seedance-1-0-pro-fast-251015"),
    ("byteplussdkarkruntime", "dreamina-seedance-2-5-260628", "dreamina-seedance-2-0-260128", "seedance-1-0-pro-fast-251015"),
]

# Codes that a prompt can ask for, and their status.
REFUSALS = {
    "InvalidParameter": 400,
    "MissingParameter": 400,
    "InputTextSensitiveContentDetected": 400,
    "InputImageSensitiveContentDetected.PrivacyInformation": 400,
    "InvalidEndpoint.ClosedEndpoint": 400,
    "ContentSecurityDetectionError": 400,
    "AuthenticationError": 401,
    "InvalidAccountStatus": 401,
    "AccessDenied": 403,
    "AccountOverdueError": 403,
    "OperationDenied.ServiceNotOpen": 403,
    "InvalidEndpointOrModel.ModelIDAccessDisabled": 404,
    "ModelNotOpen": 404,
    "UnsupportedModel": 404,
    "ModelAccountRpmRateLimitExceeded": 429,
    "QuotaExceeded": 429,
    "SetLimitExceeded": 429,
    "ServerOverloaded": 429,
    "InternalServiceError": 500,
}

STEPS = 0
CODES = set()


def step(said, holds=True):
    """Says what was done, and fails the tour where it did not hold."""
    global STEPS
    STEPS += 1
    print(f"{STEPS:3}. {said}", flush=True)
    if not holds:
        sys.exit(f"step {STEPS} does not hold")


def status_of(link, method="GET", **headers):
    """The status that a file's link answers with."""
    try:
        with urllib.request.urlopen(urllib.request.Request(link, method=method, headers=headers)) as answer:
            answer.read()
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


class Tour:
    def __init__(self, module, simulator):
        self.runtime = importlib.import_module(module)
        self.error = importlib.import_module(f"{module}._exceptions").ArkAPIStatusError
        self.simulator = simulator
        # No retries of its own: every answer is to be seen.
        self.ark = self.client(simulator.api_key)
        self.tasks = self.ark.content_generation.tasks

    def client(self, key):
        return self.runtime.Ark(base_url=self.simulator.base_url, api_key=key, max_retries=0)

    def text(self, text="A paper boat drifts down a rainy gutter."):
        return [{"type": "text", "text": text}]

    def refused(self, said, status, code, call):
        try:
            answer = call()
        except self.error as error:
            step(f"{said}: {error.status_code} {error.code}", (error.status_code, error.code) == (status, code))
            CODES.add(error.code)
            return
        sys.exit(f"{said}: the service took what it must refuse, and answered {answer}")

    def states(self, model20, small):
        tasks, advance = self.tasks, self.simulator.advance
        made = tasks.create(model=model20, content=self.text(), ratio="16:9", duration=5, seed=7, return_last_frame=True)
        step(f"create {made.id}", made.id.startswith("cgt-"))
        step("it is queued", tasks.get(task_id=made.id).status == "queued")
        advance(seconds=1)
        step("a second later it runs", tasks.get(task_id=made.id).status == "running")
        self.refused("delete it while it runs", 409, "InvalidAction.RunningTaskDeletion", lambda: tasks.delete(made.id))
        advance(seconds=3)
        done = tasks.get(task_id=made.id)
        step("three seconds later it has succeeded", done.status == "succeeded")
        step(f"{done.usage.completion_tokens} tokens for 5 s at 1280x720", done.usage.completion_tokens == 108900)
        step("seed, ratio and resolution are reported", (done.seed, done.ratio, done.resolution) == (7, "16:9", "720p"))
        tiny = tasks.create(model=small, content=self.text(), resolution="480p", ratio="1:1", duration=2)
        advance(seconds=4)
        link = tasks.get(task_id=tiny.id).content.video_url
        step("its video is there", status_of(link) == 200)
        step("a part of it is there", status_of(link, Range="bytes=0-99") == 206)
        step("HEAD is refused, the link is signed for GET", status_of(link, method="HEAD") == 403)
        advance(seconds=86400)
        step("a day later the link is dead", status_of(link) == 403)
        waits = tasks.create(model=model20, content=self.text())
        tasks.delete(waits.id)
        step("one that waits is cancelled", tasks.get(task_id=waits.id).status == "cancelled")
        self.refused("cancel it again", 409, "InvalidAction", lambda: tasks.delete(waits.id))
        advance(seconds=86400)
        self.refused("a day later it is forgotten", 404, "ResourceNotFound", lambda: tasks.get(task_id=waits.id))
        fails = tasks.create(model=model20, content=self.text("A boat. [[fail:OutputVideoSensitiveContentDetected]]"))
        advance(seconds=4)
        failed = tasks.get(task_id=fails.id)
        step("one fails after it was accepted", failed.status == "failed")
        step(f"and says why: {failed.error.code}", failed.error.code == "OutputVideoSensitiveContentDetected")
        CODES.add(failed.error.code)
        slow = tasks.create(
            model=model20, content=self.text("A boat. [[fault:slow times=100000]]"), execution_expires_after=3600
        )
        advance(seconds=3600)
        step("one expires", tasks.get(task_id=slow.id).status == "expired")
        tasks.delete(made.id)
        self.refused("a deleted task is gone", 404, "ResourceNotFound", lambda: tasks.get(task_id=made.id))
        advance(seconds=7 * 86400)
        self.refused("after seven days all are", 404, "ResourceNotFound", lambda: tasks.get(task_id=fails.id))

    def waits(self, small):
        """On a clock that runs: as everybody's first program does it."""
        made = self.tasks.create(model=small, content=self.text(), resolution="480p", ratio="1:1", duration=2)
        seen, deadline = [], time.monotonic() + 60
        while time.monotonic() < deadline and (not seen or seen[-1] in ("queued", "running")):
            task = self.tasks.get(task_id=made.id)
            if task.status not in seen:
                seen.append(task.status)
            time.sleep(0.1)
        step(f"a task by itself: {', '.join(seen)}", seen == ["queued", "running", "succeeded"])
        video = urllib.request.urlopen(task.content.video_url).read()
        step(f"its video: {len(video)} bytes of MP4", video[4:8] == b"ftyp")

    def drafts(self, model25):
        tasks = self.tasks
        draft = tasks.create(model=model25, content=self.text(), resolution="480p", duration=4, draft=True)
        self.simulator.advance(seconds=4)
        step("a draft succeeds", tasks.get(task_id=draft.id).status == "succeeded")
        final = tasks.create(model=model25, content=[{"type": "draft_task", "draft_task": {"id": draft.id}}])
        self.simulator.advance(seconds=4)
        done = tasks.get(task_id=final.id)
        step("its final is 1080p and as long", (done.resolution, done.duration) == ("1080p", 4))
        self.refused(
            "a final at 720p", 400, "InvalidResolutionParameter",
            lambda: tasks.create(
                model=model25, content=[{"type": "draft_task", "draft_task": {"id": draft.id}}], resolution="720p"
            ),
        )

    def lists(self, model20):
        tasks = self.tasks
        before = tasks.list().total
        ids = [tasks.create(model=model20, content=self.text(f"Boat {n}.")).id for n in range(5)]
        step("five more tasks are listed", tasks.list().total == before + 5)
        page = tasks.list(page_num=1, page_size=2)
        step("a page of two, the newest first", [task.id for task in page.items] == ids[:2:-1])
        some = tasks.list(task_ids=ids[:3])
        step("three by their ids", {task.id for task in some.items} == set(ids[:3]))
        self.simulator.advance(seconds=4)
        step("five have succeeded", tasks.list(status="succeeded", task_ids=ids).total == 5)
        step("none has failed", not tasks.list(status="failed", task_ids=ids).items)

    def refusals(self, model20):
        tasks = self.tasks
        self.refused("a ratio that there is not", 400, "InvalidParameter",
                     lambda: tasks.create(model=model20, content=self.text(), ratio="2:1"))
        self.refused("sixteen seconds", 400, "InvalidParameter",
                     lambda: tasks.create(model=model20, content=self.text(), duration=16))
        self.refused("a model without its date", 404, "InvalidEndpointOrModel.NotFound",
                     lambda: tasks.create(model=model20.rsplit("-", 1)[0], content=self.text()))
        self.refused("a wrong key", 401, "AuthenticationError",
                     lambda: self.client("wrong").content_generation.tasks.list())
        face = [{"type": "image_url", "image_url": {"url": "https://face.example/a.png"}, "role": "first_frame"}]
        self.refused("a face", 400, "InputImageSensitiveContentDetected.PrivacyInformation",
                     lambda: tasks.create(model=model20, content=face))
        for code, status in REFUSALS.items():
            self.refused("a refusal on request", status, code,
                         lambda: tasks.create(model=model20, content=self.text(f"A boat. [[refuse:{code}]]")))

    def faults(self, model20):
        tasks = self.tasks
        odd = tasks.create(model=model20, content=self.text("A boat. [[fault:unknown_status]]"))
        step("a state that is unknown does not break the runtime", tasks.get(task_id=odd.id).status == "paused")
        self.simulator.control("/faults", {"effect": {"fault": "null_items"}, "hits": 1})
        step("nor does a list without items", not tasks.list().items)
        self.simulator.control("/faults", {"effect": {"fault": "html_502"}, "when": {"endpoint": "get"}, "hits": 1})
        try:
            tasks.get(task_id=odd.id)
            sys.exit("a page of HTML was taken for a task")
        except self.error as error:
            step(f"a gateway's page is an error: {error.status_code}", error.status_code == 502)

    def rates(self, model20):
        tasks, advance = self.tasks, self.simulator.advance
        tasks.list()
        self.refused("two lists in a second", 429, "APIAccountRpmRateLimitExceeded", tasks.list)
        advance(seconds=1)
        step("a second later it is answered", tasks.list().total == 0)
        ids = [tasks.create(model=model20, content=self.text()).id for _ in range(4)]
        advance(seconds=1)
        states = [tasks.get(task_id=task_id).status for task_id in ids]
        step("three run, the fourth waits for a slot", states == ["running"] * 3 + ["queued"])

    def bills(self):
        ledger = self.simulator.control("/ledger")
        step(f"accepted {ledger['accepted']}, billed {ledger['billed']}", 0 < ledger["billed"] < ledger["accepted"])
        step("what they cost is reported", ledger["price"][0]["currency"] in ("CNY", "USD"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ark-video", required=True)
    ark_video = parser.parse_args().ark_video
    here = [runtime for runtime in RUNTIMES if importlib.util.find_spec(runtime[0])]
    for module, *_ in RUNTIMES:
        if module not in [name for name, *_ in here]:
            print(f"skipped: the tour with {module}, because it is not installed")
    still = ("--manual-clock", "--seed", "1")
    for module, model25, model20, small in here:
        print(f"--- {module}")
        first = STEPS
        with Simulator(ark_video, *still) as simulator:
            tour = Tour(module, simulator)
            tour.states(model20, small)
            tour.drafts(model25)
            tour.lists(model20)
            tour.refusals(model20)
            tour.faults(model20)
            tour.bills()
        with Simulator(ark_video, *still, "--rates", "personal") as simulator:
            Tour(module, simulator).rates(model20)
        with Simulator(ark_video, "--queued", "500ms", "--running", "1s") as simulator:
            Tour(module, simulator).waits(small)
        print(f"--- {module}: {STEPS - first} steps")
    if not here:
        sys.exit("none of the vendor's runtimes is installed")
    if len(CODES) < 15:
        sys.exit(f"only {len(CODES)} error codes were met")
    print(f"{STEPS} steps, {len(CODES)} error codes, all as the contract says")


if __name__ == "__main__":
    main()
