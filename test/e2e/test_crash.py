"""SIGKILL of the operator right after each of its writes, before it learns of it and after.

Nothing but the cluster outlives an operator: whoever is started next has to find out from there how
far the last one came. An undisturbed run is the measure: the same state at the end, and each object
written as often. That a write is harmless the second time is no excuse: a pod that is replaced
twice is an outage more.

The cluster can't tell the two points from each other. So before the reply the operator is killed
once a run, at another write each time, and after it at every write of one run.
"""

import collections
import datetime
import json
import signal
import time

import pytest

from conftest import CONTROL_PLANE, NODE_COUNT, QUICK, TRIGGER, Operator, ready, until
from live.api import Api
from live.kill_proxy import KillProxy
from live.roles import ACCOUNT

CONFIGMAPS = "/api/v1/namespaces/kube-system/configmaps"
STATE = "yurt-steward-state"
BOTH = ("service-topology", "kube-proxy-kubeconfig")
WRITTEN = ("DEBUG written", "reason=Enforced", "reason=Repaired", "reason=Reverted",
           "reason=PodReplaced")
MODES = ("Enforce", "Revert")
AT_REST = "what was there before is there again"
SOAK = "200ms"  # each operator that is started anew soaks from the beginning
QUIET_SECONDS = 4  # the operator waits 3 s for a yurt-manager's update-trigger
# Of an object: what differs from run to run without anything being different.
PASSING = ("managedFields", "resourceVersion", "uid", "creationTimestamp", "generation",
           "generateName", "ownerReferences")


@pytest.fixture(scope="module")
def clean(control_plane, nodes):
    """Each test leaves all as it was, or has failed; put back once at the end."""
    yield control_plane
    control_plane.restore()


@pytest.fixture(scope="module")
def api(clean, tmp_path_factory):
    running = Api([CONTROL_PLANE, "exec", str(clean.dir)], tmp_path_factory.mktemp("api"))
    try:
        yield running
    finally:
        running.end()


@pytest.fixture(scope="module")
def proxy(clean, tmp_path_factory):
    running = KillProxy([CONTROL_PLANE, "exec", str(clean.dir)], clean.dir,
                        tmp_path_factory.mktemp("proxy"))
    try:
        yield running
    finally:
        running.end()


# --- what there is ---

class Seen:
    """What matters of kube-system, read at once."""

    def __init__(self, api):
        self.things = []
        for resource in ("services", "configmaps", "pods"):
            self._list(api, f"/api/v1/namespaces/kube-system/{resource}")
        self._list(api, "/apis/apps/v1/namespaces/kube-system/daemonsets")
        self._list(api, "/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices")

    def _list(self, api, path):
        """The items of a List don't say what they are."""
        found = api.call("GET", path)
        kind = found["kind"].removesuffix("List")
        self.things += [{"kind": kind, **thing} for thing in found["items"]]

    def one(self, kind, name):
        return next((thing for thing in self.things
                     if (thing["kind"], thing["metadata"]["name"]) == (kind, name)), {})

    def labelled(self, kind, label, value):
        return [thing for thing in self.things if thing["kind"] == kind
                and thing["metadata"].get("labels", {}).get(label) == value]

    @property
    def slices(self):
        return self.labelled("EndpointSlice", "kubernetes.io/service-name", "kube-dns")

    @property
    def triggers(self):
        return [int(found["metadata"].get("annotations", {}).get(TRIGGER, 0))
                for found in self.slices]

    @property
    def pods(self):
        return self.labelled("Pod", "k8s-app", "kube-proxy")

    @property
    def pod_names(self):
        return {pod["metadata"]["name"] for pod in self.pods}

    @property
    def record(self):
        return dict(self.one("ConfigMap", STATE).get("data", {}))

    def edited_ms(self):
        """The server's time of the last write of config.conf."""
        fields = self.one("ConfigMap", "kube-proxy")["metadata"]["managedFields"]
        times = [entry["time"] for entry in fields
                 if "f:config.conf" in entry["fieldsV1"].get("f:data", {})]
        moment = datetime.datetime.strptime(max(times), "%Y-%m-%dT%H:%M:%S%z")
        return int(moment.timestamp()) * 1000

    def checked_record(self):
        """Its times and ids are as they must be, and then left out."""
        record = self.record
        for key in BOTH:
            if key in record:
                record[key] = json.loads(record[key])
        if BOTH[0] in record:
            uid = self.one("Service", "kube-dns")["metadata"]["uid"]
            assert record[BOTH[0]].pop("uid") == uid
            record[BOTH[0]].pop("resourceVersion", None)
        if BOTH[1] in record:
            assert record[BOTH[1]].pop("toMs") == self.edited_ms()
        return record

    def end_state(self):
        return {
            "service": cleaned(self.one("Service", "kube-dns")),
            "slices": [cleaned(found) for found in self.slices],
            "configmap": cleaned(self.one("ConfigMap", "kube-proxy")),
            "daemonset": cleaned(self.one("DaemonSet", "kube-proxy")),
            "nodes with kube-proxy": sorted(pod["spec"]["nodeName"] for pod in self.pods),
            "record": self.checked_record(),
        }


def cleaned(thing):
    found = {key: value for key, value in thing.items() if key != "status"}
    metadata = {key: value for key, value in thing["metadata"].items() if key not in PASSING}
    annotations = dict(metadata.get("annotations", {}))
    if TRIGGER in annotations:
        annotations[TRIGGER] = "set"
    found["metadata"] = {**metadata, "annotations": annotations}
    return found


def writes_per_object(cluster, since, stale):
    """The successful ones; pods that were there before count together, each only once."""
    counts = collections.Counter()
    seen = set()
    for entry in cluster.writes(since, ACCOUNT):
        if entry["responseStatus"]["code"] >= 300:
            continue
        target = entry["objectRef"]
        name = target.get("name", STATE)
        if target["resource"] == "pods" and name in stale - seen:
            seen.add(name)
            name = "stale"
        counts[(entry["verb"], target["resource"], name)] += 1
    return counts


# --- runs ---

class Bench:
    """What a run needs."""

    def __init__(self, cluster, api, proxy):
        self.cluster, self.api, self.proxy = cluster, api, proxy

    def configure(self, data):
        name = "yurt-steward"
        if self.api.call("PATCH", f"{CONFIGMAPS}/{name}", {"data": data}) is None:
            self.api.call("POST", CONFIGMAPS, {"metadata": {"name": name}, "data": data})


@pytest.fixture(scope="module")
def bench(clean, api, proxy):
    return Bench(clean, api, proxy)


class Run:
    """One change of mode, and all operators that carry it out, killed or not."""

    def __init__(self, bench, logs, mode, adjustments):
        self.bench, self.logs = bench, logs
        self.mode, self.adjustments = mode, adjustments
        self.operator = None
        seen = Seen(bench.api)
        self.stale = seen.pod_names if BOTH[1] in adjustments else set()
        # A trigger counts for all changes of its second.
        until("the second of the last trigger is over",
              lambda: time.time() >= max(seen.triggers) + 1)
        self.began = int(time.time())
        if mode == "Enforce":  # Revert leaves it, empty: for the operator it's not the same
            bench.api.call("DELETE", f"{CONFIGMAPS}/{STATE}")
        self.since = bench.cluster.audit_end()
        modes = {name: mode if name in adjustments else "Ignore" for name in BOTH}
        bench.configure({**QUICK, **modes, f"{BOTH[1]}.soak": SOAK})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.operator is not None and not self.operator.ended():
            self.operator.stop(signal.SIGKILL)

    def start(self):
        log = self.logs / f"{len(list(self.logs.iterdir()))}.log"
        self.operator = Operator(self.bench.cluster, log, "--log-level", "debug",
                                 kubeconfig=self.bench.proxy.kubeconfig)

    def kill(self, where, number):
        """Starts an operator and kills it at its write of that number."""
        self.bench.proxy.arm(f"{where} {number}")
        self.start()
        self.operator.until(f"write {number} of {self.mode}", lambda: self.bench.proxy.stopped, 40)
        if where == "after":
            self.operator.until("it learns of its write", lambda: self.learned() == number)
        self.operator.stop(signal.SIGKILL)

    def learned(self):
        return sum(any(word in line for word in WRITTEN)
                   for line in self.operator.text().splitlines() if AT_REST not in line)

    def finish(self, done=None):
        """An operator that is left alone, until it is at rest."""
        self.bench.proxy.arm("off")
        self.start()
        word = "InForce" if self.mode == "Enforce" else "Reverted"
        self.operator.until(f"{self.mode} is done and it says so", lambda: all(
            self.operator.lines(f"adjustment={name} reason={word}")
            for name in self.adjustments) and self.done(done), 40)
        self.operator.end()

    def finish_idle(self):
        """An operator that finds nothing to do; that all is in force then is no news to it."""
        if self.mode == "Revert":
            self.finish()
            return
        self.bench.proxy.arm("off")
        self.start()
        time.sleep(QUIET_SECONDS)
        self.operator.end()

    def until_done(self):
        until(f"{self.mode} is done", self.done, 40)

    def done(self, condition=None):
        return (condition or self._all_done)(Seen(self.bench.api))

    def pods_are_back(self):
        """The kubelets have made what was deleted: what is not done then is the operator's to do."""
        return ready(Seen(self.bench.api).pods) == NODE_COUNT

    def _all_done(self, seen):
        if self.mode == "Revert" and seen.record:
            return False
        if BOTH[0] in self.adjustments and min(seen.triggers) < self.began:
            return False
        return BOTH[1] not in self.adjustments or (
            not self.stale & seen.pod_names and ready(seen.pods) == NODE_COUNT)

    def result(self):
        return (Seen(self.bench.api).end_state(),
                writes_per_object(self.bench.cluster, self.since, self.stale))


def check_undisturbed(before, wanted, original):
    """What is compared with must be right itself."""
    enforced, reverted = wanted["Enforce"][0], wanted["Revert"][0]
    assert before["configmap"]["data"]["config.conf"] == original
    for key in ("service", "configmap", "daemonset"):
        assert reverted[key] == before[key]
    assert reverted["record"] == {}
    for key, value in enforced["record"].items():
        if key == BOTH[0]:
            assert value["before"] is None
        elif key == BOTH[1]:
            assert value["fromMs"] == 0
        else:
            assert (key, value) == (f"{BOTH[1]}.before", original)
    for _, writes in wanted.values():
        assert all(count == 1 for (_, _, name), count in writes.items()
                   if name not in (STATE, "stale")), writes
        assert writes[("delete", "pods", "stale")] in (0, NODE_COUNT)


def measure(bench, logs, adjustments):
    """By mode: what an undisturbed run ends with, and its writes."""
    before = Seen(bench.api).end_state()
    wanted = {}
    for mode in MODES:
        with Run(bench, logs, mode, adjustments) as run:
            run.finish()
            wanted[mode] = run.result()
    check_undisturbed(before, wanted, bench.cluster.original)
    return wanted


@pytest.fixture(scope="module")
def undisturbed(bench, tmp_path_factory):
    """Measures once for each set of adjustments."""
    known = {}

    def look_up(*adjustments):
        if adjustments not in known:
            known[adjustments] = measure(bench, tmp_path_factory.mktemp("logs"), adjustments)
        return known[adjustments]
    return look_up


def total(result):
    return sum(result[1].values())


def check(run, wanted, what):
    state, writes = run.result()
    assert writes == wanted[run.mode][1], what
    assert state == wanted[run.mode][0], what


@pytest.mark.parametrize("adjustment", BOTH)
def test_killed_before_a_reply(bench, undisturbed, tmp_path, adjustment):
    """At each write in turn; each Revert starts from what the Enforce before it left."""
    wanted = undisturbed(adjustment)
    for number in range(1, max(total(result) for result in wanted.values()) + 1):
        for mode in MODES:
            with Run(bench, tmp_path, mode, (adjustment,)) as run:
                if number <= total(wanted[mode]):
                    run.kill("before", number)
                if number == total(wanted[mode]):
                    run.until_done()
                else:
                    run.finish()
                check(run, wanted, f"{mode}, killed at write {number}")


@pytest.mark.parametrize("adjustment", BOTH)
def test_reverted_after_a_crash(bench, undisturbed, tmp_path, adjustment):
    """Enforce is cut off at each write in turn and never gets any further."""
    wanted = undisturbed(adjustment)
    before = Seen(bench.api).end_state()
    assert before["record"] == {}
    for number in range(1, total(wanted["Enforce"]) + 1):
        with Run(bench, tmp_path, "Enforce", (adjustment,)) as run:
            run.kill("before", number)
        with Run(bench, tmp_path, "Revert", (adjustment,)) as run:
            run.finish(lambda seen: not seen.record and ready(seen.pods) == NODE_COUNT)
            assert run.result()[0] == before, f"Enforce killed at write {number}"


def test_killed_after_each_reply(bench, undisturbed, tmp_path):
    """No operator makes more than one write; both adjustments share the record."""
    wanted = undisturbed(*BOTH)
    for mode in MODES:
        with Run(bench, tmp_path, mode, BOTH) as run:
            kills = 0
            while not run.done():
                run.kill("after", 1)
                kills += 1
                until("the deleted pods are there again", run.pods_are_back, 40)
            run.finish_idle()
            check(run, wanted, mode)
        assert kills == total(wanted[mode])
