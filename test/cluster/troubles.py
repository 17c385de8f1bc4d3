"""Why CoreDNS can't run on one node; each is made and mended there, and nowhere else."""

import json

from conftest import until

NODE, POOL = "edge-b1", "pool-b"
RESOLV_CONF = "/etc/kubernetes/resolv.conf"  # what the kubelet gives to pods with dnsPolicy Default
LOOPBACK = "nameserver 127.0.0.1\n"  # for CoreDNS that is itself: plugin loop ends it
CTR = ("ctr", "--namespace", "k8s.io", "images")
OWN = "/etc/coredns-own"  # what a node adds to the Corefile


class Trouble:
    """`whys` is what the kubelet calls it, and so the operator."""

    whys = ("CrashLoopBackOff",)
    is_ever_ready = False  # so that questions go to it and are lost, until it ends

    def __init__(self, cluster):
        self.cluster = cluster

    def prepare(self):
        """Before the operator does anything."""

    def make(self):
        raise NotImplementedError

    def mend(self):
        raise NotImplementedError

    def clear(self):
        """Once all is reverted."""

    def on_node(self, *command, **options):
        return self.cluster.run("enter", NODE, *command, **options).stdout

    def begin_anew(self):
        """CoreDNS on that node, without the delay that its failures have brought about."""
        self.cluster.kubectl("delete", "pods", "--selector=k8s-app=kube-dns", "--wait=false",
                             f"--field-selector=spec.nodeName={NODE}")


class Loop(Trouble):
    """CoreDNS forwards to itself."""

    is_ever_ready = True

    def prepare(self):
        self.good = self.on_node("cat", RESOLV_CONF)

    def make(self):
        self.on_node("tee", RESOLV_CONF, input=LOOPBACK)

    def mend(self):
        self.on_node("tee", RESOLV_CONF, input=self.good)


class Image(Trouble):
    """The node has not got it, and can't get it."""

    whys = ("ErrImagePull", "ImagePullBackOff")

    def prepare(self):
        template = self.cluster.deployment()["spec"]["template"]
        self.name = template["spec"]["containers"][0]["image"]
        self.other = self.name.rpartition(":")[0] + ":next"  # the same under another name

    def make(self):
        self.on_node(*CTR, "remove", self.name)

    def mend(self):
        self.on_node(*CTR, "tag", "--force", self.other, self.name)


class Corefile(Trouble):
    """It has a part of each node's own, and the node's is wrong."""

    def prepare(self):
        template = self.cluster.deployment()["spec"]["template"]["spec"]
        self.corefile = self.cluster.get("configmaps/coredns")["data"]["Corefile"]
        self.volumes = template["volumes"]
        self.mounts = template["containers"][0]["volumeMounts"]
        own = {"name": "own", "hostPath": {"path": OWN, "type": "DirectoryOrCreate"}}
        mount = {"name": "own", "mountPath": OWN, "readOnly": True}
        self._write(self.corefile.replace("\n    errors\n", f"\n    errors\n    import {OWN}/*\n"),
                    [*self.volumes, own], [*self.mounts, mount])

    def _write(self, corefile, volumes, mounts):
        self.cluster.kubectl("patch", "configmap", "coredns", "--type=merge", "--patch",
                             json.dumps({"data": {"Corefile": corefile}}))
        spec = "/spec/template/spec"
        patch = [{"op": "replace", "path": f"{spec}/volumes", "value": volumes},
                 {"op": "replace", "path": f"{spec}/containers/0/volumeMounts", "value": mounts}]
        self.cluster.kubectl("patch", "deployment", "coredns", "--type=json",
                             f"--patch={json.dumps(patch)}")
        self.cluster.kubectl("rollout", "status", "--timeout=120s", "deployment/coredns")
        until("the old pods are gone", lambda: len(self.cluster.pods("kube-dns"))
              == self.cluster.replicas())

    def make(self):
        self.on_node("mkdir", "-p", OWN)
        self.on_node("tee", f"{OWN}/part", input="no-such-plugin\n")

    def mend(self):
        self.on_node("rm", "-f", f"{OWN}/part")

    def clear(self):
        self._write(self.corefile, self.volumes, self.mounts)


ALL = {"loop": Loop, "image": Image, "corefile": Corefile}
