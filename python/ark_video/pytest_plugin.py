"""The fixture `ark_simulator` and the marker of the same name. pytest finds them by the package's entry point; the simulator is
started only for tests that request the fixture.
"""

from __future__ import annotations

from typing import Any, Iterator

import pytest

from ark_video.simulator import Simulator

# A task of four seconds then ends before a client first polls it.
SPEED = 60.0


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "ark_simulator(**settings): the settings of ark_video.Simulator for the fixture ark_simulator"
    )


@pytest.fixture
def ark_simulator(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    """A simulator of the Ark video-generation API for this test: its own port, key, tasks and bills.

    Time runs 60 times as fast. `@pytest.mark.ark_simulator(manual_clock=True)` changes the settings; those of a test override
    those of its class, and those of its module.
    """
    settings: dict[str, Any] = {}
    for marker in request.node.iter_markers("ark_simulator"):
        settings = {**marker.kwargs, **settings}
    if "manual_clock" not in settings:
        settings.setdefault("speed", SPEED)
    with Simulator(**settings) as simulator:
        yield simulator
