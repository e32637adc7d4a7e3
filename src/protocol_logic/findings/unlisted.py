"""What a record states beside a closed list, and is not of what the list makes absent: by codes
that no entry of the knowledge base knows, or that another entry has.

The list is taken at its word: what it closes is absent. But what nobody here knows may be just it,
and what stands elsewhere in the knowledge base may be taken for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from protocol_logic.compiling import core
from protocol_logic.compiling.plan import Plan
from protocol_logic.findings.latest import is_listed, kind_of
from protocol_logic.findings.rows import PatientFindings, concept_group
from protocol_logic.foundation.text import shown
from protocol_logic.knowledge.likeness import spoken
from protocol_logic.knowledge.vocabulary import Concept, Event, History, Vocabulary
from protocol_logic.records.facts import Closed, Fact, PatientRecord, Unlisted

MOST_NAMED = 3
_MANY = {
    "condition": "conditions",
    "procedure": "procedures",
    "medication": "medications",
    "allergy": "allergies",
}


def look_beside(
    protocol: core.Protocol, plan: Plan, record: PatientRecord, found: PatientFindings
) -> None:
    """Note for each list on whose closing a finding rests what the record states of the kinds that
    it closes, up to the as-of date: what no entry knows, and what resembles a class that the list
    makes absent; and for each criterion the latter."""
    voc = protocol.vocabulary
    found.kept_open = _kept_open(plan, voc, record, found)
    closing = _closing(voc, found)
    if not closing:
        return
    seen = [each for each in record.unlisted if each.is_seen(found.as_of)]
    kinds = {
        name: {c.kind for c in voc.of(Concept) if c.closed_by == name}
        for name in sorted(set(closing.values()))
    }
    likes: dict[tuple[str, Unlisted], str] = {}
    passed: dict[str, tuple[Unlisted, ...]] = {}
    for criterion in protocol.criteria:
        alike: dict[Unlisted, str] = {}
        for name, history in _absent(plan, voc, criterion, closing):
            said, below = spoken(voc, name), set(voc.below(name))
            for each in seen:
                if each.kind not in kinds[history]:
                    continue
                of_class = not below.isdisjoint(each.entries)
                if of_class and each.status:
                    alike.setdefault(each, name)
                elif (
                    not of_class
                    and not each.status
                    and said.resembles(each.name, each.code, each.known)
                ):
                    alike.setdefault(each, name)
                    likes.setdefault((history, each), name)
        if alike:
            passed[criterion.id] = tuple(e._replace(like=name) for e, name in alike.items())
    found.passed = passed
    beside = {}
    for name, closed in kinds.items():
        told = [
            each._replace(like=likes.get((name, each), ""))
            for each in seen
            if each.kind in closed and (each.keeps_open or (name, each) in likes)
        ]
        if told:
            beside[name] = tuple(told)
    found.beside = beside


def resembled(protocol: core.Protocol, plan: Plan) -> Callable[[Unlisted], frozenset[str]]:
    """The classes asked for of which something that a record states, by a code that an entry has,
    may be, though it is of none of their entries: beside no other can `look_beside` tell it."""
    voc = protocol.vocabulary
    asked = {*(f.entry for f in plan.findings.values()), *plan.courses} & voc.entries.keys()
    classes = [(name, spoken(voc, name), frozenset(voc.below(name))) for name in sorted(asked)]

    def of(each: Unlisted) -> frozenset[str]:
        return frozenset(
            name
            for name, said, below in classes
            if below.isdisjoint(each.entries) and said.resembles(each.name, each.code, True)
        )

    return of


def resting_on(protocol: core.Protocol, plan: Plan, name: str) -> frozenset[str]:
    """The findings and groups of courses by which a class may be absent for some criterion."""
    found: set[str] = set()
    for criterion in protocol.criteria:
        each = _classes_asked(plan, protocol.vocabulary, criterion)
        found.update(asked for asked, its in each if its == name)
    return frozenset(found)


def _closing(vocabulary: Vocabulary, found: PatientFindings) -> dict[str, str]:
    """Finding or group of courses that rests on the closing of a list -> the list."""
    return {
        name: fact.entry
        for name, facts in found.evidence.items()
        for fact in facts
        if isinstance(fact.reading, Closed)
        and isinstance(vocabulary.entries.get(fact.entry), History)
    }


def _kept_open(
    plan: Plan, vocabulary: Vocabulary, record: PatientRecord, found: PatientFindings
) -> Mapping[str, tuple[Fact, tuple[Unlisted, ...]]]:
    """The lists of the record that leave something open because of what may be anything of a kind
    that they would close, with that."""
    blamed = {o.resource for each in found.openers.values() for o in each if o.resource}
    unread = [e for e in record.unlisted if e.keeps_open and e.is_seen(found.as_of)]
    if not any(each.resource in blamed for each in unread):
        return {}
    asked = {f.entry for f in plan.findings.values()} | {*plan.courses}
    kinds: dict[str, set[str]] = {}
    for name in asked & vocabulary.entries.keys():
        entry = vocabulary.entries[name]
        if isinstance(entry, Concept | Event) and entry.closed_by is not None:
            kinds.setdefault(entry.closed_by, set()).add(kind_of(entry))
    told = {}
    for fact in record.facts:
        of_kind = tuple(each for each in unread if each.kind in kinds.get(fact.entry, ()))
        if is_listed(fact) and of_kind and fact.date and fact.date.last <= found.as_of:
            told[fact.entry] = fact, of_kind
    return dict(sorted(told.items()))


def _absent(
    plan: Plan, vocabulary: Vocabulary, criterion: core.Criterion, closing: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """The classes that a criterion asks for and a list closes, with the list; of what it asks for
    as a kind of another only that other."""
    told: dict[str, str] = {}
    for name, of in _classes_asked(plan, vocabulary, criterion):
        if name in closing:
            told.setdefault(of, closing[name])
    yield from told.items()


def _classes_asked(
    plan: Plan, vocabulary: Vocabulary, criterion: core.Criterion
) -> Iterator[tuple[str, str]]:
    """The findings and groups of courses of a criterion that ask for classes, with the class."""
    reach = plan.reach.get(criterion.id)
    if reach is None:
        return
    # A part of a plan has not all criteria, nor all findings of those it has.
    asked = {n: plan.findings[n].entry for n in reach.findings if n in plan.findings}
    asked |= {concept_group(entry): entry for entry in (*asked.values(), *reach.courses)}
    classes = {entry for entry in asked.values() if entry in vocabulary.entries}
    for name, entry in asked.items():
        if entry in classes:
            above = [each for each in vocabulary.above(entry) if each in classes]
            yield name, above[0] if above else entry


def words(unlisted: Sequence[Unlisted]) -> str:
    """How many there are, and the first few, those that resemble what is closed before the others:
    `2 medications ...: `heparin` (1659263), which resembles `anticoagulant`, ...`."""
    unknown = [each for each in unlisted if not each.known]
    known = [each for each in unlisted if each.known]
    parts = [_named(unknown, "that no entry knows")] if unknown else []
    parts += [_named(known, "that another entry knows")] if known else []
    return " and ".join(parts)


def _named(unlisted: Sequence[Unlisted], what: str) -> str:
    of_each: dict[tuple[str, str], Unlisted] = {}
    for each in sorted(unlisted, key=lambda each: (not each.like, each)):
        of_each.setdefault((each.resource, "" if each.code else each.name), each)
    kinds = sorted({each.kind for each in unlisted})
    kind = " and ".join(_MANY[kind] if len(of_each) > 1 else kind for kind in kinds)
    codes = {(each.code, each.name): each for each in reversed(of_each.values())}
    first = sorted(codes.values(), key=lambda each: (not each.like, each.name, each.code))
    named = [
        f"`{shown(each.name)}` ({', '.join(map(shown, filter(None, (each.code, each.resource))))})"
        + (f", which resembles `{each.like}`" if each.like else "")
        for each in first[:MOST_NAMED]
    ]
    if len(first) > MOST_NAMED:
        named.append(f"{len(first) - MOST_NAMED:,} more")
    return f"{len(of_each):,} {kind} {what}: {', '.join(named)}"


def said_of(name: str, resource: str, like: str, status: str | None) -> str:
    """What is passed over, in words: what resembles a class, or is of it by a status that does not
    count."""
    if status is None:
        return f"{shown(name)}, which resembles `{like}`"
    return f"{shown(name)}, `{like}` of status `{status}` ({shown(resource)})"


def passed_words(unlisted: Sequence[Unlisted]) -> list[str]:
    """What resembles a class that a list makes absent, each name once."""
    return list(
        dict.fromkeys(said_of(e.name, e.resource, e.like, e.status or None) for e in unlisted)
    )
