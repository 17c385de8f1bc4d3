#!/usr/bin/python3
"""Measures the operator on a real API server and prints a table; `make bench` is this.

It starts a control plane of its own and runs itself again inside that one's network. Speed is
no test: the exit status is 0 however slow the operator is, and 1 where nothing could be
measured.
"""

import argparse
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

import memory
import nodes
import outages
import repairs
import report
from cluster import CLUSTER, CONTROL_PLANE, ROOT, Credentials, Failed
from common import Bench

# Simulated nodes stay: what comes after them would be measured with them.
PARTS = {"repairs": repairs.measure, "memory": memory.measure, "outages": outages.measure,
         "nodes": nodes.measure}
BINARIES = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubeadm", "kubectl",
            "etcd", "kwok")


def numbers(text):
    return [int(word) for word in text.split(",")]


def chosen(text):
    names = text.split(",")
    if not set(names) <= set(PARTS):
        raise argparse.ArgumentTypeError(f"the parts are {', '.join(PARTS)}")
    return [name for name in PARTS if name in names]


def program(text):
    return pathlib.Path(text).resolve()


def arguments():
    parser = argparse.ArgumentParser(description="Measures the operator on a real API server.")
    parser.add_argument("--only", type=chosen, default=list(PARTS), metavar="PART,...",
                        help=f"of {', '.join(PARTS)}; default: all")
    parser.add_argument("--repairs", type=int, default=1000,
                        help="of the operator and of the bare loop, in hundreds; default: "
                        "%(default)s")
    parser.add_argument("--memory-repairs", type=int, default=1000,
                        help="after which memory is read last; default: %(default)s")
    parser.add_argument("--outages", type=numbers, default=[5, 20, 45], metavar="SECONDS,...",
                        help="how long the API server is away; default: 5,20,45")
    parser.add_argument("--nodes", type=int, default=1000,
                        help="simulated ones, twenty to a pool and one of twenty offline; "
                        "default: %(default)s")
    parser.add_argument("--operator", type=program, default=ROOT / "build/yurt-steward",
                        metavar="PROGRAM")
    parser.add_argument("--bare", type=program, default=ROOT / "build/test/bench/bare",
                        metavar="PROGRAM")
    parser.add_argument("--cluster", type=pathlib.Path, metavar="DIR",
                        help="a control plane that runs already, and is left running; its "
                        "ConfigMap kube-system/yurt-steward is replaced; for the part nodes, one "
                        "started with --for-nodes")
    parser.add_argument("--inside", type=pathlib.Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.memory_repairs <= memory.EARLY:
        parser.error(f"--memory-repairs: more than {memory.EARLY}, where memory is read too")
    if options.nodes < nodes.ONE_OFFLINE_OF:
        parser.error(f"--nodes: {nodes.ONE_OFFLINE_OF} at least, of which one is offline")
    for path in (options.operator, options.bare):
        if not os.access(path, os.X_OK):
            parser.error(f"there is no program {path}: make bench builds it")
    return options


def measure(options):
    """In the network of the control plane."""
    work = pathlib.Path(tempfile.mkdtemp(prefix="steward-bench-run-"))
    load = os.getloadavg()[0]
    try:
        credentials = Credentials(options.inside / "steward.conf", work / "credentials")
        bench = Bench(options, credentials, work, report.Progress())
        rows = [row for name in options.only for row in PARTS[name](bench)]
        print("\n".join([report.table(rows), "", *report.machine(options.operator, load)]))
    finally:
        shutil.rmtree(work)


def run_to_end(*command):
    """Returns its status; it ends with us, and cleans up after itself."""
    process = subprocess.Popen(command)
    try:
        return process.wait()
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()


def run_inside(directory):
    """This program again, in the network of the control plane."""
    return run_to_end(CONTROL_PLANE, "exec", str(directory), sys.executable, __file__,
                      *sys.argv[1:], "--inside", str(directory))


def run(options):
    if options.cluster:
        return run_inside(options.cluster)
    directory = pathlib.Path(tempfile.mkdtemp(prefix="steward-bench-"))
    try:
        start = [CONTROL_PLANE, "start", str(directory / "cluster")]
        if "nodes" in options.only:
            start.append("--for-nodes")
            # All from one directory, where kwok is found too.
            os.environ["YURT_STEWARD_BIN"] = subprocess.run(
                [ROOT / "hack/kube-binaries", *BINARIES], check=True, text=True,
                stdout=subprocess.PIPE).stdout.strip()
        return run_to_end(*start) or run_inside(directory / "cluster")
    finally:
        subprocess.run([CLUSTER, "stop", str(directory / "cluster")], check=False)
        shutil.rmtree(directory)


def main():
    # So that what was started is ended, as it is on SIGINT.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    options = arguments()
    try:
        if not options.inside:
            sys.exit(run(options))
        measure(options)
    except Failed as failure:
        sys.exit(f"bench: {failure}")
    except subprocess.CalledProcessError as failure:
        sys.exit(f"bench: {failure}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
