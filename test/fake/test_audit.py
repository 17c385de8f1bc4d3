"""The check that never two replicas write, on logs in which they do and in which they don't."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from live.audit import out_of_turn, tenures  # noqa: E402

USERS = ("a", "b")


def entry(begin, end, user, resource="services", verb="patch", code=200):
    return {"requestReceivedTimestamp": f"2026-01-01T00:00:{begin:09.6f}Z",
            "stageTimestamp": f"2026-01-01T00:00:{end:09.6f}Z", "verb": verb,
            "user": {"username": user} if user else {}, "responseStatus": {"code": code},
            "objectRef": {"resource": resource, "name": "yurt-steward"}}


def lease(begin, end, user, code=200):
    return entry(begin, end, user, "leases", "update", code)


# a has it from 1 to 20, b from 21 to 30, a again.
TURNS = [lease(0, 1, "a"), lease(5, 6, "a"), lease(20, 21, "b"), lease(22, 23, "a", 409),
         lease(25, 26, "b"), lease(30, 31, "a")]


def check(*writes):
    log = sorted([*TURNS, *writes], key=lambda found: found["requestReceivedTimestamp"])
    return out_of_turn(log, USERS)


def test_tenures():
    assert [(user, begin[17:19], end[17:19]) for user, begin, end in tenures(TURNS, USERS)] == [
        ("a", "01", "20"), ("b", "21", "30"), ("a", "31", "")]


@pytest.mark.parametrize("write", [
    entry(2, 3, "a"), entry(18, 19.9, "a"), entry(21.1, 22, "b"), entry(32, 33, "a"),
    entry(22, 23, "a", "events", "create"), entry(22, 23, "a", verb="watch"),
    entry(22, 23, "somebody"), entry(22, 23, ""),
])
def test_in_turn(write):
    assert check(write) == []


@pytest.mark.parametrize("write", [
    entry(0.5, 0.9, "a"), entry(2, 3, "b"), entry(19, 20.5, "a"), entry(20.5, 22, "b"),
    entry(22, 23, "a"), entry(22, 23, "a", code=409), entry(29, 30.5, "b"), entry(32, 33, "b"),
    entry(22, 23, "a", "pods", "delete"),
])
def test_out_of_turn(write):
    assert check(entry(2, 3, "a"), write) == [write]
