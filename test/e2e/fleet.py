"""Replicas of which one leads, each known to the API server by a name of its own.

Each has a ServiceAccount, so that the audit log tells what each did, and a wire that can be cut.
"""

import json
import os
import signal

import pytest

from conftest import CONTROL_PLANE, PROGRAM, Operator
from live.api import Api
from live.audit import entries, out_of_turn, told, writes_of
from live.cut_proxy import CutProxy
from live.rival import Rival
from live.roles import bound_to
from live.waiting import until

# A standby looks every 2 to 4.4 s, and takes a Lease that was not renewed for 15 s. The machine
# may be busy.
TAKE_OVER_SECONDS = 60
FIRST_PORT = 18100
MODES = {"service-topology": "Enforce", "service-topology.gate": "Skip",
         "kube-proxy-kubeconfig": "Enforce", "kube-proxy-kubeconfig.soak": "200ms"}


class Replica:
    """One of the fleet: a wire, a name, and a run of the program at a time."""

    def __init__(self, fleet, name):
        self.fleet, self.name = fleet, name
        self.user = f"system:serviceaccount:kube-system:{name}"
        self.wire = CutProxy(fleet.enter)
        self.operator = None
        self.address = f"127.0.0.1:{FIRST_PORT + len(fleet.replicas)}"
        self.kubeconfig = fleet.directory / f"{name}.conf"
        self.runs = 0

    def start(self, *arguments, program=PROGRAM):
        self.runs += 1
        self.operator = Operator(
            self.fleet.cluster, self.fleet.directory / f"{self.name}-{self.runs}.log",
            "--leader-elect", "--listen", self.address, *arguments, kubeconfig=self.kubeconfig,
            program=program)
        return self

    def ask(self, path):
        """"" where it does not say yes."""
        return self.fleet.cluster.control_plane(
            "exec", "curl", "--silent", "--fail", "--max-time", "5",
            f"http://{self.address}{path}", check=False).stdout

    def until_ready(self):
        """As a kubelet would wait."""
        self.operator.until(f"{self.name} is ready", lambda: self.ask("/readyz") == "ok", 60)

    def leads(self):
        """By what it said last; true for a moment longer than it is so."""
        said = self.operator.lines("leading") + self.operator.lines("the leadership was lost")
        return bool(said) and max(said, key=self.operator.text().rindex) in self.operator.lines(
            "leading")

    def until_it_leads(self):
        self.operator.until(f"{self.name} leads", self.leads, TAKE_OVER_SECONDS)

    def signal(self, signum):
        os.kill(self.operator.pid, signum)

    def kill(self):
        if self.operator is not None and not self.operator.ended():
            self.signal(signal.SIGKILL)
            self.operator.process.wait()

    def end(self):
        try:
            self.kill()
        finally:
            self.wire.end()


class Fleet:
    def __init__(self, cluster, directory):
        self.cluster, self.directory = cluster, directory
        self.enter = [CONTROL_PLANE, "exec", str(cluster.dir)]
        self.api = Api(self.enter, directory)
        self.replicas = []
        self.since = cluster.audit_end()

    def add(self, name):
        """A new name; to be started."""
        cluster = self.cluster
        if not cluster.get("serviceaccount", name):
            cluster.kubectl("create", "serviceaccount", name)
        cluster.control_plane("exec", "kubectl", "apply", "--filename=-",
                              input=json.dumps(bound_to(name)))
        replica = Replica(self, name)
        self.replicas.append(replica)
        token = self.directory / f"{name}.token"
        token.write_text(cluster.kubectl("create", "token", name, "--duration=24h"))
        replica.kubeconfig.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": name,
            "clusters": [{"name": name, "cluster": {
                "server": f"https://127.0.0.1:{replica.wire.port}", "tls-server-name": "kubernetes",
                "certificate-authority": str(cluster.dir / "pki/ca.crt")}}],
            "users": [{"name": name, "user": {"tokenFile": str(token)}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}]}))
        return replica

    @property
    def users(self):
        return [replica.user for replica in self.replicas]

    def explain(self):
        return "\n".join(f"--- {replica.name}\n{replica.operator.text()[-3000:]}"
                         for replica in self.replicas if replica.operator)

    def until(self, what, condition, seconds=TAKE_OVER_SECONDS):
        return until(what, condition, seconds, self.explain)

    def rival(self):
        return Rival(self.api)

    def until_repaired(self, rival, repairs=3):
        """So many more of each, from now on."""
        before = rival.counts()
        self.until("the rival's drifts are repaired", lambda: rival.more_than(before, repairs))

    def until_all_repaired(self, rival):
        self.until("the last drift is repaired", rival.all_repaired)

    def log(self):
        return entries(self.cluster.dir / "audit.log", self.since)

    def check_never_two_writers(self):
        """And those who were to write did."""
        log = self.log()
        wrong = out_of_turn(log, self.users)
        assert not wrong, told(wrong) + "\n" + self.explain()
        for replica in self.replicas:
            assert writes_of(log, [replica.user]) or not replica.operator.lines("Repaired")

    def end(self):
        for replica in self.replicas:
            replica.end()
        self.api.end()
        self.cluster.kubectl("delete", "lease", "yurt-steward", "--ignore-not-found")


@pytest.fixture
def fleet(cluster, tmp_path):
    """No replica yet; both adjustments that a rival can undo are asked for."""
    cluster.configure(**MODES)
    running = Fleet(cluster, tmp_path)
    try:
        yield running
    finally:
        running.end()


@pytest.fixture
def pair(fleet):
    """The first leads and has all in force, the second stands by."""
    first, second = fleet.add("replica-a"), fleet.add("replica-b")
    first.start().until_it_leads()
    second.start()
    first.operator.until("all is in force", lambda: fleet.cluster.annotation()
                         and fleet.cluster.config_in_force(), 40)
    return first, second
