"""The leader is stopped, killed, suspended or cut off while a rival undoes what it does.

Each drift is repaired, by the one or by the other, and never do both write: by the audit log, in
which each replica has a name of its own.
"""

import signal

import pytest

from fleet import fleet, pair  # noqa: F401 (fixtures)
from live.audit import is_write, of_lease, user_of


def lose(replica, way):
    if way == "cut off":
        replica.wire.tell("cut")
    else:
        replica.signal({"stopped": signal.SIGTERM, "killed": signal.SIGKILL,
                        "suspended": signal.SIGSTOP}[way])


def come_back(replica, way):
    """Where it can; it must notice what it missed before it does anything."""
    if way == "cut off":
        replica.wire.tell("heal")
    elif way == "suspended":
        replica.signal(signal.SIGCONT)
    else:
        return
    replica.operator.until("it notices", lambda: replica.operator.lines("the leadership was lost"),
                           60)


@pytest.mark.parametrize("way", ["stopped", "killed", "suspended", "cut off"])
def test_leader_is_lost_while_a_rival_drifts(fleet, pair, way):
    first, second = pair
    with fleet.rival() as rival:
        fleet.until_repaired(rival)
        lose(first, way)
        second.until_it_leads()
        fleet.until_repaired(rival)
        come_back(first, way)
        fleet.until_repaired(rival)
    fleet.until_all_repaired(rival)
    fleet.check_never_two_writers()


def test_stopped_leader_gives_the_lease_up_last(fleet, pair):
    """Nothing of it comes after that: the standby writes from the next moment on."""
    first, second = pair
    with fleet.rival() as rival:
        fleet.until_repaired(rival)
        assert first.operator.stop() == 0
        second.until_it_leads()
        fleet.until_repaired(rival)
    fleet.until_all_repaired(rival)
    last = [entry for entry in fleet.log() if user_of(entry) == first.user and is_write(entry)][-1]
    assert of_lease(last)
    fleet.check_never_two_writers()


def test_both_are_cut_off(fleet, pair):
    """Nobody acts until one is back, and then one does: also after the other's wire is whole."""
    first, second = pair
    with fleet.rival() as rival:
        fleet.until_repaired(rival)
        for replica in pair:
            replica.wire.tell("cut")
        first.operator.until("its leadership runs out",
                             lambda: first.operator.lines("the leadership was lost"), 60)
        second.wire.tell("heal")
        second.until_it_leads()
        fleet.until_repaired(rival)
        first.wire.tell("heal")
        fleet.until_repaired(rival)
    fleet.until_all_repaired(rival)
    fleet.check_never_two_writers()
