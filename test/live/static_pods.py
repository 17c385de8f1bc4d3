"""What a kubelet does for static pods, as far as an agent beside it can see.

The mirror Pod of every manifest in a directory is made, and made anew when what the manifest means
has changed. Nothing runs; that the Pods get Ready is hack/fake-nodes' part.
"""

import hashlib
import http.client
import json
import pathlib
import sys
import threading

import yaml

from live.api import Api, Unavailable

PODS = "/api/v1/namespaces/kube-system/pods"
HEALTH = """
import http.server, pathlib, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        manifest = pathlib.Path(sys.argv[3])
        broken = (pathlib.Path(sys.argv[2]).exists() and manifest.exists()
                  and sys.argv[4] in manifest.read_text())
        self.send_response(500 if broken else 200)
        self.end_headers()
        self.wfile.write(b"broken" if broken else b"ok")
    def log_message(self, *arguments):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def mirror_pod(manifest, node, digest):
    pod = json.loads(json.dumps(manifest))
    metadata = pod["metadata"]
    metadata["name"] += f"-{node}"
    metadata["annotations"] = {"kubernetes.io/config.hash": digest,
                               "kubernetes.io/config.mirror": digest,
                               "kubernetes.io/config.source": "file"}
    pod["spec"]["nodeName"] = node
    pod["spec"]["tolerations"] = [{"operator": "Exists"}]
    pod.pop("status", None)
    return pod


class StaticKubelet:
    """Goes on while the API server is away, as a kubelet does."""

    def __init__(self, enter, directory, manifests, node):
        self.api = Api(enter, directory)
        self.manifests = pathlib.Path(manifests)
        self.node = node
        self.paused = threading.Event()  # it takes nothing up while this is set
        self.made = {}
        self.complaint = None
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.ending.wait(0.1):
            if self.paused.is_set():
                continue
            try:
                self._look()
            except (Unavailable, OSError, http.client.HTTPException):
                self.api.close()
            except Exception as problem:  # told by end(), in the test's own thread
                self.complaint = problem
                return

    def _look(self):
        for path in sorted(self.manifests.glob("[!.]*")):
            try:
                manifest = yaml.safe_load(path.read_text(encoding="utf-8"))
            except (OSError, yaml.YAMLError):
                continue
            if isinstance(manifest, dict) and manifest.get("kind") == "Pod":
                self._keep(manifest)

    def _keep(self, manifest):
        text = json.dumps(manifest, sort_keys=True)
        digest = hashlib.md5(text.encode()).hexdigest()
        name = manifest["metadata"]["name"]
        if self.made.get(name) == digest:
            return
        self.api.call("DELETE", f"{PODS}/{name}-{self.node}?gracePeriodSeconds=0")
        self.api.call("POST", PODS, mirror_pod(manifest, self.node, digest))
        self.made[name] = digest

    def end(self):
        self.ending.set()
        self.thread.join(60)
        self.api.end()
        if self.complaint:
            raise self.complaint


def health_command(port, broken, manifest, word):
    """Serves HTTP on the port of 127.0.0.1: 200, or 500 as long as the file `broken` is there and
    the manifest has the word in it."""
    return [sys.executable, "-c", HEALTH, str(port), str(broken), str(manifest), word]
