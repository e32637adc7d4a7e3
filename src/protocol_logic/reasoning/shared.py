"""Solvers that protocols share: what several of them say in the same way is solved once."""

from __future__ import annotations

from protocol_logic.compiling.lower import Program
from protocol_logic.compiling.plan import Part, Plan, Reach
from protocol_logic.reasoning.criteria import CriterionSolver


class Solvers:
    """Solvers of criteria, by all that they are made of."""

    def __init__(self) -> None:
        self._solvers: dict[object, CriterionSolver] = {}

    def of(
        self, criterion: str, plan: Plan, program: Program, part: Part | None = None
    ) -> CriterionSolver:
        """The solver of a criterion, or of one part of it."""
        key = _said(criterion, plan, program, part)
        found = self._solvers.get(key)
        if found is None:
            found = self._solvers[key] = CriterionSolver(criterion, plan, program, part)
        return found


def _said(criterion: str, plan: Plan, program: Program, part: Part | None) -> object:
    """The rules of a criterion, what is asked of them, and the cells of all that they read."""
    whole = plan.reach[criterion]
    asked: object = None
    if part is not None:
        asked = tuple(tuple(program.literals[criterion][n]) for n in part.conditions)
    return (
        criterion,
        program.rules_of([criterion]),
        asked,
        _read(whole),
        None if part is None else _read(part.reach),
        tuple((name, plan.findings[name].cells) for name in sorted(whole.findings)),
        tuple((name, repr(plan.courses[name])) for name in sorted(whole.courses)),
    )


def _read(reach: Reach) -> object:
    modules = ((m.name, m.shared, m.cells, m.atoms, m.findings) for m in reach.modules)
    return frozenset(reach.findings), frozenset(reach.courses), tuple(modules)
