"""The error table of list and watch: each row with the requests that it asks for, and no others.

The watch of the Service is the one that meets with trouble; nobody else may notice.
"""

import pytest
from fake import kubestatus
from fake.kubefake import frames, in_stream, status
from fake.kuberequest import asks
from fake.kubewatch import event
from rig import SERVICE

SERVICES = SERVICE[0]
WATCH = asks("watch", SERVICES)
STREAM = asks("stream", SERVICES)
LIST = asks("list", SERVICES)
NO_CODE = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Gone",
           "message": "the event in requested index is outdated"}


def settled(rig, reads):
    """These were the reads, nobody else read anything, and the next drift is repaired so."""
    assert rig.until_reads(len(reads), SERVICES) == reads
    rig.until_watching()
    rig.drift_is_repaired()
    assert rig.reads(SERVICES) == reads
    assert not rig.others(SERVICES)


def trouble_in_stream(rig, *pieces):
    """In the open watch, which then ends; the version that it had come to."""
    rig.begin()
    watch = rig.fake.watch(SERVICES)
    for piece in pieces:
        watch.send(piece)
    watch.end()
    return rig.held()


def trouble_at_start(rig, *answers):
    """The watch ends well, and the next ones are answered like this."""
    rig.begin()
    rig.fake.fault(WATCH, *answers)
    rig.fake.watch(SERVICES).end()
    return rig.held()


def test_clean_end_watches_again(rig):
    held = trouble_in_stream(rig)
    settled(rig, [("watch", held)])


def test_bookmark_moves_the_version(rig):
    rig.begin()
    version = rig.fake.bookmark(skip=100)
    rig.fake.watch(SERVICES).end()
    settled(rig, [("watch", str(version))])


def test_end_at_once_without_an_event_relists(rig):
    """In under a second; a watch that never lives is no watch."""
    held = trouble_at_start(rig, frames())
    settled(rig, [("watch", held), ("stream", held)])


def test_ends_again_and_again_are_no_hot_loop(rig):
    """Watches that end after an event each start a second apart, or there about."""
    rig.begin()
    ends = [frames(rig.service_event()) for _ in range(3)]
    rig.fake.fault(WATCH, *ends)
    rig.fake.watch(SERVICES).end()
    rig.until_reads(4, SERVICES)
    starts = [request.time for request in rig.requests(WATCH)]
    assert starts[3] - starts[0] > 2
    rig.drift_is_repaired()
    assert [verb for verb, _ in rig.reads(SERVICES)] == ["watch"] * 4


@pytest.mark.parametrize("body", [kubestatus.expired(1, 2), kubestatus.gone(), NO_CODE],
                         ids=["expired", "gone", "reason-only"])
def test_gone_in_stream_relists_at_the_last_version(rig, body):
    held = trouble_in_stream(rig, event("ERROR", body))
    settled(rig, [("stream", held)])
    assert rig.lines("cannot watch services", body["reason"])


@pytest.mark.parametrize("body", [kubestatus.expired(1, 2), kubestatus.gone()],
                         ids=["expired", "gone"])
def test_gone_at_start_relists_at_the_last_version(rig, body):
    held = trouble_at_start(rig, status(body))
    settled(rig, [("watch", held), ("stream", held)])
    assert rig.lines("cannot watch services", "410", body["reason"])


def test_compacted_while_the_watch_was_away(rig):
    """As the real server says it: in the stream of a watch that it accepted."""
    rig.begin()
    held = rig.held()
    rig.fake.version += 50
    rig.fake.compact()
    rig.fake.watch(SERVICES).end()
    settled(rig, [("watch", held), ("stream", held)])


def test_gone_everywhere_lists_the_newest(rig):
    gone = status(kubestatus.expired(1, 2))
    rig.fake.fault(STREAM, None, gone)
    rig.fake.fault(LIST, gone)
    held = trouble_at_start(rig, gone)
    wanted = [("watch", held), ("stream", held), ("list", held), ("list", None)]
    assert rig.until_reads(5, SERVICES)[:4] == wanted
    settled(rig, [*wanted, ("watch", rig.reads(SERVICES)[4][1])])
    newest = rig.requests(LIST)[1].query
    assert "resourceVersionMatch" not in newest and newest["limit"] == "500"


@pytest.mark.parametrize("body", [kubestatus.too_large_version(9, 8),
                                  kubestatus.too_large_version_legacy(9, 8)],
                         ids=["cause", "legacy"])
def test_too_large_version_lists_the_newest(rig, body):
    rig.fake.fault(STREAM, None, status(body))
    held = trouble_at_start(rig, status(kubestatus.expired(1, 2)))
    wanted = [("watch", held), ("stream", held), ("list", None)]
    assert rig.until_reads(4, SERVICES)[:3] == wanted
    settled(rig, [*wanted, ("watch", rig.reads(SERVICES)[3][1])])


@pytest.mark.parametrize("body", [kubestatus.too_large_version(9, 8),
                                  kubestatus.too_large_version_legacy(9, 8)],
                         ids=["cause", "legacy"])
def test_too_large_version_of_a_list(rig, body):
    rig.fake.streams = False
    rig.fake.fault(LIST, status(body))
    rig.begin()
    rig.start_of = 0
    assert [read[0] for read in rig.reads(SERVICES)] == ["stream", "list", "list", "watch"]
    assert [read[1] for read in rig.reads(SERVICES)[:3]] == [None, "0", None]
    rig.drift_is_repaired()


def test_too_many_requests_at_start(rig):
    """Asked to wait, it waits; then it goes on where it was."""
    held = trouble_at_start(rig, status(kubestatus.too_many_requests(2), retry_after=2))
    settled(rig, [("watch", held), ("watch", held)])
    first, second = rig.requests(WATCH)
    assert second.time - first.time > 1.9
    assert rig.lines("cannot watch services", "429")


def test_too_many_requests_said_in_the_body_only(rig):
    held = trouble_at_start(rig, status(kubestatus.too_many_requests(2)))
    settled(rig, [("watch", held), ("watch", held)])
    first, second = rig.requests(WATCH)
    assert second.time - first.time > 1.9


def test_too_many_requests_in_stream(rig):
    held = trouble_in_stream(rig, event("ERROR", kubestatus.too_many_requests(0)))
    settled(rig, [("watch", held)])


def test_internal_error_in_stream_relists(rig):
    held = trouble_in_stream(rig, event("ERROR", kubestatus.internal_error()))
    settled(rig, [("stream", held)])
    assert rig.lines("cannot watch services", "500", "leader changed")
    assert len(rig.asked_readyz()) <= 1


@pytest.mark.parametrize("body", [
    kubestatus.internal_error(),
    kubestatus.failure(503, "ServiceUnavailable", "apiserver is shutting down"),
    kubestatus.forbidden("watch", "services"),
    kubestatus.no_such_path(),
], ids=["500", "503", "403", "404"])
def test_refused_at_start_backs_off_and_relists(rig, body):
    held = trouble_at_start(rig, status(body))
    settled(rig, [("watch", held), ("stream", held)])
    assert rig.lines("cannot watch services", str(body["code"]))


def test_error_page_of_a_proxy(rig):
    """Not a Status, not even JSON."""
    def page(_request, reply):
        reply.respond(502, "<html><h1>502 Bad Gateway</h1></html>", {"content-type": "text/html"})
    held = trouble_at_start(rig, page)
    settled(rig, [("watch", held), ("stream", held)])
    assert rig.lines("cannot watch services", "502")


def test_refusals_for_ever_are_no_hot_loop(rig):
    """One resource may not be read any more: the others work, with it as it was seen last."""
    rig.begin()
    rule = rig.fake.fault_always(asks("list watch stream", "nodes"),
                                 status(kubestatus.forbidden("list", "nodes")))
    rig.fake.watch("nodes").end()
    rig.until_reads(5, "nodes")
    rig.drift()
    rig.until_repaired()
    first, *_, last = rig.requests(asks("list stream", "nodes"))
    # Full jitter may be short by chance, never five times in a row.
    assert last.time - first.time > 0.5
    assert not rig.others("nodes")
    rule.lift()
    rig.until_watching()
    assert rig.process.poll() is None


def test_a_resource_that_may_not_be_read_is_said(rig):
    """Without it nothing can be decided: the user has to learn of it without debugging."""
    rule = rig.fake.fault_always(asks("list watch stream", "nodes"),
                                 status(kubestatus.forbidden("list", "nodes")))
    rig.start()
    rig.until("a warning", lambda: rig.lines("WARN", "nodes", "403"), seconds=20)
    assert rig.annotation() is None
    rule.lift()
    rig.until_repaired()


def test_watch_list_error_is_not_for_ever(rig):
    """Any error of it: a plain list, and the streamed one again the next time."""
    rig.fake.fault(STREAM, status(kubestatus.internal_error()))
    rig.begin()
    rig.start_of = 0
    first = rig.reads(SERVICES)
    assert [first[0], first[1]] == [("stream", None), ("list", "0")] and first[2][0] == "watch"
    rig.mark()
    rig.fake.watch(SERVICES).send(event("ERROR", kubestatus.expired(1, 2)))
    settled(rig, [("stream", rig.held())])


def test_watch_list_error_in_stream(rig):
    rig.fake.fault(STREAM, in_stream(kubestatus.internal_error()))
    rig.begin()
    rig.start_of = 0
    assert [verb for verb, _ in rig.reads(SERVICES)] == ["stream", "list", "watch"]
    rig.drift_is_repaired()
