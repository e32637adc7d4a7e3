"""The conditions of criteria as literals: a test as it is written, or its denial.

What makes a criterion pass is a formula over literals, with denials at the tests alone. A
definition is one literal, whatever it rests on. Literals imply each other where the limits of one
finding, the kinds of a concept, or a definition that holds by these two alone make it so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import TypeAlias

from protocol_logic.compiling import core
from protocol_logic.compiling.plan import Plan
from protocol_logic.foundation.operators import COMPARISONS


@dataclass(frozen=True, slots=True)
class Literal:
    """A test (`holds`), or its denial."""

    test: core.Test
    holds: bool = True

    @property
    def denial(self) -> Literal:
        return Literal(self.test, not self.holds)


@dataclass(frozen=True, slots=True)
class Parts:
    """At least `number` of the parts hold."""

    number: int
    parts: tuple[Formula, ...]


Formula: TypeAlias = Literal | Parts


@dataclass(frozen=True, slots=True)
class Place:
    """What a test is read from, in which of its cells it is true, and all cells.

    Where a test has no finding of its own it is one by itself, with the cells yes and no.
    """

    of: object
    true: frozenset[object]
    cells: tuple[object, ...]


def all_of(parts: Iterable[Formula]) -> Formula:
    each = tuple(parts)
    return each[0] if len(each) == 1 else Parts(len(each), each)


def any_of(parts: Iterable[Formula]) -> Formula:
    each = tuple(parts)
    return each[0] if len(each) == 1 else Parts(1, each)


def formula(condition: core.Condition, holds: bool = True) -> Formula:
    """A condition, or that it does not hold."""
    match condition:
        case core.All(parts=parts):
            return (all_of if holds else any_of)(formula(p, holds) for p in parts)
        case core.Any(parts=parts):
            return (any_of if holds else all_of)(formula(p, holds) for p in parts)
        case core.AtLeast(number=number, parts=parts):
            needed = number if holds else len(parts) - number + 1
            return Parts(needed, tuple(formula(p, holds) for p in parts))
        case core.Not(part=part):
            return formula(part, not holds)
        case _:
            return Literal(condition, holds)


def passing(criterion: core.Criterion) -> Formula:
    """What makes a criterion pass: it does not apply, or its condition is as it should be."""
    wanted = formula(criterion.condition, criterion.polarity == "inclusion")
    if criterion.applies is None:
        return wanted
    return any_of([formula(criterion.applies, False), wanted])


def failing(criterion: core.Criterion) -> Formula:
    """What makes a criterion fail: it applies, and its condition is not as it should be."""
    unwanted = formula(criterion.condition, criterion.polarity != "inclusion")
    if criterion.applies is None:
        return unwanted
    return all_of([formula(criterion.applies), unwanted])


def conjuncts(one: Formula) -> Iterator[Formula]:
    """What must hold together for a formula to hold."""
    if isinstance(one, Parts) and one.number == len(one.parts):
        for part in one.parts:
            yield from conjuncts(part)
    else:
        yield one


def literals_in(one: Formula) -> Iterator[Literal]:
    """All literals of a formula, in order."""
    if isinstance(one, Literal):
        yield one
    else:
        for part in one.parts:
            yield from literals_in(part)


class Literals:
    """What the literals of a protocol have to do with each other."""

    def __init__(self, protocol: core.Protocol, plan: Plan) -> None:
        self.protocol = protocol
        self.plan = plan
        bodies = [c for k in protocol.criteria for c in (k.applies, k.condition) if c is not None]
        self.tests = tuple(dict.fromkeys(t for body in bodies for t in core.tests_in(body)))
        """The tests of the criteria, in order."""
        self.inner = tuple(t for t in self._below(self.tests) if t not in set(self.tests))
        """Those of the definitions that they rest on."""
        tests = (*self.tests, *self.inner)
        self._all = tuple(Literal(t, holds) for t in tests for holds in (True, False))
        self.place = cache(self._place)
        self._near = self._neighbours()
        self._meanings = {
            literal: meaning
            for literal in self._all
            if isinstance(literal.test, core.Defined)
            and (meaning := self.meaning(literal)) is not None
        }
        own = [Literal(t, holds) for t in self.tests for holds in (True, False)]
        below = {one: self._closure(one) - {one} for one in own}
        # What a literal implies is denied with it.
        for one in own:
            for other in own:
                if other in below[one]:
                    below[other.denial].add(one.denial)
        self._implied = {one: self._reached(one, below) for one in own}

    def implied(self, literal: Literal) -> frozenset[Literal]:
        """The other literals that hold wherever this one of a criterion does."""
        return self._implied[literal]

    def excludes(self, one: Literal, other: Literal) -> bool:
        """Whether two literals of criteria cannot hold together."""
        if other == one.denial or other.denial in self._implied[one]:
            return True
        here, there = self.place(one.test), self.place(other.test)
        return here.of == there.of and self.cells(one).isdisjoint(self.cells(other))

    def cells(self, literal: Literal) -> frozenset[object]:
        """The cells in which a literal holds."""
        place = self.place(literal.test)
        return place.true if literal.holds else frozenset(place.cells) - place.true

    def meaning(self, literal: Literal) -> Formula | None:
        """What a definition says, by its body; None where that is no formula."""
        test, holds = literal.test, literal.holds
        assert isinstance(test, core.Defined)
        body = self.protocol.definitions[test.name].body
        if isinstance(test, core.Scored) or isinstance(body, core.Score):
            return None
        if not isinstance(body, core.Decision):
            return formula(body, holds)
        # Each case that would give another value does not hold, or an earlier one does.
        needed: list[Formula] = []
        earlier: list[Formula] = []
        for case in (*body.cases, None):
            value = body.otherwise if case is None else case.value
            if value is None or (value == test.value) != holds:
                fails = [formula(case.condition, False)] if case is not None else []
                needed.append(any_of([*fails, *earlier]))
            if case is not None:
                earlier.append(formula(case.condition))
        return all_of(needed)

    def leaves(self, test: core.Test) -> Iterator[core.Test]:
        """The tests that a definition rests on in the end; any other test itself."""
        if not isinstance(test, core.Defined):
            yield test
            return
        for condition in core.conditions_in(self.protocol.definitions[test.name].body):
            for part in core.tests_in(condition):
                yield from self.leaves(part)

    # ---- how it is found ---------------------------------------------------------------------

    def _below(self, tests: Iterable[core.Test]) -> dict[core.Test, None]:
        found: dict[core.Test, None] = {}
        queue = list(tests)
        while queue:
            test = queue.pop(0)
            if test in found:
                continue
            found[test] = None
            if isinstance(test, core.Defined):
                for condition in core.conditions_in(self.protocol.definitions[test.name].body):
                    queue += core.tests_in(condition)
        return found

    def _place(self, test: core.Test) -> Place:
        if test in self.plan.tests:
            name, true = self.plan.tests[test]
            return Place(name, frozenset(true), self.plan.findings[name].cells)
        if isinstance(test, core.Scored):
            limits = [
                t.number
                for t in (*self.tests, *self.inner)
                if isinstance(t, core.Scored) and t.name == test.name
            ]
            points = sorted({n + step for n in limits for step in (-1, 0, 1)})
            inside = COMPARISONS[test.op].inside(Fraction(test.number))
            return Place(
                ("score", test.name), frozenset(p for p in points if inside.contains(p)),
                tuple(points),
            )  # fmt: skip
        if isinstance(test, core.Defined) and test.value is not None:
            body = self.protocol.definitions[test.name].body
            assert isinstance(body, core.Decision)
            return Place(("decided", test.name), frozenset([test.value]), body.values)
        return Place(test, frozenset(["yes"]), ("yes", "no"))

    def _neighbours(self) -> dict[Literal, list[Literal]]:
        """The literals of the same finding, and those of conditions, which are kinds of others."""
        together: dict[object, list[Literal]] = {}
        for one in self._all:
            together.setdefault(self._family(one), []).append(one)
        return {one: together[self._family(one)] for one in self._all}

    def _family(self, one: Literal) -> object:
        return core.Present if isinstance(one.test, core.Present) else self.place(one.test).of

    def _closure(self, start: Literal) -> set[Literal]:
        """What holds wherever a literal does, going up from it."""
        found: set[Literal] = set()
        queue = [start]
        while queue:
            one = queue.pop()
            if one in found:
                continue
            found.add(one)
            queue += (o for o in self._near[one] if o not in found and self._directly(one, o))
            queue += (
                defined
                for defined, meaning in self._meanings.items()
                if defined not in found and _follows(meaning, found)
            )
        return found

    def _directly(self, one: Literal, other: Literal) -> bool:
        here, there = self.place(one.test), self.place(other.test)
        if here.of == there.of:
            return self.cells(one) <= self.cells(other)
        if isinstance(one.test, core.Present) and isinstance(other.test, core.Present):
            kind, parent = (one, other) if one.holds else (other, one)
            assert isinstance(kind.test, core.Present) and isinstance(parent.test, core.Present)
            return (
                one.holds == other.holds
                and kind.test.missing == parent.test.missing
                and kind.test.concept in self.protocol.vocabulary.below(parent.test.concept)
            )
        return False

    def _reached(self, start: Literal, below: dict[Literal, set[Literal]]) -> frozenset[Literal]:
        found: set[Literal] = set()
        queue = [start]
        while queue:
            for other in below.get(queue.pop(), ()):
                if other not in found:
                    found.add(other)
                    queue.append(other)
        return frozenset(found - {start})


def _follows(one: Formula, held: set[Literal]) -> bool:
    if isinstance(one, Literal):
        return one in held
    return sum(_follows(part, held) for part in one.parts) >= one.number
