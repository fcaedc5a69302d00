"""A long tour of `ark-video simulate` with both of the vendor's Python runtimes, unchanged: all six states, refusals by code,
drafts, pages, rates, faults and bills, on a clock that the tour moves by hand.

Prints each step; ends 0 if the service behaved at every one. Usage: long_tour.py --ark-video PATH
"""

import argparse
import importlib
import json
import subprocess
import sys
import urllib.error
import urllib.request

RUNTIMES = [
    # Module, the models 2.5 and 2.0, and 1.0 pro fast, which has the smallest films.
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


def step(said, holds=True):
    """Says what was done, and fails the tour where it did not hold."""
    global STEPS
    STEPS += 1
    print(f"{STEPS:3}. {said}", flush=True)
    if not holds:
        sys.exit(f"step {STEPS} does not hold")


class Simulator:
    """`ark-video simulate` on a clock that stands still, for as long as the block lasts."""

    def __init__(self, ark_video, *flags):
        self.command = [ark_video, "simulate", "--addr", "127.0.0.1:0", "--manual-clock", "--seed", "1", "--json", *flags]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.ready = json.loads(self.process.stdout.readline())
        assert self.ready["ready"] is True, self.ready
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=20)

    def control(self, path, body=None):
        """Asks the control port."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.ready["control_url"] + path, data=data)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def advance(self, **time):
        self.control("/clock/advance", time)


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
        self.ark = self.client(simulator.ready["api_key"])
        self.tasks = self.ark.content_generation.tasks

    def client(self, key):
        return self.runtime.Ark(base_url=self.simulator.ready["base_url"], api_key=key, max_retries=0)

    def text(self, text="A paper boat drifts down a rainy gutter."):
        return [{"type": "text", "text": text}]

    def refused(self, said, status, code, call):
        try:
            answer = call()
        except self.error as error:
            step(f"{said}: {error.status_code} {error.code}", (error.status_code, error.code) == (status, code))
            return
        sys.exit(f"{said}: the service took what it must refuse, and answered {answer}")

    def states(self, model25, model20, small):
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
        step("seed, ratio and resolution are told", (done.seed, done.ratio, done.resolution) == (7, "16:9", "720p"))
        tiny = tasks.create(model=small, content=self.text(), resolution="480p", ratio="1:1", duration=2)
        advance(seconds=4)
        film = tasks.get(task_id=tiny.id).content.video_url
        step("its film is there", status_of(film) == 200)
        step("a part of it is there", status_of(film, Range="bytes=0-99") == 206)
        step("HEAD is refused, the link is signed for GET", status_of(film, method="HEAD") == 403)
        advance(seconds=86400)
        step("a day later the link is dead", status_of(film) == 403)
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
        slow = tasks.create(
            model=model20, content=self.text("A boat. [[fault:slow times=100000]]"), execution_expires_after=3600
        )
        advance(seconds=3600)
        step("one expires", tasks.get(task_id=slow.id).status == "expired")
        tasks.delete(made.id)
        self.refused("a deleted task is gone", 404, "ResourceNotFound", lambda: tasks.get(task_id=made.id))
        advance(seconds=7 * 86400)
        self.refused("after seven days all are", 404, "ResourceNotFound", lambda: tasks.get(task_id=fails.id))
        return model25

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
        step("a state that nobody knows does not break the runtime", tasks.get(task_id=odd.id).status == "paused")
        self.simulator.control("/faults", {"effect": {"fault": "null_items"}, "hits": 1})
        step("nor does a list without items", not tasks.list().items)
        self.simulator.control("/faults", {"effect": {"fault": "html_502"}, "when": {"endpoint": "get"}, "hits": 1})
        try:
            tasks.get(task_id=odd.id)
            sys.exit("a page of HTML was taken for a task")
        except self.error as error:
            step(f"a gateway's page is an error: {error.status_code}", error.status_code == 502)

    def bills(self):
        ledger = self.simulator.control("/ledger")
        step(f"accepted {ledger['accepted']}, billed {ledger['billed']}", 0 < ledger["billed"] < ledger["accepted"])
        step("what they cost is told", ledger["price"][0]["currency"] in ("CNY", "USD"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ark-video", required=True)
    ark_video = parser.parse_args().ark_video
    for module, model25, model20, small in RUNTIMES:
        print(f"--- {module}")
        first = STEPS
        with Simulator(ark_video) as simulator:
            tour = Tour(module, simulator)
            tour.states(model25, model20, small)
            tour.drafts(model25)
            tour.lists(model20)
            tour.refusals(model20)
            tour.faults(model20)
            tour.bills()
        with Simulator(ark_video, "--rates", "personal") as simulator:
            tour = Tour(module, simulator)
            tour.tasks.list()
            tour.refused("two lists in a second", 429, "APIAccountRpmRateLimitExceeded", tour.tasks.list)
            simulator.advance(seconds=1)
            step("a second later it is answered", tour.tasks.list().total == 0)
            ids = [tour.tasks.create(model=model20, content=tour.text()).id for _ in range(4)]
            simulator.advance(seconds=1)
            states = [tour.tasks.get(task_id=task_id).status for task_id in ids]
            step("three run, the fourth waits for a slot", states == ["running"] * 3 + ["queued"])
        print(f"--- {module}: {STEPS - first} steps")
    print(f"{STEPS} steps, all as the contract says")


if __name__ == "__main__":
    main()
