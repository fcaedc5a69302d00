"""The faults of tests/faults.json against the vendor's Python runtime, unchanged, with its own retries: what its caller gets, what
one intent costs, and how many bills have an id that its caller never got.

Each row has a simulator of its own, whose clock stands still. The outcome is written to tests/python/faults.json, or compared
with it (--check); `cargo xtask faults` does both. Usage: faults.py --ark-video PATH [--check]
"""

import argparse
import concurrent.futures
import datetime
import importlib.metadata
import json
import pathlib
import sys
import urllib.error

from simulator import Simulator
from volcenginesdkarkruntime import Ark

TESTS = pathlib.Path(__file__).resolve().parent.parent
RECORD = TESTS / "python" / "faults.json"
PACKAGE = "volcengine-ark-runtime"
MODEL = "doubao-seedance-1-0-pro-fast-251015"
SMALL = {"model": MODEL, "resolution": "480p", "ratio": "1:1", "duration": 2}
FAILS = "A paper boat. [[fail:OutputVideoSensitiveContentDetected]]"

# Seconds until a caller has had enough of a silence. Everything else is answered in milliseconds and waited for as by default.
TIMEOUT = 1.0
AT_ONCE = 24


def text(prompt):
    return [{"type": "text", "text": prompt}]


class World(Simulator):
    """A simulator whose clock stands still, the runtime as a caller has it, and the same without repeats."""

    def __init__(self, ark_video, row):
        super().__init__(ark_video, "--manual-clock", "--seed", "1")
        self.timeout = {"timeout": TIMEOUT} if keeps_silent(row) else {}

    def __enter__(self):
        super().__enter__()
        access = {"base_url": self.base_url, "api_key": self.api_key}
        self.tasks = Ark(**access, **self.timeout).content_generation.tasks
        self.without_retries = Ark(**access, max_retries=0).content_generation.tasks
        return self

    def end_of(self, prompt):
        """A task that has come to its end."""
        made = self.without_retries.create(content=text(prompt), **SMALL)
        self.advance(seconds=60)
        return made.id

    def inject(self, effect, place, once):
        """Lets it go wrong; False where the fault has no meaning."""
        rule = {"effect": effect, "when": {"endpoint": place}}
        if once and effect["fault"] == "shifting_pages":
            rule["when"]["nth"] = 2
        elif once:
            rule["hits"] = 1
        try:
            self.control("/faults", rule)
        except urllib.error.HTTPError as error:
            if b"has no meaning" in error.read():
                return False
            raise
        return True


def keeps_silent(row):
    effect = row["effect"]
    return effect["fault"].startswith("hang") or effect.get("millis", 0) >= 3600000


def create(world, row, once):
    world.control("/reset", {})
    place = "create"
    if not world.inject(row["effect"], place, once):
        place = "callback"
        if not world.inject(row["effect"], place, once):
            return None
    request = dict(SMALL)
    if place == "callback":
        request["callback_url"] = "http://127.0.0.1:9/ark"
    if row.get("asks") == "what is refused":
        request["ratio"] = "2:1"
    known = None
    try:
        known = world.tasks.create(content=text("A paper boat."), **request).id
        result = "accepted" if known else "accepted, no id"
    except Exception as error:
        result = error_of(error)
    world.advance(seconds=86400)
    billed = [bill["task_id"] for bill in world.control("/bills")]
    return result, len(billed), len([task for task in billed if task != known])


def error_of(error):
    return type(error).__name__.removeprefix("Ark")


def asked(world, row, place, once, prepare, ask):
    world.control("/reset", {})
    subject = prepare()
    if not world.inject(row["effect"], place, once):
        return None
    bills = world.control("/ledger")["billed"]
    try:
        result = ask(subject)
    except Exception as error:
        result = error_of(error)
    assert world.control("/ledger")["billed"] == bills, f"{place} was billed"
    return result


def get(world, row, once):
    def ask(task):
        found = world.tasks.get(task_id="cgt-20261122101530-nobod" if row.get("asks") == "what is refused" else task)
        return compared([found], [task]) if found.id == task else "a wrong answer, unsaid"

    return asked(world, row, "get", once, lambda: world.end_of(FAILS if row.get("asks") == "what failed" else "A boat."), ask)


def listed(world, row, once):
    def ask(ids):
        status = "sleeping" if row.get("asks") == "what is refused" else None
        found = []
        for page in range(1, len(ids) + 2):
            items = world.tasks.list(page_num=page, page_size=2, **({"status": status} if status else {})).items or []
            found += items
            if len(items) < 2:
                break
        return compared(found, ids)

    return asked(world, row, "list", once, lambda: [world.end_of(p) for p in ("A boat.", "A train.", FAILS, "A kite.", "A lamp.")], ask)


def compared(found, ids):
    """Whether what came is what there is."""
    if sorted({task.id for task in found}) != sorted(ids):
        return "fewer, unsaid"
    states = {"succeeded", "failed"}
    if any(task.status not in states for task in found):
        return "answered, state unknown"
    if any(task.status == "failed" and not task.error for task in found):
        return "answered, cause missing"
    return "answered"


def delete(world, row, once):
    def ask(task):
        world.tasks.delete(task)
        return "done"

    return asked(world, row, "delete", once, lambda: world.end_of("A paper boat."), ask)


def both(first, second):
    return first if first == second else f"{first}; each time: {second}"


def run(ark_video, row):
    with World(ark_video, row) as world:
        made = [create(world, row, once) for once in (True, False)]
        outcome = {"effect": row["effect"]}
        if made[0]:
            outcome["create"] = {
                "outcome": both(made[0][0], made[1][0]),
                "bills": max(made[0][1], made[1][1]),
                "unreported": max(made[0][2], made[1][2]),
            }
        for place, ask in (("get", get), ("list", listed), ("delete", delete)):
            result = [ask(world, row, once) for once in (True, False)]
            if result[0]:
                outcome[place] = both(*result)
        return outcome


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ark-video", required=True)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    faults = json.loads((TESTS / "faults.json").read_text())
    # Those that keep silent for long begin first.
    order = sorted(range(len(faults)), key=lambda at: not keeps_silent(faults[at]))
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        running = {at: pool.submit(run, options.ark_video, faults[at]) for at in order}
        rows = [running[at].result() for at in range(len(faults))]
    runtime = f"{PACKAGE} {importlib.metadata.version(PACKAGE)}"
    recorded = json.loads(RECORD.read_text())
    same = (recorded["runtime"], recorded["rows"]) == (runtime, rows)
    bills = [row["create"]["bills"] for row in rows if "create" in row]
    print(f"{runtime}: {len(bills)} faults of a create, {sum(count > 1 for count in bills)} paid more than once, at most {max(bills)} times")
    if same:
        print("as recorded in tests/python/faults.json")
    elif options.check:
        for row in (row for row in rows if row not in recorded["rows"]):
            print(f"not as recorded: {json.dumps(row)}")
        sys.exit("tests/python/faults.json is not what the runtime does; `cargo xtask faults` writes it again")
    else:
        lines = ",\n".join("    " + json.dumps(row) for row in rows)
        date = datetime.date.today().isoformat()
        RECORD.write_text(f'{{\n  "runtime": "{runtime}",\n  "date": "{date}",\n  "rows": [\n{lines}\n  ]\n}}\n')
        print("written to tests/python/faults.json")


if __name__ == "__main__":
    main()
