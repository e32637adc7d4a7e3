"""`screen --keep FILE`: rows of earlier runs, taken again where nothing changed that they rest on.

FILE is a database of SQLite. A row is found by a digest of all that it is made of: this program,
the knowledge base, the protocol and the options, and what the store has of the patient. It is
written with a digest of itself. So one that is stale or damaged is not found, or is no row.
"""

from __future__ import annotations

import json
import os
import sqlite3
import zlib
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from dataclasses import astuple, dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import click

from protocol_logic.foundation.text import shown
from protocol_logic.records.facts import Account
from protocol_logic.surfaces.terminal import count, visible

if TYPE_CHECKING:
    from protocol_logic.surfaces.screening_job import Result

_SECONDS = 60.0
"""How long one process waits for another that writes."""
_VERSION = 1
_MAGIC = b"SQLite format 3\0"
_CHECK = 16


State: TypeAlias = bytes
"""A digest of what a store has of a patient."""
Content: TypeAlias = bytes
"""What is kept of a row."""


@dataclass(frozen=True, slots=True)
class Keep:
    """Where rows are kept. `run`: a digest of all that they are made of, but for the patient; `of`:
    what takes the place of its earlier runs. Goes to other processes."""

    path: str
    run: bytes
    of: bytes


class Known:
    """The rows of earlier runs, to be read."""

    def __init__(self, keep: Keep) -> None:
        self._run = keep.run
        self._database = sqlite3.connect(keep.path, timeout=_SECONDS)

    def results(self, states: Sequence[State]) -> list[Result | None]:
        """By patient the row that is kept, if there is one."""
        return [self._result(state) for state in states]

    def _result(self, state: State) -> Result | None:
        try:
            found = self._database.execute(
                "SELECT content FROM kept WHERE run = ? AND state = ?", (self._run, state)
            ).fetchone()
        except sqlite3.Error:
            return None
        return None if found is None else _result_of(found[0], self._run, state)


def packed(result: Result, run: bytes, state: State) -> Content:
    """A result with a row, to be kept."""
    piece = result.piece or b""
    head = [
        result.patient, result.source, result.codes, astuple(result.resources), len(piece),
    ]  # fmt: skip
    whole = json.dumps(head).encode() + b"\n" + piece + result.notes
    return _check(run, state, whole) + zlib.compress(whole, 1)


def _result_of(content: object, run: bytes, state: State) -> Result | None:
    from protocol_logic.surfaces.screening_job import Result

    if not isinstance(content, bytes):
        return None
    try:
        whole = zlib.decompress(content[_CHECK:])
    except zlib.error:
        return None
    if content[:_CHECK] != _check(run, state, whole):
        return None
    head, _, rest = whole.partition(b"\n")
    patient, source, codes, resources, size = json.loads(head)
    return Result(
        patient=patient,
        source=source,
        piece=rest[:size],
        codes=tuple(codes),
        notes=rest[size:],
        resources=Account(*resources),
    )


def _check(run: bytes, state: bytes, whole: bytes) -> bytes:
    return sha256(run + state + whole).digest()[:_CHECK]


class Keeping:
    """Puts rows into FILE while a run goes on; at its end what that run did not need goes."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.known = self.new = 0
        self.failed: str | None = None
        path = Path(name)
        try:
            if path.exists() and not _is_ours(path):
                raise click.UsageError(f"`{visible(name)}` is no file of kept rows")
            # Rows say what records say: nobody else reads them.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._database = sqlite3.connect(name, timeout=_SECONDS, isolation_level=None)
            self._prepare()
        except (OSError, sqlite3.Error) as error:
            why = shown(str(error))
            raise click.UsageError(f"`{visible(name)}` cannot keep rows: {why}") from error

    def _prepare(self) -> None:
        run = self._database.execute
        run("BEGIN IMMEDIATE")
        (version,) = run("PRAGMA user_version").fetchone()
        if version != _VERSION:  # also one of another version: what it holds is made anew
            for (table,) in run("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                run(f'DROP TABLE "{table}"')
            run("CREATE TABLE kept (run BLOB, state BLOB, content BLOB, PRIMARY KEY (run, state))")
            run("CREATE TABLE runs (run BLOB PRIMARY KEY, of BLOB)")
            run(f"PRAGMA user_version = {_VERSION}")
        run("COMMIT")
        run("CREATE TEMP TABLE needed (run BLOB, state BLOB, PRIMARY KEY (run, state))")

    def add(
        self, keep: Keep, states: Iterable[State], new: Sequence[tuple[State, Content]]
    ) -> None:
        """Note the patients of a run, and keep what is new of them: state and content."""
        each = [(keep.run, state) for state in states if state]
        self.new += len(new)
        self.known += len(each) - len(new)
        if self.failed is not None:
            return
        run = self._database
        try:
            run.execute("BEGIN IMMEDIATE")
            run.execute("INSERT OR REPLACE INTO runs VALUES (?, ?)", (keep.run, keep.of))
            run.executemany(
                "INSERT OR REPLACE INTO kept VALUES (?, ?, ?)",
                [(keep.run, state, content) for state, content in new],
            )
            run.executemany("INSERT OR IGNORE INTO needed VALUES (?, ?)", each)
            run.execute("COMMIT")
        except sqlite3.Error as error:
            self._give_up(error)

    def end(self, keeps: Iterable[Keep]) -> None:
        """All patients were met: other rows of these runs, and earlier runs, are let go."""
        if self.failed is not None:
            return
        run = self._database.execute
        try:
            run("BEGIN IMMEDIATE")
            for keep in keeps:
                run(
                    "DELETE FROM kept WHERE run = ? AND (run, state) NOT IN "
                    "(SELECT run, state FROM needed)",
                    (keep.run,),
                )
                old = "SELECT run FROM runs WHERE of = ? AND run <> ?"
                run(f"DELETE FROM kept WHERE run IN ({old})", (keep.of, keep.run))
                run("DELETE FROM runs WHERE of = ? AND run <> ?", (keep.of, keep.run))
            run("COMMIT")
        except sqlite3.Error as error:
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        with suppress(sqlite3.Error):
            self._database.execute("ROLLBACK")
        self.failed = str(error)

    def report(self) -> None:
        """Say on stderr how many rows were taken again."""
        text = f"kept: {self.known:,} of {count(self.known + self.new, 'row')} as before"
        click.echo(text, err=True)
        if self.failed is not None:
            why = shown(self.failed)
            text = f"warning: `{visible(self.name)}` could not keep the others: {why}"
            click.echo(f"{text}; the rows themselves are not touched by that", err=True)

    def close(self) -> None:
        """Let the file go."""
        self._database.close()


def _is_ours(path: Path) -> bool:
    """Whether a file is one of kept rows, or empty; raises what reading it raises."""
    with path.open("rb") as stream:
        start = stream.read(len(_MAGIC))
    if not start:
        return True
    if start != _MAGIC:
        return False
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
        found = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    return {name for (name,) in found} <= {"kept", "runs"}
