"""Change sets by brute force: every set of literals is tried in every completion of the record.

What holds in a completion is told by the reference evaluator; what literals have to do with each
other is found here by hand. Only the cells of findings come from the plan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from itertools import chain, combinations, product
from typing import TypeAlias

from protocol_logic.compiling import core
from protocol_logic.compiling.plan import Plan
from protocol_logic.compiling.windows import Window
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.records.facts import PatientRecord
from tests.differential.reference import Completion
from tests.differential.reference_chart import Chart
from tests.differential.reference_days import TooLarge
from tests.differential.reference_world import World, explore

Lit: TypeAlias = tuple[core.Test, bool]
Set: TypeAlias = tuple[frozenset[Lit], frozenset[Lit]]
"""Literals to flip, and literals to resolve."""
MOST_LITERALS = 10


def opposite(lit: Lit) -> Lit:
    return lit[0], not lit[1]


def found_in(condition: core.Condition | None, wanted: bool) -> Iterator[Lit]:
    """The literals of a condition that is to be as wanted."""
    if isinstance(condition, core.Not):
        yield from found_in(condition.part, not wanted)
    elif isinstance(condition, core.All | core.Any | core.AtLeast):
        for part in condition.parts:
            yield from found_in(part, wanted)
    elif condition is not None:
        yield condition, wanted


def is_so(condition: core.Condition, wanted: bool, holds: Callable[[Lit], bool]) -> bool:
    """Whether literals that hold are enough for a condition to be as wanted."""
    match condition:
        case core.Not(part=part):
            return is_so(part, not wanted, holds)
        case core.All(parts=parts):
            return (all if wanted else any)(is_so(p, wanted, holds) for p in parts)
        case core.Any(parts=parts):
            return (any if wanted else all)(is_so(p, wanted, holds) for p in parts)
        case core.AtLeast(number=number, parts=parts):
            count = sum(is_so(p, wanted, holds) for p in parts)
            return count >= number if wanted else len(parts) - count < number
        case _:
            return holds((condition, wanted))


def passes(criterion: core.Criterion, holds: Callable[[Lit], bool]) -> bool:
    if criterion.applies is not None and is_so(criterion.applies, False, holds):
        return True
    return is_so(criterion.condition, criterion.polarity == "inclusion", holds)


class Brute:
    """One patient of a protocol; raises TooLarge where there is too much to try."""

    def __init__(
        self,
        protocol: core.Protocol,
        plan: Plan,
        record: PatientRecord,
        as_of: date,
        windows: Mapping[str, Window],
        dates: Mapping[str, date],
        most: int,
    ) -> None:
        self.protocol = protocol
        self.plan = plan
        self.chart = Chart(protocol, record, as_of, windows, True, dates)
        self.literals: dict[str, tuple[Lit, ...]] = {}
        self.worlds: dict[str, set[frozenset[Lit]]] = {}
        seen: dict[core.Test, set[bool]] = {}
        for criterion in protocol.criteria:
            wanted = criterion.polarity == "inclusion"
            lits = dict.fromkeys(
                [*found_in(criterion.applies, False), *found_in(criterion.condition, wanted)]
            )
            tests = list(dict.fromkeys(test for test, _ in lits))

            def look(world: World, tests: list[core.Test] = tests) -> tuple[bool, ...]:
                here = Completion(self.chart, world)
                return tuple(here.holds(test) for test in tests)

            self.literals[criterion.id] = tuple(lits)
            held = {row for row, _ in explore(look, most)}
            self.worlds[criterion.id] = {frozenset(zip(tests, row, strict=True)) for row in held}
            for row in held:
                for test, value in zip(tests, row, strict=True):
                    seen.setdefault(test, set()).add(value)
        self.seen = seen
        self.every = tuple(dict.fromkeys(lit for lits in self.literals.values() for lit in lits))
        self.certain = {lit for lit in self.every if seen[lit[0]] == {lit[1]}}
        self.both = tuple(dict.fromkeys(x for lit in self.every for x in (lit, opposite(lit))))
        implied = {lit: self._implied(lit) for lit in self.both}
        for one, other in product(self.both, repeat=2):
            # What is denied denies what it follows from.
            if opposite(one) in implied[opposite(other)]:
                implied[one].add(other)
        self.all_implied = {lit: self._closed(lit, implied) for lit in self.both}
        self.implied = {lit: self.all_implied[lit] & set(self.every) for lit in self.every}
        self.free = [lit for lit in self.every if lit not in self.certain and self._can(lit)]

    # ---- places ------------------------------------------------------------------------------

    def place(self, test: core.Test) -> tuple[object, frozenset[object], frozenset[object]]:
        """What a test reads, the cells in which it is true, and all of them."""
        if test in self.plan.tests:
            name, true = self.plan.tests[test]
            return name, frozenset(true), frozenset(self.plan.findings[name].cells)
        if isinstance(test, core.Scored):
            points = range(-1, 60)
            compare = {
                "<": lambda p: p < test.number,
                "<=": lambda p: p <= test.number,
                ">": lambda p: p > test.number,
                ">=": lambda p: p >= test.number,
            }[test.op]
            return ("score", test.name), frozenset(filter(compare, points)), frozenset(points)
        if isinstance(test, core.Defined) and test.value is not None:
            body = self.protocol.definitions[test.name].body
            assert isinstance(body, core.Decision)
            return ("values", test.name), frozenset([test.value]), frozenset(body.values)
        return test, frozenset([True]), frozenset([True, False])

    def cells(self, lit: Lit) -> frozenset[object]:
        _, true, every = self.place(lit[0])
        return true if lit[1] else every - true

    # ---- implication -------------------------------------------------------------------------

    def _plainly(self, one: Lit, other: Lit) -> bool:
        """By limits of one finding, or by kinds of a condition."""
        if self.place(one[0])[0] == self.place(other[0])[0]:
            return self.cells(one) <= self.cells(other)
        a, b = one[0], other[0]
        if isinstance(a, core.Present) and isinstance(b, core.Present) and one[1] == other[1]:
            kind, parent = (a, b) if one[1] else (b, a)
            below = self.protocol.vocabulary.below(parent.concept)
            return kind.concept in below and a.missing == b.missing
        return False

    def _implied(self, lit: Lit) -> set[Lit]:
        """All literals of criteria that hold because one does."""
        known: dict[core.Test, bool | None] = {}

        def truth(test: core.Test) -> bool | None:
            if test not in known:
                known[test] = None  # no definition rests on itself
                for value in (True, False):
                    if self._plainly(lit, (test, value)):
                        known[test] = value
                if known[test] is None and isinstance(test, core.Defined):
                    known[test] = self._decided(test, truth)
                # What is implied implies by its limits too.
                if known[test] is None:
                    known[test] = self._by_others(test, truth)
            return known[test]

        return {other for other in self.both if truth(other[0]) is other[1]} | {lit}

    def _by_others(self, test: core.Test, truth: Callable[[core.Test], bool | None]) -> bool | None:
        if not isinstance(test, core.Defined):
            return None
        for other, _ in self.both:
            same = isinstance(other, core.Defined) and other.name == test.name and other != test
            if same and (held := truth(other)) is not None:
                for value in (True, False):
                    if self._plainly((other, held), (test, value)):
                        return value
        return None

    def _decided(
        self, test: core.Defined, truth: Callable[[core.Test], bool | None]
    ) -> bool | None:
        body = self.protocol.definitions[test.name].body
        if isinstance(test, core.Scored) or isinstance(body, core.Score):
            return None

        def kleene(condition: core.Condition) -> bool | None:
            for value in (True, False):
                if is_so(condition, value, lambda lit: truth(lit[0]) is lit[1]):
                    return value
            return None

        if not isinstance(body, core.Decision):
            return kleene(body)
        possible: set[str | None] = set()
        for case in body.cases:
            held = kleene(case.condition)
            if held is not False:
                possible.add(case.value)
            if held is True:
                break
        else:
            possible.add(body.otherwise)
        if possible == {test.value}:
            return True
        return False if None not in possible and test.value not in possible else None

    def _closed(self, lit: Lit, implied: Mapping[Lit, set[Lit]]) -> set[Lit]:
        held = {lit}
        while more := {o for one in held for o in implied[one]} - held:
            held |= more
        return held

    def clash(self, one: Lit, other: Lit) -> bool:
        if opposite(other) in self.all_implied[one]:
            return True
        if self.place(one[0])[0] == self.place(other[0])[0]:
            return not self.cells(one) & self.cells(other)
        return False

    # ---- what can change ---------------------------------------------------------------------

    def _can(self, lit: Lit) -> bool:
        test, wanted = lit
        if isinstance(test, core.Defined):
            body = self.protocol.definitions[test.name].body
            if isinstance(body, core.Score) or not self._rests_on_fixed(test):
                return isinstance(body, core.Score) or bool(self.cells(lit))
            if isinstance(body, core.Decision):
                return self._can_decide(body, test.value, wanted)
            return self._possible(body, wanted)
        if self._is_fixed(test):
            return self._waits(test, wanted)
        return bool(self.cells(lit))

    def _possible(self, condition: core.Condition, wanted: bool) -> bool:
        def holds(lit: Lit) -> bool:
            if isinstance(lit[0], core.Defined) or not self._is_fixed(lit[0]):
                return self._can(lit)
            told = {
                value
                for value, _ in explore(
                    lambda world: Completion(self.chart, world).holds(lit[0]), 5000
                )
            }
            return told == {lit[1]} or self._waits(*lit)

        return is_so(condition, wanted, holds)

    def _can_decide(self, body: core.Decision, value: str | None, wanted: bool) -> bool:
        for i, case in enumerate([*body.cases, None]):
            given = body.otherwise if case is None else case.value
            if given is None or (given == value) != wanted:
                fails = case is not None and self._possible(case.condition, False)
                if not fails and not any(self._possible(c.condition, True) for c in body.cases[:i]):
                    return False
        return True

    def _rests_on_fixed(self, test: core.Test) -> bool:
        if not isinstance(test, core.Defined):
            return self._is_fixed(test)
        parts = core.conditions_in(self.protocol.definitions[test.name].body)
        return any(self._rests_on_fixed(t) for part in parts for t in core.tests_in(part))

    def _is_fixed(self, test: core.Test) -> bool:
        entry = self.protocol.vocabulary.entries.get(getattr(test, "entry", ""))
        return isinstance(entry, voc.PatientField | voc.Age | voc.History)

    def _waits(self, test: core.Test, wanted: bool) -> bool:
        """An age that is too low now, for sure or perhaps, comes by itself."""
        if not isinstance(test, core.Within):
            return False
        recorded = any(self.chart.facts("birth_date"))
        return (test.op in (">=", ">")) == wanted and (recorded or not test.missing)

    # ---- sets --------------------------------------------------------------------------------

    def sets(self) -> set[Set]:
        """All change sets of a patient who is ineligible."""
        scopes = [scope.id for scope in self.protocol.scopes] or [""]
        closed: set[frozenset[Lit]] = set()
        for scope in scopes:
            criteria = [
                c for c in self.protocol.criteria if not c.scopes or not scope or scope in c.scopes
            ]
            free = [lit for lit in self.free if any(lit in self.literals[c.id] for c in criteria)]
            if len(free) > MOST_LITERALS:
                raise TooLarge(f"{len(free)} literals")
            subsets = chain.from_iterable(combinations(free, n) for n in range(len(free) + 1))
            closed |= {self.closure(s) for s in subsets if self._reaches(s, criteria)}
        minimal = [one for one in closed if not any(other < one for other in closed)]
        return {self._named(one) for one in minimal}

    def closure(self, made: Iterable[Lit]) -> frozenset[Lit]:
        held = set(made)
        while more := {o for lit in held for o in self.implied[lit]} - held:
            held |= more
        return frozenset(held - self.certain)

    def _reaches(self, made: Iterable[Lit], criteria: list[core.Criterion]) -> bool:
        new = self.closure(made)
        if any(self.clash(a, b) for a, b in combinations(new, 2)):
            return False
        moved: dict[object, frozenset[object]] = {}
        for lit in new:
            of, _, every = self.place(lit[0])
            moved[of] = moved.get(of, every) & self.cells(lit)
        names = list(moved)
        for chosen in product(*(sorted(moved[n], key=repr) for n in names)):
            at = dict(zip(names, chosen, strict=True))
            if all(self._passes(c, new, at) for c in criteria):
                return True
        return False

    def _passes(
        self, criterion: core.Criterion, new: frozenset[Lit], at: Mapping[object, object]
    ) -> bool:
        for world in self.worlds[criterion.id]:

            def holds(lit: Lit, world: frozenset[Lit] = world) -> bool:
                if lit in new:
                    return True
                if lit not in world or any(self.clash(lit, other) for other in new):
                    return False
                of = self.place(lit[0])[0]
                return of not in at or at[of] in self.cells(lit)

            if not passes(criterion, holds):
                return False
        return True

    def _named(self, one: frozenset[Lit]) -> Set:
        order = {lit: i for i, lit in enumerate(self.every)}
        named = {
            lit
            for lit in one
            if not any(
                lit in self.implied[o] and (o not in self.implied[lit] or order[o] < order[lit])
                for o in one
                if o != lit
            )
        }
        flip = frozenset(lit for lit in named if self.seen[lit[0]] == {not lit[1]})
        return flip, frozenset(named) - flip
