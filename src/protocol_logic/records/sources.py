"""From paths to parsed FHIR documents, one at a time.

Source: the design, section 6, PATIENTS.
"""

from __future__ import annotations

import gzip
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Literal, cast

from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.foundation.text import shown
from protocol_logic.records.json_text import NotJson, Object, parse
from protocol_logic.records.references import patient_id, subject_reference
from protocol_logic.records.resources import ROWS

_BROKEN = (OSError, EOFError, zlib.error)


@dataclass(frozen=True, slots=True)
class Document:
    """A Bundle or a single resource with the file it stands in, and its line in NDJSON.

    Single resources of NDJSON files come as one Bundle a patient, under the file and without the
    line of the Patient.
    """

    source: str
    content: Object
    line: int | None = None


@dataclass(slots=True)
class Skipped:
    """What was passed over without harm, for the caller to show.

    `files`: suffix -> number of other files in folders. `resources`: type -> number of NDJSON
    resources that are about no patient (Practitioner, Medication, ...).
    """

    files: Counter[str] = field(default_factory=Counter)
    resources: Counter[str] = field(default_factory=Counter)


def iter_documents(
    paths: Sequence[Path], problems: Problems, skipped: Skipped | None = None
) -> Iterator[Document]:
    """The documents of files and folders, in the order given, folders recursively by name.

    Read are `.json` (a Bundle or a resource), `.ndjson` and `.jsonl` (one of these a line), each
    also with `.gz`. Single resources in NDJSON lines are joined by patient over all files and
    come last. What cannot be read is a problem `not-readable`; the rest is still read.
    """
    skipped = Skipped() if skipped is None else skipped
    loose = _Loose(problems, skipped)
    for path in paths:
        for file in _files(path, problems, skipped):
            if _form(file) == "json":
                yield from _whole(file, problems)
            else:
                yield from _lines(file, problems, loose)
    yield from loose.documents()


def _form(path: Path) -> Literal["json", "lines"] | None:
    """How a file is read, by its name; None when it is not."""
    name = path.name.lower().removesuffix(".gz")
    if name.endswith(".json"):
        return "json"
    return "lines" if name.endswith((".ndjson", ".jsonl")) else None


def _files(path: Path, problems: Problems, skipped: Skipped) -> Iterator[Path]:
    """The files to read at a path that was given."""
    try:
        folder, exists = path.is_dir(), path.exists()
    except OSError as error:
        _not_readable(path, _reason(error), problems)
        return
    if folder:
        yield from _in_folder(path, frozenset(), problems, skipped)
    elif exists and _form(path) is None:
        hint = "read are .json, .ndjson and .jsonl, also with .gz, and folders of these"
        _not_readable(path, "its name does not say that it is FHIR JSON", problems, hint)
    else:
        yield path


def _in_folder(
    folder: Path, above: frozenset[Path], problems: Problems, skipped: Skipped
) -> Iterator[Path]:
    """The files to read in a folder and below; a link to a folder above is not followed."""
    try:
        above = above | {folder.resolve()}
        children = sorted(folder.iterdir(), key=lambda child: child.name)
        for child in children:
            hidden = child.name.startswith(".")
            if child.is_dir() and not hidden:
                if child.resolve() not in above:
                    yield from _in_folder(child, above, problems, skipped)
            elif _form(child) and not hidden and (child.is_file() or not child.exists()):
                yield child  # also a dangling link: opening it says what is wrong
            else:
                skipped.files[child.suffix.lower()] += 1
    except OSError as error:
        _not_readable(folder, _reason(error), problems)


def _whole(path: Path, problems: Problems) -> Iterator[Document]:
    try:
        with _open(path) as stream:
            content = _resource(stream.read())
    except NotJson as error:
        extra = "Extra data" in str(error)
        hint = "a file with a resource a line is named .ndjson" if extra else None
        _not_readable(path, str(error), problems, hint)
    except _BROKEN as error:
        _not_readable(path, _reason(error), problems)
    else:
        yield Document(str(path), content)


def _lines(path: Path, problems: Problems, loose: _Loose) -> Iterator[Document]:
    try:
        with _open(path) as stream:
            for number, line in enumerate(stream, 1):
                if not line.strip():
                    continue
                try:
                    content = _resource(line)
                except NotJson as error:
                    _not_readable(path, f"line {number}: {error}", problems)
                    continue
                if content["resourceType"] == "Bundle":
                    yield Document(str(path), content, number)
                else:
                    loose.add(content, str(path), number)
    except _BROKEN as error:
        _not_readable(path, _reason(error), problems)


def _open(path: Path) -> IO[bytes]:
    if path.name.lower().endswith(".gz"):
        return cast("IO[bytes]", gzip.open(path, "rb"))
    return path.open("rb")


def _resource(data: bytes) -> Object:
    """The FHIR resource in JSON text; raises NotJson, also for JSON that is something else."""
    content = parse(data)
    if not isinstance(content, dict) or not isinstance(content.get("resourceType"), str):
        raise NotJson("it is not a FHIR resource: it has no resourceType")
    return content


def _reason(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error)
    return f"it cannot be read: {shown(text)}"


def _not_readable(path: Path, message: str, problems: Problems, hint: str | None = None) -> None:
    problems.add(Problem(code="not-readable", message=message, hint=hint, file=str(path)))


class _Loose:
    """Single resources of NDJSON lines, held until all files are read and then joined."""

    def __init__(self, problems: Problems, skipped: Skipped) -> None:
        self._problems = problems
        self._skipped = skipped
        self._resources: dict[str, list[Object]] = {}
        self._first: dict[str, str] = {}
        self._patients: dict[str, str] = {}

    def add(self, resource: Object, source: str, line: int) -> None:
        kind: str = resource["resourceType"]
        if kind == "Patient":
            patient = resource.get("id")
            if not isinstance(patient, str) or not patient:
                self._problem("no-patient", f"line {line}: the Patient has no id", source)
                return
            self._patients.setdefault(patient, source)
        else:
            reference = subject_reference(resource)
            found = None if reference is None else patient_id(reference)
            if found is None:
                self._about_nobody(resource, source, line)
                return
            patient = found
        self._first.setdefault(patient, source)
        self._resources.setdefault(patient, []).append(resource)

    def documents(self) -> Iterator[Document]:
        """A Bundle for each patient, in the order of the Patient resources."""
        for patient, source in self._patients.items():
            entry = [{"resource": resource} for resource in self._resources.pop(patient)]
            yield Document(source, {"resourceType": "Bundle", "entry": entry})
        for patient, resources in self._resources.items():
            message = f"{len(resources)} resources are about `{shown(patient)}`, whose Patient is"
            self._problem("no-patient", f"{message} in no file", self._first[patient])

    def _about_nobody(self, resource: Object, source: str, line: int) -> None:
        kind: str = resource["resourceType"]
        if kind in ROWS:
            self._problem("foreign-subject", f"line {line}: it is about no patient", source, kind)
        else:
            self._skipped.resources[kind] += 1

    def _problem(self, code: str, message: str, source: str, resource: str | None = None) -> None:
        self._problems.add(Problem(code=code, message=message, resource=resource, file=source))
