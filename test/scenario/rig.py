"""One run of the real program against a fake API server of its own.

Every wait is on a condition with a deadline that a busy machine can keep; nothing is decided by
how long something took, but for what must not come too early.
"""

import base64
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import threading
import time

from fake.kubefake import KubeFake
from fake.kuberequest import asks, target_of, verb_of
from fake.kubewatch import event

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("YURT_STEWARD", ROOT / "build/yurt-steward")).resolve()
FIXTURES = ROOT / "test/fixtures/kubeadm-1.37.2"
TOPOLOGY = "openyurt.io/topologyKeys"
NODEPOOL = "openyurt.io/nodepool"
SERVICE = ("services", "kube-dns")
# What the operator watches with this configuration.
WATCHED = [("configmaps", "yurt-steward"), ("configmaps", "yurt-steward-state"), SERVICE,
           ("endpointslices", ""), ("pods", ""), ("nodes", "")]
CONFIGURATION = {"service-topology": "Enforce", "service-topology.gate": "Skip",
                 "kube-proxy-kubeconfig": "Ignore", "contention.budget": "1000 per 1m"}
PATIENCE = 40  # seconds for what should take a moment
abort = threading.Event()  # the session was interrupted: nobody waits any longer


def configmap(name, data):
    return {"apiVersion": "v1", "kind": "ConfigMap", "data": data,
            "metadata": {"name": name, "namespace": "kube-system"}}


def slice_of_dns(name="kube-dns-1"):
    """Its trigger lies ahead: there is nothing to push."""
    return {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": name, "namespace": "kube-system",
                         "labels": {"kubernetes.io/service-name": "kube-dns"},
                         "annotations": {"openyurt.io/update-trigger": "4102444800"}},
            "endpoints": [], "ports": []}


def node(name):
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {
        "kubernetes.io/os": "linux"}}, "spec": {}, "status": {}}


class Rig:
    def __init__(self, **server_options):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="steward-scenario-"))
        self.fake = KubeFake(**server_options)
        self.server = self.fake.server
        self.process = None
        self.report = ""  # for who has to find out why a scenario failed
        self.start_of = 0  # index of the first request that counts, see mark()
        (self.dir / "ca.pem").write_text(self.server.authority.pem)
        self.fake.load(FIXTURES)
        for obj in (configmap("yurt-steward", CONFIGURATION), slice_of_dns(), node("cloud-1")):
            self.fake.create(obj)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_exc):
        try:
            if kind is None:
                self.end()
        finally:
            if self.process is not None:
                self.process.kill()
                self.process.wait()
            self.report = self.text()[-12000:] + "\n".join(self.lines_of_requests())
            self.server.close()
            shutil.rmtree(self.dir, ignore_errors=True)

    def lines_of_requests(self):
        begin = self.server.requests[0].time if self.server.requests else 0
        return [f"{index:3} {request.time - begin:7.3f} #{request.connection} {request.method} "
                f"{request.target}" for index, request in enumerate(self.server.requests)]

    # --- the program ---

    def kubeconfig(self, user, ca=None):
        """Credentials are `user`; the CA is a file, or data when given."""
        trust = ({"certificate-authority": "ca.pem"} if ca is None else
                 {"certificate-authority-data": base64.b64encode(ca.encode()).decode()})
        path = self.dir / "kubeconfig"
        path.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "fake",
            "clusters": [{"name": "fake", "cluster": {"server": self.server.url, **trust}}],
            "users": [{"name": "steward", "user": user}],
            "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "steward"}}]}))
        return path

    def start(self, user=None, *flags):
        path = self.kubeconfig(user or {"token": "secret"})
        with open(self.dir / "log", "wb") as log:
            self.process = subprocess.Popen(
                [str(PROGRAM), "run", "--kubeconfig", str(path), "--log-level", "debug",
                 *flags],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log)

    def begin(self, user=None, *flags):
        """Starts it and waits until service-topology is in force and everything is watched."""
        self.start(user, *flags)
        self.until("service-topology is in force", lambda: self.annotation() == NODEPOOL
                   and self.lines("InForce"))
        self.until("its Events are there", lambda: self.events("InForce"))
        self.until_watching()
        self.mark()

    def end(self):
        """It must still run, and stop well."""
        assert not self.server.errors, self.server.errors
        if self.process is not None and self.process.returncode is None:
            assert self.process.poll() is None, f"it ended by itself: {self.process.returncode}"
            self.process.send_signal(signal.SIGTERM)
            assert self.process.wait(PATIENCE) == 0

    def text(self):
        path = self.dir / "log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def lines(self, *words):
        return [line for line in self.text().splitlines() if all(word in line for word in words)]

    # --- waiting ---

    def until(self, what, condition, seconds=PATIENCE):
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            assert not abort.is_set(), "interrupted"
            assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
            time.sleep(0.02)
        return value

    def until_watching(self):
        self.until("everything is watched", lambda: all(
            self.fake.open_watches(plural, name or None) for plural, name in WATCHED))

    def until_lost(self):
        """No watch is open any more, and every one knows."""
        self.until("every watch has noticed", lambda: all(
            len(self.lines(f"cannot watch {plural}:")) >= sum(one == plural for one, _ in WATCHED)
            for plural, _ in WATCHED))
        self.until("the outage is said", lambda: self.lines("WARN", "API server not reachable"))

    def until_old(self):
        """Every watch is older than a second: what ends now is opened again without a wait."""
        newest = max(watch.request.time for watch in self.fake.open_watches())
        self.until("the watches are old", lambda: time.monotonic() - newest > 1.5)

    # --- drift ---

    def annotation(self):
        return self.fake.get(*SERVICE)["metadata"].get("annotations", {}).get(TOPOLOGY)

    def drift(self):
        def remove(service):
            service["metadata"]["annotations"].pop(TOPOLOGY, None)
        self.fake.edit(*SERVICE, remove)

    def until_repaired(self):
        self.until("the drift is repaired", lambda: self.annotation() == NODEPOOL)

    def drift_is_repaired(self):
        """By one write, on watches that are all open again."""
        before = len(self.writes())
        self.drift()
        self.until_repaired()
        self.until("the repair is said", lambda: self.lines("Repaired"))
        self.until_watching()
        assert len(self.writes()) == before + 1, self.lines_of_requests()

    def held(self):
        """The version that the watch of the Service comes to with its last change."""
        return self.fake.get(*SERVICE)["metadata"]["resourceVersion"]

    def service_event(self, kind="MODIFIED"):
        """A frame with the Service as it is, one version on."""
        with self.fake.lock:
            self.fake.version += 1
            service = self.fake.get(*SERVICE)
            service["metadata"]["resourceVersion"] = str(self.fake.version)
            return event(kind, service)

    # --- requests ---

    def mark(self):
        """Requests up to now do not count any more."""
        self.start_of = len(self.server.requests)

    def requests(self, wanted=lambda request: True):
        return [request for request in list(self.server.requests)[self.start_of:]
                if wanted(request)]

    def reads(self, plural, name=None):
        """(verb, resourceVersion or None) of every list and watch."""
        return [(verb_of(request), request.query.get("resourceVersion"))
                for request in self.requests(asks("list watch stream", plural, name))]

    def until_reads(self, count, plural, name=None):
        self.until(f"{count} reads of {plural}", lambda: len(self.reads(plural, name)) >= count)
        return self.reads(plural, name)

    def writes(self, plural="services"):
        return self.requests(asks("create update patch delete", plural))

    def others(self, plural, name=None):
        """Lists and watches of anything else."""
        mine = asks("list watch stream", plural, name)
        return [request for request in self.requests()
                if target_of(request.path) is not None and not mine(request)
                and verb_of(request) in ("list", "watch", "stream")]

    def asked_readyz(self):
        return self.requests(lambda request: request.path == "/readyz")

    def events(self, reason):
        return [event for event in self.fake.items("events") if event["reason"] == reason]
