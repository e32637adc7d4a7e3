"""The findings of occurrences: when the last one was, and whether a condition is as one says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import product

from protocol_logic.compiling.plan import Finding
from protocol_logic.findings.latest import Visible
from protocol_logic.findings.rows import CellSet, Found, Opener, Reason
from protocol_logic.findings.spans import Statement, spans, statements
from protocol_logic.records.facts import Fact

MOST_UNSURE = 6
"""Statements about one kind of which it is tried whether each is about the subject."""


def read_last(visible: Visible, finding: Finding) -> Found:
    """In which windows the last occurrence of a subject may lie."""
    asked = finding.occurrence
    assert asked is not None
    end = visible.day_of(asked.before)
    axis = Axis(finding, end)
    days = []
    floor: date | None = None
    for span in spans(visible, asked.subject):
        if span.start.first <= end:
            first = min(max(span.start.first, span.end.first), end)
            last = min(max(first, span.end.last), end)
            openers = span.openers
            begun = span.start.last <= min(end, visible.as_of)
            if begun and not openers:
                floor = first if floor is None else max(floor, first)
            if not begun or first < last:
                openers = (*openers, Opener(finding.element, "imprecise", span.fact.resource))
            days.append((first, last, openers, span.fact))
    known = axis.never if floor is None else axis.between(floor, floor)
    cells, openers_of_all, facts = set(known), dict[Opener, None](), []
    for first, last, openers, fact in days:
        if floor is None or last >= floor:
            own = axis.between(max(first, floor or first), last)
            cells |= own
            facts.append(fact)
            if not own <= known:
                openers_of_all.update(dict.fromkeys(openers))
    closing = visible.closing(finding)
    if closing is not None:
        facts += closing
    else:
        unrecorded = axis.between(floor or date.min, end)
        if not unrecorded <= known:
            openers_of_all[not_closed(visible, finding, facts)] = None
        cells |= unrecorded
    return Found(frozenset(cells), tuple(openers_of_all), tuple(facts))


def not_closed(
    visible: Visible, finding: Finding, facts: list[Fact], ended: bool = False
) -> Opener:
    """Why something may be unrecorded. `ended`: what is recorded may have come again."""
    reason: Reason = "ended" if ended else "not_closed" if facts else "absent"
    return Opener(finding.element, *visible.not_closed(finding.entry, reason))


class Axis:
    """The days up to the one at which the windows end, and the cells that they lie in."""

    def __init__(self, finding: Finding, end: date) -> None:
        asked = finding.occurrence
        assert asked is not None
        self.starts = {window: window.first_day(end) for window in asked.windows}
        self.cells = {
            held: frozenset({cell})
            for cell, inside in zip(finding.cells, asked.inside, strict=True)
            for held in inside
        }
        self.never = self.cells[None]

    def between(self, first: date, last: date) -> CellSet:
        """The cells of the days from one to another."""
        days = {first, *(day for day in self.starts.values() if first < day <= last)}
        return frozenset().union(*(self._cell(day) for day in days))

    def _cell(self, day: date) -> CellSet:
        return self.cells[frozenset(w for w, start in self.starts.items() if day >= start)]


# ---- conditions that are present as a subject says -----------------------------------------------


def read_present(visible: Visible, finding: Finding) -> Found:
    """Whether one of the kinds of a condition is present as the subject says.

    The newest statements about each kind decide about it; the kinds that are left out are not
    asked about.
    """
    asked = finding.occurrence
    assert asked is not None
    present, absent, unrecorded = finding.cells
    by_kind: dict[str, list[Statement]] = {}
    for said in statements(visible, asked.subject):
        by_kind.setdefault(said.fact.entry, []).append(said)
    below = visible.vocabulary.below
    left_out = {name for other in asked.subject.others for name in below(other)}
    cells: set[str] = {absent}
    openers: dict[Opener, None] = {}
    facts: list[Fact] = []
    unclosed = ended = False
    for kind in below(asked.subject.concept):
        if kind in left_out:
            continue
        told = _told(visible, finding, by_kind.get(kind, []))
        facts += told.facts
        if told.can == {True}:
            return Found(frozenset({present}), (), tuple(told.facts))
        if True in told.can:
            cells.add(present)
            openers.update(dict.fromkeys(told.openers))
        if None not in told.can or visible.closed(kind) is not None:
            continue
        if not finding.variant or not visible.unlisted(kind):
            unclosed = True
            ended = ended or told.ended
        elif finding.variant == "or_unrecorded":
            if False not in told.can:
                seen = {present} if True in told.can else set()
                return Found(frozenset({unrecorded, *seen}), tuple(openers), tuple(told.facts))
            cells.add(unrecorded)
    if unclosed:
        cells.add(unrecorded)
        openers[not_closed(visible, finding, facts, ended)] = None
    closing = visible.closed(finding.entry)
    return Found(frozenset(cells), tuple(openers), (*facts, *([closing] if closing else ())))


@dataclass(slots=True)
class _Told:
    """What the statements about a kind can say: present as asked, not so, or nothing (None).

    `ended`: that it is over, though it comes again.
    """

    can: set[bool | None]
    openers: dict[Opener, None]
    facts: list[Fact]
    ended: bool = False


def _told(visible: Visible, finding: Finding, said: list[Statement]) -> _Told:
    """What the newest statements about a kind say, whichever of them are about the subject."""
    told = _Told(set(), {}, [each.fact for each in said])
    unsure = [each for each in said if each.maybe]
    for each in unsure:
        told.openers.update(dict.fromkeys(each.maybe))
    if len(unsure) > MOST_UNSURE:
        told.can = {True, False, None}
        return told
    for chosen in product((False, True), repeat=len(unsure)):
        left = {each.fact for each, taken in zip(unsure, chosen, strict=True) if not taken}
        _tell(visible, finding, [each for each in said if each.fact not in left], told)
    return told


def _tell(visible: Visible, finding: Finding, said: list[Statement], told: _Told) -> None:
    """Add what some statements that are about the subject say: the latest of all, and that there
    is one of the things that are named apart."""
    by_fact = {each.fact: each for each in said}
    facts = [each.fact for each in said]
    latest = visible.newest_of(facts)
    can = _say(visible, finding, latest, by_fact, told)
    for newest in visible.apart(facts):
        named = _Told(set(), {}, [])
        its = _say(visible, finding, newest, by_fact, named)
        if its == {True}:
            can = its
            break
        if True in its and not set(newest) <= set(latest):
            can |= its - {None}
            told.openers.update(named.openers)
    for own, later in visible.hidden(facts) if can != {True} else ():
        of_its = _say(visible, finding, own, by_fact, _Told(set(), {}, []))
        of_all = _say(visible, finding, later, by_fact, _Told(set(), {}, []))
        if True in of_its and True not in of_all:
            can |= {True, False}
            told.openers[Opener(finding.element, "conflicting", own[0].resource)] = None
    told.can |= can


def _say(
    visible: Visible,
    finding: Finding,
    newest: list[Fact],
    by_fact: dict[Fact, Statement],
    told: _Told,
) -> set[bool | None]:
    """What some statements say, each of which may be the latest."""
    can: set[bool | None] = set()
    certain: set[bool] = set()
    for fact in newest:
        [state] = visible.states([fact])
        if state == "ended":
            can.add(None)
            told.ended = True
            continue
        if state == "absent" or by_fact[fact].is_not:
            certain.add(False)
            continue
        unsaid = by_fact[fact].unsaid
        if state == "unknown":
            unsaid = (*unsaid, Opener(finding.element, "imprecise", fact.resource))
        if unsaid:
            can |= {True, False}
            told.openers.update(dict.fromkeys(unsaid))
        else:
            certain.add(True)
    if len(certain) + (None in can) > 1:
        told.openers[Opener(finding.element, "conflicting", newest[0].resource)] = None
    if not newest or visible.may_be_none(newest):
        can.add(None)
        if newest:
            told.openers[Opener(finding.element, "imprecise", newest[0].resource)] = None
    return can | certain
