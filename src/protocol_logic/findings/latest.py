"""Which facts of a record count: visible on the as-of date, closed lists, and the newest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from protocol_logic.compiling.plan import Finding
from protocol_logic.compiling.windows import Window
from protocol_logic.findings.doubts import doubt_of
from protocol_logic.findings.orders import orders_of
from protocol_logic.findings.rows import Reason
from protocol_logic.knowledge.likeness import spoken
from protocol_logic.knowledge.vocabulary import Concept, Entry, Event, Vocabulary
from protocol_logic.records.facts import (
    Appointed,
    Closed,
    ConditionStated,
    Fact,
    Mentioned,
    NotTaken,
    Ordered,
    PatientRecord,
    Unlisted,
    Unread,
)
from protocol_logic.records.lists import NOT_KNOWN

State: TypeAlias = Literal["present", "absent", "unknown", "ended"]


def is_never(fact: Fact, vocabulary: Vocabulary) -> bool:
    """Whether a fact says of a concept or an event that it never was."""
    entry = vocabulary.entries.get(fact.entry)
    return isinstance(fact.reading, Closed) and isinstance(entry, Concept | Event)


class Visible:
    """The facts of a record that may count on a day, by vocabulary entry.

    A fact dated after the day is invisible; one whose partial date straddles it may count. A
    medication that was not taken is none.

    `fresh_from`: entry -> the first day whose evidence is not too old for the site; a fact of an
    earlier day is seen, but what it says does not count. `timepoints`: the days at which windows
    end that do not end on `as_of`. `since`: the first day of the window, in what `within` gives.
    `known`: what was read of other records of the same patient on the same day, by all that
    decides it. `unread`: kind of concept -> what may be anything of it, where that is known.
    """

    def __init__(
        self,
        record: PatientRecord,
        as_of: date,
        vocabulary: Vocabulary,
        fresh_from: Mapping[str, date],
        timepoints: Mapping[str, date] = MappingProxyType({}),
        known: dict[object, Any] | None = None,
        unread: Mapping[str, str] | None = None,
    ) -> None:
        self.known: dict[object, Any] = {} if known is None else known
        self.as_of = as_of
        self.vocabulary = vocabulary
        self.fresh_from = fresh_from
        self.timepoints = timepoints
        self.since = date.min
        self._within: dict[Window, Visible] = {}
        self._facts: dict[str, list[Fact]] = defaultdict(list)
        self._nevers: dict[str, list[Fact]] = defaultdict(list)
        ordered = False
        for fact in record.facts:
            if fact.date is not None and fact.date.first > as_of:
                continue
            match fact.reading:
                case NotTaken():
                    continue
                case Closed() if is_never(fact, vocabulary):
                    self._nevers[fact.entry].append(fact)
                    continue
                case Ordered():
                    ordered = True
            self._facts[fact.entry].append(fact)
        self._unclear = record.unclear
        self._unlisted = record.unlisted
        self._alike = record.unread
        self._mentioned = record.mentioned
        self.unread = _unread(record.unlisted, as_of) if unread is None else unread
        """Kind of concept -> the first resource that may be anything of it."""
        orders: list[tuple[Fact, Fact | None]] = []
        if ordered:
            each = (self._facts, self._nevers)
            facts = [fact for of in each for found in of.values() for fact in found]
            orders += orders_of(facts, as_of, vocabulary)
        self._ordered = [order for order, word in orders if word is None]
        self._answered = [(order.entry, word) for order, word in orders if word is not None]

    def of_record(self, record: PatientRecord) -> Visible:
        """The facts of another record of the same patient, on the same day."""
        unread = self.unread if record.unlisted is self._unlisted else None
        return Visible(
            record, self.as_of, self.vocabulary, self.fresh_from, self.timepoints, self.known,
            unread,
        )  # fmt: skip

    def within(self, window: Window | None) -> Visible:
        """The same record, with the facts in the window alone."""
        if window is None:
            return self
        if window not in self._within:
            end = self.day_of(window.before)
            narrowed = copy(self)
            narrowed.as_of, narrowed.since = min(end, self.as_of), window.first_day(end)
            self._within[window] = narrowed
        return self._within[window]

    def day_of(self, timepoint: str | None) -> date:
        """The day of a time point: what was said last of the patient, else that of the run.

        The day of judgement where it is None or nobody gives its day.
        """
        if timepoint is None:
            return self.as_of
        said = self.appointed(timepoint)
        if said is not None and isinstance(said.reading, Appointed):
            return said.reading.day
        return self.timepoints.get(timepoint, self.as_of)

    def appointed(self, timepoint: str) -> Fact | None:
        """What was said last of the day of a time point; its own date is exact."""
        said = self._facts.get(timepoint, ())
        return max(said, key=lambda f: f.date.first if f.date else date.min, default=None)

    def of(self, *entries: str) -> list[Fact]:
        """The visible facts of some entries, in record order."""
        facts = [fact for entry in entries for fact in self._facts.get(entry, ())]
        if self.since == date.min:
            return facts
        return [
            fact
            for fact in facts
            if fact.date is None or (fact.date.last >= self.since and fact.date.first <= self.as_of)
        ]

    def all(self) -> Iterator[Fact]:
        """All visible facts of the vocabulary, by entry."""
        return (fact for name in self.vocabulary.entries for fact in self._facts.get(name, ()))

    def below(self, concept: str) -> list[Fact]:
        """The visible facts of a concept and all that is a kind of it."""
        return self.of(*self.vocabulary.below(concept))

    def newest(self, *entries: str) -> list[Fact]:
        """The facts that may be the latest: of those of the latest day, the one of the latest
        time, where each has a time with its offset."""
        return _latest_times(self.of_latest_day(*entries))

    def newest_of(self, facts: Sequence[Fact]) -> list[Fact]:
        """Those of some visible facts that may be the latest of them."""
        return _latest_times(newest(facts, self.as_of, self.since))

    def of_latest_day(self, *entries: str) -> list[Fact]:
        """The facts that may be of the latest date: with exact dates, those of the latest day."""
        return newest(self.of(*entries), self.as_of, self.since)

    def states(self, facts: Iterable[Fact]) -> set[State]:
        """What statements about conditions say of the as-of day; that what recurs ended denies
        nothing, nor does an absence that something newer casts doubt on."""
        return {
            "ended"
            if self._denies_nothing(fact.entry, fact.reading)
            else fact.reading.state_on(self.as_of)
            for fact in facts
            if isinstance(fact.reading, ConditionStated)
        }

    def _denies_nothing(self, entry: str, said: ConditionStated) -> bool:
        if self.recurs(entry) and said.has_ended(self.as_of):
            return True
        return said.state_on(self.as_of) == "absent" and doubt_of(self, entry) is not None

    def apart(self, facts: Sequence[Fact]) -> list[list[Fact]]:
        """Statements about a condition by what they name: for each what may be the latest of it,
        which is also said by what speaks of the condition as a whole."""
        named: dict[frozenset[tuple[str, str]], ConditionStated] = {}
        facts = _of_now(list(facts))
        said = [(f, f.reading) for f in facts if isinstance(f.reading, ConditionStated)]
        for _, stated in said:
            if stated.codes:
                named.setdefault(stated.codes, stated)
        if len(named) < 2:
            return [self.newest_of(facts)]
        return [
            self.newest_of([fact for fact, stated in said if not stated.is_of_another(one)])
            for one in named.values()
        ]

    def hidden(self, facts: Sequence[Fact]) -> Iterator[tuple[list[Fact], list[Fact]]]:
        """For each thing that is named what may be the latest of it itself, and what may be of it
        where what is named in other code systems is the same, if that is something else."""
        said = [(f, f.reading) for f in _of_now(list(facts)) if type(f.reading) is ConditionStated]
        for codes in dict.fromkeys(stated.codes for _, stated in said if stated.codes):
            one = next(stated for _, stated in said if stated.codes == codes)
            may_be = self.newest_of([f for f, each in said if not each.is_of_another(one)])
            its = [f for f, each in said if not each.codes or not codes.isdisjoint(each.codes)]
            own = self.newest_of(its)
            if own != may_be:
                yield own, may_be

    def recurs(self, entry: str) -> bool:
        """Whether something comes again."""
        found = self.vocabulary.entries[entry]
        return isinstance(found, Concept) and found.recurs

    def alike(self, entry: str, unusable: bool = False) -> list[Unread]:
        """Results that nothing reads and that resemble an entry, in the window; also those of it
        that are `unusable`, where these are asked for."""
        if not self._alike:
            return []
        return [
            each
            for each in self._alike
            if entry in each.entries
            and (unusable or not each.unusable)
            and each.date.first <= self.as_of
            and each.date.last >= self.since
        ]

    def unlisted_alike(self, concept: str) -> list[Unlisted]:
        """What is stated by codes that no entry has, and resembles a concept or a kind of it."""
        found = [u for u in self._unlisted if u.keeps_open and u.is_seen(self.as_of)]
        kind = kind_of(self.vocabulary.entries[concept])
        found = [each for each in found if each.kind == kind]
        if not found:
            return []
        said = spoken(self.vocabulary, concept)
        return [each for each in found if said.resembles(each.name, each.code, False)]

    def mentioned(self, entry: str) -> list[Mentioned]:
        """Where a resource names an entry and is not read as that, in the window."""
        return [
            each
            for each in self._mentioned
            if each.entry == entry
            and each.date.first <= self.as_of
            and each.date.last >= self.since
        ]

    def may_be_none(self, facts: Sequence[Fact]) -> bool:
        """Whether all of the facts may lie after the as-of date, so that none counts."""
        return bool(facts) and not any(map(self.certain, facts))

    def can_follow(self, fact: Fact, other: Fact) -> bool:
        """Whether a newest fact may be of a later day than the other, or the other not count."""
        assert fact.date is not None and other.date is not None
        return other.date.first < min(fact.date.last, self.as_of) or not self.certain(other)

    def may_be_fresh(self, fact: Fact) -> bool:
        """Whether a fact is not too old on some day that its date allows."""
        first = self.fresh_from.get(fact.entry)
        return first is None or fact.date is None or min(fact.date.last, self.as_of) >= first

    def stale(self, facts: Sequence[Fact]) -> Fact | None:
        """One of the newest facts that is too old, or may be the newest and too old."""
        if not self.fresh_from:
            return None
        certain = [f.date.first for f in facts if f.date is not None and self.certain(f)]
        floor = max(certain, default=self.since)
        for fact in facts:
            first = self.fresh_from.get(fact.entry)
            if first is not None and fact.date is not None and max(fact.date.first, floor) < first:
                return fact
        return None

    def closed(self, entry: str, doubting: Iterable[str] = ()) -> Fact | None:
        """The list that closes an entry on the as-of date, if it is recorded and not too old, and
        nothing casts doubt on it; `doubting`: kinds of it on which nothing may be cast either."""
        names = (entry, *doubting)
        return next(
            (fact for fact in self._lists(entry, names) if self.stale([fact]) is None), None
        )

    def closing(self, finding: Finding) -> tuple[Fact, ...] | None:
        """What closes the entry of a finding: its list, or nothing where what is not recorded
        counts as absent; None where it is open."""
        asked = finding.occurrence
        others = asked.subject.others if asked is not None else ()
        left_out = {kind for other in others for kind in self.vocabulary.below(other)}
        below = self.vocabulary.below(finding.entry)
        found = self.closed(finding.entry, (kind for kind in below if kind not in left_out))
        if found is not None:
            return tuple(dict.fromkeys([found, *self.orders_answered(finding.entry)]))
        absent = finding.variant == "as_recorded" and self.unlisted(finding.entry)
        return () if absent else None

    def not_closed(self, entry: str, reason: Reason) -> tuple[Reason, str | None]:
        """Why nothing closes an entry, and the resource that is to blame: an order, which no list
        can close, or a list that is too old; else the reason given."""
        order = self.ordered(entry)
        if order is not None:
            known = isinstance(order.reading, Ordered) and order.reading.known
            return ("ordered" if known else "not_closed"), order.resource
        unread = self.unread.get(kind_of(self.vocabulary.entries[entry]))
        if unread is not None and any(map(is_listed, self._of_history(entry))):
            return "not_closed", unread
        if any(map(is_listed, self._of_history(entry))):
            doubt = self.doubt(self.vocabulary.below(entry))
            if doubt is not None:
                return "doubted", doubt
        lapsed = next(self._lists(entry), None)
        if lapsed is not None:
            return "stale", lapsed.resource
        others = (self._taken_back(fact) for fact in self._of_history(entry))
        other = next(filter(None, others), None)
        return ("not_closed", other) if other is not None else (reason, None)

    def unlisted(self, entry: str, by_list: bool = True) -> bool:
        """Whether nothing tells what else there may be of an entry: no list that would close it,
        however old, no order, nothing that casts doubt on its absence, and nothing of its kind that
        cannot be known.

        `by_list`: whether a list would tell it.
        """
        found = self.vocabulary.entries[entry]
        history = found.closed_by if isinstance(found, Concept | Event) else None
        if by_list and history is not None and self.of(history):
            return False
        if by_list and any(self._denials(entry)):
            return False
        if self.ordered(entry) is not None or kind_of(found) in self._unclear:
            return False
        return self.doubt(self.vocabulary.below(entry)) is None

    def _lists(self, entry: str, doubting: Iterable[str] = ()) -> Iterator[Fact]:
        """What closes an entry, whatever its age: lists, and that it never was. A list of the
        record closes nothing that something in it may be, or speaks for."""
        if self.ordered(entry) is None:
            unread = kind_of(self.vocabulary.entries[entry]) in self.unread
            for fact in (*self._of_history(entry), *self._denials(entry)):
                is_closed = isinstance(fact.reading, Closed) and self.certain(fact)
                if not is_closed or (unread and is_listed(fact)) or self._taken_back(fact):
                    continue
                if not is_listed(fact) or self.doubt(doubting) is None:
                    yield fact

    def _taken_back(self, fact: Fact) -> str | None:
        """The newer list of the record, if any, by which a list of it closes nothing any more: it
        is not known what it would hold, or it was taken back."""
        if not self._alike or not is_listed(fact):
            return None
        first = fact.date.first if fact.date is not None else date.min
        for each in self.alike(fact.entry, unusable=True):
            last = each.date.last
            if last > first or (last == first and each.why == NOT_KNOWN):
                return each.resource
        return None

    def doubt(self, names: Iterable[str]) -> str | None:
        """The first resource that casts doubt on the absence of some concepts."""
        return next((found for n in names if (found := doubt_of(self, n)) is not None), None)

    def was_never(self, entry: str) -> bool:
        """Whether somebody says that it, or all that it is a kind of, never was."""
        return any(self._denials(entry))

    def _of_history(self, entry: str) -> list[Fact]:
        """What is said of the list that would close an entry."""
        found = self.vocabulary.entries[entry]
        history = found.closed_by if isinstance(found, Concept | Event) else None
        return self.of(history) if history is not None else []

    def closes(self, history: str) -> bool:
        """Whether a list is recorded, and closes all that it can."""
        lists = [fact for fact in self.of(history) if self._taken_back(fact) is None]
        if not lists or not self.unread or not all(map(is_listed, lists)):
            return bool(lists)
        kinds = {kind_of(e) for e in self.vocabulary.entries.values() if _is_closed_by(e, history)}
        return kinds.isdisjoint(self.unread)

    def _denials(self, entry: str) -> Iterator[Fact]:
        """Where somebody says that it, or all that it is a kind of, never was."""
        if self._nevers:
            for name in (entry, *self.vocabulary.above(entry)):
                yield from self._nevers.get(name, ())

    def ordered(self, entry: str) -> Fact | None:
        """An order or a dispense of a medication, which may have been taken although no list or
        other record says so: then no list closes it, just what a person says of its class."""
        if not self._ordered or not isinstance(self.vocabulary.entries[entry], Concept):
            return None
        names = self.vocabulary.below(entry)
        return next((fact for fact in self._ordered if fact.entry in names), None)

    def orders_answered(self, entry: str) -> list[Fact]:
        """What people say of a class of medications by which orders of it are answered."""
        names = self.vocabulary.below(entry) if self._answered else ()
        return [word for order, word in self._answered if order in names]

    def history_of(self, concept: str) -> str:
        """The element of the list that would close a concept; its own where none can."""
        found = self.vocabulary.entries[concept]
        closed_by = found.closed_by if isinstance(found, Concept) else None
        return self.vocabulary.entries[closed_by or concept].element

    def certain(self, fact: Fact) -> bool:
        """Whether the fact counts whichever day its partial date means."""
        when = fact.date
        return when is None or (when.last <= self.as_of and when.first >= self.since)


def _unread(unlisted: Iterable[Unlisted], as_of: date) -> dict[str, str]:
    """Kind of concept -> the first of what may be anything of it, and may be of a day."""
    found: dict[str, str] = {}
    for each in unlisted:
        if each.keeps_open and each.kind not in found and each.is_seen(as_of):
            found[each.kind] = each.resource
    return found


def is_listed(fact: Fact) -> bool:
    """Whether a fact is a list of the record, which closes only what can be known of it."""
    return isinstance(fact.reading, Closed) and fact.reading.listed


def _is_closed_by(entry: Entry, history: str) -> bool:
    return isinstance(entry, Concept | Event) and entry.closed_by == history


def kind_of(entry: Entry) -> str:
    """The kind of what a record states of a concept; events are read from conditions."""
    return entry.kind if isinstance(entry, Concept) else "condition"


def newest(facts: Iterable[Fact], as_of: date, since: date = date.min) -> list[Fact]:
    """Facts of which each may be the latest one; nothing is dropped that may be."""
    facts = _of_now(list(facts))
    dated = [(fact.date, fact) for fact in facts if fact.date is not None]
    certain = [when.first for when, _ in dated if when.last <= as_of and when.first >= since]
    if not certain:
        return [fact for _, fact in dated]
    floor = max(certain)
    return [fact for when, fact in dated if when.last >= floor]


def _of_now(facts: list[Fact]) -> list[Fact]:
    """The facts without those which only say that a condition was, where others say how it is;
    that it was not says nothing."""
    said = [f for f in facts if isinstance(f.reading, ConditionStated) and f.reading.past]
    if not said:
        return facts
    now = [fact for fact in facts if fact not in said]
    return now or [
        f for f in said if isinstance(f.reading, ConditionStated) and f.reading.state != "absent"
    ]


def _latest_times(facts: list[Fact]) -> list[Fact]:
    """The facts without those that another of the same day is known to follow."""
    if len(facts) < 2:
        return facts
    times = [fact.date.instant if fact.date is not None else None for fact in facts]
    latest: dict[date, datetime] = {}
    for fact, time in zip(facts, times, strict=True):
        if time is not None and fact.date is not None:
            latest[fact.date.first] = max(time, latest.get(fact.date.first, time))
    return [
        fact
        for fact, time in zip(facts, times, strict=True)
        if time is None or fact.date is None or time == latest[fact.date.first]
    ]
