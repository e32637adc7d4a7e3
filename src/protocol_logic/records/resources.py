"""How resources of each type are read: one row a type in `ROWS`.

What has no row is no evidence of anything: it is counted, and told where the knowledge base knows
its code. Source: docs/records.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.foundation.text import shown
from protocol_logic.knowledge.vocabulary import Concept, Consent, Named, PatientField
from protocol_logic.records import (
    allergies,
    conditions,
    encounters,
    lists,
    medications,
    observations,
)
from protocol_logic.records.codings import Codings, Key, Table, entries_of
from protocol_logic.records.dates import period_at
from protocol_logic.records.facts import Born, Done, Stated
from protocol_logic.records.item import Item, display, extension_keys, objects_in, snomed, text_in
from protocol_logic.records.json_text import Object
from protocol_logic.records.qualifiers import qualifiers_of

_E = TypeVar("_E", bound=Named)

MEDICATION = "medicationCodeableConcept"


@dataclass(frozen=True, slots=True)
class Row(Generic[_E]):
    """How one resource type is read.

    `code`: the element by whose codes the entries are found (None: by the names of its fields).
    `find`: the entries that the resource speaks of. `read`: makes the facts of one entry.
    `dates`: the paths at which its day is read, the first that is there; empty: `read` reads the
    dates. `any_day`: without a day that can be read it counts as of any day; else it does not
    count. `statuses`: those that count; None: `read` decides. `concept`: the kind of concept that a
    resource is about. `asked`: whether anything asks for resources of the type; else one of which
    no code is known is irrelevant. `by_code`: nothing but the codes decides which are found.
    """

    code: str | None
    find: Callable[[Object, Codings], Sequence[_E]]
    read: Callable[[Item, _E, PartialDate | None], None]
    dates: tuple[str, ...] = ()
    any_day: bool = False
    statuses: frozenset[str] | None = None
    concept: str | None = None
    asked: Callable[[Codings], bool] = lambda _: True
    by_code: bool = False


# Patient


def _fields(resource: Object, codings: Codings) -> Sequence[PatientField]:
    return [
        entry for name, entries in codings.fields.items() if name in resource for entry in entries
    ]


def _patient(item: Item, entry: PatientField, when: PartialDate | None) -> None:
    value = item.json.get(entry.field)
    if entry.field == "birthDate":
        if item.born is not None:
            item.fact(entry, when, item.born.text, Born(item.born))
        elif isinstance(value, str):  # which has been told
            item.fact(entry, when, shown(value), Stated(None))
    elif isinstance(value, str) and value in entry.values:
        item.fact(entry, when, value, Stated(frozenset({value})))
    elif value not in ("unknown", None):
        text = shown(value) if isinstance(value, str) else "something else than text"
        item.fact(entry, when, text, Stated(None))
        if value != "other":
            item.problem("unknown-code", f"`{entry.field}` is `{text}`, not known here")


# Procedure

_SIDES: dict[Key, Literal["both", "left", "right"]] = {
    snomed("51440002"): "both",
    snomed("7771000"): "left",
    snomed("24028007"): "right",
}


def _procedure(item: Item, entry: Concept, when: PartialDate | None) -> None:
    side = _side(item)
    recorded = [display(item.json.get("code")), side]
    start = end = None
    if when is not None and item.json.get("performedDateTime") is None:
        start, end = period_at(item.json.get("performedPeriod"), when)
    done = Done(side, start, end, qualifiers_of(item))
    item.fact(entry, when, ", ".join(filter(None, recorded)), done)


def _side(item: Item) -> Literal["both", "left", "right"] | None:
    """The side of all body sites together; None as soon as one of them does not say."""
    sides = [
        keys if keys is None else item.one_of(keys, _SIDES, "the laterality")
        for site in objects_in(item.json, "bodySite")
        for keys in [extension_keys(site, "mcode-laterality-qualifier")]
    ]
    if "both" in sides or {"left", "right"} <= set(sides):
        return "both"
    return sides[0] if len(set(sides)) == 1 else None


# Consent


def _consent(item: Item, entry: Consent, when: PartialDate | None) -> None:
    status = text_in(item.json, "status") or ""
    provision = item.json.get("provision")
    kind = None if provision is None else ""
    if isinstance(provision, dict):
        kind = provision.get("type")
    denied = kind == "deny"
    values: frozenset[str] | None = None
    unclear = kind not in (None, "permit", "deny")
    if unclear:
        item.problem("unreadable-value", "`provision` does not say whether it permits or denies")
    if denied or status in ("inactive", "rejected"):
        values = frozenset({"refused"})
    elif status == "active" and not unclear:
        values = frozenset({"signed"})
    item.fact(entry, when, f"{status}, deny" if denied else status, Stated(values))


def _row(
    code: str,
    table: Callable[[Codings], Table[_E]],
    read: Callable[[Item, _E, PartialDate | None], None],
    **more: Any,
) -> Row[_E]:
    """The row of a type whose entries are found by the codes of one CodeableConcept."""
    return Row(
        code,
        lambda json, codings: entries_of(json.get(code), table(codings)),
        read,
        by_code=True,
        **more,
    )


ROWS: dict[str, Row[Any]] = {
    "Patient": Row(None, _fields, _patient),
    "Observation": _row(
        "code",
        lambda codings: codings.observations,
        observations.read,
        dates=("effectiveDateTime", "effectiveInstant", "effectivePeriod"),
        statuses=frozenset({"final", "amended", "corrected"}),
    ),
    "Condition": _row(
        "code",
        lambda codings: codings.conditions,
        conditions.read,
        dates=("recordedDate", *conditions.ONSET),
        any_day=True,
        concept="condition",
    ),
    "AllergyIntolerance": Row(
        "code",
        allergies.find,
        allergies.read,
        dates=("recordedDate", *conditions.ONSET),
        any_day=True,
        concept="allergy",
        asked=lambda codings: bool(codings.allergies),
    ),
    "Procedure": _row(
        "code",
        lambda codings: codings.procedures,
        _procedure,
        dates=("performedDateTime", "performedPeriod", "performedAge"),
        any_day=True,
        statuses=frozenset({"completed"}),
        concept="procedure",
    ),
    "Encounter": Row(
        "type",
        encounters.find,
        encounters.read,
        dates=("period",),
        any_day=True,
        statuses=frozenset({"finished", *encounters.GOING_ON}),
        asked=lambda _: False,
    ),
    "MedicationStatement": _row(
        MEDICATION,
        lambda codings: codings.medications,
        medications.read,
        statuses=frozenset({"active", "completed", "stopped", "on-hold"}),
        concept="medication",
    ),
    "MedicationAdministration": _row(
        MEDICATION,
        lambda codings: codings.medications,
        medications.read,
        statuses=frozenset({"in-progress", "completed", "stopped", "on-hold"}),
        concept="medication",
    ),
    "MedicationRequest": _row(
        MEDICATION,
        lambda codings: codings.medications,
        medications.read_order,
        dates=("authoredOn",),
        any_day=True,
        statuses=frozenset({"active", "on-hold", "completed", "stopped", "unknown"}),
        concept="medication",
    ),
    "MedicationDispense": _row(
        MEDICATION,
        lambda codings: codings.medications,
        medications.read_order,
        dates=("whenHandedOver", "whenPrepared"),
        any_day=True,
        statuses=frozenset({"in-progress", "on-hold", "completed", "stopped", "unknown"}),
        concept="medication",
    ),
    "List": _row(
        "code",
        lambda codings: codings.lists,
        lists.read,
        dates=("date",),
        statuses=frozenset({"current"}),
    ),
    "Consent": _row(
        "scope",
        lambda codings: codings.consents,
        _consent,
        dates=("dateTime",),
        statuses=frozenset({"active", "inactive", "rejected", "draft", "proposed"}),
    ),
}
