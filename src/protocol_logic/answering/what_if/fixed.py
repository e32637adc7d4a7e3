"""Which conditions can come to hold at all: what rests on fixed elements alone stays as it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from protocol_logic.compiling import core
from protocol_logic.compiling.changing import UP, Change
from protocol_logic.compiling.plan import Plan
from protocol_logic.findings.rows import PatientFindings
from protocol_logic.reasoning.literals import Formula, Literal, Literals
from protocol_logic.reasoning.truths import Truths


class Fixed:
    """Tells of one protocol which literals are fixed."""

    def __init__(
        self,
        protocol: core.Protocol,
        plan: Plan,
        literals: Literals,
        changes: Mapping[str, Change],
    ) -> None:
        self._protocol = protocol
        self._plan = plan
        self._literals = literals
        self._changes = changes
        tests = (*literals.tests, *literals.inner)
        self.tests = frozenset(t for t in tests if self._rests_on_fixed(t))
        """The tests that rest on something fixed."""

    def can_hold(self, literal: Literal, found: PatientFindings, truths: Truths) -> bool:
        """Whether a literal can come to hold, though it does not yet."""
        test = literal.test
        if test not in self.tests:
            return bool(self._literals.cells(literal))
        if isinstance(test, core.Defined):
            meaning = self._literals.meaning(literal)
            return meaning is None or self._can(meaning, found, truths)
        return self._is_waited_for(literal, found, truths)

    def _can(self, one: Formula, found: PatientFindings, truths: Truths) -> bool:
        if isinstance(one, Literal):
            if one.test in self.tests and not isinstance(one.test, core.Defined):
                holds = truths.truth(one.test, found) is one.holds
                return holds or self._is_waited_for(one, found, truths)
            return self.can_hold(one, found, truths)
        return sum(self._can(part, found, truths) for part in one.parts) >= one.number

    def _is_waited_for(self, literal: Literal, found: PatientFindings, truths: Truths) -> bool:
        """Whether a number that rises by itself comes to the limit, wherever it is now."""
        test = literal.test
        if not isinstance(test, core.Within) or self._changes[test.entry].direction != UP:
            return False
        order = self._literals.place(test).cells
        wanted = self._literals.cells(literal)
        last = max((i for i, cell in enumerate(order) if cell in wanted), default=-1)
        now = truths.cells(test, found) - wanted
        return all(order.index(cell) < last for cell in now)

    def _rests_on_fixed(self, test: core.Test) -> bool:
        if isinstance(test, core.Defined):
            return any(self._is_fixed(leaf) for leaf in self._literals.leaves(test))
        return self._is_fixed(test)

    def _is_fixed(self, test: core.Test) -> bool:
        """Whether nothing that a test reads ever changes."""
        kinds = [self._changes[n].kind for n in self._entries(test) if n in self._changes]
        return bool(kinds) and all(kind == "never" for kind in kinds)

    def _entries(self, test: core.Test) -> Iterator[str]:
        for field in ("entry", "concept", "event"):
            name = getattr(test, field, None)
            derived = self._protocol.derived.get(name) if name else None
            if derived is not None:
                yield from (*derived.inputs, *derived.fields)
            elif name:
                yield name
