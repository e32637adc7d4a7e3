"""A shard of a store: some patients in a row, and the columns of their facts as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from protocol_logic.records.store.opening import told
from protocol_logic.records.store.span import Array as Array, Span, Table as Table

if TYPE_CHECKING:
    from protocol_logic.records.store.reading import Gatherer


_ASKED = {
    "Quantity": "numbers",
    "Concept": "statements",
    "History": "statements",
    "Event": "statements",
    "Lesion": "lesions",
}
"""Kind of entry -> which entries are read together."""


class Shard:
    """The patients of a span for one protocol; a patient goes by the place in it, from 0."""

    def __init__(self, span: Span, gatherer: Gatherer) -> None:
        self.span = span
        self.connection = span.connection
        self._gatherer = gatherer
        self.start = span.start
        self.stop = span.stop
        self._beside: dict[str, list[int]] = {}
        for number in gatherer.numbers.values():
            if number >= 0:
                self._beside.setdefault(self._what(number), []).append(number)
        self._unread: dict[str, Array] = {}
        self._mentioned: dict[str, Array] | None = None

    @property
    def numbers(self) -> Array:
        """The numbers of the patients in the store, by place."""
        return self.span.numbers

    @property
    def reach(self) -> str:
        """A condition that holds of the patients of the shard, and perhaps of others."""
        return self.span.reach

    def places(self, patients: Array) -> Array:
        """The places of patients by their numbers; -1 for those of other shards."""
        return self.span.places(patients)

    @property
    def size(self) -> int:
        """How many patients there are."""
        return self.stop - self.start

    def _what(self, number: int) -> str:
        """As what an entry is asked for: of entries of a kind the same columns are."""
        return _ASKED.get(self.span.kinds().get(number, ""), "named")

    def facts(self, entry: str, columns: Sequence[str], beside: Iterable[str] = ()) -> Table:
        """Columns of `by_entry` of the facts of an entry, by patient and in record order: those of
        resources that stand for the entry under the protocol. `beside`: just the entries of which
        these columns are asked, where few are."""
        number = self._gatherer.numbers.get(entry, -1)
        what = self._what(number)
        others: Sequence[int] = self._beside.get(what, ())
        if beside:
            what = f"{what} {columns[0]}"
            others = [n for name in beside if (n := self._gatherer.numbers.get(name, -1)) >= 0]
        excluded = self._excluded().get(number)
        if not excluded:
            return self.span.facts(number, columns, others, what)
        import numpy as np

        columns = list(dict.fromkeys((*columns, "about", "part")))
        found = self.span.facts(number, columns, others, what)
        where = np.ones(len(found["patient"]), bool)
        for about, part in excluded:
            where &= (found["about"] != about) | (found["part"] != part)
        return {name: column[where] for name, column in found.items()}

    def making(self) -> tuple[Array, Array]:
        """The patients and resources of all facts that count for the protocol, by number."""
        import numpy as np

        names = [name for name, number in self._gatherer.numbers.items() if number >= 0]
        facts = [self.facts(name, ["resource"]) for name in names]
        if not facts:
            return np.zeros(0, np.int32), np.zeros(0, np.int32)
        patients, resources = ([each[name] for each in facts] for name in ("patient", "resource"))
        return np.concatenate(patients), np.concatenate(resources)

    def words(self, kind: str) -> Mapping[int, str]:
        """The texts that a column holds, by number; those of a list with line feeds between."""
        return self.span.once(("words", kind), lambda: self._read_words(kind))

    def _read_words(self, kind: str) -> dict[int, str]:
        with told():
            rows = self.connection.execute(
                "SELECT word, content FROM words WHERE kind = ?", [kind]
            ).fetchall()
        return dict(rows)

    def words_of(self, numbers: Array) -> Mapping[int, str]:
        """The texts of some numbers, of whatever kind."""
        with told():
            rows = self.connection.execute(
                "SELECT word, content FROM words WHERE word IN (SELECT unnest(?))",
                [numbers.tolist()],
            ).fetchall()
        return dict(rows)

    def unread(self, kind: str) -> Array:
        """By patient whether there is something that may be anything of a kind of concept, on
        whatever day: no list of the record closes the kind then."""
        if not self._unread:
            self._unread.update(self._find_unread())
        return self._unread[kind]

    def _find_unread(self) -> dict[str, Array]:
        import numpy as np

        found = {}
        its = self.span.resources()
        may_be = (its["stated"] | (its["loud"] != 0)) & ~its["stopped"] & (its["place"] >= 0)
        for kind, abouts in self._gatherer.keeping_open.items():
            found[kind] = np.zeros(self.size, dtype=bool)
            if abouts:
                found[kind][its["place"][may_be & np.isin(its["about"], abouts)]] = True
        return found

    def mentioned(self) -> Mapping[str, Array]:
        """Entry -> by patient whether a resource may name it where it is not read as that, on
        whatever day; not those of nobody."""
        if self._mentioned is None:
            self._mentioned = self._find_mentioned()
        return self._mentioned

    def mentioning(self) -> Array:
        """By patient whether a resource may name any entry so."""
        import numpy as np

        found = np.zeros(self.size, dtype=bool)
        for each in self.mentioned().values():
            found |= each
        return found

    def _find_mentioned(self) -> dict[str, Array]:
        import numpy as np

        found: dict[str, Array] = {}

        def note(name: str, places: Array) -> None:
            found.setdefault(name, np.zeros(self.size, dtype=bool))[places[places >= 0]] = True

        its = self.span.resources()
        for name, abouts in self._gatherer.mentioning.items():
            note(name, its["place"][np.isin(its["about"], abouts)])
        with told():
            # An intolerance, for one, is of an entry and makes no fact.
            rows = self.connection.execute(
                f"SELECT DISTINCT patient, entry FROM problems WHERE {self.reach} "
                "AND entry IS NOT NULL AND code = 'not-usable'"
            ).fetchnumpy()
        names = self._gatherer.chosen.names
        for number in np.unique(rows["entry"]).tolist():
            if number in names:
                note(names[number], self.places(rows["patient"][rows["entry"] == number]))
        return {name: flags for name, flags in found.items() if flags.any()}

    def _excluded(self) -> Mapping[int, list[tuple[int, int]]]:
        """Entry -> the code elements that do not stand for it under the protocol, with the part:
        where categories of two entries lie in each other."""
        if self._gatherer.excluded is None:
            with told():
                rows = self.connection.execute("SELECT about, part, entry FROM stands").fetchall()
            self._gatherer.excluded = self._gatherer.found_otherwise(rows)
        return self._gatherer.excluded
