"""Documents to records, and records to what they say of a protocol's findings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from protocol_logic.answering.rows import AsOf
from protocol_logic.compiling.answerable import elements_of
from protocol_logic.findings.read import read_findings
from protocol_logic.findings.rows import PatientFindings
from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.foundation.text import shown
from protocol_logic.pipeline.compiling import Compiled
from protocol_logic.records.answers import Answers
from protocol_logic.records.duplicates import misleading_id, with_id_told
from protocol_logic.records.facts import PatientRecord
from protocol_logic.records.fhir import Met, read_record
from protocol_logic.records.sources import Document
from protocol_logic.records.tables import iter_table_records

if TYPE_CHECKING:
    from protocol_logic.answering.what_if.ahead import Ahead
    from protocol_logic.records.store.reading import Stored


def read_records(
    compiled: Compiled,
    documents: Iterable[Document],
    problems: Problems,
    meet: Callable[[Met], None] | None = None,
) -> Iterator[PatientRecord]:
    """The records of the documents that hold one patient each, whose id a person can see.

    `meet` is called with each resource of a record before the record is given.
    """
    for document in documents:
        resources: list[Met] = []
        met = None if meet is None else resources.append
        record = read_record(document, compiled.codings, problems, met)
        for clear in _with_clear_ids([record] if record is not None else [], problems):
            if meet is not None:
                for resource in resources:
                    meet(resource)
            yield with_id_told(clear)


def read_stored(compiled: Compiled, stored: Stored, problems: Problems) -> PatientRecord | None:
    """The record of a patient of a store, whose id a person can see."""
    from protocol_logic.records.store.reading import record_of

    record = record_of(stored, compiled.codings)
    clear = next(_with_clear_ids([record], problems), None)
    return None if clear is None else with_id_told(clear)


def read_tables(compiled: Compiled, path: Path, problems: Problems) -> Iterator[PatientRecord]:
    """The records of the patients of tables with a mapping, whose ids a person can see."""
    elements = elements_of(compiled.protocol)
    yield from _with_clear_ids(iter_table_records(path, elements, problems), problems)


def _with_clear_ids(
    records: Iterable[PatientRecord], problems: Problems
) -> Iterator[PatientRecord]:
    for record in records:
        unclear = misleading_id(record)
        if unclear is None:
            yield record
        else:
            problems.add(unclear)


def as_of_date(record: PatientRecord, option: date | None) -> AsOf | Problem:
    """The option, else the bundle's own date, else a problem; never the newest fact."""
    if option is not None:
        return AsOf(option, "option")
    if record.index_date is not None:
        return AsOf(record.index_date, record.index_source)
    lacks = "the bundle has no timestamp"
    if record.index_source == "index":
        lacks = f"the tables give `{shown(record.patient)}` no index date, or more than one"
    return Problem(
        code="no-as-of",
        message=f"there is no as-of date: {lacks}",
        hint="give one with `--as-of YYYY-MM-DD` (or `--as-of today`)",
        file=record.source,
    )


def findings_of(compiled: Compiled, record: PatientRecord, as_of: date) -> PatientFindings:
    """What a record says of the protocol's findings on a day."""
    c = compiled
    return read_findings(c.protocol, c.plan, record, as_of, c.windows, c.dates)


def ahead_of(compiled: Compiled, record: PatientRecord, answers: Answers | None = None) -> Ahead:
    """A record as days pass, with what people answered about the patient."""
    from protocol_logic.answering.what_if.ahead import Ahead

    c = compiled
    told = answers.by_patient.get(record.patient, ()) if answers is not None else ()
    if answers is None or not told:
        return Ahead(c.protocol, c.plan, lambda _: record, c.windows, c.dates)
    later = tuple(dict.fromkeys(answer.when.first for answer in told))
    apply = answers.apply
    return Ahead(c.protocol, c.plan, lambda day: apply(record, day), c.windows, c.dates, later)
