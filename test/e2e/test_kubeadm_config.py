"""What is written into kubeadm's configuration, and the patch file, given to the real kubeadm.

test/golden/node holds what the edit makes of a ClusterConfiguration, and the patch file. kubeadm
must take both, and write manifests that need no edit any more: so does an upgrade.
"""

import os
import pathlib
import subprocess

import pytest

from conftest import ROOT

GOLDEN = ROOT / "test/golden/node"
CONFIGURATION = (GOLDEN / "cluster-configuration-1.37.2.yaml").read_text(encoding="utf-8")
PATCH = GOLDEN / "kube-apiserver+strategic.yaml"
INIT = """apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint: {advertiseAddress: 10.0.0.1}
nodeRegistration: {name: cp-1, criSocket: "unix:///none"}
patches: {directory: %s}
---
"""


@pytest.fixture(scope="module")
def kubeadm():
    done = subprocess.run([ROOT / "hack/kube-binaries", "kubeadm"], check=True,
                          stdout=subprocess.PIPE, text=True)
    return pathlib.Path(done.stdout.strip()) / "kubeadm"


def test_kubeadm_accepts_the_configuration(kubeadm):
    subprocess.run([kubeadm, "config", "validate", "--config",
                    GOLDEN / "cluster-configuration-1.37.2.yaml"], check=True)


def test_manifests_of_kubeadm_need_no_edit(kubeadm, tmp_path):
    (tmp_path / "patches").mkdir()
    (tmp_path / "patches" / PATCH.name).write_bytes(PATCH.read_bytes())
    (tmp_path / "pki").mkdir()
    config = tmp_path / "config.yaml"
    config.write_text(INIT % (tmp_path / "patches") +
                      CONFIGURATION.replace("/etc/kubernetes/pki", str(tmp_path / "pki")),
                      encoding="utf-8")
    (tmp_path / "manifests").mkdir()
    subprocess.run([kubeadm, "init", "phase", "control-plane", "all", "--dry-run", "--config",
                    config], check=True,
                   env={**os.environ, "KUBEADM_INIT_DRYRUN_DIR": str(tmp_path / "manifests")})
    assert (tmp_path / "manifests/kube-apiserver.yaml").is_file()
    program = os.environ.get("YURT_STEWARD", ROOT / "build/yurt-steward")
    done = subprocess.run([program, "plan", "--manifests", tmp_path / "manifests",
                           "--nameserver", "10.96.0.20"], stdout=subprocess.PIPE, text=True)
    assert done.stdout == "kube-controller-manager: InForce\nkube-apiserver: InForce\n"
    assert done.returncode == 0
