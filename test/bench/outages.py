"""How soon the operator repairs again once the API server is back, and what it asked meanwhile."""

import concurrent.futures
import http.client
import shutil
import subprocess
import time

from cluster import CONTROL_PLANE, PATIENCE_SECONDS, SERVICE, Api, Failed, Watch
from report import Row
from syns import SynCounter

# The API server listens on it too, and nobody but the operator uses it: its connections count.
ADDRESS, PORT = "127.0.0.2", 6443
POLL_SECONDS = 0.005


def kubeconfig(bench):
    path = bench.directory / "counted.conf"
    shutil.copy(bench.kubeconfig, path)
    subprocess.run(["kubectl", "config", f"--kubeconfig={path}", "set-cluster", "kubernetes",
                    f"--server=https://{ADDRESS}:{PORT}", "--tls-server-name=kubernetes"],
                   check=True, stdout=subprocess.DEVNULL)
    return path


def control_plane(bench, verb):
    done = subprocess.run([CONTROL_PLANE, verb, str(bench.options.inside)], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        raise Failed(f"hack/control-plane {verb}: {done.stdout}")


def ready(bench, since):
    """Asks /readyz every few milliseconds until it answers 200; returns when that was."""
    connection = bench.credentials.connect(2)
    while time.monotonic() < since + PATIENCE_SECONDS:
        try:
            connection.request("GET", "/readyz")
            reply = connection.getresponse()
            reply.read()
            if reply.status == 200:
                return time.monotonic()
        except (OSError, http.client.HTTPException):
            connection.close()
        bench.progress.show("outage: the API server starts")
        time.sleep(POLL_SECONDS)
    raise Failed(f"the API server was not ready {PATIENCE_SECONDS} s after its start")


def drift_when_ready(bench, since):
    """A server that has just become ready may still refuse: the drift is what it then takes."""
    while True:
        try:
            status, written = Api(bench.credentials).send("PUT", SERVICE, bench.drift.service)
            if status == 200:
                return time.monotonic(), int(written["metadata"]["resourceVersion"])
        except (OSError, http.client.HTTPException):
            pass
        if time.monotonic() > since + PATIENCE_SECONDS:
            raise Failed("no drift could be made after the outage")


def outage(bench, seconds, counter):
    """Returns how long it was away, from ready to drift and to repair, and connections tried."""
    counter.take()
    killed = time.monotonic()
    control_plane(bench, "kill-apiserver")
    while time.monotonic() < killed + seconds:
        bench.progress.show(f"outage: {time.monotonic() - killed:.0f} of {seconds} s")
        time.sleep(min(1, max(0, killed + seconds - time.monotonic())))
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        # It returns only once the controllers run again too.
        started = pool.submit(control_plane, bench, "start-apiserver")
        up = ready(bench, killed + seconds)
        tried = counter.take()
        drifted, version = drift_when_ready(bench, up)
        watch = Watch(bench.credentials, version)
        repaired = watch.repair(version)
        watch.close()
        started.result()
    return up - killed, drifted - up, repaired - up, tried


def measure(bench):
    """The operator runs through all of them."""
    rows = []
    bench.enforce()
    watch = Watch(bench.credentials)
    _, version = bench.drift.make()
    operator = bench.operator(kubeconfig(bench))
    with SynCounter(ADDRESS, PORT) as counter, operator.running():
        watch.repair(version)
        watch.close()
        for seconds in bench.options.outages:
            rows += Row.recovery(seconds, *outage(bench, seconds, counter))
    bench.connect()
    return rows
