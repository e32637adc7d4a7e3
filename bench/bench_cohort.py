"""Growth with patients: `python bench/bench_cohort.py [patients ...] [--save]`.

1,000, 10,000 and 100,000 by default; 1,000,000 takes some 4 GB of disk. 1,000 patients are made
(see `patients/`) and written into a store; more are copies of them. Each size is screened from its
store in a process of its own, its rows written as NDJSON by templates, and beside it stands the
floor: the findings by hand in SQL, without verdicts (`floor.py`). Needs the extra `cohort`.
"""

from __future__ import annotations

import argparse
import json
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
from results import machine, save, table

PROTOCOL = "anlotinib_fulvestrant"
MADE = 1_000
_AT_ONCE = 10_000
_PER_ROW = ("rows", "NDJSON")
"""Phases that come once for each row: looking at memory would cost more than they do."""
_SUMS = ("in all", "floor")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("patients", type=int, nargs="*", default=[1_000, 10_000, 100_000])
    parser.add_argument("--save", action="store_true", help="write the table into RESULTS.md")
    options = parser.parse_args()
    found = [_size(size) for size in options.patients]
    text = (
        "## Growth with patients, beside the floor\n\n"
        f"`python bench/bench_cohort.py`: the seed protocol, {MADE:,} made-up patients and copies "
        "of them, one process, rows as NDJSON. The floor is the same findings by hand in DuckDB, "
        f"without verdicts, of facts that lie by entry. {machine('duckdb', 'clingo')}.\n\n"
    )
    phases = list(dict.fromkeys(name for its in found for name in its["cpu"] if name not in _SUMS))
    rows = [
        [name, *(_cell(its["cpu"].get(name), its) for its in found)] for name in (*phases, *_SUMS)
    ]
    text += table(["CPU us a patient", *(f"{its['size']:,}" for its in found)], rows)
    rows = [[name, *(f"{its['peak'][name]:,.0f}" for its in found)] for name in found[0]["peak"]]
    text += "\n" + table(["peak MB", *(f"{its['size']:,}" for its in found)], rows)
    rows = [
        ["wall s", *(f"{its['wall']:,.1f}" for its in found)],
        ["MB of rows", *(f"{its['written'] / 1e6:,.0f}" for its in found)],
        [
            "times the floor",
            *(f"{its['cpu']['in all'] / its['cpu']['floor']:.1f}" for its in found),
        ],
        ["read one by one, wholly", *(f"{its['wholly']:,}" for its in found)],
        ["read one by one, in part", *(f"{its['partly']:,}" for its in found)],
    ]
    text += "\n" + table(["", *(f"{its['size']:,}" for its in found)], rows)
    print(text)
    if options.save:
        save("bench_cohort", text)


def _cell(seconds: float | None, its: dict[str, Any]) -> str:
    return "" if seconds is None else f"{1e6 * seconds / its['size']:,.1f}"


def _size(size: int) -> dict[str, Any]:
    """What one size takes, beside the floor."""
    with tempfile.TemporaryDirectory() as folder:
        made, store = Path(folder) / "made.duckdb", Path(folder) / "all.duckdb"
        drawn = Drawing(compiled_of(PROTOCOL)).made(min(MADE, size))
        write_store(made, compiled_of(PROTOCOL), source_of(PROTOCOL), drawn)
        copied(made, store, size)
        found = _said(["--one", str(store)])
        found["cpu"]["floor"] = _said(["--floor", str(made), str(size)])
    return {"size": size, **found}


def _said(arguments: list[str]) -> Any:
    command = [sys.executable, __file__, *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8")
    print(done.stdout, file=sys.stderr, flush=True)
    return json.loads(done.stdout.splitlines()[-1])


def one(path: Path) -> None:
    """Screen a store."""
    from protocol_logic.answering.columns.rows import ManyRow, ShardRows
    from protocol_logic.pipeline import Screening, columns
    from protocol_logic.reasoning.columns import ColumnEngine
    from protocol_logic.records.store.reading import Store
    from protocol_logic.surfaces.row_formats import Ndjson

    spent: Counter[str] = Counter()
    peak: Counter[str] = Counter()
    within: list[str] = []

    def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **more: Any) -> Any:
            if within:  # what another phase takes
                return function(*args, **more)
            within.append(name)
            if name not in _PER_ROW:
                peak["in all"] = max(peak["in all"], _peak())
                _forget_peak()
            start = _cpu()
            try:
                return function(*args, **more)
            finally:
                spent[name] += _cpu() - start
                if name not in _PER_ROW:
                    peak[name] = max(peak[name], _peak())
                within.pop()

        return call

    compiled = compiled_of(PROTOCOL)
    found: Any = columns
    found.heads_of = timed("heads", columns.heads_of)
    found.read_columns = timed("columns of findings", columns.read_columns)
    stretch: Any = columns._Stretch
    for name in ("_records", "_one_by_one", "_read_wholly", "_alone"):
        if hasattr(stretch, name):
            setattr(stretch, name, timed("one by one", getattr(stretch, name)))
    found.facts_alone = timed("one by one", columns.facts_alone)
    engine: Any = ColumnEngine
    engine.decide = timed("distinct rows, verdicts", ColumnEngine.decide)
    rows: Any = ShardRows
    ShardRows_rows = ShardRows.rows
    rows.rows = timed("rows", lambda *args: list(ShardRows_rows(*args)))
    screening = columns.ColumnScreening(Screening(compiled), AS_OF)
    templates = Ndjson.templates()
    write = timed("NDJSON", templates.piece)
    with Store(path) as store:
        stretches = list(store.stretches(_AT_ONCE))
    begin, begun, written = _cpu(), perf_counter(), 0
    for each in stretches:
        for line in screening.screen(each):
            if isinstance(line.row, ManyRow):
                written += len(write(line.row))
            elif line.row is not None:
                written += len(Ndjson.piece(line.row))
    total = _cpu() - begin
    wall = perf_counter() - begun
    peak["in all"] = max(*peak.values(), _peak())
    spent["the rest"] = total - sum(spent.values())
    its = screening.one_by_one
    said = {
        "cpu": {**spent, "in all": total},
        "peak": peak,
        "wall": wall,
        "written": written,
        "wholly": its["wholly"],
        "partly": its["partly"],
    }
    print(json.dumps(said))


def _forget_peak() -> None:
    """The most memory from now on; since the start where the system does not tell otherwise."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def _peak() -> float:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1e3
    except OSError:
        return getrusage(RUSAGE_SELF).ru_maxrss / 1e3


def _cpu() -> float:
    used = getrusage(RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(Path(sys.argv[2]))
    elif sys.argv[1:2] == ["--floor"]:
        print(json.dumps(floor(Path(sys.argv[2]), int(sys.argv[3]), "by entry")))
    else:
        main()
