"""What all repairs of one patient cost: `python bench/bench_what_if.py [FOLDER...]`.

Every patient of the folders who is not eligible by the seed protocol, by default the Synthea and
the PySynthea breast records of ../shared/data; then made-up protocols in which 1 to 30 criteria
fail, of which each can be repaired in two ways. Processor time of findings, levers and search,
with the records of all patients out of the reach of the garbage collector;
warm: every patient a second time, with what the protocol keeps. *Others*: the second half of the
patients, once, after the first half: what it costs to meet a patient warm.

The last step of it, the minimal changes that no known nogood hits (`kb/logic/repair.lp`), is a
question that clingexplaid and asprin answer too. They are asked the same programs, those of the
ineligible patients and of the growth, where `CLINGEXPLAID_PYTHON` names a Python that has it
(`pip install clingexplaid`) and `ASPRIN` the command (`pip install asprin clingo==5.8.0` in an
environment of its own): processor time, and whether they find the same sets.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from itertools import pairwise
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from statistics import quantiles
from time import process_time
from typing import TypeAlias

from protocol_logic.answering.what_if import searching
from protocol_logic.answering.what_if.repairs import Patient, Repairing
from protocol_logic.answering.what_if.searching import MOST
from protocol_logic.compiling.changing import changes_of
from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.foundation.source import Source
from protocol_logic.knowledge.resources import logic_text, protocol_path
from protocol_logic.pipeline import (
    Compiled,
    as_of_date,
    compile_source,
    findings_of,
    read_records,
)
from protocol_logic.reasoning.engine import Engine
from protocol_logic.reasoning.repairing import (
    Fit,
    Level,
    Region,
    Shape,
    _lever_facts,
    _nogood_facts,
    minimal_regions,
)
from protocol_logic.records.facts import PatientRecord
from protocol_logic.records.sources import iter_documents

PROTOCOL = "anlotinib_fulvestrant"
DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
FOLDERS = [DATA / "synthea-r4", DATA / "pysynthea-breast-r4"]
CLINGEXPLAID = os.environ.get("CLINGEXPLAID_PYTHON")
ASPRIN = os.environ.get("ASPRIN")
ASPRIN_PATIENTS = 5
SUBSET = """
#preference(p,subset){ change(L) : lever(L); drop(L,R) : option(L,R) }.
#optimize(p).
#show change/1. #show drop/2.
"""
Problem_: TypeAlias = tuple[Sequence[Shape], list[Sequence[Fit]]]
"""Levers, and the nogoods that a repair hits none of."""
BESIDE = (4, 8, 9)
EVERY: dict[str, list[float]] = {}
"""The times of the ineligible patients of all folders, by what was done."""
Sets: TypeAlias = set[frozenset[str]]
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
    gc.collect()
    gc.freeze()
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
            if eligibility == "ineligible":
                EVERY.setdefault(name, []).extend(times)
        times = []
        for record, as_of in of:
            start = process_time()
            repairing.repairs(record, as_of)
            times.append(process_time() - start)
        told("warm, with waiting", times)
        if eligibility == "ineligible":
            EVERY.setdefault("warm, with waiting", []).extend(times)
        if eligibility == "ineligible":
            others(of)
            beside([problems_of(repairing, *each) for each in of])
        capped = sum(count == MOST for count in counts) // 2
        print(
            f"  repairs: {sum(not c for c in counts) // 2} have none, "
            f"mean {sum(counts) / len(counts):.1f}, {capped} reach the cap of {MOST}"
        )


def others(of: list[tuple[PatientRecord, date]]) -> None:
    path = protocol_path(PROTOCOL)
    assert path is not None
    _, repairing = compiled(path.read_text(encoding="utf-8"))
    times = []
    for number, (record, as_of) in enumerate(of):
        start = process_time()
        Patient(repairing, record, as_of).repairs()
        if number >= len(of) // 2:
            times.append(process_time() - start)
    told("others", times)


# ---- beside others -------------------------------------------------------------------------------


@contextmanager
def recorded() -> Iterator[list[Problem_]]:
    """The problems that are solved meanwhile."""
    problems: list[Problem_] = []

    def solve(
        levers: Sequence[Shape],
        nogoods: Iterable[Sequence[Fit]],
        most: int,
        cheapest: Level | None = None,
    ) -> tuple[list[Region], bool]:
        each = list(nogoods)
        if each and all(each):
            problems.append((levers, each))
        return minimal_regions(levers, each, most, cheapest)

    searching.minimal_regions = solve
    yield problems
    searching.minimal_regions = minimal_regions


def problems_of(repairing: Repairing, record: PatientRecord, as_of: date) -> list[Problem_]:
    """The problems of a patient with all nogoods: one for each part of what fails."""
    repairing.known.clear()
    with recorded() as problems:
        Patient(repairing, record, as_of).repairs()
    return list(dict(problems).items())


def beside(patients: list[list[Problem_]]) -> None:
    """What the minimal changes of each patient cost here and elsewhere."""
    patients = [problems for problems in patients if problems]
    if not patients:
        return
    ours: list[list[Sets]] = []
    times = []
    for problems in patients:
        start = process_time()
        found = [minimal_regions(levers, nogoods, MOST, Level())[0] for levers, nogoods in problems]
        times.append(process_time() - start)
        ours.append(
            [{atoms(p[0], r) for r in each} for p, each in zip(problems, found, strict=True)]
        )
    told("minimal changes alone", times)
    for name, solve, number in (
        ("clingexplaid", by_clingexplaid, len(patients)),
        ("asprin", by_asprin, ASPRIN_PATIENTS),
    ):
        times, same = [], 0
        for problems, wanted in list(zip(patients, ours, strict=True))[:number]:
            answered = solve([program(*each) for each in problems])
            if answered is None:
                print(f"  {name}: not installed")
                break
            seconds, got = answered
            times.append(seconds)
            same += got == wanted
        if times:
            told(name, times)
            print(f"  {name}: the same sets for {same} of {len(times)}")


def atoms(levers: Sequence[Shape], region: Region) -> frozenset[str]:
    """What is changed in a region, as `repair.lp` says it."""
    found = {f"change({n})" for n, _ in region}
    for n, kept in region:
        found |= {f"drop({n},{i})" for i in range(len(levers[n].costs)) if i not in kept}
    return frozenset(found)


def program(levers: Sequence[Shape], nogoods: Sequence[Sequence[Fit]]) -> str:
    return logic_text("repair") + "\n".join([*_lever_facts(levers), *_nogood_facts(nogoods)])


def by_clingexplaid(programs: list[str]) -> tuple[float, list[Sets]] | None:
    if CLINGEXPLAID is None:
        return None
    script = Path(__file__).with_name("repair_peers.py")
    asked = json.dumps({"programs": programs, "most": MOST})
    done = subprocess.run(
        [CLINGEXPLAID, script], input=asked, capture_output=True, text=True, check=True
    )
    answers = json.loads(done.stdout)
    sets = [{frozenset(one) for one in found} for _, found in answers]
    return sum(seconds for seconds, _ in answers), sets


def by_asprin(programs: list[str]) -> tuple[float, list[Sets]] | None:
    """Each program by a process of its own, which is how asprin is called."""
    if ASPRIN is None:
        return None
    seconds, sets = 0.0, []
    for text in programs:
        with tempfile.NamedTemporaryFile("w", suffix=".lp") as file:
            file.write(text + SUBSET)
            file.flush()
            before = getrusage(RUSAGE_CHILDREN)
            done = subprocess.run([ASPRIN, file.name, "0"], capture_output=True, text=True)
            after = getrusage(RUSAGE_CHILDREN)
        seconds += after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        found: Sets = set()
        lines = done.stdout.splitlines()
        for line, following in pairwise(lines):
            if following == "OPTIMUM FOUND":
                words = line.split()
                found.add(frozenset(w for w in words if w.startswith(("change(", "drop("))))
        sets.append(found)
    return seconds, sets


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
        if number in BESIDE:
            beside([problems_together(number)])


def problems_together(number: int) -> list[Problem_]:
    """So many nogoods, each with two ways out, as one problem: the parts are not taken apart."""
    lever = Shape("one", (0,), (1,))
    return [
        (
            [lever] * (2 * number),
            [[(((2 * i, -1),),), (((2 * i + 1, -1),),)] for i in range(number)],
        )
    ]


if __name__ == "__main__":
    for each in [Path(name) for name in sys.argv[1:]] or FOLDERS:
        patients(each)
    print("ineligible patients of all folders together")
    for name, times in EVERY.items():
        told(name, times)
    growth()
