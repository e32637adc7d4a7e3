"""Stages that stand in a Condition: each is read as the Observation would be that says the same.

Source: docs/records.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.knowledge.vocabulary import Quantity, Status
from protocol_logic.records import conditions, observations
from protocol_logic.records.codings import ICD_10_CM, Codings, entries_of, is_known, keys_of
from protocol_logic.records.dates import day_of
from protocol_logic.records.facts import doubtful
from protocol_logic.records.item import Item, objects_in
from protocol_logic.records.json_text import Object

Staged: TypeAlias = Status | Quantity
"""What a stage can be a value of."""

STAGE_GROUP = ("http://loinc.org", "21908-9")
"""What a stage of a tumor is that does not say what it is."""


def statuses_in(json: Object, codings: Codings) -> Iterator[tuple[Object, int, Staged]]:
    """Each stage that a Condition says, as an Observation has it, with its number among all, and
    the entry of which it states a value. None of what was entered in error, or refuted."""
    if "stage" not in json or conditions.is_withdrawn(json):
        return
    for number, stage in enumerate(objects_in(json, "stage"), 1):
        said = {"code": stage.get("type"), "valueCodeableConcept": stage.get("summary")}
        if "verificationStatus" in json:
            said["verificationStatus"] = json["verificationStatus"]
        if isinstance(said["valueCodeableConcept"], dict):
            for entry in _statuses(json, said, codings):
                yield said, number, entry


def read(item: Item, entry: Staged, when: PartialDate | None) -> None:
    """One fact. What is not confirmed has a stage that is not known."""
    made = len(item.facts)
    observations.read(item, entry, when)
    if not conditions.is_confirmed(item.json):
        item.facts[made:] = [fact for each in item.facts[made:] if (fact := doubtful(each))]


def day(item: Item, paths: tuple[str, ...]) -> PartialDate:
    """The day of the Condition; without one that can be read, any."""
    return day_of(item, paths) or PartialDate.between(None, None)


def _statuses(json: Object, said: Object, codings: Codings) -> tuple[Staged, ...]:
    """Those that the type of a stage means, else its value; else, where nothing tells what it is,
    the stage group. All of these where it is not known which others there are."""
    kind, value = said["code"], said["valueCodeableConcept"]
    named = _of(entries_of(kind, codings.observations))
    valued = entries_of(value, codings.valued)
    group = _of(codings.observations.get(STAGE_GROUP, ()))
    if codings.stating is None:
        return tuple({e.name: e for e in (*named, *valued, *group)}.values())
    if named or valued:
        return named or valued
    keys = [*keys_of(kind), *keys_of(value)]
    told = not codings.stating.isdisjoint(keys) or any(map(is_known, keys_of(value)))
    return () if told or _is_no_tumor(json) else group


def _of(entries: tuple[object, ...]) -> tuple[Staged, ...]:
    return tuple(entry for entry in entries if isinstance(entry, Status | Quantity))


def _is_no_tumor(json: Object) -> bool:
    """Whether a Condition has codes of ICD-10-CM, none of them of a neoplasm (C00-D49)."""
    codes = [code for system, code in keys_of(json.get("code")) if system == ICD_10_CM]
    return bool(codes) and not any(code[:1] == "C" or "D0" <= code[:2] <= "D4" for code in codes)
