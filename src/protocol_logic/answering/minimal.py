"""Subset-minimal sets of findings that force an outcome in every scenario, whatever all others are.

Findings that are read together, and the courses of a class, stand and fall as one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache

from protocol_logic.compiling import core
from protocol_logic.compiling.plan import Plan
from protocol_logic.findings.read import concept_group
from protocol_logic.findings.rows import CellSet, PatientFindings
from protocol_logic.reasoning.engine import Engine
from protocol_logic.reasoning.meaning import Meaning, both, either
from protocol_logic.reasoning.minimal_sets import minimal_sets, shrunk
from protocol_logic.reasoning.support import Truth, View

MOST_SETS = 1000
_DECIDED = {"met": True, "not_met": False, "eligible": True, "ineligible": False}


class Forcing:
    """What forces the outcome of one criterion, or a patient's eligibility (`criterion` None)."""

    def __init__(
        self,
        protocol: core.Protocol,
        plan: Plan,
        engine: Engine,
        found: PatientFindings,
        criterion: str | None,
    ) -> None:
        self.protocol, self.plan, self.engine = protocol, plan, engine
        self.found = found
        self.criterion = criterion
        self.chosen = [c for c in protocol.criteria if criterion is None or c.id == criterion]
        self.decided: Truth = _DECIDED.get(self._outcome(found))
        self.unit_of = _with_courses(plan)
        self.units = list(dict.fromkeys(self._units()))
        self.forces = cache(self._forces)

    def first(self) -> list[str] | None:
        """One minimal set: findings are let go one after the other in the order of the protocol.

        None where nothing is decided, so that nothing forces it.
        """
        if self.decided is None:
            return None
        return shrunk(self.units, self._asked, self.units)

    def all(self) -> Iterator[list[str]]:
        """Every minimal set, in an order that is always the same; none where nothing is decided."""
        if self.decided is not None:
            yield from minimal_sets(self.units, self._asked)

    def _units(self) -> Iterable[str]:
        """Findings and groups that are read, and say something."""
        reaches = [self.plan.reach[c.id] for c in self.chosen]
        read = {name for reach in reaches for name in reach.findings}
        lines = [self.plan.findings[n].entry for n in read if self.plan.findings[n].kind == "lines"]
        courses = {concept_group(c) for each in reaches for c in each.courses}
        courses |= {concept_group(entry) for entry in lines}
        for name, cells in self.found.single.items():
            if name in read and cells != frozenset(self.plan.findings[name].cells):
                yield self.unit_of.get(name, name)
        for group in self.found.groups:
            if group.name in courses or not group.findings.isdisjoint(read):
                yield group.name

    def _asked(self, kept: Collection[str]) -> bool:
        held: bool = self.forces(frozenset(kept))
        return held

    def _forces(self, kept: frozenset[str]) -> bool:
        loose = self._loosened(kept)
        said = self._by_meaning(loose)
        # What the operators leave open, scenarios may settle.
        return (said if said is not None else _DECIDED.get(self._outcome(loose))) is self.decided

    def _loosened(self, kept: Collection[str]) -> PatientFindings:
        """Findings that are not kept may lie in any of their cells; of courses none is known."""
        single: dict[str, CellSet] = dict(self.found.single)
        for name in single:
            if self.unit_of.get(name, name) not in kept:
                single.update(_any_of(self.plan, [name]))
        groups = []
        for group in self.found.groups:
            if group.name in kept:
                groups.append(group)
            else:
                single.update(_any_of(self.plan, group.findings))
        return PatientFindings(as_of=self.found.as_of, single=single, groups=tuple(groups))

    def _outcome(self, found: PatientFindings) -> str:
        if self.criterion is not None:
            return self.engine.outcome(self.criterion, found)
        return self.engine.eligibility(found)

    def _by_meaning(self, found: PatientFindings) -> Truth:
        meaning = Meaning(self.protocol, self.plan, View.of(found))
        if self.criterion is not None:
            return meaning.met(self.chosen[0])
        passes = {c.id: meaning.passes(c) for c in self.chosen}
        if not self.protocol.scopes:
            return both(passes.values())
        return either(
            both(passes[c.id] for c in self.chosen if not c.scopes or scope.id in c.scopes)
            for scope in self.protocol.scopes
        )


def _with_courses(plan: Plan) -> dict[str, str]:
    """What says that there are no courses and events but those recorded -> their group: without
    them it says nothing."""
    return {
        name: concept_group(concept)
        for concept, courses in plan.courses.items()
        for names in courses.names.values()
        for name in (names.unrecorded_course, names.unrecorded_event)
    }


def _any_of(plan: Plan, names: Collection[str]) -> Mapping[str, CellSet]:
    return {n: frozenset(plan.findings[n].cells) for n in sorted(names) if n in plan.findings}
