"""Wall time of whole commands, cold, best of five: `python bench/bench_startup.py`.

Targets: `--help` under 0.4 s, one patient from the protocol's text to the row under 1.5 s. The bare
interpreter in the same run tells what the machine itself takes.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from time import perf_counter

PATIENT = Path(__file__).parents[1] / "demo" / "patients" / "ines_all_met.json"
CLI = [sys.executable, "-m", "protocol_logic.surfaces.cli"]
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "--help": [*CLI, "--help"],
    "check": [*CLI, "check", "anlotinib_fulvestrant"],
    "screen, one patient": [*CLI, "screen", "anlotinib_fulvestrant", str(PATIENT)],
}


def main() -> None:
    print(f"{'command':24}{'s':>8}{'x python':>10}")
    bare = 0.0
    for name, command in COMMANDS.items():
        best = min(_seconds(command) for _ in range(5))
        bare = bare or best
        print(f"{name:24}{best:8.3f}{best / bare:10.1f}")


def _seconds(command: list[str]) -> float:
    start = perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return perf_counter() - start


if __name__ == "__main__":
    main()
