"""Medications: what was taken, from when to when, and what was only ordered or handed out.

Source: docs/records.md and docs/semantics.md.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Literal

from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.foundation.text import shown
from protocol_logic.knowledge.vocabulary import Concept
from protocol_logic.records.codings import Key
from protocol_logic.records.facts import Ordered, Therapy
from protocol_logic.records.item import (
    Item,
    display,
    extension_keys,
    objects_in,
    snomed,
    text_in,
)
from protocol_logic.records.json_text import Object

_Intent = Literal["adjuvant", "neoadjuvant", "palliative", "curative"]
_INTENTS: dict[Key, _Intent] = {
    snomed("373846009"): "adjuvant",
    snomed("373847000"): "neoadjuvant",
    snomed("363676003"): "palliative",
    snomed("373808002"): "curative",
}
_GOING_ON = frozenset({"active", "on-hold", "in-progress"})
ORDERS = frozenset({"order", "original-order", "reflex-order", "filler-order", "instance-order"})


def made_of(medication: Object, find: Callable[[str], Object | None]) -> object:
    """The code of a Medication, with the codes of its ingredients that are not inactive: what holds
    a drug counts as that drug. `find`: the Medication that a reference calls."""
    concepts = [medication.get("code")]
    for ingredient in objects_in(medication, "ingredient"):
        if ingredient.get("isActive") is False:
            continue
        concepts.append(ingredient.get("itemCodeableConcept"))
        reference = ingredient.get("itemReference")
        named = text_in(reference, "reference") if isinstance(reference, dict) else None
        other = find(named) if named is not None else None
        concepts.append(other.get("code") if other is not None else None)
    coded = [concept for concept in concepts if isinstance(concept, dict)]
    if len(coded) < 2:
        return coded[0] if coded else medication.get("code")
    codings = [coding for concept in coded for coding in objects_in(concept, "coding")]
    return {**coded[0], "coding": codings}


def read(item: Item, entry: Concept, when: PartialDate | None) -> None:
    """A course of a medication that was taken or given."""
    json = item.json
    status = text_in(json, "status")
    start, end = _course(item)
    if start is None:
        item.problem("undated", f"`{entry.name}` has no readable start and may have begun any day")
    keys = extension_keys(json, "mcode-procedure-intent", "mcode-treatment-intent")
    intent = None if keys is None else item.one_of(keys, _INTENTS, "the intent")
    therapy = Therapy(start, end, ongoing=end is None and status in _GOING_ON, intent=intent)
    span = f"{start.text if start else '?'} to {end.text if end else '?'}"
    recorded = [display(json.get("medicationCodeableConcept")), status, span]
    item.fact(entry, start, ", ".join(filter(None, recorded)), therapy)


def read_order(item: Item, entry: Concept, when: PartialDate | None) -> None:
    """An order or a dispense: the medication may have been taken from that day on, or never."""
    json = item.json
    if json.get("resourceType") == "MedicationRequest":
        intent = text_in(json, "intent")
        if intent not in ORDERS:
            item.problem("not-usable", f"intent `{shown(intent or '')}` is no order")
            return
        if json.get("doNotPerform") is not None and json["doNotPerform"] is not False:
            item.problem("not-usable", "it asks not to give the medication (`doNotPerform`)")
            return
    recorded = [display(json.get("medicationCodeableConcept")), text_in(json, "status")]
    item.fact(entry, when, ", ".join(filter(None, recorded)), Ordered())


def _course(item: Item) -> tuple[PartialDate | None, PartialDate | None]:
    """Start and end of a medication record.

    An administration dated by `effectiveDateTime` starts and ends that day; a statement so dated
    starts then. An end that is given but makes no sense is any day from the start on, or not
    recorded where the status says that the course is over. Where the end is before the start,
    either may be wrong, and neither is known. What goes on by its status although it ended before
    the day of the record may have ended on any day from then on.
    """
    period = item.json.get("effectivePeriod")
    if not isinstance(period, dict):
        day = item.date(item.json.get("effectiveDateTime"), "effectiveDateTime")
        given = item.json.get("resourceType") == "MedicationAdministration"
        return day, day if given else None
    start = item.date(period.get("start"), "effectivePeriod.start")
    if period.get("end") is None:
        return start, None
    end = item.date(period.get("end"), "effectivePeriod.end")
    if start is not None and end is not None and end.last < start.first:
        item.problem("unreadable-date", "`effectivePeriod` ends before it starts")
        start = end = None
    status = text_in(item.json, "status")
    if status not in _GOING_ON:
        return start, end
    if end is None:
        return start, PartialDate(start.first if start else date.min, date.max, "?")
    if item.made is not None and end.last >= item.made.first:
        return start, end  # it is planned
    message = f"status is `{status}` although it ended on `{end.text}`"
    item.problem("conflict", message, "it may go on from that day on")
    return start, PartialDate(end.first, date.max, end.text)
