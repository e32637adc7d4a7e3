"""The codes and units that records hold, counted resource by resource: those of wanted entries,
known look-alikes, and those that the knowledge base does not know.

Only counts and a few examples are kept, never resources.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from protocol_logic.answering.fit.counts import Bounded, Tally
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.records.codings import Codings, Key, entries_of, keys_of
from protocol_logic.records.facts import Fact, Measured, Stated
from protocol_logic.records.fhir import Met
from protocol_logic.records.item import display, objects_in, text_in
from protocol_logic.records.json_text import Number, Object
from protocol_logic.records.quantities import recorded
from protocol_logic.records.resources import MEDICATION, ROWS
from protocol_logic.records.terminologies import why_unusable

MOST_CODES = 10_000
"""So many unknown codes are told apart; of more, those of the smallest hashes."""
_LONGEST = 200
_MEDICATIONS = frozenset(kind for kind, row in ROWS.items() if row.code == MEDICATION)


class Coded(NamedTuple):
    """A code as a record has it. `family`: the resource type that it stands in, `Medication` for
    all that hold medications. Without a code, `code` is empty and `text` is what stands there."""

    family: str
    system: str
    code: str
    text: str = ""


class Unit(NamedTuple):
    """A unit as a record has it; `ucum`: it stands as a code, not only as text."""

    text: str
    ucum: bool


class Answer(NamedTuple):
    """A value as a record has it; `system` and `code` where it is coded."""

    system: str
    code: str
    text: str


@dataclass(slots=True)
class Seen:
    """What was met under one code. `patients` counts each patient once; `parts` are the resources
    of which it is a component."""

    resources: int = 0
    patients: int = 0
    parts: int = 0
    types: Counter[str] = field(default_factory=Counter)
    names: Tally[str] = field(default_factory=lambda: Tally(6))
    units: Tally[Unit] = field(default_factory=lambda: Tally(8))
    kinds: Counter[str] = field(default_factory=Counter)
    """Kinds of value: `Quantity`, `CodeableConcept`, ..., and `none`."""
    values: Tally[str] = field(default_factory=lambda: Tally(3))
    answers: Tally[Answer] = field(default_factory=lambda: Tally(12))
    last: int = 0


@dataclass(slots=True)
class Holding:
    """What was met of one wanted entry and its kinds, in resources that made facts of them."""

    types: Counter[str] = field(default_factory=Counter)
    codes: Bounded[Key, Tally[str]] = field(default_factory=lambda: Bounded(200, lambda: Tally(3)))
    units: Tally[Unit] = field(default_factory=lambda: Tally(20))
    unread: Tally[Answer] = field(default_factory=lambda: Tally(50))
    """Values that cannot be read."""


class _Part(NamedTuple):
    """A resource or one of its components, and the entries that it speaks of."""

    json: Object
    entries: tuple[voc.Named, ...]
    component: bool


class Codes:
    """Counts codes. For each record: `meet` for each of its resources, if they are at hand, then
    `close` with its facts."""

    def __init__(self, codings: Codings, wanted: Mapping[str, Sequence[str]]) -> None:
        """`wanted`: entry -> it and its kinds."""
        self._codings = codings
        self.held: dict[str, Holding] = {name: Holding() for name in wanted}
        self._wanted: dict[str, list[str]] = {}
        """Entry -> the wanted ones for which what is recorded of it counts."""
        for name, kinds in wanted.items():
            for kind in kinds:
                self._wanted.setdefault(kind, []).append(name)
        self.unmapped: Bounded[Coded, Seen] = Bounded(MOST_CODES, Seen)
        self.unmapped_resources = 0
        self.unused: Bounded[Coded, Seen] = Bounded(MOST_CODES, Seen)
        """Codes of results that only entries have which are not wanted."""
        self.read_by: dict[Key, tuple[str, ...]] = {}
        """Such a code -> those entries."""
        self.look_alikes: dict[tuple[str, Key], Seen] = {}
        self.silent: list[tuple[str, str]] = []
        """(entry, resource) of the record's resources that made no fact of what they speak of."""
        self._patient = 1
        self._met = False

    def close(self, facts: Iterable[Fact]) -> None:
        """The record ends. Facts of which no resource was met are counted as they stand."""
        if not self._met:
            counted: set[tuple[str, str]] = set()
            for fact in facts:
                self._fact(fact, counted)
        self._patient += 1
        self._met = False
        self.silent.clear()

    def meet(self, met: Met) -> None:
        """Count one resource of the record that is being read."""
        self._met = True
        row = ROWS.get(met.kind)
        if row is None or _is_contained(met):
            return
        made: dict[str, list[Fact]] = {}
        for fact in met.facts:
            made.setdefault(fact.entry, []).append(fact)
        for part in self._parts(met):
            stated: dict[str, list[voc.Named]] = {}
            for entry in part.entries:
                wanted = self._wanted.get(entry.name, ())
                if entry.name in made:
                    for name in wanted:
                        stated.setdefault(name, []).append(entry)
                elif wanted and met.outcome != "irrelevant":
                    self.silent.append((entry.name, met.name))
            for name, entries in stated.items():
                facts = [fact for entry in entries for fact in made[entry.name]]
                self._held(self.held[name], met, part.json, facts, entries)
            for entry in part.entries:
                made.pop(entry.name, None)
            if not part.entries and row.code is not None:
                self._unmapped(met, part, "code" if part.component else row.code)
            elif met.kind == "Observation" and self._wanted.keys().isdisjoint(
                entry.name for entry in part.entries
            ):
                self._unused(met, part)

    def _parts(self, met: Met) -> Iterator[_Part]:
        own = tuple(ROWS[met.kind].find(met.json, self._codings))
        yield _Part(met.json, own, False)
        if met.kind != "Observation" or "component" not in met.json:
            return
        axes = {c.key for e in own if isinstance(e, voc.Lesion) for a in e.axes.values() for c in a}
        for component in objects_in(met.json, "component"):
            entries = entries_of(component.get("code"), self._codings.observations)
            found = tuple(e for e in entries if not isinstance(e, voc.Lesion))
            if not axes.intersection(keys_of(component.get("code"))):
                yield _Part(component, found, True)

    # ---- wanted entries --------------------------------------------------------------------------

    def _held(
        self,
        held: Holding,
        met: Met,
        json: Object,
        facts: Sequence[Fact],
        entries: Sequence[voc.Named],
    ) -> None:
        held.types[met.kind] += 1
        path = ROWS[met.kind].code if json is met.json else "code"
        known = {code.key for entry in entries for code in _codes(entry)}
        for coding in _codings(json.get(path)) if path is not None else ():
            key = (text_in(coding, "system") or "", text_in(coding, "code") or "")
            tally = held.codes.at(key) if key in known else None
            if tally is not None:
                tally.add(_cut(text_in(coding, "display") or ""))
        components = objects_in(json, "component") if any(map(_is_lesion, entries)) else ()
        for part in (json, *components):
            unit = _unit(part)
            if unit is not None:
                held.units.add(unit)
        for fact in facts:
            if _unread(fact):
                for answer in _answers(json) or [Answer("", "", _cut(fact.recorded))]:
                    held.unread.add(answer)

    def _fact(self, fact: Fact, counted: set[tuple[str, str]]) -> None:
        """Count a fact for each wanted entry of which it speaks, its resource once."""
        for name in self._wanted.get(fact.entry, ()):
            if (name, fact.resource) not in counted:
                counted.add((name, fact.resource))
                self.held[name].types[_kind(fact.resource)] += 1
            self._values(self.held[name], fact)

    def _values(self, held: Holding, fact: Fact) -> None:
        if isinstance(fact.reading, Measured):
            # As `records/quantities.py` writes it: a comparator, the number, the unit.
            words = fact.recorded.split()
            unit = " ".join(words[2 if words and words[0][0] in "<>" else 1 :])
            if unit:
                held.units.add(Unit(_cut(unit), True))
        if _unread(fact):
            held.unread.add(Answer("", "", _cut(fact.recorded)))

    # ---- codes that no entry has -----------------------------------------------------------------

    def _unmapped(self, met: Met, part: _Part, path: str) -> None:
        concept = part.json.get(path)
        alike = False
        for key in dict.fromkeys(keys_of(concept)):
            for entry, _ in self._codings.unlike.get(key, ()):
                seen = self.look_alikes.setdefault((entry.name, key), Seen())
                self._count(seen, met, part, _name(concept, key))
                alike = True
        if alike:
            return
        self.unmapped_resources += 1
        coded = self._coded(met.kind, concept)
        found = self.unmapped.at(coded) if coded is not None else None
        if coded is not None and found is not None:
            self._count(found, met, part, _name(concept, (coded.system, coded.code)))

    def _unused(self, met: Met, part: _Part) -> None:
        """Count a result under the first code by which the entries that are not wanted have it."""
        concept = part.json.get("code")
        for key in keys_of(concept):
            read_by = [(e.name, c) for e in part.entries for c in _codes(e) if c.key == key]
            if not read_by:
                continue
            found = self.unused.at(Coded(met.kind, *key, read_by[0][1].display))
            if found is not None:
                self.read_by[key] = tuple(dict.fromkeys(name for name, _ in read_by))
                self._count(found, met, part, _name(concept, key))
            return

    def _coded(self, kind: str, concept: object) -> Coded | None:
        """The code that a concept is known by: its first that can be one, else its first."""
        family = "Medication" if kind in _MEDICATIONS else kind
        codings = [c for c in _codings(concept) if text_in(c, "code")]
        for coding in codings:
            system, code = text_in(coding, "system"), text_in(coding, "code")
            if why_unusable(system, code, self._codings.systems) is None:
                return Coded(family, _cut(system or ""), _cut(code or ""))
        if codings:
            system, code = text_in(codings[0], "system"), text_in(codings[0], "code")
            return Coded(family, _cut(system or ""), _cut(code or ""))
        text = text_in(concept, "text") if isinstance(concept, dict) else None
        return Coded(family, "", "", _cut(text)) if text else None

    def _count(self, seen: Seen, met: Met, part: _Part, names: Iterable[str]) -> None:
        seen.resources += 1
        seen.patients += seen.last != self._patient
        seen.last = self._patient
        seen.parts += part.component
        seen.types[met.kind] += 1
        for name in names:
            seen.names.add(_cut(name))
        if met.kind != "Observation":
            return
        unit = _unit(part.json)
        if unit is not None:
            seen.units.add(unit)
        kinds = [key for key in part.json if key.startswith("value") and part.json[key] is not None]
        seen.kinds[kinds[0].removeprefix("value") if kinds else "none"] += 1
        for key in kinds[:1]:
            text = _value(part.json[key])
            if text:
                seen.values.add(_cut(text))
        for answer in _answers(part.json):
            seen.answers.add(answer)


def _kind(resource: str) -> str:
    """The type of `Type/id`, or the file of a row of a table, `lab.csv:7`."""
    kind, slash, _ = resource.partition("/")
    return kind if slash else resource.rpartition(":")[0]


def _is_contained(met: Met) -> bool:
    """Whether a resource stands in another: `Type/id#local` (`Type/#3` is one without an id)."""
    return "#" in met.name.partition("/")[2][1:]


def _is_lesion(entry: voc.Named) -> bool:
    return isinstance(entry, voc.Lesion)


def _codes(entry: voc.Named) -> tuple[voc.Code, ...]:
    """The codes by which an entry is found."""
    if isinstance(entry, voc.Consent):
        return (entry.scope,)
    codes: tuple[voc.Code, ...] = getattr(entry, "codes", ())
    attested = entry.attested if isinstance(entry, voc.Quantity) else ()
    past: tuple[voc.Code, ...] = getattr(entry, "past", ())
    return (*codes, *past, *(voc.Code(*key) for key in attested))


def _codings(concept: object) -> list[Object]:
    """The codings of one CodeableConcept or of a list of them."""
    concepts = concept if isinstance(concept, list) else [concept]
    return [c for each in concepts if isinstance(each, dict) for c in objects_in(each, "coding")]


def _name(concept: object, key: Key) -> Iterator[str]:
    """What a concept is called where it has this code: the display of the code, and its text."""
    names = [
        text_in(coding, "display")
        for coding in _codings(concept)
        if (text_in(coding, "system") or "", text_in(coding, "code") or "") == key
    ]
    if isinstance(concept, dict):
        names.append(text_in(concept, "text"))
    yield from dict.fromkeys(name for name in names if name)


def _unit(json: Object) -> Unit | None:
    """The unit of a valueQuantity."""
    quantity = json.get("valueQuantity")
    if not isinstance(quantity, dict):
        return None
    code, text = text_in(quantity, "code"), text_in(quantity, "unit")
    return Unit(_cut(code or text or ""), code is not None)


def _answers(json: Object) -> list[Answer]:
    """The coded answers of an Observation or component."""
    return [
        Answer(
            _cut(text_in(coding, "system") or ""),
            _cut(text_in(coding, "code") or ""),
            _cut(text_in(coding, "display") or ""),
        )
        for coding in _codings(json.get("valueCodeableConcept"))
    ]


def _value(content: object) -> str:
    if isinstance(content, dict):
        return recorded(content) if "value" in content else display(content)
    if isinstance(content, bool):
        return "true" if content else "false"
    if isinstance(content, Number):
        return content.text
    return content if isinstance(content, str) else ""


def _unread(fact: Fact) -> bool:
    reading = fact.reading
    if isinstance(reading, Measured):
        return reading.value is None
    return isinstance(reading, Stated) and reading.values is None


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
