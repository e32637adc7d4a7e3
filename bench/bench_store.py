"""A store beside its sources: `python bench/bench_store.py [--count N] [--save]`.

Ingest of FHIR JSON is measured against the least that any exact reader does: a parse of the same
bytes with decimals (`json.loads` with `parse_float=Decimal`). Screening the store is measured
against screening the source. Made-up patients of the seed protocol and, where it is, the Synthea
set of ../shared. Processor time of one process, and wall time of commands.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from patients import Drawing

from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.foundation.source import Source
from protocol_logic.knowledge.resources import protocol_path
from protocol_logic.pipeline import Compiled, compile_source, knowledge_of, read_records
from protocol_logic.records.files import Reading
from protocol_logic.records.sources import Document, Unread, iter_unread
from protocol_logic.records.store.reading import Store, record_of
from protocol_logic.records.store.rows import rows_of
from protocol_logic.records.store.seeing import see
from protocol_logic.records.store.writing import Writer

REPO = Path(__file__).parents[1]
SYNTHEA = REPO.parent / "shared" / "data" / "synthea-r4" / "patients.ndjson.gz"
RESULTS = REPO / "bench" / "RESULTS.md"
BEGIN, END = "<!-- made by bench/bench_store.py: begin -->", "<!-- bench_store: end -->"
CLI = [sys.executable, "-m", "protocol_logic.surfaces.cli"]
PROTOCOL = "anlotinib_fulvestrant"
AS_OF = "2026-01-15"
_MOST_BYTES = 30_000_000


def timed(do: Callable[[], Any]) -> tuple[float, Any]:
    """Processor seconds of this process, and what came of it."""
    gc.collect()
    gc.freeze()
    begin = process_time()
    result = do()
    return process_time() - begin, result


def steps(unread: list[Unread], compiled: Compiled, folder: Path) -> list[tuple[str, float]]:
    """Each step of ingest and of reading back, for all documents, with its processor seconds."""
    knowledge = knowledge_of([], [], Problems())
    assert knowledge is not None
    path = folder / "steps.duckdb"
    path.unlink(missing_ok=True)
    done = [("parse with decimals", timed(lambda: [_parsed(u) for u in unread])[0])]
    seconds, documents = timed(lambda: [_document(u) for u in unread])
    done.append(("ingest: parse", seconds))
    seconds, kept = timed(lambda: [see(d, knowledge, Problems()) for d in documents])
    done.append(("ingest: read for all protocols", seconds))
    with Writer(path, knowledge) as writer:
        seconds, rows = timed(lambda: [rows_of(each, writer.numbers) for each in kept if each])
        done.append(("ingest: make rows", seconds))

        def write() -> None:
            for each in rows:
                writer.add(each)
            writer.finish([], whole=False)

        done.append(("ingest: write", timed(write)[0]))
    seconds, _ = timed(lambda: [*read_records(compiled, documents, Problems())])
    done.append(("source: read for one protocol", seconds))

    def back() -> list[Any]:
        with Store(path) as store:
            items = store.items(store.gatherer(compiled.codings))
            return [record_of(each, compiled.codings) for each in items if not _is_problem(each)]

    seconds, records = timed(back)
    assert len(records) == len(unread)
    done.append(("store: record for one protocol", seconds))
    return done


def _parsed(unread: Unread) -> object:
    return json.loads(unread.text, parse_float=Decimal)


def _document(unread: Unread) -> Document:
    found = unread.document()
    assert isinstance(found, Document)
    return found


def _is_problem(item: object) -> bool:
    return isinstance(item, Problem)


def command(*words: str | Path) -> float:
    """Wall seconds of a command."""
    begin = perf_counter()
    done = subprocess.run([*CLI, *map(str, words)], capture_output=True, check=False)
    assert done.returncode in (0, 1), done.stderr.decode()
    return perf_counter() - begin


def commands(source: Path, folder: Path) -> Iterator[tuple[str, float]]:
    """Whole commands, their starts too, with their wall seconds."""
    for workers in ("1", "2"):
        store = folder / f"{workers}.duckdb"
        store.unlink(missing_ok=True)
        seconds = command("ingest", source, store, "--workers", workers)
        yield f"ingest, {_processes(workers)}", seconds
    yield "ingest again", command("ingest", source, store)
    for workers in ("1", "2"):
        for name, patients in (("source", source), ("store", store)):
            out = folder / f"{name}.rows"
            seconds = command(
                "screen", PROTOCOL, patients, "--as-of", AS_OF, "--format", "ndjson",
                "-o", out, "--workers", workers,
            )  # fmt: skip
            yield (
                f"screen the {name}, {workers} {'process' if workers == '1' else 'processes'}",
                seconds,
            )
        rows = [(folder / f"{name}.rows").read_bytes() for name in ("source", "store")]
        assert rows[0] == rows[1], "the rows are not the same"


def _processes(workers: str) -> str:
    return "1 process" if workers == "1" else f"{workers} processes"


def measured(title: str, source: Path, compiled: Compiled, folder: Path) -> str:
    """The table of one set."""
    unread, total = [], 0
    for item in iter_unread([source], Reading()):
        if isinstance(item, Unread) and total < _MOST_BYTES:
            unread.append(item)
            total += len(item.data)
    made = folder / "source.ndjson"
    made.write_bytes(b"".join(each.text + b"\n" for each in unread))
    megabytes, patients = total / 1e6, len(unread)
    lines = [f"### {title}: {patients:,} patients, {megabytes:,.1f} MB of JSON", ""]
    lines += [
        "| step, one process | CPU s | ms a patient | times the parse |",
        "| --- | --: | --: | --: |",
    ]
    done = steps(unread, compiled, folder)
    ingest = sum(seconds for name, seconds in done if name.startswith("ingest"))
    done.insert(5, ("ingest, all of it", ingest))
    for name, seconds in done:
        each, times = 1000 * seconds / patients, seconds / done[0][1]
        lines.append(f"| {name} | {seconds:.2f} | {each:.3f} | {times:.2f} |")
    lines += ["", "| command, with its start | wall s | patients/s |", "| --- | --: | --: |"]
    for name, seconds in commands(made, folder):
        lines.append(f"| {name} | {seconds:.1f} | {patients / seconds:,.0f} |")
    size = (folder / "2.duckdb").stat().st_size / 1e6
    lines += ["", f"The store has {size:.1f} MB.", ""]
    return "\n".join(lines)


def main(count: int, save: bool) -> None:
    path = protocol_path(PROTOCOL)
    assert path is not None
    c = compile_source(Source(PROTOCOL, path.read_text(encoding="utf-8")), Problems())
    assert c is not None
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    text = (
        f"## A store beside its sources\n\n{cores} cores ({platform.machine()}, "
        f"{platform.system()}), Python {platform.python_version()}, DuckDB {version('duckdb')}. "
        "The rows of the store are those of the source, byte for byte.\n\n"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = folder / "made.ndjson"
        made.write_bytes(b"".join(Drawing(c).bundles(count)))
        text += measured("Made-up patients", made, c, folder) + "\n"
        if SYNTHEA.exists():
            text += measured("Synthea", SYNTHEA, c, folder) + "\n"
    print(text)
    if save:
        old = RESULTS.read_text(encoding="utf-8")
        before, _, rest = old.partition(BEGIN)
        after = rest.partition(END)[2]
        section = f"{BEGIN}\n{text.strip()}\n{END}\n"
        RESULTS.write_text(f"{before.rstrip()}\n\n{section}{after.lstrip()}", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--save", action="store_true", help="write the tables into RESULTS.md")
    options = parser.parse_args()
    main(options.count, options.save)
