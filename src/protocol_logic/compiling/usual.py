"""Limits to look at: no patient has them, no trial, the point in them may part the
thousands, or they are per body surface and the value is not."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

from protocol_logic.foundation.interval import decimal_text
from protocol_logic.foundation.operators import COMPARISONS
from protocol_logic.foundation.problems import one_of
from protocol_logic.foundation.units import zero_of
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.language.nodes import Amount

_MOST_TIMES_ULN = 20
_SURFACE = "1.73"
_LOOK = "look at the number and its unit"


class Doubt(NamedTuple):
    """Why a limit should be looked at, as a problem."""

    code: str
    message: str
    hint: str


def doubt_of(entry: voc.Quantity, value: Fraction, amount: Amount, written: str) -> Doubt | None:
    """What is odd about a limit: `value` in the unit of the entry, `written` by the author."""
    plausible, number = entry.plausible, amount.number
    if plausible is not None and not plausible.contains(value):
        message = f"no plausible `{entry.name}` is near {written}"
        return Doubt("implausible-limit", message, _likely_unit(entry, amount) or _LOOK)
    if _may_be_thousands(number) and (plausible is None or plausible.contains(value * 1000)):
        thousands, plain = number.replace(".", ""), number.rstrip("0").rstrip(".")
        message = f"the point in `{number}` is read as a decimal point"
        hint = f"write `{thousands}` if it parts the thousands, `{plain}` if not"
        return Doubt("implausible-limit", message, hint)
    # Zero is no number of a trial, but a way to say "at all".
    if entry.usual is not None and value != 0 and not entry.usual.contains(value):
        message = f"limits of trials for `{entry.name}` lie {_usual(entry)}"
        return Doubt("unusual-limit", message, _likely_unit(entry, amount) or _LOOK)
    return None


def whole_doubt(entry: voc.Quantity, value: Fraction, op: str) -> Doubt | None:
    """What is odd about a limit of a quantity whose values are all whole: that it lies between two
    of them, or that no value is on one side of it."""
    known = entry.plausible
    if not entry.whole or (known is not None and not known.contains(value)):
        return None
    if value.denominator != 1:
        below = value.numerator // value.denominator
        same = {"<=": f"<= {below}", "<": f"<= {below}"}.get(op, f">= {below + 1}")
        none = f"{decimal_text(value)} is none"
        message = f"the values of `{entry.name}` are whole numbers, and {none}"
        hint = f"write `{entry.name} {same}`, which says the same"
        return Doubt("implausible-limit", message, hint)
    inside = COMPARISONS[op].inside(value)
    said = f"`{op} {decimal_text(value)}`"
    if known is not None and not inside.intersects(known):
        return Doubt("implausible-limit", f"no `{entry.name}` is {said}", "look at the number")
    if known is not None and inside.contains_interval(known):
        hint = f"write `{entry.name} is recorded` where that is meant"
        return Doubt("implausible-limit", f"every `{entry.name}` is {said}", hint)
    return None


def surface_doubt(name: str, unit: str, amount: Amount) -> Doubt | None:
    """That one of a value and its limit is per body surface, and the other is not.

    An annotation means nothing in UCUM, so that the two units convert: a lesser patient with the
    same number of both has less.
    """
    assert amount.unit is not None
    written = f"{amount.number} {amount.unit.text}"
    value, limit = (_SURFACE in code for code in (unit, amount.unit.text))
    if value is limit:
        return None
    ways = ("is", "is not") if value else ("is not", "is")
    message = f"`{name}` {ways[0]} per 1.73 m2 of body surface, `{written}` {ways[1]}"
    hint = (
        f"write a limit in `{unit}` if the text means that, else compare what is told in "
        f"`{amount.unit.text}`"
    )
    return Doubt("body-surface", message, hint)


def _may_be_thousands(number: str) -> bool:
    """Whether a number has three decimals that nobody needs: `100.000`, `1.500`, not `1.234`."""
    return re.fullmatch(r"[1-9]\d{0,2}\.\d\d0", number) is not None


def _usual(entry: voc.Quantity) -> str:
    """Where the limits of trials lie, as in `from 50 to 200 g/L`."""
    assert entry.usual is not None and entry.usual.lo is not None and entry.usual.hi is not None
    unit = "" if entry.unit == "1" else f" {entry.unit}"
    return f"from {decimal_text(entry.usual.lo)} to {decimal_text(entry.usual.hi)}{unit}"


def _likely_unit(entry: voc.Quantity, amount: Amount) -> str | None:
    """The other units in which the same number is a limit that trials have, as a hint.

    Where the quantity has but one unit, a small number is a multiple of the limit of normal.
    """
    if entry.usual is None:
        return None
    number = Fraction(amount.number)
    meant: dict[Fraction, str] = {}  # of units that are the same the first
    for unit, factor in entry.accepts.items():
        if entry.usual.contains((number - zero_of(unit)) * factor):
            meant.setdefault(factor, f"{amount.number} {unit}")
    if meant:
        return f"did you mean {one_of(meant.values())}?"
    if len(entry.accepts) == 1 and 1 <= number <= _MOST_TIMES_ULN:
        return f"did you mean `{amount.number} x ULN`?"
    return None
