"""OMOP tables to a document a person, in the order of PERSON.

DuckDB reads, joins and sorts the tables, in a file beside the store; here are some persons at a
time. Source: docs/omop.md.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from protocol_logic.foundation.problems import Problem
from protocol_logic.foundation.text import shown
from protocol_logic.records.files import Reading
from protocol_logic.records.json_text import Object
from protocol_logic.records.omop.origins import KNOWN, Cut, NoTable, Origin
from protocol_logic.records.omop.resources import NUMBER, person
from protocol_logic.records.omop.tables import CONCEPT, PERSON, TABLES, OmopRow, Table
from protocol_logic.records.sources import Unread
from protocol_logic.records.store.opening import StoreError, tables_in, temporary, told

_LOOKED_UP = ("system", "code", "name", "kind")
_PERSONS = 64
"""How many persons are fetched at once."""
_FILLED = re.compile(r'"\\u0000([^"]*)"')


def iter_persons(origin: Origin, reading: Reading, beside: Path) -> Iterator[Unread | Problem]:
    """The persons of OMOP tables, and what cannot be read. `beside`: where there is space to sort.

    Nobody, where a table cannot be read to its end: with half of the rows people would be judged
    wrongly. Raises StoreError.
    """
    with tempfile.TemporaryDirectory(prefix=".ingest", dir=beside) as space:
        connection = temporary(Path(space))
        try:
            yield from _Tables(origin, connection, reading).documents()
        finally:
            connection.close()


class _Tables:
    def __init__(self, origin: Origin, connection: Any, reading: Reading) -> None:
        self.source = origin.source
        self.origin = origin
        self.connection = connection
        self.reading = reading
        self.read: list[Table] = []

    def documents(self) -> Iterator[Unread | Problem]:
        try:
            with self.origin.opened(self.connection):
                yield from self._loaded()
        except NoTable as error:
            yield self._problem(str(error))
            return
        for name in self.origin.names:
            if name not in KNOWN:
                self.reading.files[f"table {name.upper()}"] += 1
        yield from self._documents()

    def _loaded(self) -> Iterator[Problem]:
        """Take in all tables, sorted; what cannot be read of them. Raises NoTable."""
        for name, why in (
            ("person", "so nobody is known"),
            ("concept", "so no code is known; the vocabularies of Athena have it"),
        ):
            if name not in self.origin.names:
                raise NoTable(f"there is no table {name.upper()}, {why}")
        yield from self._load("concept", CONCEPT[:3], CONCEPT[3:])
        yield from self._load("person", ("person_id",), PERSON)
        self._number_persons()
        yield from self._unclear_persons()
        for table in TABLES:
            if table.name in self.origin.names:
                yield from self._event(table)

    def _problem(self, message: str, code: str = "not-readable", row: str | None = None) -> Problem:
        return Problem(code=code, message=message, resource=row, file=self.source)

    # ---- tables ------------------------------------------------------------------------------

    def _load(self, name: str, needed: Sequence[str], more: Sequence[str]) -> Iterator[Problem]:
        """A table of DuckDB with these columns as text; what lines of it cannot be read."""
        origin, label = self.origin, self.origin.label(name)
        columns = origin.columns(name)
        missing = [column for column in needed if column not in columns]
        if missing:
            listed = ", ".join(f"`{column}`" for column in missing)
            raise NoTable(f"{label} is not read: it has no column {listed}")
        taken = [_cleaned(c) if c in columns else f'NULL::VARCHAR AS "{c}"' for c in more]
        taken = [*map(_cleaned, needed), *taken]
        wanted = [*needed, *(column for column in more if column in columns)]
        order = "" if origin.ordered else _by_number(f"{name}_id", wanted)
        try:
            with told(), origin.rows(self.connection, name, wanted) as (scan, values):
                for table in ("reject_errors", "reject_scans"):
                    self.connection.execute(f"DROP TABLE IF EXISTS {table}")
                statement = f"CREATE TABLE {name} AS SELECT {', '.join(taken)} FROM {scan}{order}"
                self.connection.execute(statement, values)
        except StoreError as error:
            if "no space" in str(error):
                raise
            raise Cut(f"{label} cannot be read: {shown(origin.safe(str(error)))}") from error
        self.reading.bytes += origin.size(name)
        yield from self._rejected(label)

    def _rejected(self, label: str) -> Iterator[Problem]:
        with told():
            if "reject_errors" not in tables_in(self.connection):
                return
            rows = self.connection.execute(
                "SELECT line, min(error_message) FROM reject_errors GROUP BY line ORDER BY line"
            ).fetchall()
        for line, why in rows:
            said = shown(str(why).splitlines()[0])
            yield self._problem(f"{label}, line {line}: the row is not read: {said}")

    def _number_persons(self) -> None:
        with told():
            self.connection.execute(
                "CREATE TABLE concepts AS SELECT concept_id AS id, first(vocabulary_id) AS system, "
                "first(concept_code) AS code, first(concept_name) AS name, "
                "first(concept_class_id) AS kind FROM concept WHERE concept_id IS NOT NULL "
                "GROUP BY concept_id"
            )
            self.connection.execute("DROP TABLE concept")
            self.connection.execute(
                "CREATE TABLE persons AS SELECT row_number() OVER (ORDER BY turn) - 1 AS place, * "
                "FROM (SELECT *, rowid AS turn FROM person WHERE person_id IS NOT NULL "
                "QUALIFY count(*) OVER (PARTITION BY person_id) = 1) ORDER BY turn"
            )

    def _unclear_persons(self) -> Iterator[Problem]:
        with told():
            rows = self.connection.execute(
                "SELECT person_id, count(*) FROM person GROUP BY person_id "
                "HAVING person_id IS NULL OR count(*) > 1 ORDER BY person_id"
            ).fetchall()
        for identity, number in rows:
            if identity is None:
                message = f"{number:,} rows of PERSON have no person_id"
                yield self._problem(message, "no-patient")
            else:
                message = f"PERSON has {number:,} rows of one person, who is left out"
                yield self._problem(message, "two-patients", f"person/{shown(identity)}")

    def _event(self, table: Table) -> Iterator[Problem]:
        """The rows of a table, with the persons and concepts that they name."""
        own = (table.identity,) if table.identity is not None else ()
        needed = ("person_id", *table.needed)
        try:
            yield from self._load(table.name, needed, (*own, *table.more))
        except Cut:
            raise
        except NoTable as error:
            yield self._problem(str(error))
            return
        yield from self._of_nobody(table)
        columns = [f"t.{column}" for column in table.columns]
        joins = []
        for number, column in enumerate(table.concepts):
            columns += [f"c{number}.{part}" for part in _LOOKED_UP]
            joins.append(f"LEFT JOIN concepts c{number} ON c{number}.id = t.{column}")
        names = ", ".join(f'{column} AS "{n}"' for n, column in enumerate(columns))
        with told():
            self.connection.execute(
                f"CREATE TABLE sorted_{table.name} AS SELECT place, turn, {names} "
                f"FROM (SELECT *, rowid + 1 AS turn FROM {table.name}) t "
                f"JOIN (SELECT place, person_id FROM persons) p USING (person_id) "
                f"{' '.join(joins)} ORDER BY place, turn"
            )
            self.connection.execute(f"DROP TABLE {table.name}")
        self.read.append(table)

    def _of_nobody(self, table: Table) -> Iterator[Problem]:
        name = table.identity or "person_id"
        with told():
            rows = self.connection.execute(
                f"SELECT person_id IS NULL, count(*), arg_min({name}, rowid), "
                f"arg_min(person_id, rowid) FROM {table.name} WHERE person_id IS NULL OR "
                "person_id NOT IN (SELECT person_id FROM persons) GROUP BY 1 ORDER BY 1"
            ).fetchall()
        for nobody, number, first, whom in rows:
            said = "have no person_id" if nobody else "are about persons who are not in PERSON"
            about = "" if nobody else f", about `{shown(whom)}`"
            message = f"{number:,} rows of {table.name.upper()} {said}; the first is{about} "
            message += f"`{table.name}/{shown(first or '')}`"
            yield self._problem(message, "foreign-subject" if nobody else "no-patient")

    # ---- persons -----------------------------------------------------------------------------

    def _documents(self) -> Iterator[Unread]:
        with told():
            (number,) = self.connection.execute("SELECT count(*) FROM persons").fetchone()
        for start in range(0, number, _PERSONS):
            yield from self._some(start, start + _PERSONS)

    def _some(self, start: int, end: int) -> list[Unread]:
        found: list[list[tuple[str, Object]]] = []
        identities: list[str] = []
        columns = ("person_id", *PERSON)
        for whom in self._rows("persons", ", ".join(columns), start, end):
            row = _row(columns, whom)
            identity = row["person_id"] or ""
            identities.append(identity)
            found.append([(f"person/{identity}", {**person(row), "id": identity})])
        for table in self.read:
            names = _names(table)
            for place, turn, *cells in self._rows(f"sorted_{table.name}", "*", start, end):
                row = _row(names, cells)
                resource = table.resource(row)
                its = found[place - start]
                if table.identity is None:
                    its[0][1].update(resource)
                    continue
                patient = {"reference": f"Patient/{identities[place - start]}"}
                name = f"{table.name}/{row[table.identity] or f'#{turn}'}"
                its.append((name, {**resource, "subject": patient}))
        return [Unread(self.source, _bundle(entries), named=True) for entries in found]

    def _rows(self, table: str, columns: str, start: int, end: int) -> list[tuple[Any, ...]]:
        order = "place" if table == "persons" else "place, turn"
        with told():
            rows: list[tuple[Any, ...]] = self.connection.execute(
                f"SELECT {columns} FROM {table} WHERE place >= ? AND place < ? ORDER BY {order}",
                [start, end],
            ).fetchall()
        return rows


def _names(table: Table) -> tuple[str, ...]:
    looked_up = [f"{column}.{part}" for column in table.concepts for part in _LOOKED_UP]
    return (*table.columns, *looked_up)


def _row(names: Sequence[str], cells: Sequence[str | None]) -> OmopRow:
    return dict(zip(names, cells, strict=True))


def _cleaned(column: str) -> str:
    """A column as text: empty is nothing, no blanks around it, and ids and concepts of a
    spreadsheet (`234.0`) as they were."""
    text = f"""nullif(trim(replace(CAST("{column}" AS VARCHAR), chr(0), '')), '')"""
    if column.endswith("_id") and column not in ("vocabulary_id", "concept_class_id"):
        text = f"regexp_replace({text}, '^([0-9]+)\\.0+$', '\\1')"
    return f'{text} AS "{column}"'


def _by_number(identity: str, columns: Sequence[str]) -> str:
    """The order of rows that have none of their own: by the number of each, then by all else."""
    first = identity if identity in columns else columns[0]
    listed = ", ".join(f'"{column}"' for column in (first, *columns))
    return f' ORDER BY TRY_CAST("{first}" AS HUGEINT), {listed}'


def _bundle(entries: Sequence[tuple[str, Object]]) -> bytes:
    listed = [{"fullUrl": name, "resource": resource} for name, resource in entries]
    text = json.dumps({"resourceType": "Bundle", "entry": listed}, separators=(",", ":"))
    return _FILLED.sub(r"\1", text).encode("ascii")


assert NUMBER == "\0", "as _FILLED has it"
