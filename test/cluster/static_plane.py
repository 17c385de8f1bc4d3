"""A control plane of kubeadm's static pods under a real kubelet, and the agent beside them.

One control-plane node, one edge node, and two DNS servers on the former: the one that the kubelet
gives to pods by default, which knows the control-plane node only, and the one that stands for the
tunnel's, behind Service raven-proxy-dns, which knows the edge node only.
"""

import http.client
import json
import pathlib
import signal
import subprocess
import threading


from conftest import CLUSTER, PROGRAM, ROOT, Cluster, is_ready, until
from live.api import Api, Unavailable
from live.roles import granted_to_agent

NODE, EDGE = "cp-1", "edge-1"
NAMESERVER = ROOT / "test/cluster/nameserver.py"
KILLER = ROOT / "test/cluster/killer.py"
MANAGER, SERVER, ETCD = "kube-controller-manager", "kube-apiserver", "etcd"
PROGRAM_THERE = "/usr/local/bin/yurt-steward"
KUBECONFIG = "/etc/kubernetes/steward.conf"
PID_FILE = "/run/yurt-steward.pid"
JOURNALS = "/var/lib/yurt-steward"
TUNNEL = "raven-proxy-dns"
TUNNEL_PORT = 5353
NOBODY = "10.10.0.10"  # where no DNS server listens
CONFIG = {"static-pods.soak": "2s", "static-pods.single-control-plane": "Allow",
          "kube-controller-manager.replacement": "Ignore"}


def manifest_path(name):
    return f"/etc/kubernetes/manifests/{name}.yaml"


def spawn(*command, **options):
    return subprocess.Popen([CLUSTER, *command], stdin=subprocess.DEVNULL, text=True, **options)


class Lines:
    """What a process prints, as it comes."""

    def __init__(self, process):
        self.process, self.all = process, []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.all.append(line.strip())


class StaticPlane(Cluster):
    """The cluster of static pods."""

    def start(self):
        subprocess.run([CLUSTER, "start", str(self.dir), "--lease", "16", "--nodes",
                        f"{NODE}=control-plane,{EDGE}=edge"], check=True)
        self.api = Api([CLUSTER, "exec", str(self.dir)], self.dir.parent)
        self.address = {node: self._address(node) for node in (NODE, EDGE)}
        self._install()
        self._grant()
        self._serve_names()
        self.containers = Lines(spawn("enter", str(self.dir), NODE, "ctr", "--namespace=k8s.io",
                                      "events", stdout=subprocess.PIPE))

    def _address(self, node):
        found = self.api.call("GET", f"/api/v1/nodes/{node}")["status"]["addresses"]
        return next(each["address"] for each in found if each["type"] == "InternalIP")

    def _install(self):
        """The program, and who it is: its API server is the node's own."""
        for path, content in ((PROGRAM_THERE, PROGRAM.read_bytes()),
                              (KUBECONFIG, (self.dir / "steward.conf").read_bytes())):
            content = content.replace(b"https://10.10.0.10:",
                                      f"https://{self.address[NODE]}:".encode())
            subprocess.run([CLUSTER, "enter", str(self.dir), NODE, "sh", "-c",
                            f"umask 077; cat >{path}; chmod 700 {path}"], input=content, check=True)

    def _grant(self):
        """What an installation gives the agent, and no more."""
        self.kubectl("delete", "clusterrolebinding", "control-plane:steward")
        self.apply(*granted_to_agent()["items"])

    def _serve_names(self):
        self.tunnel = self._nameserver(TUNNEL_PORT, EDGE)
        self._nameserver(53, NODE)
        self.on_node("tee", "/etc/kubernetes/resolv.conf",
                     input=f"nameserver {self.address[NODE]}\n")
        self.apply({"apiVersion": "v1", "kind": "Service",
                    "metadata": {"name": TUNNEL, "namespace": "kube-system"},
                    "spec": {"ports": [{"name": "dns", "port": 53, "protocol": "UDP"}]}})
        self.point_tunnel(self.address[NODE])

    def _nameserver(self, port, node):
        with open(NAMESERVER, encoding="utf-8") as file:
            process = subprocess.Popen(
                [CLUSTER, "enter", str(self.dir), NODE, "python3", "-", self.address[NODE],
                 str(port), f"{node}={self.address[node]}"],
                stdin=file, stdout=subprocess.PIPE, text=True)
        lines = Lines(process)
        until("the DNS server is there", lambda: "ready" in lines.all)
        return lines

    def point_tunnel(self, address):
        """Where the queries to the tunnel's DNS Service go."""
        self.apply({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
                    "metadata": {"name": TUNNEL, "namespace": "kube-system",
                                 "labels": {"kubernetes.io/service-name": TUNNEL}},
                    "addressType": "IPv4",
                    "ports": [{"name": "dns", "port": TUNNEL_PORT, "protocol": "UDP"}],
                    "endpoints": [{"addresses": [address], "conditions": {"ready": True}}]})

    def apply(self, *objects):
        self.run("exec", "kubectl", "apply", "--filename=-", input=json.dumps(
            {"apiVersion": "v1", "kind": "List", "items": objects}))

    # --- what there is ---

    def on_node(self, *command, check=True, **options):
        return self.run("enter", NODE, *command, check=check, **options).stdout

    def manifest(self, name):
        return self.on_node("cat", manifest_path(name))

    def names(self):
        return self.on_node("ls", "-A", "/etc/kubernetes/manifests").split()

    def created(self, name):
        """How many containers of it the runtime has made since the start."""
        return sum(1 for line in self.containers.all
                   if "/containers/create" in line and f"/{name}:" in line)

    def answers(self, url):
        return self.on_node("curl", "--silent", "--insecure", "--max-time", "5", "--output",
                            "/dev/null", "--write-out", "%{http_code}", url, check=False) == "200"

    def server_answers(self):
        return self.answers(f"https://{self.address[NODE]}:6443/readyz")

    def seen(self, path):
        """As `get`; None while the API server is away."""
        try:
            return self.get(path)
        except (Unavailable, OSError, http.client.HTTPException):
            self.api.close()
            return None

    def is_up(self, name, argument):
        """Whether the mirror pod has an argument that begins so, and is Ready."""
        pod = self.seen(f"pods/{name}-{NODE}")
        return bool(pod) and is_ready(pod) and any(
            word.startswith(argument) for word in pod["spec"]["containers"][0]["command"])

    def process_file(self, name, path):
        return self.on_node("sh", "-c", f"cat /proc/$(pgrep -o -x {name[:15]})/{path}")

    def reported(self, name, state):
        data = (self.seen("configmaps/yurt-steward-nodes") or {}).get("data", {})
        said = json.loads(data.get(NODE, '{"manifests": {}}'))["manifests"]
        return said.get(name, {}).get("state") == state

    # --- what is done to it ---

    def configure(self, **modes):
        """All others are on Ignore."""
        data = {**CONFIG, MANAGER: "Ignore", SERVER: "Ignore", **modes}
        self.apply({"apiVersion": "v1", "kind": "ConfigMap",
                    "metadata": {"name": "yurt-steward", "namespace": "kube-system"}, "data": data})

    def put(self, name, text):
        """By hand, well: beside it, and in its place by one rename."""
        self.on_node("sh", "-c", f"umask 077; cat >/etc/kubernetes/new && "
                     f"mv /etc/kubernetes/new {manifest_path(name)}", input=text)

    def rewrite(self, name):
        """As kubeadm upgrade would."""
        phase = name.removeprefix("kube-")
        self.on_node("kubeadm", "init", "phase", "control-plane", phase,
                     "--config=/etc/kubernetes/kubeadm.yaml")

    def killer(self, moment):
        """Ends the agent when the controller manager's change comes to that."""
        with open(KILLER, encoding="utf-8") as file:
            return Lines(subprocess.Popen(
                [CLUSTER, "enter", str(self.dir), NODE, "python3", "-", PID_FILE,
                 f"{JOURNALS}/{MANAGER}.yaml/journal.json", manifest_path(MANAGER), moment],
                stdin=file, stdout=subprocess.PIPE, text=True))

    def end(self):
        if self.api is not None:
            self.api.end()
        self.run("stop", check=False)


class Agent:
    """`yurt-steward node` among the node's files and processes."""

    def __init__(self, plane, log):
        self.plane, self.log = plane, pathlib.Path(log)
        with open(log, "ab") as stderr:
            self.process = spawn(
                "enter", str(plane.dir), NODE, "sh", "-c", f'echo $$ >{PID_FILE}; exec "$@"', "sh",
                PROGRAM_THERE, "node", "--node", NODE, "--kubeconfig", KUBECONFIG,
                stdout=subprocess.DEVNULL, stderr=stderr)

    def text(self):
        return self.log.read_text(encoding="utf-8", errors="replace")

    def said(self, *words):
        return [line for line in self.text().splitlines() if all(word in line for word in words)]

    def until(self, what, condition, seconds=240):
        def still_running():
            assert self.process.poll() is None, f"the agent ended:\n{self.text()[-4000:]}"
            return condition()
        return until(what, still_running, seconds, lambda: self.text()[-6000:])

    def is_done(self, name, state):
        self.until(f"{name} is {state}", lambda: self.plane.reported(name, state))

    def _signal(self, number):
        if self.process.poll() is None:
            self.plane.on_node("sh", "-c", f"kill -{int(number)} $(cat {PID_FILE})", check=False)

    def kill(self):
        self._signal(signal.SIGKILL)
        self.process.wait(60)

    def end(self):
        """It must still run, and stop well."""
        assert self.process.poll() is None, f"the agent ended:\n{self.text()[-4000:]}"
        self._signal(signal.SIGTERM)
        assert self.process.wait(60) == 0, self.text()[-4000:]


def changed_lines(before, after):
    left, right = before.splitlines(), after.splitlines()
    return ([line for line in left if line not in right],
            [line for line in right if line not in left])
