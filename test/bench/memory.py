"""Whether the operator's memory grows with what it repairs."""

from cluster import Watch
from report import Row

EARLY = 50


def measure(bench):
    """One run of the operator all along."""
    rows, anonymous = [], {}
    last = bench.options.memory_repairs
    bench.enforce()
    bench.drift.undo()
    watch = Watch(bench.credentials)
    done = 0
    with bench.operator().running() as operator:
        # It says nothing at a start that finds all in force.
        operator.memory_at_rest()
        for mark in (0, EARLY, last):
            while done < mark:
                bench.repair(watch)
                done += 1
                bench.progress.show(f"memory: repair {done} of {last}")
            resident, anonymous[mark] = operator.memory()
            rows.append(Row.memory(mark, resident, anonymous[mark]))
    watch.close()
    rows.append(Row.growth(EARLY, last, anonymous[last] - anonymous[EARLY]))
    return rows
