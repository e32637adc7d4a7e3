"""Formulas in one completion, in fractions; powers with roots to 100 digits, nearest.

The system under test bounds such a power from both sides; here it is one number so near to the true
one that no limit lies between them, and the true one itself where that is a fraction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal, localcontext
from fractions import Fraction

from protocol_logic.compiling import formulas


def calculate(formula: formulas.Formula, values: Mapping[str, Fraction]) -> Fraction:
    """The result of a formula without choices; raises ZeroDivisionError where it has none."""
    if isinstance(formula, formulas.Constant):
        return formula.value
    if isinstance(formula, formulas.Input):
        return values[formula.entry] * formula.factor
    assert isinstance(formula, formulas.Operation)
    left, right = calculate(formula.left, values), calculate(formula.right, values)
    match formula.op:
        case "/":
            return left / right
        case "^":
            return _power(left, right)
        case "min":
            return left if left < right else right
        case "max":
            return right if left < right else left
    return {"+": left + right, "-": left - right, "*": left * right}[formula.op]


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator == 1:
        return base**exponent.numerator
    if base <= 0:
        if base == 0 < exponent:
            return Fraction(0)
        raise ZeroDivisionError
    with localcontext() as context:
        context.prec = 100
        log = (Decimal(base.numerator) / Decimal(base.denominator)).ln()
        power = (log * Decimal(exponent.numerator) / Decimal(exponent.denominator)).exp()
    found = Fraction(power)
    simple = found.limit_denominator(10**9)
    if abs(simple - found) < Fraction(1, 10**60) and exponent.denominator < 100:
        if simple**exponent.denominator == base**exponent.numerator:
            return simple
    return found


def for_patient(
    formula: formulas.Formula, value_of: Callable[[str], str | None]
) -> formulas.Formula:
    """The formula without choices for a patient whose fields have these values."""
    if isinstance(formula, formulas.Choice):
        holds = value_of(formula.field) == formula.value
        return for_patient(formula.then if holds else formula.otherwise, value_of)
    if isinstance(formula, formulas.Operation):
        left, right = for_patient(formula.left, value_of), for_patient(formula.right, value_of)
        return formulas.Operation(formula.op, left, right)
    return formula


def for_everyone(
    formula: formulas.Formula, values_of: Callable[[str], Sequence[str]]
) -> list[formulas.Formula]:
    """The formulas for each value of the field that it asks; of one field at most."""
    fields = set(formulas.fields_of(formula))
    if not fields:
        return [formula]
    [field] = fields

    def as_if(value: str) -> formulas.Formula:
        return for_patient(formula, lambda _: value)

    return list(dict.fromkeys(as_if(value) for value in values_of(field)))


def where(
    formula: formulas.Formula,
    entry: str,
    limit: Fraction,
    values: Mapping[str, Fraction],
    ends: tuple[Fraction, Fraction],
) -> Iterator[Fraction]:
    """The value of an input at which a formula passes a limit, exactly where that is easy."""
    try:
        if list(formulas.inputs_of(formula)).count(entry) == 1 and _is_rational(formula):
            yield _solve(formula, entry, limit, values)
        else:
            yield from _search(formula, entry, limit, values, ends)
    except ZeroDivisionError:
        return


def _is_rational(formula: formulas.Formula) -> bool:
    if isinstance(formula, formulas.Operation):
        whole = formula.op not in ("^", "min", "max")
        return whole and _is_rational(formula.left) and _is_rational(formula.right)
    return True


def _solve(
    formula: formulas.Formula, entry: str, result: Fraction, values: Mapping[str, Fraction]
) -> Fraction:
    """The value of the input `entry`, which stands in one place, that gives the result."""
    if isinstance(formula, formulas.Input):
        return result / formula.factor
    assert isinstance(formula, formulas.Operation)
    if entry in formulas.inputs_of(formula.left):
        other = calculate(formula.right, values)
        if formula.op == "/":
            return _solve(formula.left, entry, result * other, values)
        inner = {"+": result - other, "-": result + other}
        if formula.op == "*":
            inner["*"] = result / other
        return _solve(formula.left, entry, inner[formula.op], values)
    other = calculate(formula.left, values)
    if formula.op in ("/", "*"):
        return _solve(
            formula.right, entry, other / result if formula.op == "/" else result / other, values
        )
    inner = {"+": result - other, "-": other - result}
    return _solve(formula.right, entry, inner[formula.op], values)


def _search(
    formula: formulas.Formula,
    entry: str,
    limit: Fraction,
    values: Mapping[str, Fraction],
    ends: tuple[Fraction, Fraction],
) -> Iterator[Fraction]:
    """The place by halving: the formula only rises or only falls in each input."""
    low, high = ends

    def is_over(number: Fraction) -> bool:
        return calculate(formula, {**values, entry: number}) > limit

    first = is_over(low)
    if first == is_over(high):
        return
    for _ in range(60):
        middle = ((low + high) / 2).limit_denominator(10**15)
        if is_over(middle) == first:
            low = middle
        else:
            high = middle
    yield from (low, high)
