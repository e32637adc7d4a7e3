"""Patient ids: one in two documents, whose rows are withheld; one that would mislead a person.

A stream of records cannot be known to be free of duplicates before its end, so the ids are noted
as records pass, and what was made of them (rows, outcomes) is sifted afterwards.

Source: the design, section 6, PATIENTS.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import date

from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.foundation.text import shown
from protocol_logic.records.facts import PatientRecord, added, place

FHIR_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
_NAMED = 3


class PatientIds:
    """The ids that passed, and for those that passed again how often and in which files."""

    def __init__(self) -> None:
        self._first: dict[str, str] = {}
        self._files: dict[str, dict[str, None]] = {}
        self._times = Counter[str]()

    def add(self, patient: str, source: str) -> None:
        """Note the id of a record."""
        first = self._first.get(patient)
        if first is None:
            self._first[patient] = source
            return
        self._times[patient] += 1
        files = self._files.setdefault(patient, {})
        if source != first and len(files) < _NAMED:
            files[source] = None

    def __contains__(self, patient: str) -> bool:
        """Whether the id passed more than once so far."""
        return patient in self._times

    def known(self) -> Collection[str]:
        """All ids that passed."""
        return self._first

    def problems(self) -> Iterator[Problem]:
        """A problem `duplicate-patient` for each id that passed more than once."""
        for patient, times in self._times.items():
            files = ", ".join(f"`{shown(file)}`" for file in self._files[patient])
            where = f", also in {files}" if files else " of this file"
            yield Problem(
                code="duplicate-patient",
                message=f"patient `{shown(patient)}` stands in {1 + times} bundles{where}",
                hint="give each patient one bundle with all resources",
                file=self._first[patient],
            )


def misleading_id(record: PatientRecord) -> Problem | None:
    """A problem `unclear-id` where a person cannot see all of a patient's id."""
    # A backslash is shown doubled, and seen all the same.
    text = record.patient.replace("\\", "/")
    if shown(text) == text == text.strip():
        return None
    return Problem(
        code="unclear-id",
        message=f"the id of patient `{shown(record.patient)}` cannot be seen as it is, "
        "so it could be taken for another",
        hint="an id has 1 to 64 letters, digits, `-` and `.`",
        file=record.source,
    )


def with_id_told(record: PatientRecord) -> PatientRecord:
    """The record, with a problem `not-a-fhir-id` where FHIR does not allow its patient's id; tables
    may have any."""
    if record.index_source == "index" or FHIR_ID.fullmatch(record.patient):
        return record
    problem = Problem(
        code="not-a-fhir-id",
        message=f"the patient's id is `{shown(record.patient)}`, which FHIR does not allow",
        hint="an id has 1 to 64 letters, digits, `-` and `.`",
        resource=f"Patient/{record.patient}",
        file=record.source,
    )
    return replace(record, problems=tuple(Problems([*record.problems, problem]).sorted()))


def merged(records: Iterable[PatientRecord]) -> Iterator[PatientRecord]:
    """One record for each patient id, where the first of its records stood.

    Facts and problems of all of them, each once; the newest index date; the first file. An item of
    a list is known where another of them has what it refers to.
    """
    of_patient: dict[str, list[PatientRecord]] = {}
    for record in records:
        of_patient.setdefault(record.patient, []).append(record)
    for patient, parts in of_patient.items():
        facts = dict.fromkeys(fact for part in parts for fact in part.facts)
        stated = {each for part in parts for each in part.unlisted}
        named = {fact.resource for fact in facts} | {each.resource for each in stated}
        dated = [part for part in parts if part.index_date is not None]
        newest = max(dated, key=lambda part: part.index_date or date.min, default=parts[0])
        yield PatientRecord(
            patient=patient,
            source=parts[0].source,
            index_date=newest.index_date,
            index_source=newest.index_source,
            facts=tuple(sorted(facts, key=place)),
            problems=tuple(Problems([p for part in parts for p in part.problems]).sorted()),
            accounting=added(part.accounting for part in parts),
            unclear=frozenset[str]().union(*(part.unclear for part in parts)),
            unlisted=tuple(sorted(each for each in stated if each.target not in named)),
            unread=tuple(sorted({each for part in parts for each in part.unread})),
            mentioned=tuple(sorted({each for part in parts for each in part.mentioned})),
        )
