"""A FHIR R4 document to the record of its patient.

Every resource ends as facts, as ignored (counted by type) or as a problem. Source:
docs/records.md.
"""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any, NamedTuple

from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.foundation.text import shown
from protocol_logic.records.codings import Codings, keys_of
from protocol_logic.records.facts import Fact, PatientRecord
from protocol_logic.records.item import Item, text_in
from protocol_logic.records.json_text import Object
from protocol_logic.records.references import Subject, subject_reference
from protocol_logic.records.resources import ROWS, Row
from protocol_logic.records.sources import Document


class _Entry(NamedTuple):
    """A resource of a bundle; `name` is `Type/id`, or `Type/#n` for the n-th when it has no id."""

    kind: str
    name: str
    resource: Object
    full_url: str | None


def read_record(document: Document, codings: Codings, problems: Problems) -> PatientRecord | None:
    """The record of the one patient of a document (a Bundle or a single resource).

    None, with an error in `problems`, when the document has no Patient with an id, or several.
    What is wrong with single resources stands in the record's own problems.
    """
    facts: list[Fact] = []
    found: list[Problem] = []
    ignored: Counter[str] = Counter()
    entries = _entries(document, found)
    subject = _subject(document, entries, found)
    if subject is None:
        problems.extend(found)
        return None
    for entry in entries:
        item = Item(entry.resource, entry.name, document.source, codings, facts, found)
        row = ROWS.get(entry.kind)
        if row is None and _is_known(item):
            item.problem(
                "not-read",
                f"{shown(entry.kind)} is not read, but the knowledge base knows its code",
            )
        elif row is None or not (_is_elsewhere(item, subject) or _read(item, row)):
            ignored[entry.kind] += 1
    content = document.content
    name = _entry(content, None, 1).name
    whole = Item(content, name, document.source, codings, facts, found)
    return PatientRecord(
        patient=subject.id,
        source=document.source,
        index_date=_index_date(whole),
        facts=tuple(sorted(facts, key=_place)),
        problems=tuple(Problems(found).sorted()),
        ignored=tuple(sorted(ignored.items())),
    )


def _entries(document: Document, problems: list[Problem]) -> list[_Entry]:
    """All resources of a document; entries without one are problems."""
    content = document.content
    if content.get("resourceType") != "Bundle":
        return [_entry(content, None, 1)]
    entries: list[_Entry] = []
    listed = content.get("entry")
    for number, entry in enumerate(listed if isinstance(listed, list) else [], 1):
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if not isinstance(resource, dict):
            missing = "no resource"
        elif text_in(resource, "resourceType") is None:
            missing = "a resource without a resourceType"
        elif resource["resourceType"] == "Bundle":
            missing = "a Bundle, which is not read"
        else:
            entries.append(_entry(resource, text_in(entry, "fullUrl"), number))
            continue
        message = f"entry {number} of the bundle has {missing}"
        problems.append(Problem(code="no-resource", message=message, file=document.source))
    return entries


def _entry(resource: Object, full_url: str | None, number: int) -> _Entry:
    kind = resource["resourceType"]
    return _Entry(kind, f"{kind}/{text_in(resource, 'id') or f'#{number}'}", resource, full_url)


def _subject(document: Document, entries: list[_Entry], problems: list[Problem]) -> Subject | None:
    """The one patient of a document, or None with a problem."""
    patients = [entry for entry in entries if entry.kind == "Patient"]
    place = "" if document.line is None else f"line {document.line}: "
    if len(patients) > 1:
        names = ", ".join(f"`{shown(patient.name)}`" for patient in patients[:3])
        message = f"{place}{len(patients)} patients in one bundle: {names}"
        problems.append(Problem(code="two-patients", message=message, file=document.source))
        return None
    identity = text_in(patients[0].resource, "id") if patients else None
    if not identity:
        message = f"{place}{'the Patient has no id' if patients else 'there is no Patient'}"
        problems.append(Problem(code="no-patient", message=message, file=document.source))
        return None
    return Subject(identity, patients[0].full_url)


def _is_elsewhere(item: Item, subject: Subject) -> bool:
    """Whether a resource names somebody else than the patient, with a problem if so."""
    reference = subject_reference(item.json)
    if reference is None or subject.is_meant_by(reference):
        return False
    item.problem(
        "foreign-subject",
        f"it is about `{shown(reference)}`, not about the bundle's patient `{shown(subject.id)}`",
    )
    return True


def _is_known(item: Item) -> bool:
    """Whether a resource of a type that is not read holds a code that the knowledge base knows."""
    tables = (item.codings.observations, item.codings.conditions, item.codings.procedures)
    keys = [*keys_of(item.json.get("code")), *keys_of(item.json.get("medicationCodeableConcept"))]
    return any(key in table for key in keys for table in (*tables, item.codings.medications))


def _read(item: Item, row: Row[Any]) -> bool:
    """Read one resource; False when it holds nothing that the knowledge base reads."""
    json = item.json
    entries = row.find(json, item.codings)
    unread = [] if entries else [path for path in row.unread if path in json]
    if not entries and not unread:
        return False
    status = text_in(json, "status")
    if row.statuses is not None and status not in row.statuses:
        says = "no status" if status is None else f"status `{shown(status)}`"
        item.problem("not-usable", f"{says}: it does not count")
        return True
    for path in unread:
        item.problem("not-read", f"`{path}` is not followed, so its code is not known")
    when = None
    if row.date is not None:
        when = item.date(json.get(row.date), row.date)
        if when is None:
            if json.get(row.date) is None:
                item.problem("undated", _undated(json, row.date))
            return True
    for entry in entries:
        row.read(item, entry, when)
    return True


def _undated(json: Object, path: str) -> str:
    stem = path.removesuffix("DateTime")
    others = [shown(key) for key in json if key.startswith(stem)]
    return f"no `{path}`" + "".join(f", and `{other}` is not read" for other in others)


def _index_date(bundle: Item) -> date | None:
    """The date part of a Bundle's timestamp, as written."""
    written = bundle.json.get("timestamp")
    if bundle.json["resourceType"] != "Bundle" or written is None:
        return None
    day = bundle.date(written, "timestamp")
    if day is not None and not day.exact:
        bundle.problem("unreadable-date", f"`timestamp` is `{shown(day.text)}`, which is no day")
    return day.first if day is not None and day.exact else None


def _place(fact: Fact) -> tuple[str, str, str, str]:
    return (fact.resource, fact.entry, fact.date.text if fact.date else "", fact.recorded)
