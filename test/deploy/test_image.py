"""The image: what is in it, that it can be made again, and that nothing is missing."""

import json
import os
import pathlib
import re
import signal
import struct
import subprocess
import tarfile

import pytest

import render
from conftest import ARCHES, build_image, until
from layout import Image

HERE = pathlib.Path(__file__).resolve().parent
SIZE_MAX = 8_000_000
USER = "65532:65532"
SERVER = "10.10.0.10"
SERVER_NAME = "kubernetes.default.svc"


@pytest.fixture(scope="module", params=ARCHES)
def built(request, image):
    return Image(image / "oci", request.param)


@pytest.fixture(scope="module")
def native(image):
    """The one of this machine."""
    arch = subprocess.run(["dpkg", "--print-architecture"], check=True, stdout=subprocess.PIPE,
                          text=True).stdout.strip()
    return Image(image / "oci", arch)


def test_is_small(built):
    assert built.size <= SIZE_MAX


def test_holds_one_program_and_no_shell(built):
    members = built.members()
    assert [name for name, member in members.items() if member.isfile() and member.mode & 0o111] \
        == ["yurt-steward"]
    others = [name for name, member in members.items()
              if not member.isdir() and not name.startswith("usr/share/doc/")]
    assert others == ["etc/nsswitch.conf", "yurt-steward"]
    assert all(member.isfile() or member.isdir() for member in members.values())
    assert all((member.uid, member.gid) == (0, 0) for member in members.values())


def test_program_needs_no_file(image, built):
    """No loader, no libraries; and addresses that differ from start to start."""
    shown = subprocess.run(["readelf", "--wide", "--file-header", "--program-headers", "--dynamic",
                            str(image / f"yurt-steward-{built.arch}")], check=True, text=True,
                           stdout=subprocess.PIPE).stdout
    assert "INTERP" not in shown and "(NEEDED)" not in shown
    assert re.search(r"Type: +DYN", shown) and re.search(r"Flags: NOW PIE", shown)
    assert re.search(r"GNU_STACK .* RW ", shown)


def test_configuration(built):
    config = built.config["config"]
    assert config["User"] == USER
    assert config["Entrypoint"] == ["/yurt-steward"]
    assert (built.config["os"], built.config["architecture"]) == ("linux", built.arch)
    labels = config["Labels"]
    for key in ("title", "description", "version", "revision", "licenses"):
        assert labels[f"org.opencontainers.image.{key}"]
    assert built.manifest["annotations"] == labels


def test_the_pod_runs_as_the_image_does(built):
    pod = render.plain()[("Deployment", "kube-system", "yurt-steward")]["spec"]["template"]["spec"]
    context = pod["securityContext"]
    assert f"{context['runAsUser']}:{context['runAsGroup']}" == built.config["config"]["User"]


def test_source_is_labelled_where_it_is_known(built):
    labels = built.config["config"]["Labels"]
    known = subprocess.run(["git", "config", "--get", "remote.origin.url"], cwd=render.ROOT,
                           text=True, stdout=subprocess.PIPE).stdout.strip()
    assert labels.get("org.opencontainers.image.source", "") == known


def test_archive_is_the_layout_and_dockers(image):
    with tarfile.open(image / "yurt-steward.tar") as archive:
        names = archive.getnames()
        files = {name: archive.extractfile(name).read() for name in names
                 if archive.getmember(name).isfile()}
    layout = {str(path.relative_to(image / "oci")): path.read_bytes()
              for path in (image / "oci").rglob("*") if path.is_file()}
    docker, = json.loads(files.pop("manifest.json"))
    assert files == layout
    assert names == sorted(names)
    # Docker's format knows no platforms
    first = Image(image / "oci", ARCHES[0])
    assert docker["RepoTags"] == ["docker.io/library/yurt-steward:dev"]
    assert json.loads(files[docker["Config"]]) == first.config
    assert [f"sha256:{os.path.basename(layer)}" for layer in docker["Layers"]] == [
        layer["digest"] for layer in first.manifest["layers"]]


def test_two_builds_are_one(image, native, tmp_path):
    """Of this machine's architecture: a build takes as long as all other tests together."""
    again = build_image(tmp_path / "again", [native.arch])
    assert Image(again / "oci", native.arch).digest == native.digest
    for name in (f"yurt-steward-{native.arch}", f"yurt-steward-{native.arch}.spdx.json"):
        assert (again / name).read_bytes() == (image / name).read_bytes(), name


def test_sbom_says_what_is_linked(image, built):
    with open(image / f"yurt-steward-{built.arch}.spdx.json", encoding="utf-8") as text:
        document = json.load(text)
    program, *packages = document["packages"]
    assert f"sha256:{program['checksums'][0]['checksumValue']}" == built.digest
    names = {package["name"] for package in packages}
    assert {"curl", "glibc", "json-c", "libev", "libmicrohttpd", "libyaml", "nghttp2", "openssl",
            "zlib"} < names
    assert all(re.match(r"(\d+:)?\d", package["versionInfo"]) for package in packages)
    related = {entry["relatedSpdxElement"] for entry in document["relationships"]}
    assert related == {package["SPDXID"] for package in document["packages"]}
    # each one's licence is in the image
    assert {f"usr/share/doc/{name}/copyright" for name in names} < set(built.members())


class Pod:
    """The image's program, as the Deployment runs it: its user, its arguments, a root that is
    read-only, a name for the API server that only DNS knows, and a service account's token."""

    def __init__(self, cluster, native, directory):
        self.root = native.unpack(directory / "root")
        self.log = directory / "log"
        account = self.root / "var/run/secrets/kubernetes.io/serviceaccount"
        account.mkdir(parents=True)
        (account / "namespace").write_text("kube-system")
        (account / "ca.crt").write_text((pathlib.Path(cluster.dir) / "pki/ca.crt").read_text())
        (account / "token").write_text(cluster.kubectl("create", "token", "yurt-steward").strip())
        (self.root / "etc/resolv.conf").write_text("nameserver 127.0.0.1\n")
        container, = render.plain()[("Deployment", "kube-system", "yurt-steward")]["spec"][
            "template"]["spec"]["containers"]
        script = ('mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && root=$1 && shift && '
                  'exec env -i "KUBERNETES_SERVICE_HOST=$1" KUBERNETES_SERVICE_PORT=6443 '
                  f'/usr/sbin/chroot --userspec={USER} "$root" /yurt-steward "${{@:2}}"')
        with open(self.log, "wb") as stderr:
            self.process = subprocess.Popen(
                ["/bin/bash", "-c", 'exec "$@"', "bash", str(pathlib.Path(render.ROOT) /
                 "hack/control-plane"), "exec", cluster.dir, "unshare", "--mount", "bash", "-c",
                 script, "bash", str(self.root), SERVER_NAME, *container["args"]],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr,
                start_new_session=True)

    def text(self):
        return self.log.read_text(errors="replace")

    def pid(self):
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if os.path.samefile(entry / "exe", self.root / "yurt-steward"):
                    return int(entry.name)
            except OSError:
                continue
        return None

    def connections(self):
        """How many TCP connections it has to the API server."""
        pid = self.pid()
        sockets = set()
        for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
            sockets.update(re.findall(r"^socket:\[(\d+)\]$", os.readlink(entry)))
        address = f"{struct.unpack('=I', bytes(map(int, SERVER.split('.'))))[0]:08X}:{6443:04X}"
        rows = [line.split() for line in pathlib.Path(f"/proc/{pid}/net/tcp").read_text()
                .splitlines()[1:]]
        return sum(row[2] == address and row[9] in sockets for row in rows)

    def stop(self):
        os.kill(self.pid(), signal.SIGTERM)
        return self.process.wait(30)

    def end(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@pytest.fixture
def nameserver(cluster):
    process = subprocess.Popen(
        [os.path.join(render.ROOT, "hack/control-plane"), "exec", cluster.dir, "/usr/bin/python3",
         str(HERE / "nameserver.py"), SERVER_NAME, SERVER],
        stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        assert process.stdout.readline() == "ready\n"
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture
def installed(cluster):
    plain = ("--filename", f"{render.DEPLOY}/base/yurt-steward.yaml")
    cluster.run("kubectl", "apply", *plain)
    try:
        yield
    finally:
        cluster.run("kubectl", "delete", *plain)
        # as the file's head says
        cluster.kubectl("delete", "--ignore-not-found", "configmap/yurt-steward",
                        "configmap/yurt-steward-state", "lease/yurt-steward")
        cluster.kubectl("annotate", "service", "kube-dns", "openyurt.io/topologyKeys-")


@pytest.fixture
def pod(cluster, native, installed, nameserver, tmp_path):
    running = Pod(cluster, native, tmp_path)
    try:
        yield running
    finally:
        running.end()


def ask(cluster, path):
    done = cluster.run("curl", "--silent", "--fail", f"http://127.0.0.1:8080{path}", check=False)
    return done.stdout if done.returncode == 0 else None


def test_nothing_is_missing(cluster, pod):
    """TLS, HTTP/2, name resolution, token, Lease, probes, a write, and a stop in order."""
    until("it is ready", lambda: ask(cluster, "/readyz"), explain=pod.text)
    until("it leads", lambda: 'leader_election_master_status{name="yurt-steward"} 1' in
          ask(cluster, "/metrics"), explain=pod.text)
    # With HTTP/1.1 each watch would have a connection of its own.
    watches = len(re.findall(r"^yurt_steward_watches_total\{", ask(cluster, "/metrics"), re.M))
    assert watches >= 8 and 1 <= pod.connections() <= 2
    cluster.kubectl("create", "configmap", "yurt-steward",
                    "--from-literal=service-topology=Enforce",
                    "--from-literal=service-topology.gate=Skip")
    until("it writes", lambda: "openyurt.io/topologyKeys" in cluster.get("service", "kube-dns")[
        "metadata"].get("annotations", {}), explain=pod.text)
    codes = set(re.findall(r'^rest_client_requests_total\{code="([^"]+)"',
                           ask(cluster, "/metrics"), re.M))
    assert not codes & {"401", "403"}
    assert pod.stop() == 0
    assert cluster.get("lease", "yurt-steward")["spec"].get("holderIdentity", "") == ""


def test_its_version_is_the_labels(native, tmp_path):
    root = native.unpack(tmp_path / "root")
    done = subprocess.run(["chroot", f"--userspec={USER}", str(root), "/yurt-steward", "version"],
                          check=True, stdout=subprocess.PIPE, text=True)
    labels = native.config["config"]["Labels"]
    assert done.stdout == f"yurt-steward {labels['org.opencontainers.image.version']}\n"


def test_arm64_works_where_it_is_emulated(cluster, image):
    """TLS, HTTP/2 and all: it looks at the cluster."""
    program = str(image / "yurt-steward-arm64")
    header = pathlib.Path(program).read_bytes()[:20]
    assert struct.unpack("<H", header[18:20]) == (183,)  # EM_AARCH64
    done = cluster.run("qemu-aarch64", program, "status", "--output=json")
    native = cluster.run(str(image / "yurt-steward-amd64"), "status", "--output=json")
    assert json.loads(done.stdout).keys() == json.loads(native.stdout).keys()
    assert "service-topology" in done.stdout
