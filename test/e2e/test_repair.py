"""Drift, by whom and in what way ever: repaired, and who did it is said."""

import json
import subprocess

from conftest import CONTROL_PLANE, TOPOLOGY, until

VALUE = "openyurt.io/nodepool"


def repairs(cluster, name):
    return [event["message"] for event in cluster.events("Repaired", name)]


def test_annotation_removed_by_hand(in_force, operator):
    cluster = in_force
    cluster.undo_annotation()
    operator.until("the annotation is back", lambda: cluster.annotation() == VALUE)
    message = operator.until("Repaired is said", lambda: repairs(cluster, "kube-dns"))[0]
    # Who removes what he does not own leaves no trace in managedFields.
    assert "undone by" in message


def test_annotation_changed_by_hand(in_force, operator):
    cluster = in_force
    cluster.kubectl("annotate", "--overwrite", "service", "kube-dns", f"{TOPOLOGY}=other",
                    "example.com/mine=kept")
    operator.until("the value is back", lambda: cluster.annotation() == VALUE)
    annotations = cluster.get("service", "kube-dns")["metadata"]["annotations"]
    assert annotations["example.com/mine"] == "kept"
    message = operator.until("Repaired is said", lambda: repairs(cluster, "kube-dns"))[0]
    assert "undone by kubectl-annotate" in message
    cluster.kubectl("annotate", "service", "kube-dns", "example.com/mine-")


def test_kubeadm_undoes_both(in_force, operator):
    cluster = in_force
    cluster.kubeadm_addons()
    operator.until("the annotation is back", lambda: cluster.annotation() == VALUE)
    operator.until("the configuration is back", cluster.config_in_force)
    for name in ("kube-dns", "kube-proxy"):
        message = operator.until(f"the repair of {name} is said",
                                 lambda name=name: repairs(cluster, name))[0]
        assert "kubeadm" in message
    # An annotation that is removed has no owner left; kubeadm is only known to have written last.
    assert operator.lines("service-topology", "undone by unknown", "kubeadm")
    assert operator.lines("kube-proxy-kubeconfig", "undone by kubeadm")


def recreate(cluster, kind, name, clean):
    found = cluster.get(kind, name)
    found["metadata"] = {"name": name, "namespace": "kube-system",
                         "labels": found["metadata"].get("labels", {})}
    clean(found)
    cluster.kubectl("delete", kind, name)
    cluster.kubectl("create", "--filename=-", input=json.dumps(found))


def test_service_deleted_and_made_anew(in_force, operator):
    cluster = in_force
    recreate(cluster, "service", "kube-dns", lambda service: service.pop("status", None))
    operator.until("the new Service is annotated", lambda: cluster.annotation() == VALUE)
    uid = cluster.get("service", "kube-dns")["metadata"]["uid"]
    assert json.loads(cluster.record()["service-topology"])["uid"] == uid


def test_configmap_deleted_and_made_anew(in_force, operator):
    cluster = in_force

    def as_kubeadm_writes(configmap):
        configmap["data"]["config.conf"] = cluster.original
    recreate(cluster, "configmap", "kube-proxy", as_kubeadm_writes)
    operator.until("the new ConfigMap is edited", cluster.config_in_force)
    assert cluster.record()["kube-proxy-kubeconfig.before"] == cluster.original


def drift_while_starting(cluster, operator, verb):
    """Starts a component again; undoes the annotation the moment the API server takes it."""
    with subprocess.Popen([CONTROL_PLANE, verb, str(cluster.dir)]) as starting:
        until("the API server takes a write",
              lambda: "annotated" in cluster.undo_annotation(check=False), 30)
        operator.until("the annotation is back", lambda: cluster.annotation() == VALUE, 5)
        assert starting.wait(60) == 0


def test_api_server_killed_and_restarted(in_force, operator):
    cluster = in_force
    cluster.control_plane("kill-apiserver")
    drift_while_starting(cluster, operator, "start-apiserver")


def test_etcd_killed_and_restarted(in_force, operator):
    cluster = in_force
    cluster.control_plane("kill-etcd")
    drift_while_starting(cluster, operator, "start-etcd")
