"""From drift to repair, and from start to the first repair: the operator beside the bare loop."""

import random
import time

import figures
from cluster import Watch
from report import Row

# After its start a contestant is not in step yet: caches are cold, and the operator reports.
UNCOUNTED = 5
BLOCK = 100
# Drifts come at random moments, so that none meets what the one before still caused.
PAUSE_SECONDS = (0.02, 0.06)


def block(bench, contestant, watch, source, what):
    """Returns the seconds from start to the first repair, and those of BLOCK repairs."""
    _, version = bench.drift.make()
    began = time.monotonic()
    with contestant.running():
        first = watch.repair(version) - began
        repairs = []
        for turn in range(UNCOUNTED + BLOCK):
            time.sleep(source.uniform(*PAUSE_SECONDS))
            repairs.append(bench.repair(watch))
            bench.progress.show(f"{what}, {contestant.name}: {turn} of {UNCOUNTED + BLOCK}")
    return first, repairs[UNCOUNTED:]


def measure(bench):
    """Blocks of both in turns, so that the machine's other work hits both the same.

    Each pair of blocks is in the other order than the one before: what changes steadily hits
    both the same too.
    """
    starts, seconds, pairs = {}, {}, []
    source = random.Random(1)
    count = max(1, -(-bench.options.repairs // BLOCK))
    bench.enforce()
    watch = Watch(bench.credentials)
    for turn in range(count):
        contestants = [bench.operator(), bench.bare()]
        medians = {}
        for contestant in contestants[::1 if turn % 2 else -1]:
            first, made = block(bench, contestant, watch, source,
                                f"repairs: pair {turn + 1} of {count}")
            starts.setdefault(contestant.name, []).append(first)
            seconds.setdefault(contestant.name, []).extend(made)
            medians[contestant.name] = figures.percentile(made, 50)
        pairs.append(medians["operator"] / medians["bare loop"])
    watch.close()
    return repair_rows(seconds, pairs) + start_rows(starts)


def repair_rows(seconds, pairs):
    ours, theirs = seconds["operator"], seconds["bare loop"]
    rows = []
    for percent in (50, 99):
        mine, bare = (figures.percentile(those, percent) for those in (ours, theirs))
        rows += [Row(f"drift to repair, bare loop, p{percent} of {len(theirs)}",
                     figures.milliseconds(bare)),
                 Row(f"drift to repair, operator, p{percent} of {len(ours)}",
                     figures.milliseconds(mine)),
                 Row.ratio(f"  ratio of p{percent}", mine / bare,
                           figures.ratio_interval(ours, theirs, percent))]
    rows.append(Row("  ratio of p50, from pair to pair of blocks",
                    f"{min(pairs):.2f} to {max(pairs):.2f}"))
    return rows


def start_rows(starts):
    return [Row(f"start to first repair, {name}, median (most) of {len(those)}",
                f"{figures.milliseconds(figures.percentile(those, 50))} "
                f"({figures.milliseconds(max(those))})")
            for name, those in sorted(starts.items())]
