"""Observations: numbers with their upper limits of normal, named values, conditions, lesions.

Source: docs/records.md and docs/semantics.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Literal, NamedTuple, TypeVar

from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.foundation.interval import Interval
from protocol_logic.foundation.text import shown
from protocol_logic.knowledge.vocabulary import Code, Concept, Lesion, Quantity, Status
from protocol_logic.records import quantities
from protocol_logic.records.codings import Observed, Said, keys_of
from protocol_logic.records.facts import (
    ConditionStated,
    End,
    LesionSize,
    Limit,
    Measured,
    Stated,
)
from protocol_logic.records.item import Item, codes_shown, display, objects_in, snomed
from protocol_logic.records.json_text import Number, Object
from protocol_logic.records.quantities import Unreadable

_ENDS: tuple[tuple[str, End, str], ...] = (("high", "ULN", "upper"), ("low", "LLN", "lower"))
_PRESENT, _ABSENT = snomed("52101004"), snomed("2667000")
_GENDER = "http://hl7.org/fhir/administrative-gender"
_SEX = {
    snomed("248152002"): "female",
    snomed("248153007"): "male",
    (_GENDER, "female"): "female",
    (_GENDER, "male"): "male",
}
_RANGE_MEANING = "http://terminology.hl7.org/CodeSystem/referencerange-meaning"
_ONE = Fraction(1)
_T = TypeVar("_T")


def read(item: Item, entry: Observed, date: PartialDate | None) -> None:
    """One fact of the entry; a value that cannot be interpreted is a fact too, an unknown one.

    `item` is an Observation or one of its components. One that says why it has no value has none:
    an older one may count.
    """
    reason = item.json.get("dataAbsentReason")
    if reason is not None:
        why = display(reason) or "no reason"
        item.problem("not-usable", f"it has no value (dataAbsentReason: `{shown(why)}`)")
        return
    value = _Value.of(item.json)
    if isinstance(entry, Quantity):
        said = _said(item, entry, value)
        if said.code:
            item.problem(said.code, f"`{entry.name}`: {said.why}")
        limits = _limits(item, entry, value) if "referenceRange" in item.json else ()
        item.fact(entry, date, said.recorded, Measured(said.number, limits))
    elif isinstance(entry, Status):
        stated = Stated(_known(item, entry.name, lambda: _named(entry, value)))
        item.fact(entry, date, value.recorded, stated)
    elif isinstance(entry, Concept):
        state = _known(item, entry.name, lambda: _presence(value))
        item.fact(entry, date, value.recorded, ConditionStated(state or "unknown"))
    else:
        _lesion(item, entry, date)


class _Value(NamedTuple):
    """The `value[x]` of an Observation or component: its key and content.

    `kind` is `no value` or `more than one value` where there is not just one.
    """

    kind: str
    content: object

    @classmethod
    def of(cls, json: Object) -> _Value:
        keys = [key for key in json if key.startswith("value") and json[key] is not None]
        if len(keys) == 1:
            return cls(keys[0], json[keys[0]])
        return cls("more than one value" if keys else "no value", None)

    @property
    def recorded(self) -> str:
        """The value as the record has it."""
        content = self.content
        if isinstance(content, dict):
            return quantities.recorded(content) if "value" in content else display(content)
        if isinstance(content, Number):
            return content.text
        if isinstance(content, bool):
            return "true" if content else "false"
        return content if isinstance(content, str) else ""

    @property
    def boolean(self) -> bool | None:
        """The content of a valueBoolean; None for other kinds."""
        if self.kind == "valueBoolean" and isinstance(self.content, bool):
            return self.content
        return None

    def quantity(self) -> Object:
        """The content of a valueQuantity; Unreadable for all else."""
        if self.kind == "valueQuantity" and isinstance(self.content, dict):
            return self.content
        raise Unreadable(f"its value cannot be read: `{shown(self.kind)}`")

    def integer(self) -> Interval | None:
        """The number of a valueInteger; None for other kinds."""
        if self.kind != "valueInteger":
            return None
        number = quantities.number(self.content)
        if number.denominator != 1:
            raise Unreadable("its value is not a whole number")
        return Interval.point(number)


def _known(item: Item, name: str, reading: Callable[[], _T]) -> _T | None:
    """What a reading gives, or None with a problem when it finds the value unreadable."""
    try:
        return reading()
    except Unreadable as problem:
        item.problem(problem.code, f"`{name}`: {problem.message}")
        return None


def _said(item: Item, entry: Quantity, value: _Value) -> Said:
    """The number in the entry's unit, or why there is none; also when it is not plausible."""
    try:
        found = _answer(item.json, entry, value)
        if found is None:
            return quantities.said(value.quantity(), entry, item.codings)
        quantities.refuse_implausible(found, entry, value.recorded)
        return Said(found, value.recorded)
    except Unreadable as problem:
        return Said(None, value.recorded, problem.code, problem.message)


def _answer(resource: Object, entry: Quantity, value: _Value) -> Interval | None:
    """The number that a coded, attested or integer answer stands for; None for other kinds."""
    keys = keys_of(resource.get("code")) if entry.attested else []
    if value.boolean is not None:
        attested = [entry.attested[key] for key in keys if key in entry.attested]
        if not attested:
            raise Unreadable("true or false is no value of it")
        return attested[0] if value.boolean else quantities.outside(attested[0])
    if entry.attested and not any(code.key in keys for code in entry.codes):
        raise Unreadable("this code is answered by true or false")
    if value.kind == "valueCodeableConcept":
        return _coded_number(entry, value)
    return value.integer() if entry.unit == "1" else None


def _coded_number(entry: Quantity, value: _Value) -> Interval:
    keys = keys_of(value.content)
    numbers = {entry.coded[key] for key in keys if key in entry.coded}
    if not numbers:
        raise Unreadable(f"its coded value {codes_shown(keys)}, not known here", "unknown-code")
    if len(numbers) > 1:
        raise Unreadable("its coded values contradict each other")
    return Interval.point(numbers.pop())


def _limits(item: Item, entry: Quantity, value: _Value) -> tuple[Limit, ...]:
    """The limits of normal of the result itself; unreadable ones are problems."""
    limits: list[Limit] = []
    for band in objects_in(item.json, "referenceRange"):
        for key, end, word in _ENDS:
            stated = band.get(key)
            if not isinstance(stated, dict):
                continue
            try:
                if not _is_normal(band):
                    break
                sex = _sex(band)
            except Unreadable as problem:  # of the whole range, told once
                item.problem(problem.code, f"{word} limit of `{entry.name}`: {problem.message}")
                break
            try:
                limit = _limit(stated, entry, value)
                limits.append(Limit(sex, limit, quantities.recorded(stated), end))
            except Unreadable as problem:
                item.problem(problem.code, f"{word} limit of `{entry.name}`: {problem.message}")
    return tuple(dict.fromkeys(limits))


def _is_normal(band: Object) -> bool:
    kind = band.get("type")
    if kind is None:
        return True
    codes = [code for system, code in keys_of(kind) if system == _RANGE_MEANING]
    if not codes:
        raise Unreadable("the type of its reference range is not coded")
    return "normal" in codes


def _sex(band: Object) -> str | None:
    """The sex a range is for; Unreadable when it is for some other population or an age."""
    if band.get("age") is not None:
        raise Unreadable("its reference range is for an age, which is not read")
    sexes: set[str] = set()
    for population in objects_in(band, "appliesTo"):
        keys = keys_of(population)
        named = {_SEX[key] for key in keys if key in _SEX}
        if len(named) != 1:
            raise Unreadable(f"the population of its reference range {codes_shown(keys)}")
        sexes |= named
    return sexes.pop() if len(sexes) == 1 else None


def _limit(stated: Object, entry: Quantity, value: _Value) -> Fraction:
    """A limit in the entry's unit; without a unit of its own it is in the unit of the value."""
    if stated.get("comparator") is not None:
        raise Unreadable("it has a comparator")
    if stated.get("code") is not None:
        return quantities.converted(stated, entry.accepts)
    if value.kind == "valueInteger" and entry.unit == "1":
        return quantities.number(stated.get("value"))
    quantities.factor(value.quantity(), entry.accepts)  # the value's own unit can be read
    return quantities.converted({**value.quantity(), "value": stated.get("value")}, entry.accepts)


def _named(entry: Status, value: _Value) -> frozenset[str]:
    """The values that a coded answer names, or that a number may lie in."""
    if value.kind == "valueCodeableConcept":
        keys = keys_of(value.content)
        found = frozenset(entry.meanings[key] for key in keys if key in entry.meanings)
        if not found:
            raise Unreadable(f"its coded value {codes_shown(keys)}, not known here", "unknown-code")
        return found
    number = value.integer() if entry.unit == "1" else None
    if number is None:
        number = quantities.interval(value.quantity(), {entry.unit: _ONE} if entry.unit else {})
    found = frozenset(name for held, name in entry.ranges if held.intersects(number))
    if not found:
        raise Unreadable(f"`{shown(value.recorded)}` lies in no range of it")
    return found


def _presence(value: _Value) -> Literal["present", "absent"]:
    if value.boolean is not None:
        return "present" if value.boolean else "absent"
    if value.kind != "valueCodeableConcept":
        raise Unreadable(f"its value cannot be read: `{shown(value.kind)}`")
    keys = keys_of(value.content)
    if (_PRESENT in keys) == (_ABSENT in keys):
        raise Unreadable(f"its coded value {codes_shown(keys)}, not known here", "unknown-code")
    return "present" if _PRESENT in keys else "absent"


def _lesion(item: Item, entry: Lesion, date: PartialDate | None) -> None:
    """One fact per measured lesion: a size for each component that measures an axis."""
    sizes: list[tuple[str, Interval | None]] = []
    recorded: list[str] = []
    for component in objects_in(item.json, "component"):
        if component.get("dataAbsentReason") is not None:
            continue
        value = _Value.of(component)
        for axis in _names(component.get("code"), entry.axes):
            size = _known(item, f"{entry.name} {axis}", _size_reading(entry, value))
            sizes.append((axis, size))
            recorded.append(f"{axis} {value.recorded}".strip())
    if not sizes:
        item.problem("unreadable-value", f"`{entry.name}`: no component gives a size")
    site = _place(item, "bodySite", entry.sites)
    method = _place(item, "method", entry.methods)
    item.fact(entry, date, ", ".join(recorded), LesionSize(tuple(sizes), site, method))


def _size_reading(entry: Lesion, value: _Value) -> Callable[[], Interval]:
    return lambda: quantities.interval(value.quantity(), entry.accepts)


def _names(concept: object, names: Mapping[str, tuple[Code, ...]]) -> list[str]:
    keys = keys_of(concept)
    return [name for name, codes in names.items() if any(code.key in keys for code in codes)]


def _place(item: Item, path: str, names: Mapping[str, tuple[Code, ...]]) -> str | None:
    """The name of a site or method; `other` for another code of a system that the names use."""
    concept = item.json.get(path)
    found = _names(concept, names)
    if concept is None or len(found) == 1:
        return found[0] if found else None
    keys = keys_of(concept)
    systems = {code.system for codes in names.values() for code in codes}
    if not found and any(system in systems for system, _ in keys):
        return "other"
    if found:
        item.problem("unreadable-value", f"the codes of `{path}` contradict each other")
    elif names:
        item.problem("unknown-code", f"`{path}` {codes_shown(keys)}, not known here")
    return None
