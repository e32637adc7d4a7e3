"""Powers of intervals, rounded outward: the true power is never outside what is given.

A power with a root in it has no finite decimal, so its ends are decimals of 60 digits, the lower
one rounded down and the upper one up; floats have no part in it. What is exact stays exact: whole
exponents, roots of perfect powers, and powers of 1.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction
from functools import lru_cache
from math import isqrt
from typing import TypeAlias

from protocol_logic.foundation.interval import Interval

_DOWN, _UP = (
    Context(prec=60, rounding=rounding, Emin=-(10**6), Emax=10**6)
    for rounding in (ROUND_FLOOR, ROUND_CEILING)
)
_MOST_BITS = 400
"""The size of a number above which a whole power is rounded too."""
_MOST_ROOT = 64
"""The largest root that is tried exactly."""
_MOST_LOG = Decimal(2000)
"""A power beyond e to this counts as infinite where an upper end is wanted."""

_End: TypeAlias = Fraction | None
"""An end of an interval; None for infinity."""
_ZERO, _ONE = Fraction(0), Fraction(1)


def power(base: Interval, exponent: Interval) -> Interval:
    """All numbers x to the y, x a member of `base` and y of `exponent`.

    A base that may be negative gives `everything()`, but for whole exponents. As in a division, a
    zero that is an end of the base counts as not being a member where the exponent may be negative.
    """
    if exponent.is_point and exponent.lo is not None and exponent.lo.denominator == 1:
        whole = _whole(base, int(exponent.lo))
        if whole is not None:
            return whole
    if base.lo is None or base.lo < 0:
        return Interval.everything()
    if exponent.lo is None or exponent.hi is None:
        return Interval.at_least(0)
    # In base and exponent alone a power only rises or only falls, so its ends lie in corners.
    lows: list[tuple[Fraction, bool]] = []
    highs: list[tuple[_End, bool]] = []
    for x, x_closed in ((base.lo, base.lo_closed), (base.hi, base.hi_closed)):
        for y, y_closed in ((exponent.lo, exponent.lo_closed), (exponent.hi, exponent.hi_closed)):
            low, high = _bounds(x, y)
            # 0 and 1 to any power are themselves, and any number to the power 0 is 1.
            attained = (x_closed and (y_closed or x in (0, 1))) or (y_closed and y == 0)
            closed = low != high or attained
            lows += [] if low is None else [(low, closed)]
            highs.append((high, closed))
    if not lows:  # zero to a power below zero
        return Interval.everything()
    lo = min(low for low, _ in lows)
    lo_closed = (lo, True) in lows
    if any(high is None for high, _ in highs):
        return Interval(lo, lo_closed, None, False)
    hi = max(high for high, _ in highs if high is not None)
    return Interval(lo, lo_closed, hi, (hi, True) in highs)


def _whole(base: Interval, n: int) -> Interval | None:
    """A whole power, exactly; None where it would be too large a number."""
    ends = [end for end in (base.lo, base.hi) if end is not None]
    size = max((max(_bits(end.numerator), _bits(end.denominator)) for end in ends), default=0)
    if size * abs(n) > _MOST_BITS:
        return None
    if n < 0:
        return Interval.point(1) / _from_zero(base, -n)
    return _from_zero(base, n)


def _bits(n: int) -> int:
    return n.bit_length()


def _from_zero(base: Interval, n: int) -> Interval:
    """The power for a whole exponent from zero up."""
    if n == 0:
        return Interval.point(1)
    lo = None if base.lo is None else base.lo**n
    hi = None if base.hi is None else base.hi**n
    if n % 2 == 1 or (base.lo is not None and base.lo >= 0):
        return Interval(lo, base.lo_closed, hi, base.hi_closed)
    if base.hi is not None and base.hi <= 0:
        return Interval(hi, base.hi_closed, lo, base.lo_closed)
    if lo is None or hi is None:
        return Interval.at_least(0)
    top = max((lo, base.lo_closed), (hi, base.hi_closed))
    return Interval(_ZERO, True, *top)


@lru_cache(maxsize=1 << 14)
def _bounds(x: _End, y: Fraction) -> tuple[_End, _End]:
    """x to the y from below and from above, for x from 0 to infinity; equal where it is exact."""
    if y == 0:
        return _ONE, _ONE
    if x is None or x == 0:
        return (_ZERO, _ZERO) if (x is None) == (y < 0) else (None, None)
    exact = _exact(x, y)
    if exact is not None:
        return exact, exact
    # `ln` and `exp` are rounded to nearest, whatever the context, so one step beyond is outside.
    low = _decimal(x, _DOWN).ln(_DOWN).next_minus(_DOWN)
    high = _decimal(x, _UP).ln(_UP).next_plus(_UP)
    if y < 0:
        low, high = high, low
    low, high = _times(low, y, _DOWN), _times(high, y, _UP)
    bottom, top = _ZERO, None
    if low > -_MOST_LOG:
        bottom = Fraction(min(low, _MOST_LOG).exp(_DOWN).next_minus(_DOWN))
    if high < _MOST_LOG:
        top = Fraction(max(high, -_MOST_LOG).exp(_UP).next_plus(_UP))
    return bottom, top


def _decimal(x: Fraction, context: Context) -> Decimal:
    return context.divide(Decimal(x.numerator), Decimal(x.denominator))


def _times(x: Decimal, y: Fraction, context: Context) -> Decimal:
    """x times y, rounded once or twice in one direction."""
    return context.divide(context.multiply(x, Decimal(y.numerator)), Decimal(y.denominator))


def _exact(x: Fraction, y: Fraction) -> Fraction | None:
    """x to the y where it is a fraction that can be told easily, for x above 0."""
    if x == 1:
        return x
    if y.denominator > _MOST_ROOT:
        return None
    over, under = _root(x.numerator, y.denominator), _root(x.denominator, y.denominator)
    if over is None or under is None:
        return None
    root = Fraction(over, under)
    if max(_bits(over), _bits(under)) * abs(y.numerator) > _MOST_BITS:
        return None
    return root**y.numerator


def _root(n: int, degree: int) -> int | None:
    """The whole root of a whole number above 0, if it has one."""
    if degree == 1 or n == 1:
        return n
    if degree == 2:
        root = isqrt(n)
        return root if root * root == n else None
    # Newton's steps from above fall to the largest number whose power is not above n.
    root = 1 << -(-_bits(n) // degree)
    while True:
        step = ((degree - 1) * root + n // root ** (degree - 1)) // degree
        if step >= root:
            return root if root**degree == n else None
        root = step
