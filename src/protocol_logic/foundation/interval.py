"""Intervals of exact numbers, and decimals read and written without rounding.

An `Interval` is what is known of a quantity: a single number for a plain result, a half-line for
a result with a comparator (`< 0.5`), everything where nothing is known.  Ends are `Fraction`s, so
a comparison with a limit is exact, also on the limit itself.  Floats are refused.
"""

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import TypeAlias

from protocol_logic.foundation.dataclass import dataclass

Exact: TypeAlias = Fraction | int
"""What the constructors take for an exact number."""

# A place on the extended line: (-1, 0) is minus infinity, (0, x) the number x, (1, 0) infinity.
_Place: TypeAlias = tuple[int, Fraction]
# An end of an interval as a cut: its place and the side of the place on which the interval lies,
# 0 for a closed end, 1 just above it (open lower end), -1 just below it (open upper end).
# Cuts compare as tuples, lower ends with upper ends too.
_Cut: TypeAlias = tuple[int, Fraction, int]

_ZERO = Fraction(0)
_MAX_DIGITS = 60
_MAX_EXPONENT = 60
_DECIMAL = re.compile(
    r"(?P<sign>[+-]?)(?P<whole>[0-9]*)(?:\.(?P<part>[0-9]+))?(?:[eE](?P<exponent>[+-]?[0-9]+))?"
)


@dataclass(frozen=True, slots=True)
class Interval:
    """A non-empty interval of exact numbers with open, closed or infinite ends.

    `lo` or `hi` is None where the interval has no bound on that side; an infinite end is open
    (`lo_closed`, `hi_closed` False).  All arithmetic returns the smallest interval that holds the
    results for all pairs of members, the two operands being independent of each other, save that
    division widens where the divisor may be zero (see `__truediv__`).

    Raises ValueError for an empty interval or a closed infinite end, TypeError for an end that is
    not a Fraction.
    """

    lo: Fraction | None
    lo_closed: bool
    hi: Fraction | None
    hi_closed: bool

    def __post_init__(self) -> None:
        for end, closed in ((self.lo, self.lo_closed), (self.hi, self.hi_closed)):
            if end is None and closed:
                raise ValueError("an infinite end of an interval is open")
            if end is not None and not isinstance(end, Fraction):
                raise TypeError(f"an end of an interval is a Fraction, not {type(end).__name__}")
        if not _meet(self.lo, self.lo_closed, self.hi, self.hi_closed):
            raise ValueError("an interval holds at least one number")

    @classmethod
    def point(cls, x: Exact) -> "Interval":
        """The single number x."""
        end = _exact(x)
        return _sure(end, True, end, True)

    @classmethod
    def at_least(cls, x: Exact) -> "Interval":
        """All numbers >= x."""
        return cls(_exact(x), True, None, False)

    @classmethod
    def above(cls, x: Exact) -> "Interval":
        """All numbers > x."""
        return cls(_exact(x), False, None, False)

    @classmethod
    def at_most(cls, x: Exact) -> "Interval":
        """All numbers <= x."""
        return cls(None, False, _exact(x), True)

    @classmethod
    def below(cls, x: Exact) -> "Interval":
        """All numbers < x."""
        return cls(None, False, _exact(x), False)

    @classmethod
    def everything(cls) -> "Interval":
        """All numbers: nothing is known."""
        return cls(None, False, None, False)

    @property
    def is_point(self) -> bool:
        """Whether the interval is a single number."""
        return self.lo is not None and (self.lo is self.hi or self.lo == self.hi)

    def contains(self, x: Exact) -> bool:
        """Whether the number x is a member."""
        return self._lower <= (0, _exact(x), 0) <= self._upper

    def contains_interval(self, other: "Interval") -> bool:
        """Whether every member of `other` is a member of this interval."""
        return self._lower <= other._lower and other._upper <= self._upper

    def intersects(self, other: "Interval") -> bool:
        """Whether the two intervals have a member in common."""
        return _meet(self.lo, self.lo_closed, other.hi, other.hi_closed) and _meet(
            other.lo, other.lo_closed, self.hi, self.hi_closed
        )

    def intersection(self, other: "Interval") -> "Interval | None":
        """The common members, or None where there are none."""
        if not self.intersects(other):
            return None
        return _from_cuts(max(self._lower, other._lower), min(self._upper, other._upper))

    def scale(self, k: Exact) -> "Interval":
        """Every member times the number k; `point(0)` for k = 0, also of an infinite interval."""
        return self if k == 1 else self * Interval.point(k)

    def __neg__(self) -> "Interval":
        return self.scale(-1)

    def __add__(self, other: "Interval") -> "Interval":
        lo = None if self.lo is None or other.lo is None else self.lo + other.lo
        hi = None if self.hi is None or other.hi is None else self.hi + other.hi
        return _sure(lo, self.lo_closed and other.lo_closed, hi, self.hi_closed and other.hi_closed)

    def __sub__(self, other: "Interval") -> "Interval":
        lo = None if self.lo is None or other.hi is None else self.lo - other.hi
        hi = None if self.hi is None or other.lo is None else self.hi - other.lo
        return _sure(lo, self.lo_closed and other.hi_closed, hi, self.hi_closed and other.lo_closed)

    def __mul__(self, other: "Interval") -> "Interval":
        if self.lo is not None and self.lo is self.hi:
            if other.lo is not None and other.lo is other.hi:
                product = self.lo * other.lo
                return _sure(product, True, product, True)
            return other._times(self.lo)
        if other.lo is not None and other.lo is other.hi:
            return self._times(other.lo)
        corners = [_corner(a, b) for a in self._ends() for b in other._ends()]
        lower = min(place for place, _ in corners)
        upper = max(place for place, _ in corners)
        return _between(lower, (lower, True) in corners, upper, (upper, True) in corners)

    def _times(self, k: Fraction) -> "Interval":
        """The product with a single number."""
        if k == 0:
            return Interval.point(0)
        lo = None if self.lo is None else self.lo * k
        hi = None if self.hi is None else self.hi * k
        if k > 0:
            return _sure(lo, self.lo_closed, hi, self.hi_closed)
        return _sure(hi, self.hi_closed, lo, self.lo_closed)

    def __truediv__(self, other: "Interval") -> "Interval":
        """Divide by `other`.

        A divisor with zero inside it, and the divisor `point(0)`, give `everything()`, as the
        quotient may be anything or nothing.  Where zero is only an end of the divisor it counts
        as not being a member: 1 / [0, 2] is [1/2, infinity).
        """
        if other.lo is not None and other.lo is other.hi and other.lo:
            return self * Interval.point(1 / other.lo)
        zero = (0, _ZERO, 0)
        if other._lower < zero < other._upper or other == Interval.point(0):
            return Interval.everything()
        reciprocal = Interval(
            _reciprocal(other.hi),
            other.hi_closed and other.hi != 0,
            _reciprocal(other.lo),
            other.lo_closed and other.lo != 0,
        )
        return self * reciprocal

    def lesser(self, other: "Interval") -> "Interval":
        """The smaller one of every pair of members."""
        return _from_cuts(min(self._lower, other._lower), min(self._upper, other._upper))

    def greater(self, other: "Interval") -> "Interval":
        """The larger one of every pair of members."""
        return _from_cuts(max(self._lower, other._lower), max(self._upper, other._upper))

    @property
    def _lower(self) -> _Cut:
        return (-1, _ZERO, 0) if self.lo is None else (0, self.lo, 0 if self.lo_closed else 1)

    @property
    def _upper(self) -> _Cut:
        return (1, _ZERO, 0) if self.hi is None else (0, self.hi, 0 if self.hi_closed else -1)

    def _ends(self) -> Iterator[tuple[_Place, bool]]:
        """The two ends as places, each with whether it is a member."""
        yield self._lower[:2], self.lo_closed
        yield self._upper[:2], self.hi_closed


def _sure(lo: Fraction | None, lo_closed: bool, hi: Fraction | None, hi_closed: bool) -> Interval:
    """An interval whose ends come from arithmetic: they need not be looked at again."""
    made = _new(Interval)
    _set(made, "lo", lo)
    _set(made, "lo_closed", lo_closed)
    _set(made, "hi", hi)
    _set(made, "hi_closed", hi_closed)
    return made


_new, _set = object.__new__, object.__setattr__


def _exact(x: Exact) -> Fraction:
    if type(x) is Fraction:
        return x
    if not isinstance(x, Fraction | int):
        raise TypeError(f"an exact number is a Fraction or an int, not {type(x).__name__}")
    return Fraction(x)


def _meet(lo: Fraction | None, lo_closed: bool, hi: Fraction | None, hi_closed: bool) -> bool:
    """Whether some number is above (or at) a lower end and below (or at) an upper one."""
    if lo is None or hi is None:
        return True
    if lo_closed and hi_closed:
        return lo is hi or lo <= hi
    return lo < hi


def _between(lower: _Place, lo_closed: bool, upper: _Place, hi_closed: bool) -> Interval:
    """The interval between two places; the flag of an infinite end is ignored."""
    lo = lower[1] if lower[0] == 0 else None
    hi = upper[1] if upper[0] == 0 else None
    return Interval(lo, lo is not None and lo_closed, hi, hi is not None and hi_closed)


def _from_cuts(lower: _Cut, upper: _Cut) -> Interval:
    return _between(lower[:2], lower[2] == 0, upper[:2], upper[2] == 0)


def _corner(a: tuple[_Place, bool], b: tuple[_Place, bool]) -> tuple[_Place, bool]:
    """The product of two ends (zero times infinity is zero), and whether members attain it."""
    (a_place, a_closed), (b_place, b_closed) = a, b
    if a_place[0] == 0 == b_place[0]:
        place = (0, a_place[1] * b_place[1])
    else:
        place = (_sign(a_place) * _sign(b_place), _ZERO)
    zero = ((0, _ZERO), True)
    return place, (a_closed and b_closed) or a == zero or b == zero


def _sign(place: _Place) -> int:
    return place[0] or (place[1] > 0) - (place[1] < 0)


def _reciprocal(end: Fraction | None) -> Fraction | None:
    """1/end for an end of an interval on one side of zero: 0 for infinity, infinity for 0."""
    if end is None:
        return _ZERO
    return None if end == 0 else 1 / end


def parse_decimal(text: str) -> Fraction:
    """Read a decimal literal or JSON number exactly: `90`, `-0.5`, `+3`, `.5`, `1.5e-3`.

    Raises ValueError for anything else, such as NaN, Infinity, hexadecimal, digit separators,
    surrounding blanks or a point without digits after it, and, so that no number in the program
    can grow without bound, for more than 60 digits or an exponent beyond +-60.
    """
    shown = text if len(text) <= 40 else text[:40] + "..."
    match = _DECIMAL.fullmatch(text)
    if match is None or not (match["whole"] or match["part"]):
        raise ValueError(f"`{shown}` is not a decimal number")
    digits = match["whole"] + (match["part"] or "")
    if len(digits) > _MAX_DIGITS:
        raise ValueError(f"`{shown}` has more than {_MAX_DIGITS} digits")
    exponent = match["exponent"] or "0"
    size = exponent.lstrip("+-").lstrip("0") or "0"
    if len(size) > len(str(_MAX_EXPONENT)) or int(size) > _MAX_EXPONENT:
        raise ValueError(f"`{shown}` has an exponent beyond +-{_MAX_EXPONENT}")
    power = -int(size) if exponent.startswith("-") else int(size)
    places = len(match["part"] or "")
    return int(match["sign"] + digits) * Fraction(10) ** (power - places)


def decimal_text(f: Fraction) -> str:
    """Write `f` as a decimal without exponent (`-0.5`, `1000`) if it has a finite one, else `p/q`.

    Trailing zeros are not kept.  Both forms are exact: `Fraction(decimal_text(f)) == f`.
    """
    places, rest = 0, f.denominator
    while rest % 10 == 0:
        places, rest = places + 1, rest // 10
    for prime in (2, 5):
        while rest % prime == 0:
            places, rest = places + 1, rest // prime
    if rest != 1:
        return f"{f.numerator}/{f.denominator}"
    digits = str(abs(f.numerator) * 10**places // f.denominator).zfill(places + 1)
    sign = "-" if f < 0 else ""
    whole, part = (digits[:-places], digits[-places:]) if places else (digits, "")
    return f"{sign}{whole}.{part}" if places else f"{sign}{whole}"
