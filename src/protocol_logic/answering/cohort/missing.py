"""What missing data cost: the patients who are undetermined for want of just these elements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from protocol_logic.reasoning.decision import Decision, Gap

Wanted: TypeAlias = tuple[tuple[str, str], ...]
"""Elements that decide open criteria, each with why it is open; sorted."""


def wanted(decision: Decision, criteria: Iterable[int]) -> Wanted:
    """The gaps of some criteria of a patient."""
    gaps: Iterable[Gap] = (gap for i in criteria for gap in decision.criteria[i].gaps)
    return tuple(sorted({(gap.element, gap.reason) for gap in gaps}))


@dataclass(slots=True)
class Missing:
    """An element: how many are undetermined for want of it alone, and of it among others.

    `reasons`: why it is open, over both.
    """

    only: int = 0
    among: int = 0
    reasons: Counter[str] = field(default_factory=Counter)


def missing(counts: Mapping[Wanted, int]) -> tuple[Counter[tuple[str, ...]], dict[str, Missing]]:
    """The sets of elements with the patients who want just these, and each element.

    All elements of a set must be known before its patients are decided in every criterion.
    """
    sets: Counter[tuple[str, ...]] = Counter()
    elements: dict[str, Missing] = {}
    for each, number in counts.items():
        names = tuple(dict.fromkeys(element for element, _ in each))
        sets[names] += number
        for name in names:
            found = elements.setdefault(name, Missing())
            found.only += number * (len(names) == 1)
            found.among += number * (len(names) > 1)
        for name, reason in each:
            elements[name].reasons[reason] += number
    return sets, elements
