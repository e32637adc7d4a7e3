"""Entries that a resource names in a place that is not read as them: the reason of an Encounter,
the value of an Observation, a type of resource that is not read.

All of it rests on the code elements of the resource, so that it can be said of these alone.
"""

from __future__ import annotations

from protocol_logic.records.codings import Codings, entries_of
from protocol_logic.records.item import text_in
from protocol_logic.records.json_text import Object
from protocol_logic.records.resources import MEDICATION
from protocol_logic.records.unknown_codes import is_read_elsewhere, named_beside

_WITHDRAWN = ("entered-in-error", "cancelled", "revoked", "not-done", "rejected")


def mentions(json: Object, codings: Codings) -> tuple[str, ...]:
    """The entries that a resource of a type that is read names beside."""
    return tuple(dict.fromkeys(name for name, _ in named_beside(json, codings)))


def mentions_elsewhere(json: Object, codings: Codings) -> tuple[str, ...]:
    """The concepts whose codes a resource has of which the type is not read."""
    if not is_read_elsewhere(json, codings):
        return ()
    tables = (codings.conditions, codings.procedures, codings.medications)
    coded = (json.get("code"), json.get(MEDICATION))
    found = (e.name for each in coded for table in tables for e in entries_of(each, table))
    return tuple(dict.fromkeys(found))


def may_hold(json: Object) -> bool:
    """Whether a resource of a type that is not read was not withdrawn, by its status."""
    return text_in(json, "status") not in _WITHDRAWN
