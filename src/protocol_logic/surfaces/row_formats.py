"""Rows as JSON, NDJSON, CSV and Parquet; the table for people is in table.py.

A format makes a piece of bytes of each row, where the row is made: in any process. The pieces are
kept outside memory until all rows are there, for only then is it known which patients stand in two
documents and are withheld; then the format writes the output from the pieces that are left.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from datetime import date
from itertools import islice
from pathlib import Path
from struct import Struct
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Any, TypeAlias

import click

from protocol_logic.foundation.text import guarded
from protocol_logic.surfaces.outputs import written

if TYPE_CHECKING:
    from protocol_logic.answering.rows import Row
    from protocol_logic.surfaces.row_templates import Templates

Pieces: TypeAlias = Callable[[], Iterator[bytes]]
"""The pieces of the rows to write, in order, each time from the first."""

COLUMNS = (
    "patient", "source", "as_of", "eligibility", "scopes", "criterion", "polarity", "for", "basis",
    "asked",
    "outcome", "verdict", "applies", "oldest_evidence", "gaps", "reasons", "protocol", "digest",
    "policies", "parameters",
)  # fmt: skip
"""The columns of CSV and Parquet; `why` stands behind them where it is asked for."""

_IN_MEMORY = 4 * 2**20
_ROW_GROUP = 2_000
_LENGTHS = Struct("<II")
_PLAIN = re.compile(r"[A-Za-z0-9/._:-]*")

# Line ends to some readers of NDJSON, not to JSON, which leaves them as they are within texts.
_LINE_ENDS = {ord(char): f"\\u{ord(char):04x}" for char in "\x85\u2028\u2029"}


class Spool:
    """Pieces of rows with their patients: a nameless temporary file, once they are many.

    `folder`: where that file is made; None for the system's place.
    """

    def __init__(self, folder: Path | None = None, in_memory: int = _IN_MEMORY) -> None:
        place = None if folder is None else str(folder)
        self._file = SpooledTemporaryFile(max_size=in_memory, dir=place)  # noqa: SIM115

    def add(self, patient: str, piece: bytes) -> None:
        """Keep the piece of a patient's row."""
        name = patient.encode("utf-8", "surrogatepass")
        self._file.write(_LENGTHS.pack(len(name), len(piece)) + name)
        self._file.write(piece)

    def pieces(self, withheld: Callable[[str], bool]) -> Iterator[bytes]:
        """The pieces of the patients who are not withheld, in the order in which they came."""
        self._file.seek(0)
        while lengths := self._file.read(_LENGTHS.size):
            name, piece = map(self._file.read, _LENGTHS.unpack(lengths))
            if not withheld(name.decode("utf-8", "surrogatepass")):
                yield piece

    def close(self) -> None:
        """Let the file go."""
        self._file.close()


class RowFormat(ABC):
    """A way to write rows."""

    @staticmethod
    @abstractmethod
    def piece(row: Row) -> bytes:
        """What is kept of a row."""

    @abstractmethod
    def write(self, out: IO[bytes], pieces: Pieces) -> None:
        """Write the output from the pieces of its rows."""

    @staticmethod
    def templates() -> Templates | None:
        """What writes rows of many with what they share; None where each is written as one."""
        return None


class Ndjson(RowFormat):
    """A row a line."""

    @staticmethod
    def piece(row: Row) -> bytes:
        return written(_json(row, separators=(",", ":")) + "\n")

    def write(self, out: IO[bytes], pieces: Pieces) -> None:
        for piece in pieces():
            out.write(piece)

    @staticmethod
    def templates() -> Templates:
        from protocol_logic.surfaces.row_templates import JsonTemplates

        return JsonTemplates(Ndjson.piece, _value)


class Json(RowFormat):
    """A list of all rows."""

    @staticmethod
    def piece(row: Row) -> bytes:
        # Line ends within texts are escaped, so each real one belongs to the layout.
        return written(" " + _json(row, indent=1).replace("\n", "\n "))

    def write(self, out: IO[bytes], pieces: Pieces) -> None:
        separator = b"[\n"
        for piece in pieces():
            out.write(separator)
            out.write(piece)
            separator = b",\n"
        out.write(b"[]\n" if separator == b"[\n" else b"\n]\n")

    @staticmethod
    def templates() -> Templates:
        from protocol_logic.surfaces.row_templates import JsonTemplates

        return JsonTemplates(Json.piece, _value)


class Csv(RowFormat):
    """A line for each patient and criterion; `gaps` and their `reasons` separated by blanks."""

    def __init__(self, why: bool = False) -> None:
        self._columns = columns_of(why)

    @staticmethod
    def piece(row: Row) -> bytes:
        return written("".join(",".join(map(_cell, cells)) + "\n" for cells in flat(row)))

    def write(self, out: IO[bytes], pieces: Pieces) -> None:
        out.write(written(",".join(self._columns) + "\n"))
        for piece in pieces():
            out.write(piece)

    @staticmethod
    def templates() -> Templates:
        from protocol_logic.surfaces.row_templates import CsvTemplates

        return CsvTemplates(Csv.piece, lambda value: written(_cell(value)))


class Parquet(RowFormat):
    """The columns of CSV, typed: `as_of` a date, `applies` a truth value, the rest text."""

    def __init__(self, why: bool = False) -> None:
        self._columns = columns_of(why)
        try:
            import pyarrow
            from pyarrow import parquet
        except ImportError as error:
            raise click.UsageError("--format parquet needs pyarrow: pip install pyarrow") from error
        self._pyarrow: Any = pyarrow
        self._parquet: Any = parquet

    @staticmethod
    def piece(row: Row) -> bytes:
        return written(json.dumps(list(flat(row)), ensure_ascii=False))

    def write(self, out: IO[bytes], pieces: Pieces) -> None:
        arrow = self._pyarrow
        types = {"as_of": arrow.date32(), "applies": arrow.bool_()}
        schema = arrow.schema([(name, types.get(name, arrow.string())) for name in self._columns])
        left = pieces()
        with self._parquet.ParquetWriter(arrow.PythonFile(out, mode="w"), schema) as writer:
            while group := list(islice(left, _ROW_GROUP)):
                rows = [cells for piece in group for cells in json.loads(piece)]
                columns = [
                    arrow.array([_arrow_value(field.name, value) for value in values], field.type)
                    for field, values in zip(schema, zip(*rows, strict=True), strict=True)
                ]
                writer.write_table(arrow.table(columns, schema=schema))


def columns_of(why: bool) -> tuple[str, ...]:
    """The columns of rows that say why, or of others."""
    return (*COLUMNS, "why") if why else COLUMNS


def _json(row: Row, **layout: Any) -> str:
    return json.dumps(row, ensure_ascii=False, **layout).translate(_LINE_ENDS)


def _value(value: str | None) -> bytes:
    """A value as it stands in a row of JSON."""
    if value is None:
        return b"null"
    if _PLAIN.fullmatch(value):
        return b'"%s"' % value.encode()
    return written(json.dumps(value, ensure_ascii=False).translate(_LINE_ENDS))


def flat(row: Row) -> Iterator[tuple[Any, ...]]:
    """The cells of a row, criterion by criterion, in the order of `columns_of`.

    `policies`: id, version and digest of those in force, if any; `parameters`: name and value of
    those that are not the protocol's own, separated by `; `.
    """
    protocol, policies = row["protocol"], row["policies"]
    judged = (f"{protocol['id']} {protocol['version']}", protocol["digest"])
    site = policies and f"{policies['id']} {policies['version']} {policies['digest']}"
    others = (p for p in row["parameters"] if p["from"] != "protocol")
    parameters = "; ".join(f"{p['name']} {p['value']}" for p in others) or None
    scopes = " ".join(f"{scope['id']}={scope['eligibility']}" for scope in row["scopes"])
    for criterion in row["criteria"]:
        yield (
            row["patient"], row["source"], row["as_of"], row["eligibility"], scopes,
            criterion["id"], criterion["polarity"], " ".join(criterion["scopes"]),
            criterion["basis"],
            " ".join(question["id"] for question in criterion["asked"]),
            criterion["outcome"], criterion["verdict"],
            criterion["applies"], criterion["oldest_evidence"], " ".join(criterion["gaps"]),
            " ".join(gap["reason"] for gap in criterion["gap_details"]), *judged, site,
            parameters, *([criterion["why"]] if "why" in row else []),
        )  # fmt: skip


def _cell(value: str | bool | None) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = guarded(value)
    # The csv module leaves a lone carriage return unquoted, which ends a line for many readers.
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in '",\r\n') else text


def _arrow_value(name: str, value: Any) -> Any:
    if name == "as_of":
        return date.fromisoformat(value)
    return written(value).decode() if isinstance(value, str) else value
