"""The two that repair: the operator, and the bare loop that it is held against."""

import contextlib
import pathlib
import signal
import subprocess
import sys
import time

from cluster import PATIENCE_SECONDS, Failed

STOP_SECONDS = 15
REST_SECONDS = 1


class Contestant:
    """A program, run once or several times; the output of the last run is in a file."""

    def __init__(self, name, command, log):
        self.name = name
        self.command = command
        self.log = log
        self.process = None

    @contextlib.contextmanager
    def running(self):
        with open(self.log, "wb") as output:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL,
                                            stdout=output, stderr=output)
        try:
            yield from self._watched()
        except Failed:
            self.show_log()
            raise
        finally:
            self._end()

    def _watched(self):
        """At its end, whoever waits for a repair does so no longer."""
        signal.signal(signal.SIGCHLD, lambda *_: self.must_run())
        try:
            self.must_run()
            yield self
        finally:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)

    def _end(self):
        try:
            self.process.terminate()
            self.process.wait(STOP_SECONDS)
        finally:
            self.process.kill()
            self.process.wait()

    def must_run(self):
        if self.process.poll() is not None:
            raise Failed(f"the {self.name} ended, status {self.process.returncode}")

    def show_log(self):
        text = pathlib.Path(self.log).read_text(encoding="utf-8", errors="replace")
        print(f"the end of what the {self.name} said:\n{text[-2000:]}", file=sys.stderr)

    def memory(self):
        """VmRSS and RssAnon in KiB."""
        fields = {}
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            for line in status:
                key, _, value = line.partition(":")
                fields[key] = value.split()
        return int(fields["VmRSS"][0]), int(fields["RssAnon"][0])

    def memory_at_rest(self):
        """Waits until both have been the same for a while."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        since, known = time.monotonic(), self.memory()
        while time.monotonic() < since + REST_SECONDS:
            if time.monotonic() > deadline:
                raise Failed(f"the memory of the {self.name} does not come to rest")
            time.sleep(0.05)
            now = self.memory()
            if now != known:
                since, known = time.monotonic(), now
