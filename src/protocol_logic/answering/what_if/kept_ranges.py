"""The range of normal that a number keeps which is set without one: that of the recorded result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date

from protocol_logic.answering.readings import with_unit
from protocol_logic.compiling.plan import Plan
from protocol_logic.findings.latest import newest
from protocol_logic.knowledge.vocabulary import Quantity, Vocabulary
from protocol_logic.records.facts import Fact, Limit, Measured, PatientRecord


def ends_read(plan: Plan) -> Mapping[str, frozenset[str]]:
    """Entry -> the limits of normal, `ULN` or `LLN`, of which multiples are tested."""
    found: dict[str, frozenset[str]] = {}
    for finding in plan.findings.values():
        if finding.kind == "ratio":
            ends = found.get(finding.entry, frozenset())
            found[finding.entry] = ends | {str(finding.detail)}
    return found


def with_range(
    fact: Fact, record: PatientRecord, as_of: date, ends: Iterable[str], vocabulary: Vocabulary
) -> tuple[Fact, str]:
    """A set fact with the limits of the newest usable result of its entry, and these in words.

    It stays as it is, and there are no words, where it has limits or is a multiple of one, and
    where results that may be the newest do not agree.
    """
    reading, entry = fact.reading, vocabulary.entries.get(fact.entry)
    if not isinstance(reading, Measured) or not isinstance(entry, Quantity):
        return fact, ""
    if reading.value is None or reading.limits or reading.relative:
        return fact, ""
    limits = _recorded(fact.entry, record, as_of)
    kept = tuple(limit for limit in limits if limit.end in ends)
    said = "".join(f", {_said(limit, entry.unit)}" for limit in kept)
    return replace(fact, reading=replace(reading, limits=kept)), said


def _recorded(entry: str, record: PatientRecord, as_of: date) -> tuple[Limit, ...]:
    usable = [
        fact
        for fact in record.facts
        if fact.entry == entry
        and isinstance(fact.reading, Measured)
        and fact.reading.value is not None
        and fact.date is not None
        and fact.date.first <= as_of
    ]
    found = [f.reading for f in newest(usable, as_of) if isinstance(f.reading, Measured)]
    stated = {frozenset((x.end, x.sex, x.value) for x in each.limits) for each in found}
    # A multiple has no limit of its own: `1 x ULN` is none of a number.
    if len(stated) != 1 or any(each.relative for each in found):
        return ()
    return found[0].limits


def _said(limit: Limit, unit: str) -> str:
    sex = {"female": " for women", "male": " for men"}.get(limit.sex or "", "")
    return f"{limit.end} {with_unit(limit.value, unit)}{sex}"
