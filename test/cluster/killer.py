"""Kills a process at a moment that shows in files: killer.py PID_FILE JOURNAL MANIFEST MOMENT

MOMENT `journal`: the journal says that a change is under way; `manifest`: another manifest is
there than at the start. Prints `ready` when it looks, `killed` when it has. Looks without a pause,
so that little else happens in between.
"""

import json
import os
import pathlib
import signal
import sys


def phase(journal):
    try:
        return json.loads(journal.read_text(encoding="utf-8"))["journal"]["phase"]
    except (OSError, ValueError):  # none yet
        return None


def main(pid_file, journal, manifest, moment):
    journal, manifest = pathlib.Path(journal), pathlib.Path(manifest)
    before = manifest.read_bytes()
    print("ready", flush=True)
    idle = {None, "Idle"}
    while not (phase(journal) not in idle if moment == "journal"
               else manifest.read_bytes() != before):
        pass
    os.kill(int(pathlib.Path(pid_file).read_text(encoding="ascii")), signal.SIGKILL)
    print("killed", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
