"""The module and the fixture, against the installed command. tests/python/wheel.py runs this in a fresh virtual environment."""

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

import ark_video

BODY = {
    "model": "doubao-seedance-2-0-260128",
    "content": [{"type": "text", "text": "A paper boat drifts down a rainy gutter."}],
}


def create(simulator, body=BODY):
    """Creates a task without a runtime of the vendor's, and without retries."""
    request = urllib.request.Request(
        simulator.base_url + "/contents/generations/tasks",
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {simulator.api_key}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=20) as response:
        return json.load(response)["id"]


@pytest.mark.ark_simulator(manual_clock=True)
def test_a_bill_comes_when_the_clock_reaches_the_end_of_the_task(ark_simulator):
    task_id = create(ark_simulator)
    ark_simulator.advance(3.999)
    assert ark_simulator.bills() == []
    ark_simulator.advance(0.001)
    (bill,) = ark_simulator.bills()
    assert bill["task_id"] == task_id
    assert bill["price"] == {"currency": "CNY", "amount": "5.0094"}
    assert ark_simulator.ledger()["never_downloaded"] == [task_id]
    ark_simulator.reset()
    assert ark_simulator.bills() == []


@pytest.mark.ark_simulator(manual_clock=True, queued=0.5, running=0.25, seed=7)
class TestSettings:
    def test_times_are_seconds(self, ark_simulator):
        create(ark_simulator)
        ark_simulator.advance(0.75)
        assert len(ark_simulator.bills()) == 1

    @pytest.mark.ark_simulator(running=60)
    def test_a_test_overrides_its_class(self, ark_simulator):
        create(ark_simulator)
        ark_simulator.advance(60)
        assert ark_simulator.bills() == []


def test_every_test_has_a_simulator_of_its_own(ark_simulator):
    with ark_video.Simulator() as other:
        assert other.base_url != ark_simulator.base_url and other.api_key != ark_simulator.api_key
        create(ark_simulator)
        assert other.ledger()["accepted"] == 0 and ark_simulator.ledger()["accepted"] == 1


def test_a_fault_is_injected_once_and_where_it_was_wanted(ark_simulator):
    ark_simulator.fail_next("status", endpoint="create", status=503, accepted=True)
    with pytest.raises(urllib.error.HTTPError, match="503"):
        create(ark_simulator)
    create(ark_simulator)
    assert ark_simulator.ledger()["accepted"] == 2


def test_a_plan_of_faults_is_a_mapping_or_a_file(tmp_path):
    plan = {"rules": [{"when": {"endpoint": "create", "every": 2}, "effect": {"fault": "html_502"}}]}
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(plan))
    for faults in (plan, file, str(file)):
        with ark_video.Simulator(faults=faults) as simulator:
            create(simulator)
            with pytest.raises(urllib.error.HTTPError, match="502"):
                create(simulator)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"command": "/nowhere/ark-video"}, "/nowhere/ark-video cannot be started"),
        ({"command": sys.executable}, "exit code 2"),
        ({"command": shutil.which("echo")}, "simulate --addr"),
        ({"speed": 0}, "0.01x to 1000000x"),
        ({"rates": "rich"}, "company, personal"),
        ({"dialect": "klingon"}, "klingon"),
        ({"faults": "none.toml"}, "none.toml"),
        ({"faults": {"rules": [{"effect": {"fault": "explode"}}]}}, "explode"),
        ({"arguments": ["--no-such-flag"]}, "--no-such-flag"),
    ],
)
def test_what_cannot_start_says_why(settings, reason):
    with pytest.raises(ark_video.SimulatorError) as error:
        ark_video.Simulator(**settings).start()
    assert reason in str(error.value)


def test_a_missing_command_is_named(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("sysconfig.get_path", lambda name: "/nowhere")
    with pytest.raises(ark_video.SimulatorError, match="install the wheel"):
        ark_video.Simulator().start()


def test_calls_that_make_no_sense_are_rejected(ark_simulator):
    for call in (
        lambda: ark_simulator.fail_next("explode"),
        lambda: ark_simulator.fail_next("null_items", endpoint="create"),
        lambda: ark_simulator.fail_next("status", status=99),
        lambda: ark_simulator.advance(-1),
        ark_simulator.start,
        ark_video.Simulator().bills,
    ):
        with pytest.raises(ark_video.SimulatorError):
            call()


def test_a_proxy_of_the_environment_is_not_used(monkeypatch, ark_simulator):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert ark_simulator.bills() == []


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="waits for a process that is not its child, as Linux can")
def test_the_simulator_ends_with_a_process_that_was_killed():
    code = "import ark_video, time; s = ark_video.Simulator(); s.start(); print(s._process.pid, flush=True); time.sleep(60)"
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    simulator = os.pidfd_open(int(parent.stdout.readline()))
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    ended, _, _ = select.select([simulator], [], [], 20)
    os.close(simulator)
    assert ended, "the simulator still runs"
