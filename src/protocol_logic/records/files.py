"""From paths to files, and from files to the bytes of documents, within limits.

Nothing here may hang or fill the memory, whatever lies at a path. Source: docs/records.md, Files.
"""

from __future__ import annotations

import gzip
import io
import os
import stat
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast

from protocol_logic.foundation.problems import Problem
from protocol_logic.foundation.text import shown

DOCUMENT_LIMIT = 100_000_000
"""The most bytes of one document (a file or a line), after decompression."""
RATIO_LIMIT = 500
"""How many times its size a `.gz` file may grow, once `RATIO_FROM` bytes came out of it."""
RATIO_FROM = 4_000_000

_KINDS = ".json, .ndjson or .jsonl"
_READ = "read are .json, .ndjson and .jsonl, also with .gz, and folders of these"
_CHUNK = 2**20
_GZIP = b"\x1f\x8b"
# Byte order marks of UTF-16 and UTF-32, and the first letter of JSON in UTF-16 without one.
_WIDE = (b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff", b"{\0", b"\0{", b"[\0", b"\0[")


@dataclass(slots=True)
class Reading:
    """How far the reading is, and what was passed over without harm, for the caller to show.

    `bytes`: read so far, as they lie on the disk. `files`: suffix -> number of other files in
    folders. `resources`: type -> number of NDJSON resources that are about no patient
    (Practitioner, Medication, ...).
    """

    bytes: int = 0
    files: Counter[str] = field(default_factory=Counter)
    resources: Counter[str] = field(default_factory=Counter)


class NotReadable(Exception):
    """A file, or the rest of it, that cannot be read; message and hint are safe to show."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


def not_readable(path: Path, message: str, hint: str | None = None) -> Problem:
    """The problem of a file."""
    return Problem(code="not-readable", message=message, hint=hint, file=str(path))


# ---- paths ---------------------------------------------------------------------------------------


def form_of(path: Path) -> Literal["json", "lines"] | None:
    """How a file is read, by its name; None when it is not."""
    name = path.name.lower().removesuffix(".gz")
    if name.endswith(".json"):
        return "json"
    return "lines" if name.endswith((".ndjson", ".jsonl")) else None


def files_at(path: Path, reading: Reading) -> Iterator[Path | Problem]:
    """The files to read at a path that was given: itself, or those of a folder and below."""
    try:
        folder = path.is_dir()
    except OSError as error:
        yield not_readable(path, _reason(error))
        return
    if folder:
        yield from _in_folder(path, reading)
    elif form_of(path) is None:
        yield not_readable(path, "its name does not say that it is FHIR JSON", _READ)
    else:
        yield path


def _in_folder(top: Path, reading: Reading) -> Iterator[Path | Problem]:
    """The files to read in a folder and below, by name; each folder once, whatever links to it."""
    seen: set[tuple[int, int]] = set()
    # Not recursive: folders may lie deeper in one another than calls can.
    levels: list[Iterator[Path]] = [iter([top])]
    entries = files = 0
    while levels:
        child = next(levels[-1], None)
        if child is None:
            levels.pop()
            continue
        entries += 1
        hidden = child.name.startswith(".") and child is not top
        folder = not hidden and os.path.isdir(child)  # noqa: PTH112  (never raises)
        if folder:
            try:
                found = child.stat()
                if (found.st_dev, found.st_ino) not in seen:
                    seen.add((found.st_dev, found.st_ino))
                    levels.append(map(child.joinpath, sorted(os.listdir(child))))  # noqa: PTH208
            except OSError as error:
                files += 1
                yield not_readable(child, _reason(error))
        elif hidden or form_of(child) is None:
            reading.files[child.suffix.lower()] += 1
        else:
            files += 1
            yield child
    if not files:
        message = "empty folder" if entries == 1 else f"no {_KINDS} file is in this folder"
        tables = {".csv", ".parquet"} & reading.files.keys()
        hint = "tables have a mapping.toml, or are those of OMOP with PERSON" if tables else None
        yield Problem(code="no-patient", message=message, hint=hint, file=str(top))


def size_at(path: Path) -> int:
    """The bytes of all files to read at a path, as they lie on the disk; nothing is told."""
    total = 0
    for file in files_at(path, Reading()):
        if isinstance(file, Path):
            with suppress(OSError):
                total += file.stat().st_size
    return total


# ---- content -------------------------------------------------------------------------------------


def whole(path: Path, reading: Reading) -> bytes:
    """The document that a file is. Raises NotReadable."""
    with _opened(path, reading) as file:
        data = file.stream.read(DOCUMENT_LIMIT + 1)
    if len(data) > DOCUMENT_LIMIT:
        raise NotReadable(too_long())
    if not data or data.isspace():
        raise NotReadable("it is empty")
    return data


def lines(path: Path, reading: Reading) -> Iterator[tuple[int, bytes | None]]:
    """The lines of a file that are not blank, with their numbers; None for one that is too long.

    Raises NotReadable where the file cannot be read further.
    """
    number = 0
    empty = True
    try:
        with _opened(path, reading) as file:
            stream, given = file.stream, 0
            while line := stream.readline(DOCUMENT_LIMIT + 1):
                number += 1
                given += len(line)
                if given > file.check_at:
                    file.check(given)
                if line.isspace():
                    continue
                empty = False
                file.tell()
                if len(line) <= DOCUMENT_LIMIT or line.endswith(b"\n"):
                    yield number, line
                    continue
                del line
                while (rest := stream.readline(_CHUNK)) and not rest.endswith(b"\n"):
                    given += len(rest)
                    if given > file.check_at:
                        file.check(given)
                yield number, None
    except NotReadable as error:
        place = f"after line {number:,}: " if number else ""
        raise NotReadable(f"{place}{error}", error.hint) from error
    if empty:
        raise NotReadable("it is empty")


def too_long() -> str:
    """Why a document beyond the limit is not read."""
    return f"it is longer than {DOCUMENT_LIMIT / 1_000_000:g} MB"


@dataclass(slots=True)
class _File:
    """An open file: `stream` gives what is in it, unpacked; `packed` is the file itself."""

    stream: io.BufferedReader
    packed: io.BufferedReader
    reading: Reading
    before: int
    """Bytes that were read before this file."""
    check_at: int
    """How many bytes may come out until `check` is asked again."""

    def tell(self) -> None:
        """Note how far the reading is."""
        self.reading.bytes = self.before + self.packed.tell()

    def check(self, given: int) -> None:
        """Raise NotReadable when far more comes out of a file than any record could hold."""
        if given > RATIO_LIMIT * self.packed.tell():
            raise NotReadable(f"it grows to more than {RATIO_LIMIT} times its size")
        self.check_at = given + _CHUNK


@contextmanager
def _opened(path: Path, reading: Reading) -> Iterator[_File]:
    """A file whose first bytes say that it is what its name says. Raises NotReadable."""
    try:
        # Without O_NONBLOCK a pipe that nobody writes to would be waited for.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(handle, "rb") as packed, ExitStack() as stack:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise NotReadable("it is no regular file, but a device, a pipe or the like")
            stream = packed
            zipped = packed.peek(2).startswith(_GZIP)
            if path.name.lower().endswith(".gz"):
                if not zipped:
                    kind = "it is not compressed by gzip, though its name ends in .gz"
                    raise NotReadable(kind if packed.peek(1) else "it is empty")
                opened = stack.enter_context(gzip.GzipFile(fileobj=packed))
                stream = cast("io.BufferedReader", opened)
            elif zipped:
                raise NotReadable("it is compressed by gzip", "such a file is named .gz")
            if stream.peek(4).startswith(_WIDE):
                raise NotReadable(
                    "it is UTF-16 or UTF-32 text", "FHIR JSON is UTF-8; save it as that"
                )
            file = _File(stream, packed, reading, reading.bytes, RATIO_FROM)
            try:
                yield file
            finally:
                file.tell()
    except (OSError, EOFError, zlib.error) as error:
        raise NotReadable(_reason(error)) from error


def _reason(error: Exception) -> str:
    if isinstance(error, EOFError):
        return "its compressed data end too early"
    if isinstance(error, zlib.error | gzip.BadGzipFile):
        return "its compressed data are damaged"
    return f"it cannot be read: {shown(getattr(error, 'strerror', None) or str(error))}"
