"""Inputs: what the newest facts of one element allow, as a list of alternatives.

An input with one alternative is certain. One with several is uncertain, and where two findings
read it, they share it. One with none is not recorded.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import TypeAlias

from protocol_logic.findings.latest import Visible
from protocol_logic.findings.rows import Opener
from protocol_logic.foundation.calendar import completed_years
from protocol_logic.foundation.interval import Interval
from protocol_logic.knowledge.vocabulary import Age, Lesion, PatientField, Quantity, Vocabulary
from protocol_logic.records.facts import Born, Fact, LesionSize, Limit, Measured, Stated


@dataclass(frozen=True, slots=True)
class Number:
    """One possible value of a quantity with the limits of its own result."""

    value: Interval
    limits: tuple[Limit, ...]
    resource: str


Alternative: TypeAlias = str | int | Number
"""A value by name, a number of completed years, or a measured number."""


@dataclass(frozen=True, slots=True)
class Input:
    """The alternatives of one entry; empty: nothing (readable) is recorded.

    `recorded`: some newest fact exists, be it unreadable. `opener`: why there is not just one
    alternative. `facts`: the newest facts.
    """

    entry: str
    alternatives: tuple[Alternative, ...]
    recorded: bool
    opener: Opener | None
    facts: tuple[Fact, ...]
    maybe_absent: bool = False
    """All newest facts may lie after the as-of date: then anything is possible."""

    @property
    def usable(self) -> bool:
        """Recorded and every newest fact readable."""
        return bool(self.alternatives)


def field_input(visible: Visible, entry: PatientField) -> Input:
    """Sex and the like: the recorded value, or every value."""
    facts = visible.of(entry.name)
    values = _stated(facts)
    if values:
        return Input(
            entry.name,
            tuple(sorted(values)),
            True,
            _many(entry.element, values, facts),
            tuple(facts),
        )
    return Input(entry.name, entry.values, False, Opener(entry.element, "absent"), ())


def age_input(visible: Visible, entry: Age) -> Input:
    """Completed years at the as-of date: one for each that some day of the birth date gives."""
    facts = [f for f in visible.of(entry.of) if isinstance(f.reading, Born)]
    if not facts:
        return Input(entry.name, (), False, Opener(entry.element, "absent"), ())
    born = facts[0].reading
    assert isinstance(born, Born)
    last = min(born.date.last, visible.as_of)
    ages = {completed_years(day, visible.as_of) for day in _days(born.date.first, last)}
    if not ages:  # born after the as-of date: not a birth date of this patient
        unborn = Opener(entry.element, "unreadable", facts[0].resource)
        return Input(entry.name, (), True, unborn, tuple(facts))
    opener = Opener(entry.element, "imprecise", facts[0].resource) if len(ages) > 1 else None
    return Input(entry.name, tuple(sorted(ages)), True, opener, tuple(facts))


def _days(first: date, last: date) -> Iterable[date]:
    day = first
    while day <= last:
        yield day
        day += timedelta(days=1)


def number_input(visible: Visible, entry: Quantity) -> Input:
    """The values of the newest results; one unreadable among them leaves any value possible."""
    facts = visible.newest(entry.name)
    if not facts:
        return Input(entry.name, (), False, Opener(entry.element, "absent"), ())
    if visible.may_be_none(facts):
        return _maybe_absent(entry.name, entry.element, facts)
    numbers: dict[tuple[Interval, tuple[Limit, ...]], Number] = {}
    for fact in facts:
        reading = fact.reading
        if not isinstance(reading, Measured) or reading.value is None:
            opener = Opener(entry.element, "unreadable", fact.resource)
            return Input(entry.name, (), True, opener, tuple(facts))
        key = (reading.value, reading.limits)
        numbers.setdefault(key, Number(reading.value, reading.limits, fact.resource))
    found = sorted(numbers.values(), key=lambda n: (_low(n.value), n.resource))
    why: Opener | None = None
    if len({n.value for n in found}) > 1:
        why = Opener(entry.element, "conflicting", found[0].resource)
    elif not found[0].value.is_point:
        why = Opener(entry.element, "imprecise", found[0].resource)
    return Input(entry.name, tuple(found), True, why, tuple(facts))


def _open_day(days: set[tuple[date, date]]) -> bool:
    return any(first != last for first, last in days)


def _maybe_absent(name: str, element: str, facts: list[Fact]) -> Input:
    opener = Opener(element, "imprecise", facts[0].resource)
    return Input(name, (), True, opener, tuple(facts), maybe_absent=True)


def _low(value: Interval) -> Fraction:
    return value.lo if value.lo is not None else Fraction(-(10**18))


def status_input(visible: Visible, name: str, element: str) -> Input:
    """The values that the newest statements allow; an unreadable one is told by its opener."""
    facts = visible.newest(name)
    if not facts:
        return Input(name, (), False, Opener(element, "absent"), ())
    if visible.may_be_none(facts):
        return _maybe_absent(name, element, facts)
    unreadable = [f for f in facts if isinstance(f.reading, Stated) and f.reading.values is None]
    if unreadable:
        opener = Opener(element, "unreadable", unreadable[0].resource)
        return Input(name, (), True, opener, tuple(facts))
    values = _stated(facts)
    return Input(name, tuple(sorted(values)), True, _many(element, values, facts), tuple(facts))


def _stated(facts: Iterable[Fact]) -> set[str]:
    readings = (f.reading for f in facts)
    return {v for r in readings if isinstance(r, Stated) and r.values for v in r.values}


def _many(element: str, values: set[str], facts: list[Fact]) -> Opener | None:
    if len(values) < 2:
        return None
    reason = "conflicting" if len(facts) > 1 else "imprecise"
    return Opener(element, reason, facts[0].resource)  # type: ignore[arg-type]


# ---- lesions ---------------------------------------------------------------------------------


def lesion_input(visible: Visible, entry: Lesion) -> Input:
    """What the latest day with any lesion or count says: one of `conditions.LESION_VALUES`.

    A count of 0 beside a measurable lesion is `contradictory`; sizes alone, none measurable,
    are `not_measurable`; a count of 0 without a measurable lesion is `none`.
    """
    names = (entry.name, entry.counted) if entry.counted else (entry.name,)
    facts = visible.newest(*names)
    if not facts:
        return Input(entry.name, (), False, Opener(entry.element, "absent"), ())
    days = {(f.date.first, f.date.last) for f in facts if f.date is not None}
    if visible.may_be_none(facts) or len(days) > 1 or (len(facts) > 1 and _open_day(days)):
        # It is not known which of them lie on the latest day.
        return _maybe_absent(entry.name, entry.element, facts)
    measurable = {False}
    for fact in facts:
        if isinstance(fact.reading, LesionSize):
            verdicts = set(_measurable(fact.reading, entry, visible.vocabulary))
            measurable = {a or b for a in measurable for b in verdicts}
    counts: set[bool | None] = set()  # True: at least 1; False: 0; None: not counted
    for fact in facts:
        if isinstance(fact.reading, Measured):
            counts.update(_counts(fact.reading.value))
    values = {_lesion_value(m, c) for m in measurable for c in counts or {None}}
    return Input(
        entry.name, tuple(sorted(values)), True, _many(entry.element, values, facts), tuple(facts)
    )


def _counts(value: Interval | None) -> set[bool]:
    if value is None:
        return {True, False}
    some = value.intersects(Interval.at_least(1))
    return ({True} if some else set()) | ({False} if value.contains(0) else set())


def _lesion_value(measurable: bool, counted: bool | None) -> str:
    if counted is False:
        return "contradictory" if measurable else "none"
    return "measurable" if measurable or counted else "not_measurable"


def _measurable(lesion: LesionSize, entry: Lesion, _vocabulary: Vocabulary) -> Iterable[bool]:
    """Whether a lesion is measurable, for every site and method that it may have."""
    sites = [lesion.site] if lesion.site is not None else [*entry.sites, "other"]
    methods = [lesion.method] if lesion.method is not None else [*entry.methods, "other"]
    sizes = dict(lesion.sizes)
    for site in sites:
        for method in methods:
            has = {"site": site, "method": method, None: None}
            limit = next(x for x in entry.limits if has[x.attribute] == x.value)
            if limit.axis is None or limit.at_least is None:
                yield False
                continue
            size = sizes.get(limit.axis)
            inside = Interval.at_least(limit.at_least)
            if size is None or size.intersects(inside):
                yield True
            if size is None or not inside.contains_interval(size):
                yield False
