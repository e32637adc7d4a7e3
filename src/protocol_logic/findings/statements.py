"""Findings of one concept: what the statements about it say, and what their absence means.

Each gives the cells that the record allows, what leaves more than one, and the facts it rests on.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace

from protocol_logic.compiling.plan import Finding
from protocol_logic.findings.counting import read_count
from protocol_logic.findings.latest import State, Visible
from protocol_logic.findings.occurrences import read_last, read_present
from protocol_logic.findings.rows import Found, Opener, Reason
from protocol_logic.foundation.operators import OPERATORS
from protocol_logic.knowledge.vocabulary import Concept, Event
from protocol_logic.records.facts import ConditionStated, Done, Fact, Therapy

HAPPENED = {
    "evidence": 0, "last": 0, "in_effect": -1, "both_sides": -1, "count": -1, "unrecorded": -1,
}  # fmt: skip
"""Which of the cells is that of what happened without a record."""
_CELLS: dict[State, frozenset[str]] = {
    "present": frozenset({"present"}),
    "absent": frozenset({"absent"}),
    "unknown": frozenset({"present", "absent"}),
    "ended": frozenset(),
}
"""What a newest statement leaves a condition; one that it ended leaves it to what closes it."""


def read_statement(visible: Visible, finding: Finding) -> Found:
    """Read a finding that shares no input with another."""
    if finding.variant == "or_unrecorded" and finding.kind in HAPPENED:
        if visible.unlisted(finding.entry, by_list=finding.kind != "evidence"):
            return Found(frozenset({finding.cells[HAPPENED[finding.kind]]}))
    match finding.kind:
        case "presence":
            return _presence(visible, finding)
        case "evidence":
            return _evidence(visible, finding)
        case "in_effect":
            return _in_effect(visible, finding)
        case "both_sides":
            return _both_sides(visible, finding)
        case "last":
            return read_last(visible, finding)
        case "count":
            return read_count(visible, finding)
        case "present_as":
            return read_present(visible, finding)
        case "in_record":
            return _in_record(visible, finding)
        case "unrecorded":
            return _unrecorded(visible, finding)
        case _:  # what a decision leaves open, or nobody has written, is free
            return Found(frozenset(finding.cells), (Opener(finding.element, "absent"),))


def _presence(visible: Visible, finding: Finding) -> Found:
    """What the latest statements say; of things that are named apart, none is news of another, so
    the condition is present while one of them is."""
    found = _latest(visible, finding)
    if found.cells == {"present"}:
        return found
    for facts in map(tuple, visible.apart(visible.of(finding.entry))):
        states = visible.states(facts)
        if states == {"present"} and not visible.may_be_none(facts):
            return Found(frozenset(states), (), facts)
        if not states <= {"absent", "ended"} and not set(facts) <= set(found.facts):
            reason: Reason = "conflicting" if len(states) > 1 else "imprecise"
            openers = found.openers or (Opener(finding.element, reason, facts[0].resource),)
            cells = found.cells | {"present", "absent"}
            found = Found(cells, openers, tuple(dict.fromkeys((*found.facts, *facts))))
    for own, later in visible.hidden(visible.of(finding.entry)):
        if visible.states(later) <= _OVER and not visible.states(own) <= _OVER:
            openers = found.openers or (Opener(finding.element, "conflicting", own[0].resource),)
            cells = found.cells | {"present", "absent"}
            found = Found(cells, openers, tuple(dict.fromkeys((*found.facts, *own, *later))))
    return found


_OVER = frozenset({"absent", "ended"})


def _latest(visible: Visible, finding: Finding) -> Found:
    """What the latest of all statements say, whatever they name."""
    facts = tuple(visible.newest(finding.entry))
    states = visible.states(facts)
    said = frozenset[str]().union(*(_CELLS[state] for state in states))
    missing = finding.variant if visible.unlisted(finding.entry) else ""
    unsaid = {"as_recorded": {"absent"}, "or_unrecorded": {"unrecorded"}}.get(missing)
    if visible.may_be_none(facts):
        opener = Opener(finding.element, "imprecise", facts[0].resource)
        cells = frozenset(finding.cells) if unsaid is None else said | unsaid
        return Found(cells, (opener,), facts)
    if states and states != {"ended"}:
        if len(said) == len(states) == 1:
            return Found(said, (), facts)
        reason: Reason = "conflicting" if len(states) > 1 else "imprecise"
        opener = Opener(finding.element, reason, facts[0].resource)
        if "ended" in states:
            said |= _not_said(visible, finding, unsaid).cells
        return Found(said, (opener,), facts)
    entry = visible.vocabulary.entries[finding.entry]
    if isinstance(entry, Concept) and entry.kind == "allergy":
        wider = _to_a_class(visible, finding.entry)
        if wider:
            opener = Opener(finding.element, "imprecise", wider[0].resource)
            return Found(frozenset({"present", "absent"}), (opener,), tuple(wider))
    found = _not_said(visible, finding, unsaid)
    if not facts:
        return found
    doubt = visible.doubt((finding.entry,))
    why: Opener = Opener(finding.element, "ended", facts[0].resource)
    if doubt is not None:
        why = Opener(finding.element, "doubted", doubt)
    openers = tuple(
        replace(o, reason=why.reason, resource=why.resource) if o.reason == "absent" else o
        for o in found.openers
    )
    return Found(found.cells, openers, (*facts, *found.facts))


def _not_said(visible: Visible, finding: Finding, unsaid: Set[str] | None) -> Found:
    """Of what no statement decides: absent where a list closes it, or it counts as that; else
    open. `unsaid`: what it counts as where nothing is recorded."""
    closing = visible.closed(finding.entry)
    if closing is not None:
        return Found(frozenset({"absent"}), (), (closing,))
    if unsaid is not None:
        return Found(frozenset(unsaid))
    opener = _not_closed(visible, finding, "absent")
    return Found(frozenset({"absent", "unrecorded"}), (opener,))


def _to_a_class(visible: Visible, allergy: str) -> list[Fact]:
    """The newest statements that there is, or may be, an allergy to a class of a medication."""
    return [
        fact
        for name in visible.vocabulary.above(allergy)
        for fact in visible.newest(name)
        if isinstance(fact.reading, ConditionStated)
        and fact.reading.state_on(visible.as_of) != "absent"
    ]


def _evidence(visible: Visible, finding: Finding) -> Found:
    facts = tuple(
        f
        for f in visible.below(finding.entry)
        if isinstance(f.reading, ConditionStated)
        and f.reading.confirmed
        and finding.detail in f.reading.evidence
    )
    if any(visible.certain(f) for f in facts):
        return Found(frozenset(OPERATORS["confirmed by"].true), (), facts)
    if finding.variant == "as_recorded" and not facts and visible.unlisted(finding.entry, False):
        return Found(frozenset({"not_confirmed"}))
    return Found(frozenset(finding.cells), (Opener(finding.element, "absent"),), facts)


def _in_effect(visible: Visible, finding: Finding) -> Found:
    as_of = visible.as_of
    sure, maybe, facts = False, None, []
    for fact in visible.below(finding.entry):
        therapy = fact.reading
        if not isinstance(therapy, Therapy):
            continue
        facts.append(fact)
        start, end = therapy.start, therapy.end
        if end is None and not therapy.ongoing:
            continue  # completed or stopped without an end: ended
        certain = (start is None or start.last <= as_of) and (end is None or end.first >= as_of)
        sure = sure or certain
        if not certain and (end is None or end.last >= as_of):
            maybe = fact
    return _open_world(visible, finding, sure, maybe, facts)


def _both_sides(visible: Visible, finding: Finding) -> Found:
    facts = [f for f in visible.below(finding.entry) if isinstance(f.reading, Done)]
    certain = {
        f.reading.side
        for f in facts
        if isinstance(f.reading, Done) and f.reading.known and visible.certain(f)
    }
    possible = {f.reading.side for f in facts if isinstance(f.reading, Done)}
    sure = "both" in certain or {"left", "right"} <= certain
    may = None in possible or "both" in possible or {"left", "right"} <= possible
    return _open_world(visible, finding, sure, facts[0] if may else None, facts)


def _open_world(
    visible: Visible, finding: Finding, sure: bool, maybe: Fact | None, facts: list[Fact]
) -> Found:
    """Yes, no, or yes without a record, where no list closes it."""
    yes, no, unrecorded = finding.cells
    if sure:
        return Found(frozenset({yes}), (), tuple(facts))
    cells, openers = {no}, []
    if maybe is not None:
        cells.add(yes)
        openers.append(Opener(finding.element, "imprecise", maybe.resource))
    closing = visible.closing(finding)
    if closing is None:
        cells.add(unrecorded)
        openers.append(_not_closed(visible, finding, "not_closed" if facts else "absent"))
    else:
        facts = [*facts, *closing]
    return Found(frozenset(cells), tuple(openers), tuple(facts))


def _in_record(visible: Visible, finding: Finding) -> Found:
    """Whether anything is recorded of a concept or its kinds, or a list of a history."""
    is_concept = isinstance(visible.vocabulary.entries[finding.entry], Concept)
    facts = visible.below(finding.entry) if is_concept else visible.of(finding.entry)
    unread = visible.unlisted_alike(finding.entry) if is_concept and not facts else ()
    if unread:
        opener = Opener(finding.element, "unreadable", unread[0].resource)
        return Found(frozenset(finding.cells), (opener,))
    if any(map(visible.certain, facts)) or not facts:
        return Found(frozenset({"yes" if facts else "no"}), (), tuple(facts))
    opener = Opener(finding.element, "imprecise", facts[0].resource)
    return Found(frozenset(finding.cells), (opener,), tuple(facts))


def _unrecorded(visible: Visible, finding: Finding) -> Found:
    """Whether there may be more of a therapy or event than the record says."""
    closing = visible.closing(finding)
    if closing is not None:
        return Found(frozenset({"none"}), (), closing)
    is_event = isinstance(visible.vocabulary.entries[finding.entry], Event)
    opener = _not_closed(visible, finding, "absent" if is_event else "not_closed")
    return Found(frozenset(finding.cells), (opener,))


def _not_closed(visible: Visible, finding: Finding, reason: Reason) -> Opener:
    """What nothing closes."""
    return Opener(finding.element, *visible.not_closed(finding.entry, reason))
