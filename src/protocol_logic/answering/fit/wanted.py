"""What a protocol wants to know of a record: the entries that its criteria reach, and parts of
their facts such as upper limits of normal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from protocol_logic.compiling import core
from protocol_logic.compiling.occurrences import INTENT
from protocol_logic.compiling.plan import Finding, Plan
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.records.elements import REFERENCE_RANGE, TREATMENT_INTENT

Part: TypeAlias = Literal[
    "", "upper limit", "lower limit", "evidence", "side", "intent", "qualifier"
]
"""What of the facts of an entry is wanted; empty: the facts themselves. In the order in which
they are told."""

TYPES: dict[str, tuple[str, ...]] = {
    "patient field": ("Patient",),
    "quantity": ("Observation",),
    "status": ("Observation",),
    "lesion": ("Observation",),
    "condition": ("Condition", "Observation"),
    "allergy": ("AllergyIntolerance",),
    "procedure": ("Procedure",),
    "medication": (
        "MedicationAdministration",
        "MedicationStatement",
        "MedicationDispense",
        "MedicationRequest",
    ),
    "event": ("Condition", "Observation"),
    "history": ("List",),
    "consent": ("Consent",),
}
"""Kind of an entry -> the resource types that can say it. Source: docs/records.md."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One thing that a protocol wants to know.

    `element`: its id as in gaps. `entry`: the entry of whose facts it is read; `part`: what of
    them, `evidence` with its name in `detail`. `criteria`: those that need it. `gaps`: the ids
    under which screening reports that it is missing.
    """

    element: str
    entry: voc.Entry
    kind: str
    label: str
    part: Part = ""
    detail: str = ""
    criteria: tuple[str, ...]
    gaps: tuple[str, ...]

    @property
    def types(self) -> tuple[str, ...]:
        """The resource types that can say it."""
        return TYPES[self.kind]


def wanted_of(protocol: core.Protocol, plan: Plan) -> tuple[Wanted, ...]:
    """All that the criteria want to know, in the order in which they first need it; the parts of
    an entry after it."""
    criteria: dict[_Key, dict[str, None]] = {}
    gaps: dict[_Key, dict[str, None]] = {}
    reader = _Reader(protocol, plan)
    for criterion, reach in plan.reach.items():
        found: list[tuple[_Key, str | None, str]] = []
        for name, element in reach.findings.items():
            finding = plan.findings[name]
            found += ((key, element, finding.element) for key in reader.of_finding(finding))
        for concept, element in reach.courses.items():
            found += ((key, element, "") for key in reader.of_courses(concept))
        for key, element, closed in found:
            criteria.setdefault(key, {})[criterion] = None
            reported = gaps.setdefault(key, {})
            reported[element or reader.element(key)] = None
            if isinstance(reader.entries[key.name], voc.History) and closed:
                # Without the list, what it would close is open.
                reported.update({reader.element(key): None, element or closed: None})
    first = {name: place for place, name in enumerate(dict.fromkeys(key.name for key in criteria))}
    parts = get_args(Part)
    return tuple(
        Wanted(
            element=reader.element(key),
            entry=reader.entries[key.name],
            kind=_kind(reader.entries[key.name]),
            label=reader.label(key),
            part=key.part,
            detail=key.detail,
            criteria=tuple(criteria[key]),
            gaps=tuple(gaps[key]),
        )
        for key in sorted(criteria, key=lambda k: (first[k.name], parts.index(k.part), k.detail))
    )


@dataclass(frozen=True, slots=True)
class _Key:
    name: str
    part: Part = ""
    detail: str = ""


class _Reader:
    def __init__(self, protocol: core.Protocol, plan: Plan) -> None:
        self.protocol = protocol
        self.plan = plan
        self.entries = protocol.vocabulary.entries

    def element(self, key: _Key) -> str:
        element = self.entries[key.name].element
        match key.part:
            case "upper limit":
                return f"{REFERENCE_RANGE['ULN']}:{element}"
            case "lower limit":
                return f"{REFERENCE_RANGE['LLN']}:{element}"
            case "evidence":
                return key.detail
            case "intent":
                return TREATMENT_INTENT
            case "qualifier":
                return self.entries[key.detail].element
            case _:
                return element

    def label(self, key: _Key) -> str:
        label = self.entries[key.name].label
        words = {
            "": label,
            "upper limit": f"upper limit of normal of {label}",
            "lower limit": f"lower limit of normal of {label}",
            "evidence": f"{label} confirmed by {key.detail}",
            "side": f"side of {label}",
            "intent": f"intent of {label}",
        }
        if key.part == "qualifier":
            return f"{self.entries[key.detail].label} of {label}"
        return words[key.part]

    def of_finding(self, finding: Finding) -> Iterator[_Key]:
        """What a finding is read from."""
        name = finding.entry
        match finding.kind:
            case "undetermined" | "todo":
                return
            case "derived":
                derived = self.protocol.derived[name]
                names = (*derived.inputs, *derived.fields, *filter(None, [derived.reported]))
                for each in names:
                    yield from self._entry(each)
            case "ratio":
                yield from self._entry(name)
                yield _Key(name, "lower limit" if finding.detail == "LLN" else "upper limit")
            case "evidence":
                yield from self._below(name)
                yield _Key(name, "evidence", finding.detail)
            case "both_sides":
                yield from self._below(name)
                yield from self._closed(name)
                yield from (_Key(each, "side") for each in self._names_below(name))
            case "lines":
                yield from self._below(name)
                yield from self._closed(name)
                if finding.detail:
                    yield from (_Key(each, "intent") for each in self._names_below(name))
            case "last" | "count" | "present_as":
                yield from self._below(name)
                yield from self._closed(name)
                yield from self._qualified(finding)
            case "presence" | "in_effect" | "in_record" if isinstance(
                self.entries[name], voc.Concept
            ):
                yield from self._below(name)
                if finding.kind != "in_record":
                    yield from self._closed(name)
            case "unrecorded":
                yield from self._entry(name)
                yield from self._closed(name)
            case _:
                yield from self._entry(name)

    def _qualified(self, finding: Finding) -> Iterator[_Key]:
        """What more of the facts the subject of an occurrence asks for."""
        assert finding.occurrence is not None
        for qualifier in finding.occurrence.subject.qualifiers:
            names = self._names_below(finding.entry)
            if qualifier.name == INTENT:
                yield from (_Key(each, "intent") for each in names)
            else:
                yield from (_Key(each, "qualifier", qualifier.name) for each in names)

    def of_courses(self, concept: str) -> Iterator[_Key]:
        """What the courses of a medication, and the events beside them, are read from."""
        yield from self._below(concept)
        if any(pattern.intent for pattern in self.plan.courses[concept].patterns):
            yield from (_Key(each, "intent") for each in self._names_below(concept))
        yield from self._closed(concept)
        for pattern in self.plan.courses[concept].patterns:
            yield from self._entry(pattern.event)
            yield from self._closed(pattern.event)

    def _entry(self, name: str) -> Iterator[_Key]:
        """An entry, or what it is read from where it has no facts of its own."""
        entry = self.entries[name]
        if isinstance(entry, voc.Age):
            yield _Key(entry.of)
            return
        if isinstance(entry, voc.Asked | voc.Timepoint):
            return  # no record holds it
        yield _Key(name)
        if isinstance(entry, voc.Lesion) and entry.counted:
            yield _Key(entry.counted)
        elif isinstance(entry, voc.Event):
            for concept in entry.concepts:
                yield from self._below(concept)
            yield from (_Key(status) for status in filter(None, [entry.status]))

    def _names_below(self, concept: str) -> Iterable[str]:
        return self.protocol.vocabulary.below(concept)

    def _below(self, concept: str) -> Iterator[_Key]:
        yield from (_Key(name) for name in self._names_below(concept))

    def _closed(self, name: str) -> Iterator[_Key]:
        entry = self.entries[name]
        if isinstance(entry, voc.Concept | voc.Event) and entry.closed_by:
            yield _Key(entry.closed_by)


def _kind(entry: voc.Entry) -> str:
    if isinstance(entry, voc.Concept):
        return entry.kind
    return "patient field" if isinstance(entry, voc.PatientField) else type(entry).__name__.lower()
