"""How it gets to know a collection: streamed, or listed where that does not work."""

from fake import kubestatus
from fake.kubefake import status
from fake.kuberequest import asks
from rig import SERVICE, WATCHED, node

SERVICES = SERVICE[0]


def first_reads(rig):
    rig.begin()
    rig.start_of = 0
    return {watched: rig.reads(watched[0], watched[1] or None) for watched in WATCHED}


def test_one_stream_each_on_one_connection(rig):
    reads = first_reads(rig)
    assert all(read == [("stream", None)] for read in reads.values()), reads
    requests = rig.requests()
    assert {request.connection for request in requests} == {1} == {rig.server.connections}
    assert {request.protocol for request in requests} == {"h2"}
    watches = rig.requests(asks("stream", SERVICES))
    assert all("gzip" not in request.headers.get("accept-encoding", "") for request in watches)
    assert all(request.query["allowWatchBookmarks"] == "true" for request in watches)
    assert all(300 <= int(request.query["timeoutSeconds"]) <= 600 for request in watches)
    rig.drift_is_repaired()


def test_nothing_is_asked_while_nothing_happens(rig):
    """Heartbeats begin after 5 s without a byte; no list, no watch, no write."""
    rig.begin()
    rig.until("a heartbeat", lambda: rig.requests(lambda request: request.path == "/livez"))
    assert all(request.path == "/livez" or "events" in request.path
               for request in rig.requests()), rig.lines_of_requests()


def test_refused_by_an_older_server(rig):
    rig.fake.streams = False
    reads = first_reads(rig)
    assert all([verb for verb, _ in read] == ["stream", "list", "watch"]
               for read in reads.values()), reads
    assert {read[1][1] for read in reads.values()} == {"0"}
    gzip = [request.headers.get("accept-encoding") for request in rig.requests(
        asks("list", SERVICES))]
    assert gzip == ["gzip"]
    rig.drift_is_repaired()


def test_never_ended(rig):
    """A proxy that does not know the option sends everything but the last bookmark."""
    rig.fake.ends_streams = False
    reads = first_reads(rig)
    assert all([verb for verb, _ in read] == ["stream", "list", "watch"]
               for read in reads.values()), reads
    rig.mark()
    rig.fake.compact()
    rig.fake.version += 1
    rig.fake.compact()
    held = rig.held()
    rig.fake.watch(SERVICES).end()
    again = rig.until_reads(3, SERVICES)
    assert [again[0], again[1]] == [("watch", held), ("list", held)], again
    rig.drift_is_repaired()


def test_ended_by_a_value_that_is_not_true(rig):
    """Only "true" ends the initial events: what came by then is not all."""
    rig.fake.ends_streams = False
    rig.start()
    watch = rig.until("the stream", lambda: rig.fake.open_watches("configmaps", "yurt-steward"))[0]
    watch.bookmark(rig.fake.version, {"k8s.io/initial-events-end": "false"})
    rig.until("a list instead", lambda: rig.reads("configmaps", "yurt-steward")[1:2]
              == [("list", "0")])
    rig.until_repaired()


def with_nodes(rig, count):
    rig.fake.streams = False
    for number in range(count):
        rig.fake.create(node(f"edge-{number:04}"))
    rig.fake.fault(asks("list", "nodes"), status(kubestatus.too_large_version(9, 8)))


def test_pages(rig):
    """500 at a time where the server does not answer from its cache."""
    with_nodes(rig, 1100)
    rig.begin()
    rig.start_of = 0
    pages = rig.requests(asks("list", "nodes"))[1:]
    assert [page.query["limit"] for page in pages] == ["500"] * 3
    assert ["continue" in page.query for page in pages] == [False, True, True]
    assert not any("resourceVersion" in page.query for page in pages)
    rig.drift_is_repaired()


def test_page_that_is_expired(rig):
    """On the second page or later: all of it at once."""
    with_nodes(rig, 1100)
    rig.fake.fault(lambda request: "continue" in request.query,
                   None, status(kubestatus.expired_continue()))
    rig.begin()
    rig.start_of = 0
    lists = rig.requests(asks("list", "nodes"))[1:]
    assert [request.query.get("limit") for request in lists] == ["500", "500", "500", None]
    assert "continue" not in lists[3].query
    rig.drift_is_repaired()
