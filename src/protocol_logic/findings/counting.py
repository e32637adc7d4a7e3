"""How often a subject occurred in a window: all numbers that uncertain days allow.

Occurrences that share a day are one, transitively. Each test of days is a comparison of two of
them, so that few days need to be tried (see `days.py`): the first possible ones, the known ones
and those a little later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from fractions import Fraction
from itertools import product
from math import prod

from protocol_logic.compiling.plan import Finding
from protocol_logic.findings.days import Day, plus
from protocol_logic.findings.latest import Visible
from protocol_logic.findings.occurrences import not_closed
from protocol_logic.findings.rows import Found, Opener
from protocol_logic.findings.spans import Span, spans
from protocol_logic.foundation.interval import Interval

MOST_READINGS = 4096


def read_count(visible: Visible, finding: Finding) -> Found:
    """The cells of the numbers of occurrences that the record allows."""
    asked = finding.occurrence
    assert asked is not None
    end = visible.day_of(asked.before)
    first = asked.windows[0].first_day(end) if asked.windows else date.min
    seen = min(end, visible.as_of)
    found = [
        span
        for span in spans(visible, asked.subject)
        if span.start.first <= seen and span.end.last >= first
    ]
    choices = [
        list(_choices(span, days))
        for span, days in zip(found, _days(found, first, seen), strict=True)
    ]
    too_many = prod(map(len, choices)) > MOST_READINGS
    numbers = (
        _widened(found, first, seen)
        if too_many
        else {_number(chosen, first, seen) for chosen in product(*choices)}
    )
    facts = [span.fact for span in found]
    openers: dict[Opener, None] = {}
    if len(numbers) > 1:
        for span in found:
            openers.update(dict.fromkeys(span.openers))
            if not (span.start.certain and span.end.certain):
                openers[Opener(finding.element, "imprecise", span.fact.resource)] = None
    closing = visible.closing(finding)
    values = [Interval.point(Fraction(number)) for number in numbers]
    if closing is None:
        values = [Interval.at_least(Fraction(min(numbers)))]
        openers[not_closed(visible, finding, facts)] = None
    cells = frozenset(
        cell
        for cell, part in zip(finding.cells, finding.ranges, strict=True)
        if any(part.intersects(value) for value in values)
    )
    used = (*facts, *(closing or ()))
    return Found(cells, tuple(openers), used, widened=too_many)


def _widened(found: Sequence[Span], first: date, seen: date) -> set[int]:
    """All numbers that any days could give, and perhaps more."""
    certain = any(not s.openers and s.start.last <= seen and s.end.first >= first for s in found)
    return set(range(int(certain), len(found) + 1))


def _number(chosen: Iterable[tuple[date, date] | None], first: date, seen: date) -> int:
    """How many of some periods lie in the window, those that share a day taken as one."""
    number, until = 0, None
    for start, end in sorted(each for each in chosen if each is not None and each[0] <= seen):
        if until is None or start > until:
            number += end >= first
            until = end
        elif end > until:
            number += until < first <= end
            until = end
    return number


def _choices(span: Span, days: tuple[list[date], list[date]]) -> Iterator[tuple[date, date] | None]:
    """The days of an occurrence; None: there is none."""
    if span.openers:
        yield None
    for start in days[0]:
        if span.one_day:
            yield start, start
        else:
            yield from ((start, end) for end in days[1] if end >= start)


def _days(found: Sequence[Span], first: date, seen: date) -> list[tuple[list[date], list[date]]]:
    """For each occurrence the starts and the ends to try."""
    edges = [
        day for span in found for day in ((span.start,) if span.one_day else (span.start, span.end))
    ]
    unsure = sum(not day.certain for day in edges)
    reached = {first, plus(seen, 1), *(day.first for day in edges)}
    for _ in range(unsure):
        reached |= {plus(day, 1) for day in reached}

    def tried(day: Day) -> list[date]:
        return sorted({day.first, *(each for each in reached if day.first <= each <= day.last)})

    return [(tried(span.start), tried(span.end)) for span in found]
