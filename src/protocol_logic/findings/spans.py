"""Which records state an occurrence of a subject, and on which days it was.

A medication occurs on every day of its period, a procedure on its day or on every day of its
period, a condition on the day of its onset, or where that is not recorded on the recorded day.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from protocol_logic.compiling import core
from protocol_logic.findings.days import Day
from protocol_logic.findings.latest import Visible
from protocol_logic.findings.rows import Opener
from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.records.elements import TREATMENT_INTENT
from protocol_logic.records.facts import ConditionStated, Done, Fact, Reading, Therapy


@dataclass(frozen=True, slots=True)
class Statement:
    """A fact that is of a subject, or may be: `openers` say what leaves that open."""

    fact: Fact
    openers: tuple[Opener, ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """The days of one occurrence, from `start` to `end`, which are the same day if `one_day`.

    `openers`: what leaves open, apart from the days, whether there was such an occurrence.
    """

    start: Day
    end: Day
    one_day: bool
    fact: Fact
    openers: tuple[Opener, ...]


def statements(visible: Visible, subject: core.Subject) -> Iterator[Statement]:
    """The facts of a subject's concept and its kinds that are, or may be, as the subject says."""
    facts = visible.below(subject.concept)
    element = visible.vocabulary.entries[subject.concept].element
    kinds = _kinds(facts) if subject.others else {}
    for fact in facts:
        openers: list[Opener] = []
        if subject.others:
            other = _is_other(visible, subject.others, kinds[fact.resource])
            if other:
                continue
            if other is None:
                openers.append(Opener(element, "imprecise", fact.resource))
        for qualifier in subject.qualifiers:
            said = _qualified(qualifier, fact.reading)
            if said is False:
                break
            if said is None:
                openers.append(Opener(TREATMENT_INTENT, "absent", fact.resource))
        else:
            yield Statement(fact, tuple(openers))


def spans(visible: Visible, subject: core.Subject) -> Iterator[Span]:
    """The occurrences that the visible records state of a subject."""
    element = visible.vocabulary.entries[subject.concept].element
    for said in statements(visible, subject):
        fact, openers = said.fact, said.openers
        match fact.reading:
            case Therapy(start=start, end=end, ongoing=ongoing):
                yield _period(visible, said, start, end, ongoing)
            case Done(start=None, end=None):
                day = _day(fact.date)
                yield Span(day, day, True, fact, openers)
            case Done(start=start, end=end):
                yield _period(visible, said, start, end, False)
            case ConditionStated() as stated:
                known = stated.confirmed or stated.state == "present"
                if known or stated.state == "unknown":
                    if not known or not visible.certain(fact):
                        openers = (*openers, Opener(element, "imprecise", fact.resource))
                    day = _day(_onset(stated, fact.date))
                    yield Span(day, day, True, fact, openers)


def _period(
    visible: Visible,
    said: Statement,
    start: PartialDate | None,
    end: PartialDate | None,
    ongoing: bool,
) -> Span:
    """A period; without a start it began on some day before, without an end it is over by now or
    goes on."""
    as_of = visible.as_of
    latest = as_of if end is None else min(as_of, end.last)
    began = _day(start) if start is not None else Day(date.min, latest)
    if end is not None:
        until = Day(max(began.first, end.first), max(began.first, end.last))
    elif ongoing:
        until = Day(date.max, date.max)
    else:
        until = Day(began.first, max(began.first, as_of))
    return Span(began, until, False, said.fact, said.openers)


def _day(when: PartialDate | None) -> Day:
    return Day(when.first, when.last) if when is not None else Day(date.min, date.max)


def _onset(stated: ConditionStated, recorded: PartialDate | None) -> PartialDate | None:
    """The day of the onset, which is not after that on which it was recorded."""
    onset = stated.onset
    if onset is None or recorded is None or not onset.first <= recorded.last < onset.last:
        return onset or recorded
    return PartialDate(onset.first, recorded.last, onset.text)


# ---- what is of a subject ------------------------------------------------------------------------


def _kinds(facts: list[Fact]) -> dict[str, set[str]]:
    """Resource -> the concepts that it is recorded as."""
    kinds: dict[str, set[str]] = {}
    for fact in facts:
        kinds.setdefault(fact.resource, set()).add(fact.entry)
    return kinds


def _is_other(visible: Visible, others: tuple[str, ...], kinds: set[str]) -> bool | None:
    """Whether a record of some kinds is one of those left out; None: it may be, since it tells
    only a class of one."""
    below = visible.vocabulary.below
    if any(kinds.intersection(below(other)) for other in others):
        return True
    above = [all(other in below(kind) for kind in kinds) for other in others]
    return None if any(above) else False


def _qualified(qualifier: core.Qualifier, reading: Reading) -> bool | None:
    """Whether a record has one of the values of a qualifier; None: it does not say."""
    if isinstance(reading, Therapy):
        return None if reading.intent is None else reading.intent in qualifier.values
    return False
