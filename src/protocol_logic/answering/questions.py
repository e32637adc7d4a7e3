"""The questions that would close a patient's gaps: what the empty form of answers asks.

Each is an element as `records/elements.py` reads it back. Source: docs/answers.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from protocol_logic.answering.asking import OWN, Asker, Draft
from protocol_logic.answering.kinds import folded, with_kinds
from protocol_logic.answering.rows import Row
from protocol_logic.answering.wanted import wanted
from protocol_logic.compiling.plan import Plan
from protocol_logic.findings.unlisted import words
from protocol_logic.knowledge.likeness import spoken
from protocol_logic.knowledge.vocabulary import (
    Concept,
    History,
)
from protocol_logic.records.elements import Elements
from protocol_logic.records.facts import (
    PatientRecord,
)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a person: `sentence` holds the protocol's own for which it is needed."""

    element: str
    label: str
    reason: str
    expected: str
    sentence: str


# ---- the questions of one patient ----------------------------------------------------------------


def questions(elements: Elements, plan: Plan, record: PatientRecord, row: Row) -> list[Question]:
    """What would close the gaps of a patient's row; each element once.

    First the lists that close gaps of many elements at once, each with what it settles, then the
    others by element. Kinds of a class that is asked for as well are not asked one by one: that
    there never was one of the class settles them, else the next form asks for them.
    """
    drafts: dict[str, Draft] = {}
    for criterion in row["criteria"]:
        asker = Asker(elements, plan, criterion["id"], record, row["as_of"])
        sentence = " ".join(criterion["text"].split())
        for gap in criterion["gap_details"]:
            for draft in asker.ask(gap["element"], gap["reason"], gap["resource"]):
                draft.sentences[sentence] = None
                drafts.setdefault(draft.element, draft).merge(draft)
    kinds = _kinds(elements, drafts)
    below = {kind for each in kinds.values() for kind in each}
    asked = [
        _question(elements, draft, kinds.get(element, ()), _unread(elements, draft, record, row))
        for element, draft in drafts.items()
        if element not in below
    ]
    histories = {entry.element for entry in elements.vocabulary.of(History)}
    return sorted(asked, key=lambda question: (question.element not in histories, question.element))


_AND = " / "
_MOST_SETTLED = 6
_MOST_SENTENCES = 3


def _kinds(elements: Elements, drafts: Mapping[str, Draft]) -> dict[str, tuple[str, ...]]:
    """The classes that are asked for, each with its kinds that are open for the same reason."""
    plain: dict[str, list[str]] = {}
    for element, draft in drafts.items():
        entry = draft.entry
        if isinstance(entry, Concept) and element == entry.element and draft.is_plain:
            plain.setdefault(entry.kind, []).append(element)
    classes: dict[str, tuple[str, ...]] = {}
    for each in plain.values():
        classes |= folded(each, elements.vocabulary)
    return classes


def _unread(elements: Elements, draft: Draft, record: PatientRecord, row: Row) -> str:
    """What the chart holds of the kinds of a list and no entry knows, those that resemble what it
    settles first: who calls the list complete should have looked at it."""
    if not isinstance(draft.entry, History):
        return ""
    vocabulary, day = elements.vocabulary, date.fromisoformat(row["as_of"])
    kinds = {c.kind for c in vocabulary.of(Concept) if c.closed_by == draft.entry.name}
    seen = [e for e in record.unlisted if e.keeps_open and e.kind in kinds and e.is_seen(day)]
    said = {name: spoken(vocabulary, name) for name in draft.settles} if seen else {}
    told = []
    for each in seen:
        alike = (
            n for n, spoken_of in said.items() if spoken_of.resembles(each.name, each.code, False)
        )
        told.append(each._replace(like=next(alike, "")))
    return words(told)


def _question(elements: Elements, draft: Draft, kinds: Sequence[str], unread: str) -> Question:
    says = draft.says
    if draft.entry is not None:
        readers = tuple(draft.readers.values())
        says = wanted(draft.entry, readers, elements.vocabulary, draft.standing)
    if kinds:
        says += "; never settles the kinds too"
    return Question(
        element=draft.element,
        label=with_kinds(draft.label, kinds),
        reason=_reason(elements, draft) + (f"; unread in the chart: {unread}" if unread else ""),
        expected=f"{says}{draft.more}",
        sentence=_few(list(draft.sentences), _MOST_SENTENCES, _AND),
    )


def _reason(elements: Elements, draft: Draft) -> str:
    """Why it is open, and for which gaps of another name; of a list what it settles."""
    if draft.settles:
        return f"{next(iter(draft.reasons))}: settles {_settled(elements, draft.settles)}"
    texts = []
    for why, gaps in draft.reasons.items():
        others = [gap for gap in gaps if gap != OWN]
        texts += [why] if OWN in gaps else []
        texts += [f"{why}: {', '.join(others)}"] if others else []
    return "; ".join(texts)


def _settled(elements: Elements, names: Iterable[str]) -> str:
    """Some of the entries that a list settles, kinds folded under their class."""
    entries = elements.vocabulary.entries
    classes = folded((entries[name].element for name in names), elements.vocabulary)
    widest = sorted(classes.items(), key=lambda each: -len(each[1]))
    return _few([with_kinds(element, kinds) for element, kinds in widest], _MOST_SETTLED, ", ")


def _few(texts: Sequence[str], most: int, between: str) -> str:
    more = len(texts) - most
    return between.join(texts[:most]) + (f" and {more} more" if more > 0 else "")
