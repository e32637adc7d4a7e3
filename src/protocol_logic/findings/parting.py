"""A plan cut into parts that are read apart: what findings share, they share inside a part."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from protocol_logic.compiling import core
from protocol_logic.compiling.plan import Finding, Plan
from protocol_logic.findings.read import concept_group
from protocol_logic.findings.variants import base_of
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.records.facts import Born, Fact, Stated

_OF_INPUTS = {"value", "recorded", "in_record", "number", "ratio", "age", "derived"}


def parts_of(
    protocol: core.Protocol, plan: Plan, certain: Collection[str] = ()
) -> list[tuple[frozenset[str], Plan]]:
    """The parts, each with the names of its findings and of its courses of therapy.

    `certain`: patient fields and ages of which one value is known, which join nothing.
    """
    inputs = {("input", name) for name in certain}
    keys = {f.id: set(_keys(protocol, f)) - inputs for f in plan.findings.values()}
    keys.update({concept_group(name): {("courses", name)} for name in plan.courses})
    parts: list[tuple[set[str], set[tuple[str, str]]]] = []
    for name, own in keys.items():
        names = {name}
        for part in [part for part in parts if not part[1].isdisjoint(own)]:
            parts.remove(part)
            names |= part[0]
            own |= part[1]
        parts.append((names, own))
    found = []
    for names, _ in parts:
        findings = {name: f for name, f in plan.findings.items() if name in names}
        lines = {concept_group(f.entry) for f in findings.values() if f.kind == "lines"}
        courses = {n: c for n, c in plan.courses.items() if concept_group(n) in names}
        found.append((frozenset(names | lines), replace(plan, findings=findings, courses=courses)))
    return found


def certain_of(vocabulary: voc.Vocabulary, facts: Iterable[Fact]) -> frozenset[str]:
    """The patient fields and ages of which all facts, of no day, tell the same exact value."""
    said: dict[str, set[object]] = {}
    unsure: set[str] = set()
    for fact in facts:
        match fact.reading:
            case Stated(values=values) if fact.date is None and values and len(values) == 1:
                said.setdefault(fact.entry, set()).add(values)
            case Born(date=born) if fact.date is None and born.first == born.last:
                said.setdefault(fact.entry, set()).add(born.first)
            case _:
                unsure.add(fact.entry)
    known = {name for name, values in said.items() if len(values) == 1} - unsure
    fields = {f.name for f in vocabulary.of(voc.PatientField) if f.name in known}
    return frozenset(fields | {a.name for a in vocabulary.of(voc.Age) if a.of in known})


def _keys(protocol: core.Protocol, finding: Finding) -> Iterator[tuple[str, str]]:
    """What a finding may share with others."""
    if finding.kind == "lines":
        yield "courses", finding.entry
    elif finding.kind not in _OF_INPUTS:
        yield "base", base_of(finding)
    else:
        yield from (("input", name) for name in inputs_of(protocol, finding.entry))
        if finding.kind == "ratio":
            fields = protocol.vocabulary.of(voc.PatientField)
            yield from (("input", f.name) for f in fields if f.field == "gender")


def inputs_of(protocol: core.Protocol, name: str) -> Iterator[str]:
    """The entries that an entry is read from: its own, or those of what it is computed from."""
    derived = protocol.derived.get(name)
    if derived is None:
        yield name
        return
    for other in (*derived.inputs, *derived.fields, derived.reported):
        if other is not None:
            yield from inputs_of(protocol, other)
