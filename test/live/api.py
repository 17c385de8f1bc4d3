"""The API server, asked without a kubectl for each look."""

import http.client
import json
import socket
import subprocess

from live.waiting import until


class Unavailable(Exception):
    """The API server is away, or not ready: it forbids all before it has read its roles."""


class Api(http.client.HTTPConnection):
    """By `kubectl proxy`, whose socket can be reached from outside the cluster's network.

    `enter` is the command that runs another one inside.
    """

    def __init__(self, enter, directory):
        super().__init__("localhost", timeout=60)
        self.path = directory / "api"
        self.process = subprocess.Popen(
            [*enter, "kubectl", "proxy", f"--unix-socket={self.path}"],
            stdout=subprocess.DEVNULL)
        until("kubectl proxy listens", self.path.exists, 60)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self.path))

    def call(self, method, path, body=None):
        """The object; None where there is none. A PATCH is a merge patch. Raises Unavailable."""
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        self.request(method, path, json.dumps(body) if body else None, {"Content-Type": kind})
        response = self.getresponse()
        text = response.read()
        if response.status >= 500 or response.status == 403:
            raise Unavailable(f"{method} {path}: {response.status} {text}")
        assert response.status < 300 or response.status == 404, text
        return json.loads(text) if response.status < 300 else None

    def end(self):
        self.close()
        self.process.terminate()
        self.process.wait(30)
