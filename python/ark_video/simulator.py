"""`ark-video simulate` as a context manager: starts the command of this package, reads its addresses, calls its control port, and
stops it. Knows nothing of the service: what it accepts, bills and breaks is the command's.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sysconfig
import tempfile
import threading
import urllib.error
import urllib.request
from types import TracebackType
from typing import IO, Any, Mapping, Optional, Sequence, TypedDict, Union

# Seconds until a command that prints nothing is killed, for each way to end it, and for a call of the control port.
START_TIMEOUT = 30.0
STOP_TIMEOUT = 5.0
CALL_TIMEOUT = 60.0

StrPath = Union[str, "os.PathLike[str]"]

# The control port is on this machine: no proxy of the environment can reach it.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class SimulatorError(Exception):
    """The simulator could not be started, or rejected a call of its control port. The text says why."""


class Price(TypedDict):
    """An amount of money."""

    # `CNY` or `USD`.
    currency: str
    # A decimal number as text, such as "5.0094".
    amount: str


class Bill(TypedDict):
    """A task that the service would have charged."""

    task_id: str
    # With its date, such as `doubao-seedance-2-0-260128`.
    model: str
    # As in the task's `usage`.
    tokens: int
    # None where the price list has no price.
    price: Optional[Price]
    # The header X-Client-Request-Id of the create.
    client_request_id: Optional[str]
    # Equal for equal requests: two bills with one hash are one request paid twice.
    request_hash: str
    # When it was charged, in milliseconds since 1970, by the simulator's clock.
    at: int


class Simulator:
    """A simulator on a free port of 127.0.0.1, for as long as the `with` block lasts.

    Without settings it behaves as `ark-video simulate` does by default: tasks are queued for one second and run for three, by
    a clock that runs in real time. It stops with the block, and also when this process ends in any other way.

    speed: how fast time runs; 60 makes a minute of every second. 0.01 to 1000000.
    manual_clock: stop the clock; only `advance` moves it. Not together with `speed`.
    queued, running: seconds that a task is queued, and runs.
    faults: a fault plan: a file in TOML or JSON, or the same as a mapping.
    catalog: a file that overrides the built-in models, limits and prices.
    dialect: the response format of a reseller: a built-in name, or a JSON file.
    rates: apply the rate limits of an account, "company" or "personal".
    seed: equal seeds and calls give equal ids, faults and videos.
    arguments: further arguments of `ark-video simulate`.
    command: the `ark-video` command; by default the one that was installed with this package, then the one of the PATH.
    """

    base_url: str
    """The address of the API, with its prefix: what a client takes as its base URL."""
    api_key: str
    """The key that it accepts."""
    control_url: str
    """The address of the status page and the control port."""

    def __init__(
        self,
        *,
        speed: Optional[float] = None,
        manual_clock: bool = False,
        queued: Optional[float] = None,
        running: Optional[float] = None,
        faults: Union[StrPath, Mapping[str, Any], None] = None,
        catalog: Optional[StrPath] = None,
        dialect: Optional[StrPath] = None,
        rates: Optional[str] = None,
        seed: Optional[int] = None,
        arguments: Sequence[str] = (),
        command: Optional[StrPath] = None,
    ) -> None:
        self._command = command
        self._plan = faults if isinstance(faults, Mapping) else None
        self._arguments = ["simulate", "--addr", "127.0.0.1:0", "--until-stdin-closes"]
        flags = {
            "--speed": speed,
            "--queued": None if queued is None else _milliseconds(queued),
            "--running": None if running is None else _milliseconds(running),
            "--faults": None if isinstance(faults, Mapping) else faults,
            "--catalog": catalog,
            "--dialect": dialect,
            "--rates": rates,
            "--seed": seed,
        }
        for flag, value in flags.items():
            if value is not None:
                self._arguments += [flag, os.fspath(value) if isinstance(value, os.PathLike) else str(value)]
        if manual_clock:
            self._arguments.append("--manual-clock")
        self._arguments += arguments
        self._process: Optional[subprocess.Popen[str]] = None

    def __enter__(self) -> Simulator:
        self.start()
        return self

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Starts it; the `with` statement calls this.

        Raises SimulatorError if the command is missing, does not start, or rejects a setting.
        """
        if self._process is not None:
            raise SimulatorError("the simulator runs already")
        # A file and not a pipe: notes of a long run would fill a pipe that nothing reads.
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as diagnostics:
            process = self._launch(diagnostics)
            line = _first_line(process)
            try:
                ready = json.loads(line)
                self.base_url, self.api_key, self.control_url = (
                    ready[field] for field in ("base_url", "api_key", "control_url")
                )
            except (LookupError, TypeError, ValueError):
                _end(process)
                diagnostics.seek(0)
                printed = (line + diagnostics.read()).strip() or "it printed nothing"
                reason = f"the simulator did not start (exit code {process.returncode}): {printed}"
                raise SimulatorError(reason) from None
        self._process = process
        if self._plan is not None:
            try:
                self._call("PUT", "/faults", self._plan)
            except SimulatorError:
                self.stop()
                raise

    def stop(self) -> None:
        """Stops it and waits for its end. Does nothing if it does not run."""
        process, self._process = self._process, None
        if process is not None:
            _end(process)

    def bills(self) -> list[Bill]:
        """What the service would have charged so far, oldest first. A task is charged when it succeeds."""
        bills: list[Bill] = self._call("GET", "/bills")
        return bills

    def ledger(self) -> dict[str, Any]:
        """The account of all accepted creates: counts, sums, distinct requests, videos that were never downloaded."""
        ledger: dict[str, Any] = self._call("GET", "/ledger")
        return ledger

    def advance(self, seconds: float) -> None:
        """Moves the clock forward at once. All events that are due happen in order, each at its own time."""
        self._call("POST", "/clock/advance", {"millis": round(seconds * 1000)})

    def fail_next(self, fault: str, *, endpoint: Optional[str] = None, hits: int = 1, **parameters: Any) -> None:
        """Injects a fault into the next call, or the next `hits` calls, that it applies to.

        The names, their parameters and the endpoints are those of the guide, such as `fail_next("accept_then_drop")` or
        `fail_next("status", endpoint="get", status=503)`. Raises SimulatorError if there is no such fault.
        """
        when = {} if endpoint is None else {"endpoint": endpoint}
        self._call("POST", "/faults", {"when": when, "effect": {"fault": fault, **parameters}, "hits": hits})

    def reset(self) -> None:
        """Deletes all tasks and bills; the settings stay."""
        self._call("POST", "/reset", {})

    def _launch(self, diagnostics: IO[str]) -> subprocess.Popen[str]:
        command = _command() if self._command is None else os.fspath(self._command)
        # The write end of its standard input is closed when this process ends, however that happens.
        try:
            return subprocess.Popen(
                [command, *self._arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=diagnostics,
                encoding="utf-8",
            )
        except OSError as error:
            raise SimulatorError(f"{command} cannot be started: {error.strerror}") from error

    def _call(self, method: str, path: str, body: Optional[Mapping[str, Any]] = None) -> Any:
        if self._process is None:
            raise SimulatorError("the simulator does not run: use it inside of its `with` block")
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.control_url + path, data=data, method=method)
        try:
            with _direct.open(request, timeout=CALL_TIMEOUT) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            raise SimulatorError(f"{method} {path} was rejected: {json.load(error)['error']}") from None
        except OSError as error:
            raise SimulatorError(f"the simulator does not respond: {error}") from error


def _command() -> str:
    """The command that pip put beside the Python that runs this; else that of the PATH."""
    name = "ark-video" + (sysconfig.get_config_var("EXE") or "")
    beside = os.path.join(sysconfig.get_path("scripts"), name)
    found = beside if os.path.isfile(beside) else shutil.which(name)
    if found is None:
        raise SimulatorError(f"the command {name} is not installed: install the wheel of ark-video, or pass command=")
    return found


def _first_line(process: subprocess.Popen[str]) -> str:
    """The first line of its output; empty if it ended without one, or was killed because it printed none in time."""
    assert process.stdout is not None
    timer = threading.Timer(START_TIMEOUT, process.kill)
    timer.start()
    try:
        return process.stdout.readline()
    finally:
        timer.cancel()


def _end(process: subprocess.Popen[str]) -> None:
    """Ends the process and waits for that."""
    assert process.stdin is not None and process.stdout is not None
    # A child that this process forked meanwhile may hold the pipe open: then a signal ends it.
    for end in (process.stdin.close, process.terminate, process.kill):
        end()
        try:
            process.wait(STOP_TIMEOUT)
            break
        except subprocess.TimeoutExpired:
            continue
    process.stdout.close()


def _milliseconds(seconds: float) -> str:
    return f"{round(seconds * 1000)}ms"
