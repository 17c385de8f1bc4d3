"""The image, built once, and a control plane to install on."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import pytest

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

import render  # noqa: E402

CONTROL_PLANE = os.path.join(render.ROOT, "hack", "control-plane")
IMAGE_BUILD = os.path.join(render.ROOT, "hack", "image", "build")
PATIENCE_SECONDS = 60
ARCHES = ["amd64", "arm64"]


def until(what, condition, seconds=PATIENCE_SECONDS, explain=lambda: ""):
    """Returns the first true value of `condition`, looking every 0.1 s."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds} s: {what}\n{explain()}")
        time.sleep(0.1)


class Cluster:
    """A control plane without nodes, and what tests ask of it."""

    def __init__(self, directory):
        self.dir = str(directory)

    def control_plane(self, verb, *arguments, check=True, **options):
        return subprocess.run([CONTROL_PLANE, verb, self.dir, *arguments], check=check, text=True,
                              **{"stdout": subprocess.PIPE, **options})

    def run(self, *command, check=True, **options):
        """In its network, as its administrator."""
        return self.control_plane("exec", *command, check=check, **options)

    def kubectl(self, *arguments, **options):
        return self.run("kubectl", "--namespace=kube-system", *arguments, **options).stdout

    def get(self, *arguments):
        text = self.kubectl("get", *arguments, "--output=json", "--ignore-not-found")
        return json.loads(text) if text.strip() else {}


@pytest.fixture(scope="session")
def cluster():
    directory = pathlib.Path(tempfile.mkdtemp(prefix="steward-deploy-"))
    running = Cluster(directory / "cluster")
    try:
        running.control_plane("start")
        yield running
    finally:
        running.control_plane("stop", check=False)
        shutil.rmtree(directory, ignore_errors=True)


def build_image(output, arches=ARCHES):
    options = [argument for arch in arches for argument in ("--arch", arch)]
    subprocess.run([IMAGE_BUILD, "--output", str(output), *options], check=True,
                   stdout=subprocess.PIPE)
    return output


@pytest.fixture(scope="session")
def image(tmp_path_factory):
    """What hack/image/build makes, for every architecture."""
    return build_image(tmp_path_factory.mktemp("image"))
