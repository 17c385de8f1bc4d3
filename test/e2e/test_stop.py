"""How the program starts wrongly and stops rightly."""

import signal
import subprocess

import pytest

from conftest import PROGRAM, Operator, until


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_stops_when_told(cluster, tmp_path, signum):
    operator = Operator(cluster, tmp_path / "log")
    operator.until("it works", lambda: operator.lines("Drift"))
    assert operator.stop(signum) == 0
    assert operator.lines("stopping")


def test_stops_while_the_server_is_silent(tmp_path):
    """An address that nobody answers at, as before the network is there."""
    config = tmp_path / "kubeconfig"
    config.write_text("apiVersion: v1\nkind: Config\ncurrent-context: c\n"
                      "clusters:\n- name: c\n  cluster: {server: 'https://127.0.0.1:9'}\n"
                      "users:\n- name: u\n  user: {token: t}\n"
                      "contexts:\n- name: c\n  context: {cluster: c, user: u}\n")
    log = tmp_path / "log"
    with open(log, "wb") as stderr:
        process = subprocess.Popen([PROGRAM, "run", "--kubeconfig", config], stderr=stderr)
    try:
        until("it starts", lambda: "started" in log.read_text(), 5)
        process.send_signal(signal.SIGTERM)
        assert process.wait(8) == 0
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("text, words", [
    ("apiVersion: v1\nkind: Config\nclusters: [\n", [":4: not valid YAML"]),
    ("apiVersion: v1\nkind: Config\nclusters: 7\n", [":3", "clusters"]),
    ("apiVersion: v1\nkind: Config\ncurrent-context: nowhere\n", ["nowhere"]),
])
def test_unreadable_kubeconfig(tmp_path, text, words):
    config = tmp_path / "broken.conf"
    config.write_text(text)
    done = subprocess.run([PROGRAM, "run", "--kubeconfig", config], text=True, timeout=10,
                          check=False, stderr=subprocess.PIPE)
    assert done.returncode == 2
    assert str(config) in done.stderr
    assert all(word in done.stderr for word in words), done.stderr


def test_missing_kubeconfig(tmp_path):
    done = subprocess.run([PROGRAM, "run", "--kubeconfig", tmp_path / "none"], text=True,
                          timeout=10, check=False, stderr=subprocess.PIPE)
    assert done.returncode == 2
    assert str(tmp_path / "none") in done.stderr
