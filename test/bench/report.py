"""The table, its goals and verdicts, and what machine it was measured on."""

import dataclasses
import os
import pathlib
import platform
import subprocess
import sys
import time

import figures

RATIO_GOAL, RATIO_LIMIT = 1.1, 1.25
RECOVERY_SECONDS = 1
ANONYMOUS_KIB = 4096
MANY_NODES_KIB = 6144
# Flat: what an allocator's few pages make of it is no growth; a leak of 64 bytes each is.
GROWTH_KIB = 64
PROBES_PER_SECOND = 3
SHOW_SECONDS = 5


def verdict(good):
    return "ok" if good else "MISSED"


@dataclasses.dataclass
class Row:
    what: str
    measured: str
    goal: str = ""
    verdict: str = ""

    @classmethod
    def ratio(cls, what, value, interval):
        found = verdict(value <= RATIO_LIMIT)
        if RATIO_GOAL < value <= RATIO_LIMIT:
            found = "within the limit"
        return cls(what, f"{value:.2f} ({interval[0]:.2f} to {interval[1]:.2f})",
                   f"{RATIO_GOAL}, at most {RATIO_LIMIT}", found)

    @classmethod
    def memory(cls, repairs, resident, anonymous):
        return cls(f"memory after {repairs} repairs, anonymous (resident)",
                   f"{anonymous / 1024:.2f} MiB ({resident / 1024:.2f} MiB)",
                   f"at most {ANONYMOUS_KIB // 1024} MiB", verdict(anonymous <= ANONYMOUS_KIB))

    @classmethod
    def anonymous(cls, what, resident, anonymous):
        """With many nodes."""
        return cls(what, f"{anonymous / 1024:.2f} MiB ({resident / 1024:.2f} MiB)",
                   f"at most {MANY_NODES_KIB // 1024} MiB", verdict(anonymous <= MANY_NODES_KIB))

    @classmethod
    def growth(cls, first, last, kib):
        return cls(f"  anonymous, from repair {first} to {last}", f"{kib:+d} KiB",
                   f"flat: at most {GROWTH_KIB} KiB", verdict(kib <= GROWTH_KIB))

    @classmethod
    def recovery(cls, asked, away, drifted, repaired, tried):
        rows = [cls(f"recovery after {asked} s ({away:.1f} s until ready): ready to repair",
                    f"{figures.milliseconds(repaired)} (drift after "
                    f"{figures.milliseconds(drifted)})",
                    f"at most {RECOVERY_SECONDS} s", verdict(repaired <= RECOVERY_SECONDS))]
        if tried is None:
            rows.append(cls("  connections tried meanwhile", "not counted: only root may"))
        else:
            rows.append(cls("  connections tried meanwhile",
                            f"{tried} ({tried / away:.1f} a second)",
                            f"few: at most {PROBES_PER_SECOND} a second",
                            verdict(tried / away <= PROBES_PER_SECOND)))
        return rows


def table(rows):
    lines = [("what", "measured", "goal", "verdict"),
             *(dataclasses.astuple(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(4)]
    lines.insert(1, tuple("-" * width for width in widths))
    return "\n".join("  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip()
                     for line in lines)


def first_match(path, key):
    for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return "unknown"


def version_of(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip().splitlines()[0]


def machine(operator, load_before):
    """The load included: other work takes its share of every time above."""
    lines = [f"{version_of(operator, 'version')}; {version_of('kube-apiserver', '--version')}",
             f"{os.cpu_count()} x {first_match('/proc/cpuinfo', 'model name')}, "
             f"{int(first_match('/proc/meminfo', 'MemTotal').split()[0]) // 2**20} GiB, "
             f"Linux {platform.release()}",
             f"load at the start {load_before:.2f}, at the end {os.getloadavg()[0]:.2f}"]
    if load_before > os.cpu_count():
        lines.append("The machine was busy with other work: what is MISSED may not be on a quiet "
                     "one.")
    return lines


class Progress:
    """What is being done, on standard error, at most every few seconds."""

    def __init__(self):
        self.shown = time.monotonic()

    def show(self, text):
        now = time.monotonic()
        if now - self.shown >= SHOW_SECONDS:
            self.shown = now
            print(f"bench: {text}", file=sys.stderr, flush=True)
