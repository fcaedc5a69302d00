"""The vendor's runtime at the work of bench/src/create.rs and inline.rs; prints the same figures.

usage: peer.py create|inline BASE_URL COUNT LANES FILE
"""

import base64
import json
import sys
import threading
import time

from volcenginesdkarkruntime import Ark

mode, base_url, count, lanes, file = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]


def status_mb(name):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith(name))


def client():
    return Ark(api_key="bench", base_url=base_url)


def with_image():
    with open(file, "rb") as image:
        text = base64.b64encode(image.read()).decode()
    item = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{text}"}, "role": "first_frame"}
    return {"model": "ep-bench", "content": [item]}


def work(own, each):
    for _ in range(each):
        request = with_image() if mode == "inline" else payload
        assert own.content_generation.tasks.create(**request).id


if mode == "create":
    with open(file, encoding="utf-8") as text:
        payload = json.load(text)
each = count // lanes
clients = [client() for _ in range(lanes)]
clients[0].content_generation.tasks.create(model="ep-bench", content=[{"type": "text", "text": "x"}])
idle = status_mb("VmRSS:")
with open("/proc/self/clear_refs", "w") as clear:
    clear.write("5")
threads = [threading.Thread(target=work, args=(own, each)) for own in clients]
used, start = time.process_time(), time.perf_counter()
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
wall, used = time.perf_counter() - start, time.process_time() - used
peak = status_mb("VmHWM:")
print(
    json.dumps(
        {
            "per_second": each * lanes / wall,
            "cpu_us": used / (each * lanes) * 1e6,
            "peak_mb": peak,
            "over_idle_mb": peak - idle,
        }
    )
)
