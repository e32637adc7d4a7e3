"""What is said of a resource by whose code no entry is found: that it cannot be known, or may be
taken for another.

All of it rests on the code elements of the resource, so that it can be said of these alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from protocol_logic.foundation.problems import Problem
from protocol_logic.foundation.text import shown
from protocol_logic.knowledge.vocabulary import Concept, Named, Unlike
from protocol_logic.records.codings import Codings, entries_of, keys_of
from protocol_logic.records.facts import Fact
from protocol_logic.records.item import objects_in, text_in
from protocol_logic.records.json_text import Object
from protocol_logic.records.resources import MEDICATION, Row
from protocol_logic.records.terminologies import why_unusable

Noted = Mapping[tuple[str, str, str], Sequence[str]]
"""(type, problem code, message) -> the resources that it is said of."""


def is_read_elsewhere(json: Object, codings: Codings) -> bool:
    """Whether a resource that is not read holds a code that some entry has."""
    tables = (codings.observations, codings.conditions, codings.procedures, codings.medications)
    keys = [*keys_of(json.get("code")), *keys_of(json.get(MEDICATION))]
    return any(key in table for key in keys for table in tables)


OF_FAMILY = frozenset(
    ("http://loinc.org", code)
    for code in ("10157-6", "54116-9", "74022-5", "74023-3", "75314-5")  # LOINC, ^Family member
)
"""Codes of what a result says of the family."""
BESIDE = {"Observation": "valueCodeableConcept", "Encounter": "reasonCode"}
"""Type -> where a resource can name a condition, and is not read for it."""


def named_beside(json: Object, codings: Codings) -> tuple[tuple[str, str], ...]:
    """The conditions that a resource names where it is not read for any: entry and code."""
    value = json.get(BESIDE.get(json["resourceType"], ""))
    if value is not None and not OF_FAMILY.isdisjoint(keys_of(json.get("code"))):
        return ()
    return tuple(
        (entry.name, key[1])
        for concept in (value if isinstance(value, list) else [value])
        for key in keys_of(concept)
        for entry in entries_of({"coding": [dict(zip(_KEY, key, strict=True))]}, codings.conditions)
    )


_KEY = ("system", "code")
_CONDITIONS = ("Condition/", "condition_occurrence/")


def why_beside(kind: str, named: Iterable[tuple[str, str]], facts: Iterable[Fact]) -> str | None:
    """Why a resource is told that names conditions beside; None where a Condition says something
    of each."""
    stated = {fact.entry for fact in facts if fact.resource.startswith(_CONDITIONS)}
    for name, code in named:
        if name not in stated:
            return f"`{BESIDE[kind]}` names `{name}` by `{shown(code)}`, but is not read for it"
    return None


def first_day(json: Object, row: Row[Any]) -> str:
    """The first day of a resource as written, or nothing."""
    paths = (*row.dates, "effectivePeriod", "effectiveDateTime")
    told = next((json[path] for path in paths if path in json), None)
    day = text_in(told, "start") if isinstance(told, dict) else told
    return day[:10] if isinstance(day, str) else ""


def look_alikes(json: Object, row: Row[Any], codings: Codings) -> Iterator[tuple[str, str]]:
    """The entries for one of which a code may be taken, by the kind of concept that they are of
    where the resource states one, and why it is none of theirs."""
    for key in keys_of(json.get(row.code or "")):
        for entry, other in codings.unlike.get(key, ()):
            yield (
                (entry.kind if row.concept and isinstance(entry, Concept) else ""),
                _why_unlike(entry, other),
            )
    for key in keys_of(json.get("method")) if codings.near else ():
        if key in codings.near:
            parts = (json, *objects_in(json, "component"))
            own = {e.name for p in parts for e in entries_of(p.get("code"), codings.observations)}
            for entry, other in codings.unlike[key]:
                if other.near and entry.name in own:
                    yield "", _why_unlike(entry, other)


def _why_unlike(entry: Named, other: Unlike) -> str:
    name = f"`{shown(other.code.code)}`"
    name += f" ({other.code.display})" if other.code.display else ""
    return f"{name} is not `{entry.name}`: {other.why}"


def why_unmapped(json: Object, path: str, systems: frozenset[str]) -> str | None:
    """Why no code of a resource can be known; None where one can. Empty where it is told
    elsewhere: a medication is followed by its reference."""
    if path == MEDICATION and json.get("medicationReference") is not None:
        return ""
    concept = json.get(path)
    codings = objects_in(concept, "coding") if isinstance(concept, dict) else []
    reasons = [why_unusable(text_in(c, "system"), text_in(c, "code"), systems) for c in codings]
    if codings and None in reasons:
        return None
    if reasons:
        return reasons[0] or ""
    text = text_in(concept, "text") if isinstance(concept, dict) else None
    return f"it has no code, only the text `{shown(text)}`" if text else "it has no code"


_HINTS = {
    "unmapped-code": "what it is about is not known, so it is evidence of nothing",
    "look-alike": "it is evidence of nothing that the protocol asks for",
    "not-read": "record it as a Condition if it is one",
}


def noted_problems(noted: Noted, source: str) -> Iterator[Problem]:
    """One problem for each thing that is said of several resources."""
    for (kind, code, why), names in noted.items():
        more = f"; also {len(names) - 1:,} more of {shown(kind)}" if len(names) > 1 else ""
        yield Problem(
            code=code,
            message=f"{why}{more}",
            hint=_HINTS[code],
            resource=names[0],
            file=source,
        )
