"""The resources of a FHIR R4 document, and the patient whom it is about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from protocol_logic.foundation.problems import Problem
from protocol_logic.foundation.text import shown
from protocol_logic.records.item import text_in
from protocol_logic.records.json_text import Object
from protocol_logic.records.references import Subject, identifiers
from protocol_logic.records.sources import Document

NO_RESOURCE = "(none)"
"""The type under which entries that hold no resource are counted."""
TURNS = {"Patient": -1, "Encounter": 1, "Observation": 1, "List": 2, "Medication": 3}
"""By type, which resources are read before others, and which after them."""


class Entry(NamedTuple):
    """A resource of a bundle; `name` is `Type/id`, or `Type/#n` for the n-th when it has no id.

    A contained one has the name of the resource that it stands in, with `#id`; that of a row of a
    table is its `fullUrl`.
    """

    kind: str
    name: str
    resource: Object
    full_url: str | None
    contained: bool = False


def resources_of(document: Document, problems: list[Problem]) -> tuple[list[Entry], int]:
    """All resources of a document; entries without one are problems, and their number."""
    content = document.content
    if content.get("resourceType") != "Bundle":
        entries = [_entry(content, None, 1)]
    else:
        entries = []
        listed = content.get("entry")
        if listed is not None and not isinstance(listed, list):
            message = "`entry` of the bundle is no list, so nothing in it is read"
            problems.append(Problem(code="no-resource", message=message, file=document.source))
        for number, entry in enumerate(listed if isinstance(listed, list) else [], 1):
            resource = entry.get("resource") if isinstance(entry, dict) else None
            why = _no_resource(resource)
            if isinstance(resource, dict) and why is None:
                made = _entry(resource, text_in(entry, "fullUrl"), number)
                if document.named and made.full_url is not None:
                    made = made._replace(name=made.full_url)
                entries.append(made)
            else:
                message = f"entry {number} of the bundle has {why}"
                problems.append(Problem(code="no-resource", message=message, file=document.source))
    for entry in list(entries):
        if "contained" in entry.resource:
            entries.extend(_contained(entry, document.source, problems))
    return entries, len(problems)


def _no_resource(resource: object) -> str | None:
    if not isinstance(resource, dict):
        return "no resource"
    if text_in(resource, "resourceType") is None:
        return "a resource without a resourceType"
    return "a Bundle, which is not read" if resource["resourceType"] == "Bundle" else None


def _contained(entry: Entry, source: str, problems: list[Problem]) -> Iterator[Entry]:
    listed = entry.resource["contained"]
    for number, resource in enumerate(listed if isinstance(listed, list) else [listed], 1):
        why = _no_resource(resource)
        if why is None:
            name = f"{entry.name}#{text_in(resource, 'id') or number}"
            yield Entry(resource["resourceType"], name, resource, None, True)
        else:
            problems.append(
                Problem(
                    code="no-resource",
                    message=f"`contained` {number} has {why}",
                    resource=entry.name,
                    file=source,
                )
            )


def _entry(resource: Object, full_url: str | None, number: int) -> Entry:
    kind = resource["resourceType"]
    return Entry(kind, f"{kind}/{text_in(resource, 'id') or f'#{number}'}", resource, full_url)


def subject_of(document: Document, entries: list[Entry], problems: list[Problem]) -> Subject | None:
    """The one patient of a document, or None with a problem."""
    patients = [entry for entry in entries if entry.kind == "Patient" and not entry.contained]
    line = "" if document.line is None else f"line {document.line}: "
    if len(patients) > 1:
        names = ", ".join(f"`{shown(patient.name)}`" for patient in patients[:3])
        message = f"{line}{len(patients)} patients in one bundle: {names}"
        problems.append(Problem(code="two-patients", message=message, file=document.source))
        return None
    identity = text_in(patients[0].resource, "id") if patients else None
    if not identity:
        message = f"{line}{'the Patient has no id' if patients else 'there is no Patient'}"
        problems.append(Problem(code="no-patient", message=message, file=document.source))
        return None
    patient = patients[0]
    return Subject(identity, patient.full_url, identifiers(patient.resource.get("identifier")))


def name_of(content: Object) -> str:
    """How problems of a whole document name it."""
    return _entry(content, None, 1).name


def why_not_read(entry: Entry) -> str:
    """Why a resource of a type that is not read is told of, though an entry has its code."""
    kind = f"a contained {entry.kind}" if entry.contained else f"type {entry.kind}"
    return f"{shown(kind)} is not read, but the knowledge base knows its code"
