"""Allergies to medications: each is a concept of its own, made where a condition asks for it.

It has the codes of its medication, by which records name what somebody is allergic to, and is a
kind of the allergies to the classes of the medication.
"""

from __future__ import annotations

from protocol_logic.compiling.entries import Entries
from protocol_logic.knowledge import vocabulary as voc

ALLERGIES = "allergies"
"""What a list that closes allergies is of."""


def allergy_to(medication: str) -> str:
    """The name of the allergy to a medication."""
    return f"allergy_to_{medication}"


def allergies(found: Entries) -> dict[str, voc.Entry]:
    """The allergies that conditions ask for: to medications, their kinds and their classes."""
    if not found.allergens:
        return {}
    vocabulary = voc.Vocabulary(found.entries)
    names: set[str] = set()
    for medication in found.allergens:
        names.update(vocabulary.below(medication), vocabulary.above(medication))
    closed_by = next((h.name for h in vocabulary.of(voc.History) if h.of == ALLERGIES), None)
    made: dict[str, voc.Entry] = {}
    for entry in vocabulary.of(voc.Concept):
        if entry.name in names:
            name = allergy_to(entry.name)
            made[name] = voc.Concept(
                name=name,
                element=name,
                label=f"allergy to {entry.label}",
                kind="allergy",
                codes=entry.codes,
                parents=tuple(allergy_to(parent) for parent in entry.parents if parent in names),
                closed_by=closed_by,
            )
    return made
