"""Clause coverage: in which states the examples bring each atomic condition of a protocol.

An example counts for the clauses of the criteria, definitions and conditions that it expects
something of: what it happens to say of others was not looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from protocol_logic.answering.rows import Row
from protocol_logic.compiling import core
from protocol_logic.compiling.clauses import (
    STATES,
    Clause,
    State,
    clauses_of,
    definitions_below,
)
from protocol_logic.compiling.expectations import Expected


@dataclass(frozen=True, slots=True)
class Covered:
    """A clause with the number of tests that brought it into each state."""

    clause: Clause
    line: int
    seen: dict[State, int]

    @property
    def missing(self) -> tuple[State, ...]:
        """The states that it can be in, and that no test brought about."""
        return tuple(state for state in self.clause.states if not self.seen[state])


@dataclass(slots=True)
class Coverage:
    """Counts the states of clauses, test by test.

    `ids`: the criterion of each clause in the rows of single conditions.
    """

    protocol: core.Protocol
    ids: dict[core.Condition, str]
    clauses: list[Clause] = field(init=False)
    _seen: Counter[tuple[str, core.Condition, State]] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.clauses = clauses_of(self.protocol)

    def add(self, expected: Iterable[Expected], row: Row) -> None:
        """Count an example, by its row of single conditions."""
        criteria: set[str] = set()
        conditions: list[core.Condition] = []
        for each in expected:
            if each.kind == "criterion":
                criteria.add(each.about)
            elif each.condition is not None:
                conditions.append(each.condition)
        self._count(criteria, conditions, row)

    def add_case(self, criteria: Iterable[str], row: Row) -> None:
        """Count a worked case, which expects something of criteria."""
        self._count(set(criteria), (), row)

    def _count(self, criteria: set[str], conditions: Sequence[core.Condition], row: Row) -> None:
        outcomes = {c["id"]: c["outcome"] for c in row["criteria"]}
        tests = {test for condition in conditions for test in core.tests_in(condition)}
        defined = definitions_below(self.protocol, conditions)
        for clause in self.clauses:
            looked_at = not criteria.isdisjoint(clause.criteria)
            if looked_at or clause.test in tests or clause.owner in defined:
                self._seen[clause.owner, clause.test, outcomes[self.ids[clause.test]]] += 1

    def report(self) -> list[Covered]:
        """Each clause with what was seen of it, in order."""
        source = self.protocol.source
        return [
            Covered(
                clause,
                source.line_column(clause.span.start)[0],
                {s: self._seen[clause.owner, clause.test, s] for s in STATES},
            )
            for clause in self.clauses
        ]


def totals(covered: Sequence[Covered]) -> tuple[int, int]:
    """How many states were seen, and how many there are."""
    states = sum(len(each.clause.states) for each in covered)
    return states - sum(len(each.missing) for each in covered), states


def percent(covered: Sequence[Covered]) -> int:
    """The share of states that were seen, rounded down: 100 only where none is missing."""
    seen, states = totals(covered)
    return 100 * seen // states if states else 100
