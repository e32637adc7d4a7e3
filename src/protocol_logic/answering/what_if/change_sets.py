"""Change sets: the minimal sets of conditions that, made true, make a patient eligible.

They are logical, not clinical: a condition is what the protocol says in a line, a definition is
one, and what a value would have to be is left to repairs. What they mean: docs/semantics.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from protocol_logic.answering.what_if.conditions import condition_ids, words_of
from protocol_logic.answering.what_if.fixed import Fixed
from protocol_logic.compiling import core
from protocol_logic.compiling.changing import Change
from protocol_logic.compiling.plan import Plan
from protocol_logic.findings.rows import PatientFindings
from protocol_logic.reasoning.change_sets import Changing, State
from protocol_logic.reasoning.engine import Engine
from protocol_logic.reasoning.literals import (
    Formula,
    Literal,
    Literals,
    conjuncts,
    failing,
    literals_in,
    passing,
)
from protocol_logic.reasoning.support import Truth
from protocol_logic.reasoning.truths import TooManyWorlds, Truths, World

MOST_SETS = 1000


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """Conditions by their ids: those that are false and would be true, and those still open."""

    flip: tuple[str, ...]
    resolve: tuple[str, ...]

    @property
    def order(self) -> tuple[object, ...]:
        return (len(self.flip) + len(self.resolve), self.flip, self.resolve)


@dataclass(frozen=True, slots=True)
class ChangeSets:
    """All change sets of a patient, those of few conditions first.

    `complete`: whether there are no others. If not, `alternatives` has for each criterion what
    would make it pass by itself.
    """

    sets: tuple[ChangeSet, ...] = ()
    complete: bool = True
    alternatives: Mapping[str, tuple[ChangeSet, ...]] = field(default_factory=dict)


class ChangeFinder:
    """Finds the change sets of patients of one protocol; what was solved is kept."""

    def __init__(
        self,
        protocol: core.Protocol,
        plan: Plan,
        engine: Engine,
        changes: Mapping[str, Change],
        most: int = MOST_SETS,
    ) -> None:
        """`changes`: how each entry can change (`changes_of`)."""
        self._protocol = protocol
        self._engine = engine
        self._most = most
        self._ids = condition_ids(protocol)
        self._literals = Literals(protocol, plan)
        self._fixed = Fixed(protocol, plan, self._literals, changes)
        tests = dict.fromkeys((*self._literals.tests, *self._fixed.tests))
        self._truths = Truths(protocol, plan, tests)
        self._criteria = [c.id for c in protocol.criteria]
        self._goals = [
            [i for i, c in enumerate(protocol.criteria) if not c.scopes or scope.id in c.scopes]
            for scope in protocol.scopes
        ] or [list(range(len(protocol.criteria)))]
        self._gaining = _Direction(self._literals, map(passing, protocol.criteria), most)
        self._losing: _Direction | None = None

    def gaining(self, found: PatientFindings) -> ChangeSets:
        """What would make an ineligible patient eligible; nothing for any other."""
        if self._engine.eligibility(found) != "ineligible":
            return ChangeSets()
        sets, complete = self._sets(self._gaining, found, self._goals)
        if complete:
            return ChangeSets(sets)
        alone = {
            name: each
            for number, name in enumerate(self._criteria)
            if (each := self._sets(self._gaining, found, [[number]])[0]) != (ChangeSet((), ()),)
        }
        return ChangeSets(sets, False, alone)

    def losing(self, found: PatientFindings) -> ChangeSets:
        """What would make an eligible patient fail some criterion; nothing for any other.

        A condition that holds is told by its denial, which would have to hold. `alternatives` has
        the sets of each criterion.
        """
        if self._engine.eligibility(found) != "eligible":
            return ChangeSets()
        if self._losing is None:
            formulas = map(failing, self._protocol.criteria)
            self._losing = _Direction(self._literals, formulas, self._most)
        alone, whole = {}, True
        for number, name in enumerate(self._criteria):
            sets, complete = self._sets(self._losing, found, [[number]])
            whole = whole and complete
            if sets and sets != (ChangeSet((), ()),):
                alone[name] = sets
        every = sorted({one for sets in alone.values() for one in sets}, key=lambda s: s.order)
        return ChangeSets(tuple(every[: self._most]), whole, alone)

    # ---- how they are found ------------------------------------------------------------------

    def _sets(
        self, direction: _Direction, found: PatientFindings, goals: Sequence[Sequence[int]]
    ) -> tuple[tuple[ChangeSet, ...], bool]:
        """The sets that reach one of the goals, each so many criteria, and whether they are all."""
        truths = {test: self._truths.truth(test, found) for test in direction.tests}
        state, exact = self._state(direction, found, truths)
        complete = exact
        every: dict[frozenset[Literal], None] = {}
        for goal in goals:
            asked = [i for number in goal for i in direction.clauses[number]]
            minimal, all_found = direction.changing.minimal(state, asked)
            every.update(dict.fromkeys(minimal))
            complete = complete and all_found
        least = [one for one in every if not any(other < one for other in every)]
        sets = {self._said(one, truths) for one in least}
        return tuple(sorted(sets, key=lambda s: s.order)), complete

    def _state(
        self, direction: _Direction, found: PatientFindings, truths: Mapping[core.Test, Truth]
    ) -> tuple[State, bool]:
        """The patient as the literals see it, and whether that is exact."""
        certain = frozenset(
            literal
            for test, truth in truths.items()
            if truth is not None and (literal := Literal(test, truth)) in direction.literals
        )
        may = frozenset(
            literal
            for literal in direction.literals - certain
            if self._fixed.can_hold(literal, found, self._truths)
        )
        exact = True
        worlds: list[tuple[World, ...]] = []
        for clause in direction.formulas:
            try:
                worlds.append(self._worlds(clause, found, truths))
            except TooManyWorlds:
                worlds.append((_certain(clause, truths),))
                exact = False
        return State(certain, may, tuple(worlds)), exact

    def _worlds(
        self, clause: Formula, found: PatientFindings, truths: Mapping[core.Test, Truth]
    ) -> tuple[World, ...]:
        """The least of what scenarios make true of a clause; one, unless something is shared."""
        certain = _certain(clause, truths)
        still_open = list(dict.fromkeys(o for o in literals_in(clause) if truths[o.test] is None))
        if len(still_open) < 2:
            return (certain,)
        return tuple(certain | world for world in self._truths.worlds(still_open, found))

    def _said(self, one: frozenset[Literal], truths: Mapping[core.Test, Truth]) -> ChangeSet:
        """A set by its conditions, without those that others of it imply."""
        implied = self._literals.implied
        kept = [
            literal
            for literal in one
            if not any(
                literal in implied(other)
                and (other not in implied(literal) or self._before(other, literal))
                for other in one
                if other != literal
            )
        ]
        is_open = {one for one in kept if truths[one.test] is None}
        return ChangeSet(
            words_of(self._ids, (one for one in kept if one not in is_open)),
            words_of(self._ids, is_open),
        )

    def _before(self, one: Literal, other: Literal) -> bool:
        """Of two literals that say the same, the one that the protocol has first."""
        order = self._literals.tests
        return (order.index(one.test), one.holds) < (order.index(other.test), other.holds)


class _Direction:
    """What is to be brought about: the formulas of criteria, in clauses that must all hold."""

    def __init__(self, literals: Literals, wanted: Iterable[Formula], most: int) -> None:
        self.formulas: list[Formula] = []
        self.clauses: list[list[int]] = []
        for one in wanted:
            parts = list(conjuncts(one))
            start = len(self.formulas)
            self.clauses.append(list(range(start, start + len(parts))))
            self.formulas += parts
        self.changing = Changing(literals, self.formulas, most)
        self.literals = frozenset(self.changing.literals)
        self.tests = tuple(dict.fromkeys(one.test for one in self.changing.literals))


def _certain(clause: Formula, truths: Mapping[core.Test, Truth]) -> World:
    return frozenset(o for o in literals_in(clause) if truths[o.test] is o.holds)
