"""Hours of a production cluster in minutes: drifts, outages, cuts and restarts, at random.

    SOAK_SECONDS   how long; default 120
    SOAK_SEED      of a run that failed, to have the same again

One of two replicas lives all along. At the end all is in force, it has neither more memory nor more
descriptors than at the beginning, it asked for no more than what happened explains, and never did
both write.
"""

import http.client
import os
import pathlib
import random
import re
import signal
import sys
import time

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1]),
                str(pathlib.Path(__file__).resolve().parents[1] / "e2e")]

from conftest import cluster, control_plane, nodes  # noqa: E402, F401 (fixtures)
from fleet import fleet  # noqa: E402, F401 (a fixture)
from live.api import Unavailable  # noqa: E402
from live.rival import CONFIG, SERVICE, TOPOLOGY, Annotation, ProxyConfig  # noqa: E402

SECONDS = float(os.environ.get("SOAK_SECONDS", 120))
SEED = int(os.environ.get("SOAK_SEED", random.randrange(10**9)))
PATIENCE = 120
# Between the two looks at its memory: what a heap that is cut up may differ by.
GROWTH_KIB = 512
# What a drift, a disturbance and a second may cost in requests.
PER_DRIFT, PER_DISTURBANCE, PER_SECOND = 8, 40, 2.5


class Soak:
    def __init__(self, fleet):
        self.fleet = fleet
        self.random = random.Random(SEED)
        self.kept, self.other = fleet.add("kept"), fleet.add("other")
        self.drifts = self.disturbances = 0
        self.began = time.monotonic()

    # --- what is wanted ---

    def in_force(self):
        try:
            return all(kind().in_force(self.fleet.api.call("GET", kind().path))
                       for kind in (Annotation, ProxyConfig))
        except (Unavailable, OSError, http.client.HTTPException):
            self.fleet.api.close()
            return False

    def until_in_force(self):
        self.fleet.until("all is in force", self.in_force, PATIENCE)
        assert not self.kept.operator.ended(), self.fleet.explain()
        assert not self.other.operator.ended(), self.fleet.explain()

    # --- what happens ---

    def drift(self):
        """In one way or another; done when it is made, not when it is repaired."""
        api = self.fleet.api
        annotation = {"metadata": {"annotations": {
            TOPOLOGY: self.random.choice(["other", "kubernetes.io/zone", "", None])}}}
        both = self.random.random()
        if both < 0.7:
            api.call("PATCH", SERVICE, annotation)
            self.drifts += 1
        if both > 0.6:
            api.call("PATCH", CONFIG, ProxyConfig().undone(api.call("GET", CONFIG)))
            self.drifts += 1

    def burst(self):
        for _ in range(self.random.randint(1, 12)):
            self.drift()
            self.until_in_force()

    def restart_api_server(self):
        self.drift()
        self.fleet.cluster.control_plane("kill-apiserver")
        self.fleet.cluster.control_plane("start-apiserver")

    def cut(self):
        """For a moment, or for as long as it takes to be noticed; the Lease outlasts it or not."""
        wire = self.random.choice([self.kept, self.other]).wire
        wire.tell("cut")
        self.drift()
        time.sleep(self.random.choice([0.1, 1, 3, 7, 12]))
        wire.tell("heal")

    def reset(self):
        for replica in (self.kept, self.other):
            replica.wire.tell("reset")
            self.drift()

    def suspend(self):
        self.kept.signal(signal.SIGSTOP)
        self.drift()
        time.sleep(self.random.choice([0.1, 2, 12]))
        self.kept.signal(signal.SIGCONT)

    def restart(self):
        assert self.other.operator.stop(seconds=40) == 0, self.fleet.explain()
        self.drift()
        self.other.start()

    def kill(self):
        self.drift()
        self.other.kill()
        self.drift()
        self.other.start()

    def disturb(self, what):
        self.disturbances += 1
        what()
        self.until_in_force()

    # --- what it costs ---

    def at_rest(self):
        """The kept one leads, has nothing to do, and no more connections than it needs."""
        assert self.other.operator.stop(seconds=40) == 0
        self.fleet.until("the kept one leads", lambda: re.search(
            r'leader_election_master_status\S+ 1', self.kept.ask("/metrics")))
        self.kept.wire.tell("reset")
        self.drift()
        self.until_in_force_alone()
        self.fleet.until("it sees everything", lambda: self.kept.ask("/readyz") == "ok")

    def until_in_force_alone(self):
        self.fleet.until("all is in force", self.in_force, PATIENCE)
        self.fleet.until("it says so", lambda: len(re.findall(
            r'adjustment="(?:service-topology|kube-proxy-kubeconfig)",state="InForce"} 1',
            self.kept.ask("/metrics"))) == 2)

    def memory_kib(self):
        with open(f"/proc/{self.kept.operator.pid}/status", encoding="utf-8") as file:
            return int(re.search(r"RssAnon:\s+(\d+) kB", file.read()).group(1))

    def descriptors(self):
        """What they are of, without the numbers that differ from one to the next."""
        directory = f"/proc/{self.kept.operator.pid}/fd"
        return sorted(os.readlink(f"{directory}/{name}").split("[")[0]
                      for name in os.listdir(directory))

    def requests(self):
        return sum(float(value) for value in re.findall(
            r"^rest_client_requests_total\{[^}]*\} (\S+)$", self.kept.ask("/metrics"),
            re.MULTILINE))


def run(soak):
    kinds = [soak.restart_api_server, soak.cut, soak.cut, soak.reset, soak.suspend, soak.restart,
             soak.restart, soak.kill]
    warm = None
    left = soak.random.sample(kinds, len(kinds))
    soak.kept.start().until_it_leads()
    soak.other.start()
    soak.until_in_force()
    while time.monotonic() - soak.began < SECONDS or warm is None:
        if warm is None and not left:
            soak.at_rest()
            warm = soak.memory_kib(), soak.descriptors()
            soak.other.start()
        soak.burst()
        soak.disturb(left.pop() if left else soak.random.choice(kinds))
    soak.at_rest()
    return warm


def test_soak(fleet, capsys):
    def say(text):
        with capsys.disabled():
            print(text, flush=True)

    say(f"SOAK_SEED={SEED} SOAK_SECONDS={SECONDS:g}")
    soak = Soak(fleet)
    memory, descriptors = run(soak)
    seconds = time.monotonic() - soak.began
    requests = soak.requests()
    allowed = (soak.drifts * PER_DRIFT + soak.disturbances * PER_DISTURBANCE
               + seconds * PER_SECOND)
    say(f"{seconds:.0f} s: {soak.drifts} drifts, {soak.disturbances} disturbances, "
        f"{requests:.0f} requests ({allowed:.0f} allowed), RssAnon {memory} to "
        f"{soak.memory_kib()} KiB, {len(descriptors)} to {len(soak.descriptors())} descriptors")
    fleet.until("its descriptors are as before", lambda: soak.descriptors() == descriptors)
    assert soak.memory_kib() - memory <= GROWTH_KIB
    assert requests <= allowed
    fleet.check_never_two_writers()
