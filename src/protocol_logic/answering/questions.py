"""The questions that would close a patient's gaps: what the empty form of answers asks.

Each is an element as `records/elements.py` reads it back. Source: docs/answers.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from protocol_logic.answering.kinds import folded, with_kinds
from protocol_logic.answering.rows import Row
from protocol_logic.knowledge.vocabulary import (
    Asked,
    Concept,
    Entry,
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
    """What is asked of a person: `sentence` is the protocol's own for which it is needed.

    `entry`: the entry that is asked for; None where it is a limit of normal or an intent.
    `settles`: the entry whose gap it closes because a list holds no more; then it is that list.
    """

    element: str
    label: str
    reason: str
    expected: str
    sentence: str
    entry: str | None = None
    settles: str | None = None


# ---- the questions of one patient ----------------------------------------------------------------


def questions(elements: Elements, record: PatientRecord, row: Row) -> list[Question]:
    """What would close the gaps of a patient's row; each element once.

    First the lists that close gaps of many elements at once, each with what it settles, then the
    others by element. Kinds of a class that is asked for as well are not asked one by one: that
    there never was one of the class settles them, else the next form asks for them.
    """
    asker = _Asker(elements, record)
    found: dict[str, Question] = {}
    settled: dict[str, dict[str, None]] = {}
    for criterion in row["criteria"]:
        for gap in criterion["gap_details"]:
            for question in asker.ask(gap, criterion["text"]):
                known = found.setdefault(question.element, question)
                if question.settles is not None:
                    settled.setdefault(question.element, {})[question.settles] = None
                if question.sentence not in known.sentence.split(_AND):
                    sentence = f"{known.sentence}{_AND}{question.sentence}"
                    found[question.element] = replace(known, sentence=sentence)
    for element, names in settled.items():
        known = found[element]
        found[element] = replace(known, reason=f"{known.reason}: settles {_few(elements, names)}")
    asked = _without_kinds(elements, found)
    histories = {entry.element for entry in elements.vocabulary.of(History)}
    return sorted(asked, key=lambda question: (question.element not in histories, question.element))


_AND = " / "
_MOST_SETTLED = 6


def _few(elements: Elements, names: Iterable[str]) -> str:
    """Some of the entries that a list settles, kinds folded under their class."""
    entries = elements.vocabulary.entries
    classes = folded((entries[name].element for name in names), elements.vocabulary)
    widest = sorted(classes.items(), key=lambda each: -len(each[1]))
    texts = [with_kinds(element, kinds) for element, kinds in widest]
    more = len(texts) - _MOST_SETTLED
    return ", ".join(texts[:_MOST_SETTLED]) + (f" and {more} more" if more > 0 else "")


def _without_kinds(elements: Elements, found: Mapping[str, Question]) -> Iterator[Question]:
    """The questions; of a class and its kinds that are open for the same reason only the class."""
    vocabulary = elements.vocabulary
    plain: dict[str, list[str]] = {}
    for element, question in found.items():
        entry = vocabulary.entries.get(question.entry or "")
        if isinstance(entry, Concept) and element == entry.element and question.reason == "absent":
            plain.setdefault(entry.kind, []).append(element)
    classes: dict[str, tuple[str, ...]] = {}
    for each in plain.values():
        classes |= folded(each, vocabulary)
    kinds = {kind for below in classes.values() for kind in below}
    for element, question in found.items():
        if classes.get(element):
            label = with_kinds(question.label, classes[element])
            says = f"{question.expected}; never settles the kinds too"
            yield replace(question, label=label, expected=says)
        elif element not in kinds:
            yield question


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
        for entry, text, closes in self._entries(element, reason, resource):
            about = why if entry.element == element else f"{why}: {element}"
            label, says = entry.label, expected(entry)
            settles = None if closes is None else closes.name
            if closes is not None:
                about = why
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
            says = says.replace("`", "")
            yield Question(text, label, about, says, sentence, entry.name, settles)

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
    ) -> Iterator[tuple[Entry, str, Entry | None]]:
        """The entries to ask for, each as it is written in a form, and what it closes as a list."""
        own = self.elements.entries_of(element)
        names = self.elements.composed.get(element, ())
        asked = own or [self.entries[name] for name in names]
        asked = asked or [c for c in self.elements.vocabulary.of(Concept) if element in c.evidence]
        said = [entry for entry in asked if resource is not None and self._says(resource, entry)]
        if reason == "conflicting":  # a newer fact decides; only a patient field is never newer
            said = [entry for entry in said if isinstance(entry, PatientField)]
        if said and reason in ("unreadable", "imprecise", "conflicting"):
            for entry in said:
                yield entry, f"{self._key(element, entry)}:{resource}", None
            return
        for entry in asked:
            if isinstance(entry, Qualifier):
                yield entry, f"{self._key(element, entry)}:{resource}", None
                continue
            yield entry, self._key(element, entry), None
            yield from self._closing(entry, reason, element)

    def _says(self, resource: str, entry: Entry) -> bool:
        """Whether a resource made a fact that an answer about the entry can say more of."""
        about = self.elements.read_from(entry)
        return any(f.resource == resource and f.entry in about for f in self.record.facts)

    def _recorded(self, entry: Entry) -> bool:
        names = self.elements.vocabulary.below(entry.name)
        is_condition = isinstance(entry, Concept) and entry.kind == "condition"
        return is_condition and any(fact.entry in names for fact in self.record.facts)

    def _key(self, element: str, entry: Entry) -> str:
        return element if self.elements.entries_of(element) == [entry] else entry.name

    def _closing(
        self, entry: Entry, reason: str, element: str
    ) -> Iterator[tuple[Entry, str, Entry | None]]:
        """The list that says that there is no more of it, and the orders that keep it open."""
        closed_by = getattr(entry, "closed_by", None)
        # What is recorded but not confirmed is not settled by a list.
        is_open = element == entry.element or not self._recorded(entry)
        if closed_by is not None and is_open and reason in ("absent", "not_closed", "stale"):
            yield self.entries[closed_by], self.entries[closed_by].element, entry
        for fact in self.record.facts:
            if isinstance(fact.reading, Ordered):
                medication = self.entries[fact.entry]
                history = entry.name if isinstance(entry, History) else closed_by
                if getattr(medication, "closed_by", None) == history:
                    yield medication, f"{medication.name}:{fact.resource}", None
