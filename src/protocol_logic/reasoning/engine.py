"""Findings to decisions: each distinct row of a criterion is solved once.

A criterion's outcome is what holds in every scenario: over all rows of the groups it reads, and
within a row over all cells that clingo may pick. Rows are split here, cells by clingo; plain
clingo on the printed program and facts gives the same (tested).

Long, since the ways to save solving (parts, modules, reasons, witnesses) share what they keep.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

from protocol_logic.compiling import core
from protocol_logic.compiling.lower import LOGIC, Program
from protocol_logic.compiling.plan import Module, Plan, Reach
from protocol_logic.findings.read import table_of
from protocol_logic.findings.rows import (
    CellSet,
    FindingsTable,
    Group,
    Look,
    PatientFindings,
    look,
)
from protocol_logic.reasoning.criteria import CriterionSolver, Key, domain_of
from protocol_logic.reasoning.decision import (
    CriterionDecision,
    Decision,
    Eligibility,
    Outcome,
    Places,
    ScopeDecision,
    Told,
    Verdict,
)
from protocol_logic.reasoning.reads import (
    Joint,
    Read,
    View,
    groups_of,
    joint_rows,
    openers_of,
    read_of,
    stands_for,
    touches,
)
from protocol_logic.reasoning.shared import Solvers
from protocol_logic.reasoning.solver import Scenarios

_T = TypeVar("_T")
_NO_GROUPS: Mapping[int, list[Group]] = MappingProxyType({})


class Engine:
    """Decides patients of one protocol; keeps every solved row."""

    def __init__(
        self,
        protocol: core.Protocol,
        plan: Plan,
        program: Program,
        shared: Solvers | None = None,
    ) -> None:
        """`shared`: the solvers of the protocols that are decided beside this one."""
        self.plan = plan
        self.program = program
        self.solvers: dict[str, CriterionSolver] = {}
        self._shared = shared or Solvers()
        self.reads = [self._prepare(c, plan.reach[c.id]) for c in protocol.criteria]
        self.scopes = [
            (scope.id, [i for i, c in enumerate(protocol.criteria) if _counts(c, scope)])
            for scope in protocol.scopes
        ]
        self._columns: dict[str, dict[object, Told]] = {}
        self._module_looks: dict[tuple[str, str], dict[object, Look]] = {}
        self._modules: dict[object, CellSet | None] = {}
        self._told: dict[object, Told] = {}
        self._decided: dict[object, tuple[str, ...]] = {}
        self._together: dict[tuple[tuple[str, ...], Key], bool] = {}
        self._together_scenarios: dict[object, Scenarios] = {}

    @property
    def solved(self) -> int:
        """How many distinct rows were solved."""
        return sum(solver.solved for solver in self.solvers.values())

    def _prepare(self, criterion: core.Criterion, reach: Reach) -> Read:
        """Solvers of a criterion and of its parts, and what they read."""
        parts = []
        for number, part in enumerate(reach.parts, 1):
            name = f"{criterion.id}/{number}"
            self.solvers[name] = self._shared.of(criterion.id, self.plan, self.program, part)
            parts.append(read_of(name, True, part.reach, self.plan))
        self.solvers[criterion.id] = self._shared.of(criterion.id, self.plan, self.program)
        inclusion = criterion.polarity == "inclusion"
        return read_of(criterion.id, inclusion, reach, self.plan, tuple(parts))

    def decide(self, found: PatientFindings) -> Decision:
        """Decide every criterion and eligibility of one patient."""
        return self.decide_all(table_of(self.plan, [found]))[0]

    def decide_all(self, table: FindingsTable) -> list[Decision]:
        """Decide a batch of patients, column by column."""
        therapies = {name for name in table.columns if name not in self.plan.findings}
        # Patients some of whose findings share an uncertain fact, with those groups.
        joint: dict[int, list[Group]] = {}
        for i, patient in enumerate(table.patients):
            groups = [g for g in patient.groups if g.name not in therapies]
            if groups:
                joint[i] = groups
        told = [self._criterion_column(read, table, joint) for read in self.reads]
        return [
            self._decision(found, each)
            for found, each in zip(table.patients, zip(*told, strict=True), strict=True)
        ]

    def _decision(self, found: PatientFindings, told: Sequence[Told]) -> Decision:
        decisions = tuple(
            [each.decision if not each.deciding else each.for_patient(found) for each in told]
        )
        if not self.scopes:
            return Decision(decisions, *self.judge(found, decisions))
        scopes = tuple(
            [
                ScopeDecision(scope, *self.judge(found, [decisions[i] for i in counting]))
                for scope, counting in self.scopes
            ]
        )
        return Decision(decisions, over_scopes(scope.eligibility for scope in scopes), (), scopes)

    def judge(
        self, found: PatientFindings, decisions: Sequence[CriterionDecision]
    ) -> tuple[Eligibility, tuple[str, ...]]:
        """What follows from some criteria, and those that no scenario lets pass together."""
        verdicts = {decision.verdict for decision in decisions}
        if "fail" in verdicts:
            return "ineligible", ()
        if "open" not in verdicts:
            return "eligible", ()
        still_open = {decision.id for decision in decisions if decision.verdict == "open"}
        jointly = self._fail_jointly([r for r in self.reads if r.id in still_open], found)
        return "ineligible" if jointly else "undetermined", jointly

    def outcome(self, criterion: str, found: PatientFindings) -> Outcome:
        """The outcome of one criterion, without what keeps it open."""
        read = next(each for each in self.reads if each.id == criterion)
        return self._outcome(read, found).outcome

    def eligibility(self, found: PatientFindings) -> Eligibility:
        """The eligibility of one patient, without what keeps it open."""
        decisions = [self._outcome(read, found) for read in self.reads]
        if not self.scopes:
            return self.judge(found, decisions)[0]
        return over_scopes(
            self.judge(found, [decisions[i] for i in counting])[0] for _, counting in self.scopes
        )

    def _outcome(self, read: Read, found: PatientFindings) -> CriterionDecision:
        return self._solve(read, self._full_view(read, found, groups_of([read], found)))

    # ---- columns -----------------------------------------------------------------------------

    def _criterion_column(
        self, read: Read, table: FindingsTable, joint: dict[int, list[Group]]
    ) -> list[Told]:
        """What a criterion says of each patient: of its parts together."""
        if not read.parts:
            return self.part_column(read, table, joint)
        parts = [self.part_column(part, table, joint) for part in read.parts]
        keys = list(zip(*parts, strict=True))
        column = [self.together(read, key) for key in keys]
        for i, groups in joint.items():
            # A fact that two parts share: they do not go any way together.
            if any(sum(touches(part, g) for part in read.parts) > 1 for g in groups):
                column[i] = self.tell(read, table.patients[i])
        return column

    def together(self, read: Read, parts: tuple[Told, ...]) -> Told:
        """What a criterion says where its parts say this, and share no uncertain fact."""
        known = self._columns.setdefault(read.id, {})
        if parts not in known:
            known[parts] = _all_hold(read, parts)
        return known[parts]

    def part_column(
        self, read: Read, table: FindingsTable, joint: Mapping[int, list[Group]] = _NO_GROUPS
    ) -> list[Told]:
        """What a criterion without parts, or a part of one, says of each patient."""
        alone = {i for i, groups in joint.items() if any(touches(read, g) for g in groups)}
        columns: list[list[Look | None]] = [table.columns[name] for name in read.own]
        for module, inside in read.modules:
            columns.append(self._module_column(read, module, inside, table, alone))
        columns += [table.columns[name] for name in read.groups]
        known = self._columns.setdefault(read.id, {})
        keys: list[Any] = list(zip(*columns, strict=True)) if len(columns) > 1 else columns[0]

        def made(i: int) -> Told:
            patient = table.patients[i]
            return self._tell(read, patient, [g for g in patient.groups if g.name in read.groups])

        told: list[Any] = _filled(keys, known, alone, made)
        for i in alone:
            told[i] = self.tell(read, table.patients[i])
        return told

    def _module_column(
        self,
        read: Read,
        module: Module,
        inside: Sequence[str],
        table: FindingsTable,
        alone: set[int],
    ) -> list[Look | None]:
        """A module as a finding of its own: the cells it can have, and what keeps it open."""
        known = self._module_looks.setdefault((read.id, module.name), {})
        keys = list(zip(*(table.columns[name] for name in inside), strict=True))
        return _filled(
            keys, known, alone, lambda i: self._module_look(read, module, inside, keys[i])
        )

    def _module_look(
        self, read: Read, module: Module, inside: Sequence[str], key: tuple[Look | None, ...]
    ) -> Look:
        row: Key = tuple(
            (name, each.what)  # type: ignore[misc]
            for name, each in zip(inside, key, strict=True)
            if each is not None
        )
        cells = self.solvers[read.id].module_cells(module, row)
        moved: dict[str, set[str]] = {}
        for name, each in zip(inside, key, strict=True):
            for element in each.elements if each is not None else ():
                moved.setdefault(read.elements[name] or element, set()).add(name)
        whole = {name for name, allowed in row if len(allowed) > 1}
        if all(names >= whole for names in moved.values()) and len(cells) > 1:
            # Patients look alike only where the same findings are open, for the same reasons.
            return look(
                cells,
                tuple(
                    f"{name} {element}"
                    for name, each in zip(inside, key, strict=True)
                    for element in (each.elements if each is not None else ())
                ),
            )
        if len(cells) == 1:
            return look(cells, ())
        # An element that moves part of it: then the whole row tells it from others.
        return Look(cells, tuple(moved))

    def _tell(self, read: Read, found: PatientFindings, groups: Sequence[Group]) -> Told:
        """Solve a criterion or part for the first patient who looks like this."""
        view = self._view(read, found, groups)
        known = self._solve(read, view)
        if known.outcome != "unknown":
            return Told(known)
        stands = stands_for(read, groups)
        elements = self._deciding(read, found, groups, stands)
        return Told(known, openers_of(elements, read, found, view, stands))

    # ---- one criterion, one patient ----------------------------------------------------------

    def tell(self, read: Read, found: PatientFindings) -> Told:
        """What a criterion, or part of one, says of one patient."""
        groups = [group for group in found.groups if touches(read, group)]
        looks = found.looks
        key = (
            read.id,
            tuple(map(looks.get, read.names)),
            tuple([looks[group.name] for group in groups]),
            tuple([found.open_elements.get(n) for g in groups for n in sorted(g.findings)]),
        )
        told = self._told.get(key)
        if told is None:
            told = self._told[key] = self._tell(read, found, groups)
        return told

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

    def _view(self, read: Read, found: PatientFindings, groups: Sequence[Group]) -> View:
        """Short where every module's findings are single, else full."""
        single = found.single
        modules: list[tuple[str, CellSet]] = []
        for module, inside in read.modules:
            cells = self._module_cells(read.id, module, inside, tuple(map(single.get, inside)))
            if cells is None:
                return self._full_view(read, found, groups)
            modules.append((module.name, cells))
        own = [(name, single[name]) for name in read.own if name in single]
        return View(tuple(own + modules), tuple(groups), True)

    def _full_view(self, read: Read, found: PatientFindings, groups: Sequence[Group]) -> View:
        single = tuple((n, found.single[n]) for n in read.names if n in found.single)
        return View(single, tuple(groups), False)

    def _solve(self, read: Read, view: View) -> CriterionDecision:
        met: set[bool] = set()
        applies: set[bool] = set()
        solver = self.solvers[read.id]
        for cells in dict.fromkeys(joint.cells for joint in joint_rows([read], view)):
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

    def _deciding(
        self,
        read: Read,
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
        asked = tuple((element, frozenset(moved)) for element, moved in sorted(moves.items()))
        key = (read.id, view.short, view.single, asked)
        if not groups and key in self._decided:
            return self._decided[key]
        joints = list(joint_rows([read], view))
        deciding = tuple(
            element
            for element, moved in asked
            if self._decides(read.id, element, moved, joints, renamed, view.short)
        )
        if not groups:
            self._decided[key] = deciding
        return deciding

    def _moves(
        self,
        read: Read,
        found: PatientFindings,
        view: View,
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
        joints: Sequence[Joint],
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

    def fail_jointly(self, criteria: Container[str], found: PatientFindings) -> tuple[str, ...]:
        """The first minimal set of some open criteria that no scenario lets pass together."""
        return self._fail_jointly([read for read in self.reads if read.id in criteria], found)

    def _fail_jointly(self, still_open: list[Read], found: PatientFindings) -> tuple[str, ...]:
        """The first minimal set of open criteria that no scenario lets pass together."""
        for component in self.sharing(still_open, found):
            if len(component) > 1 and not self._possible(component, found):
                needed = list(component)
                for read in component:
                    fewer = [r for r in needed if r is not read]
                    if len(fewer) > 1 and not self._possible(fewer, found):
                        needed = fewer
                return tuple(r.id for r in needed)
        return ()

    def sharing(self, reads: list[Read], found: PatientFindings) -> list[list[Read]]:
        """Criteria joined where they share a group or an open finding."""
        components: list[tuple[set[str], list[Read]]] = []
        groups = [group for group in found.groups if group.is_open]
        for read in reads:
            shares = {n for n in read.names if len(found.single.get(n, ())) > 1}
            shares |= {f"group {g.name}" for g in groups if touches(read, g)}
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

    def _possible(self, reads: list[Read], found: PatientFindings) -> bool:
        """Whether some scenario lets all of the criteria pass."""
        chosen = tuple(r.id for r in reads)
        names = dict.fromkeys(n for r in reads for n in r.names)
        single = tuple((n, found.single[n]) for n in names if n in found.single)
        view = View(single, tuple(groups_of(reads, found)), False)
        for cells in dict.fromkeys(joint.cells for joint in joint_rows(reads, view)):
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


def _counts(criterion: core.Criterion, scope: core.Scope) -> bool:
    return not criterion.scopes or scope.id in criterion.scopes


def over_scopes(scopes: Iterable[Eligibility]) -> Eligibility:
    """Eligible for one scope is eligible; ineligible is so for all."""
    said = set(scopes)
    if "eligible" in said:
        return "eligible"
    return "ineligible" if said == {"ineligible"} else "undetermined"


def _filled(
    keys: Sequence[Any], known: dict[Any, _T], without: Container[int], make: Callable[[int], _T]
) -> list[_T | None]:
    """What is known of each key; what is not is made at its first place, and then known."""
    column = list(map(known.get, keys))
    for i, each in enumerate(column):
        if each is None and i not in without:
            if keys[i] not in known:
                known[keys[i]] = make(i)
            column[i] = known[keys[i]]
    return column


def _all_hold(read: Read, parts: Sequence[Told]) -> Told:
    """A criterion of the parts it falls into: they share nothing, so they go any way together."""
    outcomes = {part.decision.outcome for part in parts}
    outcome: Outcome = "met"
    if outcomes != {"met"}:
        outcome = "not_met" if "not_met" in outcomes else "unknown"
    verdict: Verdict = "open"
    if outcome != "unknown":
        verdict = "pass" if (outcome == "met") == read.inclusion else "fail"
    # What decides an open part decides the whole: every other part can hold.
    deciding: dict[str, Places] = {}
    for part in parts if outcome == "unknown" else ():
        for element, places in part.deciding:
            deciding[element] = deciding.get(element, ()) + places
    decision = CriterionDecision(read.id, outcome, verdict, True)
    return Told(decision, tuple(sorted(deciding.items())))
