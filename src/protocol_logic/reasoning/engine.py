"""Findings to decisions: each distinct row of a criterion is solved once.

A criterion's outcome is what holds in every scenario: over all rows of the groups it reads, and
within a row over all cells that clingo may pick. Rows are split here, cells by clingo; plain
clingo on the printed program and facts gives the same (tested).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal, TypeAlias

from protocol_logic.compiling import core
from protocol_logic.compiling.lower import LOGIC, Program
from protocol_logic.compiling.plan import Module, Plan, Reach
from protocol_logic.findings.read import concept_group
from protocol_logic.findings.rows import CellSet, Group, Opener, PatientFindings, Reason, Row
from protocol_logic.reasoning.criteria import CriterionSolver, Key, domain_of
from protocol_logic.reasoning.solver import Scenarios

Outcome: TypeAlias = Literal["met", "not_met", "unknown"]
Verdict: TypeAlias = Literal["pass", "fail", "open"]
Eligibility: TypeAlias = Literal["eligible", "ineligible", "undetermined"]


@dataclass(frozen=True, slots=True)
class Gap:
    """An element that decides an unknown criterion, with why it is open."""

    element: str
    reason: Reason
    resource: str | None


@dataclass(frozen=True, slots=True)
class CriterionDecision:
    """The decision of one criterion; `gaps` only where the outcome is unknown, by element."""

    id: str
    outcome: Outcome
    verdict: Verdict
    applies: bool
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """All criteria in source order, and eligibility by joint reading."""

    criteria: tuple[CriterionDecision, ...]
    eligibility: Eligibility
    decided_jointly: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Joint:
    """One joint row of a criterion: its cells by finding, and the labels that it was chosen by."""

    cells: Key
    labels: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Read:
    """What a criterion reads, ready for look-up."""

    id: str
    inclusion: bool
    names: tuple[str, ...]
    own: tuple[str, ...]
    """The findings outside its modules."""
    modules: tuple[tuple[Module, tuple[str, ...]], ...]
    """Each module with the names of its findings, sorted."""
    elements: dict[str, str | None]
    courses: dict[str, str | None]
    """Group name of a class's courses -> element that stands for it."""


@dataclass(frozen=True, slots=True)
class _View:
    """A patient as one criterion sees it: its single findings, by name, and the groups it reads.

    `short`: the modules stand for their findings.
    """

    single: Key
    groups: tuple[Group, ...]
    short: bool


_Numbered: TypeAlias = tuple[Group, int]
"""A group, and a number that equal groups share."""
_Places: TypeAlias = tuple[tuple[str, int], ...]
"""Where openers stand: name of the finding or group, and which of its openers."""


class Engine:
    """Decides patients of one protocol; keeps every solved row."""

    def __init__(self, protocol: core.Protocol, plan: Plan, program: Program) -> None:
        self.plan = plan
        self.program = program
        self.reads = [_read_of(c, plan.reach[c.id]) for c in protocol.criteria]
        self.solvers = {c.id: CriterionSolver(c.id, plan, program) for c in protocol.criteria}
        self._groups_seen: dict[tuple[str, tuple[Row, ...]], int] = {}
        self._modules: dict[object, CellSet | None] = {}
        self._known: dict[object, CriterionDecision] = {}
        self._gaps: dict[object, tuple[tuple[str, _Places], ...]] = {}
        self._touches: dict[tuple[str, int], bool] = {}
        self._together: dict[tuple[tuple[str, ...], Key], bool] = {}
        self._together_scenarios: dict[object, Scenarios] = {}

    @property
    def solved(self) -> int:
        """How many distinct rows were solved."""
        return sum(solver.solved for solver in self.solvers.values())

    def decide(self, found: PatientFindings) -> Decision:
        """Decide every criterion and eligibility."""
        groups = [(g, self._number(g)) for g in found.groups]
        decisions = tuple(self._criterion(read, found, groups) for read in self.reads)
        verdicts = {d.verdict for d in decisions}
        if "fail" in verdicts:
            return Decision(decisions, "ineligible", ())
        if "open" not in verdicts:
            return Decision(decisions, "eligible", ())
        still_open = [r for r, d in zip(self.reads, decisions, strict=True) if d.verdict == "open"]
        jointly = self._fail_jointly(still_open, found)
        return Decision(decisions, "ineligible" if jointly else "undetermined", jointly)

    def _number(self, group: Group) -> int:
        """The same number for equal groups, so that their rows are hashed once a patient."""
        return self._groups_seen.setdefault((group.name, group.rows), len(self._groups_seen))

    # ---- one criterion -----------------------------------------------------------------------

    def _criterion(
        self, read: _Read, found: PatientFindings, all_groups: Sequence[_Numbered]
    ) -> CriterionDecision:
        groups: list[Group] = []
        numbers: tuple[int, ...] = ()
        for group, number in all_groups:
            touches = self._touches.get((read.id, number))
            if touches is None:
                touches = self._touches[read.id, number] = _touches(read, group)
            if touches:
                groups.append(group)
                numbers += (number,)
        look = found.single.get
        own = tuple(map(look, read.own))
        modules: list[CellSet | None] = []
        for module, inside in read.modules:
            cells = self._module_cells(read.id, module, inside, tuple(map(look, inside)))
            modules.append(cells)
        # With a module's finding in a group the key is that of the full row.
        whole = None if None not in modules else tuple(map(look, read.names))
        key = (read.id, own, tuple(modules), whole, numbers)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._solve(read, self._view(read, found, groups))
        if known.outcome != "unknown":
            return known
        gaps = self._gaps_of(read, found, groups, key)
        return CriterionDecision(known.id, known.outcome, known.verdict, known.applies, gaps)

    def _module_cells(
        self,
        criterion: str,
        module: Module,
        names: Sequence[str],
        cells: tuple[CellSet | None, ...],
    ) -> CellSet | None:
        """The cells of a module; None where one of its findings is in a group."""
        key = (criterion, module.name, cells)
        if key not in self._modules:
            solver = self.solvers[criterion]
            row = tuple((n, c) for n, c in zip(names, cells, strict=True) if c is not None)
            full = len(row) == len(names)
            self._modules[key] = solver.module_cells(module, row) if full else None
        return self._modules[key]

    def _view(self, read: _Read, found: PatientFindings, groups: Sequence[Group]) -> _View:
        """Short where every module's findings are single, else full."""
        single = found.single
        modules: list[tuple[str, CellSet]] = []
        for module, inside in read.modules:
            cells = self._module_cells(read.id, module, inside, tuple(map(single.get, inside)))
            if cells is None:
                return self._full_view(read, found, groups)
            modules.append((module.name, cells))
        own = [(name, single[name]) for name in read.own if name in single]
        return _View(tuple(own + modules), tuple(groups), True)

    def _full_view(self, read: _Read, found: PatientFindings, groups: Sequence[Group]) -> _View:
        single = tuple((n, found.single[n]) for n in read.names if n in found.single)
        return _View(single, tuple(groups), False)

    def _solve(self, read: _Read, view: _View) -> CriterionDecision:
        met: set[bool] = set()
        applies: set[bool] = set()
        solver = self.solvers[read.id]
        for cells in dict.fromkeys(joint.cells for joint in _joint_rows([read], view)):
            solved = solver.solve(cells if view.short else solver.shorten(cells))
            met |= solved.met
            applies |= solved.applies
            if len(met) == len(applies) == 2:
                break
        if len(met) == 2:
            return CriterionDecision(read.id, "unknown", "open", True in applies)
        outcome: Outcome = "met" if True in met else "not_met"
        verdict: Verdict = "pass" if (True in met) == read.inclusion else "fail"
        return CriterionDecision(read.id, outcome, verdict, True in applies)

    # ---- gaps --------------------------------------------------------------------------------

    def _gaps_of(
        self, read: _Read, found: PatientFindings, groups: Sequence[Group], key: object
    ) -> tuple[Gap, ...]:
        look = found.open_elements.get
        memo = (key, tuple(map(look, read.names)), tuple([look(group.name) for group in groups]))
        deciding = self._gaps.get(memo)
        if deciding is None:
            stands = _stands_for(read, groups)
            elements = self._deciding(read, found, groups, stands)
            deciding = self._gaps[memo] = _openers_of(elements, read, found, groups, stands)
        gaps = []
        for element, places in deciding:
            openers = [found.openers[name][i] for name, i in places]
            opener = openers[0] if len(openers) == 1 else min(openers, key=_place)
            gaps.append(Gap(element, opener.reason, opener.resource))
        return tuple(gaps)

    def _deciding(
        self,
        read: _Read,
        found: PatientFindings,
        groups: Sequence[Group],
        stands: dict[tuple[str, str], str],
    ) -> tuple[str, ...]:
        """The elements that decide an unknown criterion, sorted."""
        view = self._view(read, found, groups)
        moves = self._moves(read, found, view, stands)
        if moves is None:  # an element reaches into a module and beyond: ask in full
            view = self._full_view(read, found, groups)
            moves = self._moves(read, found, view, stands) or {}
        renamed = {old: new for (_, old), new in stands.items()}
        joints = list(_joint_rows([read], view))
        return tuple(
            element
            for element in sorted(moves)
            if self._decides(
                read.id, element, frozenset(moves[element]), joints, renamed, view.short
            )
        )

    def _moves(
        self,
        read: _Read,
        found: PatientFindings,
        view: _View,
        stands: dict[tuple[str, str], str],
    ) -> dict[str, set[str]] | None:
        """Element -> the findings of the view that it moves; None where a full view is needed."""
        moves: dict[str, set[str]] = {}
        for group in view.groups:
            for opener in found.openers.get(group.name, ()):
                element = stands.get((group.name, opener.element), opener.element)
                moves.setdefault(element, set())
        inside: dict[str, dict[str, set[str]]] = {}
        module_of = {n: m.name for m, names in read.modules for n in names} if view.short else {}
        for name, instead in read.elements.items():
            for opener in found.openers.get(name, ()):
                element = instead or opener.element
                if name in module_of:
                    inside.setdefault(module_of[name], {}).setdefault(element, set()).add(name)
                else:
                    moves.setdefault(element, set()).add(name)
        for module, names in read.modules if inside else ():
            row: Key = tuple((n, found.single[n]) for n in names)
            whole = {n for n, cells in row if len(cells) > 1}
            for element, moved in inside.get(module.name, {}).items():
                if moved >= whole:
                    moves.setdefault(element, set()).add(module.name)
                elif (
                    element in moves
                    or len(module.cells) > 2
                    or sum(element in others for others in inside.values()) > 1
                ):
                    return None
                elif self.solvers[read.id].flips(module, row, frozenset(moved)):
                    moves[element] = {module.name}
        return moves

    def _decides(
        self,
        criterion: str,
        element: str,
        moved: frozenset[str],
        joints: Sequence[_Joint],
        renamed: dict[str, str],
        short: bool,
    ) -> bool:
        """Whether two scenarios that differ in this element alone give different outcomes."""
        solver = self.solvers[criterion]
        # Rows that agree on every other element.
        classes: dict[tuple[tuple[str, str], ...], dict[Key, None]] = {}
        for joint in joints:
            rest = tuple(x for x in joint.labels if renamed.get(x[0], x[0]) != element)
            classes.setdefault(rest, {})[joint.cells] = None
        differ = solver.differ if short else solver.differ_in_full
        return any(
            differ(one, other, moved)
            for rows in dict.fromkeys(map(tuple, classes.values()))
            for i, one in enumerate(rows)
            for other in rows[i:]
            if moved or one != other
        )

    # ---- eligibility -------------------------------------------------------------------------

    def _fail_jointly(self, still_open: list[_Read], found: PatientFindings) -> tuple[str, ...]:
        """The first minimal set of open criteria that no scenario lets pass together."""
        for component in self._sharing(still_open, found):
            if len(component) > 1 and not self._possible(component, found):
                needed = list(component)
                for read in component:
                    fewer = [r for r in needed if r is not read]
                    if len(fewer) > 1 and not self._possible(fewer, found):
                        needed = fewer
                return tuple(r.id for r in needed)
        return ()

    def _sharing(self, reads: list[_Read], found: PatientFindings) -> list[list[_Read]]:
        """Criteria joined where they share a group or an open finding."""
        components: list[tuple[set[str], list[_Read]]] = []
        for read in reads:
            shares = {n for n in read.names if len(found.single.get(n, ())) > 1}
            shares |= {f"group {g.name}" for g in _groups([read], found) if len(g.rows) > 1}
            joined = [read]
            apart = []
            for names, members in components:
                if names & shares:
                    shares |= names
                    joined = [*members, *joined]
                else:
                    apart.append((names, members))
            components = [*apart, (shares, joined)]
        order = {r.id: i for i, r in enumerate(self.reads)}
        return [sorted(members, key=lambda r: order[r.id]) for _, members in components]

    def _possible(self, reads: list[_Read], found: PatientFindings) -> bool:
        """Whether some scenario lets all of the criteria pass."""
        chosen = tuple(r.id for r in reads)
        names = dict.fromkeys(n for r in reads for n in r.names)
        single = tuple((n, found.single[n]) for n in names if n in found.single)
        view = _View(single, tuple(_groups(reads, found)), False)
        for cells in dict.fromkeys(joint.cells for joint in _joint_rows(reads, view)):
            key = (chosen, cells)
            if key not in self._together:
                self._together[key] = self._pass_together(chosen, dict(cells))
            if self._together[key]:
                return True
        return False

    def _pass_together(self, chosen: tuple[str, ...], cells: dict[str, CellSet]) -> bool:
        domain = tuple(
            sorted({d for k in chosen for d in domain_of(self.plan, self.plan.reach[k], cells)})
        )
        scenarios = self._together_scenarios.get((chosen, domain))
        if scenarios is None:
            scenarios = Scenarios(self.program.rules_of(chosen), LOGIC, domain, ["eligible"])
            self._together_scenarios[chosen, domain] = scenarios
        return any("eligible" in found.true for found in scenarios.solve(cells))


def _read_of(criterion: core.Criterion, reach: Reach) -> _Read:
    inside = {n for m in reach.modules for n in m.findings}
    return _Read(
        id=criterion.id,
        inclusion=criterion.polarity == "inclusion",
        names=tuple(reach.findings),
        own=tuple(n for n in reach.findings if n not in inside),
        modules=tuple((m, tuple(sorted(m.findings))) for m in reach.modules),
        elements=reach.findings,
        courses={concept_group(c): element for c, element in reach.courses.items()},
    )


def _touches(read: _Read, group: Group) -> bool:
    return group.name in read.courses or not group.findings.isdisjoint(read.elements)


def _openers_of(
    elements: Sequence[str],
    read: _Read,
    found: PatientFindings,
    groups: Sequence[Group],
    stands: dict[tuple[str, str], str],
) -> tuple[tuple[str, _Places], ...]:
    """For each deciding element, the openers that tell why it is open."""
    places: dict[str, list[tuple[str, int]]] = {element: [] for element in elements}
    for name in (*read.names, *(group.name for group in groups)):
        instead = read.elements.get(name)
        for i, opener in enumerate(found.openers.get(name, ())):
            element = instead or stands.get((name, opener.element)) or opener.element
            if element in places:
                places[element].append((name, i))
    return tuple((element, tuple(places[element])) for element in elements)


def _groups(reads: Sequence[_Read], found: PatientFindings) -> list[Group]:
    """The groups that some of the criteria read."""
    return [g for g in found.groups if any(_touches(read, g) for read in reads)]


def _joint_rows(reads: Sequence[_Read], view: _View) -> Iterator[_Joint]:
    """All combinations of the groups' rows, with the single cells of the view."""
    names = {n for r in reads for n in r.names}
    courses = {name for r in reads for name in r.courses}
    options: list[list[_Joint]] = []
    for group in view.groups:
        everything = group.name in courses
        rows = {
            _Joint(tuple(c for c in row.cells if everything or c[0] in names), row.labels)
            for row in group.rows
        }
        options.append(sorted(rows, key=lambda joint: joint.labels))
    for chosen in product(*options):
        cells = [*view.single, *(cell for joint in chosen for cell in joint.cells)]
        labels = tuple(label for joint in chosen for label in joint.labels)
        yield _Joint(tuple(sorted(cells, key=lambda c: c[0])), labels)


def _stands_for(read: _Read, groups: Sequence[Group]) -> dict[tuple[str, str], str]:
    """(group, element of a label) -> the element that stands for it in this criterion."""
    instead: dict[tuple[str, str], str] = {}
    for group in groups:
        names = {read.elements[n] for n in group.findings if n in read.elements}
        if group.name in read.courses:
            names.add(read.courses[group.name])
        common = names.pop() if len(names) == 1 else None
        for row in group.rows if common else ():
            for element, _ in row.labels:
                instead[group.name, element] = common or element
    return instead


# Of several reasons the one that says most.
_RANK: dict[Reason, int] = {
    "unreadable": 0,
    "conflicting": 1,
    "imprecise": 2,
    "no_reference_range": 3,
    "stale": 4,
    "not_closed": 5,
    "absent": 6,
}


def _place(opener: Opener) -> tuple[int, str]:
    return (_RANK[opener.reason], opener.resource or "")
