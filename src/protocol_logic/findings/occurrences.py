"""When conditions, procedures and medications occurred: the last day, as far as records tell it.

A medication occurs on every day of its period, a procedure on its day or on every day of its
period, a condition on the day of its onset, or where that is not recorded on the recorded day.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from protocol_logic.compiling.plan import Finding
from protocol_logic.findings.latest import Visible
from protocol_logic.findings.rows import CellSet, Found, Opener
from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.records.facts import ConditionStated, Done, Fact, Therapy


@dataclass(frozen=True, slots=True)
class Last:
    """The last day of one record up to some day: one of `first` to `last`.

    `sure`: it occurred; else it may be that there is no such day.
    """

    first: date
    last: date
    sure: bool
    fact: Fact


def read_last(visible: Visible, finding: Finding) -> Found:
    """In which windows the last occurrence of a subject may lie."""
    asked = finding.occurrence
    assert asked is not None
    end = visible.day_of(asked.before)
    axis = _Axis(finding, end)
    days = list(_last_days(visible, finding.entry, end))
    floor = max((day.first for day in days if day.sure), default=None)
    known = axis.never if floor is None else axis.between(floor, floor)
    cells, openers, facts = set(known), [], []
    for day in days:
        if floor is None or day.last >= floor:
            own = axis.between(max(day.first, floor or day.first), day.last)
            cells |= own
            facts.append(day.fact)
            if not own <= known:
                openers.append(Opener(finding.element, "imprecise", day.fact.resource))
    closing = visible.closed(finding.entry)
    if closing is not None:
        facts.append(closing)
    else:
        unrecorded = axis.between(floor or date.min, end)
        if not unrecorded <= known:
            reason, resource = visible.not_closed(
                finding.entry, "not_closed" if facts else "absent"
            )
            openers.append(Opener(finding.element, reason, resource))
        cells |= unrecorded
    return Found(frozenset(cells), tuple(openers), tuple(facts))


class _Axis:
    """The days up to the one at which the windows end, and the cells that they lie in."""

    def __init__(self, finding: Finding, end: date) -> None:
        asked = finding.occurrence
        assert asked is not None
        self.starts = {window: window.first_day(end) for window in asked.windows}
        self.cells = {
            held: frozenset({cell})
            for cell, inside in zip(finding.cells, asked.inside, strict=True)
            for held in inside
        }
        self.never = self.cells[None]

    def between(self, first: date, last: date) -> CellSet:
        """The cells of the days from one to another."""
        days = {first, *(day for day in self.starts.values() if first < day <= last)}
        return frozenset().union(*(self._cell(day) for day in days))

    def _cell(self, day: date) -> CellSet:
        return self.cells[frozenset(w for w, start in self.starts.items() if day >= start)]


def _last_days(visible: Visible, concept: str, end: date) -> Iterator[Last]:
    """The last day up to `end` of each record that states an occurrence of a concept."""
    for fact in visible.below(concept):
        reading = fact.reading
        day: Last | None = None
        if isinstance(reading, Therapy):
            day = _of_period(visible, fact, reading.start, reading.end, end, reading.ongoing)
        elif isinstance(reading, Done) and (reading.start or reading.end):
            day = _of_period(visible, fact, reading.start, reading.end, end)
        elif isinstance(reading, Done):
            day = _of_day(visible, fact, fact.date, end)
        elif isinstance(reading, ConditionStated):
            known = reading.confirmed or reading.state == "present"
            if known or reading.state == "unknown":
                day = _of_day(visible, fact, _onset(reading, fact.date), end, known)
        if day is not None:
            yield day


def _onset(stated: ConditionStated, recorded: PartialDate | None) -> PartialDate | None:
    """The day of the onset, which is not after that on which it was recorded."""
    onset = stated.onset
    if onset is None or recorded is None or not onset.first <= recorded.last < onset.last:
        return onset or recorded
    return PartialDate(onset.first, recorded.last, onset.text)


def _of_day(
    visible: Visible, fact: Fact, when: PartialDate | None, end: date, known: bool = True
) -> Last | None:
    """What happened on one day; `known`: that it happened at all."""
    first, last = (when.first, when.last) if when is not None else (date.min, date.max)
    if first > end:
        return None
    sure = known and last <= end and visible.certain(fact)
    return Last(first, min(last, end), sure, fact)


def _of_period(
    visible: Visible,
    fact: Fact,
    start: PartialDate | None,
    until: PartialDate | None,
    end: date,
    ongoing: bool = False,
) -> Last | None:
    """What happened on each day of a period; without a start it began on some day before."""
    began = start.first if start is not None else date.min
    if began > end:
        return None
    sure = start is None or start.last <= min(end, visible.as_of)
    if until is not None:
        first = max(began, until.first)
        return Last(min(first, end), min(max(first, until.last), end), sure, fact)
    return Last(end if ongoing else began, end if ongoing else min(visible.as_of, end), sure, fact)
