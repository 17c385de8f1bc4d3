"""Figures of samples."""

import math
import random

RESAMPLES = 1000


def percentile(samples, percent):
    """The nearest rank: one of the samples."""
    ordered = sorted(samples)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def ratio_interval(ours, theirs, percent):
    """Where nine of ten ratios are when the samples are drawn again (bootstrap)."""
    source = random.Random(1)
    ratios = [percentile(source.choices(ours, k=len(ours)), percent)
              / percentile(source.choices(theirs, k=len(theirs)), percent)
              for _ in range(RESAMPLES)]
    return percentile(ratios, 5), percentile(ratios, 95)


def milliseconds(seconds):
    return f"{seconds * 1000:.2f} ms"
