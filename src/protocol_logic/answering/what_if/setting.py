"""What one setting does to a record, and what a history's condition, set as a whole, to findings.

The search for repairs and the screening of each of them set things here, so they are one thing.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, timedelta

from protocol_logic.compiling import core
from protocol_logic.compiling.plan import Plan
from protocol_logic.findings.read import concept_group
from protocol_logic.findings.rows import CellSet, Group, PatientFindings, Row
from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.knowledge.vocabulary import Lesion, Vocabulary
from protocol_logic.records.facts import (
    Fact,
    LesionSize,
    Measured,
    NotTaken,
    Ordered,
    PatientRecord,
    Therapy,
    place,
)

STOPPED = "stopped"
"""What is said of a medication whose courses end the day before; of a day that is past with it:
`stopped on 2026-10-30`."""

HISTORIES = (core.LinesOf, core.Pattern, core.Occurred, core.NumberOf, core.PresentAs)
"""Tests of what only a history tells, which are set as a whole."""


def with_facts(
    record: PatientRecord, facts: Iterable[Fact], as_of: date, vocabulary: Vocabulary
) -> PatientRecord:
    """A record in which each fact is the newest of its entry.

    What is recorded of the entry for the same day, or for a day that may be it, no longer counts;
    a course of a medication is one more.
    """
    kept = list(record.facts)
    new = list(facts)
    for fact in new:
        gone = _gone_with(fact, vocabulary)
        if gone:
            kept = [f for f in kept if f.entry not in gone or _is_older(f, fact, as_of)]
    for fact in new:
        insort(kept, fact, key=place)
    return replace(record, facts=tuple(kept))


def _gone_with(fact: Fact, vocabulary: Vocabulary) -> frozenset[str]:
    """The entries whose facts of the day give way to a new fact."""
    if isinstance(fact.reading, Therapy | Ordered | NotTaken):
        return frozenset()
    if not isinstance(fact.reading, LesionSize | Measured):
        return frozenset({fact.entry})
    lesions = (each for each in vocabulary.of(Lesion) if each.counted is not None)
    for lesion in lesions:
        if fact.entry in (lesion.name, lesion.counted):
            return frozenset({lesion.name, str(lesion.counted)})
    return frozenset({fact.entry})


def _is_older(fact: Fact, new: Fact, as_of: date) -> bool:
    if new.date is None or fact.date is None:
        return False
    return fact.date.last < new.date.first or fact.date.first > as_of


def goes_on(fact: Fact, day: date) -> bool:
    """Whether a fact is a course that has begun by a day, and is not over on it."""
    course = fact.reading
    if not isinstance(course, Therapy):
        return False
    begun = course.start is None or course.start.first <= day
    return begun and (course.ongoing if course.end is None else course.end.last >= day)


def stopped(
    record: PatientRecord, concept: str, as_of: date, vocabulary: Vocabulary
) -> PatientRecord:
    """A record in which no course of a medication goes on: each ended the day before at the
    latest."""
    names = set(vocabulary.below(concept))
    yesterday = as_of - timedelta(days=1)
    end = PartialDate(yesterday, yesterday, yesterday.isoformat())
    facts = []
    for fact in record.facts:
        reading = fact.reading
        if fact.entry in names and isinstance(reading, Therapy):
            start, until = reading.start, reading.end
            if start is not None and yesterday < start.first <= as_of:
                continue  # of today: it is not begun
            begun = start is None or start.first <= yesterday
            if begun and (reading.ongoing if until is None else until.last > yesterday):
                fact = replace(fact, reading=replace(reading, end=end, ongoing=False))
        facts.append(fact)
    return replace(record, facts=tuple(facts))


# ---- histories -----------------------------------------------------------------------------------


def forced(plan: Plan, found: PatientFindings, test: core.Test, truth: bool) -> PatientFindings:
    """Findings in which a condition of a history holds, or does not, whatever else they say."""
    if isinstance(test, core.Pattern):
        return _with_pattern(plan, found, test, truth)
    name, true = plan.tests[test]
    cells = frozenset(true) if truth else frozenset(plan.findings[name].cells) - set(true)
    if not cells:
        return found
    return _with_cells(found, {name: cells})


def _with_cells(found: PatientFindings, cells: Mapping[str, CellSet]) -> PatientFindings:
    single = {**found.single, **{n: c for n, c in cells.items() if n in found.single}}
    groups = []
    for group in found.groups:
        if group.findings.isdisjoint(cells):
            groups.append(group)
        else:
            rows = dict.fromkeys(
                Row(tuple((n, cells.get(n, c)) for n, c in row.cells), row.labels)
                for row in group.rows
            )
            groups.append(Group(group.name, tuple(rows)))
    return PatientFindings(as_of=found.as_of, single=single, groups=tuple(groups))


def _with_pattern(
    plan: Plan, found: PatientFindings, pattern: core.Pattern, truth: bool
) -> PatientFindings:
    """A pattern holds because a course fits it that nobody recorded; it does not where no recorded
    course and event fits its clauses, and there are no others."""
    names = plan.courses[pattern.concept].names[pattern.name]
    if truth:
        return _with_cells(found, {names.unrecorded_course: frozenset({"some"})})
    none = frozenset({"none"})
    found = _with_cells(found, {names.unrecorded_course: none, names.unrecorded_event: none})
    shared = {
        clause
        for other, each in plan.courses[pattern.concept].names.items()
        if other != pattern.name
        for clause in each.clauses
    }
    own = [f"{clause}(" for clause in names.clauses if clause not in shared]
    groups = []
    for group in found.groups:
        if own and group.name == concept_group(pattern.concept):
            rows = dict.fromkeys(
                Row(
                    tuple((n, c) for n, c in row.cells if not n.startswith(own[0])),
                    row.labels,
                )
                for row in group.rows
            )
            group = Group(group.name, tuple(rows))
        groups.append(group)
    return PatientFindings(as_of=found.as_of, single=found.single, groups=tuple(groups))
