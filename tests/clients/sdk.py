"""One action with a Python runtime of the vendor's family, as its samples do it. Prints JSON lines: `{"id": ..}` as soon as
an id is known, then `{"did": ..}` for each operation that worked. Usage: sdk.py MODULE job|tour"""

import importlib
import json
import os
import sys
import time
import urllib.request

MODULE, ACTION = sys.argv[1], sys.argv[2]
MODEL = os.environ["MODEL"]


def say(**line):
    print(json.dumps(line), flush=True)


def status(task):
    return str(getattr(task.status, "value", task.status))


def create(tasks, prompt):
    task_id = tasks.create(model=MODEL, content=[{"type": "text", "text": prompt}], resolution="480p", duration=4).id
    say(id=task_id)
    return task_id


def wait(tasks, task_id):
    while True:
        task = tasks.get(task_id=task_id)
        if status(task) == "succeeded":
            return task
        if status(task) in ("failed", "cancelled", "expired"):
            sys.exit(f"the task is {status(task)}")
        time.sleep(0.2)


def main():
    timeout = {"timeout": float(os.environ["CLIENT_TIMEOUT"])} if os.environ.get("CLIENT_TIMEOUT") else {}
    module = importlib.import_module(MODULE)
    ark = module.Ark(base_url=os.environ["ARK_BASE_URL"], api_key=os.environ["ARK_API_KEY"], **timeout)
    tasks = ark.content_generation.tasks
    task_id = create(tasks, "A paper boat.")
    say(did="create")
    task = wait(tasks, task_id)
    say(did="poll")
    urllib.request.urlretrieve(task.content.video_url, os.environ["OUTPUT"])
    say(did="download")
    if ACTION == "tour":
        assert task_id in [item.id for item in tasks.list(page_size=20).items]
        say(did="list")
        # Deleting a queued task cancels it.
        cancelled = create(tasks, "A kite.")
        tasks.delete(task_id=cancelled)
        say(did="cancel")


main()
