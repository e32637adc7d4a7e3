"""The rows of a CSV or Parquet file as texts, by column.

Numbers of Parquet become decimal texts: a decimal as it is, a float as the shortest decimal that
means the same float. Source: docs/tables.md.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from protocol_logic.foundation.problems import did_you_mean
from protocol_logic.foundation.text import shown
from protocol_logic.records.csv_text import NotCsv, csv_rows

Cells: TypeAlias = tuple[str, ...]


class Unusable(ValueError):
    """A file that cannot be used: why (safe to show), and how to cure it."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def rows_of(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, Cells | str]]:
    """The rows of a file: the number of each, and its cells in these columns.

    A number is the line of a CSV file, where the header is line 1; in Parquet the rows are counted
    from 1. Of a CSV row with more or fewer cells than the header it says so instead.
    Raises Unusable for a file that cannot be read, and for columns that it does not have.
    """
    if path.suffix.lower() == ".parquet":
        yield from _parquet(path, columns)
    else:
        yield from _csv(path, columns)


def columns_of(path: Path) -> list[str]:
    """The names of the columns of a file. Raises Unusable for one that cannot be read."""
    if path.suffix.lower() == ".parquet":
        return _parquet_columns(path)
    try:
        with path.open(encoding="utf-8-sig", newline="\n") as stream:
            return next(csv_rows(stream)).cells
    except NotCsv as error:
        raise Unusable(f"line {error.line}: {error.message}", error.hint) from error
    except OSError as error:
        raise Unusable(_reason(error)) from error


def _csv(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, Cells | str]]:
    try:
        # A line ends at `\n` alone, as editors count.
        with path.open(encoding="utf-8-sig", newline="\n") as stream:
            rows = csv_rows(stream)
            header = next(rows).cells
            places = _places(columns, header)
            for line, cells in rows:
                if len(cells) == len(header):
                    yield line, tuple(cells[place] for place in places)
                else:
                    yield line, f"{len(cells)} cells, but the header has {len(header)}"
    except NotCsv as error:
        raise Unusable(f"line {error.line}: {error.message}", error.hint) from error
    except OSError as error:
        raise Unusable(_reason(error)) from error


def _places(columns: Sequence[str], header: Sequence[str]) -> list[int]:
    missing = [column for column in columns if column not in header]
    if missing:
        names = ", ".join(f"`{shown(column)}`" for column in missing)
        hint = did_you_mean(missing[0], header)
        known = ", ".join(f"`{shown(column)}`" for column in header[:12])
        raise Unusable(f"it has no column {names}", hint or f"its columns are {known}")
    return [header.index(column) for column in columns]


def _reason(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error)
    return f"it cannot be read: {shown(text)}"


# ---- Parquet -------------------------------------------------------------------------------------


def _parquet(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, Cells | str]]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        hint = "pip install pyarrow, or save the table as CSV"
        raise Unusable("Parquet is read by pyarrow, which is not installed", hint) from error
    number = 0
    try:
        with parquet.ParquetFile(path) as file:
            _places(columns, file.schema_arrow.names)
            texts = [_texts(pyarrow, name, file.schema_arrow.field(name).type) for name in columns]
            for batch in file.iter_batches(columns=list(columns)):
                cells = [
                    text(batch.column(batch.schema.get_field_index(name)))
                    for name, text in zip(columns, texts, strict=True)
                ]
                for row in zip(*cells, strict=True):
                    number += 1
                    yield number, row
    except (OSError, UnicodeDecodeError, pyarrow.ArrowException) as error:
        raise Unusable(_reason(error)) from error


def _parquet_columns(path: Path) -> list[str]:
    from pyarrow import ArrowException, parquet  # it was there when the rows were read

    try:
        with parquet.ParquetFile(path) as file:
            return list(file.schema_arrow.names)
    except (OSError, ArrowException) as error:
        raise Unusable(_reason(error)) from error


def _texts(pyarrow: Any, name: str, kind: Any) -> Callable[[Any], list[str]]:
    """What makes the texts of a column of this Arrow type; raises Unusable where there is none."""
    types = pyarrow.types
    if types.is_dictionary(kind):
        text = _texts(pyarrow, name, kind.value_type)
        return lambda column: text(column.dictionary_decode())
    if types.is_timestamp(kind):
        plain = pyarrow.timestamp("us", tz=kind.tz)
        return lambda column: _each(column.cast(plain, safe=False), lambda v: str(v.isoformat()))
    if types.is_floating(kind):
        form = {16: "e", 32: "f", 64: "d"}[kind.bit_width]
        return lambda column: _each(column, lambda value: _shortest(value, form))
    if types.is_boolean(kind):
        return lambda column: _each(column, lambda value: "true" if value else "false")
    if types.is_date(kind):
        return lambda column: _each(column, lambda value: str(value.isoformat()))
    if types.is_decimal(kind):
        return lambda column: _each(column, lambda value: f"{value:f}")
    if types.is_integer(kind):
        return lambda column: _each(column, str)
    if types.is_string(kind) or types.is_large_string(kind):
        return lambda column: _each(column, lambda value: str(value).strip(" "))
    if types.is_null(kind):
        return lambda column: [""] * len(column)
    raise Unusable(f"its column `{shown(name)}` is of type `{shown(str(kind))}`, which is not read")


def _each(column: Any, text: Callable[[Any], str]) -> list[str]:
    return ["" if value is None else text(value) for value in column.to_pylist()]


def _shortest(value: float, form: str) -> str:
    """The shortest decimal text that a float of this width is read from."""
    if form == "d" or value != value or value in (float("inf"), float("-inf")):
        return repr(float(value))
    for digits in range(1, 10):
        text = f"{value:.{digits}g}"
        if struct.unpack(form, struct.pack(form, float(text)))[0] == value:
            return text
    return repr(value)
