"""The leadership is lost while a write is under way."""

from fake.fakeserver import hang
from fake.kuberequest import asks
from rig import NODEPOOL, SERVICE

SERVICES = SERVICE[0]
PATCH = asks("patch", SERVICES)
LEASE = ("leases", "yurt-steward")


def set_holder(rig, holder):
    def change(lease):
        lease["spec"].update(holderIdentity=holder, leaseDurationSeconds=3600)
    rig.fake.edit(*LEASE, change)


def lose_during_a_write(rig, answer):
    """Another one has the Lease all of a sudden, as after a time when this one was suspended."""
    rig.begin(None, "--leader-elect")
    rig.fake.fault(PATCH, answer)
    rig.drift()
    write = rig.until("the write is under way", rig.writes)[0]
    set_holder(rig, "other")
    rig.until("it notices", lambda: rig.lines("the leadership was lost", "holder=other"))
    return write


def test_write_under_way_is_taken_back(rig):
    """At once: until its answer is given up, half a minute later, somebody else has long acted."""
    given_up = []

    def hold(request, reply):
        reply.cancelled.wait(25)
        given_up.append(reply.cancelled.is_set())
        hang()(request, reply)

    lose_during_a_write(rig, hold)
    rig.until("it is taken back", lambda: given_up)
    assert given_up == [True]
    assert rig.lines("write not done", "it may not write any more")
    assert rig.annotation() is None


def test_nothing_is_written_until_it_leads_again(rig):
    """Then what became of the write is looked up first: here it was carried out."""
    def carry_out_in_silence(request, reply):
        rig.fake.carry_out(request)
        hang()(request, reply)

    lose_during_a_write(rig, carry_out_in_silence)
    rig.until("it is taken back", lambda: rig.lines("it may not write any more"))
    rig.until("the others' drift is there", lambda: rig.annotation() == NODEPOOL)
    rig.drift()
    set_holder(rig, "")
    rig.until("it leads again", lambda: len(rig.lines("INFO  leading")) == 2)
    rig.until_repaired()
    assert len(rig.writes()) == 2
    rig.drift_is_repaired()
