"""What the parts of the bench share: the two that repair, and one repair."""

from cluster import Api, Drift
from contestants import Contestant


class Bench:
    """A control plane, and the programs that are run on it one at a time."""

    def __init__(self, options, credentials, directory, progress):
        self.options = options
        self.credentials = credentials
        self.directory = directory
        self.progress = progress
        self.kubeconfig = options.inside / "steward.conf"
        self.connect()

    def connect(self):
        """Also again, once the API server was away."""
        self.api = Api(self.credentials)
        self.drift = Drift(self.api)

    def enforce(self):
        """The gate wants nodes with DNS, of which there are none; all repairs are made at once."""
        self.api.configure({"service-topology": "Enforce", "service-topology.gate": "Skip",
                            "kube-proxy-kubeconfig": "Ignore",
                            "contention.budget": "1000 per 1s"})

    def operator(self, kubeconfig=None, *flags):
        return Contestant("operator", [self.options.operator, "run", "--kubeconfig",
                                       str(kubeconfig or self.kubeconfig), *flags],
                          self.directory / "operator.log")

    def bare(self):
        return Contestant("bare loop",
                          [self.options.bare, self.credentials.server, *self.credentials.files],
                          self.directory / "bare.log")

    def repair(self, watch):
        """Makes a drift; returns the seconds from the reply to the repair's event."""
        made, version = self.drift.make()
        return watch.repair(version) - made
