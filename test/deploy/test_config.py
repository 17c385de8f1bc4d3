"""deploy/config.yaml has every key of the ConfigMap, with its default, and explains each."""

import glob
import os
import re

import render

ADJUST = os.path.join(render.ROOT, "pkg", "adjust", "*.c")
OPTION = re.compile(r'\{"([^"]+)", OPTION_[A-Z]+,\s*((?:"(?:[^"\\]|\\.)*"\s*)+),\s*"([^"]*)"\}')


def known_keys():
    """{key: default}, from the tables that the program reads the ConfigMap by."""
    found = {}
    for path in glob.glob(ADJUST):
        with open(path, encoding="utf-8") as text:
            source = text.read()
        options = OPTION.findall(source)
        # a table that this expression does not read must not go unnoticed
        assert len(options) == len(re.findall(r'^    \{"[^"]+", OPTION_', source, re.M)), path
        found.update((key, default) for key, _, default in options)
        found.update((key, "Observe") for key in re.findall(r'^    \.id = "([^"]+)"', source, re.M))
    return found


def test_every_key_with_its_default():
    assert render.config()["data"] == known_keys()


def test_it_is_the_config_map_that_is_read():
    config = render.config()
    assert (config["kind"], config["metadata"]["namespace"], config["metadata"]["name"]) == (
        "ConfigMap", "kube-system", "yurt-steward")


def test_values_are_strings_as_kubernetes_wants_them():
    assert all(isinstance(value, str) for value in render.config()["data"].values())


def test_every_key_is_explained():
    with open(os.path.join(render.DEPLOY, "config.yaml"), encoding="utf-8") as text:
        lines = text.read().split("\ndata:\n")[1].splitlines()
    for before, line in zip([""] + lines, lines):
        if re.match(r"  [a-z]", line):
            assert before.startswith("  # "), f"{line.strip()}: no comment above it"


