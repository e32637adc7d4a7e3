"""What comes of stopping a medication only after some time, which no repair of a day says.

A repair changes what is recorded on the day of judgement. A medication that is stopped on it may
count for some time after.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from protocol_logic.answering.what_if.ahead import Ahead
from protocol_logic.answering.what_if.repairs import Patient
from protocol_logic.answering.what_if.setting import stopped
from protocol_logic.foundation.problems import each_of
from protocol_logic.records.facts import PatientRecord


def stopping_notes(patient: Patient, ahead: Ahead) -> Iterator[str]:
    """For each medication that goes on, and is in the way of criteria that stopping it makes pass
    on a later day alone, from which day on they do."""
    day = patient.as_of.isoformat()
    for medication, criteria in _in_the_way(patient).items():
        later: dict[date, list[str]] = {}
        for criterion, first in _passing(patient, ahead, medication, criteria).items():
            if first > patient.as_of:
                later.setdefault(first, []).append(criterion)
        for first, names in later.items():
            passes = f"{each_of(names)} {'passes' if len(names) == 1 else 'pass'}"
            yield f"with {medication} stopped on {day} {passes} from {first.isoformat()} on"


def _in_the_way(patient: Patient) -> dict[str, set[str]]:
    """The medications that go on, each with the criteria that fail and read it; of a class and a
    kind of it the class."""
    found: dict[str, set[str]] = {}
    for unit in patient.failed:
        for lever in sorted(patient.levers_of(unit)):
            for option in patient.states.levers[lever].options:
                if option.stops:
                    found.setdefault(option.stops, set()).add(patient.r.units[unit].criterion)
    above = patient.r.voc.above
    return {
        name: criteria
        for name, criteria in found.items()
        if not any(criteria <= found.get(each, set()) for each in above(name) if each != name)
    }


def _passing(
    patient: Patient, ahead: Ahead, medication: str, criteria: set[str]
) -> dict[str, date]:
    """The first day on which each of some criteria passes with a medication stopped, where there
    is one."""
    day, vocabulary, record_on = patient.as_of, patient.r.voc, ahead.record_on

    def with_stop(on: date) -> PatientRecord:
        return stopped(record_on(on), medication, day, vocabulary)

    found: dict[str, date] = {}
    for step in replace(ahead, record_on=with_stop).steps(day):
        for each in patient.r.engine.decide(step.found).criteria:
            if each.id in criteria and each.verdict == "pass":
                found.setdefault(each.id, step.day)
        if len(found) == len(criteria):
            break
    return found
