"""test/fake/killproxy.py in the network of a cluster, commanded from outside."""

import pathlib
import sys

from live.commanded import Commanded

TEST = pathlib.Path(__file__).resolve().parents[1]


class KillProxy(Commanded):
    """Between operator and API server; `enter` is the command that runs another one inside."""

    def __init__(self, enter, cluster_dir, directory):
        self.kubeconfig = directory / "proxy.conf"
        super().__init__([*enter, "env", f"PYTHONPATH={TEST}", sys.executable, "-m",
                          "fake.killproxy", "--kubeconfig", str(cluster_dir / "steward-token.conf"),
                          "--write", str(self.kubeconfig)])
        self.expect("ready")

    def arm(self, command):
        self.tell(command)

    @property
    def stopped(self):
        return "stopped" in self.lines
