"""test/fake/cutproxy.py in the network of a cluster, commanded from outside."""

import pathlib
import sys

from live.commanded import Commanded

TEST = pathlib.Path(__file__).resolve().parents[1]
API_SERVER = "10.10.0.10:6443"


class CutProxy(Commanded):
    """One operator's wire to the API server; `enter` as for KillProxy."""

    def __init__(self, enter):
        super().__init__([*enter, "env", f"PYTHONPATH={TEST}", sys.executable, "-m",
                          "fake.cutproxy", "--to", API_SERVER])
        self.port = int(self.expect("ready").split()[1])
