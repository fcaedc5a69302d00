"""The simulator of the Ark video-generation API, for tests in Python.

It is the command `ark-video simulate` of this package, in a process of its own:

    with ark_video.Simulator(speed=60) as simulator:
        client = Ark(base_url=simulator.base_url, api_key=simulator.api_key)

With pytest, the fixture `ark_simulator` is one for each test. This package needs no other.
"""

from ark_video.simulator import Bill, Price, Simulator, SimulatorError

__all__ = ["Bill", "Price", "Simulator", "SimulatorError"]
