"""Runs a command and writes what it took into a file: `python measure.py FILE COMMAND...`.

A process of its own, and a small one: the kernel counts the memory of the process that starts a
command as the command's own peak.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from time import perf_counter


def main(file: str, command: list[str]) -> int:
    start = perf_counter()
    with subprocess.Popen(command) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    kilo = 1 if sys.platform == "darwin" else 1024  # macOS counts in bytes
    took = {
        "wall": perf_counter() - start,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak": usage.ru_maxrss * kilo,
    }
    with open(file, "w", encoding="utf-8") as out:  # noqa: PTH123  (no import that it can do without)
        json.dump(took, out)
    return process.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
