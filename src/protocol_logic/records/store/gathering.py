"""From what is kept of a patient to the record that the source would give for one protocol."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.knowledge.vocabulary import Lesion
from protocol_logic.records import lists, stages
from protocol_logic.records.codings import Codings, entries_of
from protocol_logic.records.entries import NO_RESOURCE, TURNS
from protocol_logic.records.facts import (
    Account,
    Closed,
    ConditionStated,
    Done,
    Fact,
    Mentioned,
    PatientRecord,
    Qualifiers,
    Unlisted,
    Unread,
    place,
)
from protocol_logic.records.item import objects_in
from protocol_logic.records.json_text import Object
from protocol_logic.records.mentioned import mentions, named_in
from protocol_logic.records.resources import ROWS
from protocol_logic.records.several import Called, names_of
from protocol_logic.records.store.kept import Kept, KeptPatient, KeptProblem
from protocol_logic.records.unknown_codes import (
    is_read_elsewhere,
    look_alikes,
    named_beside,
    noted_problems,
    why_beside,
    why_unmapped,
)
from protocol_logic.records.unread import Alike, alike, taken_otherwise


class Said(NamedTuple):
    """What code elements stand for under a protocol.

    `parts`: (part, number of an entry) pairs that are found; `found`: whether any is, but for the
    stages of a Condition. Where there are none: `unlike`,
    (kind or nothing, why) of those for which a code may be taken; `unmapped`, why no code can be
    known. `concept`: the kind of concept that is stated, with its `names` and the `entries` that
    have its codes; it `stands` in the knowledge base where it does by each name.
    `known`: whether a resource of a type that is not read has a code of some entry. `closes`: read
    with lists. `beside`: conditions that it names where it is not read for any, with the code.
    `alike`: results that do not count, and are of entries or resemble them. `mentions`: entries
    that it names where it is not read for them. `items`: what a list holds of which nothing is
    known; it closes `closing`, kinds of concepts.
    """

    parts: frozenset[tuple[int, int]]
    found: bool = False
    unlike: tuple[tuple[str, str], ...] = ()
    unmapped: str | None = None
    concept: str | None = None
    entries: tuple[str, ...] = ()
    stands: bool = False
    names: tuple[Called, ...] = ()
    known: bool = False
    closes: bool = False
    beside: tuple[tuple[str, str], ...] = ()
    alike: tuple[Alike, ...] = ()
    mentions: tuple[str, ...] = ()
    items: tuple[tuple[str, str], ...] = ()
    closing: frozenset[str] = frozenset()


_NOTHING = Said(frozenset())


@dataclass(slots=True)
class Chosen:
    """The entries of a protocol among those of a store: name -> number, and its codings."""

    codings: Codings
    numbers: Mapping[str, int]
    of_tables: Mapping[int, str] = field(default_factory=dict)
    """Number -> name of all that the protocol can refer to, which tables are read for."""
    names: Mapping[int, str] = field(init=False)
    _qualifiers: dict[int, int] = field(init=False)
    _said: dict[tuple[str | None, str], Said] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.names = {number: name for name, number in self.numbers.items()}
        listed = [q.name for group in self.codings.qualifiers.values() for q in group]
        self._qualifiers = {self.numbers[name]: n for n, name in enumerate(listed)}

    def said(self, kind: str | None, about: Object | None, text: str | None = None) -> Said:
        """What code elements stand for; `text`: the same as text, where it is at hand."""
        if about is None and text is None:
            return _NOTHING
        key = (kind, json.dumps(about, default=str) if text is None else text)
        found = self._said.get(key)
        if found is None:
            elements = about if about is not None else json.loads(key[1])
            found = self._said[key] = self._of(kind, elements)
        return found

    def _of(self, kind: str | None, about: Object) -> Said:
        codings = self.codings
        if kind is None:
            known = is_read_elsewhere(about, codings)
            return Said(frozenset(), known=known, mentions=mentions("", named_in(about), codings))
        row, numbers = ROWS[kind], self.numbers
        whole = [entry.name for entry in row.find(about, codings)]
        not_of = taken_otherwise(about, about, codings) if kind == "Observation" else ()
        parts = {(0, numbers[name]) for name in whole if name not in not_of}
        for number, component in enumerate(objects_in(about, "component"), 1):
            not_of = taken_otherwise(about, component, codings)
            for entry in entries_of(component.get("code"), codings.observations):
                is_its = entry.name not in whole and entry.name not in not_of
                if is_its and not isinstance(entry, Lesion):
                    parts.add((number, numbers[entry.name]))
        elements = {**about, "resourceType": kind}
        found = bool(parts)
        if kind == "Condition":
            staged = stages.statuses_in(about, codings)
            parts.update((number, numbers[entry.name]) for _, number, entry in staged)
        items = tuple((name, target) for name, target in about.get("items", ()))
        closing = frozenset(k for name in whole if items for k in codings.closed.get(name, ()))
        beside = named_beside(elements, codings)
        its = mentions(kind, named_in(about), codings, [self.names[number] for _, number in parts])
        closes = kind == "AllergyIntolerance" and bool(entries_of(about.get("code"), codings.lists))
        if row.code is None or not (found or row.asked(codings)):
            return Said(frozenset(parts), found, closes=closes, beside=beside, mentions=its)
        results = tuple(alike(about.get("results", ()), codings))
        coded, concept = about.get(row.code), row.concept
        names = names_of(coded, concept, codings) if concept is not None else ()
        entries = entries_of(coded, codings.named[concept]) if concept is not None else ()
        said = Said(
            frozenset(parts),
            found,
            concept=concept,
            entries=tuple(entry.name for entry in entries),
            stands=all(each.known for each in names),
            names=names,
            closes=closes,
            beside=beside,
            alike=results,
            mentions=its,
            items=items,
            closing=closing,
        )
        if found:
            return said
        unlike = tuple(look_alikes(elements, row, codings))
        return said._replace(unlike=unlike, unmapped=why_unmapped(about, row.code, codings.systems))

    def keeps_open(self, kind: str | None, text: str) -> frozenset[str]:
        """The kinds of concept of which what has these code elements may be anything, whatever
        else is said of it: `record` notes it of at most these."""
        said = self.said(kind, None, text)
        kinds = {found for found, _ in said.unlike if found and not _is_known(said, found)}
        kinds |= said.closing
        if said.concept is not None and (said.unmapped or not said.stands):
            kinds.add(said.concept)
        return frozenset(kinds)

    def qualifiers(self, found: Qualifiers) -> Qualifiers:
        """Those that the protocol asks for, in its order; they come by number."""
        its = sorted(
            (self._qualifiers[int(number)], self.names[int(number)], values)
            for number, values in found
            if int(number) in self._qualifiers
        )
        return tuple((name, values) for _, name, values in its)

    def tells(self, problem: KeptProblem, read: bool, its: bool, known: bool) -> bool:
        """Whether a problem of a resource is told: `read`: some entry of the resource is found,
        `its`: that under which the problem arises; `known`: a code of what is not read is known."""
        match problem.scope:
            case "always":
                return True
            case "read":
                return read
            case "entry":
                return its and self.arises(problem)
            case "known":
                return known

    def arises(self, problem: KeptProblem) -> bool:
        """Whether a problem arises as far as it has to do with qualifiers."""
        if not problem.of:
            return True
        asked = any(number in self._qualifiers for number in problem.of)
        return asked and (not problem.keys or self.codings.qualifying.isdisjoint(problem.keys))


def gather(kept: KeptPatient, chosen: Chosen) -> PatientRecord:
    """The record of a patient for a protocol."""
    return _Gathering(kept, chosen).record()


class _Gathering:
    """The record of one patient while it is made; its steps are those of `fhir.Reader`."""

    def __init__(self, kept: KeptPatient, chosen: Chosen) -> None:
        self.kept = kept
        self.chosen = chosen
        self.facts: list[Fact] = []
        self.problems: list[Problem] = []
        self.names = chosen.of_tables if kept.index_source == "index" else chosen.names
        self.counts: dict[str, list[int]] = {}
        self.noted: dict[tuple[str, str, str], list[str]] = {}
        self.referenced: set[str] = set()
        self.unclear: dict[str, str] = {}
        self.stated: list[Unlisted] = []
        self.unread: list[Unread] = []
        self.mentioned: list[Mentioned] = []

    def record(self) -> PatientRecord:
        kept, source = self.kept, self.kept.source
        for kind, number in kept.counted.items():
            self._count(kind)[1] += number
        if kept.nothing:
            self._count(NO_RESOURCE)[2] += kept.nothing
        of_whole = [problem.problem(None, source) for problem in kept.problems]
        found = [(self.chosen.said(each.kind, each.about, each.text), each) for each in kept.kept]
        for said, each in sorted(found, key=_turn):
            made, told = len(self.facts), len(self.problems)
            noted = self._resource(each, said)
            counts = self._count(each.type)
            if len(self.facts) > made or each.name in self.referenced:
                counts[0] += 1
            elif noted or len(self.problems) > told:
                counts[2] += 1
            else:
                counts[1] += 1
        problems = [*of_whole, *self.problems, *noted_problems(self.noted, source)]
        return PatientRecord(
            patient=kept.patient,
            source=source,
            index_date=kept.index_date,
            index_source=kept.index_source,
            facts=tuple(sorted(self.facts, key=place)),
            problems=tuple(Problems(problems).sorted()),
            accounting=tuple(Account(kind, *n) for kind, n in sorted(self.counts.items())),
            unclear=frozenset(self.unclear),
            unlisted=tuple(sorted(self.stated)),
            unread=tuple(sorted(self.unread)),
            mentioned=tuple(sorted(self.mentioned)),
        )

    def _count(self, kind: str) -> list[int]:
        """How many resources of a type made facts, are irrelevant, and only problems."""
        return self.counts.setdefault(kind, [0, 0, 0])

    def _resource(self, kept: Kept, said: Said) -> bool:
        """Take what one resource says; whether it was noted for its code."""
        made, source = len(self.facts), self.kept.source
        numbers, parts, free = self.names, said.parts, kept.kind is None
        read = said.found
        if free:
            asked = [*(f.entry for f in kept.facts), *(p.entry for p in kept.problems)]
            read = any(entry in numbers for entry in asked)
        for problem in kept.problems:
            its = problem.entry in numbers if free else (problem.part, problem.entry) in parts
            known = said.known and kept.name not in self.referenced
            if self.chosen.tells(problem, read, its, known):
                self.problems.append(problem.problem(kept.name, source))
        if kept.stopped:
            return False
        for each in said.alike:
            day = each.day or kept.day
            found = Unread(kept.name, each.code, each.name, day, each.entries, each.why)
            self.unread.append(found._replace(unusable=each.unusable))
        # Rows of tables name entries where they are read, and nowhere else.
        beside = self.kept.index_source != "index"
        if beside and not (free and kept.name in self.referenced):
            for named in said.mentions:
                self.mentioned.append(Mentioned(named, kept.name, kept.day))
        if said.found and said.concept is not None and (kept.stated or kept.status):
            self._note(kept, said, said.concept)
        for entry, fact, part, sure in kept.facts:
            if entry in numbers if free else (part, entry) in parts:
                self._fact(kept, entry, fact, sure)
        if said.items:
            self.stated += lists.as_stated(
                said.items, self.facts[made:], self.chosen.codings, kept.name, kept.day
            )
        if kept.type == "AllergyIntolerance" and kept.stated:
            stated = {fact.entry for fact in self.facts[made:]}
            for name in sorted({numbers[entry] for _, entry in parts} - stated):
                if name not in self.chosen.codings.closed:
                    self.mentioned.append(Mentioned(name, kept.name, kept.day))
        if kept.via is not None and len(self.facts) > made:
            self.referenced.add(kept.via)
        noted = not read and not free and self._unknown(kept, said)
        why = why_beside(kept.type, said.beside, self.facts) if len(self.facts) == made else None
        if why is not None:
            self.noted.setdefault((kept.type, "not-read", why), []).append(kept.name)
        return noted or why is not None

    def _fact(self, kept: Kept, entry: int, fact: Fact, sure: bool) -> None:
        reading, name = fact.reading, self.names[entry]
        if isinstance(reading, Closed) and reading.listed:
            open_ = lists.why_open(name, self.chosen.codings, self.unclear)
            if open_ is not None:
                message, hint = open_
                self.problems.append(
                    Problem(
                        code="not-usable",
                        message=message,
                        hint=hint,
                        resource=kept.name,
                        file=self.kept.source,
                    )
                )
                return
            if not sure:
                return
        elif isinstance(reading, ConditionStated | Done) and reading.qualifiers:
            its = self.chosen.qualifiers(reading.qualifiers)
            fact = replace(fact, reading=replace(reading, qualifiers=its))
        self.facts.append(fact if fact.entry == name else replace(fact, entry=name))

    def _unknown(self, kept: Kept, said: Said) -> bool:
        """Note a resource by whose code no entry is found; whether it is told of."""
        for kind, why in said.unlike:
            if kind and kept.stated:
                self._note(kept, said, kind)
            self.noted.setdefault((kept.type, "look-alike", why), []).append(kept.name)
        if said.unlike:
            return True
        unmapped, concept = said.unmapped, said.concept
        if unmapped:
            self.noted.setdefault((kept.type, "unmapped-code", unmapped), []).append(kept.name)
        if concept is not None and kept.stated:
            if unmapped is None:
                self._note(kept, said, concept)
            else:
                self.unclear[concept] = min(kept.name, self.unclear.get(concept, kept.name))
        return unmapped is not None

    def _note(self, kept: Kept, said: Said, concept: str) -> None:
        own = concept == said.concept
        entries = said.entries if own else ()
        for code, name, known in said.names:
            its = Unlisted(concept, kept.name, code, name, kept.day, own and known, entries)
            self.stated.append(its._replace(status=kept.status))


def _is_known(said: Said, concept: str) -> bool:
    """Whether the knowledge base knows what something is of a kind of concept."""
    return said.stands and concept == said.concept


def _turn(found: tuple[Said, Kept]) -> int:
    """As `fhir.Reader` takes resources: lists, and what closes like them, after all others."""
    said, kept = found
    return TURNS["List"] if said.closes else TURNS.get(kept.type, 0)
