"""What an element of an answer is: an entry, or a part of one resource that a person can say.

    hgb  hemoglobin                          the element or the name of an entry
    hgb:Observation/o1                       what this resource says of it
    reference_range:alt                      the upper limit of normal of the newest result
    reference_range:alt:Observation/o2       that of this result
    reference_range_low:platelets            the lower limit of normal
    treatment_intent:MedicationStatement/m1  what a medication was meant for
    severity:Condition/c1                    a qualifier of one record

Source: docs/answers.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from protocol_logic.foundation.problems import misspelt, one_of
from protocol_logic.foundation.text import shown
from protocol_logic.knowledge.vocabulary import (
    QUALIFIED,
    Age,
    Concept,
    Entry,
    Event,
    Qualifier,
    Quantity,
    Vocabulary,
)
from protocol_logic.records.facts import End

REFERENCE_RANGE: dict[End, str] = {"ULN": "reference_range", "LLN": "reference_range_low"}
_ENDS: dict[str, End] = {name: end for end, name in REFERENCE_RANGE.items()}
TREATMENT_INTENT = "treatment_intent"
_ELEMENTS = "it is the name or element of an entry that the protocol uses"
_MOST = 4


class Unanswerable(ValueError):
    """An element that cannot be answered: why (safe to show), and what to do instead."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Element:
    """What is answered. `entry` is None just for an intent, which any medication can have.

    `resource`: the one resource of which it is said; None: a statement by itself. `evidence`: the
    evidence that confirms the condition `entry`.
    """

    kind: Literal["value", "intent"] | End
    entry: Entry | None
    resource: str | None = None
    evidence: str | None = None

    @property
    def is_entry(self) -> bool:
        """Whether it is just an entry."""
        return self.kind == "value" and self.resource is None and self.evidence is None


@dataclass(frozen=True, slots=True)
class Elements:
    """All elements that can be answered, or told by tables, for a protocol.

    `composed`: name or element of what is decided or computed from entries -> their names.
    `criteria`: the same of each criterion, which is no element.
    """

    vocabulary: Vocabulary
    composed: Mapping[str, tuple[str, ...]]
    criteria: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def find(self, text: str) -> Element:
        """The element that a text names; raises Unanswerable."""
        name, _, rest = text.partition(":")
        if name == TREATMENT_INTENT:
            if not rest:
                raise Unanswerable(
                    f"`{name}` does not say of which medication record",
                    f"write `{name}:MedicationStatement/ID`, as the gaps of a row name it",
                )
            return Element("intent", None, rest)
        if name in _ENDS:
            limited, _, resource = rest.partition(":")
            entry = self._entry(limited, f"after `{name}:`").entry
            if not isinstance(entry, Quantity):
                message = f"`{shown(limited)}` is no quantity, so it has no limit of normal"
                raise Unanswerable(message)
            return Element(_ENDS[name], entry, resource or None)
        found = self._entry(name, "as an element")
        if isinstance(found.entry, Qualifier) and not rest:
            raise Unanswerable(
                f"`{name}` does not say of which record",
                f"write `{name}:Condition/ID`, as the gaps of a row name it",
            )
        return Element("value", found.entry, rest or None, found.evidence)

    def _entry(self, name: str, place: str) -> Element:
        entries = self.vocabulary.entries
        if name in entries:
            entry = entries[name]
            if isinstance(entry, Age):
                raise Unanswerable(f"`{name}` is counted from a date", f"give `{entry.of}`")
            return Element("value", entry)
        named = self.entries_of(name)
        if len(named) == 1:
            return Element("value", named[0])
        if named:
            hint = f"give {one_of(entry.name for entry in named)}"
            raise Unanswerable(f"`{shown(name)}` is the element of more than one entry", hint)
        if name in self.composed:
            hint = f"give what it rests on: {one_of(self.composed[name])}"
            raise Unanswerable(f"`{shown(name)}` is not recorded but decided from others", hint)
        confirmed = [c for c in self.vocabulary.of(Concept) if name in c.evidence]
        if len(confirmed) == 1:
            return Element("value", confirmed[0], evidence=name)
        if confirmed:
            hint = f"give {one_of(c.name for c in confirmed)} with `confirmed by {name}`"
            raise Unanswerable(f"`{shown(name)}` confirms more than one condition", hint)
        raise Unanswerable(f"`{shown(name)}` is not known {place}", self.instead_of(name))

    def instead_of(self, name: str) -> str:
        """What to write for a name that is no element."""
        rests_on = self.criteria.get(name)
        if rests_on:
            more = f" (and {len(rests_on) - _MOST} more)" if len(rests_on) > _MOST else ""
            given = one_of(rests_on[:_MOST])
            return f"it is a criterion: give what it rests on, {given}{more}"
        return misspelt(name, self.known()) or _ELEMENTS

    def entries_of(self, element: str) -> list[Entry]:
        """The entries that a person can answer for an element; for an age it is the birth date."""
        entries = self.vocabulary.entries
        named = [e for e in entries.values() if e.element == element]
        names = dict.fromkeys(e.of if isinstance(e, Age) else e.name for e in named)
        return [entries[name] for name in names]

    def known(self) -> list[str]:
        """All that can be answered without a resource, and what is decided from it."""
        answered = [e for e in self.vocabulary.entries.values() if not isinstance(e, Age)]
        evidence = [name for c in self.vocabulary.of(Concept) for name in c.evidence]
        names = [*(e.name for e in answered), *(e.element for e in answered), *evidence]
        return [*dict.fromkeys([*names, *self.composed])]

    def read_from(self, entry: Entry) -> frozenset[str]:
        """The names of the entries of whose facts a statement about one can say more."""
        if isinstance(entry, Event):
            concepts = [name for c in entry.concepts for name in self.vocabulary.below(c)]
            return frozenset([*concepts, *filter(None, [entry.status])])
        if isinstance(entry, Qualifier):
            kinds = QUALIFIED[entry.of]
            return frozenset(c.name for c in self.vocabulary.of(Concept) if c.kind in kinds)
        return frozenset({entry.name})
