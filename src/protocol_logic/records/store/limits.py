"""The limits of normal of a result as columns: one for everybody, or one for each sex.

`odd` tells for which end they are otherwise: 1 for the upper one, 2 for the lower one, 3 for both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from protocol_logic.records.facts import End, Limit

LARGEST = 2**63
ENDS: tuple[tuple[End, int], ...] = (("ULN", 1), ("LLN", 2))
SEXES = ("female", "male")


def fits(number: Fraction) -> bool:
    """Whether numerator and denominator fit 63 bits."""
    return -LARGEST < number.numerator < LARGEST > number.denominator


def columns_of_limits(limits: Sequence[Limit]) -> tuple[dict[str, int], int]:
    """Column -> value, and for which ends the limits are not as the columns can tell."""
    columns: dict[str, int] = {}
    odd = 0
    for end, bit in ENDS:
        its = [limit for limit in limits if limit.end == end]
        sexes = {limit.sex for limit in its}
        one_each = len(its) == len(sexes) and sexes <= {None, *SEXES}
        if not one_each or not all(fits(limit.value) for limit in its):
            odd |= bit
            continue
        for name, value in _by_sex(its):
            column = f"{end.lower()}{name}"
            columns[f"{column}_n"], columns[f"{column}_d"] = value.numerator, value.denominator
    return columns, odd


def _by_sex(limits: Sequence[Limit]) -> Iterator[tuple[str, Fraction]]:
    """Suffix of the columns -> the limit that counts: of a sex its own, else the general one."""
    by_sex = {limit.sex: limit.value for limit in limits}
    if None in by_sex and len(by_sex) == 1:
        yield "", by_sex[None]
    elif by_sex:
        for sex in SEXES:
            value = by_sex.get(sex, by_sex.get(None))
            if value is not None:
                yield f"_{sex[0]}", value
