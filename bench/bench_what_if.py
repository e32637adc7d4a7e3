"""What all repairs of one patient cost: `python bench/bench_what_if.py [FOLDER...]`.

Every patient of the folders who is not eligible by the seed protocol, by default the Synthea and
the PySynthea breast records of ../shared/data; then made-up protocols in which 1 to 30 criteria
fail, of which each can be repaired in two ways. Processor time of findings, levers and search;
warm: every patient a second time, with what the protocol keeps.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from statistics import quantiles
from time import process_time

from protocol_logic.answering.what_if.repairs import MOST, Patient, Repairing
from protocol_logic.compiling.changing import changes_of
from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.foundation.source import Source
from protocol_logic.knowledge.resources import protocol_path
from protocol_logic.pipeline import (
    Compiled,
    as_of_date,
    compile_source,
    findings_of,
    read_records,
)
from protocol_logic.reasoning.engine import Engine
from protocol_logic.records.facts import PatientRecord
from protocol_logic.records.sources import iter_documents

PROTOCOL = "anlotinib_fulvestrant"
DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
FOLDERS = [DATA / "synthea-r4", DATA / "pysynthea-breast-r4"]
GROWTH = (1, 2, 4, 6, 8, 9, 10, 12, 16, 20, 25, 30)


def compiled(text: str) -> tuple[Compiled, Repairing]:
    found = compile_source(Source(PROTOCOL, text), Problems())
    assert found is not None
    engine = Engine(found.protocol, found.plan, found.program)
    return found, Repairing(found.protocol, found.plan, engine, changes_of(found.protocol))


def told(name: str, times: list[float]) -> None:
    cuts = quantiles(times, n=100, method="inclusive") if len(times) > 1 else times * 99
    print(
        f"  {name:<22} p50 {cuts[49] * 1e3:7.2f} ms   p90 {cuts[89] * 1e3:7.2f}   "
        f"p99 {cuts[98] * 1e3:7.2f}   most {max(times) * 1e3:7.2f}"
    )


def records_in(found: Compiled, folder: Path) -> Iterator[tuple[PatientRecord, date]]:
    problems = Problems()
    for record in read_records(
        found, iter_documents([folder / "patients.ndjson.gz"], problems), problems
    ):
        as_of = as_of_date(record, None)
        yield record, date(2026, 11, 2) if isinstance(as_of, Problem) else as_of.date


def patients(folder: Path) -> None:
    path = protocol_path(PROTOCOL)
    assert path is not None
    found, repairing = compiled(path.read_text(encoding="utf-8"))
    chosen: dict[str, list[tuple[PatientRecord, date]]] = {"ineligible": [], "undetermined": []}
    for record, as_of in records_in(found, folder):
        said = repairing.engine.eligibility(findings_of(found, record, as_of))
        if said in chosen:
            chosen[said].append((record, as_of))
    for eligibility, of in chosen.items():
        if not of:
            continue
        counts = []
        for name in ("first", "warm"):
            times = []
            for record, as_of in of:
                start = process_time()
                got = Patient(repairing, record, as_of).repairs()
                times.append(process_time() - start)
                counts.append(len(got.repairs))
            if name == "first":
                print(f"{folder.name}: {len(of)} {eligibility}")
            told(name, times)
        times = []
        for record, as_of in of:
            start = process_time()
            repairing.repairs(record, as_of)
            times.append(process_time() - start)
        told("warm, with waiting", times)
        capped = sum(count == MOST for count in counts) // 2
        print(
            f"  repairs: {sum(not c for c in counts) // 2} have none, "
            f"mean {sum(counts) / len(counts):.1f}, {capped} reach the cap of {MOST}"
        )


def growth() -> None:
    print("failed criteria with two ways each")
    for number in GROWTH:
        text = (
            "protocol growth\n  title Growth\n  version 1.0\n  language 1\n"
            "  uses demographics, labs, consent\n"
        )
        for i in range(number):
            text += (
                f'\ninclude criterion_{i}\n  > Either.\n  attested "one {i}" or '
                f'attested "other {i}"\n'
            )
        _, repairing = compiled(text)
        record = PatientRecord(patient="p", source="p.json", index_date=None, facts=())
        start = process_time()
        got = repairing.repairs(record, date(2026, 11, 2))
        first = process_time() - start
        start = process_time()
        repairing.repairs(record, date(2026, 11, 2))
        warm = process_time() - start
        more = "" if got.complete else f"  (2^{number} in all)"
        print(
            f"  {number:>2} criteria: {len(got.repairs):>5} repairs, first {first * 1e3:8.1f} ms, "
            f"warm {warm * 1e3:7.1f} ms{more}"
        )


if __name__ == "__main__":
    for each in [Path(name) for name in sys.argv[1:]] or FOLDERS:
        patients(each)
    growth()
