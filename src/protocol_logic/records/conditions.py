"""Conditions: what a Condition states, from when and until when.

Source: docs/records.md and docs/semantics.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.knowledge.vocabulary import Concept
from protocol_logic.records.codings import keys_of
from protocol_logic.records.dates import day_if_any, unread
from protocol_logic.records.facts import ConditionStated, Done
from protocol_logic.records.item import Item, display, objects_in, status_code
from protocol_logic.records.json_text import Object
from protocol_logic.records.qualifiers import qualifiers_of

ONSET = ("onsetDateTime", "onsetPeriod", "onsetAge")
ABATEMENT = ("abatementDateTime", "abatementPeriod", "abatementAge")

_VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
_CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
VERIFICATION_OF_ALLERGY = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"
_ANY_DAY = PartialDate.between(None, None)
_State = Literal["present", "absent", "unknown"]
_STATES: dict[str, _State] = {
    "active": "present",
    "recurrence": "present",
    "relapse": "present",
    "inactive": "absent",
    "remission": "absent",
    "resolved": "absent",
}
_WITHDRAWN = frozenset({"entered-in-error", "refuted"})
_UNSURE = frozenset({"unconfirmed", "provisional", "differential"})


def read(item: Item, entry: Concept, when: PartialDate | None) -> None:
    """One fact; where it says when the condition abated, it states presence until then.

    A Condition can also say that a procedure was done.
    """
    if entry.kind == "procedure":
        verification = status_code(item.json.get("verificationStatus"), _VERIFICATION)
        if verification in _WITHDRAWN:
            item.problem("not-usable", f"verificationStatus `{verification}` does not count")
            return
        recorded = [display(item.json.get("code")), verification]
        done = Done(None, known=verification in (None, "confirmed"))
        item.fact(entry, when, ", ".join(filter(None, recorded)), done)
        return
    read_stated(item, entry, when, _VERIFICATION, _CLINICAL)


def read_stated(
    item: Item, entry: Concept, when: PartialDate | None, verifications: str, clinicals: str
) -> None:
    """The same with statuses of other code systems."""
    verification = status_code(item.json.get("verificationStatus"), verifications)
    clinical = status_code(item.json.get("clinicalStatus"), clinicals)
    if verification == "entered-in-error":
        item.problem("not-usable", "verificationStatus `entered-in-error` does not count")
        return
    confirmed = verification in (None, "confirmed")
    abated = _day_at(item, ABATEMENT, "abatement", _ANY_DAY)
    after: Literal["absent", "unknown"] = "absent"
    state: _State
    if verification == "refuted":
        state, abated = "absent", None
    elif confirmed:
        state = "present" if clinical is None else _STATES.get(clinical, "unknown")
        if state == "unknown":
            item.problem("unknown-code", "clinicalStatus has no code that is known here")
            after = "unknown"
        if abated is _ANY_DAY and state == "absent":
            abated = None  # it is over, whenever that was
        if abated is not None:
            if state == "present" and clinical is not None:
                after = "unknown"
                message = f"clinicalStatus is `{clinical}` although it abated on `{abated.text}`"
                item.problem("conflict", message, "it is open from that day on")
            state = "present" if state == "absent" else state
    else:
        state, abated = "unknown", None
        if verification not in _UNSURE:
            item.problem("unknown-code", "verificationStatus has no code that is known here")
    statement = ConditionStated(
        state,
        clinical or None,
        confirmed=confirmed,
        onset=_day_at(item, ONSET, "onset", PartialDate.between(None, when)),
        evidence=_evidence(item, entry),
        abated=abated,
        after=after,
        qualifiers=qualifiers_of(item),
        codes=frozenset(keys_of(item.json.get("code"))),
    )
    until = f"abated {abated.text}" if abated is not None else None
    recorded = [display(item.json.get("code")), verification, clinical, until]
    item.fact(entry, when, ", ".join(filter(None, recorded)), statement)


def is_withdrawn(json: Object) -> bool:
    """Whether a Condition says that it was entered in error, or that there is no such condition."""
    said = json.get("verificationStatus")
    systems = (_VERIFICATION, VERIFICATION_OF_ALLERGY)
    return any(status_code(said, system) in _WITHDRAWN for system in systems)


def is_confirmed(json: Object) -> bool:
    """Whether a Condition is confirmed, or says nothing of it."""
    return status_code(json.get("verificationStatus"), _VERIFICATION) in (None, "confirmed")


def _day_at(
    item: Item, paths: Sequence[str], stem: str, unreadable: PartialDate
) -> PartialDate | None:
    """The day of an onset or abatement, or the one that stands for any where something is there
    and cannot be read; None where nothing is there."""
    others = unread(item, paths, stem)
    told = others or any(item.json.get(path) is not None for path in paths)
    return day_if_any(item, paths) or (unreadable if told else None)


def _evidence(item: Item, entry: Concept) -> frozenset[str]:
    names = item.codings.evidence.get(entry.name, {})
    return frozenset(
        names[key]
        for evidence in objects_in(item.json, "evidence")
        for concept in objects_in(evidence, "code")
        for key in keys_of(concept)
        if key in names
    )
