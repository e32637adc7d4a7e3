"""Some patients in a row of a store, as they are read for all protocols: each thing once."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from protocol_logic.foundation.problems import Problem
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
        self._blocks: dict[tuple[str, int], _Block] = {}
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

    def facts(
        self, entry: int, columns: Sequence[str], beside: Collection[int], what: str
    ) -> Table:
        """Columns of `by_entry` of the facts of an entry, by patient and in record order; those of
        the entries `beside` are read with them, as `what` they are asked for together."""
        key = what, entry
        if key not in self._blocks:
            entries = [n for n in {entry, *beside} if (what, n) not in self._blocks]
            block = _Block(self, entries, columns)
            self._blocks.update({(what, number): block for number in entries})
        return self._blocks[key].facts(entry, columns)

    def kinds(self) -> Mapping[int, str]:
        """What the entries of the store are, by number."""
        return self.once("kinds", self._kinds)

    def _kinds(self) -> dict[int, str]:
        with told():
            rows = self.connection.execute("SELECT entry, kind FROM entries").fetchall()
        return dict(rows)

    @property
    def numbers(self) -> Array:
        """The numbers of the patients in the store, by place."""
        return self.once("numbers", self._numbers)

    def _numbers(self) -> Array:
        with told():
            found = self.connection.execute(
                "SELECT patient FROM positions WHERE position >= ? AND position < ? "
                "ORDER BY position",
                [self.start, self.stop],
            ).fetchnumpy()
        numbers: Array = found["patient"]
        return numbers

    @property
    def reach(self) -> str:
        """A condition that holds of the patients of the span, and perhaps of others."""
        return f"patient BETWEEN {int(self.numbers.min())} AND {int(self.numbers.max())}"

    def places(self, patients: Array) -> Array:
        """The places of patients by their numbers; -1 for those who are not in it."""
        found: Array = self.once("places", self._places)[patients - int(self.numbers.min())]
        return found

    def _places(self) -> Array:
        import numpy as np

        low = int(self.numbers.min())
        found = np.full(int(self.numbers.max()) - low + 1, -1, np.int32)
        found[self.numbers - low] = np.arange(self.size, dtype=np.int32)
        return found

    def patients(self) -> list[tuple[Any, ...]]:
        """The patients: number, place in the store, id, source, index date and where it is from,
        how many resources are irrelevant to every protocol, and how many entries hold none."""
        return self.once("patients", self._patients)

    def _patients(self) -> list[tuple[Any, ...]]:
        with told():
            rows = self.connection.execute(
                "SELECT patient, place, id, source, index_date, index_source, counted, nothing "
                f"FROM patients WHERE {self.reach} ORDER BY place"
            ).fetchall()
        ours = set(self.numbers.tolist())
        sums: dict[str, int] = {"{}": 0}
        found = []
        for row in rows:
            if row[0] in ours:
                counted = row[6]
                if counted not in sums:
                    sums[counted] = sum(json.loads(counted).values())
                found.append((*row[:6], sums[counted], row[7]))
        return found

    def states(self) -> list[bytes]:
        """By place a digest of what the store has of each patient: of the document, of what it was
        read for and how, and of where it stands."""
        with told():
            run = self.connection.execute
            read = run(
                "SELECT knowledge, string_agg(name || ' ' || digest, ';' ORDER BY name, digest) "
                "FROM knowledge JOIN entries USING (entry) GROUP BY knowledge"
            ).fetchall()
            rows = run(
                "SELECT patient, knowledge, id, source, line, digest, index_date, index_source, "
                f"counted, nothing FROM patients WHERE {self.reach} ORDER BY place"
            ).fetchall()
        of_knowledge = {number: sha256(text.encode()).digest() for number, text in read}
        ours = set(self.numbers.tolist())
        found = []
        for number, knowledge, *rest in rows:
            if number in ours:
                said = (of_knowledge[knowledge], *rest)
                found.append(sha256(repr(said).encode()).digest())
        return found

    def between(self) -> list[tuple[int, Problem]]:
        """The documents that gave no patient and stand before a patient, or behind all: the place
        of the patient that follows, and why."""
        return self.once("between", self._between)

    def _between(self) -> list[tuple[int, Problem]]:
        with told():
            run = self.connection.execute
            rows = run("SELECT * FROM told ORDER BY place").fetchall()
            if not rows:
                return []
            before = run(
                "SELECT max(place) FROM positions JOIN patients USING (patient) WHERE position < ?",
                [self.start],
            ).fetchone()
            last = run("SELECT max(position) FROM positions").fetchone()
        low = before[0] if before is not None and before[0] is not None else -1
        is_last = last is None or last[0] is None or last[0] < self.stop
        places = [row[1] for row in self.patients()]
        found = []
        for place, code, message, hint, name, file in rows:
            if place > low and (is_last or place < places[-1]):
                problem = Problem(code=code, message=message, hint=hint, resource=name, file=file)
                found.append((bisect_left(places, place), problem))
        return found

    def resources(self) -> Table:
        """All resources that some protocol can be told of: `place` of the patient, or -1, number,
        `about` or -1, whether it is `stated`, may be (`loud`: its status leaves it open), is
        `stopped`, or is found `via` another."""
        return self.once("resources", self._resources)

    def _resources(self) -> Table:
        with told():
            found = self.connection.execute(
                "SELECT patient, resource, coalesce(about, -1) AS about, "
                "(status IS NOT NULL)::UTINYINT AS loud, (via IS NOT NULL)::UTINYINT AS via, "
                f"stated, stopped FROM resources WHERE {self.reach}"
            ).fetchnumpy()
        return {**found, "place": self.places(found["patient"])}


class _Block:
    """The facts of some entries: columns, each read when it is first asked for."""

    def __init__(self, span: Span, entries: Sequence[int], columns: Sequence[str]) -> None:
        """`columns`: those that are asked for first."""
        import numpy as np

        self.entries = entries
        self._span = span
        self._columns: dict[str, Array] = {}
        self._order: Array | None = None
        self._read(columns)
        entry, patient, place = (self._columns[name] for name in _PLACE)
        key = entry.astype(np.int64) * span.size + patient
        if (key[1:] < key[:-1]).any():  # of several files one lies behind the other
            self._order = np.argsort(key, kind="stable")
            for name, column in self._columns.items():
                self._columns[name] = column[self._order]
            key, place = key[self._order], self._columns["place"]
        if ((key[1:] == key[:-1]) & (place[1:] < place[:-1])).any():
            raise StoreError(*_NOT_IN_ORDER)
        its = self._columns["entry"]
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
        for name, read in found.items():
            column = read if self._order is None else read[self._order]
            column.flags.writeable = False
            if name in _PLACE and not (self._columns.setdefault(name, column) == column).all():
                raise StoreError(*_NOT_IN_ORDER)
            self._columns[name] = column


_PLACE = ("entry", "patient", "place")
_NOT_IN_ORDER = ("its facts do not lie in order", "ingest the sources into a new file")
"""DuckDB gives rows as they lie, if nothing else is asked for; so each time in one order."""
