"""Whether knowing some elements decides that criteria pass, or do not, whatever is found.

It does not where two scenarios agree in all that these elements say, and the criteria pass in one
of them and not in the other.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import product
from typing import TypeAlias

from protocol_logic.compiling.lower import LOGIC, Program
from protocol_logic.compiling.plan import Plan
from protocol_logic.findings.rows import CellSet, PatientFindings
from protocol_logic.reasoning.criteria import Key, domain_of
from protocol_logic.reasoning.reads import Read, View, groups_of, joint_rows
from protocol_logic.reasoning.solver import Cells, Domain, Scenarios, Twins

MOST_ROWS = 100
"""More joint rows of uncertain facts than this are not compared pair by pair."""

MOST_ANSWERS = 64
"""So many answers to one element are tried."""

Scopes: TypeAlias = tuple[tuple[str, ...], ...]
Places: TypeAlias = Callable[[str, str], bool]
"""Whether what keeps a group's rows apart is settled: group, element of a label."""


class TooManyRows(Exception):
    """The joint rows are too many to compare."""


class Settling:
    """Asks it of one protocol; programs and answers are kept."""

    def __init__(self, plan: Plan, program: Program) -> None:
        self.plan, self.program = plan, program
        self._scenarios: dict[object, Scenarios] = {}
        self._twins: dict[object, Twins] = {}
        self._passing: dict[object, frozenset[bool]] = {}
        self._known: dict[object, bool] = {}

    def decides(
        self,
        reads: Sequence[Read],
        scopes: Scopes,
        found: PatientFindings,
        moved: Collection[str],
        settled: Places,
    ) -> bool:
        """Whether it is decided that the criteria pass, when all but some findings are known.

        `scopes`: sets of criteria of which one must pass whole. `moved`: findings that stay open;
        `settled` says which labels of joint rows are known. Raises TooManyRows.
        """
        return not any(
            self._differ(scopes, one, other, frozenset(moved))
            for rows in _classes(reads, found, settled)
            for i, one in enumerate(rows)
            for other in rows[i:]
            if moved or one != other
        )

    def can_fail(
        self,
        reads: Sequence[Read],
        scopes: Scopes,
        found: PatientFindings,
        moved: Collection[str],
        settled: Places,
    ) -> bool:
        """Whether some answer to what is known makes the criteria fail, whatever all else is."""
        for rows in _classes(reads, found, settled):
            asked = sorted(
                n
                for n in {name for row in rows for name in row}
                if n not in moved and all(len(row.get(n, ())) > 1 for row in rows)
            )
            options = [sorted(set.intersection(*(set(row[n]) for row in rows))) for n in asked]
            for number, chosen in enumerate(product(*options)):
                if number >= MOST_ANSWERS:
                    break
                cells = {n: frozenset({cell}) for n, cell in zip(asked, chosen, strict=True)}
                passing = [self._pass(scopes, {**row, **cells}) for row in rows]
                if frozenset().union(*passing) == {False}:
                    return True
        return False

    def _differ(self, scopes: Scopes, one: Cells, other: Cells, moved: frozenset[str]) -> bool:
        changed = {n for n in {**one, **other} if one.get(n) != other.get(n)}
        free = frozenset(
            n
            for n in (moved | changed)
            if len(one.get(n, frozenset()) | other.get(n, frozenset())) > 1 or n in changed
        )
        key = (scopes, *(tuple(sorted(cells.items())) for cells in (one, other)), free)
        if key not in self._known:
            both = self._pass(scopes, one) | self._pass(scopes, other)
            self._known[key] = (
                len(both) > 1
                and bool(free)
                and self._make_twins(scopes, one, other).differ(one, other, free) is not None
            )
        return self._known[key]

    def _pass(self, scopes: Scopes, cells: Cells) -> frozenset[bool]:
        """Whether the criteria can pass, and not pass."""
        key = (scopes, tuple(sorted(cells.items())))
        if key not in self._passing:
            domain = self._domain(scopes, cells)
            scenarios = self._scenarios.get((scopes, domain))
            if scenarios is None:
                scenarios = Scenarios(self._rules(scopes), LOGIC, domain, ["good"])
                self._scenarios[scopes, domain] = scenarios
            self._passing[key] = frozenset("good" in s.true for s in scenarios.solve(cells))
        return self._passing[key]

    def _make_twins(self, scopes: Scopes, one: Cells, other: Cells) -> Twins:
        domain = self._domain(scopes, {**one, **other})
        twins = self._twins.get((scopes, domain))
        if twins is None:
            twins = Twins(self._rules(scopes), LOGIC, domain, "good")
            self._twins[scopes, domain] = twins
        return twins

    def _rules(self, scopes: Scopes) -> str:
        rules = self.program.rules_of(dict.fromkeys(c for scope in scopes for c in scope))
        for scope in scopes:
            body = ", ".join(f"passes({criterion})" for criterion in scope)
            rules += f"\ngood :- {body}.\n" if body else "\ngood.\n"
        return rules

    def _domain(self, scopes: Scopes, cells: Cells) -> Domain:
        chosen = dict.fromkeys(c for scope in scopes for c in scope)
        domains = (domain_of(self.plan, self.plan.reach[c], cells) for c in chosen)
        return tuple(sorted({entry for domain in domains for entry in domain}))


def _classes(
    reads: Sequence[Read], found: PatientFindings, settled: Places
) -> list[list[dict[str, CellSet]]]:
    """The joint rows that what is known does not tell apart, together."""
    groups = groups_of(reads, found)
    names = dict.fromkeys(n for r in reads for n in r.names)
    single = tuple((n, found.single[n]) for n in names if n in found.single)
    group_of = {label: g.name for g in groups for row in g.rows for label in row.labels}
    classes: dict[tuple[tuple[str, str], ...], dict[Key, None]] = {}
    joints = list(joint_rows(reads, View(single, tuple(groups), False)))
    if len(joints) > MOST_ROWS:
        raise TooManyRows
    for joint in joints:
        known = tuple(x for x in joint.labels if settled(group_of[x], x[0]))
        classes.setdefault(known, {})[joint.cells] = None
    return [[dict(cells) for cells in rows] for rows in classes.values()]
