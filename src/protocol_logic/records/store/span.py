"""Some patients in a row of a store, as they are read for all protocols: each thing once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from protocol_logic.records.store.opening import StoreError, told

if TYPE_CHECKING:
    import numpy as np
    from duckdb import DuckDBPyConnection

Array: TypeAlias = "np.ndarray[Any, Any]"
Table: TypeAlias = "Mapping[str, Array]"
"""Columns by name."""
_T = TypeVar("_T")


class Span:
    """The patients at the positions from `start` to before `stop`; a patient goes by the place in
    it, from 0. Arrays are shared, and so cannot be written."""

    def __init__(self, connection: DuckDBPyConnection, start: int, stop: int) -> None:
        self.connection = connection
        self.start = start
        self.stop = stop
        self._blocks: dict[int, _Block] = {}
        self._known: dict[object, Any] = {}

    @property
    def size(self) -> int:
        """How many patients there are."""
        return self.stop - self.start

    def once(self, key: object, read: Callable[[], _T]) -> _T:
        """What is read under a key, once."""
        if key not in self._known:
            self._known[key] = read()
        found: _T = self._known[key]
        return found

    def facts(self, entry: int, columns: Iterable[str], beside: Collection[int]) -> Table:
        """Columns of `by_entry` of the facts of an entry, by patient and in record order; those of
        the entries `beside` are read with them."""
        if entry not in self._blocks:
            block = _Block(self, [n for n in {entry, *beside} if n not in self._blocks])
            self._blocks.update(dict.fromkeys(block.entries, block))
        return self._blocks[entry].facts(entry, columns)


class _Block:
    """The facts of some entries: columns, each read when it is first asked for."""

    def __init__(self, span: Span, entries: Sequence[int]) -> None:
        import numpy as np

        self.entries = entries
        self._span = span
        self._columns: dict[str, Array] = {}
        self._read(())
        its, patient = self._columns["entry"], self._columns["patient"]
        key = its.astype(np.int64) * span.size + patient
        if (key[1:] < key[:-1]).any():
            raise StoreError(*_NOT_IN_ORDER)
        found, first = np.unique(its, return_index=True)
        stops = [*first[1:].tolist(), len(its)]
        pairs = zip(found.tolist(), first.tolist(), stops, strict=False)
        self._slices = {entry: slice(start, stop) for entry, start, stop in pairs}

    def facts(self, entry: int, columns: Iterable[str]) -> Table:
        names = ["patient", *columns]
        lacking = [name for name in dict.fromkeys(names) if name not in self._columns]
        if lacking:
            self._read(lacking)
        where = self._slices.get(entry, slice(0, 0))
        return {name: self._columns[name][where] for name in names}

    def _read(self, names: Sequence[str]) -> None:
        span, entries = self._span, set(self.entries)
        first, last = min(entries), max(entries)
        bits = "".join("01"[n in entries] for n in range(first, last + 1))
        # Not `IN`, of which DuckDB makes a join, and that gives rows in another order.
        with told():
            found = span.connection.execute(
                f"SELECT {', '.join(dict.fromkeys((*_PLACE, *names)))} FROM by_entry "
                f"WHERE patient >= {span.start} AND patient < {span.stop} "
                f"AND entry BETWEEN {first} AND {last} "
                f"AND get_bit('{bits}'::BIT, entry - {first}) = 1"
            ).fetchnumpy()
        found["patient"] = found["patient"] - found["patient"].dtype.type(span.start)
        for name, column in found.items():
            column.flags.writeable = False
            if name in _PLACE and not (self._columns.setdefault(name, column) == column).all():
                raise StoreError(*_NOT_IN_ORDER)
            self._columns[name] = column


_PLACE = ("entry", "patient", "place")
_NOT_IN_ORDER = ("its facts do not lie in order", "ingest the sources into a new file")
"""DuckDB gives rows as they lie, if nothing else is asked for."""
