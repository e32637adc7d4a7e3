"""A store decided by one process, several, and Apache Spark: `bench_shards.py [patients]`.

10,000 patients by default: 1,000 that are made (see `patients/`) and copies of them. `--save`
writes the table into RESULTS.md. Needs the extra `cohort`; for Spark the extra `spark` and Java 17.
All give the same bytes, or the bench fails.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from shutil import which

from patients import AS_OF, Drawing
from patients.__main__ import compiled_of, source_of
from patients.as_store import write_store
from patients.copies import copied
from processes import Took, took
from results import machine, save, table

PROTOCOL = "anlotinib_fulvestrant"
MADE = 1_000
COMMAND = [sys.executable, "-m", "protocol_logic.surfaces.cli"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("patients", type=int, nargs="?", default=10_000)
    parser.add_argument("--save", action="store_true", help="write the table into RESULTS.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = list(_rows(Path(folder), options.patients))
    packages = ["duckdb", *(["pyspark"] if has_spark() else [])]
    text = (
        "## Shards\n\n`python bench/bench_shards.py`: "
        f"{options.patients:,} made-up patients, the seed protocol, rows as NDJSON. "
        f"{machine(*packages)}. CPU is that of all processes, Java's too; a store of one patient "
        "tells what starting costs.\n\n"
    )
    head = ["what decides", "patients", "wall s", "CPU s", "ms a patient, CPU", "peak MB"]
    text += table(head, rows)
    print(text)
    if options.save:
        save("bench_shards", text)


@cache
def has_spark() -> bool:
    return find_spec("pyspark") is not None and which("java") is not None


def _rows(folder: Path, size: int) -> list[list[str]]:
    compiled = compiled_of(PROTOCOL)
    made = folder / "made.duckdb"
    write_store(made, compiled, source_of(PROTOCOL), Drawing(compiled).made(min(MADE, size)))
    few, many = folder / "few.duckdb", folder / "many.duckdb"
    copied(made, few, 1)
    copied(made, many, size)
    exported = took([*COMMAND, "export", str(many), str(folder / "many"), "--patients", "5000"])
    rows = [_row("`export` to Parquet", size, exported)]
    ways: list[tuple[str, list[str], Path, int]] = []
    for name, more in (
        ("one process", ["--workers", "1"]),
        ("two processes", ["--workers", "2"]),
        *([("Spark, local[2]", ["--engine", "spark", "--workers", "2"])] if has_spark() else []),
    ):
        ways += [(name, more, few, 1), (name, more, many, size)]
        if more[-1] == "1" or "spark" in more:
            ways.append((f"{name}, Parquet", more, folder / "many", size))
    wanted: dict[int, str] = {}
    for name, more, store, number in ways:
        out = folder / "rows.ndjson"
        options = ["--format", "ndjson", "--as-of", str(AS_OF), "-o", str(out)]
        rows.append(
            _row(name, number, took([*COMMAND, "screen", PROTOCOL, str(store), *options, *more]))
        )
        digest = sha256(out.read_bytes()).hexdigest()
        if wanted.setdefault(number, digest) != digest:
            raise SystemExit(f"{name} gives other bytes")
    return rows


def _row(name: str, number: int, its: Took) -> list[str]:
    print(name, number, its, file=sys.stderr, flush=True)
    each = f"{1000 * its.cpu / number:.2f}" if number > 1 else ""
    return [name, f"{number:,}", f"{its.wall:.1f}", f"{its.cpu:.1f}", each, f"{its.peak_mb:,.0f}"]


if __name__ == "__main__":
    main()
