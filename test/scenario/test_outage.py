"""A server that is away, that is not ready, that cuts connections, or that comes back older."""

import contextlib

import pytest
from fake import kubestatus
from fake.fakeserver import hang
from fake.kubefake import status
from fake.kuberequest import asks
from fake.kubewatch import event
from rig import NODEPOOL, SERVICE, WATCHED

SERVICES = SERVICE[0]


def go_away(rig, how="reset"):
    rig.until_old()
    rig.server.stop_listening()
    rig.server.close_connections(how)
    rig.until_lost()
    rig.mark()


def resumed(rig, rewound=False):
    """Every watch once, over one connection; each looks for a rewind first.

    One object is listed for it. A collection is asked for one object, and listed when need be.
    """
    rig.until("it is said", lambda: rig.lines("API server reachable again"))
    rig.until_watching()
    for plural, name in WATCHED:
        reads = rig.reads(plural, name or None)
        lists = 2 if rewound and not name else 1
        assert [verb for verb, _ in reads] == ["list"] * lists + ["watch"], reads
        assert reads[0][1] is None
    assert len({watch.request.connection for watch in rig.fake.open_watches()}) == 1


@pytest.mark.parametrize("how", ["reset", "orderly"])
def test_refused_connections(rig, how):
    rig.begin()
    go_away(rig, how)
    rig.drift()
    rig.server.listen()
    rig.until_repaired()
    resumed(rig)
    rig.drift_is_repaired()


def test_nothing_changed_in_an_outage(rig):
    """Then nothing is written either."""
    rig.begin()
    go_away(rig)
    rig.server.listen()
    resumed(rig)
    rig.drift_is_repaired()
    assert len(rig.writes()) == 1


def test_away_at_the_start(rig):
    rig.server.stop_listening()
    rig.start()
    rig.until("it is said", lambda: rig.lines("WARN", "API server not reachable"))
    assert rig.lines("API server not reachable", "connect to 127.0.0.1")
    rig.server.listen()
    rig.until_repaired()
    rig.until_watching()
    rig.drift_is_repaired()


def test_not_ready_is_asked_twice_a_second(rig):
    """One question for the whole operator; each watch that was refused backs off by itself."""
    rig.begin()
    rig.until_old()
    rig.fake.ready = 500
    rule = rig.fake.fault_always(
        lambda request: request.path.startswith("/api"),
        status(kubestatus.failure(503, "ServiceUnavailable", "not yet")))
    rig.server.close_connections("orderly")
    rig.drift()
    rig.until("many questions", lambda: len(rig.asked_readyz()) >= 8)
    first, *_, last = rig.asked_readyz()[1:8]
    assert last.time - first.time > 6 * 0.3
    for plural, name in WATCHED:
        assert len(rig.reads(plural, name or None)) <= 10, rig.lines_of_requests()
    assert not rig.writes()
    rule.lift()
    rig.fake.ready = 200
    rig.until_repaired()
    rig.until_watching()
    rig.drift_is_repaired()


def test_not_ready_says_when_to_ask_again(rig):
    rig.begin()
    busy = kubestatus.failure(503, "ServiceUnavailable", "starting")
    rig.fake.fault(lambda request: request.path == "/readyz", status(busy, retry_after=3))
    rig.fake.fault(asks("watch", SERVICES), status(busy))
    rig.fake.watch(SERVICES).end()
    rig.until("it is asked again", lambda: len(rig.asked_readyz()) >= 2)
    first, second = rig.asked_readyz()[:2]
    assert second.time - first.time > 2.9
    rig.until_watching()
    rig.drift_is_repaired()


def test_idle_connections_are_cut_again_and_again(rig):
    """By a load balancer: each time the watches go on, from where they were and at once."""
    rig.begin()
    for _ in range(3):
        version = str(rig.fake.bookmark())
        for watch in rig.fake.open_watches():
            watch.until_sent()
        rig.mark()
        rig.server.close_connections("orderly")
        for plural, name in WATCHED:
            reads = rig.until_reads(1, plural, name or None)
            assert reads == [("watch", version)], (plural, name, reads)
        rig.until_watching()
    rig.drift_is_repaired()
    assert len(rig.writes()) == 1
    assert not rig.asked_readyz()


def behind(rig, condition):
    """The right answer, but not before the condition holds, or will not hold any more."""

    def answer(request, reply):
        with contextlib.suppress(AssertionError):
            rig.until("it may be answered", condition, seconds=5)
        rig.fake.serve(request, reply)

    return answer


def restored(rig):
    """The versions went back: a watch at the old one would be accepted and silent for long."""
    backup = rig.fake.snapshot()
    rig.begin()
    rig.fake.bookmark(skip=1000)
    go_away(rig)
    rig.fake.restore(backup)
    assert rig.annotation() is None
    rig.server.listen()
    rig.until_repaired()
    resumed(rig, rewound=True)


def record_is_made(rig):
    rig.until("the record is there again",
              lambda: rig.fake.get("configmaps", "yurt-steward-state"), seconds=10)


def test_etcd_restored_from_a_backup(rig):
    """All is made anew, what was there before is recorded first."""
    state_watched = asks("watch", "configmaps", "yurt-steward-state")
    rig.fake.fault(asks("list", SERVICES), behind(rig, lambda: rig.requests(state_watched)))
    restored(rig)
    record_is_made(rig)
    rig.drift_is_repaired()


def test_record_comes_last_after_a_restore(rig):
    """The Service is known to be another before the record is known to be gone."""
    rig.fake.fault(asks("list", "configmaps", "yurt-steward-state"),
                   behind(rig, lambda: rig.writes() and rig.annotation()))
    restored(rig)
    record_is_made(rig)


def test_version_in_the_future(rig):
    """A server that is behind what was seen refuses to list there: then the newest it has."""
    backup = rig.fake.snapshot()
    rig.begin()
    held = rig.fake.bookmark(skip=100)
    rig.fake.watch(SERVICES).until_sent()
    rig.fake.restore(backup)
    rig.fake.watch(SERVICES).send(event("ERROR", kubestatus.expired(1, 2)))
    wanted = [("stream", str(held)), ("list", None), ("watch", str(backup[0]))]
    assert rig.until_reads(3, SERVICES) == wanted
    rig.until_repaired()
    rig.drift_is_repaired()
    assert rig.reads(SERVICES) == wanted


def test_frozen_server(rig):
    """Connections stay, nothing comes any more: noticed by a heartbeat, not by TCP."""
    rig.begin()
    rule = rig.fake.fault_always(lambda _request: True, hang())
    for watch in rig.fake.open_watches():
        watch.deaf = True
    rig.drift()
    rig.until("it is noticed", lambda: rig.lines("WARN", "API server not reachable"))
    rule.lift()
    rig.until_repaired()
    rig.until_watching()
    rig.drift_is_repaired()


def test_accepts_and_says_nothing(rig):
    """Not even a handshake: each probe has its second, and the first answer wins."""
    rig.begin()
    rig.until_old()
    rig.server.silent = True
    rig.server.close_connections()
    rig.drift()
    rig.until_lost()
    rig.mark()
    rig.server.silent = False
    rig.until_repaired()
    resumed(rig)
    rig.drift_is_repaired()


def test_rolling_restart_behind_one_address(rig):
    """Again and again, each time with a drift: no write is made twice."""
    rig.begin()
    for _ in range(3):
        before = rig.fake.get(*SERVICE)["metadata"]["resourceVersion"]
        rig.server.stop_listening()
        rig.server.close_connections()
        rig.drift()
        rig.server.listen()
        rig.until("the drift is repaired", lambda: rig.annotation() == NODEPOOL)
        rig.until_watching()
        assert int(rig.fake.get(*SERVICE)["metadata"]["resourceVersion"]) > int(before)
    assert len(rig.writes()) == 3, rig.lines_of_requests()
