"""From files to FHIR documents, one at a time, as bytes that another process may parse.

Source: the design, section 6, PATIENTS.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from protocol_logic.foundation.dataclass import dataclass
from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.foundation.text import shown
from protocol_logic.records.files import (
    NotReadable,
    Reading,
    files_at,
    form_of,
    lines,
    not_readable,
    too_long,
    whole,
)
from protocol_logic.records.json_text import NotJson, Object, parse
from protocol_logic.records.references import patient_id, subject_reference
from protocol_logic.records.resources import ROWS

_BUNDLE = re.compile(rb'(?:\xef\xbb\xbf)*\s*\{\s*"resourceType"\s*:\s*"Bundle"')
_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Document:
    """A Bundle or a single resource with the file it stands in, and its line in NDJSON.

    Single resources of NDJSON files come as one Bundle a patient, under the file and without the
    line of the Patient. `named`: its entries are rows of tables, whose names stand in `fullUrl`.
    """

    source: str
    content: Object
    line: int | None = None
    named: bool = False


@dataclass(frozen=True, slots=True)
class Unread:
    """The bytes of a document, which may prove to be none."""

    source: str
    data: bytes
    line: int | None = None
    named: bool = False

    @property
    def size(self) -> int:
        """Its bytes."""
        return len(self.data)

    @property
    def text(self) -> bytes:
        """The bytes without the end of the line that they are."""
        return self.data if self.line is None else self.data.rstrip()

    def document(self) -> Document | Problem:
        """The document, or why it is none."""
        try:
            return Document(self.source, _resource(self.text), self.line, self.named)
        except NotJson as error:
            hint = error.hint
            if self.line is None and "Extra data" in str(error):
                hint = "a file with a resource a line is named .ndjson"
            return _problem(self.source, self.line, str(error), hint)


class Shelf:
    """Lines by the number of their patient, in memory."""

    def __init__(self) -> None:
        self._lines: dict[int, list[bytes]] = {}

    def put(self, patient: int, line: bytes) -> None:
        """Keep a line."""
        self._lines.setdefault(patient, []).append(line)

    def taken(self, order: Sequence[int]) -> Iterator[list[bytes]]:
        """The lines of each of some patients, in this order; they are kept no longer."""
        for patient in order:
            yield self._lines.pop(patient)


def iter_unread(
    paths: Sequence[Path], reading: Reading, shelf: Shelf | None = None
) -> Iterator[Unread | Problem]:
    """The documents of files and folders, in the order given, folders recursively by name.

    Read are `.json` (a Bundle or a resource), `.ndjson` and `.jsonl` (one of these a line), each
    also with `.gz`. Single resources in NDJSON lines are joined by patient over all files and
    come last; until then the shelf holds them. What cannot be read is a problem in its place.
    """
    loose = _Loose(reading, shelf or Shelf())
    for path in paths:
        for file in files_at(path, reading):
            if isinstance(file, Problem):
                yield file
                continue
            try:
                if form_of(file) == "json":
                    yield Unread(str(file), whole(file, reading))
                else:
                    yield from _lines(file, reading, loose)
            except NotReadable as error:
                yield not_readable(file, str(error), error.hint)
    yield from loose.documents()


def iter_documents(
    paths: Sequence[Path], problems: Problems, reading: Reading | None = None
) -> Iterator[Document]:
    """The same, parsed; problems go to their sink."""
    for item in iter_unread(paths, reading or Reading()):
        found = item if isinstance(item, Problem) else item.document()
        if isinstance(found, Problem):
            problems.add(found)
        else:
            yield found


def _lines(path: Path, reading: Reading, loose: _Loose) -> Iterator[Unread | Problem]:
    source = str(path)
    for number, line in lines(path, reading):
        if line is None:
            yield _problem(source, number, too_long())
        elif _BUNDLE.match(line):
            yield Unread(source, line, number)
        else:
            try:
                content = _resource(line)
            except NotJson as error:
                yield _problem(source, number, str(error), error.hint)
                continue
            if content["resourceType"] == "Bundle":
                yield Unread(source, line, number)
            else:
                yield from loose.add(content, line, source, number)


def _resource(data: bytes) -> Object:
    """The FHIR resource in JSON text; raises NotJson, also for JSON that is something else."""
    content = parse(data)
    if not isinstance(content, dict) or not isinstance(content.get("resourceType"), str):
        raise NotJson("it is not a FHIR resource: it has no resourceType")
    return content


def _problem(source: str, line: int | None, message: str, hint: str | None = None) -> Problem:
    if line is not None:  # the line of the file, not the first one of the text
        message = f"line {line}: {message.replace(' at line 1 column', ' at column')}"
    return Problem(code="not-readable", message=message, hint=hint, file=source)


_MEDICATION = re.compile(rb'"(Medication/[A-Za-z0-9.-]{1,64})"')


class _Loose:
    """Single resources of NDJSON lines, shelved as bytes until all files are read and then joined.

    Medications are nobody's: each goes to the patients whose resources refer to it.
    """

    def __init__(self, reading: Reading, shelf: Shelf) -> None:
        self._reading = reading
        self._shelf = shelf
        self._medications: dict[bytes, dict[bytes, None]] = {}
        self._numbers: dict[str, int] = {}
        self._times = Counter[str]()
        self._first: dict[str, str] = {}
        self._patients: dict[str, str] = {}

    def add(self, resource: Object, line: bytes, source: str, number: int) -> Iterator[Problem]:
        """Keep a resource; a problem when it is nobody's."""
        kind: str = resource["resourceType"]
        if kind == "Patient":
            patient = resource.get("id")
            if not isinstance(patient, str) or not patient:
                message = f"line {number}: the Patient has no id"
                yield Problem(code="no-patient", message=message, file=source)
                return
            self._patients.setdefault(patient, source)
        elif kind == "Medication" and isinstance(resource.get("id"), str):
            name = f"Medication/{resource['id']}".encode("utf-8", "replace")
            self._medications.setdefault(name, {})[line.strip().lstrip(_MARK)] = None
            return
        else:
            reference = subject_reference(resource)
            found = None if reference is None else patient_id(reference)
            if found is None:
                yield from self._about_nobody(kind, source, number)
                return
            patient = found
        self._first.setdefault(patient, source)
        self._times[patient] += 1
        place = self._numbers.setdefault(patient, len(self._numbers))
        self._shelf.put(place, line.strip().lstrip(_MARK))

    def documents(self) -> Iterator[Unread | Problem]:
        """A Bundle for each patient, in the order of the Patient resources."""
        referenced: set[bytes] = set()
        order = [self._numbers[patient] for patient in self._patients]
        shelved = self._shelf.taken(order)
        for source, resources in zip(self._patients.values(), shelved, strict=True):
            names = {name for line in resources for name in _MEDICATION.findall(line)}
            found = sorted(names & self._medications.keys())
            referenced.update(found)
            resources += [line for name in found for line in self._medications[name]]
            entries = b'},{"resource":'.join(resources)
            data = b'{"resourceType":"Bundle","entry":[{"resource":' + entries + b"}]}"
            yield Unread(source, data)
        if len(self._medications) > len(referenced):
            self._reading.resources["Medication"] += len(self._medications) - len(referenced)
        for patient in self._numbers:
            if patient in self._patients:
                continue
            number = self._times[patient]
            message = f"{number} resources are about `{shown(patient)}`, whose Patient is"
            code, file = "no-patient", self._first[patient]
            yield Problem(code=code, message=f"{message} in no file", file=file)

    def _about_nobody(self, kind: str, source: str, number: int) -> Iterator[Problem]:
        if kind in ROWS:
            yield Problem(
                code="foreign-subject",
                message=f"line {number}: it is about no patient",
                resource=kind,
                file=source,
            )
        else:
            self._reading.resources[kind] += 1
