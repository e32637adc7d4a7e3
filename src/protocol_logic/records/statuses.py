"""Whether a resource counts, by its status and by what may change its meaning.

Source: docs/records.md, "What a status says".
"""

from __future__ import annotations

from typing import Any

from protocol_logic.foundation.text import shown
from protocol_logic.records import conditions
from protocol_logic.records.item import text_in
from protocol_logic.records.json_text import Object
from protocol_logic.records.resources import Row

MODIFIERS = ("modifierExtension", "implicitRules")
_UNSURE = ("unknown", "in-progress", "on-hold", "stopped", "preliminary")


def why_not_counted(json: Object) -> str:
    """Why a resource of such a status does not count."""
    status = text_in(json, "status")
    says = "no status" if status is None else f"status `{shown(status)}`"
    return f"{says}: it does not count"


def why_modified(modifier: str) -> str:
    """Why a resource is taken as unknown."""
    return f"`{modifier}` may change its meaning and is not read; it is taken as unknown"


def is_stated(json: Object, row: Row[Any]) -> bool:
    """Whether a resource would count if its code were known."""
    if row.statuses is not None:
        return text_in(json, "status") in row.statuses
    return not conditions.is_withdrawn(json)


def unsure_status(json: Object, row: Row[Any]) -> str:
    """The status of a resource that does not count for it, though it may have happened; else
    nothing."""
    status = text_in(json, "status")
    if row.statuses is None or status in row.statuses or status not in (None, *_UNSURE):
        return ""
    return status or "none"
