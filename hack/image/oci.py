"""An OCI image written by hand: one layer of a few files, a configuration, and the archive.

Nothing in it tells when or where it was made: names are sorted, times are given, owners are root.
The archive is an OCI layout (containerd's `ctr images import`, skopeo, `podman load`) with Docker's
manifest.json in it as well (`docker load`).
"""

import gzip
import hashlib
import io
import json
import os
import tarfile

LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


def tar_of(files, epoch):
    """The tar file of {path: (mode, bytes)}, with the directories that lead there."""
    directories = {"/".join(path.split("/")[:depth]) for path in files
                   for depth in range(1, path.count("/") + 1)}
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path in sorted(directories | set(files)):
            entry = tarfile.TarInfo(path)
            entry.mtime = epoch
            if path in directories:
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(entry)
            else:
                entry.mode, content = files[path]
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


class Layout:
    """An OCI layout in memory: images are added, then it is written."""

    def __init__(self):
        self.blobs = {}
        self.manifests = []
        self.docker = []

    def _blob(self, media_type, content):
        digest = hashlib.sha256(content).hexdigest()
        self.blobs[f"blobs/sha256/{digest}"] = content
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}

    def add(self, arch, files, config, created, epoch):
        """An image of these files. Returns its manifest's descriptor and its compressed size."""
        plain = tar_of(files, epoch)
        layer = self._blob(LAYER, gzip.compress(plain, compresslevel=9, mtime=0))
        description = self._blob(CONFIG, encode({
            "architecture": arch, "os": "linux", "created": created, "config": config,
            "rootfs": {"type": "layers",
                       "diff_ids": [f"sha256:{hashlib.sha256(plain).hexdigest()}"]},
            "history": [{"created": created, "created_by": "hack/image/build"}]}))
        manifest = self._blob(MANIFEST, encode({
            "schemaVersion": 2, "mediaType": MANIFEST, "config": description, "layers": [layer],
            "annotations": config["Labels"]}))
        self.manifests.append({**manifest, "platform": {"architecture": arch, "os": "linux"}})
        self.docker.append((description["digest"], layer["digest"]))
        return manifest, sum(part["size"] for part in (layer, description, manifest))

    def _named(self, name):
        """What index.json names: the image, or an index of those for several architectures."""
        entry = self.manifests[0]
        if len(self.manifests) > 1:
            entry = self._blob(INDEX, encode({"schemaVersion": 2, "mediaType": INDEX,
                                              "manifests": self.manifests}))
        return {**entry, "annotations": {"io.containerd.image.name": name,
                                         "org.opencontainers.image.ref.name": name}}

    def write(self, directory, name, archive, epoch):
        """The layout as a directory, and as the archive. Returns the digest of what it names."""
        named = self._named(name)
        files = {path: (0o644, content) for path, content in self.blobs.items()}
        files["oci-layout"] = (0o644, encode({"imageLayoutVersion": "1.0.0"}))
        files["index.json"] = (0o644, encode({"schemaVersion": 2, "mediaType": INDEX,
                                              "manifests": [named]}))
        for path, (_, content) in files.items():
            target = os.path.join(directory, path)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "wb") as out:
                out.write(content)
        # Docker's format has no platforms: the first image is the one it gets.
        config, layer = (f"blobs/sha256/{digest.removeprefix('sha256:')}"
                         for digest in self.docker[0])
        files["manifest.json"] = (0o644, encode([{"Config": config, "RepoTags": [name],
                                                  "Layers": [layer]}]))
        with open(archive, "wb") as out:
            out.write(tar_of(files, epoch))
        return named["digest"]


def encode(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
