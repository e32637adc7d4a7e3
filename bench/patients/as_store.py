"""Records that were made up, into a store, as reading their FHIR would put them there."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.knowledge.resources import protocol_path
from protocol_logic.pipeline import Compiled, knowledge_of
from protocol_logic.records.facts import ConditionStated, Done, Fact, PatientRecord
from protocol_logic.records.json_text import Object
from protocol_logic.records.mentioned import keys_in
from protocol_logic.records.resources import ROWS
from protocol_logic.records.store.kept import Kept, KeptFact, KeptPatient, KeptProblem
from protocol_logic.records.store.knowledge import Knowledge, digest_of_entry, is_read
from protocol_logic.records.store.rows import rows_of
from protocol_logic.records.store.writing import Writer
from protocol_logic.records.unread import told

from .as_fhir import resource_of
from .drawn import Answer, Course, Operation, Order, Patient, Result, Stated, type_of


def write_store(
    path: Path, compiled: Compiled, source: Source, made: Iterable[tuple[Patient, PatientRecord]]
) -> None:
    """A store of the knowledge base and the protocol, with these patients and their records."""
    own = [] if protocol_path(source.name) is not None else [source]
    knowledge = knowledge_of(own, [], Problems())
    assert knowledge is not None
    numbers = numbers_of(compiled, knowledge)
    with Writer(path, knowledge, [(each.name, "protocol", each.text) for each in own]) as writer:
        for patient, record in made:
            writer.add(rows_of(kept_of(patient, record, numbers), writer.numbers))
        writer.finish([], whole=True)


def numbers_of(compiled: Compiled, knowledge: Knowledge) -> dict[str, int]:
    """Name of an entry of the protocol -> its number in the knowledge."""
    pairs = zip(knowledge.entries, knowledge.digests, strict=True)
    known = {(entry.name, digest): number for number, (entry, digest) in enumerate(pairs)}
    entries = compiled.protocol.vocabulary.entries
    return {
        name: known[name, digest_of_entry(entry)]
        for name, entry in entries.items()
        if is_read(entry)
    }


def kept_of(patient: Patient, record: PatientRecord, numbers: Mapping[str, int]) -> KeptPatient:
    """What is kept of a record. A resource that is about a concept is found by its code, any other
    stands for the entries of its facts."""
    kept: dict[str, Kept] = {}
    noted = {each.resource for each in record.unread}
    noted |= {each.resource for each in record.mentioned}
    for number, drawn in enumerate(patient.drawn):
        if isinstance(drawn, Stated | Course | Order | Operation):
            kind = type_of(drawn)
            each = Kept(kind, f"{kind}/{patient.id}-{number}", kind, _about(kind, drawn.code))
            kept[each.name] = each
        elif isinstance(drawn, Result | Answer):
            name = f"Observation/{patient.id}-{number}"
            if name in noted:
                about = resource_of(drawn)
                json = {"resourceType": "Observation", "status": "final"} | about
                about["results"] = list(told(json))
                about["named"] = [list(key) for key in sorted(keys_in(json))]
                kept[name] = Kept("Observation", name, "Observation", about, day=drawn.day)
    for listed in record.unlisted:
        kept[listed.resource].day = listed.day
    for fact in record.facts:
        each = kept.setdefault(fact.resource, Kept(fact.resource.partition("/")[0], fact.resource))
        each.facts.append(KeptFact(numbers[fact.entry], _by_number(fact, numbers)))
    for problem in record.problems:
        name = problem.resource or ""
        each = kept.setdefault(name, Kept(name.partition("/")[0], name))
        each.problems.append(KeptProblem("read", problem.code, problem.message, problem.hint))
    types = Counter(each.type for each in kept.values())
    totals = {account.type: account.total for account in record.accounting}
    return KeptPatient(
        record.patient,
        record.source,
        index_date=record.index_date,
        kept=list(kept.values()),
        counted={kind: n - types[kind] for kind, n in totals.items() if n > types[kind]},
        digest=hashlib.sha256(repr((record.patient, record.facts)).encode()).digest(),
    )


def _about(kind: str, key: tuple[str, str]) -> Object:
    """The code element of a resource of a type."""
    coded = {"coding": [dict(zip(("system", "code"), key, strict=True))]}
    return {ROWS[kind].code or "code": coded}


def _by_number(fact: Fact, numbers: Mapping[str, int]) -> Fact:
    """The fact with its qualifiers by number, as text."""
    reading = fact.reading
    if isinstance(reading, ConditionStated | Done) and reading.qualifiers:
        named = tuple((str(numbers[name]), values) for name, values in reading.qualifiers)
        return replace(fact, reading=replace(reading, qualifiers=named))
    return fact
