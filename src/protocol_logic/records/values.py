"""A value as a person writes it, to what it says of an entry: `8.8 g/dL`, `positive`, `present`.

One notation for answers, tables, examples and what-if. Nothing is guessed: a number has its unit,
a name is one of the entry's own. Source: docs/answers.md.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from typing import Literal, NamedTuple, get_args

from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.foundation.interval import Interval, decimal_text
from protocol_logic.foundation.problems import one_of
from protocol_logic.foundation.text import shown
from protocol_logic.foundation.units import UNIT_WORDS
from protocol_logic.knowledge.vocabulary import (
    ASKED_VALUES,
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
from protocol_logic.records import quantities
from protocol_logic.records.facts import (
    Appointed,
    Born,
    Closed,
    ConditionStated,
    Done,
    End,
    Happened,
    LesionSize,
    Limit,
    Measured,
    NotTaken,
    Qualified,
    Reading,
    Stated,
    Therapy,
)
from protocol_logic.records.json_text import Number, Object
from protocol_logic.records.quantities import Unreadable

Intent = Literal["adjuvant", "neoadjuvant", "palliative", "curative"]
INTENTS: tuple[Intent, ...] = ("adjuvant", "neoadjuvant", "palliative", "curative")
CONSENT_VALUES = ("signed", "refused")
OPEN_END = "?"
NEVER = "never"
"""What is said of a condition, procedure, medication or event that there never was."""
COMPLETE = "complete"
"""What is said of a list, a condition, procedure, medication or event of which nothing is
missing."""
CLOSING = (NEVER, COMPLETE)

_State = Literal["present", "absent", "unknown"]
_STATES: tuple[_State, ...] = ("present", "absent", "unknown")
_Side = Literal["both", "left", "right"]
_SIDES: dict[str, _Side | None] = {
    "done": None,
    "done left": "left",
    "done right": "right",
    "done both": "both",
}
_ONE = Fraction(1)
_A_DATE = "a date: `YYYY-MM-DD`, `YYYY-MM` or `YYYY`"
_NUMBER = r"[+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?"
_QUANTITY = re.compile(
    rf"(?P<sign>[<>]=?)?\s*(?P<number>{_NUMBER})(?:\s+(?P<unit>\S+)|(?P<percent>%))?"
)
_DATE = re.compile(r"[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?)?")
_COURSE = re.compile(
    r"(?:(?P<before>(?!from\s)[a-z]+)\s+)?"
    r"(?:(?:from\s+)?(?P<start>\S+)\s+(?:to\s+(?P<end>\S+)|ongoing)|from\s+(?P<since>\S+))"
    r"(?:\s+(?P<after>\S+))?",
    re.IGNORECASE,
)
_ENDS: tuple[End, ...] = get_args(End)
_MULTIPLE = re.compile(
    rf"(?:(?P<sign>[<>]=?)\s*)?(?P<number>{_NUMBER})\s+x\s+(?P<end>{'|'.join(_ENDS)})"
)
_LIMIT = re.compile(rf",\s*({'|'.join(_ENDS)})\s+")
_LESION = re.compile(
    r"(?P<sizes>.+?)(?:\s+at\s+(?P<site>\S+))?(?:\s+by\s+(?P<method>\S+))?", re.IGNORECASE
)


def read_value(entry: Entry, text: str) -> Reading:
    """What a value says of an entry.

    Raises Unreadable, with a message that says what would be right, for all that is not exactly a
    value of the entry; with the code `implausible-value` for a number that no patient can have,
    and `unreadable-date` for what is no date.
    """
    text = text.strip()
    if isinstance(entry, Concept | Event) and text.casefold() in CLOSING:
        return Closed()
    match entry:
        case Quantity():
            return _measured(entry, text)
        case Status():
            return Stated(_named(entry, text))
        case Concept(kind="condition" | "allergy"):
            return _condition(entry, text)
        case Concept(kind="procedure"):
            return Done(_SIDES[_one_of(entry, tuple(_SIDES), " ".join(text.split()))])
        case Concept():
            return _course(entry, text)
        case PatientField(field="birthDate"):
            return Born(read_date(text))
        case PatientField():
            return Stated(frozenset({_one_of(entry, entry.values, text)}))
        case Consent():
            return Stated(frozenset({_one_of(entry, CONSENT_VALUES, text)}))
        case Asked():
            return Stated(frozenset({_one_of(entry, ASKED_VALUES, text)}))
        case Timepoint():
            return Appointed(_day(text))
        case Qualifier():
            return Qualified(entry.name, _one_of(entry, entry.values, text))
        case History():
            _one_of(entry, (COMPLETE, "closed"), text)
            return Closed()
        case Event():
            return Happened(read_date(re.sub(r"^on\s+", "", text)))
        case Lesion():
            return _lesion(entry, text)
        case Age():
            raise Unreadable(f"it is counted from the date `{entry.of}`; give that")


class Placed(NamedTuple):
    """A reading as a fact has it: of which entry, and of which day.

    `own_date`: the value itself says when.
    """

    entry: str
    date: PartialDate | None
    reading: Reading
    own_date: bool


def placed(entry: Entry, reading: Reading, when: PartialDate | None) -> Placed:
    """Where a reading that is said of a day belongs.

    A patient field has no day, a course counts from its start on, and an event of a status is that
    status on the day of the event.
    """
    if isinstance(reading, Therapy):
        return Placed(entry.name, reading.start, reading, True)
    if isinstance(entry, PatientField):
        return Placed(entry.name, None, reading, False)
    if isinstance(entry, Event) and entry.status and entry.value and isinstance(reading, Happened):
        return Placed(entry.status, reading.on, Stated(frozenset({entry.value})), True)
    return Placed(entry.name, when, reading, False)


def expected(entry: Entry) -> str:
    """What a value of an entry looks like, in words; of one record there may be more."""
    match entry:
        case Quantity(unit="1"):
            return "a number" + _from_to(entry)
        case Quantity():
            return f"a number in {one_of(entry.accepts)}"
        case Status():
            number = f", or a number in `{entry.unit}`" if entry.unit not in (None, "1") else ""
            return one_of(entry.values) + number
        case Concept(kind="condition" | "allergy"):
            evidence = (f"confirmed by {name}" for name in entry.evidence)
            return one_of(("present", "present since 2019-03", *_STATES[1:], *CLOSING, *evidence))
        case Concept(kind="procedure"):
            return one_of((*_SIDES, *CLOSING))
        case Concept():
            return (
                "dates as in `2023-01-15 to 2024-06`, `2024-03 ongoing` or `from 2024-03`; of a "
                f"treatment of cancer perhaps then {one_of(INTENTS)}; or {one_of(CLOSING)}"
            )
        case PatientField(field="birthDate"):
            return _A_DATE
        case Event():
            return f"{_A_DATE}; or {one_of(CLOSING)}"
        case PatientField() | Qualifier():
            return one_of(entry.values)
        case Consent():
            return one_of(CONSENT_VALUES)
        case Timepoint():
            return "a day: `YYYY-MM-DD`"
        case Asked():
            return one_of(ASKED_VALUES)
        case History():
            return f"`{COMPLETE}`"
        case Lesion():
            sizes = one_of(f"{axis} 12 {entry.unit}" for axis in entry.axes)
            return f"sizes such as {sizes}, perhaps then `at SITE` and `by METHOD`"
        case Age():
            return f"no value: it is counted from `{entry.of}`"


def read_limit(entry: Quantity, text: str) -> Fraction:
    """A limit of normal in the unit of its quantity.

    Raises Unreadable for what is no plain number above zero with its unit.
    """
    found = _number(entry, text.strip())
    if found.lo is None or not found.is_point or found.lo <= 0:
        raise Unreadable(f"`{shown(text)}` is no limit; expected is {expected(entry)}, above zero")
    return found.lo


def read_intent(text: str) -> Intent:
    """What a medication is meant for; raises Unreadable for all else."""
    for intent in INTENTS:
        if text.casefold() == intent:
            return intent
    raise Unreadable(f"`{shown(text)}` is no intent; one is {one_of(INTENTS)}")


def read_date(text: str) -> PartialDate:
    """A day, month or year; raises Unreadable for all else, also for a time of day."""
    try:
        if _DATE.fullmatch(text):
            return PartialDate.parse(text)
    except ValueError:
        message = f"`{shown(text)}` is no day of the calendar"
        raise Unreadable(message, "unreadable-date") from None
    message = f"`{shown(text)}` is not a date; dates are `YYYY-MM-DD`, `YYYY-MM` or `YYYY`"
    raise Unreadable(message, "unreadable-date")


def _day(text: str) -> date:
    day = read_date(text)
    if not day.exact:
        raise Unreadable(f"`{shown(text)}` is no single day; write it as `YYYY-MM-DD`")
    return day.first


# ---- numbers -------------------------------------------------------------------------------------


def _measured(entry: Quantity, text: str) -> Measured:
    """`8.8 g/dL`, `120 U/L, ULN 40 U/L`, or just the multiple of a limit of normal: `3 x ULN`."""
    multiple = _MULTIPLE.fullmatch(text)
    if multiple is not None:
        number = _quantity(f"{multiple['sign'] or ''} {multiple['number']}".strip(), "1", "")
        end = _end(multiple["end"])
        limit = Limit(None, _ONE, f"1 x {end}", end)
        return Measured(quantities.interval(number, {"1": _ONE}), (limit,), relative=True)
    value, *said = _LIMIT.split(text)
    limits = tuple(
        Limit(None, read_limit(entry, limit.strip()), limit.strip(), _end(word))
        for word, limit in zip(said[::2], said[1::2], strict=True)
    )
    return Measured(_number(entry, value), limits)


def _end(word: str) -> End:
    return "LLN" if word == "LLN" else "ULN"


def _number(entry: Quantity, text: str) -> Interval:
    negative = entry.plausible is not None and (
        entry.plausible.lo is None or entry.plausible.lo < 0
    )
    quantity = _quantity(text, entry.unit, expected(entry))
    found = quantities.interval(quantity, entry.accepts, negative=negative)
    quantities.refuse_implausible(found, entry, text)
    return found


def _quantity(text: str, unit: str, wanted: str) -> Object:
    """The parts of `< 0.5 mg/dL` as a FHIR Quantity; without a unit only where `unit` is `1`."""
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise Unreadable(f"`{shown(text)}` cannot be read{_why(text)}; expected is {wanted}")
    said = match["unit"] or match["percent"] or ""
    code = UNIT_WORDS.get(said, said) or ("1" if unit == "1" else None)
    if code is None:
        raise Unreadable(f"`{shown(text)}` has no unit; expected is {wanted}")
    quantity: Object = {"value": Number(match["number"]), "code": code}
    return {**quantity, "comparator": match["sign"]} if match["sign"] else quantity


def _from_to(entry: Quantity) -> str:
    range_ = entry.plausible
    if range_ is None or range_.lo is None or range_.hi is None:
        return ""
    return f" from {decimal_text(range_.lo)} to {decimal_text(range_.hi)}"


def _why(text: str) -> str:
    """The usual mistakes in a number with its unit."""
    if re.search(r"[0-9],[0-9]", text):
        return " (a comma in a number could mean two things)"
    if re.search(r"[≤≥]", text):
        return " (the comparators are `<`, `<=`, `>` and `>=`)"
    if re.fullmatch(rf"[<>]?=?\s*{_NUMBER}\S+", text):
        return " (a blank stands between the number and its unit)"
    return ""


def _named(entry: Status, text: str) -> frozenset[str]:
    """The value that is named, or those in whose range the number lies."""
    names = {value.casefold(): value for value in entry.values}
    if text.casefold() in names:
        return frozenset({names[text.casefold()]})
    if entry.ranges and _QUANTITY.fullmatch(text):
        unit = entry.unit or "1"
        number = quantities.interval(_quantity(text, unit, expected(entry)), {unit: _ONE})
        found = frozenset(name for held, name in entry.ranges if held.intersects(number))
        if found:
            return found
    raise _none(entry, text)


# ---- names ---------------------------------------------------------------------------------------


def _one_of(entry: Entry, values: Sequence[str], text: str) -> str:
    names = {value.casefold(): value for value in values}
    if text.casefold() not in names:
        raise _none(entry, text)
    return names[text.casefold()]


def _none(entry: Entry, text: str) -> Unreadable:
    return Unreadable(f"`{shown(text)}` is no value of it; expected is {expected(entry)}")


def _condition(entry: Concept, text: str) -> ConditionStated:
    words = " ".join(text.casefold().split())
    for state in _STATES:
        if words == state:
            return ConditionStated(state)
    if words.startswith("present since "):
        return ConditionStated("present", onset=read_date(words.removeprefix("present since ")))
    for name in entry.evidence:
        if words == f"confirmed by {name.casefold()}":
            return ConditionStated("present", confirmed=True, evidence=frozenset({name}))
    raise _none(entry, text)


def _course(entry: Concept, text: str) -> Therapy | NotTaken:
    if text.casefold().split() == ["not", "taken"]:
        return NotTaken()
    match = _COURSE.fullmatch(text)
    if match is None:
        raise _none(entry, text)
    intents = [word for word in (match["before"], match["after"]) if word is not None]
    if len(intents) > 1:
        raise _none(entry, text)
    intent = read_intent(intents[0]) if intents else None
    start, end = (
        read_date(day) if day not in (None, OPEN_END) else None
        for day in (match["start"] or match["since"], match["end"])
    )
    if start is None and end is None:
        raise Unreadable(f"`{shown(text)}` has no date")
    if start is not None and end is not None and end.last < start.first:
        raise Unreadable(f"`{shown(text)}` ends before it starts", "unreadable-date")
    return Therapy(start, end, ongoing=match["end"] is None, intent=intent)


def _lesion(entry: Lesion, text: str) -> LesionSize:
    """`longest 12 mm, short 8 mm at lymph_node by chest_x_ray`; site or method may be `other`."""
    match = _LESION.fullmatch(text)
    if match is None:
        raise _none(entry, text)
    places: list[str | None] = []
    for kind, named, known in (
        ("site", match["site"], entry.sites),
        ("method", match["method"], entry.methods),
    ):
        names = {name.casefold(): name for name in (*known, "other")}
        if named is not None and named.casefold() not in names:
            raise Unreadable(f"`{shown(named)}` is no {kind} of it; expected is {one_of(names)}")
        places.append(None if named is None else names[named.casefold()])
    sizes: dict[str, Interval | None] = {}
    for part in match["sizes"].split(","):
        axis, _, size = part.strip().partition(" ")
        if axis not in entry.axes or axis in sizes:
            raise _none(entry, text)
        quantity = _quantity(size.strip(), entry.unit, f"a number in {one_of(entry.accepts)}")
        sizes[axis] = quantities.interval(quantity, entry.accepts)
    return LesionSize(tuple(sizes.items()), *places)
