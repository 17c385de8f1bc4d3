"""README.md and its Chinese twin state the same facts, and those of the configuration."""

import os
import re

import pytest

import render

ENGLISH = os.path.join(render.ROOT, "README.md")
CHINESE = os.path.join(render.DEPLOY, "README.zh-CN.md")


def read(path):
    with open(path, encoding="utf-8") as text:
        return text.read()


def names(text):
    """Everything in code type: keys, values, metrics, reasons, commands, paths."""
    prose = re.sub(r"^    .*$", "", text, flags=re.M)
    return {" ".join(found.split()) for found in re.findall(r"`([^`]+)`", prose)}


def commands(text):
    """Lines of code, without what is said of them."""
    lines = [re.sub(r"(^|\s)#.*$", "", line) for line in re.findall(r"^    (.*)$", text, re.M)]
    return [line.strip() for line in lines if line.strip()]


def tables(text):
    """Of each table: its rows' first cells, as far as they are in code type, and the numbers."""
    found = []
    for table in re.findall(r"^\|---.*\n((?:\|.*\n)+)", text, re.M):
        rows = [row.strip("|\n ").split(" | ") for row in table.splitlines()]
        found.append([(re.findall(r"`[^`]+`", row[0]),
                       sorted(re.findall(r"\d+(?:\.\d+)*", " ".join(row)))) for row in rows])
    return found


@pytest.mark.parametrize("facts", [names, commands, tables])
def test_both_languages_say_the_same(facts):
    english, chinese = facts(read(ENGLISH)), facts(read(CHINESE))
    assert len(english) > 5
    assert english == chinese


def test_as_many_sections():
    def depths(text):
        return re.findall(r"^#+(?= )", text, re.M)
    assert depths(read(ENGLISH)) == depths(read(CHINESE))


def test_as_many_answers():
    def questions(text):
        return len(re.findall(r"^- \*", text, re.M))
    assert questions(read(ENGLISH)) == questions(read(CHINESE)) >= 10


def test_each_is_linked_from_the_other():
    for path in (ENGLISH, CHINESE):
        (target,) = re.findall(r"^\[[^]]+\]\(([^)]+)\)$", read(path), re.M)
        assert {os.path.realpath(os.path.join(os.path.dirname(path), target)), path} == {
            ENGLISH, CHINESE}


def test_every_key_with_its_default():
    rows = re.findall(r"^\| ((?:`[a-z.-]+`(?:, )?)+) \| (?:`([^`]+)`|empty) \|", read(ENGLISH),
                      re.M)
    listed = {key: default for keys, default in rows for key in re.findall(r"`([^`]+)`", keys)}
    assert listed == render.config()["data"]


def test_every_metric_of_the_agent():
    """The operator's are compared with what it serves, in test/e2e."""
    source = read(os.path.join(render.ROOT, "pkg", "node", "tally.c"))
    known = set(re.findall(r'"((?:yurt_steward|process|rest_client|leader)_[a-z_]+)"', source))
    listed = re.findall(r"^\| `([a-z_]+)(?:\{[a-z,]+\})?` \|", read(ENGLISH), re.M)
    assert known and known <= set(listed)


def test_every_way_to_install_is_named():
    text = read(ENGLISH)
    for folder in os.listdir(os.path.join(render.DEPLOY, "overlays")):
        assert re.search(rf"\b{folder}\b", text)
