"""Inputs of a computed quantity that bring it just below a limit, to it, and just above it.

One input is moved in small steps until the quantity passes the limit; the others stay where they
are. The formula is computed here by plain arithmetic, so that the cases do not rest on what they
test. A power with a root is rounded, so steps that come too close to the limit are passed over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Context, Decimal
from fractions import Fraction

from protocol_logic.compiling import core, formulas
from protocol_logic.foundation.interval import decimal_text
from protocol_logic.knowledge import vocabulary as voc

_STEPS = 10_000
_AGES = {"a": (60, "years"), "mo": (720, "months"), "d": (21_915, "days")}
_PRECISE = Context(prec=50)
_TOO_CLOSE = Fraction(1, 10**12)


class NotSolved(ValueError):
    """Why no inputs were found."""


Inputs = Mapping[str, str]
"""Name -> value as written."""


def inputs_around(
    protocol: core.Protocol, derived: formulas.Derived, limit: Fraction
) -> tuple[Inputs, Inputs | None, Inputs]:
    """Inputs below, at and above a limit; None: no step is just at it. Raises NotSolved."""
    entries = protocol.vocabulary.entries
    written: dict[str, str] = {}
    numbers: dict[str, Fraction] = {}
    fields: dict[str, str] = {}
    for name in derived.fields:
        entry = entries[name]
        assert isinstance(entry, voc.PatientField)
        fields[name] = written[name] = entry.values[0]
    moved: list[voc.Quantity] = []
    for name in derived.inputs:
        entry = entries[name]
        if isinstance(entry, voc.Age):
            number, unit = _AGES[entry.unit]
            numbers[name], written[name] = Fraction(number), f"{number} {unit}"
            continue
        assert isinstance(entry, voc.Quantity)
        lo, hi = _ends(entry)
        moved.append(entry)
        numbers[name] = _rounded((lo + hi) / 2, _step(lo, hi))
        written[name] = _text(entry, numbers[name])
    for entry in moved:
        found = _moving(entry, derived.formula, numbers, fields, limit)
        if found is not None:
            below, at, above = (
                None if number is None else {**written, entry.name: _text(entry, number)}
                for number in found
            )
            assert below is not None and above is not None
            return below, at, above
    raise NotSolved("it is computed, and no single input brings it to the limit")


def _moving(
    entry: voc.Quantity,
    formula: formulas.Formula,
    numbers: Mapping[str, Fraction],
    fields: Mapping[str, str],
    limit: Fraction,
) -> tuple[Fraction, Fraction | None, Fraction] | None:
    """The numbers of one input on both sides of a limit, and the one at it, if a step is there."""
    lo, hi = _ends(entry)
    step = _step(lo, hi)

    def side(number: int) -> int:
        """-1, 0 or 1: where the quantity lies; 2 where that is too close to say."""
        value = _value(formula, {**numbers, entry.name: number * step}, fields)
        if value == limit and _is_plain(formula):
            return 0
        if abs(value - limit) <= abs(limit) * _TOO_CLOSE:
            return 2
        return -1 if value < limit else 1

    first, last = int(lo / step) + 1, int(hi / step) - 1
    start, end = side(first), side(last)
    if {start, end} != {-1, 1}:
        return None
    while last - first > 1:
        middle = (first + last) // 2
        if side(middle) == start:
            first = middle
        else:
            last = middle
    at = last if side(last) == 0 else None
    while side(last) != end:
        last += 1
    below, above = (first, last) if start == -1 else (last, first)
    return below * step, None if at is None else at * step, above * step


def _ends(entry: voc.Quantity) -> tuple[Fraction, Fraction]:
    plausible = entry.plausible
    if plausible is None or plausible.lo is None or plausible.hi is None:
        raise NotSolved(f"it is computed, and `{entry.name}` has no plausible range")
    return plausible.lo, plausible.hi


def _step(lo: Fraction, hi: Fraction) -> Fraction:
    """A power of ten that divides a range into some thousands of steps."""
    step = Fraction(1)
    while (hi - lo) / step > _STEPS:
        step *= 10
    while (hi - lo) / step < _STEPS / 10:
        step /= 10
    return step


def _rounded(value: Fraction, step: Fraction) -> Fraction:
    return round(value / step) * step


def _text(entry: voc.Quantity, value: Fraction) -> str:
    return f"{decimal_text(value)} {'' if entry.unit == '1' else entry.unit}".strip()


# ---- the formula ---------------------------------------------------------------------------------


def _is_plain(formula: formulas.Formula) -> bool:
    """Whether a formula has no power with a root, so that its value is exact."""
    return all(
        isinstance(o.right, formulas.Constant) and o.right.value.denominator == 1
        for o in _operations(formula)
        if o.op == "^"
    )


def _operations(formula: formulas.Formula) -> Iterator[formulas.Operation]:
    if isinstance(formula, formulas.Operation):
        yield formula
        yield from _operations(formula.left)
        yield from _operations(formula.right)
    elif isinstance(formula, formulas.Choice):
        yield from _operations(formula.then)
        yield from _operations(formula.otherwise)


def _value(
    formula: formulas.Formula, numbers: Mapping[str, Fraction], fields: Mapping[str, str]
) -> Fraction:
    match formula:
        case formulas.Constant(value=value):
            return value
        case formulas.Input(entry=entry, factor=factor):
            return numbers[entry] * factor
        case formulas.Choice(field=field, value=wanted, then=then, otherwise=otherwise):
            return _value(then if fields[field] == wanted else otherwise, numbers, fields)
        case formulas.Operation(op=op):
            left = _value(formula.left, numbers, fields)
            right = _value(formula.right, numbers, fields)
            return _operated(op, left, right)


def _operated(op: str, left: Fraction, right: Fraction) -> Fraction:
    match op:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/":
            return left / right
        case "min":
            return min(left, right)
        case "max":
            return max(left, right)
        case _ if right.denominator == 1:
            return left**right.numerator
        case _:
            return Fraction(_PRECISE.power(_decimal(left), _decimal(right)))


def _decimal(value: Fraction) -> Decimal:
    return _PRECISE.divide(Decimal(value.numerator), Decimal(value.denominator))
