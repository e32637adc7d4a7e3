"""Entries that a resource names in a place that is not read as them: any code of a concept,
anywhere in it, that it does not state by the code that is read (the reason of a prescription, the
conclusion of a report, the code of a type of resource that is not read).

All of it rests on the codes that a resource holds, so that it can be said of these alone.
"""

from __future__ import annotations

from collections.abc import Iterable

from protocol_logic.records.codings import Codings, Key, keys_of
from protocol_logic.records.item import text_in
from protocol_logic.records.json_text import Object
from protocol_logic.records.unknown_codes import OF_FAMILY

_WITHDRAWN = ("cancelled", "revoked", "not-done", "rejected", "abandoned")
"""Of what did not come about the reason alone counts."""
_DENIED = ("refuted", "entered-in-error")
_OF_OTHERS = frozenset(
    "FamilyMemberHistory ImmunizationRecommendation Organization Patient Practitioner"
    " PractitionerRole ResearchStudy Substance".split()
)
"""Types that say nothing of what the patient has."""
_PASSED = frozenset(
    "contained meta text prediction protocolApplied"
    " identifier subject patient encounter context performer requester recorder asserter author"
    " participant serviceProvider location period effectivePeriod performedPeriod valueQuantity"
    " referenceRange clinicalStatus verificationStatus supportingInformation basedOn".split()
)
"""What is read by itself, is no statement, says what may come and what is to be prevented, or
holds no such code: references, periods and numbers."""
_BESIDE_ALLERGY = ("condition", "procedure")
"""Of an allergy the medication is what is not taken."""
_CONCEPT = frozenset(("coding", "text"))
_DAYS = (
    "effectiveDateTime", "effectivePeriod", "performedDateTime", "performedPeriod",
    "occurrenceDateTime", "occurrencePeriod", "billablePeriod", "period", "authoredOn", "authored",
    "recordedDate", "date", "created", "issued",
)  # fmt: skip


def keys_in(json: Object) -> frozenset[Key]:
    """The codes that a resource holds anywhere, with their systems, as far as they may name what
    the patient has; none of one that is denied, or about the family."""
    status, kind = text_in(json, "status"), json["resourceType"]
    if status == "entered-in-error" or kind in _OF_OTHERS:
        return frozenset()
    if "verificationStatus" in json and any(
        code in _DENIED for _, code in keys_of(json["verificationStatus"])
    ):
        return frozenset()
    if kind == "Medication":
        return frozenset(keys_of(json.get("code")))
    found: list[Key] = []
    left: list[Object] = [json]
    if status in _WITHDRAWN:
        left = [{"reasonCode": json.get("reasonCode")}]
    while left:
        node = left.pop()
        code = node.get("code")
        if code.__class__ is str:
            system = node.get("system")
            if system.__class__ is str:
                found.append((system, code))
                continue
        elif code.__class__ is dict and not OF_FAMILY.isdisjoint(keys_of(code)):
            continue
        for name, value in node.items():
            its = value.__class__
            if (its is not dict and its is not list) or name in _PASSED:
                continue
            for each in value if its is list else (value,):
                if each.__class__ is not dict:
                    continue
                if "coding" in each and _CONCEPT.issuperset(each):
                    found += keys_of(each)
                else:
                    left.append(each)
    return frozenset(found)


def mentions(
    kind: str, keys: Iterable[Key], codings: Codings, stated: Iterable[str] = ()
) -> tuple[str, ...]:
    """The concepts that some codes in a resource of a type name, but for those that it states."""
    found = {}
    naming = codings.naming
    for key in keys:
        its = naming.get(key)
        for each in codings.concepts(key) if its is None else its:
            found[each.name] = each.kind
    if kind == "AllergyIntolerance":
        found = {name: of for name, of in found.items() if of in _BESIDE_ALLERGY}
    return tuple(sorted(found.keys() - set(stated))) if found else ()


def day_of_unread(json: Object) -> str:
    """The first day of a resource of a type that is not read, as written, or nothing."""
    told = next((json[path] for path in _DAYS if path in json), None)
    day = text_in(told, "start") if isinstance(told, dict) else told
    return day[:10] if isinstance(day, str) else ""


def named_in(about: Object) -> list[Key]:
    """The codes that are kept of a resource, since they may name what it is not read for."""
    return [(system, code) for system, code in about.get("named", ())]
