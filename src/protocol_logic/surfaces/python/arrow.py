"""Rows to tables of Arrow; pyarrow is asked for only here, when a table is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    import pyarrow

Kind: TypeAlias = Literal["text", "texts", "whole", "number", "truth", "day"]
Columns: TypeAlias = Mapping[str, Kind]
"""Name -> what stands in a column: `texts` is a list of texts, `whole` a 64 bit integer."""


def arrow_table(columns: Columns, rows: Iterable[Sequence[Any]]) -> pyarrow.Table:
    """The table of some rows, each with a value (or None) for each column, in order."""
    try:
        import pyarrow
    except ImportError as error:
        raise ImportError("to_arrow needs pyarrow: pip install pyarrow") from error
    types = {
        "text": pyarrow.string(),
        "texts": pyarrow.list_(pyarrow.string()),
        "whole": pyarrow.int64(),
        "number": pyarrow.float64(),
        "truth": pyarrow.bool_(),
        "day": pyarrow.date32(),
    }
    listed = list(rows)
    values = zip(*listed, strict=True) if listed else ([] for _ in columns)
    arrays = [
        pyarrow.array([_value(kind, value) for value in column], types[kind])
        for kind, column in zip(columns.values(), values, strict=True)
    ]
    return pyarrow.table(arrays, names=list(columns))


def _value(kind: Kind, value: Any) -> Any:
    if value is None:
        return None
    if kind == "day":
        return date.fromisoformat(value)
    # What is half a character, as records can hold it, is written as it is in files.
    if kind == "text":
        return _text(value)
    return [_text(each) for each in value] if kind == "texts" else value


def _text(value: str) -> str:
    from protocol_logic.surfaces.outputs import written

    return written(value).decode()
