"""What stays the same in all completions: the facts of a record and the limits of a protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from operator import ge, gt, le, lt
from types import MappingProxyType
from typing import Any, TypeVar, cast

from protocol_logic.compiling import core, formulas
from protocol_logic.compiling.windows import Window
from protocol_logic.foundation.calendar import completed_years
from protocol_logic.foundation.interval import Interval
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.records.facts import (
    Appointed,
    Born,
    Closed,
    ConditionStated,
    Fact,
    Measured,
    Ordered,
    PatientRecord,
    Therapy,
)
from tests.differential.reference_days import Day, on

CONSENT_VALUES = ("signed", "refused")
LESION_VALUES = ("measurable", "none", "contradictory", "not_measurable")
ANY_NUMBER = Interval.at_least(0)

Limit = tuple[str, Fraction]
"""An operator and a number."""


COMPARE: dict[str, Callable[[Fraction, Fraction], bool]] = {"<=": le, "<": lt, ">=": ge, ">": gt}


def compare(number: Fraction, op: str, limit: Fraction) -> bool:
    return COMPARE[op](number, limit)


def samples(interval: Interval, limits: Sequence[Limit]) -> list[Fraction]:
    """One number of the interval for each way in which its numbers compare with the limits."""
    return list(_samples(interval, tuple(limits)))


@lru_cache(maxsize=10_000)
def _samples(interval: Interval, limits: tuple[Limit, ...]) -> list[Fraction]:
    ends = [end for end in (interval.lo, interval.hi) if end is not None]
    edges = sorted({limit for _, limit in limits} | set(ends)) or [Fraction(0)]
    between = [(a + b) / 2 for a, b in pairwise(edges)]
    found: dict[tuple[bool, ...], Fraction] = {}
    for number in sorted([edges[0] - 1, *edges, *between, edges[-1] + 1]):
        if interval.contains(number):
            found.setdefault(tuple(compare(number, op, limit) for op, limit in limits), number)
    return list(found.values())


_Method = TypeVar("_Method", bound=Callable[..., Any])


def once(method: _Method) -> _Method:
    """A method that is asked in each completion, and answers what it answered before."""

    def known(self: Chart, *args: Any) -> Any:
        key = (method.__name__, *args)
        if key not in self.known:
            self.known[key] = method(self, *args)
        return self.known[key]

    return cast(_Method, known)


class Chart:
    """A record read for a protocol as of a day.

    `windows`: entry -> how old its evidence may be before its value counts for nothing.

    `dates`: the days of time points; one without is the as-of date.

    `each_alone`: what is not recorded of a class of medication, or of a kind of event, is chosen
    for each pattern by itself; else once for all patterns.
    """

    def __init__(
        self,
        protocol: core.Protocol,
        record: PatientRecord,
        as_of: date,
        windows: Mapping[str, Window] = MappingProxyType({}),
        each_alone: bool = False,
        dates: Mapping[str, date] = MappingProxyType({}),
    ) -> None:
        said = [f for f in record.facts if isinstance(f.reading, Appointed)]
        said = [f for f in said if f.date is not None and f.date.first <= as_of]
        newest = sorted(said, key=lambda f: f.date.first if f.date else as_of)
        told = {f.entry: f.reading.day for f in newest if isinstance(f.reading, Appointed)}
        self.dates = {**dates, **told}
        self.known: dict[Any, Any] = {}
        self.windows = windows
        self.each_alone = each_alone
        self.protocol = protocol
        self.vocabulary = protocol.vocabulary
        self.as_of = as_of
        self.unclear = record.unclear
        self.alike = [each for each in record.unread if not each.unusable]
        self.unusable = [each for each in record.unread if each.unusable]
        self.mentioned = record.mentioned
        self.unread = {
            each.kind
            for each in record.unlisted
            if not (each.known or each.status)
            and not (each.first is not None and each.first > as_of)
        }
        self.today = on(as_of)
        self.tests = tuple(_all_tests(protocol))
        self.withins = [test for test in self.tests if isinstance(test, core.Within)]
        self._facts: dict[str, list[tuple[int, Fact]]] = {}
        self._nevers: dict[str, list[tuple[int, Fact]]] = {}
        for number, fact in enumerate(record.facts):
            if fact.date is None or fact.date.first <= as_of:
                never = isinstance(fact.reading, Closed) and isinstance(
                    self.vocabulary.entries.get(fact.entry), voc.Concept | voc.Event
                )
                kept = self._nevers if never else self._facts
                kept.setdefault(fact.entry, []).append((number, fact))
        self.first_day = self._first_day(record)

    def facts(self, *entries: str) -> list[tuple[int, Fact]]:
        """The facts of the entries that may be visible, each with its number in the record."""
        return sorted(
            (pair for entry in dict.fromkeys(entries) for pair in self._facts.get(entry, [])),
            key=lambda pair: pair[0],
        )

    @once
    def nevers(self, entry: str) -> list[tuple[int, Fact]]:
        """Where it is said that an entry, or what it is a kind of, never was."""
        names = [n for n in self.vocabulary.entries if entry in self.vocabulary.below(n)]
        return [
            pair for name in dict.fromkeys([entry, *names]) for pair in self._nevers.get(name, [])
        ]

    def open_orders(self, *entries: str) -> list[Fact]:
        """The orders that nobody says to have had no effect.

        Whoever says of a class that there was none, or no more, speaks of all that was ordered of
        it up to that day. Where it is not sure which of the two came first, the order stays.
        """
        found = []
        for _, order in self.facts(*entries):
            if not isinstance(order.reading, Ordered):
                continue
            ordered_by = self.as_of
            if order.date is not None and order.date.last < self.as_of:
                ordered_by = order.date.last
            spoken = [
                fact.date.first
                for _, fact in self.nevers(order.entry)
                if fact.attested and fact.date is not None and fact.date.last <= self.as_of
            ]
            if not order.reading.known or not any(day >= ordered_by for day in spoken):
                found.append(order)
        return found

    def is_taken_back(self, fact: Fact) -> bool:
        """Whether a newer list says that what a list of the record holds is not known."""
        if not isinstance(fact.reading, Closed) or not fact.reading.listed:
            return False
        begins = date.min if fact.date is None else fact.date.first
        others = [e for e in self.unusable if fact.entry in e.entries]
        days = [(e.date.last, e.why) for e in others if e.date.first <= self.as_of]
        return any(d > begins or (d == begins and w == "not-known") for d, w in days)

    def day(self, number: int, fact: Fact) -> Day:
        """The day that decides whether a fact counts."""
        if fact.date is None:
            return on(date.min)
        return Day(("date of", number), fact.date.first, fact.date.last)

    def surely_in(self, fact: Fact, window: Window | None) -> bool:
        """Whether every day that a fact can be of lies in a window."""
        if fact.date is None or fact.date.last > self.last_of(window):
            return fact.date is None and window is None
        return fact.date.first >= self.first_of(window)

    def end_of(self, window: Window | None) -> date:
        """The day from which a window counts back."""
        before = window.before if window is not None else None
        return self.dates.get(before, self.as_of) if before else self.as_of

    def first_of(self, window: Window | None) -> date:
        """The first day of a window."""
        return date.min if window is None else window.first_day(self.end_of(window))

    def last_of(self, window: Window | None) -> date:
        """The last day of a window of which a fact can be seen."""
        return min(self.end_of(window), self.as_of)

    @once
    def possible_newest(
        self, entries: Sequence[str], window: Window | None
    ) -> list[tuple[int, Fact]]:
        """The facts of which each may be the latest one in a window."""
        first, last = self.first_of(window), self.last_of(window)
        found = [
            (number, fact)
            for number, fact in self.facts(*entries)
            if fact.date is not None and fact.date.last >= first and fact.date.first <= last
        ]
        sure = [f.date.first for _, f in found if f.date and self.surely_in(f, window)]
        return [(n, f) for n, f in found if f.date and all(f.date.last >= day for day in sure)]

    def any_day(self, name: tuple[object, ...], last: date | None = None) -> Day:
        """A day of which nothing is known but that it is not after the as-of date, or the one
        given."""
        return Day(name, min(self.first_day, last or self.as_of), last or self.as_of)

    def _first_day(self, record: PatientRecord) -> date:
        """A day so early that no earlier one makes a difference."""
        known = [self.as_of]
        for fact in record.facts:
            known += [fact.date.first] if fact.date else []
            if isinstance(fact.reading, Therapy):
                dates = (fact.reading.start, fact.reading.end)
                known += [day.first for day in dates if day]
            elif isinstance(fact.reading, ConditionStated) and fact.reading.onset:
                known.append(fact.reading.onset.first)
        return date(max(1, min(known).year - 60), 1, 1)

    # ---- named values ------------------------------------------------------------------------

    def values(self, entry: str) -> tuple[str, ...]:
        """All values that an entry can have."""
        found = self.vocabulary.entries[entry]
        if isinstance(found, voc.Status | voc.PatientField):
            return found.values
        if isinstance(found, voc.Asked):
            return ("yes", "no")
        return CONSENT_VALUES if isinstance(found, voc.Consent) else LESION_VALUES

    @property
    def gender(self) -> str:
        """The name of the patient field with the sex."""
        return next(f.name for f in self.vocabulary.of(voc.PatientField) if f.field == "gender")

    # ---- limits ------------------------------------------------------------------------------

    @once
    def limits(self, entry: str) -> list[Limit]:
        """All limits that a number is compared with, also where it stands for a derived one."""
        names = {entry} | {d.name for d in self.protocol.derived.values() if d.reported == entry}
        return [(w.op, w.limit) for w in self.withins if w.entry in names and not w.per]

    @once
    def ratio_limits(self, entry: str, per: str) -> list[Limit]:
        return [(w.op, w.limit) for w in self.withins if w.entry == entry and w.per == per]

    def limits_of(self, entry: str, reading: Measured) -> list[Limit]:
        """All numbers that a measured value is compared with, its limits of normal known."""
        counted = [e.counted for e in self.vocabulary.of(voc.Lesion)]
        return [
            *self.limits(entry),
            *(
                (op, k * u.value)
                for u in reading.limits
                for op, k in self.ratio_limits(entry, u.end)
            ),
            *([(">=", Fraction(1))] if entry in counted else []),
        ]

    @once
    def edges(self, entry: str) -> list[Fraction]:
        """All numbers at which something can change: limits and ends of intervals."""
        found: set[Fraction] = set()
        for _, fact in self.facts(entry):
            if isinstance(fact.reading, Measured) and fact.reading.value is not None:
                value = fact.reading.value
                found |= {end for end in (value.lo, value.hi) if end is not None}
                if not value.is_point:
                    found |= {
                        limit
                        for _, limit in self.limits_of(entry, fact.reading)
                        if value.contains(limit)
                    }
        return sorted(found)

    @once
    def derived_from(self, entry: str) -> list[formulas.Derived]:
        """The derived quantities in use that a quantity goes into."""
        used = {w.entry for w in self.withins}
        return [
            d
            for d in self.protocol.derived.values()
            if d.name in used and entry in formulas.inputs_of(d.formula)
        ]

    @once
    def ages(self, field: str, unit: str) -> list[int]:
        """Every age that the recorded birth dates allow; empty when there is none.

        A day after the as-of date is no birth date.
        """
        return sorted(
            {
                _age(birth, self.as_of, unit)
                for _, fact in self.facts(field)
                if isinstance(fact.reading, Born)
                for born in [fact.reading.date]
                for i in range((min(born.last, self.as_of) - born.first).days + 1)
                for birth in [born.first + timedelta(days=i)]
            }
        )

    @property
    def intents(self) -> list[str]:
        """The intents that are asked for, and one that stands for all others."""
        tests = [t for t in self.tests if isinstance(t, core.LinesOf | core.Pattern)]
        asked = {t.intent for t in tests if t.intent is not None}
        others = [intent for intent in core.INTENTS if intent not in asked]
        return [*sorted(asked), *others[:1]]

    @once
    def most_lines(self, concept: str, intent: str | None) -> int:
        """The greatest number that lines of the class are compared with."""
        return max(
            t.number
            for t in self.tests
            if isinstance(t, core.LinesOf) and (t.concept, t.intent) == (concept, intent)
        )


def _all_tests(protocol: core.Protocol) -> Iterator[core.Test]:
    for criterion in protocol.criteria:
        yield from core.tests_in(criterion.condition)
        if criterion.applies is not None:
            yield from core.tests_in(criterion.applies)
    for definition in protocol.definitions.values():
        for condition in core.conditions_in(definition.body):
            yield from core.tests_in(condition)
    for condition in protocol.denials.values():
        yield from core.tests_in(condition)


def _age(birth: date, at: date, unit: str) -> int:
    if unit == "d":
        return (at - birth).days
    if unit == "a":
        return completed_years(birth, at)
    months = 0
    while (birth.year * 12 + birth.month + months + 1, birth.day) <= (
        at.year * 12 + at.month,
        at.day,
    ):
        months += 1
    return months
