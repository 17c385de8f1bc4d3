"""The API server as the bench sees it: persistent connections of its own, drift, repairs.

Nothing here goes through kubectl where time is taken: a process per request would hide what is
measured.
"""

import base64
import http.client
import json
import pathlib
import ssl
import subprocess
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONTROL_PLANE = str(ROOT / "hack/control-plane")
CLUSTER = str(ROOT / "hack/cluster")
NAMESPACE = "/api/v1/namespaces/kube-system"
SERVICE = f"{NAMESPACE}/services/kube-dns"
CONFIG = f"{NAMESPACE}/configmaps/yurt-steward"
STATE = f"{NAMESPACE}/configmaps/yurt-steward-state"
TOPOLOGY = "openyurt.io/topologyKeys"
DESIRED = "openyurt.io/nodepool"
IN_FORCE = f'"{TOPOLOGY}":"{DESIRED}"'.encode()
PATIENCE_SECONDS = 60


class Failed(Exception):
    """The bench cannot measure; that something is slow is a result instead."""


class Credentials:
    """Of a kubeconfig: its server, and its certificates as files for those who want files."""

    def __init__(self, kubeconfig, directory):
        text = subprocess.run(["kubectl", "config", "view", "--raw", "--minify", "--output=json",
                               f"--kubeconfig={kubeconfig}"],
                              check=True, stdout=subprocess.PIPE).stdout
        config = json.loads(text)
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        self.server = cluster["server"]
        directory.mkdir()
        self.files = []
        for name, data in (("ca.crt", cluster["certificate-authority-data"]),
                           ("client.crt", user["client-certificate-data"]),
                           ("client.key", user["client-key-data"])):
            path = directory / name
            path.touch(mode=0o600)
            path.write_bytes(base64.b64decode(data))
            self.files.append(str(path))

    def connect(self, timeout=PATIENCE_SECONDS):
        """A connection that is made at the first request and kept."""
        ca, certificate, key = self.files
        context = ssl.create_default_context(cafile=ca)
        context.load_cert_chain(certificate, key)
        address = urllib.parse.urlsplit(self.server)
        return http.client.HTTPSConnection(address.hostname, address.port, timeout=timeout,
                                           context=context)


class Api:
    """Requests on one connection, one after the other."""

    def __init__(self, credentials):
        self.connection = credentials.connect()

    def send(self, method, path, body=None):
        """Returns the status and the object, once the whole reply is there."""
        text = None if body is None else json.dumps(body).encode()
        self.connection.request(method, path, text, {"Content-Type": "application/json"})
        reply = self.connection.getresponse()
        return reply.status, json.loads(reply.read())

    def must(self, method, path, body=None):
        status, answer = self.send(method, path, body)
        if status >= 300:
            raise Failed(f"{method} {path}: {answer.get('message', status)}")
        return answer

    def remove(self, path):
        status, answer = self.send("DELETE", path)
        if status >= 300 and status != 404:
            raise Failed(f"DELETE {path}: {answer.get('message', status)}")

    def configure(self, data):
        """The operator's ConfigMap holds `data` and nothing else; no record of earlier runs."""
        self.remove(CONFIG)
        self.remove(STATE)
        self.must("POST", f"{NAMESPACE}/configmaps",
                  {"metadata": {"name": "yurt-steward"}, "data": data})


class Drift:
    """Puts the Service as kubeadm does: the whole of it, without the annotation."""

    def __init__(self, api):
        self.api = api
        self.service = api.must("GET", SERVICE)
        metadata = self.service["metadata"]
        metadata.get("annotations", {}).pop(TOPOLOGY, None)
        for field in ("resourceVersion", "managedFields"):
            metadata.pop(field, None)

    def make(self):
        """Returns when the reply was there, and the resourceVersion that it says."""
        written = self.api.must("PUT", SERVICE, self.service)
        return time.monotonic(), int(written["metadata"]["resourceVersion"])

    def undo(self):
        """Puts the Service as the operator wants it."""
        metadata = self.service["metadata"]
        annotations = {**metadata.get("annotations", {}), TOPOLOGY: DESIRED}
        self.api.must("PUT", SERVICE, {**self.service,
                                       "metadata": {**metadata, "annotations": annotations}})


class Watch:
    """A stream of the Service of its own, from now or from a resourceVersion on."""

    def __init__(self, credentials, version=None):
        self.connection = credentials.connect()
        query = {"watch": "true", "timeoutSeconds": "3600",
                 "fieldSelector": "metadata.name=kube-dns"}
        if version is not None:
            query["resourceVersion"] = str(version)
        self.connection.request("GET", f"{NAMESPACE}/services?{urllib.parse.urlencode(query)}")
        self.stream = self.connection.getresponse()
        if self.stream.status != 200:
            raise Failed(f"watch: {self.stream.status} {self.stream.read()[:500]!r}")

    def repair(self, version):
        """Waits for the annotation later than `version`; returns when its event was there."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                line = self.stream.readline()
            except TimeoutError:
                break
            seen = time.monotonic()
            if not line:
                raise Failed("the bench's own watch ended")
            if IN_FORCE in line:
                event = json.loads(line)
                if int(event["object"]["metadata"]["resourceVersion"]) > version:
                    return seen
        raise Failed(f"a drift was not repaired within {PATIENCE_SECONDS} s")

    def close(self):
        self.connection.close()
