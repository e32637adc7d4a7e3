"""What each criterion does to a cohort: in the order of the protocol, and without any order.

Counts are of patterns, so that a cohort of any size is counted in the time of its distinct
patients. Shares are exact fractions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from protocol_logic.answering.cohort.patterns import Standing
from protocol_logic.reasoning.decision import Eligibility

Counts = Mapping[Standing, int]
"""How many patients stand so."""


@dataclass(slots=True)
class Step:
    """A criterion in the order of the protocol, among those possibly left before it.

    `lost`: cannot be eligible after it; all that failed it, and those who pass no scenario of it
    and the criteria before it (`jointly`). `possibly`, `certainly`: how many are left after it:
    those not lost, and those who pass it and all before it.
    """

    entering: int = 0
    passed: int = 0
    failed: int = 0
    open: int = 0
    jointly: int = 0
    possibly: int = 0
    certainly: int = 0


def attrition(counts: Counts, criteria: int) -> list[Step]:
    """The steps of all criteria."""
    steps = [Step() for _ in range(criteria)]
    for standing, number in counts.items():
        lost_at, certain = standing.lost_at(), True
        for place, (step, verdict) in enumerate(zip(steps, standing.verdicts, strict=True)):
            step.entering += number
            certain = certain and verdict == "p"
            step.certainly += number * certain
            step.passed += number * (verdict == "p")
            step.failed += number * (verdict == "f")
            step.open += number * (verdict == "o")
            if place == lost_at:
                step.jointly += number * (verdict != "f")
                break
            step.possibly += number
    return steps


@dataclass(slots=True)
class Influence:
    """A criterion whatever its place.

    `passed`, `failed`, `open`: of all patients. `lost_only`: would be eligible, were it not for
    this criterion, which they fail; `open_only`: which is open. `without`: what all patients would
    be without it. `excludes`: its share of the exclusions; `holds_back`: of those not eligible.
    """

    passed: int = 0
    failed: int = 0
    open: int = 0
    lost_only: int = 0
    open_only: int = 0
    without: dict[Eligibility, int] = field(
        default_factory=lambda: {"eligible": 0, "ineligible": 0, "undetermined": 0}
    )
    excludes: Fraction = Fraction(0)
    holds_back: Fraction = Fraction(0)


def influence(counts: Counts, criteria: int) -> list[Influence]:
    """The influence of all criteria.

    A share is the Shapley value of the game in which a set of criteria wins a patient whom one of
    them fails: each of n that fail a patient gets 1/n of that patient. Whom none fails, but several
    together, these share. `holds_back` is the same with those that fail or are open.
    """
    found = [Influence() for _ in range(criteria)]
    for standing, number in counts.items():
        verdicts, together = standing.verdicts, standing.together.names
        failing = verdicts.count("f") or len(together)
        stopping = criteria - verdicts.count("p")
        for place, (each, verdict) in enumerate(zip(found, verdicts, strict=True)):
            without = standing.without(place)
            each.without[without] += number
            if verdict == "p":
                each.passed += number
                continue
            each.holds_back += Fraction(number, stopping)
            if verdict == "f":
                each.failed += number
                each.lost_only += number * (without == "eligible")
                each.excludes += Fraction(number, failing)
            else:
                each.open += number
                each.open_only += number * (without == "eligible")
                if place in together and "f" not in verdicts:
                    each.excludes += Fraction(number, failing)
    return found


def eligibilities(counts: Counts) -> dict[Eligibility, int]:
    """How many are eligible, ineligible and undetermined."""
    found: dict[Eligibility, int] = {"eligible": 0, "ineligible": 0, "undetermined": 0}
    for standing, number in counts.items():
        found[standing.eligibility()] += number
    return found
