"""What is decided of a patient: outcomes, verdicts, gaps; what is told of all who look alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from protocol_logic.findings.rows import Opener, PatientFindings, Reason

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

    def for_patient(self, found: PatientFindings) -> CriterionDecision:
        """The decision with the gaps of one patient."""
        gaps = []
        for element, places in self.deciding:
            openers = [o for name, own in places for o in found.openers[name] if o.element == own]
            opener = openers[0] if len(openers) == 1 else min(openers, key=_place)
            gaps.append(Gap(element, opener.reason, opener.resource))
        d = self.decision
        return CriterionDecision(d.id, d.outcome, d.verdict, d.applies, tuple(gaps))


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
