"""Numbers in and beside the cells of a protocol, as decimals in a unit of the result."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from random import Random

from protocol_logic.foundation.interval import Interval, decimal_text
from protocol_logic.foundation.units import zero_of
from protocol_logic.knowledge.vocabulary import Quantity

STEP = Fraction(1, 1000)
"""The least step beside a limit, as a share of the limit."""
_MOST_PLACES = 6

_USUAL = {
    "body_weight": (45, 110), "body_height": (150, 190), "reported_clearance": (30, 120),
    "life_expectancy": (30, 900), "lesion_count": (0, 5),
}  # fmt: skip
"""What adults have, of quantities that no protocol may cut."""
_LIMITS = {
    "bilirubin": ("3", "21"), "alt": ("7", "40"), "ast": ("8", "40"), "creatinine": ("0.5", "1.2"),
}  # fmt: skip
"""Limits of normal in canonical units; others are made up from the usual values."""


def usual(entry: Quantity) -> tuple[Fraction, Fraction]:
    """The numbers between which a plain one is drawn, in the canonical unit."""
    if entry.name in _USUAL:
        low, high = _USUAL[entry.name]
        return Fraction(low), Fraction(high)
    known = entry.usual or entry.plausible
    if known is None or known.hi is None:
        return Fraction(1), Fraction(100)
    low_ = max(known.lo or Fraction(0), known.hi / 20)
    return low_, max(known.hi / 4, low_)


def normal(entry: Quantity) -> tuple[Fraction, Fraction]:
    """The lower and the upper limit of normal."""
    if entry.name in _LIMITS:
        least, most = _LIMITS[entry.name]
        return Fraction(least), Fraction(most)
    low_, high_ = usual(entry)
    middle = Fraction(round((low_ + high_) / 2)) or Fraction(1)
    return middle / 2, middle


def inside(rng: Random, entry: Quantity, part: Interval, scale: Fraction) -> Fraction:
    """A number in the canonical unit that lies in a cell; `scale`: what the cell's ends are
    multiples of."""
    low, high = usual(entry)
    lo = part.lo * scale if part.lo is not None else None
    hi = part.hi * scale if part.hi is not None else None
    if lo is None:
        lo = min(low, hi / 2) if hi is not None else low
    if hi is None:
        hi = max(high, lo * 2) if scale == 1 else lo * 3
    if entry.unit == "1":
        least, most = -(-lo.numerator // lo.denominator), hi.numerator // hi.denominator
        found = Fraction(rng.randint(least, max(least, most)))
    else:
        found = rounded(lo + (hi - lo) * Fraction(rng.randrange(1, 1000), 1000), hi)
    return plausible(entry, found)


def beside(rng: Random, entry: Quantity, cut: Fraction) -> Fraction:
    """A limit, or the least step below or above it."""
    step = Fraction(1) if entry.unit == "1" else abs(cut) * STEP or STEP
    return plausible(entry, cut + rng.choice((-1, 0, 1)) * step)


def plausible(entry: Quantity, number: Fraction) -> Fraction:
    """The nearest number that the entry allows."""
    allowed = entry.plausible
    if allowed is not None and not allowed.contains(number):
        number = max(number, allowed.lo) if allowed.lo is not None else number
        number = min(number, allowed.hi) if allowed.hi is not None else number
    return max(number, Fraction(0)) if allowed is None or (allowed.lo or 0) >= 0 else number


def may_be(entry: Quantity, number: Fraction, sign: str) -> bool:
    """Whether a number that an entry allows lies on the side of another that a sign says."""
    low = entry.plausible.lo if entry.plausible is not None else None
    high = entry.plausible.hi if entry.plausible is not None else None
    if sign.startswith("<"):
        return (
            number > max(low or Fraction(0), Fraction(0))
            if low is None or low >= 0
            else number > low
        )
    return high is None or number < high


def rounded(number: Fraction, size: Fraction) -> Fraction:
    """To three digits of the size."""
    places = _places(abs(size))
    return Fraction(round(number * 10**places), 10**places)


@lru_cache(maxsize=4096)
def _places(size: Fraction) -> int:
    return next(n for n in range(_MOST_PLACES + 1) if n == _MOST_PLACES or size * 10**n >= 1000)


def written(
    rng: Random, entry: Quantity, numbers: Sequence[Fraction]
) -> tuple[str, tuple[str, ...]]:
    """Numbers of the canonical unit as decimals of one unit, mostly the canonical one: another only
    where all of them are short decimals in it."""
    canonical = next((code for code, factor in entry.accepts.items() if factor == 1), entry.unit)
    units = [canonical, rng.choice(list(entry.accepts))] if rng.random() < 0.3 else [canonical]
    for unit in reversed(units):
        factor = entry.accepts.get(unit, Fraction(1))
        texts = tuple(decimal_text(number / factor + zero_of(unit)) for number in numbers)
        if all("/" not in t and len(t.partition(".")[2]) <= 2 * _MOST_PLACES for t in texts):
            return unit, texts
    return canonical, tuple(decimal_text(rounded(number, number)) for number in numbers)
