"""Token and CA of a pod are replaced while the operator runs, and the API server's certificate.

The operator runs as in a pod, with its ServiceAccount's volume where the kubelet mounts it, and
reaches the API server at an address of its own, which has a certificate of its own: the other
clients' stays. All the while a rival undoes what it does: nothing is missed, nothing restarts.
"""

import base64
import itertools
import json
import os

import pytest

from conftest import CONTROL_PLANE, Operator
from fake.certificates import Authority
from fleet import MODES
from live.api import Api
from live.audit import entries, writes_of
from live.rival import Rival
from live.roles import bound_to

ACCOUNT = "rotated"
USER = f"system:serviceaccount:kube-system:{ACCOUNT}"
ADDRESS = "127.0.0.2"
CREDENTIAL = "authentication.kubernetes.io/credential-id"
PATIENCE = 60
# What a container of a pod finds; the volume over the machine's own files, for it alone.
AS_IN_A_POD = """
mount -t tmpfs tmpfs "$(realpath /var/run)"
mkdir -p /var/run/secrets/kubernetes.io/serviceaccount
mount --bind "$1" /var/run/secrets/kubernetes.io/serviceaccount
shift
exec env -u KUBECONFIG HOME=/nonexistent KUBERNETES_SERVICE_HOST="$HOST" \\
  KUBERNETES_SERVICE_PORT=6443 "$@"
"""


class Volume:
    """Replaced as the kubelet does it: a directory that is complete, and a link that is moved."""

    def __init__(self, directory):
        self.directory = directory
        self.files = {"namespace": "kube-system"}
        self._numbers = itertools.count()
        directory.mkdir()

    def publish(self, **files):
        self.files |= {name.replace("_", "."): text for name, text in files.items()}
        version = f"..{next(self._numbers)}"
        (self.directory / version).mkdir()
        for name, text in self.files.items():
            (self.directory / version / name).write_text(text)
            if not (self.directory / name).is_symlink():
                (self.directory / name).symlink_to(f"..data/{name}")
        (self.directory / "..data_tmp").symlink_to(version)
        os.replace(self.directory / "..data_tmp", self.directory / "..data")


class ServedCertificate:
    """What the API server shows at ADDRESS. It is restarted for another one."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.certificate = cluster.dir / "rotated.crt"
        self.key = cluster.dir / "rotated.key"
        self.arguments = cluster.dir / "kube-apiserver.args"
        self.before = self.arguments.read_text()
        self.arguments.write_text(
            self.before + f"--tls-sni-cert-key={self.certificate},{self.key}:{ADDRESS}\n")

    def replace(self, authority):
        issued = authority.issue(ADDRESS)
        self.certificate.write_text(issued.cert_pem)
        self.key.write_text(issued.key_pem)
        self.restart()

    def restart(self):
        self.cluster.control_plane("kill-apiserver")
        self.cluster.control_plane("start-apiserver")

    def end(self):
        self.arguments.write_text(self.before)
        self.restart()


class Token:
    """Valid as long as the Secret that it is bound to."""

    def __init__(self, cluster, name):
        self.cluster, self.name = cluster, name
        cluster.kubectl("create", "secret", "generic", name)
        self.text = cluster.kubectl("create", "token", ACCOUNT, "--bound-object-kind=Secret",
                                    f"--bound-object-name={name}")
        payload = self.text.split(".")[1]
        self.id = json.loads(base64.urlsafe_b64decode(payload + "=="))["jti"]

    @property
    def half(self):
        return self.text[:len(self.text) // 2]

    def revoke(self):
        """The API server believes it for 10 seconds more."""
        self.cluster.kubectl("delete", "secret", self.name, "--ignore-not-found")


@pytest.fixture(scope="module")
def certificate(control_plane, nodes):
    served = ServedCertificate(control_plane)
    try:
        yield served
    finally:
        served.end()


@pytest.fixture
def tokens(cluster):
    cluster.kubectl("create", "serviceaccount", ACCOUNT)
    cluster.control_plane("exec", "kubectl", "apply", "--filename=-",
                          input=json.dumps(bound_to(ACCOUNT)))
    made = [Token(cluster, f"{ACCOUNT}-{number}") for number in range(2)]
    try:
        yield made
    finally:
        for token in made:
            token.revoke()
        cluster.kubectl("delete", "serviceaccount", ACCOUNT)


class Pod:
    """The operator as in a pod, and the rival."""

    def __init__(self, cluster, volume, tmp_path):
        self.cluster = cluster
        self.since = cluster.audit_end()
        rights = [] if os.geteuid() == 0 else ["--map-root-user"]
        self.operator = Operator(cluster, tmp_path / "log", enter=[
            "unshare", *rights, "--mount", "env", f"HOST={ADDRESS}", "sh", "-ec", AS_IN_A_POD,
            "sh", str(volume.directory)])
        self.api = Api([CONTROL_PLANE, "exec", str(cluster.dir)], tmp_path)
        self.rival = Rival(self.api)

    def until(self, what, condition):
        return self.operator.until(what, condition, PATIENCE)

    def until_repaired(self, repairs=3):
        before = self.rival.counts()
        self.until("the rival's drifts are repaired", lambda: self.rival.more_than(before, repairs))

    def writes(self):
        return writes_of(entries(self.cluster.dir / "audit.log", self.since), [USER])

    def end(self):
        try:
            self.operator.end()  # it ran all the time
            assert len(self.operator.lines("started version=")) == 1
        finally:
            self.api.end()


@pytest.fixture
def authorities():
    return [Authority("first-ca"), Authority("second-ca")]


@pytest.fixture
def volume(tmp_path, tokens, authorities):
    made = Volume(tmp_path / "volume")
    made.publish(token=tokens[0].text, ca_crt=authorities[0].pem)
    return made


@pytest.fixture
def pod(cluster, certificate, authorities, volume, tmp_path):
    certificate.replace(authorities[0])
    cluster.configure(**MODES)
    running = Pod(cluster, volume, tmp_path)
    try:
        assert running.operator.lines("config=in-cluster", f"server=https://{ADDRESS}:6443")
        running.until("all is in force", lambda: cluster.annotation() and cluster.config_in_force())
        with running.rival:
            running.until_repaired()
            yield running
            running.until_repaired()
        running.until("the last drift is repaired", running.rival.all_repaired)
    finally:
        running.end()


def credentials(writes):
    """The ids of the tokens with which they were asked for, in order, each once in a row."""
    used = [entry["user"]["extra"][CREDENTIAL][0].removeprefix("JTI=") for entry in writes]
    return [name for name, _ in itertools.groupby(used)]


def test_token_is_replaced(pod, volume, tokens):
    """The half of it is read, and refused, and nothing at all, before it is there."""
    first, second = tokens
    volume.publish(token=second.half)
    first.revoke()
    pod.until("the old one is refused, and the half one", lambda: pod.operator.lines(
        "the API server refuses our credentials"))
    volume.publish(token="")
    pod.until("it says so", lambda: pod.operator.lines("credentials cannot be renewed", "token"))
    volume.publish(token=second.text)
    pod.until_repaired()
    assert credentials(pod.writes()) == [first.id, second.id]


def test_authority_is_replaced(pod, volume, authorities, certificate):
    """Its certificate first in a half-written bundle, then beside the old one, then alone."""
    old, new = (authority.pem for authority in authorities)
    volume.publish(ca_crt=old + new[:len(new) // 2])
    certificate.replace(authorities[1])
    pod.until("it says so", lambda: pod.operator.lines("credentials cannot be renewed", "ca.crt"))
    volume.publish(ca_crt=old)
    pod.until("it says so", lambda: pod.operator.lines("certificate is not trusted"))
    volume.publish(ca_crt=old + new)
    pod.until_repaired()
    volume.publish(ca_crt=new)
    certificate.replace(authorities[1])
    pod.until_repaired()


def test_certificate_is_replaced(pod, authorities, certificate):
    """Of the same CA: nobody has to do anything."""
    certificate.replace(authorities[0])
    pod.until_repaired()
