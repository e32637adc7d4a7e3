"""What the formula of a derived quantity gives, with ranges as ranges."""

from __future__ import annotations

from collections.abc import Mapping

from protocol_logic.compiling import formulas
from protocol_logic.foundation.interval import Interval
from protocol_logic.foundation.powers import power


def compute(
    formula: formulas.Formula, values: Mapping[str, Interval], fields: Mapping[str, str]
) -> Interval:
    """All numbers that the formula may give; `fields`: the value of each patient field."""
    match formula:
        case formulas.Constant(value=value):
            return Interval.point(value)
        case formulas.Input(entry=entry, factor=factor):
            return values[entry].scale(factor)
        case formulas.Choice(field=field, value=wanted):
            chosen = formula.then if fields[field] == wanted else formula.otherwise
            return compute(chosen, values, fields)
    left = compute(formula.left, values, fields)
    right = compute(formula.right, values, fields)
    match formula.op:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/":
            return left / right
        case "min":
            return left.lesser(right)
        case "max":
            return left.greater(right)
        case _:
            return power(left, right)
