"""Inputs: what the newest facts of one element allow, as a list of alternatives.

An input with one alternative is certain. One with several is uncertain, and where two findings
read it, they share it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import date
from enum import Enum
from fractions import Fraction
from typing import TypeAlias

from protocol_logic.compiling.conditions import LESION_VALUES
from protocol_logic.findings.latest import Visible
from protocol_logic.findings.rows import Opener, Reason
from protocol_logic.foundation.calendar import completed_months, completed_years
from protocol_logic.foundation.dataclass import dataclass
from protocol_logic.foundation.interval import Interval
from protocol_logic.knowledge.vocabulary import Age, Lesion, Named, PatientField, Quantity
from protocol_logic.records.elements import REFERENCE_RANGE
from protocol_logic.records.facts import (
    Born,
    Fact,
    LesionSize,
    Limit,
    Measured,
    Reading,
    Stated,
)


class Blank(Enum):
    """An alternative without a value: then the patient's value can be any."""

    NOTHING = "nothing is recorded"
    UNREADABLE = "what is recorded cannot be read"
    STALE = "what is recorded is too old"


@dataclass(frozen=True, slots=True)
class Number:
    """One possible value of a quantity with the limits of its own result.

    `relative`: `value` is a multiple of one of the limits, and the number itself is not told.
    """

    value: Interval
    limits: tuple[Limit, ...]
    resource: str
    relative: bool = False


Alternative: TypeAlias = str | int | Number | Blank
"""A value by name, a number of completed years, a measured number, or none."""


@dataclass(frozen=True, slots=True)
class Input:
    """The alternatives of one entry, one at least.

    Named values have no `UNREADABLE` and no `STALE`: all values of the entry stand for them, so
    that all findings of it move together. `opener`: why there is not just one value. `facts`: the
    newest facts.
    """

    entry: str
    alternatives: tuple[Alternative, ...]
    opener: Opener | None = None
    facts: tuple[Fact, ...] = ()

    @property
    def has_value(self) -> bool:
        """Whether some alternative is a value."""
        return any(not isinstance(usable(each), Blank) for each in self.alternatives)

    @property
    def may_give_way(self) -> bool:
        """Whether, on some alternative, another entry may take its place."""
        return any(map(_gives_way, self.alternatives))

    @property
    def gives_way(self) -> bool:
        """The same on every alternative."""
        return all(map(_gives_way, self.alternatives))


def usable(value: Alternative) -> Alternative:
    """The value as a formula can use it: of a multiple of a limit the number is not known."""
    return Blank.UNREADABLE if isinstance(value, Number) and value.relative else value


def _gives_way(value: Alternative) -> bool:
    """What is too old keeps its place: which of the two a site trusts then is not ours to say."""
    value = usable(value)
    return value is Blank.NOTHING or value is Blank.UNREADABLE


def field_input(visible: Visible, entry: PatientField) -> Input:
    """Sex and the like: the recorded value, or every value."""
    facts = visible.of(entry.name)
    values = _stated(facts)
    if values:
        why = _many(entry.element, values, facts)
        return Input(entry.name, tuple(sorted(values)), why, tuple(facts))
    return Input(entry.name, entry.values, Opener(entry.element, "absent"), tuple(facts))


def age_input(visible: Visible, entry: Age) -> Input:
    """The age at the as-of date: one for each that some day of the birth date gives.

    Of several birth dates the days that all of them allow count, or where there are none, each.
    """
    facts = visible.of(entry.of)
    dates = [f.reading.date for f in facts if isinstance(f.reading, Born)]
    if not dates and facts:
        unread = Opener(entry.element, "unreadable", facts[0].resource)
        return Input(entry.name, (Blank.UNREADABLE,), unread, tuple(facts))
    if not dates:
        return _absent(entry.name, entry.element)
    common = (max(d.first for d in dates), min(d.last for d in dates))
    spans = [common] if common[0] <= common[1] else [(d.first, d.last) for d in dates]
    ages = sorted({age for span in spans for age in _ages(entry, *span, visible.as_of)})
    if any(first > visible.as_of for first, _ in spans):  # not a birth date of this patient
        unborn = Opener(entry.element, "unreadable", facts[0].resource)
        return Input(entry.name, (*ages, Blank.UNREADABLE), unborn, tuple(facts))
    reason: Reason = "conflicting" if len(spans) > 1 else "imprecise"
    opener = Opener(entry.element, reason, facts[0].resource) if len(ages) > 1 else None
    return Input(entry.name, tuple(ages), opener, tuple(facts))


def _age(entry: Age, birth: date, at: date) -> int:
    if entry.unit == "d":
        return (at - birth).days
    return completed_years(birth, at) if entry.unit == "a" else completed_months(birth, at)


def _ages(entry: Age, first: date, last: date, at: date) -> Iterable[int]:
    """The ages of who was born on one of some days: from day to day at most one less."""
    last = min(last, at)
    return range(_age(entry, last, at), _age(entry, first, at) + 1) if first <= last else ()


def number_input(visible: Visible, entry: Quantity) -> Input:
    """The values of the newest results, with the limits of each."""
    facts = visible.newest(entry.name)
    if not facts:
        return _alike(visible, entry, (Blank.UNREADABLE,))
    fresh = [f for f in facts if visible.may_be_fresh(f)]
    unreadable = [f for f in fresh if number_of(f) is None]
    found: list[Number] = []
    for fact in fresh:
        number = number_of(fact)
        # On a day of which one result cannot be read, no other one decides.
        if number is not None and all(visible.can_follow(fact, other) for other in unreadable):
            if not any(replace(n, resource=number.resource) == number for n in found):
                found.append(number)
    if len(found) > 1:
        found.sort(key=lambda n: (_low(n.value), n.resource))
    opener = _uncertain(visible, entry.element, facts, unreadable)
    if opener is None and any(n.value != found[0].value for n in found[1:]):
        opener = Opener(entry.element, "conflicting", found[0].resource)
    elif opener is None and (found[0].relative or not found[0].value.is_point):
        opener = Opener(entry.element, "imprecise", found[0].resource)
    elif opener is None and len(found) > 1:
        opener = Opener(_differing_limit(entry, found), "conflicting", found[0].resource)
    nothing = _nothing(visible, facts)
    alike = nothing and visible.alike(entry.name)
    blanks = [Blank.UNREADABLE] if unreadable or alike else []
    if visible.stale(facts) is not None:
        blanks.append(Blank.STALE)
    return Input(entry.name, (*found, *blanks, *nothing), opener, tuple(facts))


def number_of(fact: Fact) -> Number | None:
    """The value of a result with its limits; None where it cannot be read."""
    reading = fact.reading
    if not isinstance(reading, Measured) or reading.value is None:
        return None
    return Number(reading.value, reading.limits, fact.resource, reading.relative)


def _differing_limit(entry: Quantity, found: Sequence[Number]) -> str:
    """The element of the limit of normal in which results of one value differ."""
    upper = {frozenset(x for x in n.limits if x.end == "ULN") for n in found}
    return f"{REFERENCE_RANGE['ULN' if len(upper) > 1 else 'LLN']}:{entry.element}"


def _low(value: Interval) -> Fraction:
    return value.lo if value.lo is not None else Fraction(-(10**18))


def status_input(visible: Visible, entry: Named, values: Sequence[str]) -> Input:
    """The values that the newest statements allow; all of `values` where one may be unreadable or
    too old."""
    facts = visible.newest(entry.name)
    if not facts:
        return _alike(visible, entry, values)
    unreadable = [f for f in facts if isinstance(f.reading, Stated) and f.reading.values is None]
    nothing = _nothing(visible, facts)
    any_value = unreadable or visible.stale(facts) is not None
    any_value = any_value or bool(nothing and visible.alike(entry.name))
    possible = values if any_value else sorted(_stated(facts))
    opener = _uncertain(visible, entry.element, facts, unreadable)
    if opener is None:
        opener = _many(entry.element, possible, facts)
    return Input(entry.name, (*possible, *nothing), opener, tuple(facts))


def _stated(facts: Iterable[Fact]) -> set[str]:
    readings = (f.reading for f in facts)
    return {v for r in readings if isinstance(r, Stated) and r.values for v in r.values}


def _many(element: str, values: Collection[str], facts: Sequence[Fact]) -> Opener | None:
    if len(values) < 2:
        return None
    reason: Reason = "conflicting" if len(facts) > 1 else "imprecise"
    return Opener(element, reason, facts[0].resource)


def _absent(name: str, element: str) -> Input:
    return Input(name, (Blank.NOTHING,), Opener(element, "absent"))


def _alike(visible: Visible, entry: Named, values: Sequence[Alternative]) -> Input:
    """Nothing is recorded; but where a result that nothing reads resembles the entry, that may be
    one, which cannot be read: `values` stand for it."""
    unread = visible.alike(entry.name)
    if not unread:
        return _absent(entry.name, entry.element)
    opener = Opener(entry.element, "unreadable", unread[0].resource)
    return Input(entry.name, (*values, Blank.NOTHING), opener)


def _nothing(visible: Visible, facts: Sequence[Fact]) -> tuple[Blank, ...]:
    return (Blank.NOTHING,) if visible.may_be_none(facts) else ()


def _uncertain(
    visible: Visible, element: str, facts: Sequence[Fact], unreadable: Sequence[Fact]
) -> Opener | None:
    """Why it is not certain that a readable fact counts."""
    if visible.may_be_none(facts):
        return Opener(element, "imprecise", facts[0].resource)
    stale = visible.stale(facts)
    if stale is not None:
        return Opener(element, "stale", stale.resource)
    return Opener(element, "unreadable", unreadable[0].resource) if unreadable else None


# ---- lesions ---------------------------------------------------------------------------------


def lesion_input(visible: Visible, entry: Lesion) -> Input:
    """What the latest day with any lesion or count says: one of `conditions.LESION_VALUES`.

    A count of 0 beside a measurable lesion is `contradictory`; sizes alone, none measurable,
    are `not_measurable`; a count of 0 without a measurable lesion is `none`.
    """
    names = (entry.name, entry.counted) if entry.counted else (entry.name,)
    facts = visible.of_latest_day(*names)
    if not facts:
        return _absent(entry.name, entry.element)
    days = {(f.date.first, f.date.last) for f in facts if f.date is not None}
    opener = _uncertain(visible, entry.element, facts, ())
    if len(days) > 1 or (len(facts) > 1 and _open_day(days)):
        # It is not known which of them lie on the latest day.
        opener = opener or Opener(entry.element, "imprecise", facts[0].resource)
    if opener is not None:
        nothing = _nothing(visible, facts)
        return Input(entry.name, (*LESION_VALUES, *nothing), opener, tuple(facts))
    found = {False}
    for fact in facts:
        if isinstance(fact.reading, LesionSize):
            verdicts = set(measurable(fact.reading, entry))
            found = {a or b for a in found for b in verdicts}
    counts: set[bool | None] = set()  # True: at least 1; False: 0; None: not counted
    for fact in facts:
        if isinstance(fact.reading, Measured):
            counts.update(_counts(None if fact.reading.relative else fact.reading.value))
    values = {lesion_value(m, c) for m in found for c in counts or {None}}
    why = _many(entry.element, values, facts)
    unreadable = [f for f in facts if not is_read(f.reading)]
    if why is not None and unreadable:
        why = Opener(entry.element, "unreadable", unreadable[0].resource)
    return Input(entry.name, tuple(sorted(values)), why, tuple(facts))


def is_read(reading: Reading) -> bool:
    """Whether a count, or every size of a lesion, could be read."""
    if isinstance(reading, LesionSize):
        return bool(reading.sizes) and all(size is not None for _, size in reading.sizes)
    return not isinstance(reading, Measured) or reading.value is not None


def _open_day(days: set[tuple[date, date]]) -> bool:
    return any(first != last for first, last in days)


def _counts(value: Interval | None) -> set[bool]:
    if value is None:
        return {True, False}
    some = value.intersects(Interval.at_least(1))
    return ({True} if some else set()) | ({False} if value.contains(0) else set())


def lesion_value(measurable: bool, counted: bool | None) -> str:
    if counted is False:
        return "contradictory" if measurable else "none"
    return "measurable" if measurable or counted else "not_measurable"


def measurable(lesion: LesionSize, entry: Lesion) -> Iterable[bool]:
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
