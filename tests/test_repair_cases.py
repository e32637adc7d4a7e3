"""The documents of tests/cases/repairs: all repairs of a patient, cheapest first.

They are written like those of tests/cases/behaviour; a block `expect` holds a line a repair:

    3: treat hemoglobin: 88 g/L -> >= 90 g/L
    6: treat alt: 105 U/L -> <= 100 U/L; wait age: 17 years -> 18 years on 2027-02-01
    none                                        there is no repair
    note ...                                    why others may not be found
    blocked ...                                 what is not offered, where there is none

What is expected is derived by hand, never copied from a run. Each repair is set and screened.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path

import pytest

from protocol_logic.answering.what_if.blocked import Blocked
from protocol_logic.answering.what_if.changes import Repair
from protocol_logic.answering.what_if.repairs import Repairing
from protocol_logic.answering.what_if.trying import SettingReader
from protocol_logic.compiling.answerable import elements_of
from protocol_logic.compiling.changing import changes_of
from protocol_logic.foundation.problems import Problems
from protocol_logic.pipeline import Compiled, findings_of
from protocol_logic.reasoning.engine import Engine
from protocol_logic.records.facts import PatientRecord
from tests.patient_notation import answers_of, bundle_of
from tests.test_cases import Case, Patient, cases_of, compiled, record_of

DOCUMENTS = sorted((Path(__file__).parent / "cases" / "repairs").glob("*.md"))
CASES = [
    pytest.param(case, patient, id=f"{path.stem}-{patient.line}")
    for path in DOCUMENTS
    for case in cases_of(path)
    for patient in case.patients
]


@cache
def repairing(elig: str) -> Repairing:
    found = compiled(elig)
    engine = Engine(found.protocol, found.plan, found.program)
    return Repairing(found.protocol, found.plan, engine, changes_of(found.protocol))


def line_of(repair: Repair) -> str:
    changes = []
    for change in repair.changes:
        day = f" on {change.earliest}" if change.earliest else ""
        rounded = ", rounded" if change.rounded else ""
        changes.append(f"{change.kind} {change.finding}: {change.was} -> {change.to}{rounded}{day}")
    return f"{repair.cost}: {'; '.join(changes)}"


@pytest.mark.parametrize(("case", "patient"), CASES)
def test_repairs_are_those_that_the_document_says(case: Case, patient: Patient) -> None:
    found: Compiled = compiled(case.elig)
    vocabulary = found.protocol.vocabulary
    bundle = bundle_of(patient.facts, vocabulary)
    record, as_of = record_of(found, bundle, answers_of(patient.facts))
    got = repairing(case.elig).repairs(record, as_of.date)
    lines = [line_of(each) for each in got.repairs] or ["none"]
    lines += [f"note {note}" for note in got.notes]
    if not got.repairs:
        blocked = Blocked(repairing(case.elig)).notes(record, as_of.date)
        lines += [f"blocked {note}" for note in blocked]
    assert lines == patient.expected, patient.why
    assert got.complete is not bool(got.notes)
    for repair in got.repairs:
        assert screened(found, repair, record, as_of.date) == "eligible", line_of(repair)


def screened(found: Compiled, repair: Repair, record: PatientRecord, as_of: date) -> str:
    """Eligibility on the day of a repair, with its changes set by their texts."""
    protocol, plan = found.protocol, found.plan
    day = repair.earliest or as_of
    texts = [str(change.setting) for change in repair.changes if change.setting is not None]
    problems = Problems()
    elements = elements_of(protocol)
    settings = SettingReader(protocol, plan, elements).read(texts, record, day, problems)
    assert not problems.items, problems.items
    findings = findings_of(found, settings.record(record, day, protocol), day)
    engine = Engine(protocol, plan, found.program)
    return engine.eligibility(settings.findings(plan, findings))
