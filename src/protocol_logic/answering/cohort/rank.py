"""Undetermined patients by how cheap it is to settle them: a list for pre-screening."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from protocol_logic.answering.what_if.measure import Measures


@dataclass(frozen=True, slots=True)
class Ranked:
    """An undetermined patient with the cheapest elements that decide the case, whatever is found.

    `elements` are empty and `cost` is None where no elements that can be had decide it. `others`:
    how many further sets of elements do.
    """

    patient: str
    source: str
    as_of: str
    elements: tuple[str, ...]
    cost: int | None
    others: int


def ranked_of(patient: str, source: str, as_of: str, measures: Measures) -> Ranked:
    """The place of a patient in the list, by what there is to measure."""
    if not measures.sets:
        return Ranked(patient, source, as_of, (), None, 0)
    first, *others = measures.sets
    return Ranked(patient, source, as_of, first.elements, first.cost, len(others))


def ranking(ranked: Iterable[Ranked]) -> list[dict[str, Any]]:
    """The list as data, the cheapest first, of these the one with fewest elements."""
    return [
        {
            "patient": each.patient,
            "source": each.source,
            "as_of": each.as_of,
            "cost": each.cost,
            "elements": list(each.elements),
            "others": each.others,
        }
        for each in sorted(
            ranked, key=lambda r: (r.cost is None, r.cost, len(r.elements), r.patient, r.source)
        )
    ]
