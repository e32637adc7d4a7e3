"""How far each number is from each limit of the criteria, exactly."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, TypeAlias

from protocol_logic.answering.readings import interval_words, one_number, points, with_unit
from protocol_logic.answering.what_if.conditions import condition_ids
from protocol_logic.compiling import core
from protocol_logic.compiling.cues import AGE_UNITS
from protocol_logic.compiling.plan import Plan
from protocol_logic.findings.rows import PatientFindings
from protocol_logic.foundation.interval import Interval, decimal_text
from protocol_logic.foundation.operators import COMPARISONS
from protocol_logic.foundation.units import UNIT_WORDS, UnitError, conversion_factor, zero_of
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.reasoning.meaning import Meaning
from protocol_logic.reasoning.support import View

Side: TypeAlias = Literal["above", "below", "at", "around"]
_AMOUNT = re.compile(r"(?:[<>]=?|=)\s*[0-9.]+\s*(\S.*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """A number and a limit that it is compared with, in the unit of the limit.

    `criteria`: those with the condition. `value`: the number, or all that it may be. `side`: where
    it lies from the limit; `around` where that is open. `holds`: whether the condition does; None:
    open. `distance`: from the limit to the nearest number that it may be; `share` of the limit,
    where that is not 0.
    """

    condition: str
    criteria: tuple[str, ...]
    finding: str
    value: Interval
    limit: Fraction
    unit: str
    side: Side
    holds: bool | None
    distance: Fraction

    @property
    def share(self) -> Fraction | None:
        return self.distance / abs(self.limit) if self.limit else None

    @property
    def words(self) -> str:
        """`88 g/L, 2 g/L below the limit (2.2 %)`; what is no decimal only about."""
        value = _plain(self.value_words)
        if self.side == "around":
            return f"{value}: on either side of the limit"
        if self.side == "at":
            return f"{value}, at the limit"
        unit = points(self.unit)
        far = _plain(with_unit(self.distance, unit))
        if not self.value.is_point:
            rooted = one_number(self.value) is not None
            far = _about(self.distance, unit) if rooted else f"at least {far}"
        share = "" if self.share is None else f" ({_percent(self.share)})"
        return f"{value}, {far} {self.side} the limit{share}"

    @property
    def value_words(self) -> str:
        """The number as people read it; one with a root only about."""
        one = one_number(self.value)
        if one is None or self.value.is_point:
            return interval_words(self.value, self.unit)
        return _about(one, self.unit)

    def as_dict(self) -> dict[str, Any]:
        """The margin ready for JSON; numbers are exact, as text, but for those with a root."""
        share, exact = self.share, self.value.is_point or one_number(self.value) is None
        return {
            "condition": self.condition,
            "criteria": list(self.criteria),
            "finding": self.finding,
            "value": self.value_words,
            "limit": with_unit(self.limit, self.unit),
            "unit": self.unit,
            "side": self.side,
            "holds": self.holds,
            "distance": _text(self.distance, exact),
            "share": None if share is None else _text(share, exact),
            "exact": exact,
            "words": self.words,
        }


def margins_of(protocol: core.Protocol, plan: Plan, found: PatientFindings) -> tuple[Margin, ...]:
    """A margin for each test of a number that is known, in the order of the protocol; of a limit
    with exceptions only for those that may be the patient's."""
    ids = condition_ids(protocol)
    truth = Meaning(protocol, plan, View.of(found)).truth
    users: dict[core.Within, dict[str, None]] = {}
    for criterion in protocol.criteria:
        for condition in (criterion.applies, criterion.condition):
            for test in own_tests(condition, truth) if condition is not None else ():
                if isinstance(test, core.Within):
                    users.setdefault(test, {})[criterion.id] = None
    margins = []
    for test, criteria in users.items():
        finding, _ = plan.tests[test]
        number = found.numbers.get(finding)
        if number is not None:
            margins.append(_margin(protocol, test, ids[test], tuple(criteria), finding, number))
    return tuple(margins)


def own_tests(
    condition: core.Condition, truth: Callable[[core.Condition], bool | None]
) -> Iterator[core.Condition]:
    """The tests of a condition without the limits that are not the patient's: `< 40 mg/dL` of
    `< 40 mg/dL, but < 50 mg/dL if sex is female` where that holds."""
    match condition:
        case core.Any(parts=parts) if (exception := _exception(parts)) is not None:
            holds = truth(exception.parts[1])
            for part in parts:
                if holds is None or (part is exception) is holds:
                    yield from own_tests(part, truth)
        case core.All(parts=parts) | core.Any(parts=parts) | core.AtLeast(parts=parts):
            for part in parts:
                yield from own_tests(part, truth)
        case _:
            yield from core.tests_in(condition)


def _exception(parts: Sequence[core.Condition]) -> core.All | None:
    for part in parts:
        if isinstance(part, core.All) and part.text.lstrip(", ").startswith("but "):
            return part
    return None


def _margin(
    protocol: core.Protocol,
    test: core.Within,
    condition: str,
    criteria: tuple[str, ...],
    finding: str,
    number: Interval,
) -> Margin:
    unit, factor, zero = unit_of_limit(protocol, test)

    def told(value: Fraction) -> Fraction:
        return value / factor + zero

    value = Interval(
        None if number.lo is None else told(number.lo),
        number.lo_closed,
        None if number.hi is None else told(number.hi),
        number.hi_closed,
    )
    limit = told(test.limit)
    side, distance = _place(value, limit)
    inside = COMPARISONS[test.op].inside(test.limit)
    holds = True if inside.contains_interval(number) else None
    if holds is None and not inside.intersects(number):
        holds = False
    return Margin(
        condition=condition, criteria=criteria, finding=finding, value=value, limit=limit,
        unit=unit, side=side, holds=holds, distance=distance,
    )  # fmt: skip


def _place(value: Interval, limit: Fraction) -> tuple[Side, Fraction]:
    if value.is_point and value.lo == limit:
        return "at", Fraction(0)
    if value.lo is not None and value.lo >= limit:
        return "above", value.lo - limit
    if value.hi is not None and value.hi <= limit:
        return "below", limit - value.hi
    return "around", Fraction(0)


def unit_of_limit(protocol: core.Protocol, test: core.Within) -> tuple[str, Fraction, Fraction]:
    """The unit of a limit as its author wrote it, how many canonical ones it is, and its zero."""
    if test.per:
        return f"x {test.per}", Fraction(1), Fraction(0)
    entry = protocol.derived.get(test.entry) or protocol.vocabulary.entries[test.entry]
    own = str(getattr(entry, "unit", "1"))
    plain = (AGE_UNITS[own] if isinstance(entry, voc.Age) else own, Fraction(1), Fraction(0))
    written = _AMOUNT.fullmatch(" ".join(protocol.source.text[_slice(test)].split()))
    if written is None or written[1] is None:
        return plain  # a parameter, or a number without a unit
    code = UNIT_WORDS.get(written[1], written[1])
    if isinstance(entry, voc.Quantity) and code in entry.accepts:
        return written[1], entry.accepts[code], zero_of(code)
    try:
        return written[1], conversion_factor(code, own), Fraction(0)
    except UnitError:
        return plain


def _slice(test: core.Within) -> slice:
    """Where the limit stands in the source."""
    return slice(test.span.start, test.span.end)


def _about(number: Fraction, unit: str) -> str:
    words = f"about {round(float(number), 3)}"
    return words if unit == "1" else f"{words} {unit}"


def _plain(words: str) -> str:
    """Words without fractions: `14/17 x ULN (about 0.824)` as `about 0.824 x ULN`."""
    words = re.sub(r" \(about [0-9.]+\)", "", words)
    return re.sub(r"-?[0-9]+/[0-9]+", lambda m: f"about {round(float(Fraction(m[0])), 3)}", words)


def _text(number: Fraction, exact: bool) -> str:
    return decimal_text(number) if exact else str(round(float(number), 6))


def _percent(share: Fraction) -> str:
    hundredths = share * 100
    text = decimal_text(hundredths)
    short = len(text) <= 5 and "/" not in text
    return f"{text} %" if short else f"about {round(float(hundredths), 1)} %"
