"""Somebody who undoes two adjustments as fast as they are repaired."""

import http.client
import threading
import time

from live.api import Unavailable

SERVICE = "/api/v1/namespaces/kube-system/services/kube-dns"
CONFIG = "/api/v1/namespaces/kube-system/configmaps/kube-proxy"
TOPOLOGY = "openyurt.io/topologyKeys"
WANTED = "openyurt.io/nodepool"
LOOK_SECONDS = 0.05


class Drift:
    """One thing that can be undone, and is seen to be repaired."""

    def __init__(self, path):
        self.path = path
        self.repaired = 0
        self.longest = 0.0  # seconds that it took
        self.pending = None  # since when it is undone

    def look(self, api, undo):
        """Notices a repair; undoes it again where that is wanted."""
        found = api.call("GET", self.path)
        if not self.in_force(found):
            self.pending = self.pending or time.monotonic()
            return
        if self.pending is not None:
            self.longest = max(self.longest, time.monotonic() - self.pending)
            self.pending = None
            self.repaired += 1
        if undo:
            api.call("PATCH", self.path, self.undone(found))
            self.pending = time.monotonic()


class Annotation(Drift):
    def __init__(self):
        super().__init__(SERVICE)

    def in_force(self, service):
        return service["metadata"].get("annotations", {}).get(TOPOLOGY) == WANTED

    def undone(self, _service):
        return {"metadata": {"annotations": {TOPOLOGY: "other"}}}


class ProxyConfig(Drift):
    def __init__(self):
        super().__init__(CONFIG)

    def in_force(self, configmap):
        return "\n  #kubeconfig: " in configmap["data"]["config.conf"]

    def undone(self, configmap):
        text = configmap["data"]["config.conf"]
        return {"data": {"config.conf": text.replace("  #kubeconfig: ", "  kubeconfig: ")}}


class Rival:
    """Undoes both, each anew once it is seen repaired, until told to stop.

    Each drift waits for its repair: none can be missed unnoticed. An API server that is away is
    asked until it is back. `api` is used by nobody else.
    """

    def __init__(self, api):
        self.drifts = (Annotation(), ProxyConfig())
        self._api = api
        self._going = True
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._going = False
        self._thread.join(60)

    def _run(self):
        while self._going:
            try:
                for drift in self.drifts:
                    drift.look(self._api, undo=True)
            except (Unavailable, OSError, http.client.HTTPException):
                self._api.close()
            time.sleep(LOOK_SECONDS)

    def counts(self):
        assert self._thread.is_alive()
        return tuple(drift.repaired for drift in self.drifts)

    def more_than(self, before, repairs):
        """Whether each was repaired so many times since counts() was `before`."""
        return all(now - then >= repairs for now, then in zip(self.counts(), before))

    def all_repaired(self):
        """After the end: what was undone last is repaired too."""
        for drift in self.drifts:
            drift.look(self._api, undo=False)
        return all(drift.pending is None for drift in self.drifts)
