"""How resources of each type are read: one row a type in `ROWS`.

A type without a row is counted as ignored. Source: docs/records.md. Dates are read
only at the path of the row; a fact dated elsewhere is reported as undated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Generic, Literal, TypeVar

from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.foundation.text import shown
from protocol_logic.knowledge.vocabulary import Concept, Consent, History, Named, PatientField
from protocol_logic.records import observations
from protocol_logic.records.codings import Codings, Key, Table, entries_of, keys_of
from protocol_logic.records.facts import Born, Closed, ConditionStated, Done, Stated, Therapy
from protocol_logic.records.item import (
    Item,
    display,
    extension_keys,
    objects_in,
    snomed,
    status_code,
    text_in,
)
from protocol_logic.records.json_text import Object

_E = TypeVar("_E", bound=Named)


@dataclass(frozen=True, slots=True)
class Row(Generic[_E]):
    """How one resource type is read.

    `find`: the entries a resource speaks of; none: it is ignored. `statuses`: those that count;
    None: `read` decides. `date`: the path without which a fact cannot count; None: `read` reads
    the dates. `read`: makes the facts of one entry. `unread`: elements that may name an entry and
    that are not followed, which is reported.
    """

    find: Callable[[Object, Codings], Sequence[_E]]
    read: Callable[[Item, _E, PartialDate | None], None]
    date: str | None = None
    statuses: frozenset[str] | None = None
    unread: tuple[str, ...] = ()


# Patient


def _fields(resource: Object, codings: Codings) -> Sequence[PatientField]:
    return [
        entry for name, entries in codings.fields.items() if name in resource for entry in entries
    ]


def _patient(item: Item, entry: PatientField, when: PartialDate | None) -> None:
    value = item.json.get(entry.field)
    if entry.field == "birthDate":
        born = item.date(value, entry.field)
        if born is not None:
            item.fact(entry, when, born.text, Born(born))
    elif isinstance(value, str) and value in entry.values:
        item.fact(entry, when, value, Stated(frozenset({value})))
    elif value not in ("other", "unknown", None):
        text = shown(value) if isinstance(value, str) else "something else than text"
        item.problem("unknown-code", f"`{entry.field}` is `{text}`, not known here")


# Condition

_VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
_CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
_STATES: dict[str, Literal["present", "absent"]] = {
    "active": "present",
    "recurrence": "present",
    "relapse": "present",
    "inactive": "absent",
    "remission": "absent",
    "resolved": "absent",
}
_UNSURE = frozenset({"unconfirmed", "provisional", "differential"})


def _condition(item: Item, entry: Concept, when: PartialDate | None) -> None:
    verification = status_code(item.json.get("verificationStatus"), _VERIFICATION)
    clinical = status_code(item.json.get("clinicalStatus"), _CLINICAL)
    state: Literal["present", "absent", "unknown"]
    if verification == "entered-in-error":
        item.problem("not-usable", "verificationStatus `entered-in-error` does not count")
        return
    if verification == "refuted":
        state = "absent"
    elif verification in (None, "confirmed"):
        state = "present" if clinical is None else _STATES.get(clinical, "unknown")
        if state == "unknown":
            item.problem("unknown-code", "clinicalStatus has no code that is known here")
    else:
        state = "unknown"
        if verification not in _UNSURE:
            item.problem("unknown-code", "verificationStatus has no code that is known here")
    statement = ConditionStated(
        state,
        clinical or None,
        confirmed=verification in (None, "confirmed"),
        onset=_onset(item),
        evidence=_evidence(item, entry),
    )
    recorded = [display(item.json.get("code")), verification, clinical]
    item.fact(entry, when, ", ".join(filter(None, recorded)), statement)


def _onset(item: Item) -> PartialDate | None:
    for key in item.json:
        if key.startswith("onset") and key != "onsetDateTime":
            item.problem("not-read", f"`{shown(key)}` is not read", "onsetDateTime is")
    return item.date(item.json.get("onsetDateTime"), "onsetDateTime")


def _evidence(item: Item, entry: Concept) -> frozenset[str]:
    names = item.codings.evidence[entry.name]
    return frozenset(
        names[key]
        for evidence in objects_in(item.json, "evidence")
        for concept in objects_in(evidence, "code")
        for key in keys_of(concept)
        if key in names
    )


# Procedure

_SIDES: dict[Key, Literal["both", "left", "right"]] = {
    snomed("51440002"): "both",
    snomed("7771000"): "left",
    snomed("24028007"): "right",
}


def _procedure(item: Item, entry: Concept, when: PartialDate | None) -> None:
    side = _side(item)
    recorded = [display(item.json.get("code")), side]
    item.fact(entry, when, ", ".join(filter(None, recorded)), Done(side))


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


# Medications

_Intent = Literal["adjuvant", "neoadjuvant", "palliative", "curative"]
_INTENTS: dict[Key, _Intent] = {
    snomed("373846009"): "adjuvant",
    snomed("373847000"): "neoadjuvant",
    snomed("363676003"): "palliative",
    snomed("373808002"): "curative",
}
_GOING_ON = frozenset({"active", "on-hold", "in-progress"})


def _medication(item: Item, entry: Concept, when: PartialDate | None) -> None:
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


def _course(item: Item) -> tuple[PartialDate | None, PartialDate | None]:
    """Start and end of a medication record.

    An administration dated by `effectiveDateTime` starts and ends that day; a statement so dated
    starts then. An end that is given but makes no sense is any day from the start on, or not
    recorded where the status says that the course is over.
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
        end = None
    if end is None and text_in(item.json, "status") in _GOING_ON:
        return start, PartialDate(start.first if start else date.min, date.max, "?")
    return start, end


# List and Consent


def _list(item: Item, entry: History, when: PartialDate | None) -> None:
    """A closed list, unless it is no snapshot or says that it is empty because nobody asked."""
    empty = item.json.get("emptyReason")
    if item.json.get("mode") != "snapshot":
        item.problem("not-usable", f"a list that is no snapshot does not close `{entry.name}`")
    elif empty is not None and "nilknown" not in [code for _, code in keys_of(empty)]:
        item.problem("not-usable", f"the reason why the list is empty leaves `{entry.name}` open")
    else:
        item.fact(entry, when, display(item.json.get("code")), Closed())


def _consent(item: Item, entry: Consent, when: PartialDate | None) -> None:
    status = text_in(item.json, "status") or ""
    provision = item.json.get("provision")
    denied = isinstance(provision, dict) and provision.get("type") == "deny"
    values: frozenset[str] | None = None
    if denied or status in ("inactive", "rejected"):
        values = frozenset({"refused"})
    elif status == "active":
        values = frozenset({"signed"})
    item.fact(entry, when, f"{status}, deny" if denied else status, Stated(values))


def _by(
    path: str, table: Callable[[Codings], Table[_E]]
) -> Callable[[Object, Codings], Sequence[_E]]:
    """Finds entries by the codes of the CodeableConcept at a path."""
    return lambda json, codings: entries_of(json.get(path), table(codings))


_BY_MEDICATION = _by("medicationCodeableConcept", lambda codings: codings.medications)

ROWS: dict[str, Row[Any]] = {
    "Patient": Row(find=_fields, read=_patient),
    "Observation": Row(
        find=observations.find,
        read=observations.read,
        date="effectiveDateTime",
        statuses=frozenset({"final", "amended", "corrected"}),
    ),
    "Condition": Row(
        find=_by("code", lambda codings: codings.conditions),
        read=_condition,
        date="recordedDate",
    ),
    "Procedure": Row(
        find=_by("code", lambda codings: codings.procedures),
        read=_procedure,
        date="performedDateTime",
        statuses=frozenset({"completed"}),
    ),
    "MedicationStatement": Row(
        find=_BY_MEDICATION,
        read=_medication,
        statuses=frozenset({"active", "completed", "stopped", "on-hold"}),
        unread=("medicationReference",),
    ),
    "MedicationAdministration": Row(
        find=_BY_MEDICATION,
        read=_medication,
        statuses=frozenset({"in-progress", "completed", "stopped", "on-hold"}),
        unread=("medicationReference",),
    ),
    "List": Row(
        find=_by("code", lambda codings: codings.lists),
        read=_list,
        date="date",
        statuses=frozenset({"current"}),
    ),
    "Consent": Row(
        find=_by("scope", lambda codings: codings.consents),
        read=_consent,
        date="dateTime",
        statuses=frozenset({"active", "inactive", "rejected", "draft", "proposed"}),
    ),
}
