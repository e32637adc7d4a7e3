"""The questions that would close a patient's gaps: what the empty form of answers asks.

Each is an element as `records/elements.py` reads it back. Source: docs/answers.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from protocol_logic.answering.kinds import folded, with_kinds
from protocol_logic.answering.rows import Row
from protocol_logic.answering.wanted import ENDS, readers_of, wanted
from protocol_logic.compiling.plan import Finding, Plan, Reach
from protocol_logic.findings.orders import orders_of
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
from protocol_logic.records.facts import (
    Closed,
    ConditionStated,
    Ordered,
    PatientRecord,
    Therapy,
)
from protocol_logic.records.values import INTENTS


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a person: `sentence` holds the protocol's own for which it is needed."""

    element: str
    label: str
    reason: str
    expected: str
    sentence: str


@dataclass(slots=True)
class _Draft:
    """A question as it is put together from the gaps that it would close.

    `entry`: the entry that is asked for; None where it is a limit of normal or an intent. `says`:
    what a value looks like, where the entry does not say it; `more`: what else is said of it.
    `reasons`: why it is open -> the elements of the gaps, `_OWN` for its own. `readers`: the
    findings that read it. `settles`: the entries whose gaps it closes because a list holds no more;
    then it is that list.
    """

    element: str
    label: str
    entry: Entry | None
    resource: str | None = None
    says: str = ""
    more: str = ""
    reasons: dict[str, dict[str, None]] = field(default_factory=dict)
    readers: dict[str, Finding] = field(default_factory=dict)
    sentences: dict[str, None] = field(default_factory=dict)
    settles: dict[str, None] = field(default_factory=dict)

    def merge(self, other: _Draft) -> None:
        for why, elements in other.reasons.items():
            self.reasons.setdefault(why, {}).update(elements)
        self.readers |= other.readers
        self.sentences |= other.sentences
        self.settles |= other.settles
        self.more = self.more or other.more

    @property
    def is_plain(self) -> bool:
        """Whether it is open just because nothing is recorded, under its own element."""
        return self.reasons == {"absent": {_OWN: None}}


# ---- the questions of one patient ----------------------------------------------------------------


def questions(elements: Elements, plan: Plan, record: PatientRecord, row: Row) -> list[Question]:
    """What would close the gaps of a patient's row; each element once.

    First the lists that close gaps of many elements at once, each with what it settles, then the
    others by element. Kinds of a class that is asked for as well are not asked one by one: that
    there never was one of the class settles them, else the next form asks for them.
    """
    drafts: dict[str, _Draft] = {}
    for criterion in row["criteria"]:
        asker = _Asker(elements, plan, criterion["id"], record, row["as_of"])
        sentence = " ".join(criterion["text"].split())
        for gap in criterion["gap_details"]:
            for draft in asker.ask(gap["element"], gap["reason"], gap["resource"]):
                draft.sentences[sentence] = None
                drafts.setdefault(draft.element, draft).merge(draft)
    kinds = _kinds(elements, drafts)
    below = {kind for each in kinds.values() for kind in each}
    asked = [
        _question(elements, draft, kinds.get(element, ()))
        for element, draft in drafts.items()
        if element not in below
    ]
    histories = {entry.element for entry in elements.vocabulary.of(History)}
    return sorted(asked, key=lambda question: (question.element not in histories, question.element))


_AND = " / "
_OWN = ""
_MOST_SETTLED = 6
_MOST_SENTENCES = 3


def _kinds(elements: Elements, drafts: Mapping[str, _Draft]) -> dict[str, tuple[str, ...]]:
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


def _question(elements: Elements, draft: _Draft, kinds: Sequence[str]) -> Question:
    says = draft.says
    if draft.entry is not None:
        readers = tuple(draft.readers.values())
        says = wanted(draft.entry, readers, elements.vocabulary, draft.resource)
    if kinds:
        says += "; never settles the kinds too"
    return Question(
        element=draft.element,
        label=with_kinds(draft.label, kinds),
        reason=_reason(elements, draft),
        expected=f"{says}{draft.more}",
        sentence=_few(list(draft.sentences), _MOST_SENTENCES, _AND),
    )


def _reason(elements: Elements, draft: _Draft) -> str:
    """Why it is open, and for which gaps of another name; of a list what it settles."""
    if draft.settles:
        return f"{next(iter(draft.reasons))}: settles {_settled(elements, draft.settles)}"
    texts = []
    for why, gaps in draft.reasons.items():
        others = [gap for gap in gaps if gap != _OWN]
        texts += [why] if _OWN in gaps else []
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


# ---- what one gap asks ---------------------------------------------------------------------------


class _Asker:
    """Asks for what closes the gaps of one criterion."""

    def __init__(
        self, elements: Elements, plan: Plan, criterion: str, record: PatientRecord, as_of: str
    ) -> None:
        self.elements = elements
        self.vocabulary = elements.vocabulary
        self.entries = elements.vocabulary.entries
        self.record = record
        self.as_of = date.fromisoformat(as_of)
        seen = [f for f in record.facts if f.date is None or f.date.first <= self.as_of]
        orders = orders_of(seen, self.as_of, self.vocabulary)
        self.orders = [order for order, word in orders if word is None]
        reach: Reach = plan.reach[criterion]
        self.read = {
            plan.findings[name]: instead or plan.findings[name].element
            for name, instead in reach.findings.items()
        }

    def ask(self, gap: str, reason: str, resource: str | None) -> Iterator[_Draft]:
        """The questions for a gap: its element, why it is open and the resource to blame."""
        if gap.partition(":")[0] in REFERENCE_RANGE.values():
            yield self._limit(gap, reason, resource)
        elif gap == TREATMENT_INTENT:
            yield from self._intents(gap, reason, resource)
        else:
            yield from self._evidence(gap, reason)
            for entry in self._asked(gap):
                yield from self._entry(gap, entry, reason, resource)

    def _draft(
        self, gap: str, entry: Entry, reason: str, resource: str | None, readers: Iterable[Finding]
    ) -> _Draft:
        """A question for an entry, or for what one resource says of it."""
        own = self.elements.entries_of(gap) == [entry]
        element, label = gap if own else entry.name, entry.label
        if isinstance(entry, Asked):
            label = f"{label} ({entry.how})"
        if resource is not None:
            element, label = f"{element}:{resource}", f"{label}, {resource}"
        draft = _Draft(element, label, entry, resource)
        draft.reasons[_words(reason)] = {_OWN if entry.element == gap else gap: None}
        draft.readers = {finding.id: finding for finding in readers}
        return draft

    # ---- limits, intents, evidence

    def _limit(self, gap: str, reason: str, resource: str | None) -> _Draft:
        found = self.elements.find(gap)
        asked = found.entry
        assert isinstance(asked, Quantity) and found.kind in ("ULN", "LLN")
        draft = self._draft(gap, asked, reason, resource, ())
        draft.element = f"{gap}:{resource}" if resource else gap
        draft.label = f"{ENDS[found.kind]} limit of normal of {draft.label}"
        draft.reasons = {_words(reason): {_OWN: None}}
        draft.says, draft.entry = wanted(asked, (), self.vocabulary, resource), None
        return draft

    def _intents(self, gap: str, reason: str, resource: str | None) -> Iterator[_Draft]:
        """The medication records without an intent that are of the class of the one named."""
        classes = {fact.entry for fact in self.record.facts if fact.resource == resource}
        related = {name for c in classes for name in self.vocabulary.below(c)} | classes
        for fact in self.record.facts:
            if fact.entry in related and isinstance(fact.reading, Therapy):
                if fact.reading.intent is None:
                    name = fact.resource
                    draft = _Draft(f"{gap}:{name}", f"intent of {name}", None)
                    draft.says, draft.reasons = " or ".join(INTENTS), {_words(reason): {_OWN: None}}
                    yield draft

    def _evidence(self, gap: str, reason: str) -> Iterator[_Draft]:
        """What confirms a condition: of the kinds that are recorded, else of the condition."""
        for finding, element in self.read.items():
            if finding.kind != "evidence" or element != gap:
                continue
            for name in self._recorded_with(finding):
                entry = self.entries[name]
                draft = self._draft(entry.name, entry, reason, None, [finding])
                draft.element = entry.name
                draft.reasons = {_words(reason): {gap: None}}
                yield draft

    def _recorded_with(self, finding: Finding) -> list[str]:
        """The kinds of the condition that the record states and the evidence can confirm, the
        narrowest of them; the condition itself where there is none."""
        kinds = self.vocabulary.below(finding.entry)
        stated = {
            fact.entry
            for fact in self.record.facts
            if isinstance(fact.reading, ConditionStated) and fact.reading.state != "absent"
        }
        found = [
            name
            for name in kinds
            if name in stated and finding.detail in getattr(self.entries[name], "evidence", ())
        ]
        wider = {above for name in found for above in self.vocabulary.above(name)}
        return [name for name in found if name not in wider] or [finding.entry]

    # ---- entries

    def _asked(self, gap: str) -> list[Entry]:
        """The entries whose facts can close a gap, but for what confirms them."""
        own = self.elements.entries_of(gap)
        if own:
            return own
        names = self.elements.composed.get(gap, ())
        return [self.entries[name] for name in names if not self._only_confirmed(name, gap)]

    def _only_confirmed(self, name: str, gap: str) -> bool:
        entry = self.entries[name]
        kinds = {f.kind for f in self._readers(entry)}
        return not kinds and any(
            f.kind == "evidence" and f.entry == name and element == gap
            for f, element in self.read.items()
        )

    def _readers(self, entry: Entry) -> list[Finding]:
        """The findings of the criterion that read an entry, but for what confirms it."""
        found = readers_of(self.read, entry, self.vocabulary)
        return [f for f in found if f.kind != "evidence"]

    def _entry(self, gap: str, entry: Entry, reason: str, resource: str | None) -> Iterator[_Draft]:
        readers = self._readers(entry)
        about = [resource] if resource is not None and self._says(resource, entry) else []
        if reason == "conflicting" and not isinstance(entry, PatientField):
            # A newer fact decides, unless none can be.
            about = self._of_today(entry)
        if isinstance(entry, Qualifier):
            about = [resource] if resource is not None else []
        elif reason not in ("unreadable", "imprecise", "conflicting"):
            about = []
        for name in about:
            draft = self._draft(gap, entry, reason, name, readers)
            draft.more = "; the same for each of them" if len(about) > 1 else ""
            yield draft
        if about or isinstance(entry, Qualifier):
            return
        if isinstance(entry, History):
            yield from self._medications(gap, entry, reason)
            if reason == "ordered":
                return
        draft = self._draft(gap, entry, reason, None, readers)
        if reason == "conflicting":
            draft.more = "; dated later than those that differ"
        yield from self._orders(gap, entry, draft)
        yield draft
        yield from self._closing(entry, reason)

    def _says(self, resource: str, entry: Entry) -> bool:
        """Whether a resource made a fact that an answer about the entry can say more of."""
        about = self.elements.read_from(entry)
        return any(f.resource == resource and f.entry in about for f in self.record.facts)

    def _of_today(self, entry: Entry) -> list[str]:
        """The resources that contradict each other on the day of judgement."""
        today = (
            fact.resource
            for fact in self.record.facts
            if fact.entry == entry.name
            and fact.date is not None
            and fact.date.first <= self.as_of <= fact.date.last
        )
        return list(dict.fromkeys(today))

    # ---- what closes

    def _closing(self, entry: Entry, reason: str) -> Iterator[_Draft]:
        """The list that says that there is no more of it."""
        closed_by = entry.closed_by if isinstance(entry, Concept | Event) else None
        if closed_by is None or reason not in ("absent", "not_closed", "stale"):
            return
        history = self.entries[closed_by]
        draft = _Draft(history.element, history.label, history)
        draft.reasons, draft.settles = {_words(reason): {_OWN: None}}, {entry.name: None}
        yield draft

    def _medications(self, gap: str, history: History, reason: str) -> Iterator[_Draft]:
        """The classes of medications of which a history that is not closed leaves open whether
        there were more."""
        for finding in self.read:
            entry = self.entries.get(finding.entry)
            if finding.kind not in ("lines", "unrecorded") or not isinstance(entry, Concept):
                continue
            if entry.closed_by != history.name or not self._may_be_more(entry, reason):
                continue
            draft = self._draft(entry.element, entry, reason, None, self._readers(entry))
            draft.element = entry.name
            draft.reasons = {_words(reason): {gap: None}}
            yield from self._orders(entry.element, entry, draft)
            yield draft

    def _may_be_more(self, entry: Concept, reason: str) -> bool:
        """Whether nobody says that there was none, or no more, of a class."""
        below = self.vocabulary.below(entry.name)
        if any(fact.entry in below for fact in self.orders):
            return True
        names = {entry.name, *self.vocabulary.above(entry.name)}
        said = [f for f in self.record.facts if f.entry in names and isinstance(f.reading, Closed)]
        return reason != "ordered" and not said

    def _orders(self, gap: str, entry: Entry, draft: _Draft) -> Iterator[_Draft]:
        """The one order that leaves open whether a medication was taken; several are counted in
        the label of the class, which answers all of them. What is no order is asked for itself."""
        below = self.vocabulary.below(entry.name) if isinstance(entry, Concept) else ()
        orders = [fact for fact in self.orders if fact.entry in below]
        known = [f for f in orders if isinstance(f.reading, Ordered) and f.reading.known]
        if len(known) > 1:
            draft.label = f"{draft.label}, {len(known)} orders"
        for fact in orders:
            if fact not in known or len(known) == 1:
                medication = self.entries[fact.entry]
                found = self._draft(gap, medication, "ordered", fact.resource, ())
                found.element = f"{medication.name}:{fact.resource}"
                yield found


def _words(reason: str) -> str:
    """Why something is open, in words."""
    return "only ordered" if reason == "ordered" else reason.replace("_", " ")
