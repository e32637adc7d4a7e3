"""Results by whose code nothing is read, though their names resemble that of an entry.

All of it rests on what a result says of itself (`told`), so that it can be said of that alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from protocol_logic.knowledge.results_alike import Result
from protocol_logic.records.codings import Codings, is_known, keys_of
from protocol_logic.records.item import display, objects_in, text_in
from protocol_logic.records.json_text import Object

_CODED = ("valueCodeableConcept", "valueBoolean")


class Alike(NamedTuple):
    """A result that resembles entries: its first code, or nothing, and what it is called."""

    code: str
    name: str
    entries: tuple[str, ...]


def told(json: Object) -> Iterator[Object]:
    """What an Observation and its components say of themselves, each that has a value: its name
    and codes, its unit, and whether it is coded."""
    for part in (json, *objects_in(json, "component")):
        value = next((key for key in part if key.startswith("value")), None)
        if value is not None and isinstance(part.get("code"), dict):
            said: dict[str, Any] = {"name": display(part["code"]), "coded": value in _CODED}
            said["keys"] = [list(key) for key in keys_of(part["code"])]
            quantity = part[value] if value == "valueQuantity" else None
            if isinstance(quantity, dict):
                said["unit"] = text_in(quantity, "code") or text_in(quantity, "unit") or ""
            yield said


def alike(said: Sequence[Mapping[str, Any]], codings: Codings) -> Iterator[Alike]:
    """Those of some results by whose code nothing is read and that resemble entries."""
    for each in said:
        keys = [(system, code) for system, code in each["keys"]]
        if any(key in codings.observations or key in codings.unlike for key in keys):
            continue
        if any(map(is_known, keys)):
            continue  # the knowledge base knows it as something else
        result = Result(each["name"], each.get("unit", ""), each["coded"])
        entries = codings.alike.of(result)
        if entries:
            yield Alike(keys[0][1] if keys else "", each["name"], entries)
