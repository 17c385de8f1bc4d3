"""The ConfigMap kube-system/yurt-steward: what each mode does, and what bad values do."""

import json
import time

from conftest import TOPOLOGY, ready_pods, written_to

VALUE = "openyurt.io/nodepool"


def test_without_configuration_nothing_is_written(cluster, operator):
    since = cluster.audit_end()
    cluster.kubectl("annotate", "service", "kube-dns", f"{TOPOLOGY}=nonsense")
    operator.until("the drift is reported", lambda: cluster.events("Drift", "kube-dns"))
    operator.until("the other drift is too", lambda: cluster.events("Drift", "kube-proxy"))
    cluster.undo_annotation()
    assert cluster.writes(since) == []


def test_enforce_service_topology(cluster, operator):
    since = cluster.audit_end()
    cluster.configure(service_topology="Enforce")
    operator.until("the annotation is there", lambda: cluster.annotation() == VALUE)
    operator.until("Enforced is said", lambda: cluster.events("Enforced", "kube-dns"))
    assert '"uid"' in cluster.record()["service-topology"]
    operator.until("open watches are told", lambda: all(
        "openyurt.io/update-trigger" in found["metadata"].get("annotations", {})
        for found in cluster.dns_slices()))
    writes = cluster.writes(since)
    assert len(written_to(writes, "services", "kube-dns")) == 1
    assert written_to(writes, "configmaps", "kube-proxy") == []
    # The record is there before anything is changed.
    assert writes[0]["objectRef"]["name"] == "yurt-steward-state"


def test_enforce_kube_proxy_kubeconfig(cluster, operator):
    before = {pod["metadata"]["uid"] for pod in cluster.proxy_pods()}
    since = cluster.audit_end()
    cluster.configure(kube_proxy_kubeconfig="Enforce")
    operator.until("kubeconfig is commented out", cluster.config_in_force)
    assert cluster.config() == cluster.original.replace(" kubeconfig: ", " #kubeconfig: ", 1)
    assert cluster.record()["kube-proxy-kubeconfig.before"] == cluster.original

    def replaced():
        pods = cluster.proxy_pods()
        return (not before & {pod["metadata"]["uid"] for pod in pods}
                and ready_pods(cluster) == len(before))
    operator.until("all kube-proxy pods are replaced", replaced, 30)
    operator.until("a plan has nothing left to do for it",
                   lambda: cluster.events("InForce", "kube-proxy"), 30)
    changed = edit_time(cluster)
    assert all(pod["metadata"]["creationTimestamp"] >= changed for pod in cluster.proxy_pods())
    assert cluster.events("Enforced", "kube-proxy")
    assert cluster.events("PodReplaced")
    replacements = operator.lines("PodReplaced")
    assert "(canary)" in replacements[0]
    assert not [line for line in replacements[1:] if "(canary)" in line]
    deletions = written_to(cluster.writes(since), "pods")
    assert len(deletions) == len(before)
    assert deletions[0]["stageTimestamp"] < deletions[1]["stageTimestamp"]


def edit_time(cluster):
    entries = cluster.get("configmap", "kube-proxy", "--show-managed-fields")["metadata"]
    return max(entry["time"] for entry in entries["managedFields"]
               if entry["manager"] == "yurt-steward")


def test_observe_reports_and_leaves(in_force, operator):
    cluster = in_force
    cluster.configure(service_topology="Observe")
    since = cluster.audit_end()
    cluster.undo_annotation()
    operator.until("the drift is reported", lambda: cluster.events("Drift", "kube-dns"))
    assert cluster.annotation() is None
    assert cluster.writes(since) == []
    cluster.configure(service_topology="Enforce")
    operator.until("the mode is effective at once", lambda: cluster.annotation() == VALUE)


def test_ignore_is_silent(in_force, operator):
    cluster = in_force
    cluster.configure(service_topology="Ignore")
    since = cluster.audit_end()
    cluster.undo_annotation()
    # The other adjustment being repaired shows that the operator has seen what came before.
    cluster.kubectl("patch", "configmap", "kube-proxy", "--type=merge", "--patch",
                    patch_config(cluster.original))
    operator.until("the other is repaired", cluster.config_in_force)
    assert cluster.annotation() is None
    assert not cluster.events("Drift", "kube-dns")
    assert written_to(cluster.writes(since), "services") == []


def patch_config(text):
    return json.dumps({"data": {"config.conf": text}})


def test_bad_values_are_named_and_the_last_good_one_stays(in_force, operator):
    cluster = in_force
    cluster.configure(service_topology="enforce")

    def complaint():
        return [event["message"] for event in cluster.events("InvalidConfiguration", "yurt-steward")
                if event["type"] == "Warning" and "service-topology" in event["message"]]
    text = operator.until("the bad mode is named", complaint)[0]
    assert '"enforce"' in text
    assert "Enforce|Observe|Revert|Ignore" in text
    cluster.undo_annotation()
    operator.until("it is still enforced", lambda: cluster.annotation() == VALUE)

    cluster.set_option("service-topolgy", "Enforce")
    operator.until("the unknown key is named", lambda: [
        event for event in cluster.events("InvalidConfiguration", "yurt-steward")
        if "service-topolgy" in event["message"]])


def test_revert_puts_back_what_was_there(in_force, operator):
    cluster = in_force
    cluster.configure(service_topology="Revert", kube_proxy_kubeconfig="Revert")
    operator.until("the annotation is gone", lambda: cluster.annotation() is None)
    operator.until("the configuration is as it was", lambda: cluster.config() == cluster.original)
    operator.until("the record is gone", lambda: not cluster.record(), 30)
    operator.until("both say so", lambda: cluster.events("Reverted", "kube-dns")
                   and cluster.events("Reverted", "kube-proxy"))
    since = cluster.audit_end()
    cluster.kubectl("annotate", "service", "kube-dns", f"{TOPOLOGY}=by-hand")
    cluster.configure(kube_proxy_kubeconfig="Enforce")
    operator.until("what came later is handled", cluster.config_in_force)
    assert cluster.annotation() == "by-hand"  # Revert, once done, is Observe
    assert written_to(cluster.writes(since), "services") == []


def test_nothing_is_written_while_all_is_well(in_force, operator):
    cluster = in_force
    since = cluster.audit_end()
    time.sleep(20)
    assert cluster.writes(since) == []
    assert cluster.annotation() == VALUE
