"""The floor, findings hand-written in SQL without verdicts: `bench_floor.py [patients ...]`.

1,000, 10,000 and 100,000 patients by default. 1,000 are made (see `patients/`) and written into a
store; more are copies of them. The floor is read from the store's facts, which lie by patient, and
from the same facts sorted by entry. Each size is a process of its own. Needs the extra `cohort`.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from time import perf_counter

from floor import LATEST_BY_ENTRY, Floor, sorted_by_entry
from patients import AS_OF, Drawing
from patients.__main__ import compiled_of, source_of
from patients.as_store import write_store

PROTOCOL = "anlotinib_fulvestrant"
MADE = 1_000


def main(sizes: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "made.duckdb"
        compiled = compiled_of(PROTOCOL)
        made = Drawing(compiled).made(min(MADE, max(sizes)))
        write_store(store, compiled, source_of(PROTOCOL), made)
        print(
            f"{'patients':>10} {'facts lie':14} {'phase':34}{'s':>8}{'CPU s':>8}{'us each':>9}",
            end="",
        )
        print(f"{'peak MB':>9}", flush=True)
        for size in sizes:
            for layout in ("by patient", "by entry"):
                command = [sys.executable, __file__, "--one", str(store), str(size), layout]
                subprocess.run(command, check=True)


def one(path: Path, size: int, layout: str) -> float:
    """Measure one size; the processor time of all findings."""
    import duckdb

    with duckdb.connect(config={"threads": 2, "memory_limit": "6GB"}) as connection:
        run = connection.execute
        run(f"ATTACH '{path}' AS store (READ_ONLY)")
        numbers = dict(run("SELECT name, entry FROM store.entries").fetchall())
        names = compiled_of(PROTOCOL).protocol.vocabulary.entries
        entries = {name: number for name, number in numbers.items() if name in names}
        made = min(MADE, size)
        run(
            "CREATE TEMP TABLE facts AS "
            f"SELECT f.* REPLACE (f.patient + copy * {made} AS patient) "
            f"FROM range({-(-size // made)}) AS copies(copy), store.facts AS f "
            f"WHERE f.patient + copy * {made} <= {size} ORDER BY 1, resource"
        )
        run("CREATE TEMP TABLE patients AS SELECT DISTINCT patient FROM facts ORDER BY patient")
        table, total = "facts", (0.0, 0.0)
        if layout == "by entry":
            table = LATEST_BY_ENTRY
            _measured(size, layout, "(sorting, once for a store)", [sorted_by_entry(entries)], run)
        for phase in Floor(entries, AS_OF).phases(table):
            spent = _measured(size, layout, phase.name, phase.statements, run)
            total = (total[0] + spent[0], total[1] + spent[1])
        _tell(size, layout, "in all", *total)
        return total[1]


def _measured(size, layout, name, statements, run) -> tuple[float, float]:
    start, cpu = perf_counter(), _cpu()
    for statement in statements:
        run(statement)
    spent = perf_counter() - start, _cpu() - cpu
    _tell(size, layout, name, *spent)
    return spent


def _tell(size: int, layout: str, name: str, seconds: float, cpu: float) -> None:
    peak = getrusage(RUSAGE_SELF).ru_maxrss / 1e3
    print(f"{size:10,} {layout:14} {name:34}{seconds:8.2f}{cpu:8.2f}", end="")
    print(f"{1e6 * cpu / size:9.1f}{peak:9.0f}", flush=True)


def _cpu() -> float:
    used = getrusage(RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
    else:
        main([int(size) for size in sys.argv[1:]] or [1_000, 10_000, 100_000])
