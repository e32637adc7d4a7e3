"""Rows as JSON, NDJSON, CSV and Parquet; the table for people is in table.py.

A writer takes rows one after the other and keeps them as bytes, outside memory where they are
many: only at the end is it known which patients stand in two documents and are withheld.
"""

from __future__ import annotations

import io
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from datetime import date
from itertools import chain
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Any, TypeAlias

import click

from protocol_logic.surfaces.outputs import written

if TYPE_CHECKING:
    from protocol_logic.answering.rows import Row

Withheld: TypeAlias = Callable[[str], bool]

COLUMNS = (
    "patient", "source", "as_of", "eligibility", "criterion", "polarity", "outcome", "verdict",
    "applies", "oldest_evidence", "gaps",
)  # fmt: skip

_IN_MEMORY = 32 * 2**20
# What makes a spreadsheet take a text for a formula, also in full width.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

# Line ends to some readers of NDJSON, not to JSON, which leaves them as they are within texts.
_LINE_ENDS = {ord(char): f"\\u{ord(char):04x}" for char in "\x85\u2028\u2029"}


class RowWriter(ABC):
    """Takes rows in input order; writes those that are not withheld."""

    @abstractmethod
    def add(self, row: Row) -> None:
        """Take a patient's row."""

    @abstractmethod
    def write(self, out: IO[bytes], withheld: Withheld) -> None:
        """Write all rows taken, but those of withheld patients."""


class _Spooled(RowWriter):
    """A writer whose rows are pieces of bytes that stand side by side."""

    def __init__(self) -> None:
        self._pieces = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115  (kept open)
        self._lengths: list[tuple[str, int]] = []

    @abstractmethod
    def piece(self, row: Row) -> str:
        """The text of one row."""

    def add(self, row: Row) -> None:
        data = written(self.piece(row))
        self._pieces.write(data)
        self._lengths.append((row["patient"], len(data)))

    def kept(self, withheld: Withheld) -> Iterator[bytes]:
        """The pieces of the rows that are not withheld."""
        self._pieces.seek(0)
        for patient, length in self._lengths:
            data = self._pieces.read(length)
            if not withheld(patient):
                yield data
        self._pieces.close()


class NdjsonWriter(_Spooled):
    """A row a line."""

    def piece(self, row: Row) -> str:
        return _json(row, separators=(",", ":")) + "\n"

    def write(self, out: IO[bytes], withheld: Withheld) -> None:
        for data in self.kept(withheld):
            out.write(data)


class JsonWriter(_Spooled):
    """A list of all rows."""

    def piece(self, row: Row) -> str:
        # Line ends within texts are escaped, so each real one belongs to the layout.
        return " " + _json(row, indent=1).replace("\n", "\n ")

    def write(self, out: IO[bytes], withheld: Withheld) -> None:
        separator = b"[\n"
        for data in self.kept(withheld):
            out.write(separator + data)
            separator = b",\n"
        out.write(b"[]\n" if separator == b"[\n" else b"\n]\n")


class CsvWriter(_Spooled):
    """A line for each patient and criterion; `gaps` separated by blanks."""

    def piece(self, row: Row) -> str:
        return "".join(",".join(map(_cell, cells)) + "\n" for cells in flat(row))

    def write(self, out: IO[bytes], withheld: Withheld) -> None:
        for data in chain([written(",".join(COLUMNS) + "\n")], self.kept(withheld)):
            out.write(data)


class ParquetWriter(RowWriter):
    """The columns of CSV, typed: `as_of` a date, `applies` a truth value, the rest text."""

    def __init__(self) -> None:
        try:
            import pyarrow
            from pyarrow import parquet
        except ImportError as error:
            raise click.UsageError("--format parquet needs pyarrow: pip install pyarrow") from error
        self._pyarrow: Any = pyarrow
        self._parquet: Any = parquet
        self._columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}

    def add(self, row: Row) -> None:
        for cells in flat(row):
            for values, cell in zip(self._columns.values(), cells, strict=True):
                values.append(cell)

    def write(self, out: IO[bytes], withheld: Withheld) -> None:
        keep = [not withheld(patient) for patient in self._columns["patient"]]
        arrow = self._pyarrow
        types = {"as_of": arrow.date32(), "applies": arrow.bool_()}
        table = arrow.table(
            {
                name: arrow.array(
                    [
                        _arrow_value(name, value)
                        for value, kept in zip(values, keep, strict=True)
                        if kept
                    ],
                    types.get(name, arrow.string()),
                )
                for name, values in self._columns.items()
            }
        )
        # The stream belongs to the caller; pyarrow closes what it is given.
        buffer = io.BytesIO()
        self._parquet.write_table(table, buffer)
        out.write(buffer.getbuffer())


def _json(row: Row, **layout: Any) -> str:
    return json.dumps(row, ensure_ascii=False, **layout).translate(_LINE_ENDS)


def flat(row: Row) -> Iterator[tuple[Any, ...]]:
    """The cells of a row, criterion by criterion, in the order of `COLUMNS`."""
    for criterion in row["criteria"]:
        yield (
            row["patient"], row["source"], row["as_of"], row["eligibility"],
            criterion["id"], criterion["polarity"], criterion["outcome"], criterion["verdict"],
            criterion["applies"], criterion["oldest_evidence"], " ".join(criterion["gaps"]),
        )  # fmt: skip


def _cell(value: str | bool | None) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = f"'{value}" if value.startswith(_FORMULA) else value
    # The csv module leaves a lone carriage return unquoted, which ends a line for many readers.
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in '",\r\n') else text


def _arrow_value(name: str, value: Any) -> Any:
    if name == "as_of":
        return date.fromisoformat(value)
    return written(value).decode() if isinstance(value, str) else value
