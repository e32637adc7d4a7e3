"""Numbers of a record as exact intervals in the canonical unit of an entry.

Source: docs/records.md and docs/semantics.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache

from protocol_logic.foundation.interval import Interval, decimal_text, parse_decimal
from protocol_logic.foundation.text import shown
from protocol_logic.foundation.unit_slips import meant_among, of_ifcc
from protocol_logic.foundation.units import UnitError, unit, zero_of
from protocol_logic.knowledge.vocabulary import Quantity
from protocol_logic.records.codings import Codings, Said
from protocol_logic.records.item import text_in
from protocol_logic.records.json_text import Number, Object

UCUM = "http://unitsofmeasure.org"
_ZERO = Fraction(0)
_MOST_REMEMBERED = 20_000
_decimal = lru_cache(maxsize=4096)(parse_decimal)


class Unreadable(ValueError):
    """A value that cannot be interpreted: the code of its problem, and why (safe to show).

    `hint`: what to write instead, and `part`: the part of the value that it is about.
    """

    def __init__(
        self,
        message: str,
        code: str = "unreadable-value",
        hint: str | None = None,
        part: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.part = part


def number(value: object) -> Fraction:
    """A JSON number, exactly. Raises Unreadable for anything else and for absurd lengths."""
    if not isinstance(value, Number):
        raise _no_number(value)
    try:
        return _decimal(value.text)
    except ValueError as error:
        raise Unreadable(f"the number `{shown(value.text)}` cannot be read") from error


def _no_number(value: object) -> Unreadable:
    return Unreadable("it has no number" if value is None else "its value is not a number")


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
        first = next(iter(accepts), None)
        message = f"its unit `{shown(code)}` is none of {_listed(accepts)}{_why_not(code, first)}"
        meant = meant_among(code, accepts)
        if meant is not None:
            raise Unreadable(message, hint=f"did you mean `{meant}`?", part=code)
        value = quantity.get("value")
        given = number(value) if isinstance(value, Number) else None
        raise Unreadable(message, hint=of_ifcc(code, first or "", given))
    return accepts[code]


def converted(quantity: Object, accepts: Mapping[str, Fraction]) -> Fraction:
    """The number of a Quantity in the canonical unit, as `factor` allows it."""
    by = factor(quantity, accepts)
    return (number(quantity.get("value")) - zero_of(text_in(quantity, "code") or "")) * by


_SLIPS = {
    "K/uL": "in UCUM it is kelvin per microliter; thousands are `10*3/uL`",
    "M/uL": "in UCUM there is no million `M`; millions are `10*6/uL`",
    "IU/L": "in UCUM international units are `[IU]`, and those of enzymes `U`",
    "10^9/L": "in UCUM it is `10*9/L`",
    "10^3/uL": "in UCUM it is `10*3/uL`",
}
"""What people write for a unit, and what it is in UCUM."""


@lru_cache(maxsize=1024)
def _why_not(code: str, wanted: str | None) -> str:
    """More about a unit that is not accepted: a slip, no unit, or one of another dimension."""
    if code in _SLIPS:
        return f": {_SLIPS[code]}"
    if wanted is None:
        return ""
    try:
        if unit(code).dimension == unit(wanted).dimension:
            return ""
    except UnitError:
        return ": it is no unit of UCUM"
    return f": its dimension is another than that of `{wanted}`"


def interval(
    quantity: Object, accepts: Mapping[str, Fraction], *, negative: bool = False
) -> Interval:
    """A Quantity in the canonical unit: a point, or with a comparator a half-line.

    Unless the number can be `negative`, a half-line holds no number below zero: `< 5` is [0, 5).
    """
    value = converted(quantity, accepts)
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


def said(quantity: Object, entry: Quantity, codings: Codings) -> Said:
    """A Quantity in the entry's unit, or why it cannot be read or is not plausible.

    Raises Unreadable where its value is no number.
    """
    value = quantity.get("value")
    if not isinstance(value, Number):
        raise _no_number(value)
    # The same results come again and again, in one record and in others.
    parts = [quantity.get(name) for name in ("code", "system", "comparator", "unit")]
    key = (entry.name, value.text, *parts)
    try:
        found = codings.said.get(key)
    except TypeError:  # a list or an object where a text should be
        return _said(quantity, entry)
    if found is None:
        found = _said(quantity, entry)
        texts = [part for part in key if isinstance(part, str)]
        if len(codings.said) < _MOST_REMEMBERED and sum(map(len, texts)) < 200:
            codings.said[key] = found
    return found


def _said(quantity: Object, entry: Quantity) -> Said:
    text = recorded(quantity)
    try:
        return Said(_plausible(quantity, entry), text)
    except Unreadable as problem:
        return Said(None, text, problem.code, problem.message)


def _plausible(quantity: Object, entry: Quantity) -> Interval:
    range_ = entry.plausible
    negative = range_ is not None and (range_.lo is None or range_.lo < 0)
    found = interval(quantity, entry.accepts, negative=negative)
    refuse_implausible(found, entry, recorded(quantity))
    return found


def refuse_implausible(found: Interval, entry: Quantity, text: str) -> None:
    """Raise Unreadable when no number that was `found` is in the plausible range of the entry."""
    if entry.plausible is None or entry.plausible.intersects(found):
        return
    lo, hi = entry.plausible.lo, entry.plausible.hi
    limits = [f"at least {decimal_text(lo)}"] if lo is not None else []
    limits += [f"at most {decimal_text(hi)}"] if hi is not None else []
    suffix = "" if entry.unit == "1" else f" {entry.unit}"
    expected = " and ".join(limits) + suffix
    message = f"`{shown(text)}` is implausible, expected is {expected}"
    raise Unreadable(message, "implausible-value")


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
