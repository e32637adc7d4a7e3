"""What is decided of a patient: outcomes, verdicts, gaps; what is told of all who look alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from typing import Literal, TypeAlias

from protocol_logic.findings.rows import Opener, PatientFindings, Reason
from protocol_logic.foundation.dataclass import dataclass

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
class ScopeDecision:
    """Eligibility for one scope, by joint reading of the criteria that count there."""

    id: str
    eligibility: Eligibility
    decided_jointly: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """All criteria in source order, and eligibility by joint reading.

    `scopes`: where the protocol has any, each is decided by itself, and eligibility follows.
    """

    criteria: tuple[CriterionDecision, ...]
    eligibility: Eligibility
    decided_jointly: tuple[str, ...]
    scopes: tuple[ScopeDecision, ...] = ()


Places: TypeAlias = tuple[tuple[str, str], ...]
"""Where openers stand: name of the finding or group, and the element that they name there."""


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """What is known of a criterion for all patients who look alike to it.

    `deciding`: where the outcome is unknown, each element that decides it, with where a patient's
    openers say why it is open.
    """

    decision: CriterionDecision
    deciding: tuple[tuple[str, Places], ...] = ()

    _same: dict[tuple[Reason, ...], CriterionDecision] = field(default_factory=dict)
    """Decisions whose gaps name no resource, by the reasons of the gaps: most are alike."""

    def for_patient(self, found: PatientFindings) -> CriterionDecision:
        """The decision with the gaps of one patient."""
        openers = self.openers_of(found)
        if any(opener.resource is not None for opener in openers):
            return self._with(openers)
        reasons = tuple([opener.reason for opener in openers])
        known = self._same.get(reasons)
        if known is None:
            known = self._same[reasons] = self._with(openers)
        return known

    def openers_of(self, found: PatientFindings) -> list[Opener]:
        """What keeps each deciding element of one patient open."""
        return [_first(found, places) for _, places in self.deciding]

    def chosen(
        self, found: Mapping[str, Sequence[tuple[str, Reason]]]
    ) -> list[tuple[Reason, list[tuple[str, int]]]]:
        """For each deciding element why it is open, and which openers say so: the name of a finding
        or group, and the place there. `found`: element and reason of the openers by name."""
        chosen = []
        for _, places in self.deciding:
            each = [
                (reason, (name, n))
                for name, own in places
                for n, (element, reason) in enumerate(found[name])
                if element == own or len(places) == len(found[name]) == 1
            ]
            best = min((reason for reason, _ in each), key=lambda reason: _RANK[reason])
            chosen.append((best, [place for reason, place in each if reason == best]))
        return chosen

    def of_reasons(self, reasons: Sequence[Reason]) -> CriterionDecision:
        """The decision with gaps of these reasons, which name no resource."""
        return self._with([Opener("", reason) for reason in reasons])

    def _with(self, openers: Sequence[Opener]) -> CriterionDecision:
        gaps = [
            Gap(element, opener.reason, opener.resource)
            for (element, _), opener in zip(self.deciding, openers, strict=True)
        ]
        return replace(self.decision, gaps=tuple(gaps))


def _first(found: PatientFindings, places: Places) -> Opener:
    """Of the openers of a patient at some places, the one that says most."""
    if len(places) == 1:
        [(name, _)] = places
        openers = found.openers[name]
        if len(openers) == 1:
            return openers[0]
    each = [o for name, own in places for o in found.openers[name] if o.element == own]
    return min(each, key=_place)


# Of several reasons the one that says most.
_RANK: dict[Reason, int] = {
    "unreadable": 0,
    "conflicting": 1,
    "imprecise": 2,
    "no_reference_range": 3,
    "stale": 4,
    "ordered": 5,
    "doubted": 6,
    "ended": 7,
    "not_closed": 8,
    "absent": 9,
}


def _place(opener: Opener) -> tuple[int, str]:
    return (_RANK[opener.reason], opener.resource or "")
