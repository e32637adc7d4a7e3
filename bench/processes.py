"""A command and all that it starts: processor time and memory, also of what outlives its parent."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_POLL = 0.1


class Took(NamedTuple):
    """Seconds of the clock and of processors, and the most memory at once (shared pages count in
    each process)."""

    wall: float
    cpu: float
    peak_mb: float


def took(command: Sequence[str], env: Mapping[str, str] | None = None) -> Took:
    """Run a command in a session of its own, and look at all processes of that session."""
    begin = time.perf_counter()
    process = subprocess.Popen(
        command,
        env={**os.environ, **(env or {})},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    cpu: dict[int, float] = {}
    peak = 0.0
    while process.poll() is None:
        peak = max(peak, _look(process.pid, cpu))
        time.sleep(_POLL)
    wall = time.perf_counter() - begin
    _look(process.pid, cpu)
    if process.returncode:
        assert process.stderr is not None
        said = process.stderr.read().decode()
        raise SystemExit(f"exit code {process.returncode} of {' '.join(command)}\n{said}")
    return Took(wall, sum(cpu.values()), peak)


def _look(session: int, cpu: dict[int, float]) -> float:
    """Note the processor time that each process of a session has had; their memory in MB. What one
    had since it was last looked at when it ends is lost."""
    memory = 0
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == session:
                cpu[int(folder.name)] = (int(fields[11]) + int(fields[12])) / _TICKS
                memory += int(fields[21]) * _PAGE
    return memory / 1e6
