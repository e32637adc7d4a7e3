"""Results that do not count, though they may be of an entry: by whose code nothing is read, while
their names resemble that of an entry or it is known to be near; or which cannot be used. And lists
that say that what they would hold is not known, or that are taken back.

All of it rests on what a result says of itself (`told`), so that it can be said of that alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from protocol_logic.knowledge.results_alike import Result
from protocol_logic.knowledge.vocabulary import Concept, History, Named, Quantity, Status
from protocol_logic.records import lists
from protocol_logic.records.codings import Codings, Key, Table, entries_of, is_known, keys_of
from protocol_logic.records.dates import is_dated
from protocol_logic.records.item import display, objects_in, text_in
from protocol_logic.records.json_text import Object
from protocol_logic.records.resources import ROWS

_CODED = ("valueCodeableConcept", "valueBoolean")
_UNSURE = ("preliminary", "unknown")
"""Statuses for which a result does not count, though there is one."""
_ABSENT = ("http://snomed.info/sct", "2667000")
NEAR, UNDATED, NO_STATUS, COMPUTED = "near", "undated", "none", "computed"
TELLING = ("Observation", "List")
"""The types of resources that say such things."""


class Alike(NamedTuple):
    """A result that resembles entries, or is of them: its first code, or nothing; what it is
    called; `why` it does not count, with the day on which it was issued, where that is told."""

    code: str
    name: str
    entries: tuple[str, ...]
    why: str = ""
    day: str = ""
    unusable: bool = False


def told(json: Object) -> Iterator[Object]:
    """What an Observation and its components say of themselves, each that has a value: its name
    and codes, its unit, whether it is coded, whether it denies what it is of, and why it cannot be
    used; and what a List says that is not known to be complete."""
    if json["resourceType"] == "List":
        why = lists.why_not_known(json)
        if why:
            code = json.get("code")
            keys = [list(key) for key in keys_of(code)]
            yield {"name": display(code), "keys": keys, "why": why, "list": True}
        return
    usable = _usable(json)
    if usable is None:
        return
    for part in (json, *objects_in(json, "component")):
        value = next((key for key in part if key.startswith("value")), None)
        if value is not None and isinstance(part.get("code"), dict):
            said: dict[str, Any] = {"name": display(part["code"]), "coded": value in _CODED}
            said["keys"] = [list(key) for key in keys_of(part["code"])]
            if "method" in json:
                said["method"] = [list(key) for key in keys_of(json["method"])]
            if usable and (part[value] is False or _ABSENT in keys_of(part[value])):
                said["denied"] = True
            quantity = part[value] if value == "valueQuantity" else None
            if isinstance(quantity, dict):
                said["unit"] = text_in(quantity, "code") or text_in(quantity, "unit") or ""
            yield {**said, **usable}


def taken_otherwise(json: Object, part: Object, codings: Codings) -> frozenset[str]:
    """The entries that a result, or a part of it, is not of, though it may have a code of theirs:
    by its method, or by a further code, it was measured otherwise."""
    near = codings.near
    coded = part.get("code")
    codes = coded.get("coding") if isinstance(coded, dict) else None
    several = isinstance(codes, list) and len(codes) > 1
    if not near or not ("method" in json or several):
        return _NONE
    keys = [*keys_of(json.get("method")), *(keys_of(coded) if several else ())]
    return _NONE.union(*(near[key] for key in keys if key in near))


_NONE: frozenset[str] = frozenset()


def _by_method(
    keys: Sequence[Key], method: Sequence[Sequence[str]], codings: Codings
) -> Iterator[str]:
    """The entries of some codes to which a result is near by its method."""
    for system, code in method:
        near = codings.near.get((system, code), ())
        yield from (
            e.name for key in keys for e in codings.observations.get(key, ()) if e.name in near
        )


def _usable(json: Object) -> dict[str, str] | None:
    """Why a result does not count, as far as it is told, with the day on which it was issued; None
    of one that was withdrawn."""
    row = ROWS["Observation"]
    status = text_in(json, "status")
    if row.statuses is not None and status not in row.statuses:
        return {"why": status or NO_STATUS} if status in (None, *_UNSURE) else None
    if is_dated(json, row.dates):
        return {}
    issued = text_in(json, "issued")
    return {"why": UNDATED, **({"day": issued[:10]} if issued else {})}


def alike(said: Sequence[Mapping[str, Any]], codings: Codings) -> Iterator[Alike]:
    """Those of some results that do not count and resemble entries, or are of them."""
    for each in said:
        keys = [(system, code) for system, code in each["keys"]]
        code, name, why = keys[0][1] if keys else "", each["name"], each.get("why", "")
        if why:
            table = codings.lists if each.get("list") else codings.observations
            entries = _entries(keys, table, "denied" in each)
            if entries:
                yield Alike(code, name, entries, why, each.get("day", ""), unusable=True)
            continue
        # Also where it is read as another entry: an amount of what a test says is there or not.
        near = [name for key in keys if key in codings.near for name in sorted(codings.near[key])]
        if "method" in each:
            near += _by_method(keys, each["method"], codings)
        if near:
            yield Alike(code, name, tuple(dict.fromkeys(near)), NEAR)
        if any(key in codings.observations for key in keys):
            continue
        if any(key in codings.unlike or is_known(key) for key in keys):
            continue  # the knowledge base knows it as something else
        entries = codings.alike.of(Result(name, each.get("unit", ""), each["coded"]))
        if entries:
            yield Alike(code, name, entries)


def _entries(keys: Sequence[Key], table: Table[Named], denied: bool) -> tuple[str, ...]:
    """The entries that have one of some codes: quantities, statuses, histories, and concepts that
    are not denied."""
    coded = {"coding": [{"system": system, "code": code} for system, code in keys]}
    kinds = Quantity | Status | History if denied else Quantity | Status | History | Concept
    return tuple(entry.name for entry in entries_of(coded, table) if isinstance(entry, kinds))
