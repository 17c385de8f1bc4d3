"""From one version to the next and back, while a rival undoes what they do.

There is no other version than this one: the next one is a copy that calls itself so.
"""

import json
import re
import shutil
import subprocess
import time

import pytest

from conftest import PROGRAM, until
from fleet import fleet  # noqa: F401 (a fixture)
from live.audit import user_of, writes_of
from test_status import rows

VERSION = "yurt-steward.io/state-version"
WATCHED_SECONDS = 3
BOTH = ("service-topology", "kube-proxy-kubeconfig")


def agent_of(program):
    """What it calls itself to the API server, with its version."""
    return re.search(rb"yurt-steward/[!-~]+(?= \(linux/)", program.read_bytes()).group()


@pytest.fixture
def next_version(tmp_path):
    here = agent_of(PROGRAM)
    program = tmp_path / "yurt-steward"
    program.write_bytes(PROGRAM.read_bytes().replace(
        here, b"yurt-steward/".ljust(len(here), b"n")))
    shutil.copymode(PROGRAM, program)
    return program


def roll(fleet, rival, olds, names, program):
    """As a Deployment with maxSurge 1 and maxUnavailable 0 does it."""
    news = []
    for old, name in zip(olds, names):
        news.append(fleet.add(name).start(program=program))
        news[-1].until_ready()
        assert old.operator.stop() == 0
        fleet.until_repaired(rival)
    return news


def agents(fleet, replicas):
    users = [replica.user for replica in replicas]
    return {entry["userAgent"].split()[0] for entry in writes_of(fleet.log(), users)
            if user_of(entry) in users}


def test_rolled_forth_and_back(fleet, next_version):
    old = [fleet.add(name).start() for name in ("old-a", "old-b")]
    for replica in old:
        replica.until_ready()
    with fleet.rival() as rival:
        fleet.until_repaired(rival)
        new = roll(fleet, rival, old, ("new-a", "new-b"), next_version)
        back = roll(fleet, rival, new, ("back-a", "back-b"), PROGRAM)
    fleet.until_all_repaired(rival)
    assert agents(fleet, new) == {agent_of(next_version).decode()}
    assert agents(fleet, old + back) == {agent_of(PROGRAM).decode()}
    assert agent_of(next_version) != agent_of(PROGRAM)
    fleet.check_never_two_writers()


# --- what a newer one recorded ---

def set_version(cluster, version):
    """null: none, as before there were versions."""
    cluster.kubectl("patch", "configmap", "yurt-steward-state", "--type=merge", "--patch",
                    json.dumps({"metadata": {"annotations": {VERSION: version}}}))


def undo_both(cluster):
    cluster.overwrite_annotation()
    cluster.kubectl("patch", "configmap", "kube-proxy", "--type=merge", "--patch",
                    json.dumps({"data": {"config.conf": cluster.original}}))


def both_in_force(cluster):
    return cluster.annotation() == "openyurt.io/nodepool" and cluster.config_in_force()


def until_held(cluster, operator):
    operator.until("both say so", lambda: all(
        operator.lines("WARN", "reason=NewerState", f"adjustment={name}") for name in BOTH))
    for name in ("kube-dns", "kube-proxy"):
        event = until("the Event is there", lambda: cluster.events("NewerState", name))[0]
        assert event["type"] == "Warning" and 'version \\"2\\"' in json.dumps(event["message"])


def test_newer_state_is_left_alone(in_force, operator):
    cluster = in_force
    assert cluster.get("configmap", "yurt-steward-state")["metadata"]["annotations"] == {
        VERSION: "1"}
    set_version(cluster, "2")
    until_held(cluster, operator)
    since = cluster.audit_end()
    record = cluster.record()
    undo_both(cluster)
    time.sleep(WATCHED_SECONDS)
    assert cluster.annotation() == "other" and not cluster.config_in_force()
    adjustments, _ = rows(cluster)
    for name in BOTH:
        assert (adjustments[name]["state"], adjustments[name]["heldBy"]) == ("Held", "NewerState")
    assert cluster.writes(since) == []
    assert cluster.record() == record

    set_version(cluster, "1")
    operator.until("all is in force again", lambda: both_in_force(cluster))


def test_newer_state_is_not_reverted(in_force, operator):
    """Nor is the mode set that would have the newer one do it."""
    cluster = in_force
    set_version(cluster, "2")
    until_held(cluster, operator)
    modes = cluster.get("configmap", "yurt-steward")["data"]
    done = cluster.control_plane("exec", str(PROGRAM), "revert", "--yes", "--timeout", "2s",
                                 check=False, stderr=subprocess.PIPE)
    assert done.returncode == 1 and "NewerState" in done.stderr
    assert cluster.get("configmap", "yurt-steward")["data"] == modes
    assert both_in_force(cluster)


def test_state_without_a_version_is_the_first(in_force, operator):
    cluster = in_force
    set_version(cluster, None)
    undo_both(cluster)
    operator.until("all is in force again", lambda: both_in_force(cluster))
    assert not operator.lines("NewerState")
