"""Boundary cases: for every limit of a protocol the values just below, at and just above it, and
none at all; for a window of time the days beside its first one.

What is expected follows from the sign alone; nothing here asks the program that is tested.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Literal, TypeAlias

from protocol_logic.answering.testing.solving import NotSolved, inputs_around
from protocol_logic.compiling import core
from protocol_logic.compiling.answerable import elements_of
from protocol_logic.compiling.clauses import Clause, clauses_of, quoted
from protocol_logic.compiling.examples import DEFAULT_DAY, Example, Given
from protocol_logic.compiling.expectations import Expected
from protocol_logic.foundation.interval import decimal_text
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.records.elements import Elements, Unanswerable
from protocol_logic.records.given import NOT_RECORDED, entry_of, read_given
from protocol_logic.records.quantities import Unreadable

Place: TypeAlias = Literal["just below", "at", "just above", "unknown"]

_MOST = 12
_PLACES: tuple[Place, ...] = ("just below", "at", "just above")
_COURSES = [
    f"from {DEFAULT_DAY.year - i}-01-01 to {DEFAULT_DAY.year - i}-02-01" for i in range(1, _MOST)
]
"""Courses of which no two share a day."""

_LIMIT = re.compile(r"(?:<=|>=|<|>)\s*(?P<number>[0-9]+(?:\.[0-9]+)?)(?P<unit>\s+\S.*)?")
_AGES = {"a": "years", "mo": "months", "d": "days"}

# What the sign says just below its limit, at it, and just above it.
_MET: dict[str, tuple[bool, bool, bool]] = {
    "<": (True, False, False),
    "<=": (True, True, False),
    ">=": (False, True, True),
    ">": (False, False, True),
}
_LEFT_OPEN = {"": "unknown", "true": "met", "false": "not met"}
"""What nothing recorded means, by what the criterion says that missing data count as."""


@dataclass(frozen=True, slots=True)
class Case:
    """One value: what is given, and what the sign says of it."""

    place: Place
    given: tuple[tuple[str, str], ...]
    outcome: str


@dataclass(frozen=True, slots=True)
class Limit:
    """A clause with its boundary cases; `lacks`: why some or all of them cannot be made."""

    clause: Clause
    cases: tuple[Case, ...]
    lacks: str | None = None


class _None(ValueError):
    """Why there is no boundary case."""


def limits_of(protocol: core.Protocol) -> list[Limit]:
    """The limits of a protocol, each once, with their cases."""
    maker = _Maker(protocol, elements_of(protocol))
    found: dict[core.Test, Limit] = {}
    for clause in clauses_of(protocol):
        if clause.test not in found and _has_limit(clause.test):
            found[clause.test] = maker.limit(clause)
    return list(found.values())


def _has_limit(test: core.Test) -> bool:
    if isinstance(test, core.Occurred):
        return test.window is not None and test.window.unit != "ever"
    return isinstance(test, core.Within | core.LinesOf | core.NumberOf)


def examples_of(protocol: core.Protocol, limits: Sequence[Limit]) -> Iterator[Example]:
    """The cases as examples, each by itself."""
    elements = elements_of(protocol)
    for limit in limits:
        clause = limit.clause
        for case in limit.cases:
            given = []
            for number, (name, text) in enumerate(case.given, 1):
                fact = read_given(elements, name, text, DEFAULT_DAY, f"{clause.owner}:{number}")
                given.append(Given(name, entry_of(elements, name).element, text, fact))
            expected = Expected(
                kind="condition",
                about=clause.text,
                outcome=case.outcome,
                condition=clause.test,
                span=clause.span,
            )
            yield Example(
                title=f"{clause.owner}: {clause.text}: {case.place}",
                row=None,
                as_of=DEFAULT_DAY,
                given=tuple(given),
                expected=(expected,),
                source=protocol.source,
                span=clause.span,
            )


def as_text(protocol: core.Protocol, limits: Sequence[Limit]) -> str:
    """The cases as a file of examples, a table for each limit."""
    known = quoted(protocol)
    parts = [f"examples for {protocol.id}\n"]
    for limit in limits:
        text = limit.clause.text
        if not limit.cases or known.get(text) != limit.clause.test or set('"|') & set(text):
            continue
        names = _columns(limit.cases)
        rows = [[*names, f'expect "{text}"']]
        for case in limit.cases:
            rows.append([*_cells(case, names), case.outcome])
        table = "".join(f"  | {' | '.join(row)} |\n" for row in rows)
        parts.append(f"examples limit {text}\n{table}")
    return "\n".join(parts)


def _columns(cases: Sequence[Case]) -> list[str]:
    """The names that are given, each as often as a case gives it at most."""
    most: dict[str, int] = {}
    for case in cases:
        names = [name for name, _ in case.given]
        for name in names:
            most[name] = max(most.get(name, 0), names.count(name))
    return [name for name, number in most.items() for _ in range(number)]


def _cells(case: Case, names: Sequence[str]) -> list[str]:
    left = list(case.given)
    cells = []
    for name in names:
        found = next((each for each in left if each[0] == name), None)
        cells.append("" if found is None else found[1])
        if found is not None:
            left.remove(found)
    return cells


# ---- the cases of one limit ----------------------------------------------------------------------


class _Maker:
    def __init__(self, protocol: core.Protocol, elements: Elements) -> None:
        self.protocol = protocol
        self.elements = elements
        self.entries = protocol.vocabulary.entries

    def limit(self, clause: Clause) -> Limit:
        try:
            match clause.test:
                case core.Within() as test:
                    cases = list(self._numbers(test))
                case core.LinesOf() as test:
                    intent = f"{test.intent} " if test.intent else ""
                    courses = [f"{intent}{course}" for course in _COURSES]
                    cases = list(self._counts(test, courses))
                case core.NumberOf() as test:
                    days = self._days(test, test.number + 1)
                    cases = list(self._counts(test, days))
                case core.Occurred() as test:
                    cases = list(self._window(test))
                case _:
                    raise AssertionError(clause.test)
        except _None as error:
            return Limit(clause, (), str(error))
        usable = [case for case in cases if self._is_usable(case)]
        lacks = None
        if len(usable) < len(cases):
            places = [case.place for case in cases if case not in usable]
            lacks = f"no value {' and '.join(places)} can be recorded"
        return Limit(clause, tuple(usable), lacks)

    def _is_usable(self, case: Case) -> bool:
        return all(self._can_be_given(name, text) for name, text in case.given)

    def _can_be_given(self, name: str, text: str) -> bool:
        entry = self.entries.get(name)
        if text.startswith("-") and isinstance(entry, voc.Quantity) and not _may_be_negative(entry):
            return False
        try:
            read_given(self.elements, name, text, DEFAULT_DAY, "")
        except (Unreadable, Unanswerable):
            return False
        return True

    def _numbers(self, test: core.Within) -> Iterator[Case]:
        name = test.entry
        entry = self.entries.get(name)
        if isinstance(entry, voc.Age):
            texts = self._ages(entry, test)
        elif isinstance(entry, voc.Quantity):
            texts = self._values(entry, test)
        else:
            reported = self.protocol.derived[name].reported
            if reported is None:
                yield from self._computed(test)
                return
            name, entry = reported, self.entries[reported]
            assert isinstance(entry, voc.Quantity)
            texts = self._values(entry, test)
        for place, text, met in zip(_PLACES, texts, _MET[test.op], strict=True):
            yield Case(place, ((name, text),), _outcome(met))
        yield Case("unknown", ((name, NOT_RECORDED),), _LEFT_OPEN[test.missing])

    def _computed(self, test: core.Within) -> Iterator[Case]:
        """Inputs that bring a computed quantity to the places beside its limit."""
        try:
            around = inputs_around(self.protocol, self.protocol.derived[test.entry], test.limit)
        except NotSolved as error:
            raise _None(str(error)) from error
        for place, inputs, met in zip(_PLACES, around, _MET[test.op], strict=True):
            if inputs is not None:
                yield Case(place, tuple(inputs.items()), _outcome(met))
        assert around[0] is not None
        nothing = tuple((name, NOT_RECORDED) for name in around[0])
        yield Case("unknown", nothing, _LEFT_OPEN[test.missing])

    def _ages(self, entry: voc.Age, test: core.Within) -> list[str]:
        limit = int(test.limit)
        return [f"{number} {_AGES[entry.unit]}" for number in (limit - 1, limit, limit + 1)]

    def _values(self, entry: voc.Quantity, test: core.Within) -> list[str]:
        """The values in the author's own unit, or else in that of the entry."""
        span = test.span
        written = _LIMIT.fullmatch(
            " ".join(self.protocol.source.text[span.start : span.end].split())
        )
        forms: list[tuple[str, str]] = []
        if written is not None:
            forms.append((written["number"], (written["unit"] or "").strip()))
        if not test.per and _terminates(test.limit):
            forms.append((decimal_text(test.limit), "" if entry.unit == "1" else entry.unit))
        for number, unit in forms:
            if self._can_be_given(entry.name, f"{number} {unit}".strip()):
                return list(_around(number, unit, whole=bool(entry.coded)))
        raise _None("the value at the limit cannot be recorded")

    # ---- what can be counted, and windows ------------------------------------------------------

    def _counts(self, test: core.LinesOf | core.NumberOf, each: Sequence[str]) -> Iterator[Case]:
        """So many of them as the limit has, one fewer, and one more; `each`: what is given."""
        concept, op, limit = test.concept, test.op, test.number
        if limit >= len(each):
            raise _None(f"so many as {limit} are not made up")
        closing = self._closing(concept)
        upward = op in (">=", ">")
        open_number = -1
        for place, number, met in zip(_PLACES, range(limit - 1, limit + 2), _MET[op], strict=True):
            # More may come to light where no list closes it, and that decides only upward.
            if met != upward:
                open_number = max(open_number, number)
            if number >= 0 and (closing or met == upward):
                given = tuple((concept, text) for text in each[:number])
                yield Case(place, (*given, *closing), _outcome(met))
        if open_number >= 0:
            given = tuple((concept, text) for text in each[:open_number])
            yield Case("unknown", given, _LEFT_OPEN[test.missing])

    def _window(self, test: core.Occurred) -> Iterator[Case]:
        """Of the day after the first one of the window, of that day, and of the day before it."""
        assert test.window is not None
        first = self._first_day(test)
        closing = self._closing(test.concept)
        days = (first + timedelta(days=1), first, first - timedelta(days=1))
        for place, day, met in zip(_PLACES, days, (True, True, False), strict=True):
            if met or closing:
                given = (test.concept, self._on(test.subject, day))
                yield Case(place, (given, *closing), _outcome(met))
        yield Case("unknown", (), _LEFT_OPEN[test.missing])

    def _first_day(self, test: core.Occurred | core.NumberOf) -> date:
        window = test.window
        assert window is not None
        if window.unit == "days":
            return DEFAULT_DAY - timedelta(days=window.number)
        months = 12 * DEFAULT_DAY.year + DEFAULT_DAY.month - 1 - window.number
        return DEFAULT_DAY.replace(year=months // 12, month=months % 12 + 1)

    def _days(self, test: core.NumberOf, number: int) -> list[str]:
        """Occurrences of so many days of the window, which do not touch one another."""
        endless = test.window is None or test.window.unit == "ever"
        first = date.min if endless else self._first_day(test)
        days = [DEFAULT_DAY - timedelta(days=2 * i + 1) for i in range(min(number, _MOST))]
        return [self._on(test.subject, day) for day in days if day >= first]

    def _on(self, subject: core.Subject, day: date) -> str:
        """An occurrence of a subject on a day, with the first value of each qualifier."""
        if subject.others:
            raise _None("the kinds that it leaves out would have to be known to be others")
        entry = self.entries[subject.concept]
        assert isinstance(entry, voc.Concept)
        said = {qualifier.name: qualifier.values[0] for qualifier in subject.qualifiers}
        if entry.kind == "medication":
            return f"{said.get('intent', '')} from {day} to {day}".strip()
        more = "".join(f" with {name} {value}" for name, value in said.items())
        return f"{'done' if entry.kind == 'procedure' else 'present'}{more} on {day}"

    def _closing(self, concept: str) -> tuple[tuple[str, str], ...]:
        """What says that there is no more of a concept; empty where nothing can."""
        entry = self.entries[concept]
        closed_by = entry.closed_by if isinstance(entry, voc.Concept) else None
        return ((closed_by, "closed"),) if closed_by is not None else ()


def _may_be_negative(entry: voc.Quantity) -> bool:
    low = entry.plausible.lo if entry.plausible is not None else None
    return low is None or low < 0


def _outcome(met: bool) -> str:
    return "met" if met else "not met"


def _around(number: str, unit: str, *, whole: bool) -> Iterator[str]:
    """A number, and those beside it: one step in the place after its last, or one for a score."""
    at = Decimal(number)
    exponent = at.as_tuple().exponent
    assert isinstance(exponent, int)
    step = Decimal(1) if whole and exponent == 0 else Decimal(1).scaleb(min(exponent, 0) - 1)
    for value in (at - step, at, at + step):
        yield f"{value:f} {unit}".strip()


def _terminates(value: Fraction) -> bool:
    """Whether a number is a decimal."""
    left = value.denominator
    for prime in (2, 5):
        while left % prime == 0:
            left //= prime
    return left == 1
