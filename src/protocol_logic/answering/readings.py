"""What a fact says, in words: the value as it was read, its limits of normal, and margins."""

from __future__ import annotations

import re
from datetime import date
from fractions import Fraction

from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.foundation.interval import Interval, decimal_text
from protocol_logic.foundation.text import shown
from protocol_logic.records.facts import (
    Born,
    Closed,
    ConditionStated,
    Done,
    Fact,
    Happened,
    LesionSize,
    Measured,
    NotTaken,
    Ordered,
    Qualified,
    Stated,
    Therapy,
)

UNREADABLE = "cannot be read"


_PLURALS = ("years", "months", "weeks", "days", "percentage points")
_LONGEST_FRACTION = 16


def with_unit(number: Fraction, unit: str | None) -> str:
    """A number exactly, with its unit; one without a finite decimal with what it is about."""
    text = _exactly(number)
    about = f" (about {round(float(number), 3)})" if "/" in text else ""
    return f"{text} {_counted(unit, number)}{about}" if unit and unit != "1" else f"{text}{about}"


def _exactly(number: Fraction) -> str:
    """A number exactly; where that would be a fraction of many digits, what it is about."""
    text = decimal_text(number)
    return _nearly(number) if "/" in text and len(text) > _LONGEST_FRACTION else text


def _counted(unit: str, number: Fraction) -> str:
    """A unit as it is said of a number: `1 year`, `2 years`."""
    return unit.removesuffix("s") if number == 1 and unit in _PLURALS else unit


def interval_words(interval: Interval, unit: str | None) -> str:
    """An interval in words: `below 90 g/L`, `at least 90 g/L`."""
    lo, hi = interval.lo, interval.hi
    if lo is not None and lo == hi:
        return with_unit(lo, unit)
    least = "" if lo is None else f"{'at least' if interval.lo_closed else 'above'} "
    most = "" if hi is None else f"{'at most' if interval.hi_closed else 'below'} "
    if lo is not None and hi is not None:
        return f"{least}{_exactly(lo)} and {most}{with_unit(hi, unit)}"
    if lo is not None:
        return f"{least}{with_unit(lo, unit)}"
    return "any number" if hi is None else f"{most}{with_unit(hi, unit)}"


def one_number(interval: Interval) -> Fraction | None:
    """The one number that is meant; the digits of a root are many, and do not end."""
    if interval.lo is None or interval.hi is None:
        return None
    if interval.hi - interval.lo > abs(interval.hi) / 1_000_000:
        return None
    return (interval.lo + interval.hi) / 2


def margin_words(
    value: Fraction, limit: Fraction, unit: str, exact: bool = True
) -> tuple[str, str]:
    """A value, and how far it is from a limit; `exact`: else it is only about this value."""
    gap = value - limit
    unit = "" if unit == "1" else unit
    side = "above" if gap > 0 else "below"
    said = _about if exact else _nearly
    far = f"{said(abs(gap))} {_counted(points(unit), abs(gap))} {side} the limit"
    far = " ".join(far.split()) if gap else "at the limit"
    return f"{said(value)} {_counted(unit, value)}".strip(), far


def points(unit: str) -> str:
    """The unit of the difference of two numbers: that of percents is no percent of anything."""
    return "percentage points" if unit == "%" else unit


def _nearly(number: Fraction) -> str:
    return f"about {round(float(number), 3)}"


def _about(number: Fraction) -> str:
    """A number exactly; one without a finite decimal as a fraction, with what it is about."""
    text = _exactly(number)
    return f"{text} (about {round(float(number), 3)})" if "/" in text else text


def named_as(fact: Fact) -> str:
    """What a diagnosis, a procedure or a medication is called where it is recorded; nothing where a
    fact has no such name."""
    if fact.resource.partition("/")[0] not in _NAMING or isinstance(fact.reading, Stated):
        return ""
    parts = fact.recorded.split(", ")
    while parts and (parts[-1] in _STATUSES or _SPAN.fullmatch(parts[-1])):
        parts.pop()
    return shown(", ".join(parts))


_NAMING = {
    "Condition", "Procedure", "MedicationStatement", "MedicationAdministration",
    "MedicationRequest", "MedicationDispense", "condition_occurrence", "procedure_occurrence",
    "drug_exposure",
}  # fmt: skip
"""Types of resources, and tables of OMOP, that name what they are about."""
_STATUSES = {
    *("confirmed", "refuted", "unconfirmed", "provisional", "differential", "entered-in-error"),
    *("active", "recurrence", "relapse", "inactive", "remission", "resolved", "on-hold"),
    *("completed", "stopped", "in-progress", "unknown", "both", "left", "right"),
}
_SPAN = re.compile(r"\S+ to \S+|abated \S+")
"""What the record of a fact says besides, as `records/` writes it."""


def read_as(fact: Fact, unit: str | None) -> str:
    """What the program read in a fact."""
    match fact.reading:
        case Measured(value=None):
            return UNREADABLE
        case Measured(value=value, relative=True) if value is not None:
            return interval_words(value, "x the limit of normal")
        case Measured(value=value) if value is not None:
            return interval_words(value, unit)
        case Stated(values=values):
            return UNREADABLE if values is None else " or ".join(sorted(values))
        case ConditionStated(past=True, state=state, onset=before):
            told = "never was" if state == "absent" else "was, on some day"
            return f"{told} up to {before.last.isoformat()}" if before is not None else told
        case ConditionStated() as stated:
            parts = [stated.state, *([f"clinically {stated.clinical}"] if stated.clinical else [])]
            if stated.onset is not None:
                parts.append(f"since {_day(stated.onset)}")
            if stated.abated is not None:
                parts.append(f"ended {_day(stated.abated)}")
            return ", ".join(parts)
        case Therapy(start=start, end=end, ongoing=ongoing, intent=intent):
            since = start.text if start is not None else "an unknown day"
            until = end.text if end is not None else "now" if ongoing else "an unknown day"
            return f"from {since} to {until}, intent {intent or 'not recorded'}"
        case Ordered():
            return "ordered; not recorded whether it was taken"
        case NotTaken():
            return "not taken"
        case Done(side=side, known=known):
            done = "done" if known else "possibly done"
            return f"{done} on side {side}" if side else done
        case Qualified(name=name, value=value):
            return f"{name} {value}"
        case LesionSize(sizes=sizes, site=site):
            said = [f"{a} {interval_words(s, unit) if s else UNREADABLE}" for a, s in sizes]
            return f"{', '.join(said) or 'no size'}, site {site or 'not recorded'}"
        case Closed():
            return "complete: what it does not hold is absent"
        case Born(date=day):
            return f"born {day.text}"
        case Happened(on=day):
            return f"happened {day.text}"
    raise AssertionError(fact.reading)


def _day(when: PartialDate) -> str:
    """A day that may be partial, or not known at all."""
    if when.first > date.min:
        return when.text
    return f"some day up to {when.last}" if when.last < date.max else "an unknown day"


def range_origin(fact: Fact, unit: str | None) -> list[str]:
    """The limits of normal that a result states itself; there are no others."""
    if not isinstance(fact.reading, Measured) or fact.reading.relative:
        return []
    return [
        f"{limit.end} {with_unit(limit.value, unit)}"
        + (f" for {limit.sex}" if limit.sex else "")
        + f", stated by the result itself as `{limit.recorded}`"
        for limit in fact.reading.limits
    ]
