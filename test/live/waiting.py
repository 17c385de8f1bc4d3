"""Waiting for a condition, with a deadline."""

import time

import pytest


def until(what, condition, seconds=15, explain=None):
    """Returns the first true value of `condition`, looking every 0.1 s."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            more = f"\n{explain()}" if explain else ""
            pytest.fail(f"not within {seconds} s: {what}{more}", pytrace=True)
        time.sleep(0.1)
