"""Scenarios run several at a time: most of their time is waiting for a back-off or a deadline.

A scenario is a test function whose argument `rig` is a Rig (rig.py) of its own. All that were
selected are begun, a few at a time, when the session has collected them, those marked "long"
first; pytest takes their results in its usual order.
"""

import concurrent.futures
import pathlib
import signal
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import rig as rigs  # noqa: E402  (needs the path above)

AT_A_TIME = 12


@pytest.fixture
def rig():
    """Made in the thread of the scenario: this only tells pytest of the name."""


class Scenario:
    def __init__(self, item):
        callspec = getattr(item, "callspec", None)
        self.function = item.function
        self.arguments = callspec.params if callspec else {}
        self.rig = None

    def run(self):
        with rigs.Rig() as self.rig:
            self.function(rig=self.rig, **self.arguments)


class Runner:
    def __init__(self):
        self.pool = concurrent.futures.ThreadPoolExecutor(AT_A_TIME)
        self.scenarios = {}

    def pytest_collection_finish(self, session):
        if session.config.option.collectonly:
            return
        for item in sorted(session.items, key=lambda item: not item.get_closest_marker("long")):
            if "rig" in getattr(item, "fixturenames", ()):
                scenario = Scenario(item)
                self.scenarios[item] = scenario, self.pool.submit(scenario.run)

    def pytest_pyfunc_call(self, pyfuncitem):
        if pyfuncitem not in self.scenarios:
            return None
        scenario, future = self.scenarios.pop(pyfuncitem)
        try:
            future.result()
        finally:
            print(scenario.rig.report)
        return True

    def pytest_sessionfinish(self):
        rigs.abort.set()
        self.pool.shutdown(cancel_futures=True)


def pytest_configure(config):
    assert rigs.PROGRAM.exists(), f"{rigs.PROGRAM} is not built"
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # clean up as after Ctrl-C
    config.addinivalue_line("markers", "slow: takes minutes; the Makefile leaves it out")
    config.addinivalue_line("markers", "long: waits for a deadline of many seconds; begun first")
    config.pluginmanager.register(Runner())
