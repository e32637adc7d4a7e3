"""Growth with protocols: `python bench/bench_protocols.py [protocols ...]`, 1, 10, 50 and 200 by
default.

The protocols are those of the knowledge base, then variants of them: some criteria are left out,
and limits are moved. 1,000 made-up patients in a store are screened for a folder of them, by one
process of the command, its start and rows (NDJSON) included. Needs the extra `cohort`.
"""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from time import perf_counter

from patients import AS_OF, Drawing
from patients.__main__ import compiled_of, source_of
from patients.as_store import write_store

FIRST = "anlotinib_fulvestrant"
PATIENTS = 1_000
_KEPT = 0.7
"""The share of criteria that a variant keeps."""
_KB = Path(__file__).parents[1] / "kb" / "protocols"
_LIMIT = re.compile(r"((?:<=|>=|<|>) )(\d+(?:\.\d+)?)(?=\s|$)")


def main(numbers: list[int]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = folder / "made.duckdb"
        compiled = compiled_of(FIRST)
        write_store(store, compiled, source_of(FIRST), Drawing(compiled).made(PATIENTS))
        print(
            f"{'protocols':>10}{'CPU s':>9}{'wall s':>9}{'ms each':>9}{'times one':>11}"
            f"{'MB of rows':>12}{'peak MB':>9}",
            flush=True,
        )
        one = 0.0
        for number in numbers:
            protocols = folder / f"of_{number}"
            written(protocols, number)
            cpu, wall, size, peak = screened(protocols, store, folder / "rows.ndjson")
            one = one or cpu / number
            print(
                f"{number:10,}{cpu:9.2f}{wall:9.2f}{1e3 * cpu / number:9.0f}{cpu / one:11.1f}"
                f"{size / 1e6:12.1f}{peak:9.0f}",
                flush=True,
            )


def written(folder: Path, number: int) -> None:
    """Write so many protocols into a folder."""
    folder.mkdir()
    names = sorted(path.name for path in _KB.iterdir() if path.is_dir())
    names.sort(key=lambda name: name != FIRST)
    for n in range(number):
        name = names[n % len(names)]
        text = (_KB / name / f"{name}.elig").read_text(encoding="utf-8")
        if n >= len(names):
            text = variant(text, n)
        (folder / f"{n:03}.elig").write_text(text, encoding="utf-8")


def variant(text: str, seed: int) -> str:
    """A protocol with some of the criteria of another, and other limits."""
    rng = random.Random(seed)
    kept = []
    for n, block in enumerate(re.split(r"\n(?=\w)", text)):
        if re.match("include|exclude", block):
            if rng.random() > _KEPT:
                continue
            block = "\n".join(
                line if line.lstrip().startswith((">", "#")) else _moved(line, rng)
                for line in block.split("\n")
            )
        kept.append(block if n else re.sub(r"^protocol (\w+)", rf"protocol \1_{seed}", block))
    # Of other criteria a protocol rests on other knowledge.
    return re.sub(r"\n  knowledge \w+", "", "\n".join(kept))


def _moved(line: str, rng: random.Random) -> str:
    def moved(found: re.Match[str]) -> str:
        sign, number = found.groups()
        digits = len(number.partition(".")[2])
        return f"{sign}{float(number) * rng.choice((0.9, 1, 1, 1.1)):.{digits}f}"

    return _LIMIT.sub(moved, line)


def screened(protocols: Path, store: Path, rows: Path) -> tuple[float, float, int, float]:
    """Screen a store for a folder: seconds of processor and of time, bytes of rows, peak MB."""
    command = [sys.executable, "-c", _SCREEN, "screen", str(protocols), str(store)]
    command += ["--as-of", str(AS_OF), "--format", "ndjson", "-o", str(rows), "--workers", "1"]
    before, begun = _cpu(), perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ})
    if done.returncode:
        raise SystemExit(done.stderr)
    peak = float(done.stderr.splitlines()[-1])
    return _cpu() - before, perf_counter() - begun, rows.stat().st_size, peak


_SCREEN = """
import resource, sys
from protocol_logic.surfaces.cli import main
try:
    main()
finally:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3, file=sys.stderr)
"""


def _cpu() -> float:
    used = getrusage(RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main([int(number) for number in sys.argv[1:]] or [1, 10, 50, 200])
