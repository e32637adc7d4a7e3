"""What an example gives, or a what-if sets, to one fact: `hemoglobin is 88 g/L on 2026-01-03`.

A value is written as in an answer (`values.py`). Beyond that

    age is 17 years                    every birth date that gives the age; also >= 18 years
    alt is >= 40 U/L and < 80 U/L      a number between two others
    menopausal_status is a or b        one of several named values
    alt is unknown                     it is said to be unknown, so that nothing closes it
    platelets is not recorded          there is no fact of it

Source: docs/testing.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta

from protocol_logic.foundation.calendar import (
    PartialDate,
    last_start_reached,
)
from protocol_logic.foundation.text import shown
from protocol_logic.foundation.units import UNIT_WORDS
from protocol_logic.knowledge.vocabulary import (
    Age,
    Asked,
    Concept,
    Consent,
    Entry,
    Event,
    History,
    Lesion,
    PatientField,
    Qualifier,
    Quantity,
    Status,
    Timepoint,
)
from protocol_logic.records.elements import TREATMENT_INTENT, Elements, Unanswerable
from protocol_logic.records.facts import (
    Born,
    ConditionStated,
    Done,
    Fact,
    LesionSize,
    Measured,
    NotTaken,
    Ordered,
    Qualified,
    Reading,
    Stated,
)
from protocol_logic.records.quantities import Unreadable
from protocol_logic.records.said import read_said
from protocol_logic.records.values import placed, read_date

NOT_RECORDED = "not recorded"
UNKNOWN = "unknown"

_ON = re.compile(r"(?P<value>.*\S)\s+on\s+(?P<day>[0-9][0-9-]*)")
_AGE = re.compile(r"(?P<sign>[<>]=?)?\s*(?P<number>[0-9]{1,5})(?:\s+(?P<unit>\S+))?")
_BETWEEN = re.compile(r"(?P<first>[<>].*?) and (?P<last>[<>][^,]*)(?P<limits>,.*)?")
_OLDEST = 150
"""Nobody is older, in years."""
_Birth = Callable[[date, int], tuple[date, date]]


def read_given(elements: Elements, name: str, text: str, as_of: date, place: str) -> Fact | None:
    """The fact that a value of a name makes; None: nothing is recorded.

    Without a day of its own it is of the as-of date. `place`: what stands for the resource.
    Raises Unanswerable for a name that nothing can be given for, Unreadable for a value.
    """
    entry = entry_of(elements, name)
    words = " ".join(text.split())
    if words == NOT_RECORDED:
        return None
    value, when = words, PartialDate.parse(as_of.isoformat())
    dated = _ON.fullmatch(words)
    if dated is not None:
        value, when = dated["value"], read_date(dated["day"])
    if value == UNKNOWN and UNKNOWN not in getattr(entry, "values", ()):
        reading = _unknown(entry)
        if reading is None:
            return None
        # A procedure of which it is not known whether it was done may lie on any day.
        day = PartialDate.between(None, None) if isinstance(reading, Done) else when
        return Fact(entry=entry.name, resource=place, date=day, recorded=words, reading=reading)
    if isinstance(entry, Age):
        birth = PartialDate(*births(value, as_of), text=value)
        return Fact(entry=entry.of, resource=place, date=None, recorded=words, reading=Born(birth))
    reading = _read(elements, entry, value)
    if isinstance(reading, Qualified):
        message = f"it is said of a record: write `CONDITION is present with {entry.name} {value}`"
        raise Unreadable(message)
    if isinstance(reading, NotTaken):
        raise Unreadable(f"`{shown(words)}` is said of one record; leave `{entry.name}` out")
    where = placed(entry, reading, when)
    if dated is not None and (where.own_date or where.date is None):
        why = "has no day" if where.date is None else "says itself when it was"
        raise Unreadable(f"`{entry.name}` {why}, so leave out `on {dated['day']}`")
    return Fact(
        entry=where.entry,
        resource=place,
        date=where.date,
        recorded=words,
        reading=where.reading,
    )


def entry_of(elements: Elements, name: str) -> Entry:
    """The entry that a name or an element stands for, an age too; raises Unanswerable."""
    entry = elements.vocabulary.entries.get(name)
    if entry is not None:
        return entry
    ages = [age for age in elements.vocabulary.of(Age) if age.element == name]
    if len(ages) == 1:
        return ages[0]
    kind, _, resource = name.partition(":")
    if resource or kind == TREATMENT_INTENT:
        message = f"`{shown(name)}` is said of one record, here a name is given a value"
        raise Unanswerable(message, "say it of the record in a file of answers: `--answers FILE`")
    found = elements.find(name)
    assert found.entry is not None  # a name without a colon is no intent
    if found.evidence is not None:
        hint = f"write `{found.entry.name} is confirmed by {name}`"
        raise Unanswerable(f"`{name}` is evidence of `{found.entry.name}`", hint)
    return found.entry


def _unknown(entry: Entry) -> Reading | None:
    """A statement that says nothing of an entry, but that something is said; None: leave it out."""
    match entry:
        case Quantity():
            return Measured(None)
        case Status() | Consent():
            return Stated(None)
        case Concept(kind="condition" | "allergy"):
            return ConditionStated("unknown")
        case Concept(kind="procedure"):
            return Done(None, known=False)
        case Concept():
            return Ordered()
        case Lesion():
            return LesionSize((), None, None)
        case PatientField() | Age() | History() | Qualifier() | Asked() | Timepoint():
            return None
        case Event():
            raise Unreadable(
                "an event is not said to be unknown; leave it out, and open the list that closes it"
            )


# ---- several values ------------------------------------------------------------------------------


def _read(elements: Elements, entry: Entry, text: str) -> Reading:
    """What a value, or several, say of an entry."""
    between = _BETWEEN.fullmatch(text)
    if isinstance(entry, Quantity) and between is not None:
        each = [between["first"], between["last"] + (between["limits"] or "")]
        low, high = (read_said(elements.vocabulary, entry, part) for part in each)
        return _between(low, high, text)
    values = text.split(" or ")
    if len(values) < 2 or not isinstance(entry, Status | PatientField | Consent | Asked):
        return read_said(elements.vocabulary, entry, text)
    found: set[str] = set()
    for value in values:
        said = read_said(elements.vocabulary, entry, value)
        if not isinstance(said, Stated) or said.values is None:
            raise Unreadable(f"`{shown(text)}` is more than one date")
        found |= said.values
    return Stated(frozenset(found))


def _between(low: Reading, high: Reading, text: str) -> Measured:
    """The number that lies in both of two ranges."""
    assert isinstance(low, Measured) and isinstance(high, Measured)
    assert low.value is not None and high.value is not None
    if low.relative != high.relative or (low.relative and low.limits != high.limits):
        raise Unreadable(f"both ends of `{shown(text)}` have to be in one unit, or of one limit")
    found = low.value.intersection(high.value)
    if found is None:
        raise Unreadable(f"no number is `{shown(text)}`")
    return Measured(found, high.limits, high.relative)


# ---- ages ----------------------------------------------------------------------------------------


def births(text: str, as_of: date) -> tuple[date, date]:
    """The first and the last birth date that gives an age: `17 years`, `>= 18 years`."""
    first, last = _shift(as_of, _OLDEST), as_of
    for part in text.split(" and "):
        start, end = _born(part, text, as_of)
        first, last = max(first, start), min(last, end)
    if first > last:
        raise Unreadable(f"nobody is `{shown(text)}` old", "implausible-value")
    return first, last


def _born(part: str, text: str, as_of: date) -> tuple[date, date]:
    """The same of one range of a text."""
    match = _AGE.fullmatch(part)
    unit = UNIT_WORDS.get((match and match["unit"]) or "", match["unit"] if match else None)
    if match is None or unit not in _BIRTHS:
        raise Unreadable(f"`{shown(text)}` is no age; one is written like `17 years`")
    sign, number = match["sign"] or "", int(match["number"])
    try:
        first, last = _BIRTHS[unit](as_of, number)
    except OverflowError:
        first = last = date.min
    if first.year == date.min.year:
        raise Unreadable(f"nobody is `{shown(text)}` old", "implausible-value")
    day = timedelta(days=1)
    return {
        "": (first, last),
        ">=": (date.min, last),
        ">": (date.min, first - day),
        "<=": (first, as_of),
        "<": (last + day, as_of),
    }[sign]


def _shift(as_of: date, years: int) -> date:
    return last_start_reached(as_of, years * 12)


def _by_months(step: int) -> _Birth:
    """Ages that are counted by anniversaries, each of `step` months."""

    def births(as_of: date, number: int) -> tuple[date, date]:
        last = last_start_reached(as_of, number * step)
        before = last_start_reached(as_of, (number + 1) * step)
        return before + timedelta(days=1), last

    return births


def _by_days(step: int) -> _Birth:
    def births(as_of: date, number: int) -> tuple[date, date]:
        last = as_of - timedelta(days=number * step)
        return last - timedelta(days=step - 1), last

    return births


_BIRTHS: dict[str | None, _Birth] = {
    "a": _by_months(12),
    "mo": _by_months(1),
    "wk": _by_days(7),
    "d": _by_days(1),
}
