"""A FHIR R4 document to the record of its patient.

Every resource, also a contained one, ends as facts, as a problem, or as irrelevant: it holds
nothing that the knowledge base reads. The accounting of the record says how many of each type.
Source: docs/records.md.

All that depends on the whole document (whose it is, the order in which resources are read, what
cannot be known of them) stands in one reader, which a store's reader extends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal, TypeAlias

from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.foundation.text import shown
from protocol_logic.knowledge.vocabulary import Concept, Lesion
from protocol_logic.records import lists, stages
from protocol_logic.records.codings import Codings, entries_of, is_known, is_of_the_past, keys_of
from protocol_logic.records.dates import day_of
from protocol_logic.records.entries import (
    NO_RESOURCE,
    TURNS,
    Entry,
    name_of,
    resources_of,
    subject_of,
    why_not_read,
)
from protocol_logic.records.facts import (
    Account,
    Fact,
    Mentioned,
    PatientRecord,
    Unlisted,
    Unread,
    doubtful,
    past,
    place,
)
from protocol_logic.records.item import Item, objects_in, text_in
from protocol_logic.records.json_text import Object
from protocol_logic.records.medications import made_of
from protocol_logic.records.mentioned import day_of_unread, keys_in, mentions
from protocol_logic.records.references import Subject, identifiers, subject_reference
from protocol_logic.records.resources import MEDICATION, ROWS, Row
from protocol_logic.records.several import unlisted
from protocol_logic.records.sources import Document
from protocol_logic.records.statuses import (
    MODIFIERS,
    is_stated,
    unsure_status,
    why_modified,
    why_not_counted,
)
from protocol_logic.records.unknown_codes import (
    first_day,
    is_read_elsewhere,
    look_alikes,
    named_beside,
    noted_problems,
    why_beside,
    why_unmapped,
)
from protocol_logic.records.unread import TELLING, alike, taken_otherwise, told

Outcome: TypeAlias = Literal["facts", "irrelevant", "problems"]


@dataclass(frozen=True, slots=True)
class Met:
    """A resource that was read, and what became of it: for those who count what records hold.

    `json`: with the code of the medication that it refers to, if any; `resource`: as it stands in
    the document.
    """

    kind: str
    name: str
    json: Object
    outcome: Outcome
    facts: tuple[Fact, ...]
    resource: Object


def read_record(
    document: Document,
    codings: Codings,
    problems: Problems,
    meet: Callable[[Met], None] | None = None,
) -> PatientRecord | None:
    """The record of the one patient of a document (a Bundle or a single resource).

    None, with an error in `problems`, when the document has no Patient with an id, or several.
    What is wrong with single resources stands in the record's own problems. `meet` is called with
    each resource.
    """
    found: list[Problem] = []
    entries, missing = resources_of(document, found)
    subject = subject_of(document, entries, found)
    if subject is None:
        problems.extend(found)
        return None
    return Reader(document, codings, entries, subject, found).read(missing, meet)


class Reader:
    """Reads the resources of one document, one after the other."""

    def __init__(
        self,
        document: Document,
        codings: Codings,
        entries: list[Entry],
        subject: Subject,
        problems: list[Problem],
    ) -> None:
        self.document = document
        self.codings = codings
        self.entries = entries
        self.subject = subject
        self.problems = problems
        self.facts: list[Fact] = []
        self.born: PartialDate | None = None
        self.made = day_made(document.content)
        self.counts: dict[str, dict[Outcome, int]] = {}
        self.unmapped: dict[tuple[str, str, str], list[str]] = {}
        """(type, problem code, message) -> the resources that it is said of."""
        self.medications = self._medications()
        self.referenced: set[str] = set()
        """Names of the Medications that resources with facts refer to."""
        self.unclear: dict[str, str] = {}
        """Kind of concept -> a resource that may be about any concept of the kind."""
        self.stated: list[Unlisted] = []
        """What is stated of concepts, and what of another kind may be taken for one."""
        self.unread: list[Unread] = []
        self.mentioned: list[Mentioned] = []
        self.told: set[str] = set()
        """What references may call what is read; empty before one is followed."""

    def read(self, missing: int, meet: Callable[[Met], None] | None) -> PatientRecord:
        """The record; `missing`: how many entries hold no resource."""
        if missing:
            self._count(NO_RESOURCE, "problems", missing)
        for entry in sorted(self.entries, key=self._turn):
            made, told = len(self.facts), len(self.problems)
            json, noted = self._resource(entry)
            outcome: Outcome = "irrelevant"
            if len(self.facts) > made or entry.name in self.referenced:
                outcome = "facts"
            elif noted or len(self.problems) > told:
                outcome = "problems"
            self._count(entry.kind, outcome)
            if meet is not None:
                facts = tuple(self.facts[made:])
                meet(Met(entry.kind, entry.name, json, outcome, facts, entry.resource))
        source = self.document.source
        content = self.document.content
        index = index_date_of(self._item(content, name_of(content)))
        return PatientRecord(
            patient=self.subject.id,
            source=source,
            index_date=index,
            facts=tuple(sorted(self.facts, key=place)),
            problems=tuple(
                Problems([*self.problems, *noted_problems(self.unmapped, source)]).sorted()
            ),
            accounting=tuple(Account(kind, **n) for kind, n in sorted(self.counts.items())),
            unclear=frozenset(self.unclear),
            unlisted=tuple(sorted(self.stated)),
            unread=tuple(sorted(self.unread)),
            mentioned=tuple(sorted(self.mentioned)),
        )

    def _item(self, json: Object, name: str) -> Item:
        source = self.document.source
        facts, problems = self.facts, self.problems
        born, unclear, made = self.born, self.unclear, self.made
        return Item(json, name, source, self.codings, facts, problems, born, unclear, made)

    def _count(self, kind: str, outcome: Outcome, number: int = 1) -> None:
        counts = self.counts.setdefault(kind, {"facts": 0, "irrelevant": 0, "problems": 0})
        counts[outcome] += number

    def _patient(self, item: Item) -> None:
        """The birth date, which ages need, and what the Patient says of the whole record."""
        json = item.json
        self.born = item.date(json.get("birthDate"), "birthDate")
        died = json.get("deceasedDateTime")
        if died is not None or json.get("deceasedBoolean") is True:
            when = f" on `{shown(died)}`" if isinstance(died, str) else ""
            item.problem("patient-status", f"the patient is recorded as deceased{when}")
        if json.get("active") is False:
            item.problem("patient-status", "the Patient is marked as not active")
        if any(link.get("type") == "replaced-by" for link in objects_in(json, "link")):
            item.problem("patient-status", "the Patient was replaced by another")

    def _turn(self, entry: Entry) -> int:
        """The Patient comes first, whose birth date others need. What may name a condition beside
        comes when it is known what Conditions state; Lists, and what else says that there is
        nothing, when it is known what they cannot close; Medications when it is known which of them
        are referred to."""
        if entry.kind == "AllergyIntolerance":
            closes = entries_of(entry.resource.get("code"), self.codings.lists)
            return TURNS["List"] if closes else 0
        return TURNS.get(entry.kind, 0)

    # ---- one resource ------------------------------------------------------------------------

    def _resource(self, entry: Entry) -> tuple[Object, bool]:
        """Read one resource: its JSON as read, and whether it was noted for its code."""
        row = None if entry.contained else ROWS.get(entry.kind)
        item = self._item(entry.resource, entry.name)
        if entry.kind == "Patient" and row is not None:
            self._patient(item)
            item.born = self.born
        if row is None:
            if entry.name not in self.referenced:
                if is_read_elsewhere(item.json, self.codings):
                    item.problem("not-read", why_not_read(entry))
                its = mentions(entry.kind, keys_in(item.json), self.codings)
                if its and not self._is_of_another(item):
                    self._mention(item.name, day_of_unread(item.json), its)
            return entry.resource, False
        if self._is_elsewhere(item):
            return entry.resource, False
        medication = self._medication(entry) if row.code == MEDICATION else None
        if medication is not None:
            item.json = {**entry.resource, MEDICATION: self._made_of(entry, medication)}
            del item.json["medicationReference"]
        made = len(self.facts)
        its = mentions(entry.kind, keys_in(item.json), self.codings)
        if its:
            stated = {found.name for _, found in self._found(item.json, row)}
            its = tuple([name for name in its if name not in stated])
            self._mention(item.name, first_day(item.json, row), its)
        noted = self._read(item, row)
        if entry.kind == "Condition":
            self._read_stages(item, row)
        if len(self.facts) == made and self._is_said_beside(item):
            noted = True
        if medication is not None and len(self.facts) > made:
            self.referenced.add(medication.name)
        return item.json, noted

    def _read(self, item: Item, row: Row[Any]) -> bool:
        """Read one resource by its row; whether it was noted for its code, which no entry has."""
        json = item.json
        parts = self._found(json, row)
        if json["resourceType"] in TELLING:
            for each in alike(tuple(told(json)), self.codings):
                day = each.day or first_day(json, row)
                found = Unread(item.name, each.code, each.name, day, each.entries, each.why)
                self.unread.append(found._replace(unusable=each.unusable))
        if not parts:
            if row.code is None or not row.asked(self.codings):
                return False
            if self._is_unlike(item, row):
                return True
            unmapped = self._is_unmapped(item, row.code)
            if row.concept is None or not is_stated(json, row):
                return unmapped
            if not unmapped:
                self._note(item, row, row.concept)
            else:
                self.unclear[row.concept] = min(item.name, self.unclear.get(row.concept, item.name))
            return unmapped
        status = text_in(json, "status")
        if row.concept is not None and (is_stated(json, row) or unsure_status(json, row)):
            self._note(item, row, row.concept)
        if row.statuses is not None and status not in row.statuses:
            item.problem("not-usable", why_not_counted(json))
            return False
        when = day_of(item, row.dates) if row.dates else None
        if when is None and row.dates:
            if not row.any_day:
                return False
            when = PartialDate.between(None, None)
        made = len(self.facts)
        for part, entry in parts:
            row.read(replace(item, json=part) if part is not json else item, entry, when)
            if row.code is not None and is_of_the_past(part.get(row.code), entry):
                self.facts[made:] = [
                    past(fact) if fact.entry == entry.name else fact for fact in self.facts[made:]
                ]
        if row.concept == "allergy" and is_stated(json, row):
            said = {fact.entry for fact in self.facts[made:]}
            its = [e.name for _, e in parts if isinstance(e, Concept) and e.name not in said]
            self._mention(item.name, first_day(json, row), its)
        modifier = next((key for key in MODIFIERS if json.get(key)), None)
        if modifier is not None:
            item.problem("not-read", why_modified(modifier))
            self.facts[made:] = [f for fact in self.facts[made:] if (f := doubtful(fact))]
        if row is ROWS["List"]:
            self._note_items(item, row, self.facts[made:])
        return False

    def _found(self, json: Object, row: Row[Any]) -> list[tuple[Object, Any]]:
        """The entries that a resource, or a component, is found for by its code."""
        parts = [(json, entry) for entry in row.find(json, self.codings)]
        if "component" in json and json["resourceType"] == "Observation":
            parts += self._components(json, {entry.name for _, entry in parts})
        if not parts or not self.codings.near or json["resourceType"] != "Observation":
            return parts
        method = "method" in json
        return [
            (part, entry)
            for part, entry in parts
            if not (method or len(part["code"]["coding"]) > 1)
            or entry.name not in taken_otherwise(json, part, self.codings)
        ]

    def _read_stages(self, item: Item, row: Row[Any]) -> None:
        """Read what a Condition says of stages, as Observations say it."""
        found = list(stages.statuses_in(item.json, self.codings))
        when = stages.day(item, row.dates) if found else None
        made = len(self.facts)
        for said, _, entry in found:
            stages.read(replace(item, json=said), entry, when)
        modifier = next((key for key in MODIFIERS if item.json.get(key)), None)
        if modifier is not None and found:
            item.problem("not-read", why_modified(modifier))
            self.facts[made:] = [f for fact in self.facts[made:] if (f := doubtful(fact))]

    def _components(self, json: Object, said: set[str]) -> Iterator[tuple[Object, Any]]:
        """Components that are results of their own, and are no axis of a lesion."""
        for component in objects_in(json, "component"):
            for entry in entries_of(component.get("code"), self.codings.observations):
                if entry.name not in said and not isinstance(entry, Lesion):
                    yield component, entry

    def _mention(self, name: str, day: str, entries: Iterable[str]) -> None:
        """Note what a resource names where it is not read as that."""
        self.mentioned += (Mentioned(entry, name, day) for entry in entries)

    def _note_items(self, item: Item, row: Row[Any], closing: list[Fact]) -> None:
        """Note what a list that closes something holds, and of which nothing is known."""
        items = list(lists.untold(item.json, self.told_in(item.name))) if closing else ()
        self.stated += lists.as_stated(
            items, closing, self.codings, item.name, first_day(item.json, row)
        )

    def told_in(self, name: str) -> Callable[[str], bool]:
        """What tells whether a reference in a resource is to one that is read, or of which the
        code is known."""
        if not self.told:
            for entry in self.entries:
                coded = (entry.resource.get("code"), entry.resource.get(MEDICATION))
                its = entry.kind in ROWS and not entry.contained
                if its or any(is_known(key) for each in coded for key in keys_of(each)):
                    self.told.update(filter(None, (entry.name, entry.full_url)))
        return lambda target: (
            (f"{name}{target}" if target.startswith("#") else target.partition("/_history/")[0])
            in self.told
        )

    def _is_of_another(self, item: Item) -> bool:
        """Whether a resource names somebody else than the patient."""
        reference = subject_reference(item.json)
        if reference is None or self.subject.is_meant_by(reference):
            return False
        subject = item.json.get("subject", item.json.get("patient"))
        identifier = subject.get("identifier") if isinstance(subject, dict) else None
        return bool(reference) or not identifiers(identifier) & self.subject.identifiers

    def _is_elsewhere(self, item: Item) -> bool:
        """The same, with a problem if so."""
        if not self._is_of_another(item):
            return False
        reference = subject_reference(item.json)
        whom = f"about `{shown(reference)}`" if reference else "about somebody who cannot be known"
        patient = f"the bundle's patient `{shown(self.subject.id)}`"
        item.problem("foreign-subject", f"it is {whom}, not about {patient}")
        return True

    # ---- codes that cannot be known, or are easily taken for others --------------------------

    def _is_said_beside(self, item: Item) -> bool:
        """Whether a resource names a condition where none is read, and no Condition of the record
        says anything of it, which is told."""
        kind: str = item.json["resourceType"]
        named = named_beside(item.json, self.codings)
        why = why_beside(kind, named, self.facts) if named else None
        if why is not None:
            self.unmapped.setdefault((kind, "not-read", why), []).append(item.name)
        return why is not None

    def _note(self, item: Item, row: Row[Any], concept: str) -> None:
        """Note what a resource states of a kind of concept, or may be taken for."""
        coded = item.json.get(row.code or "")
        its = unlisted(coded, concept, self.codings, is_its=concept == row.concept)
        day, status = first_day(item.json, row), unsure_status(item.json, row)
        self.stated += (e._replace(resource=item.name, day=day, status=status) for e in its)

    def _is_unlike(self, item: Item, row: Row[Any]) -> bool:
        """Whether a resource has a code that may be taken for one of an entry, which is told."""
        kind: str = item.json["resourceType"]
        found = False
        for concept, why in look_alikes(item.json, row, self.codings):
            if concept and is_stated(item.json, row):
                self._note(item, row, concept)
            self.unmapped.setdefault((kind, "look-alike", why), []).append(item.name)
            found = True
        return found

    def _is_unmapped(self, item: Item, path: str) -> bool:
        """Whether no code of a resource can be known, which is told once for each code."""
        why = why_unmapped(item.json, path, self.codings.systems)
        if why:
            kind: str = item.json["resourceType"]
            self.unmapped.setdefault((kind, "unmapped-code", why), []).append(item.name)
        return why is not None

    # ---- medications -------------------------------------------------------------------------

    def _medications(self) -> Mapping[str, Entry]:
        """The Medications of the document by what a reference may call them; not those names that
        several different ones have."""
        found: dict[str, Entry | None] = {}
        for entry in self.entries:
            if entry.kind == "Medication":
                for name in filter(None, (entry.name, entry.full_url)):
                    first = found.setdefault(name, entry)
                    if first is not None and first.resource != entry.resource:
                        found[name] = None
        return {name: entry for name, entry in found.items() if entry is not None}

    def _medication(self, entry: Entry) -> Entry | None:
        """The Medication that a resource refers to; a problem where it is not in the document."""
        reference = entry.resource.get("medicationReference")
        if reference is None:
            return None
        target = text_in(reference, "reference") if isinstance(reference, dict) else None
        found = self._called(entry, target) if target is not None else None
        if found is not None:
            return found
        text = f"`{shown(target)}` is" if target else "it is without a reference, so it is"
        item = self._item(entry.resource, entry.name)
        item.problem("not-read", f"`medicationReference`: {text} not in the document")
        return None

    def _called(self, entry: Entry, target: str) -> Entry | None:
        """The Medication that a reference in a resource calls."""
        local = f"{entry.name}{target}" if target.startswith("#") else target
        return self.medications.get(local.partition("/_history/")[0])

    def _made_of(self, entry: Entry, medication: Entry) -> object:
        """What a resource says by the Medication that it refers to, as one CodeableConcept."""

        def called(target: str) -> Object | None:
            found = self._called(entry, target)
            return found.resource if found is not None else None

        return made_of(medication.resource, called)


def day_made(bundle: Object) -> PartialDate | None:
    """The date part of a Bundle's timestamp, where it can be read."""
    try:
        return PartialDate.parse(text_in(bundle, "timestamp") or "")
    except ValueError:
        return None


def index_date_of(bundle: Item) -> date | None:
    """The date part of a Bundle's timestamp, as written; what is wrong with it is told."""
    written = bundle.json.get("timestamp")
    if bundle.json["resourceType"] != "Bundle" or written is None:
        return None
    day = bundle.date(written, "timestamp")
    if day is not None and not day.exact:
        bundle.problem("unreadable-date", f"`timestamp` is `{shown(day.text)}`, which is no day")
    return day.first if day is not None and day.exact else None
