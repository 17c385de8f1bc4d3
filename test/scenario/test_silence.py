"""Requests that are accepted and not answered. Each of these waits for a deadline.

A watch that is alive and silent while its connection lives ends after 3 minutes: that one is marked
slow, and `make test-scenario SCENARIOS=` runs it too. A server that is frozen is in test_outage.py.
"""

import pytest
from fake.fakeserver import hang
from fake.kubefake import frames
from fake.kuberequest import asks
from rig import SERVICE

SERVICES = SERVICE[0]
pytestmark = pytest.mark.long


def test_watch_without_a_head(rig):
    """15 s; then again from the same version, and nobody else has noticed."""
    rig.begin()
    held = rig.held()
    rig.fake.fault(asks("watch", SERVICES), hang())
    rig.fake.watch(SERVICES).end()
    assert rig.until_reads(2, SERVICES) == [("watch", held), ("watch", held)]
    first, second = rig.requests(asks("watch", SERVICES))
    assert second.time - first.time > 14
    rig.until_watching()
    rig.drift_is_repaired()
    assert not rig.others(SERVICES)


def test_stream_without_a_head(rig):
    """10 s, then a list."""
    rig.fake.fault(asks("stream", SERVICES), hang())
    rig.begin()
    rig.start_of = 0
    assert [verb for verb, _ in rig.reads(SERVICES)] == ["stream", "list", "watch"]
    rig.drift_is_repaired()


def test_stream_that_stops_in_mid_event(rig):
    rig.fake.fault(asks("stream", SERVICES), frames('{"type":"ADDED","object":{"ki', end=False))
    rig.begin()
    rig.start_of = 0
    assert [verb for verb, _ in rig.reads(SERVICES)] == ["stream", "list", "watch"]
    rig.drift_is_repaired()


def test_list_that_stops_in_the_middle(rig):
    """30 s without a byte, then anew; the half of it is forgotten."""
    rig.fake.streams = False
    rig.fake.fault(asks("list", SERVICES), frames('{"kind":"ServiceList","items":[', end=False))
    rig.begin()
    rig.start_of = 0
    verbs = [verb for verb, _ in rig.reads(SERVICES)]
    assert verbs[:2] == ["stream", "list"] and verbs[-2:] == ["list", "watch"], verbs
    rig.drift_is_repaired()


def test_write_that_is_never_answered(rig):
    """30 s; what became of it is looked up before anything is written again."""
    rig.begin()
    rig.fake.fault(asks("patch", SERVICES), hang())
    rig.drift()
    rig.until_repaired()
    rig.until_watching()
    first, second = rig.writes()
    assert second.time - first.time > 29
    rig.drift_is_repaired()


def test_stop_while_a_write_is_never_answered(rig):
    """The stop has an end of its own, well before a pod is killed."""
    rig.begin()
    rig.fake.fault(asks("patch", SERVICES), hang())
    rig.drift()
    rig.until("the write", rig.writes)
    rig.process.terminate()
    assert rig.process.wait(40) == 1
    assert rig.lines("the stop took too long")


@pytest.mark.slow
def test_watch_that_is_alive_and_silent(rig):
    """3 minutes without an event or a bookmark, on a connection that lives; then it is asked anew."""
    rig.begin()
    held = rig.held()
    rig.until("the watch is asked anew", lambda: rig.reads(SERVICES), 240)
    assert rig.reads(SERVICES) == [("watch", held)]
    assert len(rig.lines("API server not reachable")) == 0
    rig.until_watching()
    rig.drift_is_repaired()
