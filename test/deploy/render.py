"""What kustomize, the chart and the plain file make, as objects."""

import functools
import os
import subprocess

import yaml

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
DEPLOY = os.path.join(ROOT, "deploy")
CHART = os.path.join(DEPLOY, "chart", "yurt-steward")
# helm takes a cluster of its own choice else: an old one
KUBE = ("--kube-version", "1.37")
HELMS_OWN = ("app.kubernetes.io/managed-by", "helm.sh/chart")


@functools.cache
def tool(name):
    directory = subprocess.run([os.path.join(ROOT, "hack", "kube-binaries"), name], check=True,
                               stdout=subprocess.PIPE, text=True).stdout.strip()
    return os.path.join(directory, name)


def documents(text):
    """The objects by (kind, namespace, name)."""
    found = {}
    for item in yaml.safe_load_all(text):
        if item is not None:
            metadata = item["metadata"]
            key = (item["kind"], metadata.get("namespace", ""), metadata["name"])
            assert key not in found, f"{key} is there twice"
            found[key] = item
    return found


def plain():
    with open(os.path.join(DEPLOY, "base", "yurt-steward.yaml"), encoding="utf-8") as text:
        return documents(text.read())


def kustomize(folder):
    return documents(subprocess.run(
        [tool("kubectl"), "kustomize", os.path.join(DEPLOY, folder)], check=True,
        stdout=subprocess.PIPE, text=True).stdout)


def helm(*arguments, **options):
    return subprocess.run([tool("helm"), *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False, **options)


def chart(*settings, namespace="kube-system"):
    """The chart's objects without the labels that say it was helm."""
    # Its standard error tells of the links in files/, which are meant.
    done = subprocess.run(
        [tool("helm"), "template", "yurt-steward", CHART, "--namespace", namespace, *KUBE,
         *settings], check=True, stdout=subprocess.PIPE, text=True)
    found = documents(done.stdout)
    for key, item in found.items():
        labels = item["metadata"]["labels"]
        for label in HELMS_OWN:
            assert labels.pop(label, None), f"{key} has no label {label}"
    return found


def config():
    with open(os.path.join(DEPLOY, "config.yaml"), encoding="utf-8") as text:
        return yaml.safe_load(text)
