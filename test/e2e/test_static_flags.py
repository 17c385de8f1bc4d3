"""The flags that are written into static pod manifests, given to the real components.

test/golden/staticpod holds what the edit makes of kubeadm's manifests; here the same change is made
to those that kubeadm wrote for this control plane.
"""

import pathlib
import shutil
import subprocess
import tempfile

import pytest

from conftest import CONTROL_PLANE, ROOT, Cluster, until

GOLDEN = ROOT / "test/golden/staticpod"
PORT = "10357"
STARTED = '"Controller starting..." controller="node-lifecycle-controller"'
DISABLED = '"Warning: controller is disabled" controller="node-lifecycle-controller"'


@pytest.fixture(scope="module")
def plane():
    """One of its own: its API server is restarted with other flags."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="steward-e2e-"))
    cluster = Cluster(directory / "cluster")
    try:
        cluster.control_plane("start")
        yield cluster
    finally:
        cluster.control_plane("stop", check=False)
        shutil.rmtree(directory, ignore_errors=True)


def edited_flag(component):
    """The line of a flag before and after, from the golden diff."""
    diff = (GOLDEN / f"kubeadm-1.37.2-{component}.txt").read_text(encoding="utf-8").splitlines()
    (before,) = [line[1:] for line in diff if line.startswith("-    - --")]
    (after,) = [line[1:] for line in diff if line.startswith("+    - --")]
    return before, after


def edited_manifest(plane, component):
    text = (plane.dir / "manifests" / f"{component}.yaml").read_text(encoding="utf-8")
    before, after = edited_flag(component)
    assert text.count(before + "\n") == 1
    return text.replace(before + "\n", after + "\n")


def flags_of(manifest, directory):
    return [line.strip()[2:].replace("=/etc/kubernetes/", f"={directory}/")
            for line in manifest.splitlines() if line.startswith("    - --")]


class ControllerManager:
    """One more beside the control plane's own, on a port of its own."""

    def __init__(self, plane, log, flags):
        self.plane = plane
        self.log = log
        with open(log, "wb") as output:
            self.process = subprocess.Popen(
                [CONTROL_PLANE, "exec", str(plane.dir), "kube-controller-manager", *flags,
                 "--leader-elect=false", f"--secure-port={PORT}", "--v=1"],
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)

    def text(self):
        return self.log.read_text(encoding="utf-8", errors="replace")

    def healthy(self):
        assert self.process.poll() is None, self.text()[-4000:]
        done = self.plane.control_plane(
            "exec", "curl", "--silent", "--fail", "--insecure", "--max-time", "2",
            f"https://127.0.0.1:{PORT}/healthz", check=False)
        return done.stdout == "ok"

    def end(self):
        self.process.terminate()
        self.process.wait(30)


@pytest.fixture
def start_manager(plane, tmp_path):
    started = []

    def start(flags):
        started.append(ControllerManager(plane, tmp_path / "kube-controller-manager.log", flags))
        return started[-1]
    yield start
    for manager in started:
        manager.end()


def test_controller_manager_runs_nodelifecycle_before(plane, start_manager):
    """So what is not in the log below could be there."""
    manifest = (plane.dir / "manifests/kube-controller-manager.yaml").read_text(encoding="utf-8")
    manager = start_manager(flags_of(manifest, plane.dir))
    until("the controller starts", lambda: STARTED in manager.text(), 60, manager.text)
    assert DISABLED not in manager.text()


def test_controller_manager_runs_without_nodelifecycle(plane, start_manager):
    flags = flags_of(edited_manifest(plane, "kube-controller-manager"), plane.dir)
    manager = start_manager(flags)
    until("it is healthy", manager.healthy, 60, manager.text)
    until("it says that the controller is off", lambda: DISABLED in manager.text(), 60,
          manager.text)
    # and goes on to its work
    until("its controllers run", lambda: "Proceeding to collect garbage" in manager.text(), 60,
          manager.text)
    assert STARTED not in manager.text()


def test_controller_manager_refuses_another_name(plane, start_manager):
    """So the value that it takes above was really looked at."""
    manifest = edited_manifest(plane, "kube-controller-manager")
    manager = start_manager(flags_of(manifest.replace("-nodelifecycle", "-nodelifecycles"),
                                     plane.dir))
    assert manager.process.wait(60) != 0
    assert '\\"nodelifecycles\\" is not in the list of known controllers' in manager.text()


def test_apiserver_runs_with_hostname_first(plane):
    path = plane.dir / "manifests/kube-apiserver.yaml"
    plane.control_plane("exec", "tee", str(path), input=edited_manifest(plane, "kube-apiserver"))
    plane.control_plane("kill-apiserver")
    plane.control_plane("start-apiserver")
    pid = (plane.dir / "kube-apiserver.pid").read_text(encoding="utf-8").split()[0]
    words = subprocess.run(["ps", "-ww", "-o", "args=", "-p", pid], check=True, text=True,
                           stdout=subprocess.PIPE).stdout.split()
    assert "--kubelet-preferred-address-types=Hostname,InternalIP,ExternalIP" in words
    assert plane.kubectl("get", "--raw", "/readyz") == "ok"
