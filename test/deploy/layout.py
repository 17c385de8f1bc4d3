"""Reads an OCI layout, and checks every digest and size on the way."""

import gzip
import hashlib
import io
import json
import tarfile


class Image:
    def __init__(self, directory, platform):
        self.directory = directory
        self.arch = platform
        with open(directory / "index.json", encoding="utf-8") as text:
            self.named, = json.load(text)["manifests"]
        entry = self.named
        if "index" in entry["mediaType"]:
            entry, = [found for found in self.json(entry)["manifests"]
                      if found["platform"]["architecture"] == platform]
        self.digest = entry["digest"]
        self.manifest = self.json(entry)
        self.config = self.json(self.manifest["config"])
        layer, = self.manifest["layers"]
        plain = gzip.decompress(self.blob(layer))
        assert self.config["rootfs"]["diff_ids"] == [
            f"sha256:{hashlib.sha256(plain).hexdigest()}"]
        self.size = entry["size"] + self.manifest["config"]["size"] + layer["size"]
        self.layer = plain

    def blob(self, descriptor):
        algorithm, digest = descriptor["digest"].split(":")
        content = (self.directory / "blobs" / algorithm / digest).read_bytes()
        assert hashlib.new(algorithm, content).hexdigest() == digest
        assert len(content) == descriptor["size"]
        return content

    def json(self, descriptor):
        return json.loads(self.blob(descriptor))

    def members(self):
        with tarfile.open(fileobj=io.BytesIO(self.layer)) as archive:
            return {member.name: member for member in archive}

    def unpack(self, directory):
        with tarfile.open(fileobj=io.BytesIO(self.layer)) as archive:
            archive.extractall(directory)
        return directory
