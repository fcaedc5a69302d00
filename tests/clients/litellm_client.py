"""One action with litellm's video functions. Prints JSON lines as sdk.py does. It has no list and no cancel for these tasks."""

import base64
import json
import os
import re
import sys
import time

# Its table of prices is otherwise fetched from the network at every start.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import litellm  # noqa: E402

ACCESS = {"api_base": os.environ["ARK_BASE_URL"].removesuffix("/api/v3"), "api_key": os.environ["ARK_API_KEY"]}


def say(**line):
    print(json.dumps(line), flush=True)


def main():
    video = litellm.video_generation(
        model=f"volcengine/{os.environ['MODEL']}", prompt="A paper boat.", seconds="4", size="864x496",
        timeout=float(os.environ.get("CLIENT_TIMEOUT") or 60), **ACCESS)
    # The task's id is inside the id that it gives.
    inside = base64.b64decode(video.id.removeprefix("video_") + "==").decode(errors="replace")
    for task_id in re.findall(r"cgt-[0-9]{14}-[0-9a-z]{5}", inside):
        say(id=task_id)
    say(did="create")
    while video.status not in ("completed", "failed"):
        time.sleep(0.2)
        video = litellm.video_status(video_id=video.id, custom_llm_provider="volcengine", **ACCESS)
    if video.status == "failed":
        sys.exit("the task has failed")
    say(did="poll")
    content = litellm.video_content(video_id=video.id, custom_llm_provider="volcengine", **ACCESS)
    with open(os.environ["OUTPUT"], "wb") as file:
        file.write(content)
    say(did="download")


main()
