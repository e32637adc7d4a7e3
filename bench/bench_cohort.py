"""Growth with patients: `python bench/bench_cohort.py [patients ...]`, 1,000 and 10,000 by default.

1,000 patients are made (see `patients/`) and written into a store; more are copies of them. Each
size is screened from its store in a process of its own, its rows written as NDJSON by templates,
and beside it stands the floor: the findings by hand in SQL, without verdicts (`floor.py`). Needs
the extra `cohort`.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from time import perf_counter
from typing import Any

from bench_floor import one as floor
from patients import AS_OF, Drawing
from patients.__main__ import compiled_of, source_of
from patients.as_store import write_store
from patients.copies import copied

PROTOCOL = "anlotinib_fulvestrant"
MADE = 1_000
_AT_ONCE = 10_000


def main(sizes: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "made.duckdb"
        compiled = compiled_of(PROTOCOL)
        drawn = Drawing(compiled).made(min(MADE, max(sizes)))
        write_store(made, compiled, source_of(PROTOCOL), drawn)
        print(f"{'patients':>10} {'phase':40}{'CPU s':>8}{'us each':>9}{'peak MB':>9}", flush=True)
        for size in sizes:
            store = Path(folder) / f"{size}.duckdb"
            copied(made, store, size)
            subprocess.run([sys.executable, __file__, "--one", str(store)], check=True)
            command = [sys.executable, __file__, "--floor", str(made), str(size)]
            subprocess.run(command, check=True)
            store.unlink()


def one(path: Path) -> None:
    """Screen a store."""
    from protocol_logic.answering.columns.rows import ManyRow, ShardRows
    from protocol_logic.pipeline import Screening, columns
    from protocol_logic.reasoning.columns import ColumnEngine
    from protocol_logic.records.store.reading import Store
    from protocol_logic.surfaces.row_formats import Ndjson

    spent: Counter[str] = Counter()
    within: list[str] = []

    def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **more: Any) -> Any:
            if within:  # what another phase takes
                return function(*args, **more)
            within.append(name)
            start = _cpu()
            try:
                return function(*args, **more)
            finally:
                spent[name] += _cpu() - start
                within.pop()

        return call

    compiled = compiled_of(PROTOCOL)
    found: Any = columns
    found.heads_of = timed("heads", columns.heads_of)
    found.read_columns = timed("columns of findings", columns.read_columns)
    stretch: Any = columns._Stretch
    for name in ("_records", "_read", "_read_wholly", "_alone"):
        if hasattr(stretch, name):
            setattr(stretch, name, timed("one by one", getattr(stretch, name)))
    found.facts_alone = timed("one by one", columns.facts_alone)
    engine: Any = ColumnEngine
    engine.decide = timed("distinct rows, verdicts", ColumnEngine.decide)
    rows: Any = ShardRows
    rows.row = timed("rows", ShardRows.row)
    screening = columns.ColumnScreening(Screening(compiled), AS_OF)
    templates = Ndjson.templates()
    write = timed("NDJSON", templates.piece)
    with Store(path) as store:
        size, stretches = store.number(), list(store.stretches(_AT_ONCE))
    begin, begun, written = _cpu(), perf_counter(), 0
    for each in stretches:
        for line in screening.screen(each):
            if isinstance(line.row, ManyRow):
                written += len(write(line.row))
            elif line.row is not None:
                written += len(Ndjson.piece(line.row))
    total = _cpu() - begin
    for name, seconds in spent.items():
        _tell(size, name, seconds)
    _tell(size, "the rest", total - sum(spent.values()))
    wall = perf_counter() - begun
    _tell(size, f"in all ({wall:,.1f} s, {written / 1e6:,.0f} MB)", total)
    its = screening.one_by_one
    print(f"{'':10} one by one: {its['wholly']:,} wholly, {its['partly']:,} in part", flush=True)


def _tell(size: int, name: str, cpu: float) -> None:
    peak = getrusage(RUSAGE_SELF).ru_maxrss / 1e3
    print(f"{size:10,} {name:40}{cpu:8.2f}{1e6 * cpu / size:9.1f}{peak:9.0f}", flush=True)


def _cpu() -> float:
    used = getrusage(RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(Path(sys.argv[2]))
    elif sys.argv[1:2] == ["--floor"]:
        floor(Path(sys.argv[2]), int(sys.argv[3]), "by entry")
    else:
        main([int(size) for size in sys.argv[1:]] or [1_000, 10_000])
