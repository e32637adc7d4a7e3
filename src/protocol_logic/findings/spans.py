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
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.records.elements import TREATMENT_INTENT
from protocol_logic.records.facts import ConditionStated, Done, Fact, Therapy


@dataclass(frozen=True, slots=True)
class Statement:
    """A fact of the kinds of a subject.

    `maybe`: what leaves open whether it is about the subject; `unsaid`: what leaves open whether it
    is as the subject says; `is_not`: it is not, though what it says of its kind counts.
    """

    fact: Fact
    maybe: tuple[Opener, ...] = ()
    unsaid: tuple[Opener, ...] = ()
    is_not: bool = False

    @property
    def openers(self) -> tuple[Opener, ...]:
        return self.maybe + self.unsaid


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
    """The facts of a subject's concept and its kinds.

    Left out are those of kinds that the subject leaves out, and of another site: what is said of
    one site says nothing of another.
    """
    facts = visible.below(subject.concept)
    element = visible.vocabulary.entries[subject.concept].element
    kinds = _kinds(facts) if subject.others else {}
    for fact in facts:
        maybe: list[Opener] = []
        unsaid: list[Opener] = []
        if subject.others:
            other = _is_other(visible, subject.others, kinds[fact.resource])
            if other:
                continue
            if other is None:
                maybe.append(Opener(element, "imprecise", fact.resource))
        is_not = elsewhere = False
        for qualifier in subject.qualifiers:
            said = _qualified(visible, qualifier, fact)
            is_site = _is_site(visible, qualifier)
            if said is False:
                is_not, elsewhere = True, elsewhere or is_site
            elif isinstance(said, Opener):
                (maybe if is_site else unsaid).append(said)
        if not elsewhere:
            yield Statement(fact, tuple(maybe), tuple(unsaid), is_not)


def spans(visible: Visible, subject: core.Subject) -> Iterator[Span]:
    """The occurrences that the visible records state of a subject."""
    element = visible.vocabulary.entries[subject.concept].element
    for said in statements(visible, subject):
        if said.is_not:
            continue
        fact, openers = said.fact, said.openers
        if isinstance(fact.reading, Done) and not fact.reading.known:
            said = Statement(fact, openers, (Opener(element, "imprecise", fact.resource),))
            openers = said.openers
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


def _qualified(visible: Visible, qualifier: core.Qualifier, fact: Fact) -> bool | Opener:
    """Whether a record has one of the values of a qualifier, or why that is open."""
    reading = fact.reading
    if isinstance(reading, Therapy):
        if reading.intent is None:
            return Opener(TREATMENT_INTENT, "absent", fact.resource)
        return reading.intent in qualifier.values
    if not isinstance(reading, ConditionStated | Done):
        return False
    values = dict(reading.qualifiers).get(qualifier.name)
    if values is not None and not values.isdisjoint(qualifier.values):
        return True
    if values is not None and None not in values:
        return False
    element = visible.vocabulary.entries[qualifier.name].element
    return Opener(element, "absent" if values is None else "unreadable", fact.resource)


def _is_site(visible: Visible, qualifier: core.Qualifier) -> bool:
    entry = visible.vocabulary.entries.get(qualifier.name)
    return isinstance(entry, voc.Qualifier) and entry.of == "site"
