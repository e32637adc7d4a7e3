"""What the tests of a protocol are for a patient: in every scenario, in none, or in some.

A test of one finding is told by the cells that the record allows. For all others, and where several
tests are asked together, clingo looks at the scenarios; each distinct row is solved once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from protocol_logic.compiling import core
from protocol_logic.compiling.clauses import asked_by_themselves
from protocol_logic.compiling.lower import LOGIC, lower
from protocol_logic.compiling.plan import Plan
from protocol_logic.compiling.planner import make_plan
from protocol_logic.findings.rows import CellSet, PatientFindings
from protocol_logic.knowledge.resources import logic_text
from protocol_logic.reasoning.criteria import Key, domain_of
from protocol_logic.reasoning.literals import Literal
from protocol_logic.reasoning.reads import View, groups_of, joint_rows, read_of
from protocol_logic.reasoning.solver import Domain, Switches, domain_facts, least, undisturbed
from protocol_logic.reasoning.support import Truth

World: TypeAlias = frozenset[Literal]
"""The literals that hold in a scenario, of those that were asked about."""
MOST_WORLDS = 64


class TooManyWorlds(Exception):
    """More than can be looked at one by one."""


class Truths:
    """Tells tests of one protocol; `tests` are all that it is asked about."""

    def __init__(self, protocol: core.Protocol, plan: Plan, tests: Iterable[core.Test]) -> None:
        self._plan = plan
        asked, self._ids = asked_by_themselves(protocol, tests)
        self._own = make_plan(asked)
        self._program = lower(asked, self._own)
        self._reads = {
            test: read_of(name, True, self._own.reach[name], self._own)
            for test, name in self._ids.items()
        }
        self._scenarios: dict[object, _Least] = {}
        self._rows: dict[object, frozenset[World] | None] = {}

    def cells(self, test: core.Test, found: PatientFindings) -> CellSet:
        """The cells that the finding of a test may lie in; none if it has no finding."""
        name, _ = self._plan.tests.get(test, ("", ()))
        single = found.single.get(name)
        if single is not None:
            return single
        rows = (row for group in found.groups for row in group.rows)
        return frozenset().union(*(cells for row in rows for n, cells in row.cells if n == name))

    def truth(self, test: core.Test, found: PatientFindings) -> Truth:
        """What a test is; None where scenarios differ."""
        cells = self.cells(test, found)
        if cells:
            kept = cells.intersection(self._plan.tests[test][1])
            return False if not kept else True if kept == cells else None
        can = [Literal(test, holds) for holds in (True, False)]
        told = {literal for world in self.worlds(can, found) for literal in world}
        return None if len(told) == 2 else Literal(test) in told

    def worlds(self, literals: Sequence[Literal], found: PatientFindings) -> tuple[World, ...]:
        """The least of what scenarios make true of some literals: no other makes less true.

        What holds wherever more literals do holds in all scenarios if it holds in these.
        """
        tests = dict.fromkeys(literal.test for literal in literals)
        reads = [self._reads[test] for test in tests]
        names = dict.fromkeys(name for read in reads for name in read.names)
        single = tuple((n, found.single[n]) for n in names if n in found.single)
        view = View(single, tuple(groups_of(reads, found)), False)
        rows = dict.fromkeys(joint.cells for joint in joint_rows(reads, view))
        least: set[World] = set()
        for row in rows:
            least |= self._row(tuple(literals), row)
            if len(least) > MOST_WORLDS:
                raise TooManyWorlds
        each = [one for one in least if not any(other < one for other in least)]
        place = {literal: i for i, literal in enumerate(literals)}
        return tuple(sorted(each, key=lambda w: (len(w), sorted(place[one] for one in w))))

    def _row(self, literals: tuple[Literal, ...], row: Key) -> frozenset[World]:
        key = (literals, row)
        if key not in self._rows:
            cells = dict(row)
            ids = dict.fromkeys(self._ids[literal.test] for literal in literals)
            domain = tuple(
                sorted({d for k in ids for d in domain_of(self._own, self._own.reach[k], cells)})
            )
            scenarios = self._scenarios.get((literals, domain))
            if scenarios is None:
                asked = [
                    f"met({self._ids[one.test]})"
                    if one.holds
                    else f"not met({self._ids[one.test]})"
                    for one in literals
                ]
                rules = self._program.rules_of(ids)
                scenarios = _Least(rules, domain, asked)
                self._scenarios[literals, domain] = scenarios
            found = scenarios.solve({("allow", f, c) for f, allowed in row for c in allowed})
            self._rows[key] = None
            if found is not None:
                self._rows[key] = frozenset(frozenset(literals[i] for i in w) for w in found)
        known = self._rows[key]
        if known is None:
            raise TooManyWorlds
        return known


class _Least:
    """The least sets of asked literals that the scenarios of a row make true."""

    def __init__(self, rules: str, domain: Domain, asked: Sequence[str]) -> None:
        text = "\n".join(
            [
                rules,
                *(logic_text(name) for name in LOGIC),
                domain_facts(domain),
                "row(F,1) :- domain(F,_).",
                "#external allow(F,1,F,C) : domain(F,C).",
                "#show.\n#show told/1.",
                *(f"told({i}) :- {literal}." for i, literal in enumerate(asked)),
                "#heuristic told(I). [1,false]",
            ]
        )
        self.switches = Switches(least(text))
        self.switches.collect("allow", 4, (2, 3))

    def solve(self, allowed: set[tuple[str, ...]]) -> frozenset[frozenset[int]] | None:
        """The sets; None where they are too many."""
        self.switches.set(allowed)
        found: set[frozenset[int]] = set()
        with undisturbed(), self.switches.control.solve(yield_=True) as handle:
            for model in handle:
                told = (s for s in model.symbols(shown=True) if s.name == "told")
                found.add(frozenset(symbol.arguments[0].number for symbol in told))
                if len(found) > MOST_WORLDS:
                    return None
        return frozenset(found)
