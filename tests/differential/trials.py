"""Random protocols with three patients each, as several tests judge them; the seed protocol."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from functools import cache, lru_cache
from typing import Any, Literal

from protocol_logic.compiling.policies import Policies, check_policies
from protocol_logic.foundation.interval import Interval
from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.knowledge.resources import protocol_path
from protocol_logic.knowledge.vocabulary import (
    Concept,
    Doubt,
    Entry,
    Quantity,
    Status,
    Vocabulary,
)
from protocol_logic.pipeline import Compiled, compile_source, read_records
from protocol_logic.reasoning.engine import Engine
from protocol_logic.records.facts import (
    ConditionStated,
    Done,
    Fact,
    Mentioned,
    PatientRecord,
    Stated,
    Unlisted,
    Unread,
    past,
)
from protocol_logic.records.json_text import parse
from protocol_logic.records.sources import Document
from tests.differential import bundles
from tests.differential.asked import answered
from tests.differential.protocols import (
    LIMITS,
    SITES,
    STATUSES,
    VALUES,
    random_policies,
    random_protocol,
)
from tests.differential.rough import roughened


@dataclass(frozen=True, slots=True)
class Trial:
    """A patient to judge by a protocol.

    `found`: the protocol with the days of its time points; `told`: what judges this patient, which
    for the last patient of a protocol has the policies of a site too.
    """

    text: str
    number: int
    found: Compiled
    told: Compiled
    engine: Engine
    record: PatientRecord
    as_of: date
    dates: dict[str, date]


def trials(case: int) -> Iterator[Trial]:
    """Three patients of a random protocol; all but the first have rough and blurred records."""
    text, found, site, engine, state = _made(case)
    rng = random.Random()
    rng.setstate(state)
    for number in range(3):
        bundle, as_of = bundles.random_bundle(rng, number)
        if number:
            bundle = roughened(rng, bundle)
            bundles.blur(rng, bundle)
        record = record_of(found, bundles.dumps(bundle))
        record = _of_the_past(random.Random(f"past {case} {number}"), record)
        record = _unread(random.Random(f"unread {case} {number}"), record, as_of)
        record = _alike(random.Random(f"alike {case} {number}"), record, as_of)
        record = _mentioned(random.Random(f"mentioned {case} {number}"), record, as_of)
        record = _taken_back(random.Random(f"taken back {case} {number}"), record, as_of)
        record = _said_twice(random.Random(f"twice {case} {number}"), record)
        record = answered(rng, found.protocol, record, as_of)
        shift = timedelta(days=rng.choice([-400, -20, 0, 14, 60]))
        dates = {"first_dose": as_of + shift} if found.protocol.timepoints else {}
        dated = replace(found, dates=dates)
        told = dated if number < 2 else replace(site, dates=dates)
        yield Trial(text, number, dated, told, engine, record, as_of, dates)


@lru_cache(maxsize=100)
def _made(case: int) -> tuple[str, Compiled, Compiled, Engine, Any]:
    """A random protocol, without policies and with, its engine, and the random numbers that are
    left: several tests ask for the first cases."""
    rng = random.Random(f"protocol {case}")
    text = random_protocol(rng)
    found = doubted(case, _recurring(case, compiled(text)))
    site = compiled(text, policies(random_policies(rng)))
    site = doubted(case, _recurring(case, site))
    engine = Engine(found.protocol, found.plan, found.program)
    return text, found, site, engine, rng.getstate()


def _recurring(case: int, found: Compiled) -> Compiled:
    """The protocol, now and then with conditions that come again."""
    rng = random.Random(f"recurring {case}")
    names = rng.choice([(), (), SITES, ("metastasis", *SITES), ("breast_cancer", *SITES[:2])])
    entries = {
        name: replace(entry, recurs=True) if isinstance(entry, Concept) and name in names else entry
        for name, entry in found.protocol.vocabulary.entries.items()
    }
    return replace(found, protocol=replace(found.protocol, vocabulary=Vocabulary(entries)))


def doubted(case: int, found: Compiled) -> Compiled:
    """The protocol, now and then with concepts of which something casts doubt on the absence."""
    rng = random.Random(f"doubted {case}")
    entries = dict(found.protocol.vocabulary.entries)
    asked = sorted({f.entry for f in found.plan.findings.values()} & entries.keys())
    concepts = [n for n in asked if isinstance(entries[n], Concept)]
    for name in rng.sample(concepts, k=min(rng.choice([0, 0, 2, 5]), len(concepts))):
        entry = entries[name]
        assert isinstance(entry, Concept)
        doubts = tuple(_doubt(rng, entries[rng.choice(asked)]) for _ in range(rng.choice([1, 2])))
        entries[name] = replace(entry, doubts=tuple(each for each in doubts if each is not None))
    return replace(found, protocol=replace(found.protocol, vocabulary=Vocabulary(entries)))


_WITHIN: tuple[tuple[int, Literal["days", "months"]], ...] = (
    (0, "days"),
    (30, "days"),
    (400, "days"),
    (6, "months"),
)


def _doubt(rng: random.Random, entry: Entry) -> Doubt | None:
    """A doubt by what is recorded of an entry, or by some of it."""
    within = rng.choice([None, None, None, *_WITHIN])
    some = Doubt(entry=entry.name, latest=rng.random() < 0.6, within=within)
    if isinstance(entry, Status) and rng.random() < 0.8:
        return replace(some, values=tuple(rng.sample(entry.values, k=1)))
    if isinstance(entry, Quantity) and entry.name in LIMITS and rng.random() < 0.8:
        limit = Fraction(rng.choice(LIMITS[entry.name]).split()[0])
        part = rng.choice([Interval.at_least(limit), Interval.at_most(limit)])
        return replace(some, numbers=part)
    return some if isinstance(entry, Concept | Status | Quantity) else None


def _mentioned(rng: random.Random, record: PatientRecord, as_of: date) -> PatientRecord:
    """The record, now and then with what is named in places that are not read."""
    found = []
    for number in range(rng.choice([0, 0, 0, 1, 3])):
        day = (as_of + timedelta(days=rng.choice([-900, -30, 0, 1, 45]))).isoformat()
        day = rng.choice([day, day, day[:7], ""])
        name = rng.choice([*SITES, "breast_cancer", "chemotherapy", "oophorectomy"])
        found.append(Mentioned(name, f"Mentioned/{number}", day))
    return replace(record, mentioned=tuple(sorted(found)))


def _taken_back(rng: random.Random, record: PatientRecord, as_of: date) -> PatientRecord:
    """The record, now and then with lists by which older ones close nothing, and with results that
    state conditions and cannot be used."""
    found = list(record.unread)
    for number in range(rng.choice([0, 0, 0, 1, 2])):
        day = (as_of + timedelta(days=rng.choice([-900, -30, -1, 0, 1, 45]))).isoformat()
        day = rng.choice([day, day, day[:7], ""])
        name = rng.choice(["problem_list", "medication_history", "procedure_history", *SITES])
        why = "preliminary" if name in SITES else rng.choice(["not-known", "retired"])
        found.append(Unread(f"List/back{number}", "", "", day, (name,), why, unusable=True))
    return replace(record, unread=tuple(sorted(found)))


def _of_the_past(rng: random.Random, record: PatientRecord) -> PatientRecord:
    """The record, now and then with conditions and procedures of which codes say that they were."""
    share = rng.choice([0, 0, 0.2, 0.6])
    facts = [
        past(fact)
        if isinstance(fact.reading, ConditionStated | Done) and rng.random() < share
        else fact
        for fact in record.facts
    ]
    return replace(record, facts=tuple(facts))


def _unread(rng: random.Random, record: PatientRecord, as_of: date) -> PatientRecord:
    """The record, now and then with what no entry knows, beside which no list of it closes."""
    found = list(record.unlisted)
    for number in range(rng.choice([0, 0, 0, 1, 2])):
        kind = rng.choice(["condition", "procedure", "medication", "allergy"])
        day = (as_of + timedelta(days=rng.choice([-900, -30, 0, 1, 45]))).isoformat()
        day = rng.choice([day, day, day[:7], "", "spring"])
        found.append(Unlisted(kind, f"Unread/{number}", f"{number}", "something", day))
    return replace(record, unlisted=tuple(sorted(found)))


def _alike(rng: random.Random, record: PatientRecord, as_of: date) -> PatientRecord:
    """The record, now and then with results that nothing reads and that are called as an entry."""
    found = []
    for number in range(rng.choice([0, 0, 0, 2, 6])):
        day = (as_of + timedelta(days=rng.choice([-900, -100, -10, 0, 1, 45]))).isoformat()
        day = rng.choice([day, day, day[:7], ""])
        entry = rng.choice([*STATUSES, *LIMITS])
        told = Unread(f"Alike/{number}", "", entry, day, (entry,))
        if rng.random() < 0.3:
            told = told._replace(why="preliminary", unusable=True)
        found.append(told)
    gone = {e for each in found for e in each.entries} if rng.random() < 0.7 else set()
    facts = tuple(fact for fact in record.facts if fact.entry not in gone)
    return replace(record, facts=facts, unread=tuple(found))


def _said_twice(rng: random.Random, record: PatientRecord) -> PatientRecord:
    """The record, now and then with results beside which another of the same day says otherwise."""
    share = rng.choice([0, 0, 0.2, 0.6])
    facts: list[Fact] = []
    for fact in record.facts:
        facts.append(fact)
        if fact.entry in STATUSES and isinstance(fact.reading, Stated) and rng.random() < share:
            other = Stated(frozenset({rng.choice(VALUES[fact.entry])}))
            facts.append(replace(fact, resource=f"{fact.resource}-other", reading=other))
    return replace(record, facts=tuple(facts))


def compiled(text: str, site: Policies | None = None) -> Compiled:
    problems = Problems()
    found = compile_source(Source("test", text), problems, site)
    assert found is not None, problems.items
    return found


def policies(text: str) -> Policies:
    problems = Problems()
    found = check_policies(Source("policies", text), problems)
    assert found is not None, problems.items
    return found


@cache
def seed() -> tuple[Compiled, Engine]:
    path = protocol_path("anlotinib_fulvestrant")
    assert path is not None
    found = compiled(path.read_text(encoding="utf-8"))
    return found, Engine(found.protocol, found.plan, found.program)


def record_of(found: Compiled, bundle: str) -> PatientRecord:
    content = parse(bundle.encode())
    assert isinstance(content, dict)
    document = Document("test", content)
    [record] = read_records(found, [document], Problems())
    return record
