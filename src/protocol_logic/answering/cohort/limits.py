"""The numeric limits that stand in criteria, and a protocol in which each can be moved.

A limit is moved for a patient by a switch beside its test: `(follow and test) or yes`. All switches
at `follow`, the protocol says what it said; one at `yes` or `no`, it says what it would with a
limit on the other side of the patient's number. So one ground program answers for all limits, and
what else reads the same number is left as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TypeAlias

from protocol_logic.compiling import core
from protocol_logic.compiling.plan import Plan
from protocol_logic.foundation.interval import Interval, decimal_text
from protocol_logic.foundation.operators import COMPARISONS
from protocol_logic.knowledge import vocabulary as voc

_NUMBER = re.compile(
    r"(?P<head>.*?)(?P<sign><=|>=|<|>)\s*(?P<number>[0-9]+(?:\.[0-9]+)?)(?P<tail>.*)"
)
_SWITCH = "limit_switch"
FOLLOW, YES, NO = "follow", "yes", "no"
Rewrite: TypeAlias = Callable[[core.Within], core.Condition]
OtherLimits: TypeAlias = Mapping[core.Within, tuple[Fraction, str]]
"""Test of a number -> the limit that it has instead, and its words."""
_CALENDAR = {"a": "years", "mo": "months", "d": "days"}


@dataclass(frozen=True, slots=True)
class NumberLimit:
    """A test of a number in criteria, wherever it stands.

    `finding`: what it reads. `criteria`: those it stands in. `helps`: whether a patient can only
    gain by its being true, or only by its being false; None: it stands in both ways. `head`,
    `tail`: the author's words around the number; `scale`: what the author's unit is in ours.
    `plausible`: the limits that make sense; `whole`: of them the whole ones only.
    """

    test: core.Within
    finding: str
    criteria: tuple[int, ...]
    helps: bool | None
    head: str
    tail: str
    scale: Fraction
    whole: bool
    plausible: Interval

    @property
    def number(self) -> Fraction:
        """The limit in the author's unit."""
        return self.test.limit / self.scale

    @property
    def unit(self) -> str:
        """What stands after the number, without what is said of other cases."""
        return self.tail.partition(",")[0].strip()

    @property
    def up(self) -> bool:
        """Whether a higher limit lets more patients in (where it helps at all)."""
        return self.test.op.startswith("<") == (self.helps is not False)

    def said(self, limit: Fraction) -> str:
        """The number of a limit with its unit, as the author would write it."""
        return f"{decimal_text(limit / self.scale)}{self.tail}"

    def words(self, limit: Fraction) -> str:
        """The test with another limit."""
        return f"{self.head}{self.test.op} {self.said(limit)}"

    def holds(self, value: Fraction, limit: Fraction) -> bool:
        """Whether a number is within a limit."""
        return COMPARISONS[self.test.op].inside(limit).contains(value)


def limits_of(protocol: core.Protocol, plan: Plan) -> tuple[NumberLimit, ...]:
    """The limits of numbers that stand in criteria, in order; those of definitions are not."""
    places: dict[core.Within, dict[int, None]] = {}
    signs: dict[core.Within, set[bool]] = {}
    first: dict[core.Within, core.Within] = {}
    for number, criterion in enumerate(protocol.criteria):
        for test, sign in _signed_tests(criterion):
            places.setdefault(test, {})[number] = None
            signs.setdefault(test, set()).add(sign)
            first.setdefault(test, test)
    return tuple(
        NumberLimit(
            test,
            plan.tests[test][0],
            tuple(where),
            min(signs[test]) if len(signs[test]) == 1 else None,
            *_said(protocol, first[test]),
            whole=_is_whole(protocol, test),
            plausible=_plausible(protocol, test),
        )
        for test, where in places.items()
    )


def _signed_tests(criterion: core.Criterion) -> Iterator[tuple[core.Within, bool]]:
    """Tests of numbers, with whether a criterion can only gain by their being true."""
    if criterion.applies is not None:
        yield from _signed(criterion.applies, False)
    yield from _signed(criterion.condition, criterion.polarity == "inclusion")


def _signed(condition: core.Condition, sign: bool) -> Iterator[tuple[core.Within, bool]]:
    if isinstance(condition, core.Within):
        yield condition, sign
    for part in core.parts_of(condition):
        yield from _signed(part, sign != isinstance(condition, core.Not))


def _said(protocol: core.Protocol, test: core.Within) -> tuple[str, str, Fraction]:
    """The author's words before and after the number, and the scale of the author's unit."""
    match = _NUMBER.fullmatch(test.text)
    entry = protocol.vocabulary.entries.get(test.entry)
    if match is not None and match["sign"] == test.op:
        number = Fraction(match["number"])
        scale = test.limit / number if number and test.limit > 0 else Fraction(0)
        units = entry.accepts if isinstance(entry, voc.Quantity) and not test.per else None
        if scale and (units is None or scale in {Fraction(1), *units.values()}):
            head = match["head"] or f"{test.entry} "
            return head, match["tail"], scale
    unit = str(getattr(entry or protocol.derived.get(test.entry), "unit", ""))
    unit = f"x {test.per}" if test.per else _CALENDAR.get(unit, unit)
    window = f" {test.window.words}" if test.window is not None else ""
    head = f"{test.taken} {test.entry} " if test.taken else f"{test.entry} "
    return head, f" {unit}{window}" if unit not in ("", "1") else window, Fraction(1)


def _is_whole(protocol: core.Protocol, test: core.Within) -> bool:
    """Whether only whole numbers make sense as limits: ages, and scores that count."""
    entry = protocol.vocabulary.entries.get(test.entry)
    if isinstance(entry, voc.Quantity):
        return entry.unit == "1" and not test.per and test.limit.denominator == 1
    return isinstance(entry, voc.Age)


def _plausible(protocol: core.Protocol, test: core.Within) -> Interval:
    entry = protocol.vocabulary.entries.get(test.entry)
    known = entry.plausible if isinstance(entry, voc.Quantity) and not test.per else None
    if known is not None and known.contains(test.limit):
        return known
    return Interval.at_least(0) if test.limit >= 0 else Interval.everything()


def with_limits(protocol: core.Protocol, limits: OtherLimits) -> core.Protocol:
    """The protocol with other limits in its criteria."""

    def moved(test: core.Within) -> core.Condition:
        if test not in limits:
            return test
        limit, text = limits[test]
        return replace(test, limit=limit, text=text)

    return _rewritten(protocol, moved)


def _rewritten(protocol: core.Protocol, rewrite: Rewrite) -> core.Protocol:
    criteria = tuple(
        replace(
            criterion,
            applies=None if criterion.applies is None else _with(criterion.applies, rewrite),
            condition=_with(criterion.condition, rewrite),
        )
        for criterion in protocol.criteria
    )
    return replace(protocol, criteria=criteria)


def _with(condition: core.Condition, rewrite: Rewrite) -> core.Condition:
    match condition:
        case core.Within():
            return rewrite(condition)
        case core.All(parts=parts) | core.Any(parts=parts) | core.AtLeast(parts=parts):
            return replace(condition, parts=tuple(_with(part, rewrite) for part in parts))
        case core.Not(part=part):
            return replace(condition, part=_with(part, rewrite))
    return condition


def with_switches(protocol: core.Protocol, limits: tuple[NumberLimit, ...]) -> core.Protocol:
    """The protocol with a switch beside each limit."""
    numbers = {limit.test: number for number, limit in enumerate(limits)}
    names = {test: f"{_SWITCH}_{number}" for test, number in numbers.items()}

    def switched(test: core.Within) -> core.Condition:
        name = names[test]
        following = core.HasValue(entry=name, values=(FOLLOW,), text=f"{name} is {FOLLOW}")
        chosen = core.HasValue(entry=name, values=(YES,), text=f"{name} is {YES}")
        followed = core.All(parts=(following, test), text="all of")
        return core.Any(parts=(followed, chosen), text=test.text, span=test.span)

    switches = {
        name: voc.Status(
            name=name, element=name, label=name, codes=(), values=(FOLLOW, YES, NO), meanings={}
        )
        for name in names.values()
    }
    vocabulary = voc.Vocabulary({**protocol.vocabulary.entries, **switches})
    return replace(_rewritten(protocol, switched), vocabulary=vocabulary)


def switch_of(number: int) -> str:
    """The finding of the switch of a limit."""
    return f"{_SWITCH}_{number}"
