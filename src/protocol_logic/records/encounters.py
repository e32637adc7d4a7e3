"""Encounters: what is done to a patient by being there, such as a stay in hospital.

An encounter is found by its class and its types, as a procedure that takes a period.
Source: docs/records.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.knowledge.vocabulary import Concept
from protocol_logic.records.codings import Codings, entries_of
from protocol_logic.records.dates import period_at
from protocol_logic.records.facts import Done
from protocol_logic.records.item import Item, display, objects_in, text_in
from protocol_logic.records.json_text import Object

GOING_ON = frozenset({"in-progress", "onleave"})


def find(json: Object, codings: Codings) -> Sequence[Concept]:
    """The procedures that its class and its types stand for."""
    coded = [{"coding": objects_in(json, "class")}, *objects_in(json, "type")]
    found = {e.name: e for concept in coded for e in entries_of(concept, codings.procedures)}
    return tuple(found.values())


def read(item: Item, entry: Concept, when: PartialDate | None) -> None:
    """One that has begun and has no end goes on where its status says so, else it is over."""
    status = text_in(item.json, "status")
    start = end = None
    if when is not None:
        start, end = period_at(item.json.get("period"), when)
        if end is None and status in GOING_ON:
            start, end = start or when, PartialDate(date.max, date.max, "..")
    kinds = [display(kind) for kind in objects_in(item.json, "type")]
    recorded = ", ".join(filter(None, [*kinds, status]))
    item.fact(entry, when, recorded, Done(None, start, end))
