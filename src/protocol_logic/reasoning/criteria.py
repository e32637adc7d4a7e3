"""One criterion, solved row by row: what its scenarios give, and what elements decide it.

A row is looked at in two steps. Each module of the criterion (a definition or concept that reads
findings of its own) is solved by itself; the criterion then reads its possible cells like those of
any other finding. Both steps are kept by row, so that few rows are ever solved.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

from protocol_logic.compiling.lower import LOGIC, Program
from protocol_logic.compiling.plan import Module, Part, Plan, Reach
from protocol_logic.findings.rows import CellSet
from protocol_logic.reasoning.solver import Cells, Domain, Picked, Scenarios, Twins

Key: TypeAlias = tuple[tuple[str, CellSet], ...]
"""The cells of a row, by finding in order of name."""
_MODULE_LOGIC = ("scenario", "absence")


def key_of(cells: Cells) -> Key:
    return tuple(sorted(cells.items(), key=lambda item: item[0]))


_NOTHING: CellSet = frozenset()
_SLOT = re.compile(r"\b(?:c|e)([0-9]+)(?:_([0-9]+))?\)")


def domain_of(plan: Plan, reach: Reach, cells: Cells) -> Domain:
    """The findings of a row with all cells that they can have.

    Courses and events take numbered slots; the domain has slots for the next power of two of
    each, so that rows of about one size share a ground program.
    """
    modules = {m.name: m.cells for m in reach.modules}
    domain: list[tuple[str, tuple[str, ...]]] = []
    courses = events = 0
    for name in cells:
        if name in plan.findings:
            domain.append((name, plan.findings[name].cells))
        elif name in modules:
            domain.append((name, modules[name]))
        else:
            for course, event in _SLOT.findall(name):
                courses = max(courses, int(course))
                events = max(events, int(event or 0))
    for concept in reach.courses:
        domain += plan.courses[concept].domain(_room_for(courses), _room_for(events))
    return tuple(sorted(domain))


def _room_for(number: int) -> int:
    return 1 << max(number - 1, 1).bit_length() if number > 2 else 2


@dataclass(frozen=True, slots=True)
class Solved:
    """The truth values that the scenarios of a row give."""

    met: frozenset[bool]
    applies: frozenset[bool]


class CriterionSolver:
    """Solves rows of one criterion, or of one part of it, and keeps what it solved."""

    def __init__(
        self, criterion: str, plan: Plan, program: Program, part: Part | None = None
    ) -> None:
        self.criterion = criterion
        self.plan = plan
        self.program = program
        self.reach = part.reach if part is not None else plan.reach[criterion]
        self.modules = self.reach.modules
        self.asked, self.asking = f"met({criterion})", ""
        if part is not None:
            said = [lit for n in part.conditions for lit in program.literals[criterion][n]]
            self.asked, self.asking = "part_holds", f"\npart_holds :- {', '.join(said)}.\n"
        self.inside = {name: m for m in self.modules for name in m.findings}
        self.solved = 0
        self._short: dict[Key, Key] = {}
        self._rows: dict[Key, Solved] = {}
        self._module_rows: dict[tuple[str, Key], CellSet] = {}
        self._reasons: list[tuple[Cells, Solved]] = []
        self._witnesses: dict[bool, dict[Picked, None]] = {True: {}, False: {}}
        self._twin_pairs: dict[object, dict[tuple[Picked, Picked], None]] = {}
        self._no_twins: set[object] = set()
        self._flips: dict[tuple[str, Key, frozenset[str]], bool] = {}
        self._scenarios: dict[object, Scenarios] = {}
        self._twins: dict[object, Twins] = {}
        self._links = "".join(
            f"{atom} :- cell({m.name},{cell}).\n" for m in self.modules for cell, atom in m.atoms
        )

    # ---- outcomes ----------------------------------------------------------------------------

    def solve(self, short: Key) -> Solved:
        """What the scenarios of a (shortened) row give."""
        known = self._rows.get(short)
        if known is None:
            cells = dict(short)
            known = self._seen_before(cells) or self._solve(cells)
            self._rows[short] = known
        return known

    def _seen_before(self, cells: Cells) -> Solved | None:
        """What scenarios of other rows, and reasons found for them, already say of this one."""
        for reason, solved in self._reasons:
            # What holds in more scenarios holds in these.
            if all(cells.get(f, _NOTHING) <= allowed for f, allowed in reason.items()):
                return solved
        size, allowed = len(cells), _all_cells(cells)
        if all(
            any(len(picked) == size and picked <= allowed for picked in self._witnesses[met])
            for met in (True, False)
        ):
            # An outcome that can go both ways applies in one of them.
            return Solved(met=frozenset({True, False}), applies=frozenset({True}))
        return None

    def shorten(self, cells: Key) -> Key:
        """The row with each module's findings replaced by the module's possible cells."""
        if not self.modules:
            return cells
        short = self._short.get(cells)
        if short is None:
            own: list[tuple[str, CellSet]] = []
            parts: dict[str, list[tuple[str, CellSet]]] = {m.name: [] for m in self.modules}
            for item in cells:
                module = self.inside.get(item[0])
                (own if module is None else parts[module.name]).append(item)
            own += ((m.name, self.module_cells(m, tuple(parts[m.name]))) for m in self.modules)
            short = self._short[cells] = tuple(sorted(own, key=lambda item: item[0]))
        return short

    def module_cells(self, module: Module, row: Key) -> CellSet:
        """The cells that a module can have in a row of its findings."""
        key = (module.name, row)
        if key not in self._module_rows:
            atoms = [atom for _, atom in module.atoms]
            scenarios = self._scenarios.get(module.name)
            if scenarios is None:
                rules = self.program.rules_of([module.shared])
                domain = self.domain(dict(row))
                scenarios = Scenarios(rules, _MODULE_LOGIC, domain, atoms)
                self._scenarios[module.name] = scenarios
            cell_of = {atom: cell for cell, atom in module.atoms}
            self.solved += 1
            self._module_rows[key] = frozenset(
                next((cell_of[atom] for atom in scenario.true), "no")
                for scenario in scenarios.solve(dict(row))
            )
        return self._module_rows[key]

    def _solve(self, cells: Cells, reasoning: bool = False) -> Solved:
        domain = self.domain(cells)
        scenarios = self._scenarios.get(domain)
        met, applies = self.asked, f"applies({self.criterion})"
        if scenarios is None:
            scenarios = Scenarios(self._rules(), LOGIC, domain, [met, applies], cells=True)
            self._scenarios[domain] = scenarios
        self.solved += 1
        found = scenarios.solve(cells)
        for scenario in found:
            self._witnesses[met in scenario.true][scenario.cells] = None
        solved = Solved(
            met=frozenset(met in scenario.true for scenario in found),
            applies=frozenset(applies in scenario.true for scenario in found),
        )
        # Which courses there are is said by which findings a row has: no row then covers another.
        has_slots = bool(self.reach.courses)
        if len(solved.met) == len(solved.applies) == 1 and not (reasoning or has_slots):
            self._reasons.append((self._reason(cells, solved), solved))
        return solved

    def _reason(self, cells: Cells, solved: Solved) -> Cells:
        """The findings that force the outcome: each other one is let go, in order of name."""
        domain = dict(self.domain(cells))
        loose = {name: frozenset(domain[name]) for name in cells}
        kept = dict(cells)
        for name in cells:
            wider = {**kept, name: loose[name]}
            if self._solve(wider, reasoning=True) == solved:
                kept = wider
        return {name: allowed for name, allowed in kept.items() if allowed != loose[name]}

    def _rules(self) -> str:
        # Its modules are findings here, and those of other parts are not asked about.
        without = [m.shared for m in self.plan.reach[self.criterion].modules]
        return self.program.rules_of([self.criterion], without) + self._links + self.asking

    def domain(self, cells: Cells) -> Domain:
        return domain_of(self.plan, self.reach, cells)

    # ---- which elements decide ---------------------------------------------------------------

    def differ(self, one: Key, other: Key, moved: frozenset[str]) -> bool:
        """Whether two scenarios, one of each shortened row, that differ in `moved` alone differ.

        A module in `moved` can take any of its cells in either row.
        """
        if len(self.solve(one).met | self.solve(other).met) < 2:
            return False
        first = dict(one)
        second = first if one == other else dict(other)
        changed = {n for n in first.keys() | second.keys() if first.get(n) != second.get(n)}
        moved = moved | changed
        still_open = (n for row in (first, second) for n, cells in row.items() if len(cells) > 1)
        if moved.issuperset(still_open):
            # All that is open moves, so any scenario of the one goes with any of the other; and
            # between them they give both outcomes.
            return True
        return self._ask_twins(None, first, second, moved)

    def differ_in_full(self, one: Key, other: Key, moved: frozenset[str]) -> bool:
        """The same of full rows: the whole criterion is asked, modules and all."""
        first, second = dict(one), dict(other)
        changed = {n for n in first.keys() | second.keys() if first.get(n) != second.get(n)}
        return self._ask_twins("", first, second, moved | changed)

    def flips(self, module: Module, row: Key, moved: frozenset[str]) -> bool:
        """Whether moving some findings of a module alone changes it (of two-celled modules)."""
        key = (module.name, row, moved)
        if key not in self._flips:
            cells = dict(row)
            self._flips[key] = self._ask_twins(module.name, cells, cells, moved)
        return self._flips[key]

    def _ask_twins(self, part: str | None, one: Cells, other: Cells, moved: frozenset[str]) -> bool:
        """Twins of a module (its name), the whole criterion (""), or with modules as findings."""
        pairs = self._twin_pairs.setdefault((part, moved), {})
        here = _all_cells(one)
        there = here if other is one else _all_cells(other)
        sizes = (len(one), len(other))
        for first, second in pairs:
            if (len(first), len(second)) == sizes and first <= here and second <= there:
                return True
        key = (part, key_of(one), key_of(other), moved)
        if key not in self._no_twins:
            union = {n: one.get(n, _NOTHING) | other.get(n, _NOTHING) for n in {**one, **other}}
            domain = self.domain(union)
            twins = self._twins.get((part, domain))
            if twins is None:
                twins = self._twins[part, domain] = self._make_twins(part, domain)
            self.solved += 1
            pair = twins.differ(one, other, moved)
            if pair is not None:
                pairs[pair] = None
                return True
            self._no_twins.add(key)
        return False

    def _make_twins(self, part: str | None, domain: Domain) -> Twins:
        if part is None:
            return Twins(self._rules(), LOGIC, domain, self.asked)
        if not part:
            rules = self.program.rules_of([self.criterion]) + self.asking
            return Twins(rules, LOGIC, domain, self.asked)
        module = next(m for m in self.modules if m.name == part)
        rules = self.program.rules_of([module.shared])
        return Twins(rules, _MODULE_LOGIC, domain, module.atoms[0][1])


def _all_cells(cells: Cells) -> Picked:
    """All cells that a row allows: its scenarios pick one of them for each finding."""
    return frozenset([(name, cell) for name, allowed in cells.items() for cell in allowed])
