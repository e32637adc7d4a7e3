"""The questions that would close a patient's gaps: what the empty form of answers asks.

Each is an element as `records/elements.py` reads it back. Source: docs/answers.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from protocol_logic.answering.rows import Row
from protocol_logic.knowledge.vocabulary import (
    Asked,
    Concept,
    Entry,
    Event,
    History,
    PatientField,
    Qualifier,
    Quantity,
)
from protocol_logic.records.elements import REFERENCE_RANGE, TREATMENT_INTENT, Elements
from protocol_logic.records.facts import Ordered, PatientRecord, Therapy
from protocol_logic.records.values import INTENTS, expected


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a person: `sentence` is the protocol's own for which it is needed."""

    element: str
    label: str
    reason: str
    expected: str
    sentence: str


# ---- the questions of one patient ----------------------------------------------------------------


def questions(elements: Elements, record: PatientRecord, row: Row) -> list[Question]:
    """What would close the gaps of a patient's row, by element; each element once."""
    asker = _Asker(elements, record)
    found: dict[str, Question] = {}
    for criterion in row["criteria"]:
        for gap in criterion["gap_details"]:
            for question in asker.ask(gap, criterion["text"]):
                known = found.setdefault(question.element, question)
                if question.sentence not in known.sentence.split(_AND):
                    sentence = f"{known.sentence}{_AND}{question.sentence}"
                    found[question.element] = replace(known, sentence=sentence)
    return [found[element] for element in sorted(found)]


_AND = " / "


class _Asker:
    def __init__(self, elements: Elements, record: PatientRecord) -> None:
        self.elements = elements
        self.entries = elements.vocabulary.entries
        self.record = record

    def ask(self, gap: Mapping[str, str | None], sentence: str) -> Iterator[Question]:
        element, reason, resource = gap["element"] or "", gap["reason"] or "", gap["resource"]
        why = reason.replace("_", " ")
        if element.partition(":")[0] in REFERENCE_RANGE.values():
            yield self._limit(element, why, resource, sentence)
            return
        if element == TREATMENT_INTENT:
            for name in self._without_intent(resource):
                label = f"intent of {name}"
                asked = f"{element}:{name}"
                yield Question(asked, label, why, " or ".join(INTENTS), sentence)
            return
        for entry, text in self._entries(element, reason, resource):
            about = why if entry.element == element else f"{why}: {element}"
            label, says = entry.label, expected(entry)
            if isinstance(entry, Asked):
                label = f"{label} ({entry.how})"
            if text.startswith(entry.name) and element in getattr(entry, "evidence", ()):
                says = f"`confirmed by {element}`"
            if isinstance(entry, History):
                says += ", if nothing is missing, also not what has no known code"
            name, _, place = text.partition(":")
            if place:
                label = f"{label}, {place}"
                if isinstance(entry, Concept) and entry.kind == "medication":
                    says += "; or `not taken`"
            elif reason == "conflicting":
                says += "; dated later than those that differ"
            yield Question(text, label, about, says.replace("`", ""), sentence)

    def _limit(self, element: str, why: str, resource: str | None, sentence: str) -> Question:
        found = self.elements.find(element)
        asked = found.entry
        assert isinstance(asked, Quantity)
        text = f"{element}:{resource}" if resource else element
        label = f"{'lower' if found.kind == 'LLN' else 'upper'} limit of normal of {asked.label}"
        says = expected(asked).replace("`", "")
        return Question(text, f"{label}, {resource}" if resource else label, why, says, sentence)

    def _without_intent(self, resource: str | None) -> Iterator[str]:
        """The medication records without an intent that are of the class of the one named."""
        classes = {fact.entry for fact in self.record.facts if fact.resource == resource}
        related = {name for c in classes for name in self.elements.vocabulary.below(c)} | classes
        for fact in self.record.facts:
            if fact.entry in related and isinstance(fact.reading, Therapy):
                if fact.reading.intent is None:
                    yield fact.resource

    def _entries(
        self, element: str, reason: str, resource: str | None
    ) -> Iterator[tuple[Entry, str]]:
        """The entries to ask for, each as it is written in a form."""
        own = self.elements.entries_of(element)
        names = self.elements.composed.get(element, ())
        asked = own or [self.entries[name] for name in names]
        asked = asked or [c for c in self.elements.vocabulary.of(Concept) if element in c.evidence]
        said = [entry for entry in asked if resource is not None and self._says(resource, entry)]
        if reason == "conflicting":  # a newer fact decides; only a patient field is never newer
            said = [entry for entry in said if isinstance(entry, PatientField)]
        if said and reason in ("unreadable", "imprecise", "conflicting"):
            for entry in said:
                yield entry, f"{self._key(element, entry)}:{resource}"
            return
        for entry in asked:
            if isinstance(entry, Qualifier):
                yield entry, f"{self._key(element, entry)}:{resource}"
                continue
            yield entry, self._key(element, entry)
            yield from self._closing(entry, reason)

    def _says(self, resource: str, entry: Entry) -> bool:
        """Whether a resource made a fact that an answer about the entry can say more of."""
        about = self.elements.read_from(entry)
        return any(f.resource == resource and f.entry in about for f in self.record.facts)

    def _key(self, element: str, entry: Entry) -> str:
        return element if self.elements.entries_of(element) == [entry] else entry.name

    def _closing(self, entry: Entry, reason: str) -> Iterator[tuple[Entry, str]]:
        """The list that says that there is no more of it, and the orders that keep it open."""
        closed_by = getattr(entry, "closed_by", None)
        is_open = isinstance(entry, Event) or getattr(entry, "kind", "") != "condition"
        if closed_by is not None and is_open and reason in ("absent", "not_closed", "stale"):
            yield self.entries[closed_by], self.entries[closed_by].element
        for fact in self.record.facts:
            if isinstance(fact.reading, Ordered):
                medication = self.entries[fact.entry]
                history = entry.name if isinstance(entry, History) else closed_by
                if getattr(medication, "closed_by", None) == history:
                    yield medication, f"{medication.name}:{fact.resource}"
