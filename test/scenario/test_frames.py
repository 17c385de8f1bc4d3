"""What comes in a watch stream, and how it is cut up and cut off."""

import json

import pytest
from fake.kuberequest import asks
from fake.kubewatch import event
from rig import SERVICE, WATCHED

SERVICES = SERVICE[0]
GRACEFUL = 2**31 - 1  # the last stream in a GOAWAY that ends none
TABLE = {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {"resourceVersion": "7"},
         "columnDefinitions": [], "rows": []}
POD = {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "kube-dns", "namespace":
                                                       "kube-system", "resourceVersion": "7"}}


def settled(rig, reads, elsewhere=0):
    rig.until_reads(len(reads), SERVICES)
    rig.until_watching()
    rig.drift_is_repaired()
    assert rig.reads(SERVICES) == reads
    assert len(rig.others(SERVICES)) == elsewhere


def everybody_watches_again(rig, before):
    """The connection was lost: every watch goes on from where it was, on one connection again.

    A request that curl has sent on the dead connection, and sends again by itself, may have made
    another.
    """
    for plural, name in WATCHED:
        rig.until_reads(1, plural, name or None)
    rig.until_watching()
    assert rig.reads(SERVICES) == [("watch", before)]
    assert not rig.requests(asks("list stream", SERVICES))
    assert len({watch.request.connection for watch in rig.fake.open_watches()}) <= 2


def test_every_byte_a_frame(rig):
    """From the first event on, in all watches."""
    rig.fake.chunk = 1
    rig.begin()
    rig.drift_is_repaired()
    assert not rig.reads(SERVICES)
    rig.fake.bookmark()
    rig.fake.watch(SERVICES).end()
    rig.until_reads(1, SERVICES)
    rig.until_watching()
    rig.drift_is_repaired()
    assert [verb for verb, _ in rig.reads(SERVICES)] == ["watch"]


def test_several_events_and_blank_lines_in_a_frame(rig):
    rig.begin()
    watch = rig.fake.watch(SERVICES)
    watch.send(rig.service_event() + "\n\r\n" + rig.service_event() + rig.service_event())
    version = str(rig.fake.version)
    watch.end()
    settled(rig, [("watch", version)])


def without_version(rig):
    service = rig.fake.get(*SERVICE)
    del service["metadata"]["resourceVersion"]
    return event("MODIFIED", service)


@pytest.mark.parametrize("frame", [
    "not JSON at all\n",
    '{"type":"MODIFIED","object":{"kind":"Service"\n',
    '{"type":"MODIFIED"}\n',
    '{"type":"MODIFIED","object":[]}\n',
    "[]\n",
    '{"type":"CHANGED","object":{"kind":"Service","metadata":{"resourceVersion":"7"}}}\n',
    '{"type":7,"object":{"kind":"Service","metadata":{"resourceVersion":"7"}}}\n',
    b"\x00\x00\x00\x05hello\n",
    b"\xff\xfe\xfd\n",
    "{" * 5000 + "\n",
    without_version,
], ids=["text", "cut", "no-object", "array-object", "array", "unknown-type", "number-type", "nul",
        "binary", "deep", "no-version"])
def test_frame_that_cannot_be_read_relists(rig, frame):
    rig.begin()
    held = rig.held()
    rig.fake.watch(SERVICES).send(frame(rig) if callable(frame) else frame)
    settled(rig, [("stream", held)])
    assert rig.lines("cannot watch services")


def test_frame_of_more_than_16_mib_relists(rig):
    """Without a line end it is given up at the limit; nobody keeps what comes behind it."""
    rig.begin()
    held = rig.held()
    watch = rig.fake.watch(SERVICES)
    watch.send('{"type":"MODIFIED","object":{"kind":"Service","data":"')
    for _ in range(17):
        watch.send(b"x" * 2**20)
    settled(rig, [("stream", held)])
    assert rig.lines("cannot watch services", "more than 16777216 bytes")


def test_object_of_many_mib_is_no_trouble(rig):
    """Not as large as the limit: an API server may send it."""
    rig.begin()

    def grow(service):
        service["metadata"]["annotations"] |= {"large": "x" * 6 * 2**20, "openyurt.io/topologyKeys":
                                               "other"}
    rig.fake.edit(*SERVICE, grow)
    rig.until_repaired()
    assert not rig.reads(SERVICES)
    rig.fake.edit(*SERVICE, lambda service: service["metadata"]["annotations"].pop("large"))
    rig.drift_is_repaired()


@pytest.mark.parametrize("body", [TABLE, POD], ids=["table", "pod"])
def test_other_kinds_are_passed_over(rig, body):
    rig.begin()
    rig.fake.watch(SERVICES).send(event("MODIFIED", body))
    settled(rig, [])
    assert rig.lines("event passed over", "services", body["kind"])


def with_text(rig, raw):
    """A frame whose Service has these bytes in an annotation and not ours."""
    service = json.loads(rig.service_event())["object"]
    service["metadata"]["annotations"] = {"text": "HERE"}
    return event("MODIFIED", service).encode().replace(b"HERE", raw)


def test_lone_surrogate_in_an_object(rig):
    """It is in no string of the API, but JSON may hold it: the object is repaired."""
    rig.begin()
    writes = len(rig.writes())
    rig.fake.edit(*SERVICE, lambda service: service["metadata"].update(
        annotations={"text": "\ud800"}))
    rig.until_repaired()
    assert len(rig.writes()) == writes + 1
    settled(rig, [])


def test_nul_in_an_object(rig):
    """A string that C cannot hold is not guessed at: the object is left alone, which is said."""
    rig.begin()
    rig.fake.edit(*SERVICE, lambda service: service["metadata"].update(
        annotations={"text": "a\0b"}))
    rig.until("a warning", lambda: rig.lines("WARN", "kube-dns", "text"), seconds=20)
    assert not rig.writes() and not rig.annotation()
    rig.fake.edit(*SERVICE, lambda service: service["metadata"].update(annotations={}))
    rig.until_repaired()
    settled(rig, [])


def test_invalid_utf8_in_an_object(rig):
    """No API server sends it; it must not spread."""
    rig.begin()
    rig.fake.watch(SERVICES).send(with_text(rig, b"\xff\xc3\x28"))
    rig.until("it is seen", lambda: rig.reads(SERVICES) or rig.writes())
    rig.until_watching()
    rig.drift()
    rig.until("the drift is repaired", rig.annotation)
    assert len(rig.reads(SERVICES)) <= 1
    assert not rig.others(SERVICES)


@pytest.mark.parametrize("how", ["fin", "reset", "half-record", "orderly"])
def test_connection_cut_inside_a_frame(rig, how):
    """What came of the frame is forgotten, and the event comes again."""
    rig.begin()
    rig.until_old()
    watch = rig.fake.watch(SERVICES)
    held = rig.held()
    watch.deaf = True
    rig.drift()
    frame = event("MODIFIED", rig.fake.get(*SERVICE))
    watch.send(frame[:len(frame) // 2])
    watch.cut(how)
    rig.until_repaired()
    everybody_watches_again(rig, held)
    rig.drift_is_repaired()


def test_stream_reset_inside_a_frame(rig):
    """RST_STREAM: this watch only."""
    rig.begin()
    rig.until_old()
    watch = rig.fake.watch(SERVICES)
    held = rig.held()
    watch.deaf = True
    rig.drift()
    frame = event("MODIFIED", rig.fake.get(*SERVICE))
    watch.send(frame[:len(frame) // 2])
    watch.put(lambda reply: reply.reset(2))
    rig.until_repaired()
    settled(rig, [("watch", held)])


def test_goaway_in_mid_event_lets_streams_go_on(rig):
    """As a server that is being drained: the event is finished, new requests go elsewhere."""
    rig.begin()
    watch = rig.fake.watch(SERVICES)
    watch.deaf = True
    rig.drift()
    frame = event("MODIFIED", rig.fake.get(*SERVICE))
    watch.send(frame[:len(frame) // 2])
    watch.goaway(GRACEFUL)
    watch.until_sent()
    watch.deaf = False
    watch.send(frame[len(frame) // 2:])
    rig.until_repaired()
    rig.drift_is_repaired()
    for open_watch in rig.fake.open_watches():
        open_watch.end()
    for plural, name in WATCHED:
        rig.until_reads(1, plural, name or None)
    rig.until_watching()
    rig.drift_is_repaired()
    assert not rig.requests(asks("list stream", SERVICES))
    assert {watch.request.connection for watch in rig.fake.open_watches()} == {2}


def test_goaway_and_close_in_mid_event(rig):
    """It knows of this stream only and closes: the others are gone too."""
    rig.begin()
    rig.until_old()
    watch = rig.fake.watch(SERVICES)
    held = rig.held()
    watch.deaf = True
    rig.drift()
    frame = event("MODIFIED", rig.fake.get(*SERVICE))
    watch.send(frame[:len(frame) // 2])
    watch.goaway()
    watch.cut("orderly")
    rig.until_repaired()
    everybody_watches_again(rig, held)
    rig.drift_is_repaired()


def test_goaway_before_a_write(rig):
    """The write goes over a new connection and is made once."""
    rig.begin()
    watch = rig.fake.watch(SERVICES)
    watch.goaway(GRACEFUL)
    watch.until_sent()
    rig.drift_is_repaired()
    assert not rig.reads(SERVICES)
