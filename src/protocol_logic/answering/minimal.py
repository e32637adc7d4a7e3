"""A subset-minimal set of findings that forces an outcome, whatever all others are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from protocol_logic.compiling import core
from protocol_logic.compiling.plan import Plan
from protocol_logic.findings.rows import CellSet, PatientFindings
from protocol_logic.reasoning.meaning import Meaning, both, either, opposite
from protocol_logic.reasoning.support import Truth, View


def minimal(
    protocol: core.Protocol, plan: Plan, found: PatientFindings, criterion: str | None
) -> list[str] | None:
    """Names of findings, and of groups of them, that force what is decided.

    Of eligibility, or of one criterion. Findings are let go one after the other in the order of
    the protocol; what is left forces the outcome by the operators' meanings. None where nothing is
    decided, or where only cases decide it.
    """
    view = View.of(found)
    units = [*view.single, *view.groups]
    chosen = [c for c in protocol.criteria if criterion is None or c.id == criterion]

    def outcome(let_go: Iterable[str]) -> Truth:
        meaning = Meaning(protocol, plan, _loosened(plan, view, set(let_go)))
        met = {c.id: _met(c, meaning) for c in chosen}
        if criterion is not None:
            return met[criterion]
        passes = {c.id: met[c.id] if c.polarity == "inclusion" else opposite(met[c.id])
                  for c in chosen}  # fmt: skip
        if not protocol.scopes:
            return both(passes.values())
        return either(
            both(passes[c.id] for c in chosen if not c.scopes or scope.id in c.scopes)
            for scope in protocol.scopes
        )

    decided = outcome(())
    if decided is None:
        return None
    let_go: list[str] = []
    for unit in units:
        if outcome([*let_go, unit]) is decided:
            let_go.append(unit)
    return [unit for unit in units if unit not in let_go]


def _met(criterion: core.Criterion, meaning: Meaning) -> Truth:
    applies = True if criterion.applies is None else meaning.truth(criterion.applies)
    held = both([applies, meaning.truth(criterion.condition)])
    return either([held, opposite(applies)]) if criterion.polarity == "inclusion" else held


def _loosened(plan: Plan, view: View, let_go: set[str]) -> View:
    """The view in which some findings may lie in any of their cells; of courses none is known."""
    single: dict[str, CellSet] = {}
    groups: dict[str, tuple[Mapping[str, CellSet], ...]] = {}
    for name, cells in view.single.items():
        single[name] = frozenset(plan.findings[name].cells) if name in let_go else cells
    for name, rows in view.groups.items():
        if name not in let_go:
            groups[name] = rows
            continue
        members = dict.fromkeys(member for row in rows for member in row)
        single.update({m: frozenset(plan.findings[m].cells) for m in members if m in plan.findings})
    return View(single, groups)
