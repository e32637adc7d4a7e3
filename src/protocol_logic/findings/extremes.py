"""The highest, the lowest and the mean of what is recorded of a quantity."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from fractions import Fraction
from functools import reduce
from itertools import combinations, product
from math import prod

from protocol_logic.compiling.plan import Finding
from protocol_logic.findings.inputs import Alternative, Blank, Input, Number, number_of
from protocol_logic.findings.latest import Visible
from protocol_logic.findings.rows import Opener
from protocol_logic.foundation.interval import Interval
from protocol_logic.knowledge.vocabulary import Quantity
from protocol_logic.records.elements import REFERENCE_RANGE
from protocol_logic.records.facts import End, Fact, Limit

MOST_UNCERTAIN = 6
"""Results of which it is not certain that they count, above which a mean is left open."""
MOST_READINGS = 64
"""Ways to read results with several limits of normal, above which all between them is possible."""


def extreme_input(
    visible: Visible, entry: Quantity, finding: Finding, sexes: Sequence[str]
) -> Input:
    """What the highest, the lowest or the mean of the visible results can be.

    Of a ratio, each result counts in multiples of its own limit of normal, any that may count for
    the patient. `sexes`: those that the patient may have.
    """
    facts = _once_each(visible.of(entry.name))
    if not facts:
        return Input(entry.name, (Blank.NOTHING,), Opener(entry.element, "absent"))
    end: End | None = None
    if finding.detail:
        end = "LLN" if finding.detail == "LLN" else "ULN"
    anything = _anything(entry)
    sure: list[tuple[Interval, ...]] = []
    maybe: list[tuple[Interval, ...]] = []
    openers: list[Opener] = []
    for fact in facts:
        values, opener = _values(fact, entry, end, sexes)
        certain = visible.certain(fact)
        (sure if certain else maybe).append(values or (anything,))
        if opener is None and not certain:
            opener = Opener(entry.element, "imprecise", fact.resource)
        openers += [opener] if opener is not None else []
    stale = visible.stale(visible.newest(entry.name))
    if stale is not None:  # then what is newer would have to be known
        maybe.append((anything,))
        openers.insert(0, Opener(entry.element, "stale", stale.resource))
    limits = (Limit(None, Fraction(1), f"1 x {end}", end),) if end is not None else ()
    alternatives: list[Alternative] = [
        Number(value, limits, facts[0].resource, relative=end is not None)
        for value in dict.fromkeys(_readings(finding.taken, sure, maybe, anything))
    ]
    if not sure:
        alternatives.append(Blank.NOTHING)
    uncertain = len(alternatives) > 1 or not _is_point(alternatives[0])
    return Input(
        entry.name,
        tuple(alternatives),
        next(iter(openers), None) if uncertain else None,
        tuple(facts),
    )


def _is_point(alternative: Alternative) -> bool:
    return isinstance(alternative, Number) and alternative.value.is_point


def _once_each(facts: Iterable[Fact]) -> list[Fact]:
    """The facts by day, of those that say the same of one day only one."""
    in_order = sorted(facts, key=lambda f: (f.date.first if f.date else date.min, f.resource))
    return list({(f.date, f.reading): f for f in in_order}.values())


def _anything(entry: Quantity) -> Interval:
    plausible = entry.plausible
    if plausible is not None and (plausible.lo is None or plausible.lo < 0):
        return Interval.everything()
    return Interval.at_least(0)


def _values(
    fact: Fact, entry: Quantity, end: End | None, sexes: Sequence[str]
) -> tuple[tuple[Interval, ...], Opener | None]:
    """What a result can be worth, and why not just one number; none: it can be anything."""
    number = number_of(fact)
    imprecise = Opener(entry.element, "imprecise", fact.resource)
    if number is None:
        return (), Opener(entry.element, "unreadable", fact.resource)
    if end is None:
        if number.relative:
            return (), imprecise
        return (number.value,), None if number.value.is_point else imprecise
    usable = [x for x in number.limits if x.end == end and x.value > 0]
    stated = {
        limit.value
        for sex in sexes
        for limit in [x for x in usable if x.sex == sex] or [x for x in usable if x.sex is None]
    }
    reference = f"{REFERENCE_RANGE[end]}:{entry.element}"
    if not stated:
        return (), Opener(reference, "no_reference_range", fact.resource)
    ratios = tuple(number.value.scale(1 / limit) for limit in sorted(stated))
    if len(ratios) > 1:
        return ratios, Opener(reference, "conflicting", fact.resource)
    return ratios, None if ratios[0].is_point else imprecise


def _readings(
    taken: str,
    sure: Sequence[tuple[Interval, ...]],
    maybe: Sequence[tuple[Interval, ...]],
    anything: Interval,
) -> Iterator[Interval]:
    """What is taken of the results, for each way in which they can be read."""
    options = [*sure, *maybe]
    if prod(map(len, options)) > MOST_READINGS:
        options = [(reduce(_hull, each),) for each in options]
    for values in product(*options):
        yield from _taken(taken, values[: len(sure)], values[len(sure) :], anything)


def _hull(one: Interval, other: Interval) -> Interval:
    """All numbers from the least to the most of two intervals."""
    low, high = one.lesser(other), one.greater(other)
    return Interval(low.lo, low.lo_closed, high.hi, high.hi_closed)


def _taken(
    taken: str, sure: Sequence[Interval], maybe: Sequence[Interval], anything: Interval
) -> Iterator[Interval]:
    """What is taken of the results that count, for each set of the uncertain ones."""
    if taken == "mean":
        if len(maybe) > MOST_UNCERTAIN:
            yield anything
            return
        for count in range(len(maybe) + 1):
            for some in combinations(maybe, count):
                values = [*sure, *some]
                if values:
                    yield reduce(lambda a, b: a + b, values).scale(Fraction(1, len(values)))
        return
    join = Interval.greater if taken == "highest" else Interval.lesser
    base = reduce(join, sure) if sure else None
    if base is not None:
        yield base
    # Of several uncertain ones that count, one is the highest: then it is as if it alone did.
    for value in maybe:
        yield value if base is None else join(base, value)
