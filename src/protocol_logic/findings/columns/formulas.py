"""Formulas of many patients at once: floats with a bound of their error.

A float decides nothing by itself: what lies nearer to a limit than its bound is computed exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocol_logic.compiling import formulas
from protocol_logic.findings.columns.tables import Flags, Ints

_EPS = 2.0**-50
"""More than any single step is wrong by, relative to what it gives."""


@dataclass(slots=True)
class Bounded:
    """Numbers, each with the most that it can be wrong by."""

    value: NDArray[Any]
    error: NDArray[Any]

    @classmethod
    def of(cls, value: NDArray[Any]) -> Bounded:
        return cls(value, np.abs(value) * _EPS)

    def may_be(self, limit: Fraction) -> Flags:
        """Which may lie on the limit or on its other side; also where nothing is known."""
        x = float(limit)
        far: Flags = np.abs(self.value - x) > self.error + abs(x) * _EPS
        return ~far


def bounded(
    formula: formulas.Formula, values: Mapping[str, Bounded], chosen: Mapping[str, Flags]
) -> Bounded:
    """What a formula gives. `chosen`: `field value` -> who has it."""
    with np.errstate(all="ignore"):
        return _bounded(formula, values, chosen)


def _bounded(
    formula: formulas.Formula, values: Mapping[str, Bounded], chosen: Mapping[str, Flags]
) -> Bounded:
    match formula:
        case formulas.Constant(value=value):
            return Bounded.of(np.float64(value))  # type: ignore[arg-type]
        case formulas.Input(entry=entry, factor=factor):
            its, by = values[entry], float(factor)
            return _rounded(its.value * by, its.error * abs(by))
        case formulas.Choice(field=field, value=value):
            then = _bounded(formula.then, values, chosen)
            other = _bounded(formula.otherwise, values, chosen)
            its_then = chosen[f"{field} {value}"]
            return Bounded(
                np.where(its_then, then.value, other.value),
                np.where(its_then, then.error, other.error),
            )
    left = _bounded(formula.left, values, chosen)
    right = _bounded(formula.right, values, chosen)
    a, b, da, db = left.value, right.value, left.error, right.error
    match formula.op:
        case "+":
            return _rounded(a + b, da + db)
        case "-":
            return _rounded(a - b, da + db)
        case "*":
            return _rounded(a * b, np.abs(a) * db + np.abs(b) * da + da * db)
        case "/":
            least = np.abs(b) - db
            error = (np.abs(a) * db / np.abs(b) + da) / least
            return _rounded(a / b, np.where(least > 0, error, np.inf))
        case "min":
            return _rounded(np.minimum(a, b), np.maximum(da, db))
        case "max":
            return _rounded(np.maximum(a, b), np.maximum(da, db))
        case _:
            return _power(left, right)


def _rounded(value: NDArray[Any], error: NDArray[Any]) -> Bounded:
    return Bounded(value, error * (1 + 8 * _EPS) + np.abs(value) * _EPS)


def _power(base: Bounded, exponent: Bounded) -> Bounded:
    """A power of what is above zero; of anything else nothing is known."""
    low, high = base.value - base.error, base.value + base.error
    value = np.power(base.value, exponent.value)
    # Powers only rise or only fall in each, so the ends lie in corners.
    corners = [
        np.power(x, y)
        for x in (low, high)
        for y in (exponent.value - exponent.error, exponent.value + exponent.error)
    ]
    most, least = np.maximum.reduce(corners), np.minimum.reduce(corners)
    error = np.maximum(most - value, value - least) + np.abs(most) * 16 * _EPS
    return Bounded(value, np.where(low > 0, error, np.inf))


def exact(number: tuple[Ints, Ints], place: int) -> Fraction:
    """A number of one patient; `number`: numerators and denominators."""
    return Fraction(int(number[0][place]), int(number[1][place]))
