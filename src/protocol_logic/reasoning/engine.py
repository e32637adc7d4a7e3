"""Findings to decisions: each distinct row of a criterion is solved once.

A criterion's outcome is what holds in every scenario: over all rows of the groups it reads, and
within a row over all cells that clingo may pick. Rows are split here, cells by clingo; plain
clingo on the printed program and facts gives the same (tested).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal, TypeAlias

from protocol_logic.compiling import core
from protocol_logic.compiling.lower import Program
from protocol_logic.compiling.plan import Plan
from protocol_logic.findings.read import concept_group
from protocol_logic.findings.rows import CellSet, Group, Opener, PatientFindings
from protocol_logic.reasoning.solver import Domain, Outcomes, Together, Twins

Outcome: TypeAlias = Literal["met", "not_met", "unknown"]
Verdict: TypeAlias = Literal["pass", "fail", "open"]
Eligibility: TypeAlias = Literal["eligible", "ineligible", "undetermined"]

MOST_COMBINATIONS = 20_000
"""Joint rows of one criterion; beyond, it is left unknown, which is sound."""


@dataclass(frozen=True, slots=True)
class Gap:
    """An element that decides an unknown criterion, with why it is open."""

    element: str
    reason: str
    resource: str | None


@dataclass(frozen=True, slots=True)
class CriterionDecision:
    """The decision of one criterion; `gaps` only where the outcome is unknown, by element."""

    id: str
    outcome: Outcome
    verdict: Verdict
    applies: bool
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """All criteria in source order, and eligibility by joint reading."""

    criteria: tuple[CriterionDecision, ...]
    eligibility: Eligibility
    decided_jointly: tuple[str, ...]


Cells: TypeAlias = Mapping[str, CellSet]
_Key: TypeAlias = tuple[tuple[str, CellSet], ...]


@dataclass(frozen=True, slots=True)
class _Joint:
    """One joint row of a criterion: its cells by finding, and the labels that it was chosen by."""

    cells: _Key
    labels: tuple[tuple[str, str], ...]


class Engine:
    """Decides patients of one protocol; keeps every solved row."""

    def __init__(self, protocol: core.Protocol, plan: Plan, program: Program) -> None:
        self.protocol = protocol
        self.plan = plan
        self.program = program
        self.polarity = {c.id: c.polarity for c in protocol.criteria}
        self.solved = 0
        self._outcomes: dict[tuple[str, _Key], tuple[frozenset[bool], frozenset[bool]]] = {}
        self._rows: dict[object, tuple[Outcome, bool]] = {}
        self._gaps: dict[object, tuple[str, ...]] = {}
        self._together: dict[tuple[tuple[str, ...], _Key], bool] = {}
        self._controls: dict[object, Outcomes | Together | Twins] = {}
        self._names = {k: tuple(reach.findings) for k, reach in plan.reach.items()}

    def decide(self, found: PatientFindings) -> Decision:
        """Decide every criterion and eligibility."""
        decisions = tuple(self._criterion(c.id, found) for c in self.protocol.criteria)
        verdicts = {d.verdict for d in decisions}
        if "fail" in verdicts:
            return Decision(decisions, "ineligible", ())
        if "open" not in verdicts:
            return Decision(decisions, "eligible", ())
        jointly = self._fail_jointly([d.id for d in decisions if d.verdict == "open"], found)
        return Decision(decisions, "ineligible" if jointly else "undetermined", jointly)

    # ---- one criterion -----------------------------------------------------------------------

    def _criterion(self, criterion: str, found: PatientFindings) -> CriterionDecision:
        groups = self._groups((criterion,), found)
        single = found.single
        key = (
            criterion,
            tuple(single.get(name) for name in self._names[criterion]),
            tuple(group.rows for group in groups),
        )
        known = self._rows.get(key)
        if known is None:
            known = self._rows[key] = self._solve(criterion, found, groups)
        outcome, applies = known
        gaps: tuple[Gap, ...] = ()
        if outcome == "unknown":
            gaps = self._gaps_of(criterion, found, groups, key)
        return CriterionDecision(criterion, outcome, self._verdict(criterion, outcome), applies, gaps)

    def _verdict(self, criterion: str, outcome: Outcome) -> Verdict:
        if outcome == "unknown":
            return "open"
        passes = (outcome == "met") == (self.polarity[criterion] == "inclusion")
        return "pass" if passes else "fail"

    def _solve(
        self, criterion: str, found: PatientFindings, groups: Sequence[Group]
    ) -> tuple[Outcome, bool]:
        met: set[bool] = set()
        applies: set[bool] = set()
        for cells in self._vectors((criterion,), found, groups):
            more_met, more_applies = self._row(criterion, cells)
            met |= more_met
            applies |= more_applies
            if len(met) == len(applies) == 2:
                break
        outcome: Outcome = "unknown" if len(met) == 2 else "met" if True in met else "not_met"
        return outcome, True in applies

    def _row(self, criterion: str, cells: _Key) -> tuple[frozenset[bool], frozenset[bool]]:
        """What the scenarios of one row give; solved once for each distinct row."""
        key = (criterion, cells)
        if key not in self._outcomes:
            domain = self._domain(dict(cells))
            control = self._controls.get((criterion, domain))
            if control is None:
                control = Outcomes(self.program, criterion, domain)
                self._controls[criterion, domain] = control
            assert isinstance(control, Outcomes)
            self.solved += 1
            self._outcomes[key] = control.solve(dict(cells))
        return self._outcomes[key]

    def _domain(self, cells: Cells) -> Domain:
        """All cells of the findings; those of courses and events are as the row has them."""
        findings = self.plan.findings
        return tuple(
            (name, findings[name].cells if name in findings else tuple(sorted(cells[name])))
            for name in cells
        )

    # ---- rows --------------------------------------------------------------------------------

    def _groups(self, criteria: Sequence[str], found: PatientFindings) -> list[Group]:
        """The groups that some of the criteria read."""
        names: set[str] = set()
        courses: set[str] = set()
        for criterion in criteria:
            reach = self.plan.reach[criterion]
            names.update(reach.findings)
            courses.update(concept_group(concept) for concept in reach.courses)
        return [g for g in found.groups if g.name in courses or not names.isdisjoint(g.findings())]

    def _joint_rows(
        self, criteria: Sequence[str], found: PatientFindings, groups: Sequence[Group]
    ) -> Iterator[_Joint]:
        """All combinations of the groups' rows, with the cells of the single findings."""
        names = dict.fromkeys(n for k in criteria for n in self._names[k])
        single = [(n, found.single[n]) for n in names if n in found.single]
        wanted = {concept_group(c) for k in criteria for c in self.plan.reach[k].courses}
        options: list[list[_Joint]] = []
        for group in groups:
            everything = group.name in wanted
            rows = {
                _Joint(tuple(rc for rc in row.cells if everything or rc[0] in names), row.labels)
                for row in group.rows
            }
            options.append(sorted(rows, key=lambda j: j.labels))
        for chosen in product(*options):
            cells = [*single, *(cell for joint in chosen for cell in joint.cells)]
            labels = tuple(label for joint in chosen for label in joint.labels)
            yield _Joint(tuple(sorted(cells, key=lambda c: c[0])), labels)

    def _vectors(
        self, criteria: Sequence[str], found: PatientFindings, groups: Sequence[Group]
    ) -> Iterator[_Key]:
        """The distinct rows of cells."""
        seen: set[_Key] = set()
        for joint in self._joint_rows(criteria, found, groups):
            if joint.cells not in seen:
                seen.add(joint.cells)
                yield joint.cells

    # ---- gaps --------------------------------------------------------------------------------

    def _gaps_of(
        self, criterion: str, found: PatientFindings, groups: Sequence[Group], key: object
    ) -> tuple[Gap, ...]:
        moves, why = self._elements(criterion, found, groups)
        memo = (key, tuple((e, *sorted(f)) for e, f in sorted(moves.items())))
        if memo not in self._gaps:
            joints = list(self._joint_rows((criterion,), found, groups))
            stands = self._stands_for(criterion, groups)
            self._gaps[memo] = tuple(
                element
                for element in sorted(moves)
                if self._decides(criterion, element, moves[element], joints, stands)
            )
        gaps = []
        for element in self._gaps[memo]:
            opener = why.get(element)
            gaps.append(
                Gap(element, opener.reason if opener else "absent", opener and opener.resource)
            )
        return tuple(gaps)

    def _elements(
        self, criterion: str, found: PatientFindings, groups: Sequence[Group]
    ) -> tuple[dict[str, set[str]], dict[str, Opener]]:
        """Element -> the findings it moves, and why it is open."""
        reach = self.plan.reach[criterion]
        moves: dict[str, set[str]] = {}
        why: dict[str, Opener] = {}
        stands = self._stands_for(criterion, groups)
        for name, instead in reach.findings.items():
            for opener in found.openers.get(name, ()):
                element = instead or opener.element
                moves.setdefault(element, set()).add(name)
                _keep(why, element, opener)
        for group in groups:
            for opener in found.openers.get(group.name, ()):
                element = stands.get((group.name, opener.element), opener.element)
                moves.setdefault(element, set())
                _keep(why, element, opener)
        return moves, why

    def _stands_for(
        self, criterion: str, groups: Sequence[Group]
    ) -> dict[tuple[str, str], str]:
        """(group, element of a label) -> the element that stands for it in this criterion."""
        reach = self.plan.reach[criterion]
        instead: dict[tuple[str, str], str] = {}
        for group in groups:
            names = [reach.findings[n] for n in group.findings() if n in reach.findings]
            names += [e for c, e in reach.courses.items() if concept_group(c) == group.name]
            common = names[0] if names and len(set(names)) == 1 else None
            for row in group.rows if common else ():
                for element, _ in row.labels:
                    instead[group.name, element] = common or element
        return instead

    def _decides(
        self,
        criterion: str,
        element: str,
        moved: set[str],
        joints: Sequence[_Joint],
        stands: Mapping[tuple[str, str], str],
    ) -> bool:
        """Whether two scenarios that differ in this element alone give different outcomes."""
        renamed = {old: new for (_, old), new in stands.items()}
        classes: dict[tuple[tuple[str, str], ...], dict[_Key, None]] = {}
        for joint in joints:
            rest = tuple(x for x in joint.labels if renamed.get(x[0], x[0]) != element)
            classes.setdefault(rest, {})[joint.cells] = None
        for rows in classes.values():
            outcomes = {m for row in rows for m in self._row(criterion, row)[0]}
            if len(outcomes) == 2 and self._some_twins(criterion, moved, list(rows)):
                return True
        return False

    def _some_twins(self, criterion: str, moved: set[str], rows: list[_Key]) -> bool:
        for i, one in enumerate(rows):
            for other in rows[i:]:
                first, second = dict(one), dict(other)
                names = {**first, **second}
                changed = {n for n in names if first.get(n) != second.get(n)}
                if not changed and not moved:
                    continue
                if len(self._row(criterion, one)[0] | self._row(criterion, other)[0]) < 2:
                    continue
                twins = self._twins(criterion, names)
                if twins.differ(first, second, moved | changed):
                    return True
        return False

    def _twins(self, criterion: str, cells: Cells) -> Twins:
        domain = self._domain(dict(sorted(cells.items())))
        control = self._controls.get(("twins", criterion, domain))
        if control is None:
            control = Twins(self.program, criterion, domain)
            self._controls["twins", criterion, domain] = control
        assert isinstance(control, Twins)
        return control

    # ---- eligibility -------------------------------------------------------------------------

    def _fail_jointly(self, open_ones: list[str], found: PatientFindings) -> tuple[str, ...]:
        """The first minimal set of open criteria that no scenario lets pass together."""
        for component in self._sharing(open_ones, found):
            if len(component) > 1 and not self._possible(component, found):
                needed = list(component)
                for criterion in component:
                    fewer = [k for k in needed if k != criterion]
                    if len(fewer) > 1 and not self._possible(fewer, found):
                        needed = fewer
                return tuple(needed)
        return ()

    def _sharing(self, criteria: list[str], found: PatientFindings) -> list[list[str]]:
        """Open criteria joined where they share a group or an open finding."""
        components: list[tuple[set[str], list[str]]] = []
        for criterion in criteria:
            reach = self.plan.reach[criterion]
            shares = {n for n in reach.findings if len(found.single.get(n, ())) > 1}
            shares |= {f"group {g.name}" for g in self._groups((criterion,), found)}
            joined = [criterion]
            apart = []
            for names, members in components:
                if names & shares:
                    shares |= names
                    joined = [*members, *joined]
                else:
                    apart.append((names, members))
            components = [*apart, (shares, joined)]
        return [members for _, members in components]

    def _possible(self, criteria: list[str], found: PatientFindings) -> bool:
        chosen = tuple(criteria)
        groups = self._groups(chosen, found)
        for cells in self._vectors(chosen, found, groups):
            key = (chosen, cells)
            if key not in self._together:
                domain = self._domain(dict(cells))
                control = self._controls.get(("together", chosen, domain))
                if control is None:
                    control = Together(self.program, chosen, domain)
                    self._controls["together", chosen, domain] = control
                assert isinstance(control, Together)
                self._together[key] = control.possible(dict(cells))
            if self._together[key]:
                return True
        return False


_ORDER = ("unreadable", "conflicting", "imprecise", "no_reference_range", "stale", "not_closed", "absent")


def _keep(why: dict[str, Opener], element: str, opener: Opener) -> None:
    """Of several reasons the one that says most, then the first by resource."""
    rank = (_ORDER.index(opener.reason), opener.resource or "")
    known = why.get(element)
    if known is None or rank < (_ORDER.index(known.reason), known.resource or ""):
        why[element] = opener
