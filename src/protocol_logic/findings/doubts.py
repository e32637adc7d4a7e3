"""What casts doubt on the absence of a concept: what a record says of it by another entry, as the
concept is `doubted by` it, which what resembles that entry or cannot be used may be too; or where
it names the concept in a place that is not read, or by a result that cannot be used.

No list denies a concept beside such a thing. What is stated of it, and what a person says, may.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import TYPE_CHECKING

from protocol_logic.compiling.windows import Window
from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.knowledge.vocabulary import Concept, Doubt, Quantity, Status
from protocol_logic.records.facts import ConditionStated, Fact, Measured, Stated, Unread
from protocol_logic.records.unread import NEAR

if TYPE_CHECKING:
    from protocol_logic.findings.latest import Visible


def doubt_of(visible: Visible, concept: str) -> str | None:
    """The first resource that casts doubt on the absence of a concept itself, if there is one."""
    for resource, day in _doubts(visible, concept):
        if not _is_told(visible, concept, day):
            return resource
    return None


def _doubts(visible: Visible, concept: str) -> Iterator[tuple[str, PartialDate | None]]:
    entry = visible.vocabulary.entries[concept]
    if not isinstance(entry, Concept):
        return
    for each in visible.mentioned(concept):
        yield each.resource, each.date
    for other in visible.alike(concept, unusable=True):
        yield other.resource, other.date
    for doubt in entry.doubts:
        there = visible.within(Window(*doubt.within)) if doubt.within is not None else visible
        for name in visible.vocabulary.below(doubt.entry):
            facts = there.newest(name) if doubt.latest else there.of(name)
            for fact in facts:
                if _says(doubt, fact, visible.as_of):
                    yield fact.resource, fact.date
            for other in there.alike(name, unusable=True):
                is_new = not doubt.latest or _may_be_newest(other, facts)
                if is_new and not _is_read(visible, other, name):
                    yield other.resource, other.date
            for mention in there.mentioned(name):
                yield mention.resource, mention.date


def _may_be_newest(other: Unread, facts: Iterable[Fact]) -> bool:
    """Whether a result that does not count may be as new as one of the newest that do."""
    days = [fact.date.first for fact in facts if fact.date is not None]
    return other.date.last >= min(days, default=date.min)


def _is_read(visible: Visible, other: Unread, near: str) -> bool:
    """Whether what is near an entry is read as another, which says itself what doubts."""
    return other.why == NEAR and any(
        code.code == other.code
        for entry in visible.vocabulary.entries.values()
        if isinstance(entry, Quantity | Status) and entry.name != near
        for code in entry.codes
    )


def _says(doubt: Doubt, fact: Fact, as_of: date) -> bool:
    """Whether a fact says what casts doubt, or may."""
    match fact.reading:
        case Measured(value=value, relative=relative):
            wanted = doubt.numbers
            return value is None or relative or wanted is None or value.intersects(wanted)
        case Stated(values=values):
            return values is None or not doubt.values or not values.isdisjoint(doubt.values)
        case ConditionStated() as said:
            state = said.state_on(as_of)
            return state != "absent" or (not doubt.latest and said.has_ended(as_of))
        case _:
            return True


def _is_told(visible: Visible, concept: str, day: PartialDate | None) -> bool:
    """Whether the record, or a person, says itself what there is of a concept: the record that it
    was absent, or a kind of it over, on that day or later."""
    if visible.was_never(concept):
        return True
    for name in visible.vocabulary.below(concept):
        for fact in visible.of(name):
            said = fact.reading
            if isinstance(said, ConditionStated):
                is_absent = said.state_on(visible.as_of) == "absent"
                if is_absent and name != concept and not said.has_ended(visible.as_of):
                    continue
                if is_absent and not fact.attested:
                    until = [when.first for when in (fact.date, said.abated) if when is not None]
                    if day is None or max(until, default=date.min) < day.last:
                        continue
            return True
    return False
