"""What a person can say to close one gap of a criterion, each as a question in the making.

`questions.py` puts those of a patient together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date

from protocol_logic.answering.wanted import ENDS, Standing, readers_of, wanted
from protocol_logic.compiling.plan import CLOSABLE, Finding, Plan, Reach
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
    Done,
    Fact,
    Happened,
    Measured,
    Ordered,
    PatientRecord,
    Stated,
    Therapy,
)
from protocol_logic.records.values import INTENTS

_OF_RESOURCES = ("unreadable", "imprecise", "conflicting")
"""Why a gap is open, where what one resource says leaves it open."""
OWN = ""
"""Stands for the element of an entry itself among those of gaps."""


@dataclass(slots=True)
class Draft:
    """A question as it is put together from the gaps that it would close.

    `entry`: the entry that is asked for; None where it is a limit of normal or an intent. `says`:
    what a value looks like, where the entry does not say it; `more`: what else is said of it.
    `reasons`: why it is open -> the elements of the gaps, `OWN` for its own. `readers`: the
    findings that read it. `settles`: the entries whose gaps it closes because a list holds no more;
    then it is that list.
    """

    element: str
    label: str
    entry: Entry | None
    standing: Standing = field(default_factory=Standing)
    says: str = ""
    more: str = ""
    reasons: dict[str, dict[str, None]] = field(default_factory=dict)
    readers: dict[str, Finding] = field(default_factory=dict)
    sentences: dict[str, None] = field(default_factory=dict)
    settles: dict[str, None] = field(default_factory=dict)

    def merge(self, other: Draft) -> None:
        for why, elements in other.reasons.items():
            self.reasons.setdefault(why, {}).update(elements)
        self.readers |= other.readers
        self.sentences |= other.sentences
        self.settles |= other.settles
        self.more = self.more or other.more

    @property
    def is_plain(self) -> bool:
        """Whether it is open just because nothing is recorded, under its own element."""
        return self.reasons == {"absent": {OWN: None}}


class Asker:
    """Asks for what closes the gaps of one criterion."""

    def __init__(
        self, elements: Elements, plan: Plan, criterion: str, record: PatientRecord, as_of: str
    ) -> None:
        self.elements = elements
        self.vocabulary = elements.vocabulary
        self.entries = elements.vocabulary.entries
        self.record = record
        self.as_of = date.fromisoformat(as_of)
        self.seen = [f for f in record.facts if f.date is None or f.date.first <= self.as_of]
        orders = orders_of(self.seen, self.as_of, self.vocabulary)
        self.orders = [order for order, word in orders if word is None]
        reach: Reach = plan.reach[criterion]
        self.read = {
            plan.findings[name]: instead or plan.findings[name].element
            for name, instead in reach.findings.items()
        }

    def ask(self, gap: str, reason: str, resource: str | None) -> Iterator[Draft]:
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
    ) -> Draft:
        """A question for an entry, or for what one resource says of it."""
        own = self.elements.entries_of(entry.element) == [entry]
        element, label = entry.element if own else entry.name, entry.label
        if isinstance(entry, Asked):
            label = f"{label} ({entry.how})"
        if resource is not None:
            element, label = f"{element}:{resource}", f"{label}, {self._told(resource)}"
        draft = Draft(element, label, entry, self._standing(entry, resource))
        draft.reasons[_words(reason)] = {OWN if entry.element == gap else gap: None}
        draft.readers = {finding.id: finding for finding in readers}
        return draft

    def _told(self, resource: str) -> str:
        """A resource with its day."""
        dates = {f.date.text for f in self.seen if f.resource == resource and f.date is not None}
        day = dates.pop() if len(dates) == 1 else ""
        return f"{resource} of {day}" if day[:1].isdigit() else resource

    def _standing(self, entry: Entry, resource: str | None) -> Standing:
        if isinstance(entry, Concept):
            names = set(self.vocabulary.below(entry.name))
        else:
            names = {entry.name}
        return Standing(
            resource,
            recorded=any(f.entry in names and _is_stated(f) for f in self.seen),
            ordered=any(order.entry in names for order in self.orders),
        )

    # ---- limits, intents, evidence

    def _limit(self, gap: str, reason: str, resource: str | None) -> Draft:
        found = self.elements.find(gap)
        asked = found.entry
        assert isinstance(asked, Quantity) and found.kind in ("ULN", "LLN")
        draft = self._draft(gap, asked, reason, resource, ())
        draft.element = f"{gap}:{resource}" if resource else gap
        draft.label = f"{ENDS[found.kind]} limit of normal of {draft.label}"
        draft.reasons = {_words(reason): {OWN: None}}
        draft.says, draft.entry = wanted(asked, (), self.vocabulary, Standing()), None
        return draft

    def _intents(self, gap: str, reason: str, resource: str | None) -> Iterator[Draft]:
        """The medication records without an intent that are of the class of the one named."""
        classes = {fact.entry for fact in self.record.facts if fact.resource == resource}
        related = {name for c in classes for name in self.vocabulary.below(c)} | classes
        for fact in self.record.facts:
            if fact.entry in related and isinstance(fact.reading, Therapy):
                if fact.reading.intent is None:
                    name = fact.resource
                    draft = Draft(f"{gap}:{name}", f"intent of {name}", None)
                    draft.says, draft.reasons = " or ".join(INTENTS), {_words(reason): {OWN: None}}
                    yield draft

    def _evidence(self, gap: str, reason: str) -> Iterator[Draft]:
        """What confirms a condition: of the kinds that are recorded, else of the condition."""
        for finding, element in self.read.items():
            if finding.kind != "evidence" or element != gap:
                continue
            for name in self._recorded_with(finding):
                entry = self.entries[name]
                yield self._draft(gap, entry, reason, None, [finding])

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

    def _entry(self, gap: str, entry: Entry, reason: str, resource: str | None) -> Iterator[Draft]:
        readers = self._readers(entry)
        said_by = self._said_by(resource, entry) if reason in _OF_RESOURCES else None
        if said_by is not None and said_by is not entry:
            entry, readers = said_by, self._readers(said_by)
        about = [resource] if resource is not None and said_by is not None else []
        if reason == "conflicting" and not isinstance(entry, PatientField):
            # A newer fact decides, unless none can be.
            about = self._of_today(entry)
        if isinstance(entry, Qualifier):
            about = [resource] if resource is not None else []
        alike = reason == "conflicting"
        if reason == "unreadable" and about:
            about += [name for name in self._unread_beside(about[0]) if name not in about]
        for name in about:
            draft = self._draft(gap, entry, reason, name, readers)
            draft.more = "; the same for each of them" if alike and len(about) > 1 else ""
            yield draft
        if about or isinstance(entry, Qualifier):
            return
        draft = self._draft(gap, entry, reason, None, readers)
        if isinstance(entry, History):
            for medication in self._medications(gap, entry, reason):
                if medication.entry is not None and medication.standing.resource is None:
                    draft.settles[medication.entry.name] = None
                yield medication
            if reason == "ordered":
                return
        if reason == "conflicting":
            draft.more = "; dated later than those that differ"
        yield from self._orders(gap, entry, draft)
        yield draft
        yield from self._closing(entry, reason)

    def _said_by(self, resource: str | None, entry: Entry) -> Entry | None:
        """The entry of which an answer can say more of what a resource says: the one that is asked
        for, or a kind of it."""
        names = {fact.entry for fact in self.seen if fact.resource == resource}
        if not names.isdisjoint(self.elements.read_from(entry)):
            return entry
        kinds = self.vocabulary.below(entry.name) if isinstance(entry, Concept) else ()
        return next((self.entries[kind] for kind in kinds if kind in names), None)

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

    def _unread_beside(self, resource: str) -> list[str]:
        """The other results of what a resource says that cannot be read, of its day or later: each
        of them alone keeps open what is newest."""
        blamed = [f for f in self.seen if f.resource == resource and _is_unread(f)]
        return [
            fact.resource
            for fact in self.seen
            if fact.date is not None
            and _is_unread(fact)
            and any(
                fact.entry == other.entry
                and other.date is not None
                and fact.date.last >= other.date.first
                for other in blamed
            )
        ]

    # ---- what closes

    def _closing(self, entry: Entry, reason: str) -> Iterator[Draft]:
        """The list that says that there is no more of it."""
        closed_by = entry.closed_by if isinstance(entry, Concept | Event) else None
        if closed_by is None or reason not in CLOSABLE:
            return
        history = self.entries[closed_by]
        draft = Draft(history.element, history.label, history)
        draft.reasons, draft.settles = {_words(reason): {OWN: None}}, {entry.name: None}
        yield draft

    def _medications(self, gap: str, history: History, reason: str) -> Iterator[Draft]:
        """The classes of medications of which a history that is not closed leaves open whether
        there were more."""
        for finding in self.read:
            entry = self.entries.get(finding.entry)
            if finding.kind not in ("lines", "unrecorded") or not isinstance(entry, Concept):
                continue
            if entry.closed_by != history.name or not self._may_be_more(entry, reason):
                continue
            draft = self._draft(gap, entry, reason, None, self._readers(entry))
            yield from self._orders(gap, entry, draft)
            yield draft

    def _may_be_more(self, entry: Concept, reason: str) -> bool:
        """Whether nobody says that there was none, or no more, of a class."""
        below = self.vocabulary.below(entry.name)
        if any(fact.entry in below for fact in self.orders):
            return True
        names = {entry.name, *self.vocabulary.above(entry.name)}
        said = [f for f in self.record.facts if f.entry in names and isinstance(f.reading, Closed)]
        return reason != "ordered" and not said

    def _orders(self, gap: str, entry: Entry, draft: Draft) -> Iterator[Draft]:
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
                yield self._draft(gap, medication, "ordered", fact.resource, ())


def _is_stated(fact: Fact) -> bool:
    """Whether a fact says that something happened, or may have happened."""
    match fact.reading:
        case ConditionStated(state=state):
            return state != "absent"
        case Therapy() | Done() | Happened():
            return True
        case _:
            return False


def _is_unread(fact: Fact) -> bool:
    """Whether a fact has a result or a value that cannot be read."""
    match fact.reading:
        case Measured(value=None) | Stated(values=None):
            return True
        case _:
            return False


def _words(reason: str) -> str:
    """Why something is open, in words."""
    return "only ordered" if reason == "ordered" else reason.replace("_", " ")
