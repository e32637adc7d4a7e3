"""Allergies: what an AllergyIntolerance states.

It is found by the code of a medication, or by that of a condition such as an allergy to latex, or
says that there is no allergy. Source: docs/records.md.
"""

from __future__ import annotations

from collections.abc import Sequence

from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.knowledge.vocabulary import Concept, History
from protocol_logic.records import conditions, lists
from protocol_logic.records.codings import Codings, entries_of
from protocol_logic.records.item import Item, status_code, text_in
from protocol_logic.records.json_text import Object

_CLINICAL = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"


def find(json: Object, codings: Codings) -> Sequence[Concept | History]:
    """The allergies and conditions that it is about, and the histories that it says are empty."""
    code = json.get("code")
    return (
        *entries_of(code, codings.allergies),
        *entries_of(code, codings.conditions),
        *(history for history in entries_of(code, codings.lists) if history.of),
    )


def read(item: Item, entry: Concept | History, when: PartialDate | None) -> None:
    """One fact; none of an intolerance, which is no allergy."""
    systems = (conditions.VERIFICATION_OF_ALLERGY, _CLINICAL)
    if text_in(item.json, "type") == "intolerance":
        item.problem("not-usable", "type `intolerance` is no allergy")
    elif isinstance(entry, Concept):
        conditions.read_stated(item, entry, when, *systems)
    elif status_code(item.json.get("verificationStatus"), systems[0]) in (
        None,
        "confirmed",
    ) and status_code(item.json.get("clinicalStatus"), systems[1]) in (None, "active"):
        lists.close(item, entry, when)
    else:
        item.problem("not-usable", f"it does not say for certain that `{entry.name}` is empty")
