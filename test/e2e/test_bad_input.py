"""Input that can't be used: said, with its place where it has one, and nothing is written.

What the unit tests know of each kind of it isn't repeated here: this is about the program, its exit
status, and the Events and writes that a real API server gets to see.
"""

import base64
import json
import re
import subprocess

import pytest

from conftest import PROGRAM, Operator, written_to

CONTEXT = ("apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts:\n"
           "- name: c\n  context: {cluster: k, user: u}\n")
CLUSTER = "clusters:\n- name: k\n  cluster:\n    server: https://h:6443\n"
USER = "users:\n- name: u\n  user:\n"
MIB = 1 << 20
VALUE = "openyurt.io/nodepool"


def program(*arguments, **options):
    return subprocess.run([PROGRAM, *arguments], text=True, timeout=10, check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, **options)


# --- the command line ---

@pytest.mark.parametrize("arguments, words", [
    ([], []),
    (["frobnicate"], ["frobnicate"]),
    (["--kubeconfig", "x", "run"], ["--kubeconfig"]),
    (["run", "--frobnicate"], ["--frobnicate"]),
    (["run", "--kubeconfig"], ["--kubeconfig"]),
    (["run", "now"], ["now"]),
    (["run", "--log-level", "loud"], ["loud", "debug, info, warn, error"]),
    (["run", "--log-format", "xml"], ["xml", "text, json"]),
    (["plan", "-x"], ["-x"]),
    (["plan", "-o", "xml"], ["xml", "diff, json"]),
    (["version", "--frobnicate"], ["--frobnicate"]),
])
def test_usage(arguments, words):
    done = program(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Usage: yurt-steward" in done.stderr
    assert all(word in done.stderr for word in words), done.stderr


# --- kubeconfig ---

@pytest.mark.parametrize("verb", ["run", "plan"])
@pytest.mark.parametrize("text, place", [
    pytest.param(CONTEXT + CLUSTER + "    insecure-skip-tls-verify: true\n"
                 "    certificate-authority: ca.crt\n" + USER + "    token: t\n",
                 ":11: clusters[0].cluster.insecure-skip-tls-verify: contradicts", id="tls"),
    pytest.param(CONTEXT + CLUSTER + USER + "    client-certificate: client.crt\n",
                 ":14: users[0].user.client-certificate: needs client-key", id="no key"),
    pytest.param(CONTEXT + CLUSTER + USER + "    tokenFile: nowhere\n",
                 ":14: users[0].user.tokenFile: cannot read", id="no token"),
    pytest.param(CONTEXT + CLUSTER + "users: {u: {token: t}}\n",
                 ":11: users: must be a list", id="type"),
])
def test_contradictory_kubeconfig(tmp_path, verb, text, place):
    config = tmp_path / "config"
    config.write_text(text)
    done = program(verb, "--kubeconfig", config)
    assert done.returncode == 2
    assert done.stdout == ""
    assert f"{config}{place}" in done.stderr


def test_second_kubeconfig_of_several(tmp_path):
    """The one that is wrong is named, not the first."""
    (tmp_path / "good").write_text(CONTEXT + CLUSTER)
    (tmp_path / "bad").write_bytes(b"users:\n- name: \xff\n")
    done = program("plan", env={"KUBECONFIG": f"{tmp_path}/good:{tmp_path}/bad"})
    assert done.returncode == 2
    assert f"{tmp_path}/bad:2: " in done.stderr


# --- objects ---

class Proxy:
    """ConfigMap kube-proxy, as it is and as it must not be."""

    def __init__(self, cluster):
        self.cluster = cluster
        found = cluster.get("configmap", "kube-proxy")
        kept = {key: found["metadata"][key] for key in ("name", "namespace", "labels")}
        self.good = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": kept,
                     "data": found["data"]}

    def put(self, configmap):
        """Made anew: what is immutable can't be changed."""
        self.cluster.kubectl("delete", "configmap", "kube-proxy", "--ignore-not-found")
        if configmap is not None:
            self.cluster.kubectl("create", "--filename=-", input=json.dumps(configmap))

    def without(self, *keys, **more):
        return {**{key: value for key, value in self.good.items() if key not in keys}, **more}

    def text(self, text):
        return self.without(data={**self.good["data"], "config.conf": text})

    def edited(self, old, new):
        text = self.good["data"]["config.conf"]
        assert text.count(old) == 1
        return self.text(text.replace(old, new))


@pytest.fixture
def proxy(enforced):
    proxy = Proxy(enforced)
    yield proxy
    proxy.put(proxy.good)


def as_data(value):
    return base64.b64encode(value).decode()


LINE = "\n  kubeconfig: /var/lib/kube-proxy/kubeconfig.conf\n"
BAD = {
    "no data": (lambda proxy: proxy.without("data"), "has no text under data[config.conf]"),
    "another key": (lambda proxy: proxy.without(data={"config.yaml": "x"}),
                    "has no text under data[config.conf]"),
    "binaryData": (lambda proxy: proxy.without("data", binaryData={
        "config.conf": as_data(b"\xff\xfe\x00kind: KubeProxyConfiguration\n")}),
                   "has config.conf in binaryData"),
    "immutable": (lambda proxy: proxy.without(immutable=True), "is immutable"),
    "tab": (lambda proxy: proxy.edited(LINE, LINE.replace("  ", "\t")), "column 1"),
    "alias": (lambda proxy: proxy.edited(LINE, "\n  kubeconfig: *file\n"), "column 15"),
    "merge key": (lambda proxy: proxy.edited(LINE, "\n  <<: {kubeconfig: x}\n"), "column "),
    "twice": (lambda proxy: proxy.edited(LINE, LINE + LINE[1:]), "column 3"),
    "NUL": (lambda proxy: proxy.edited(LINE, "\n  kubeconfig: \"a\0b\"\n"), "column "),
    "other kind": (lambda proxy: proxy.edited("kind: KubeProxyConfiguration", "kind: Other"),
                   "column "),
}


def refusals(cluster):
    return [event for event in cluster.events("Refused", "kube-proxy")
            if event["type"] == "Warning"]


@pytest.mark.parametrize("name", BAD)
def test_configmap_refused(proxy, tmp_path, name):
    """With the line and column of what is in the text; the other adjustment is made."""
    make, words = BAD[name]
    cluster = proxy.cluster
    bad = make(proxy)
    proxy.put(bad)
    since = cluster.audit_end()
    operator = Operator(cluster, tmp_path / "log")
    try:
        event = operator.until("it is refused", lambda: refusals(cluster))[0]
        operator.until("the other adjustment is made", lambda: cluster.annotation() == VALUE)
    finally:
        operator.end()
    message = event["message"]
    assert words in message
    assert "nothing was written" in message
    if "column" in words:
        assert re.search(r", config\.conf line \d+ column \d+: ", message), message
    writes = cluster.writes(since)
    assert written_to(writes, "configmaps", "kube-proxy") == []
    assert written_to(writes, "pods") == []
    assert cluster.get("configmap", "kube-proxy").get("data") == bad.get("data")


def test_mended(proxy, operator):
    """Held as long as it is bad, and no longer."""
    cluster = proxy.cluster
    operator.until("it is in force", cluster.config_in_force)
    proxy.put(proxy.edited(LINE, LINE.replace("  ", "\t")))
    event = operator.until("it is refused", lambda: refusals(cluster))[0]
    line = proxy.good["data"]["config.conf"].split("  kubeconfig: ")[0].count("\n") + 1
    assert f"line {line} column 1" in event["message"]
    proxy.put(proxy.good)
    operator.until("it is in force again", cluster.config_in_force)


def test_nearly_a_mebibyte(proxy, tmp_path):
    """One byte more, which the edit takes, and no ConfigMap could hold it."""
    cluster = proxy.cluster
    room = MIB - sum(len(text) for text in proxy.good["data"].values()) - len("#\n")
    proxy.put(proxy.text(f"{proxy.good['data']['config.conf']}#{'x' * room}\n"))
    since = cluster.audit_end()
    operator = Operator(cluster, tmp_path / "log")
    try:
        operator.until("it says why", lambda: [
            event for event in refusals(cluster) if str(MIB) in event["message"]])
        operator.until("the other adjustment is made", lambda: cluster.annotation() == VALUE)
    finally:
        operator.end()
    writes = cluster.writes(since)
    assert written_to(writes, "configmaps", "kube-proxy") == []
    assert written_to(writes, "pods") == []
    assert "kube-proxy-kubeconfig.before" not in cluster.record()


@pytest.mark.parametrize("adjustment", ["service-topology", "kube-proxy-kubeconfig"])
def test_damaged_record(enforced, operator, adjustment):
    """What was there before is not known then: Revert must not say that it is there again."""
    cluster = enforced
    operator.until("both are in force",
                   lambda: cluster.annotation() == VALUE and cluster.config_in_force())
    operator.until("all is at rest", lambda: operator.lines("InForce", "service-topology")
                   and operator.lines("InForce", "kube-proxy-kubeconfig"), 40)
    cluster.kubectl("patch", "configmap", "yurt-steward-state", "--type=merge", "--patch",
                    json.dumps({"data": {adjustment: "{damaged"}}))
    since = cluster.audit_end()
    cluster.configure(**{adjustment: "Revert"})
    operator.until("it is refused", lambda: [
        event for event in cluster.events("Refused")
        if event["type"] == "Warning" and "yurt-steward-state" in event["message"]])
    assert not operator.lines("Reverted", adjustment)
    assert cluster.writes(since) == []


def test_configmap_missing(proxy, operator):
    cluster = proxy.cluster
    operator.until("it is in force", cluster.config_in_force)
    since = cluster.audit_end()
    proxy.put(None)
    event = operator.until("it says so", lambda: cluster.events("ConfigMapMissing"))[0]
    assert event["type"] == "Warning"
    assert written_to(cluster.writes(since), "configmaps", "kube-proxy") == []
    proxy.put(proxy.good)
    operator.until("it is in force again", cluster.config_in_force)


def test_service_missing(enforced, operator):
    cluster = enforced
    service = cluster.get("service", "kube-dns")
    operator.until("it is in force", lambda: cluster.annotation() == VALUE)
    since = cluster.audit_end()
    cluster.kubectl("delete", "service", "kube-dns")
    try:
        event = operator.until("it says so", lambda: cluster.events("ServiceMissing"))[0]
        assert event["type"] == "Warning"
        operator.until("the other adjustment is made", cluster.config_in_force)
        assert written_to(cluster.writes(since), "services") == []
    finally:
        for key in ("uid", "resourceVersion", "creationTimestamp"):
            del service["metadata"][key]
        cluster.kubectl("create", "--filename=-", input=json.dumps(service))
    operator.until("the new one is annotated", lambda: cluster.annotation() == VALUE)
