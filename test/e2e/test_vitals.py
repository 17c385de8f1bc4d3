"""Probes and metrics, as a kubelet and a Prometheus see them."""

import re
import subprocess

import pytest

from conftest import ROOT, Operator, until

ADDRESS = "127.0.0.1:18080"


def ask(cluster, path, *arguments):
    """Status and body; (0, "") when nobody answers."""
    done = cluster.control_plane(
        "exec", "curl", "--silent", "--max-time", "5", "--write-out", "\n%{http_code}",
        *arguments, f"http://{ADDRESS}{path}", check=False, stderr=subprocess.DEVNULL)
    body, _, status = done.stdout.rpartition("\n")
    return int(status or 0), body


def metrics(cluster):
    """Every sample: "name{labels}" to its value."""
    _, text = ask(cluster, "/metrics")
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2])
            for line in text.splitlines() if line and not line.startswith("#")}


@pytest.fixture
def listening(enforced, tmp_path):
    running = Operator(enforced, tmp_path / "log", "--listen", ADDRESS, "--leader-elect")
    try:
        running.until("it is ready", lambda: ask(enforced, "/readyz")[0] == 200, 30)
        running.until("both are in force", lambda: len(running.lines("InForce")) == 2, 40)
        yield running
    finally:
        running.end()
        enforced.kubectl("delete", "lease", "yurt-steward", "--ignore-not-found")


def test_probes(enforced, listening):
    assert ask(enforced, "/livez") == (200, "ok")
    assert ask(enforced, "/healthz") == (200, "ok")
    status, text = ask(enforced, "/readyz?verbose")
    assert status == 200
    assert "[+]watch-dns-service ok" in text and text.endswith("readyz check passed\n")
    assert ask(enforced, "/readyz/watch-nodes") == (200, "ok")
    assert ask(enforced, "/readyz/nonsense")[0] == 404
    assert ask(enforced, "/")[0] == 404
    assert ask(enforced, "/livez", "--request", "POST")[0] == 405


def test_not_ready_without_the_api_server(enforced, listening):
    enforced.control_plane("kill-apiserver")
    try:
        listening.until("it says that it is blind", lambda: ask(enforced, "/readyz")[0] == 500, 30)
        status, text = ask(enforced, "/readyz")
        assert "[-]api-server failed: the API server is not reachable" in text
        assert ask(enforced, "/livez") == (200, "ok")  # a restart would not help
    finally:
        enforced.control_plane("start-apiserver")
    listening.until("it is ready again", lambda: ask(enforced, "/readyz")[0] == 200, 30)


def test_metrics_tell_what_happened(enforced, listening):
    before = metrics(enforced)
    repaired = 'yurt_steward_said_total{adjustment="service-topology",reason="Repaired"}'
    state = 'yurt_steward_adjustment_state{adjustment="service-topology",state="InForce"}'
    assert before[repaired] == 0
    assert before['leader_election_master_status{name="yurt-steward"}'] == 1
    enforced.overwrite_annotation()
    until("the repair is counted", lambda: metrics(enforced)[repaired] == 1)
    until("it is in force", lambda: metrics(enforced)[state] == 1)
    after = metrics(enforced)
    done = 'controller_runtime_reconcile_total{controller="service-topology",result="success"}'
    assert after[done] > before[done]
    assert 1e6 < after["process_resident_memory_bytes"] < 1e8
    assert after["process_open_fds"] > 5
    patched = [name for name in after
               if name.startswith("rest_client_requests_total{") and 'method="PATCH"' in name]
    assert patched and 'code="200"' in patched[0]


def series(cluster, prefix):
    return [name for name in metrics(cluster) if name.startswith(prefix)]


def test_no_old_values_of_what_is_ignored(enforced, listening):
    state = 'yurt_steward_adjustment_state{adjustment="kube-proxy-kubeconfig"'
    age = 'yurt_steward_verified_age_seconds{input="kube-proxy-config"}'
    assert series(enforced, state) and series(enforced, age)
    enforced.configure(**{"kube-proxy-kubeconfig": "Ignore"})
    until("its state is gone", lambda: not series(enforced, state))
    until("its input is not watched", lambda: not series(enforced, age))
    assert series(enforced, 'yurt_steward_adjustment_state{adjustment="service-topology"')
    assert metrics(enforced)['yurt_steward_adjustment_mode{adjustment="kube-proxy-kubeconfig"'
                             ',mode="Ignore"}'] == 1
    enforced.configure(**{"kube-proxy-kubeconfig": "Enforce"})
    until("both are back", lambda: series(enforced, state) and series(enforced, age))


def test_a_standby_tells_no_states(enforced, listening):
    state = "yurt_steward_adjustment_state{"
    leads = 'leader_election_master_status{name="yurt-steward"}'
    assert series(enforced, state)

    def is_standby():
        enforced.kubectl("patch", "lease", "yurt-steward", "--type=merge", "--patch",
                         '{"spec":{"holderIdentity":"another","leaseDurationSeconds":1}}')
        return metrics(enforced)[leads] == 0 and not series(enforced, state)
    listening.until("another one took the Lease", is_standby, 30)
    listening.until("it leads again and tells",
                    lambda: metrics(enforced)[leads] == 1 and series(enforced, state), 30)


def test_readme_lists_every_metric(enforced, listening):
    _, text = ask(enforced, "/metrics")
    served = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
    listed = set(re.findall(r"^\| `([a-z_]+)(?:\{[^`]*\})?` \| (?:counter|gauge|histogram) \|",
                            (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE))
    assert served == listed
