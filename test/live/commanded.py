"""A program that is told what to do by lines on its standard input, and answers each by one."""

import subprocess
import threading

from live.waiting import until


class Commanded:
    def __init__(self, command, directory=None):
        self.lines = []
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        cwd=directory, text=True)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.strip())

    def expect(self, word):
        """The first line that begins so."""
        return until(f"{word} is said",
                     lambda: next((line for line in self.lines if line.startswith(word)), None), 60)

    def tell(self, command):
        self.lines.clear()
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        self.expect("ok")

    def end(self):
        self.process.stdin.close()
        self.process.wait(60)
