"""test/fake/killproxy.py in the network of a cluster, commanded from outside."""

import pathlib
import subprocess
import sys
import threading

from live.waiting import until

TEST = pathlib.Path(__file__).resolve().parents[1]


class KillProxy:
    """Between operator and API server; `enter` is the command that runs another one inside."""

    def __init__(self, enter, cluster_dir, directory):
        self.kubeconfig = directory / "proxy.conf"
        self.lines = []
        self.process = subprocess.Popen(
            [*enter, "env", f"PYTHONPATH={TEST}", sys.executable, "-m", "fake.killproxy",
             "--kubeconfig", str(cluster_dir / "steward-token.conf"),
             "--write", str(self.kubeconfig)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self._read, daemon=True).start()
        self._expect("ready")

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.strip())

    def _expect(self, line):
        until(f"the proxy says {line}", lambda: line in self.lines, 60)

    def arm(self, command):
        self.lines.clear()
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        self._expect("ok")

    @property
    def stopped(self):
        return "stopped" in self.lines

    def end(self):
        self.process.stdin.close()
        self.process.wait(60)
