"""Numbers of a record as exact intervals in the canonical unit of an entry.

Source: docs/records.md and docs/semantics.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache

from protocol_logic.foundation.interval import Interval, parse_decimal
from protocol_logic.foundation.text import shown
from protocol_logic.records.item import text_in
from protocol_logic.records.json_text import Number, Object

UCUM = "http://unitsofmeasure.org"
_ZERO = Fraction(0)
_decimal = lru_cache(maxsize=4096)(parse_decimal)


class Unreadable(ValueError):
    """A value that cannot be interpreted: the code of its problem, and why (safe to show)."""

    def __init__(self, message: str, code: str = "unreadable-value") -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def number(value: object) -> Fraction:
    """A JSON number, exactly. Raises Unreadable for anything else and for absurd lengths."""
    if value is None:
        raise Unreadable("it has no number")
    if not isinstance(value, Number):
        raise Unreadable("its value is not a number")
    try:
        return _decimal(value.text)
    except ValueError as error:
        raise Unreadable(f"the number `{shown(value.text)}` cannot be read") from error


def factor(quantity: Object, accepts: Mapping[str, Fraction]) -> Fraction:
    """What a value in the unit of a Quantity is multiplied by to be in the canonical unit.

    Raises Unreadable without a UCUM code, with another system than UCUM, and for a unit that is
    not among `accepts`. The printed `unit` is never used.
    """
    code = text_in(quantity, "code")
    if code is None:
        raise Unreadable("its unit has no UCUM code")
    if quantity.get("system") not in (None, UCUM):
        raise Unreadable(f"its unit `{shown(code)}` is not from UCUM")
    if code not in accepts:
        raise Unreadable(f"its unit `{shown(code)}` is none of {_listed(accepts)}")
    return accepts[code]


def interval(
    quantity: Object, accepts: Mapping[str, Fraction], *, negative: bool = False
) -> Interval:
    """A Quantity in the canonical unit: a point, or with a comparator a half-line.

    Unless the number can be `negative`, a half-line holds no number below zero: `< 5` is [0, 5).
    """
    value = number(quantity.get("value")) * factor(quantity, accepts)
    comparator = quantity.get("comparator")
    if comparator is None:
        return Interval.point(value)
    known = Interval.everything() if negative else Interval.at_least(_ZERO)
    if comparator == "<":
        found = Interval.below(value).intersection(known)
    elif comparator == "<=":
        found = Interval.at_most(value).intersection(known)
    elif comparator == ">=":
        found = Interval.at_least(value).intersection(known)
    elif comparator == ">":
        found = Interval.above(value).intersection(known)
    else:
        raise Unreadable("its comparator is none of `<`, `<=`, `>=`, `>`")
    if found is None:
        raise Unreadable("it would be below zero")
    return found


def recorded(quantity: Object) -> str:
    """A Quantity as the record has it: `8.8 g/dL`, `< 0.5 mg/dL`."""
    value = quantity.get("value")
    parts = (
        text_in(quantity, "comparator"),
        value.text if isinstance(value, Number) else value if isinstance(value, str) else None,
        text_in(quantity, "code") or text_in(quantity, "unit"),
    )
    return " ".join(part for part in parts if part)


def outside(attested: Interval) -> Interval:
    """The numbers at or above zero that are not in an interval; all of them if that is two pieces.

    Raises Unreadable when there are none.
    """
    pieces: list[Interval] = []
    if attested.lo is not None and (
        attested.lo > 0 or (attested.lo == 0 and not attested.lo_closed)
    ):
        pieces.append(Interval(_ZERO, True, attested.lo, not attested.lo_closed))
    if attested.hi is not None:
        lo = max(attested.hi, _ZERO)
        pieces.append(Interval(lo, attested.hi < 0 or not attested.hi_closed, None, False))
    if not pieces:
        raise Unreadable("there is no number outside what it denies")
    return pieces[0] if len(pieces) == 1 else Interval.at_least(_ZERO)


def _listed(units: Mapping[str, Fraction]) -> str:
    return ", ".join(f"`{code}`" for code in units) or "those that the entry reads"
