"""Writes that are refused, that fail, or whose reply is lost; and the stop in the midst of one."""

import os
import signal
import threading

import pytest
from fake import kubestatus
from fake.kubefake import status
from fake.kuberequest import asks
from rig import NODEPOOL, SERVICE, configmap

SERVICES = SERVICE[0]
PATCH = asks("patch", SERVICES)


def lost(rig, how):
    """Carried out, and the connection ends before the reply."""

    def answer(request, reply):
        rig.fake.carry_out(request)
        reply.close_connection(how)

    return answer


def applied(rig, since):
    """How often the Service was changed since that version."""
    return [version for version, key in rig.fake.changes(since) if key[0] == SERVICES]


@pytest.mark.parametrize("how", ["fin", "reset", "orderly"])
def test_lost_reply_of_a_patch(rig, how):
    """It is not made twice: it looks first, and what it wanted is there."""
    rig.begin()
    rig.until_old()
    since = rig.fake.version
    rig.fake.fault(PATCH, lost(rig, how))
    rig.drift()
    rig.until_repaired()
    rig.until("it is looked at again", lambda: rig.lines("write not done"))
    rig.until_watching()
    rig.drift_is_repaired()
    assert len(applied(rig, since)) == 4  # two drifts, two repairs
    assert len(rig.writes()) == 2


def test_lost_reply_of_a_create(rig):
    """The record of what was there before is made once, and what was there is not forgotten."""
    rig.fake.fault(asks("create", "configmaps"), lost(rig, "fin"))
    rig.begin()
    rig.start_of = 0
    assert len(rig.requests(asks("create", "configmaps"))) == 1
    assert '"before":null' in rig.fake.get("configmaps", "yurt-steward-state")["data"][
        "service-topology"]
    rig.drift_is_repaired()


def test_lost_request(rig):
    """The same from outside, but it was not carried out."""
    rig.begin()
    rig.until_old()
    rig.fake.fault(PATCH, lambda _request, reply: reply.close_connection("fin"))
    rig.drift()
    rig.until_repaired()
    rig.until_watching()
    assert len(rig.writes()) == 2
    rig.drift_is_repaired()


def test_conflict_leads_to_a_fresh_look(rig):
    """Somebody else is quicker: the write is planned anew on what they made of the object."""
    rig.begin()

    def overtake(request, reply):
        rig.fake.edit(*SERVICE, lambda service: service["metadata"]["labels"].update(quick="yes"))
        rig.fake.serve(request, reply)

    rig.fake.fault(PATCH, overtake)
    rig.drift()
    rig.until_repaired()
    assert rig.fake.get(*SERVICE)["metadata"]["labels"]["quick"] == "yes"
    assert len(rig.writes()) == 2
    bodies = [request.body for request in rig.writes()]
    assert bodies[0] != bodies[1]
    assert rig.lines("write not done", "409")
    rig.drift_is_repaired()


def test_conflict_that_is_gone_by_itself(rig):
    """Whoever was quicker did the same: nothing is left to do."""
    rig.begin()

    def overtake(request, reply):
        rig.fake.edit(*SERVICE, lambda service: service["metadata"]["annotations"].update(
            {"openyurt.io/topologyKeys": NODEPOOL}))
        rig.fake.serve(request, reply)

    rig.fake.fault(PATCH, overtake)
    rig.drift()
    rig.until("it is refused", lambda: rig.lines("write not done", "409"))
    rig.until("it is looked at", lambda: rig.requests(asks("list", SERVICES)))
    rig.drift_is_repaired()
    assert len(rig.writes()) == 2, "one that was refused, and the repair of the second drift"
    assert len(rig.lines("reason=InForce")) <= 2, "nothing of the first drift was worth a word"


def test_invalid_is_said_and_not_hammered(rig):
    rig.begin()
    rule = rig.fake.fault_always(PATCH, status(kubestatus.invalid(
        "Service", "kube-dns", "metadata.annotations", "Too long: may not be more than 262144")))
    rig.drift()
    event = rig.until("an Event", lambda: rig.events("WriteFailed"))[0]
    assert event["type"] == "Warning" and "Too long" in event["note"]
    rig.until("more tries", lambda: len(rig.writes()) >= 8)
    first, *_, last = rig.writes()[:8]
    assert last.time - first.time > 0.3  # 5 ms, doubled with each
    rule.lift()
    rig.until_repaired()
    rig.until_watching()
    rig.drift_is_repaired()


def test_forbidden_is_said(rig):
    rig.begin()
    rig.fake.fault(PATCH, status(kubestatus.forbidden("patch", "services")))
    rig.drift()
    event = rig.until("an Event", lambda: rig.events("WriteFailed"))[0]
    assert event["type"] == "Warning" and "forbidden" in event["note"]
    rig.until_repaired()
    assert len(rig.writes()) == 2


def test_too_many_requests(rig):
    rig.begin()
    rig.fake.fault(PATCH, status(kubestatus.too_many_requests(2), retry_after=2))
    rig.drift()
    rig.until_repaired()
    first, second = rig.writes()
    assert second.time - first.time > 1.9
    assert not rig.reads(SERVICES)
    rig.drift_is_repaired()


def test_internal_errors(rig):
    rig.begin()
    error = status(kubestatus.internal_error())
    rig.fake.fault(PATCH, error, error, error)
    rig.drift()
    rig.until_repaired()
    assert len(rig.writes()) == 4
    assert not rig.reads(SERVICES)
    rig.drift_is_repaired()


def test_conflicts_for_ever_are_no_hot_loop(rig):
    rig.begin()
    rule = rig.fake.fault_always(PATCH, status(kubestatus.modified(*SERVICE)))
    rig.drift()
    rig.until("many tries", lambda: len(rig.writes()) >= 10)
    first, *_, last = rig.writes()[:10]
    assert last.time - first.time > 1
    rule.lift()
    rig.until_repaired()


def test_failed_test_of_a_json_patch(rig):
    """config.conf is changed by somebody else in the moment between: planned anew."""
    rig.fake.edit("configmaps", "yurt-steward", lambda config: config.update(configmap(
        "yurt-steward", {"service-topology": "Ignore", "kube-proxy-kubeconfig": "Enforce"})))
    config_of_proxy = asks("patch", "configmaps", "kube-proxy")

    def overtake(request, reply):
        def change(config):
            config["data"]["config.conf"] = config["data"]["config.conf"].replace(
                "mode: ", "mode: nftables # was: ")
        rig.fake.edit("configmaps", "kube-proxy", change)
        rig.fake.serve(request, reply)

    rig.fake.fault(config_of_proxy, overtake)
    rig.start()
    rig.until("the kubeconfig is commented out", lambda: "#kubeconfig: " in rig.fake.get(
        "configmaps", "kube-proxy")["data"]["config.conf"])
    text = rig.fake.get("configmaps", "kube-proxy")["data"]["config.conf"]
    assert "mode: nftables" in text
    rig.until("it is said", lambda: rig.lines("Enforced"))
    assert len(rig.requests(config_of_proxy)) == 2
    assert rig.lines("write not done", "422")


def held_back(rig):
    """A write that waits for us: (its start, the permission to go on)."""
    begun, go = threading.Event(), threading.Event()

    def answer(request, reply):
        begun.set()
        assert go.wait(60)
        rig.fake.serve(request, reply)

    rig.fake.fault(PATCH, answer)
    rig.drift()
    rig.until("the write", begun.is_set)
    return go


def test_stop_waits_for_the_write_under_way(rig):
    rig.begin()
    go = held_back(rig)
    rig.process.terminate()
    rig.until("it is said", lambda: rig.lines("stopping"))
    go.set()
    assert rig.process.wait(40) == 0
    assert rig.annotation() == NODEPOOL
    assert rig.events("Repaired")
    assert len(rig.writes()) == 1


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT], ids=["term", "int"])
def test_second_signal_leaves_at_once(rig, second):
    rig.begin()
    go = held_back(rig)
    rig.process.terminate()
    rig.until("it is said", lambda: rig.lines("stopping"))
    rig.process.send_signal(second)
    assert rig.process.wait(40) == 1
    go.set()


def test_stop_while_the_server_is_away(rig):
    rig.begin()
    rig.server.stop_listening()
    rig.server.close_connections()
    rig.until("it is noticed", lambda: rig.lines("API server not reachable"))
    rig.process.terminate()
    assert rig.process.wait(40) == 0


def test_hangup_is_ignored(rig):
    rig.begin()
    os.kill(rig.process.pid, signal.SIGHUP)
    rig.until("it is said", lambda: rig.lines("hang-up ignored"))
    rig.drift_is_repaired()
