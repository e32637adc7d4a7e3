"""One patient id in two documents: both are withheld.

A stream of records cannot be known to be free of duplicates before its end, so the ids are noted
as records pass, and what was made of them (rows, outcomes) is sifted afterwards:

    ids = PatientIds()
    rows = [screen(record) for record in ids.watch(records)]
    rows = withhold_duplicates(rows, lambda row: row.patient, ids)
    problems.extend(ids.problems())

Source: the design, section 6, PATIENTS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.foundation.text import shown
from protocol_logic.records.facts import PatientRecord, added

_Row = TypeVar("_Row")


class PatientIds:
    """The ids that passed, and for those that passed again the files they stand in."""

    def __init__(self) -> None:
        self._first: dict[str, str] = {}
        self._again: dict[str, list[str]] = {}

    def watch(self, records: Iterable[PatientRecord]) -> Iterator[PatientRecord]:
        """Pass records through, noting their ids."""
        for record in records:
            if record.patient in self._first:
                self._again.setdefault(record.patient, []).append(record.source)
            else:
                self._first[record.patient] = record.source
            yield record

    def __contains__(self, patient: str) -> bool:
        """Whether the id passed more than once so far."""
        return patient in self._again

    def problems(self) -> list[Problem]:
        """A problem `duplicate-patient` for each id that passed more than once."""
        return [
            Problem(
                code="duplicate-patient",
                message=f"patient `{shown(patient)}` stands in {1 + len(others)} bundles, also in "
                + ", ".join(f"`{shown(source)}`" for source in others[:3]),
                hint="give each patient one bundle with all resources",
                file=self._first[patient],
            )
            for patient, others in self._again.items()
        ]


def withhold_duplicates(
    rows: Iterable[_Row], patient: Callable[[_Row], str], ids: PatientIds
) -> list[_Row]:
    """The rows whose patient passed `ids` only once; call it when all records have passed."""
    return [row for row in rows if patient(row) not in ids]


def merged(records: Iterable[PatientRecord]) -> Iterator[PatientRecord]:
    """One record for each patient id, where the first of its records stood.

    Facts and problems of all of them, each once; the newest index date; the first file.
    """
    of_patient: dict[str, list[PatientRecord]] = {}
    for record in records:
        of_patient.setdefault(record.patient, []).append(record)
    for patient, parts in of_patient.items():
        facts = dict.fromkeys(fact for part in parts for fact in part.facts)
        yield PatientRecord(
            patient=patient,
            source=parts[0].source,
            index_date=max((p.index_date for p in parts if p.index_date), default=None),
            facts=tuple(sorted(facts, key=lambda fact: fact.resource)),
            problems=tuple(Problems([p for part in parts for p in part.problems]).sorted()),
            accounting=added(part.accounting for part in parts),
        )
