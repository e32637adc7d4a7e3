"""A FHIR document to what is kept of its patient for any protocol.

Each resource is read for every entry that is known, by the same functions as for one protocol;
what they tell is kept apart by entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, NamedTuple

from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.knowledge.vocabulary import Lesion, Named, Qualifier, Quantity, Status
from protocol_logic.records import lists, stages
from protocol_logic.records.codings import Key, entries_of, is_of_the_past, keys_of
from protocol_logic.records.dates import day_of
from protocol_logic.records.entries import (
    TURNS,
    Entry,
    name_of,
    resources_of,
    subject_of,
    why_not_read,
)
from protocol_logic.records.facts import Closed, ConditionStated, Done, Fact, doubtful, past
from protocol_logic.records.fhir import Reader, index_date_of
from protocol_logic.records.item import Item, objects_in, text_in
from protocol_logic.records.json_text import Object
from protocol_logic.records.mentioned import day_of_unread, keys_in, mentions
from protocol_logic.records.references import Subject
from protocol_logic.records.resources import MEDICATION, ROWS, Row
from protocol_logic.records.sources import Document
from protocol_logic.records.statuses import (
    MODIFIERS,
    is_stated,
    unsure_status,
    why_modified,
    why_not_counted,
)
from protocol_logic.records.store.kept import Kept, KeptFact, KeptPatient, KeptProblem
from protocol_logic.records.store.knowledge import VARIANT, Knowledge, Layer
from protocol_logic.records.store.rows import about_text
from protocol_logic.records.unknown_codes import (
    BESIDE,
    first_day,
    is_read_elsewhere,
    named_beside,
    why_unmapped,
)
from protocol_logic.records.unread import TELLING, alike, taken_otherwise, told

_NO_SYSTEMS: frozenset[str] = frozenset()


def see(document: Document, knowledge: Knowledge, problems: Problems) -> KeptPatient | None:
    """What is kept of the one patient of a document; None, with an error in `problems`, where
    `read_record` gives none."""
    found: list[Problem] = []
    entries, missing = resources_of(document, found)
    subject = subject_of(document, entries, found)
    if subject is None:
        problems.extend(found)
        return None
    return _Seer(document, knowledge, entries, subject, found).see(missing)


class Coded(NamedTuple):
    """What is the same for all resources of a type that have the same code.

    `entries`: those that are found; `about`, `text`: the code elements that are kept; `told`:
    whether something may be said of the resource where no entry is found.
    """

    entries: tuple[tuple[Layer, Any], ...]
    about: Object
    text: str
    told: bool


_MOST_CODED = 50_000


def _key(json: Object, row: Row[Any]) -> tuple[object, ...] | None:
    """Type and code of a resource; None where the code is no ordinary CodeableConcept."""
    concept = json.get(row.code or "")
    if concept.__class__ is not dict:
        return None
    codings = concept.get("coding")
    if codings.__class__ is not list:
        return None
    found = [json["resourceType"], concept.get("text"), json.get("medicationReference") is None]
    for coding in codings:
        if coding.__class__ is not dict:
            return None
        found += (coding.get("system"), coding.get("code"), coding.get("display"))
    if any(each is not None and each.__class__ is not str for each in found[3:] + found[1:2]):
        return None
    return tuple(found)


@dataclass(slots=True)
class _Item(Item):
    """An item that tells with what qualifiers a problem has to do."""

    qualified: dict[int, tuple[tuple[str, ...], tuple[Key, ...]]] = field(default_factory=dict)
    """Place in `problems` -> names of qualifiers, and codes."""

    def problem(
        self,
        code: str,
        message: str,
        hint: str | None = None,
        *,
        of: Sequence[Qualifier] = (),
        keys: Sequence[Key] = (),
    ) -> None:
        if of:
            names = tuple(qualifier.name for qualifier in of)
            self.qualified[len(self.problems)] = (names, tuple(keys))
        super(_Item, self).problem(code, message, hint)  # slots: a class made anew, so no `super()`


class _Seer(Reader):
    """Reads the resources of one document for all entries."""

    def __init__(
        self,
        document: Document,
        knowledge: Knowledge,
        entries: list[Entry],
        subject: Subject,
        problems: list[Problem],
    ) -> None:
        super().__init__(document, knowledge.layers[0].codings, entries, subject, problems)
        self.knowledge = knowledge
        self.kept = KeptPatient(subject.id, document.source, document.line)
        self.referred: set[str] = set()
        """Names of the Medications that resources with facts of some entry refer to."""

    def see(self, missing: int) -> KeptPatient:
        """All that is kept; `missing`: how many entries hold no resource."""
        kept = self.kept
        kept.nothing = missing
        whole = [_always(problem) for problem in self.problems]
        for entry in sorted(self.entries, key=lambda entry: TURNS.get(entry.kind, 0)):
            self.problems.clear()
            seen = self._seen(entry)
            if seen is not None:
                kept.kept.append(seen)
            else:
                kept.counted[entry.kind] = kept.counted.get(entry.kind, 0) + 1
                self._count_other(entry)
        self.problems.clear()
        content = self.document.content
        kept.index_date = index_date_of(self._item(content, name_of(content)))
        kept.problems = [*whole, *map(_always, self.problems)]
        return kept

    def _count_other(self, entry: Entry) -> None:
        """Note the codes of a resource that is only counted: other entries may have them."""
        row = None if entry.contained else ROWS.get(entry.kind)
        if row is None:
            kind, about = "", _pruned(entry.resource, ("code", MEDICATION), words=False)
        else:
            kind = entry.kind
            staged = _stages(entry.resource)
            coded = self._coded(entry.resource, row) if not staged else None
            if coded is not None:
                if coded.about:
                    place = (kind, coded.text)
                    self.kept.others[place] = self.kept.others.get(place, 0) + 1
                return
            components = objects_in(entry.resource, "component")
            about = {**_about(kind, row, entry.resource, components), **staged}
        if about:
            place = (kind, about_text(about))
            self.kept.others[place] = self.kept.others.get(place, 0) + 1

    # ---- one resource ------------------------------------------------------------------------

    def _seen(self, entry: Entry) -> Kept | None:
        """What is kept of a resource; None where no protocol can be told anything of it."""
        row = None if entry.contained else ROWS.get(entry.kind)
        kept = Kept(entry.kind, entry.name)
        if row is None:
            return self._of_no_row(entry, kept)
        item = self._item(entry.resource, entry.name)
        if entry.kind == "Patient":
            self._patient(item)
            item.born = self.born
        if self._is_elsewhere(item):
            kept.stopped = True
            self._take(kept)
            return kept
        medication = self._medication(entry) if row.code == MEDICATION else None
        if medication is not None:
            item.json = {**entry.resource, MEDICATION: self._made_of(entry, medication)}
            del item.json["medicationReference"]
            kept.via = medication.name
        self._take(kept)
        return self._of_row(item, row, kept)

    def _of_no_row(self, entry: Entry, kept: Kept) -> Kept | None:
        known = any(
            is_read_elsewhere(entry.resource, layer.codings) for layer in self.knowledge.layers
        )
        named = self._named(entry.resource, ())
        if named and self._is_of_another(self._item(entry.resource, entry.name)):
            named = {}
        if not known and not named and entry.name not in self.referred:
            return None
        kept.about = {**_pruned(entry.resource, ("code", MEDICATION), words=False), **named}
        kept.day = day_of_unread(entry.resource)
        if known:
            message = why_not_read(entry)
            kept.problems.append(KeptProblem("known", "not-read", message))
        return kept

    def _of_row(self, item: Item, row: Row[Any], kept: Kept) -> Kept | None:
        json, kind = item.json, kept.type
        kept.kind = kind
        coded, beside = self._coded(json, row), {**self._beside(json), **self._method(json)}
        staged_about = _stages(json)
        untold = lists.untold(json, self.told_in(item.name)) if kind == "List" else ()
        items = [list(each) for each in untold]
        if coded is not None:
            parts = [(layer, json, 0, entry) for layer, entry in coded.entries]
        else:
            parts, components = self._parts(json, row)
        if row.code is None:
            fields = {name for layer in self.knowledge.layers for name in layer.codings.fields}
            kept.about = {name: True for name in sorted(fields) if name in json}
        else:
            own = _about(kind, row, json, components) if coded is None else coded.about
            named = self._named(json, [(layer, entry) for layer, _, _, entry in parts])
            more = {**beside, **staged_about, **named, **({"items": items} if items else {})}
            about = {**own, **more}
            results = self._alike(json)
            if results:
                about["results"] = results
            elif coded is not None and not more:
                kept.text = coded.text
            kept.about = about
            kept.day = first_day(json, row)
            kept.stated = is_stated(json, row)
            kept.status = unsure_status(json, row)
        staged = self._staged(json) if staged_about else []
        if parts:
            self._read_parts(item, row, parts, kept)
        if staged:
            self._keep_stages(item, row, staged, kept)
        elif not parts and not kept.problems and not self._is_told(json, row, kept, coded):
            return None
        if kept.via is not None and kept.facts:
            self.referred.add(kept.via)
        return kept

    def _is_told(self, json: Object, row: Row[Any], kept: Kept, coded: Coded | None) -> bool:
        """Whether something can be told of what no entry is found for."""
        about = kept.about or {}
        if "results" in about or "named" in about or "method" in about or self._beside(json):
            return True
        return self._may_be_told(json, row) if coded is None else coded.told

    def _named(self, json: Object, parts: Sequence[tuple[Layer, Named]]) -> Object:
        """The codes by which a resource names entries that it is not read for, if it does."""
        keys, found = keys_in(json), set()
        for layer in self.knowledge.layers:
            if mentions(json["resourceType"], keys, layer.codings):
                stated = [entry.name for its, entry in parts if its is layer]
                for key in keys:
                    if mentions(json["resourceType"], (key,), layer.codings, stated):
                        found.add(key)
        self._note_others(keys)
        return {"named": [list(key) for key in sorted(found)]} if found else {}

    def _note_others(self, keys: Iterable[Key]) -> None:
        """Note codes that a resource holds anywhere: other entries may have them."""
        others = self.kept.others
        for key in keys:
            place = _place_of(key)
            if place is not None:
                others[place] = others.get(place, 0) + 1

    def _method(self, json: Object) -> Object:
        """The method of a result, if by it that may be near an entry."""
        if "method" not in json or json["resourceType"] != "Observation":
            return {}
        keys = keys_of(json["method"])
        near = any(key in layer.codings.near for key in keys for layer in self.knowledge.layers)
        return _pruned(json, ("method",), words=False) if near else {}

    def _alike(self, json: Object) -> list[Object]:
        """What results that nothing reads say of themselves, where they resemble an entry."""
        if json["resourceType"] not in TELLING:
            return []
        return [
            said
            for said in told(json)
            if any(any(alike([said], layer.codings)) for layer in self.knowledge.layers)
        ]

    def _coded(self, json: Object, row: Row[Any]) -> Coded | None:
        """What was found by the same code before; None where more than one code decides."""
        if not row.by_code or "component" in json or self._method(json):
            return None
        key = _key(json, row)
        if key is None:
            return None
        known = self.knowledge.coded
        found = known.get(key)
        if found is None:
            parts, _ = self._parts(json, row)
            about = _about(json["resourceType"], row, json, [])
            entries = tuple((layer, entry) for layer, _, _, entry in parts)
            may_be = self._may_be_told(json, row)
            if len(known) >= _MOST_CODED:
                known.clear()
            found = known[key] = Coded(entries, about, about_text(about), may_be)
        return found

    def _parts(
        self, json: Object, row: Row[Any]
    ) -> tuple[list[tuple[Layer, Object, int, Any]], list[Object]]:
        """Each entry with the part of the resource in which it is found, and these components."""
        parts = [
            (layer, json, 0, entry)
            for layer in self.knowledge.layers
            for entry in row.find(json, layer.codings)
        ]
        result = json["resourceType"] == "Observation"
        if result:
            parts = [each for each in parts if _is_of(json, *each)]
        components: list[Object] = []
        if "component" in json and result:
            for component in objects_in(json, "component"):
                found = [
                    (layer, component, len(components) + 1, entry)
                    for layer in self.knowledge.layers
                    for entry in entries_of(component.get("code"), layer.codings.observations)
                    if not isinstance(entry, Lesion)
                ]
                if found:
                    parts += [each for each in found if _is_of(json, *each)]
                    components.append(component)
        return parts, components

    def _read_parts(
        self,
        item: Item,
        row: Row[Any],
        parts: list[tuple[Layer, Object, int, Any]],
        kept: Kept,
    ) -> None:
        json = item.json
        if row.statuses is not None and text_in(json, "status") not in row.statuses:
            item.problem("not-usable", why_not_counted(json))
            self._take(kept, "read")
            return
        when = day_of(item, row.dates) if row.dates else None
        self._take(kept, "read")
        if when is None and row.dates:
            if not row.any_day:
                return
            when = PartialDate.between(None, None)
        modifier = next((key for key in MODIFIERS if json.get(key)), None)
        for layer, part, number, entry in parts:
            self._read_part(item, row, part, entry, when, kept, number, layer, modifier is not None)
        if modifier is not None:
            item.problem("not-read", why_modified(modifier))
            self._take(kept, "read")

    def _staged(self, json: Object) -> list[tuple[Layer, Object, int, Any]]:
        """Each status whose value a Condition says as a stage, with the stage."""
        return [
            (layer, said, number, entry)
            for layer in self.knowledge.layers
            for said, number, entry in stages.statuses_in(json, layer.codings)
        ]

    def _keep_stages(
        self,
        item: Item,
        row: Row[Any],
        staged: list[tuple[Layer, Object, int, Any]],
        kept: Kept,
    ) -> None:
        when = stages.day(item, row.dates)
        modifier = next((key for key in MODIFIERS if item.json.get(key)), None)
        if modifier is not None:
            item.problem("not-read", why_modified(modifier))
        told = [(p.code, p.message, p.hint) for p in self.problems]
        self.problems.clear()
        for layer, said, number, entry in staged:
            self._read_part(item, row, said, entry, when, kept, number, layer, bool(modifier))
            its = layer.numbers[entry.name]
            kept.problems += (KeptProblem("entry", *each, its, number) for each in told)

    def _read_part(
        self,
        item: Item,
        row: Row[Any],
        part: Object,
        entry: Named,
        when: PartialDate | None,
        kept: Kept,
        number: int,
        layer: Layer,
        modified: bool,
    ) -> None:
        facts: list[Fact] = []
        source = self.document.source
        sub = _Item(part, item.name, source, layer.codings, facts, [], item.born, made=item.made)
        if kept.kind == "Condition" and isinstance(entry, Status | Quantity):
            stages.read(sub, entry, when)
        else:
            row.read(sub, entry, when)
        if row.code is not None and is_of_the_past(part.get(row.code), entry):
            facts = [past(fact) for fact in facts]
        its = layer.numbers[entry.name]
        qualifiers = self.knowledge.qualifiers
        for fact in facts:
            if isinstance(fact.reading, ConditionStated | Done) and fact.reading.qualifiers:
                by_number = tuple((str(qualifiers[n]), v) for n, v in fact.reading.qualifiers)
                fact = replace(fact, reading=replace(fact.reading, qualifiers=by_number))
            sure = not modified
            if modified and not isinstance(fact.reading, Closed):
                doubted = doubtful(fact)
                if doubted is None:
                    continue
                fact, sure = doubted, True
            kept.facts.append(KeptFact(its, fact, number, sure))
        for place, problem in enumerate(sub.problems):
            names, keys = sub.qualified.get(place, ((), ()))
            message = problem.message
            if VARIANT in message:
                for name in names:
                    message = message.replace(name, name.partition(VARIANT)[0])
            kept.problems.append(
                KeptProblem(
                    "entry",
                    problem.code,
                    message,
                    problem.hint,
                    its,
                    number,
                    tuple(qualifiers[name] for name in names),
                    keys,
                )
            )

    def _beside(self, json: Object) -> Object:
        """The element in which a resource names entries and is not read for any, if it does."""
        path = BESIDE.get(json["resourceType"], "")
        named = path in json and any(named_beside(json, x.codings) for x in self.knowledge.layers)
        return _pruned(json, (path,), words=False) if named else {}

    def _may_be_told(self, json: Object, row: Row[Any]) -> bool:
        """Whether something can be said of a resource by whose code no entry is found."""
        if row.code is None or json["resourceType"] == "Encounter":
            return False
        if row.concept is not None:
            return True
        keys = keys_of(json.get(row.code))
        layers = self.knowledge.layers
        if any(key in layer.codings.unlike for key in keys for layer in layers):
            return True
        # Which other systems are known, a protocol says.
        return why_unmapped(json, row.code, _NO_SYSTEMS) is not None

    def _take(self, kept: Kept, scope: Any = "always") -> None:
        """Keep what was told since."""
        kept.problems += (KeptProblem(scope, p.code, p.message, p.hint) for p in self.problems)
        self.problems.clear()


def _is_of(json: Object, layer: Layer, part: Object, number: int, entry: Named) -> bool:
    """Whether a result, or a part of it, is of an entry of which it has a code."""
    return entry.name not in taken_otherwise(json, part, layer.codings)


@lru_cache(maxsize=65536)
def _place_of(key: Key) -> tuple[str, str] | None:
    """A code as code elements of what is only counted; None where no concept can have it."""
    system, code = key
    if system.startswith(_NO_CONCEPTS) and "/sid/" not in system:
        return None
    return "", about_text({"code": {"coding": [{"system": system, "code": code}]}})


_NO_CONCEPTS = (
    "http://terminology.hl7.org/",
    "http://hl7.org/fhir/",
    "http://unitsofmeasure.org",
    "http://loinc.org",
)


def _always(problem: Problem) -> KeptProblem:
    p = problem
    return KeptProblem("always", p.code, p.message, p.hint, resource=p.resource)


def _about(kind: str, row: Row[Any], json: Object, components: list[Object]) -> Object:
    """The code elements of a resource, by which its row finds entries."""
    words = row.concept is not None
    if kind == "Encounter":
        return _pruned(json, ("class", "type"), words=False)
    about = _pruned(json, (row.code or "",), words=words)
    if row.code == MEDICATION and json.get("medicationReference") is not None:
        about["medicationReference"] = {}
    if components:
        about["component"] = [_pruned(each, ("code",), words=False) for each in components]
    return about


def _stages(json: Object) -> Object:
    """The code elements of the stages of a Condition, and whether they count."""
    if json["resourceType"] != "Condition" or "stage" not in json:
        return {}
    each = objects_in(json, "stage")
    said = [_pruned(stage, ("type", "summary"), words=False) for stage in each]
    return {"stage": said, **_pruned(json, ("verificationStatus",), words=False)}


def _pruned(json: Object, paths: Sequence[str], *, words: bool) -> Object:
    """The CodeableConcepts (and Codings) at some paths, as far as codes are read from them."""
    return {path: _concept(json[path], words) for path in paths if json.get(path) is not None}


def _concept(value: object, words: bool) -> object:
    if isinstance(value, list):
        return [_concept(each, words) for each in value if isinstance(each, dict)]
    if not isinstance(value, dict):
        return None
    if "coding" not in value and ("code" in value or "system" in value):
        return _coding(value, words)  # the class of an Encounter
    concept: Object = {}
    coding = value.get("coding")
    if isinstance(coding, list):
        concept["coding"] = [_coding(each, words) for each in coding if isinstance(each, dict)]
    elif isinstance(coding, dict):
        concept["coding"] = _coding(coding, words)
    if (words or not concept.get("coding")) and isinstance(value.get("text"), str):
        concept["text"] = value["text"]
    return concept


def _coding(coding: Object, words: bool) -> Object:
    keys = ("system", "code", "display") if words else ("system", "code")
    return {key: coding[key] for key in keys if isinstance(coding.get(key), str)}
