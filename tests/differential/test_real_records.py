"""Records as others made them, from `../shared/data`: every patient, every resource, every trap.

Our reading of each set is compared with the counts of plain_census.py, our outcomes with those of
the reference evaluator, and the traps that the READMEs of the sets name must be told and never
used. Of the large sets a fixed sample of patients is taken; `MANY=1 pytest
tests/differential/test_real_records.py` takes all of them.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from protocol_logic.answering.rows import AsOf, Row
from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.knowledge.resources import protocol_path
from protocol_logic.pipeline import Compiled, Screening, compile_source, findings_of
from protocol_logic.records.facts import (
    ConditionStated,
    Fact,
    LesionSize,
    Measured,
    Ordered,
    PatientRecord,
    Stated,
)
from protocol_logic.records.fhir import read_record
from protocol_logic.records.sources import Document, iter_documents
from tests.differential import plain_census
from tests.differential.plain_census import AS_OF, Census, census, count_types
from tests.differential.reference import TooLarge, evaluate

SHARED = Path(__file__).parents[3] / "shared" / "data"
WHOLE = bool(os.environ.get("MANY"))
SAMPLES = {"synthea-r4": (12, 4), "pysynthea-breast-r4": (10, 2)}
"""Set -> of how many patients one is taken, and which: chosen so that every trap is among them."""
SETS = (*SAMPLES, "mcode-synthea-cancer", "mcode-examples", "synthea-hiv-r4")

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason=f"no sets of records at {SHARED}")


@cache
def screening() -> Screening:
    path = protocol_path("anlotinib_fulvestrant")
    assert path is not None
    found = compile_source(Source("seed", path.read_text(encoding="utf-8")), Problems())
    assert found is not None
    return Screening(found)


def compiled() -> Compiled:
    return screening().compiled


def sampled(name: str, folder: Path) -> list[Path]:
    """The files of a set, or one with a fixed sample of its lines."""
    root = SHARED / name
    if not root.is_dir():
        pytest.skip(f"no set of records at {root}")
    if WHOLE or name not in SAMPLES:
        return [root]
    sample = folder / "sample.ndjson"
    number, chosen = SAMPLES[name]
    with gzip.open(root / "patients.ndjson.gz") as lines, sample.open("wb") as out:
        out.writelines(line for line in lines if zlib.crc32(line) % number == chosen)
    return [sample]


@dataclass(frozen=True)
class Read:
    """A document with one patient, as the program reads and screens it."""

    document: Document
    record: PatientRecord
    row: Row


def read(paths: list[Path]) -> Iterator[Read]:
    """Every document with one patient; each other one must be an error that says so."""
    documents = refused = 0
    problems = Problems()
    for document in iter_documents(paths, problems):
        documents += 1
        record = read_record(document, compiled().codings, problems)
        if record is None:
            refused += 1
            assert plain_census.patient_of(document.content) is None
            continue
        yield Read(document, record, screening().row(record, AsOf(AS_OF, "option")))
    assert {p.code for p in problems.items if p.severity == "error"} <= {
        "no-patient",
        "two-patients",
    }
    assert sum(p.severity == "error" for p in problems.items) == refused
    assert documents > 2


def usable(fact: Fact) -> bool:
    """Whether a fact can be read, and may count on the day."""
    match fact.reading:
        case Measured(value):
            readable = value is not None
        case Stated(values):
            readable = values is not None
        case ConditionStated(state):
            readable = state != "unknown"
        case LesionSize(sizes):
            readable = any(size is not None for _, size in sizes)
        case Ordered():
            readable = False
        case _:
            readable = True
    return readable and (fact.date is None or fact.date.first <= AS_OF)


@pytest.mark.parametrize("name", SETS)
def test_every_patient_every_resource_every_trap(name: str, tmp_path: Path) -> None:
    paths = sampled(name, tmp_path)
    ours = Census()
    patients = []
    agreed = large = 0
    sprung: Counter[str] = Counter()
    for each in read(paths):
        record, row = each.record, each.row
        patients.append(row["patient"])
        assert [c["id"] for c in row["criteria"]] == [c.id for c in compiled().protocol.criteria]
        _accounted(each)
        sprung += _sprung(each, TRAPS[name])
        ours.patients += 1
        ours.types += Counter({a.type: a.total for a in record.accounting})
        for element in {fact.entry for fact in record.facts}:
            facts = [fact for fact in record.facts if fact.entry == element]
            count = ours.elements[element]
            count.facts += len(facts)
            count.patients += 1
            count.usable += any(map(usable, facts))
        if _agrees(record, row):
            agreed += 1
        else:
            large += 1
    plain = census(paths)
    assert patients == [plain_census.patient_of(d) for d in _with_a_patient(paths)]
    assert ours.types == plain.types
    assert dict(ours.elements) == dict(plain.elements)
    assert ours.patients == plain.patients
    assert agreed and not large
    assert set(sprung) == {trap.name for trap in TRAPS[name]}


def _with_a_patient(paths: list[Path]) -> Iterator[dict[str, Any]]:
    for document in plain_census.documents(paths):
        if plain_census.patient_of(document) is not None:
            yield document


def _accounted(each: Read) -> None:
    """Every resource of a document is a fact, irrelevant, or a problem."""
    record = each.record
    totals = {account.type: account.total for account in record.accounting}
    assert totals == count_types(each.document.content)
    told = Counter(p.resource.partition("/")[0] for p in record.problems if p.resource)
    sources = {fact.resource for fact in record.facts}
    for account in record.accounting:
        assert account.total == account.facts + account.irrelevant + account.problems
        with_facts = [name for name in sources if name.partition("/")[0] == account.type]
        assert account.type == "Medication" or account.facts >= len(with_facts)
        assert not account.problems or told[account.type] or account.type == "(none)"


def _agrees(record: PatientRecord, row: Row) -> bool:
    """Whether the reference evaluator says the same; False where it has too much to look at.

    Criteria that read what was widened must be unknown, and the row says so; all others are
    compared one by one.
    """
    protocol = compiled().protocol
    widened = set(findings_of(compiled(), record, AS_OF).widened)
    got = {c["id"]: (c["outcome"], c["applies"]) for c in row["criteria"]}
    wide = {c.id for c in protocol.criteria if widened & _read_by(c.id)}
    assert bool(wide) == ("too-many-readings" in {p["code"] for p in row["problems"]})
    assert all(got[name][0] == "unknown" for name in wide)
    rest = tuple(c for c in protocol.criteria if c.id not in wide)
    try:
        expected = evaluate(
            replace(protocol, criteria=rest), record, AS_OF, each_alone=True, most=20_000
        )
    except TooLarge:
        return False
    assert {c.id: got[c.id] for c in rest} == {
        name: (found.outcome, found.applies) for name, found in expected.criteria.items()
    }, row["patient"]
    assert wide or row["eligibility"] == expected.eligibility, row["patient"]
    assert not wide or (row["eligibility"] == "ineligible") == (
        expected.eligibility == "ineligible"
    )
    return True


def _read_by(criterion: str) -> set[str]:
    plan = compiled().plan
    reach = plan.reach[criterion]
    return {plan.findings[name].entry for name in reach.findings} | set(reach.courses)


# ---- traps ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Trap:
    """Resources with a code, of which a set says that they are traps.

    `told`: the problem of each, and part of its message; a `look-alike` is told once for each code
    of a record. `element`: what they are unreadable facts of; None: they are no facts.
    """

    name: str
    codes: tuple[str, ...]
    told: tuple[str, str]
    element: str | None = None


TEXT = ("unreadable-value", "`valueString`")
SNOMED_STAGE = ("unknown-code", "`http://snomed.info/sct|")
EGFR = ("look-alike", "an eGFR for 1.73 m2, not by Cockcroft-Gault")
URINE = ("look-alike", "a urine test")
THOUSANDFOLD = ("implausible-value", "`3000 10*3/uL`")
TRAPS = {
    "mcode-examples": [Trap("neutrophils 3000", ("26499-4",), THOUSANDFOLD, "neutrophils")],
    "mcode-synthea-cancer": [Trap("FISH as text", ("85318-4",), TEXT, "her2_fish")],
    "pysynthea-breast-r4": [
        Trap("FISH as text", ("85318-4",), TEXT, "her2_fish"),
        Trap("two stages at one instant", ("21908-9",), SNOMED_STAGE, "stage"),
        Trap("eGFR is no clearance", ("33914-3",), EGFR),
        Trap("urine tests", ("20505-4", "5770-3", "5794-3"), URINE),
    ],
    "synthea-r4": [
        Trap("eGFR is no clearance", ("33914-3",), EGFR),
        Trap("urine tests", ("20505-4", "5770-3", "5794-3"), URINE),
    ],
    "synthea-hiv-r4": [],
}


def _sprung(each: Read, traps: list[Trap]) -> Counter[str]:
    """How often each trap is there; each is told, and never used."""
    sprung: Counter[str] = Counter()
    for trap in traps:
        for code in trap.codes:
            names = list(_with_code(each.document, code))
            sprung[trap.name] += len(names)
            facts = [fact for fact in each.record.facts if fact.resource in names]
            assert [fact.entry for fact in facts] == (
                [trap.element] * len(names) if trap.element else []
            )
            assert not any(map(usable, facts))
            _told(each.row, trap, code, names)
    return +sprung


def _told(row: Row, trap: Trap, code: str, names: list[str]) -> None:
    problem, says = trap.told
    found = {p["resource"]: p["message"] for p in row["problems"] if p["code"] == problem}
    if trap.element is not None:
        assert all(says in found[name] for name in names)
    elif names:
        [message] = [m for r, m in found.items() if r in names and m.startswith(f"`{code}`")]
        assert says in message
        assert ("; also" in message) == (len(names) > 1)


def _with_code(document: Document, wanted: str) -> Iterator[str]:
    """`Type/id` of the resources of a document with a code, but for what they report."""
    for _, resource in plain_census.resources(document.content):
        code = resource.get("code")
        codings = code.get("coding", []) if isinstance(code, dict) else []
        if any(coding.get("code") == wanted for coding in codings):
            yield f"{resource['resourceType']}/{resource['id']}"


def test_ids_under_a_false_system_are_told(tmp_path: Path) -> None:
    for each in read(sampled("synthea-hiv-r4", tmp_path)):
        assert {fact.entry for fact in each.record.facts} <= {"sex", "birth_date"}
        [account] = [a for a in each.record.accounting if a.type == "Observation"]
        assert (account.facts, account.irrelevant) == (0, 0)
        told = [p["message"] for p in each.row["problems"] if p["code"] == "unmapped-code"]
        assert any(message.endswith("is no code of LOINC") for message in told) or any(
            "is no code of LOINC; also" in message for message in told
        )
