"""At which value of one input a derived quantity reaches a limit, the others as they are.

Exact where the formula is a quotient of two linear ones in that input; else between two decimals.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from protocol_logic.compiling import formulas
from protocol_logic.findings.formulas import compute
from protocol_logic.foundation.interval import Interval

DIGITS = 3
"""How many digits a rounded limit has."""
MOST_DIGITS = 6
"""How many digits a limit may have that is not rounded."""

_Linear: TypeAlias = tuple[Fraction, Fraction, Fraction, Fraction]
"""(a x + b) / (c x + d)"""
_ZERO, _ONE = Fraction(0), Fraction(1)
_STEPS = 60


@dataclass(frozen=True, slots=True)
class Solved:
    """Where the limit is reached: from `low` to `high`, which are one number where it is exact.

    `rises`: whether the quantity rises with the input.
    """

    low: Fraction
    high: Fraction
    rises: bool

    @property
    def exact(self) -> bool:
        return self.low == self.high


def solved(
    formula: formulas.Formula,
    entry: str,
    values: Mapping[str, Fraction],
    fields: Mapping[str, str],
    limit: Fraction,
    within: Interval,
    factor: Fraction = _ONE,
) -> Solved | None:
    """The value of an input above zero at which the formula gives the limit; None where there is
    none, or not just one.

    `values`: those of the other inputs; `within`: where it is looked for; `factor`: what turns the
    unit in which it is written into that of the entry.
    """
    linear = _linear(formula, entry, values, fields)
    if linear is None:
        return _searched(formula, entry, values, fields, limit, within, factor)
    a, b, c, d = linear
    slope = a * d - b * c
    if slope == 0 or a == limit * c:
        return None
    x = (limit * d - b) / (a - limit * c)
    if x <= 0 or c * x + d == 0:
        return None
    low, high = rounded(x, factor)
    return Solved(low, high, slope > 0)


def rounded(x: Fraction, factor: Fraction = _ONE) -> tuple[Fraction, Fraction]:
    """The number itself where it is a short decimal as it is written, else the next shorter ones on
    both sides."""
    for digits in (MOST_DIGITS, DIGITS):
        low, high = _round(x, digits, factor)
        if low == high:
            return low, high
    return low, high


def _round(x: Fraction, digits: int, factor: Fraction) -> tuple[Fraction, Fraction]:
    """The decimals of so many digits at or just below, and at or just above, a number > 0."""
    x = x / factor
    power = len(str(x.numerator)) - len(str(x.denominator))
    if x < Fraction(10) ** power:
        power -= 1
    unit = Fraction(10) ** (power - digits + 1)
    low = x // unit * unit
    return low * factor, (low if low == x else low + unit) * factor


def _linear(
    formula: formulas.Formula, entry: str, values: Mapping[str, Fraction], fields: Mapping[str, str]
) -> _Linear | None:
    match formula:
        case formulas.Constant(value=value):
            return (_ZERO, value, _ZERO, _ONE)
        case formulas.Input(entry=name, factor=factor):
            if name == entry:
                return (factor, _ZERO, _ZERO, _ONE)
            return (_ZERO, values[name] * factor, _ZERO, _ONE)
        case formulas.Choice(field=field, value=wanted):
            chosen = formula.then if fields[field] == wanted else formula.otherwise
            return _linear(chosen, entry, values, fields)
    left = _linear(formula.left, entry, values, fields)
    right = _linear(formula.right, entry, values, fields)
    if left is None or right is None:
        return None
    return _combined(formula.op, left, right)


def _combined(op: str, left: _Linear, right: _Linear) -> _Linear | None:
    if op == "/":
        a, b, c, d = right
        return None if a == b == 0 else _combined("*", left, (c, d, a, b))
    if op == "*":
        for one, other in ((left, right), (right, left)):
            k = _constant(one)
            if k is not None:
                return (k * other[0], k * other[1], other[2], other[3])
        return None
    if op in ("+", "-"):
        sign = 1 if op == "+" else -1
        right = (sign * right[0], sign * right[1], right[2], right[3])
        for one, other in ((left, right), (right, left)):
            if one[2] == 0:  # (p x + q) + (a x + b) / (c x + d)
                p, q = one[0] / one[3], one[1] / one[3]
                a, b, c, d = other
                if p * c != 0:
                    return None
                return (a + p * d + q * c, b + q * d, c, d)
    return None


def _constant(linear: _Linear) -> Fraction | None:
    a, b, c, d = linear
    return b / d if a == c == 0 and d != 0 else None


def _searched(
    formula: formulas.Formula,
    entry: str,
    values: Mapping[str, Fraction],
    fields: Mapping[str, str],
    limit: Fraction,
    within: Interval,
    factor: Fraction,
) -> Solved | None:
    """By halving, where the ends lie on two sides of the limit: for quantities that rise, or
    fall, all the way. What the rows between say is asked of the cutter in any case."""
    points = {name: Interval.point(value) for name, value in values.items()}

    def side(x: Fraction) -> int:
        given = compute(formula, {**points, entry: Interval.point(x)}, fields)
        if given.lo is not None and given.lo > limit:
            return 1
        return -1 if given.hi is not None and given.hi < limit else 0

    low = within.lo if within.lo is not None and within.lo > 0 else Fraction(1, 1000)
    high = within.hi if within.hi is not None else Fraction(10**6)
    at_low, at_high = side(low), side(high)
    if at_low * at_high >= 0:
        return None
    for _ in range(_STEPS):
        middle = (low + high) / 2
        at = side(middle)
        if at == 0 or high - low < middle / 10**6:
            break
        low, high = (middle, high) if at == at_low else (low, middle)
    least, most = _round(low, DIGITS, factor)[0], _round(high, DIGITS, factor)[1]
    return Solved(least, most, at_low < 0)
