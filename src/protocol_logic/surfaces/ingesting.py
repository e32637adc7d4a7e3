"""`ingest`: sources into a store, where each is read once for all protocols.

Documents pass as for `screen`: workers parse and read them, this process writes. What the store has
already is known by the digests of documents and is not read again.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import click

from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.records.store.opening import StoreError, is_database
from protocol_logic.surfaces.engines import MOST_WORKERS
from protocol_logic.surfaces.inputs import (
    InputProblems,
    SourceErrors,
    existing_paths,
    source_named,
    tell_passed_over,
    text_named,
)
from protocol_logic.surfaces.outputs import print_problems
from protocol_logic.surfaces.places import Places
from protocol_logic.surfaces.progress import Progress
from protocol_logic.surfaces.terminal import count, visible

if TYPE_CHECKING:
    from protocol_logic.compiling.policies import Policies
    from protocol_logic.foundation.source import Source
    from protocol_logic.records.files import Reading
    from protocol_logic.records.sources import Unread
    from protocol_logic.records.store.knowledge import Knowledge
    from protocol_logic.records.store.rows import Rows
    from protocol_logic.records.store.shelf import LargeShelf
    from protocol_logic.records.store.writing import Writer

_PROBLEM_BYTES = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestOptions:
    """The arguments of `ingest`."""

    sources: tuple[str, ...]
    store: str
    protocols: tuple[str, ...]
    policies: tuple[str, ...]
    workers: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingested:
    """What became of an `ingest`: how many patients were `added`, `replaced` by others of their id,
    `kept` as they were, and `removed` with their files; what could not be read. `complete`: it came
    to its end, else the same call goes on.
    """

    added: int
    replaced: int
    kept: int
    removed: int
    problems: Sequence[Problem]
    complete: bool

    @property
    def is_clean(self) -> bool:
        """Whether all was read."""
        return all(problem.severity != "error" for problem in self.problems)

    def __str__(self) -> str:
        told = [f"{count(self.added, 'patient')} added"]
        told += [f"{self.replaced:,} replaced"] if self.replaced else []
        told += [f"{self.kept:,} as before"] if self.kept else []
        told += [f"{self.removed:,} gone from their files"] if self.removed else []
        return ", ".join(told)


def ingest(options: IngestOptions) -> int:
    """Read sources into a store; the exit code: 1 where one could not be read, else 0."""
    reading, done = ingested(options)
    print_problems(done.problems)
    tell_passed_over(reading)
    if done.complete:
        click.echo(str(done), err=True)
    return 0 if done.is_clean else 1


def ingested(options: IngestOptions) -> tuple[Reading, Ingested]:
    """Read sources into a store: what was passed over, and what became of the rest."""
    from protocol_logic.records.store.shelf import LargeShelf
    from protocol_logic.records.store.writing import Writer

    places, store = _sources(options.sources), _store_path(options.store)
    given = _given(options, store)
    knowledge = _knowledge(given)
    problems = InputProblems()
    try:
        writer = Writer(store, knowledge, given)
    except StoreError as error:
        raise _unusable(store, error) from error
    finished = False
    with writer, closing(LargeShelf(store)) as shelf:
        run = _Run(writer, places, problems, shelf, store.parent)
        try:
            run.read(knowledge, options.workers)
            finished = True
        except StoreError as error:
            problems.add(
                Problem(code="not-readable", message=str(error), hint=error.hint, file=str(store))
            )
    return run.reading, Ingested(
        added=writer.added,
        replaced=writer.replaced,
        kept=writer.kept,
        removed=writer.removed,
        problems=tuple(problems.sorted()),
        complete=finished,
    )


def _sources(names: Sequence[str]) -> Places:
    places = Places.of(existing_paths(names))
    for path in places.stores:
        raise click.UsageError(
            f"`{visible(str(path))}` is a store; what it was made of is read into another"
        )
    return places


def _store_path(name: str) -> Path:
    path = Path(name)
    if path.is_dir():
        raise click.UsageError(f"`{visible(name)}` is a folder; a store is a file")
    if path.exists() and not is_database(path):
        raise click.UsageError(f"`{visible(name)}` is there and is no store; name another file")
    if not path.exists() and path.suffix != ".duckdb":
        raise click.UsageError(
            f"the last argument is the store, and `{visible(name)}` is none; name it as in "
            "`patients.duckdb`"
        )
    if not path.parent.is_dir():
        raise click.UsageError(f"there is no folder `{visible(str(path.parent))}`")
    return path


def _unusable(store: Path, error: StoreError) -> click.UsageError:
    hint = "" if error.hint is None else f"; {error.hint}"
    return click.UsageError(f"`{visible(str(store))}` cannot be used: {error}{hint}")


def _given(options: IngestOptions, store: Path) -> list[tuple[str, str, str]]:
    """Name, kind and text of the protocols and policies to read for: what was given before, too."""
    from protocol_logic.records.store.writing import given_of

    try:
        before = given_of(store) if store.exists() else []
    except StoreError as error:
        raise _unusable(store, error) from error
    given = {(name, what): text for name, what, text in before}
    for name in options.protocols:
        source = source_named(name)
        given[source.name, "protocol"] = source.text
    given |= {(name, "policies"): text_named(name) for name in options.policies}
    return [(name, what, text) for (name, what), text in given.items()]


def _knowledge(given: Sequence[tuple[str, str, str]]) -> Knowledge:
    from protocol_logic.compiling.policies import check_policies
    from protocol_logic.foundation.source import Source
    from protocol_logic.pipeline import knowledge_of

    policies: list[Policies] = []
    sources: list[Source] = []
    for name, what, text in given:
        source, problems = Source(name, text), Problems()
        if what == "protocol":
            sources.append(source)
            continue
        found = check_policies(source, problems)
        if found is None:
            raise SourceErrors(name, problems.sorted())
        policies.append(found)
    problems = Problems()
    knowledge = knowledge_of(sources, policies, problems)
    if knowledge is None:
        raise SourceErrors("--protocol", problems.sorted())
    return knowledge


# ---- in each process -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Known:
    """A document that the store has: the number of its patient, and where it stands."""

    patient: int
    source: str
    line: int | None


_Item: TypeAlias = "Unread | Problem | _Known"
_Result: TypeAlias = "Rows | tuple[Problem, ...] | _Known"


@dataclass(frozen=True, slots=True)
class _Start:
    """Makes the job of a process; goes to the others by pickle."""

    knowledge: Knowledge
    numbers: tuple[int, ...]

    def __call__(self) -> Callable[[_Item], _Result]:
        from protocol_logic.records.sources import Unread
        from protocol_logic.records.store.rows import rows_of
        from protocol_logic.records.store.seeing import see

        def job(item: _Item) -> _Result:
            if isinstance(item, Problem):
                return (item,)
            if not isinstance(item, Unread):
                return item
            problems = Problems()
            try:
                document = item.document()
                if isinstance(document, Problem):
                    return (document,)
                kept = see(document, self.knowledge, problems)
            except MemoryError:
                return (_stopped(item, "there is not enough memory to read it"),)
            if kept is None:
                return tuple(problems.items)
            kept.digest = _digest(item)
            return rows_of(kept, self.numbers)

        return job


def _digest(item: Unread) -> bytes:
    return hashlib.blake2b(item.text, digest_size=16).digest()


def _stopped(item: Unread, message: str) -> Problem:
    line = "" if item.line is None else f"line {item.line}: "
    return Problem(code="not-readable", message=f"{line}{message}", file=item.source)


def _lost(item: _Item) -> _Result:
    from protocol_logic.records.sources import Unread

    if not isinstance(item, Unread):
        return item if isinstance(item, _Known) else (item,)
    why = "the process that read it was killed, perhaps for want of memory"
    return (_stopped(item, why),)


def _size_of(item: _Item) -> int:
    return getattr(item, "size", _PROBLEM_BYTES)


# ---- in the first process ------------------------------------------------------------------------


class _Run:
    def __init__(
        self,
        writer: Writer,
        places: Places,
        problems: InputProblems,
        shelf: LargeShelf,
        beside: Path,
    ) -> None:
        from protocol_logic.records.files import Reading

        self.shelf = shelf
        self.beside = beside
        self.writer = writer
        self.places = places
        self.files = [origin.source for origin in places.omop]
        """What was to be read beside files of FHIR."""
        self.problems = problems
        self.reading: Reading = Reading()

    def read(self, knowledge: Knowledge, workers: int | None) -> None:
        """Put all patients in, in the order of the sources. Raises StoreError."""
        from protocol_logic.surfaces.workers import Workers, usable_cores

        writer = self.writer
        number = workers or min(usable_cores(), MOST_WORKERS)
        total = self._size() if sys.stderr.isatty() else 0
        start = _Start(knowledge, writer.numbers)
        with (
            closing(Progress(sys.stderr, total)) as progress,
            Workers(start, number, size=_size_of, lost=_lost) as processes,
        ):
            self.shelf.pulse = lambda: progress.pulse(self.reading.bytes)
            for result in processes.results(self._items()):
                if isinstance(result, tuple):
                    self._tell(result)
                    continue
                if isinstance(result, _Known):
                    writer.keep(result.patient, result.source, result.line)
                else:
                    writer.add(result)
                progress.step(self.reading.bytes)
            for path in self.places.tables:
                self._read_tables(path, knowledge, progress)
        cut = self.problems.counts["not-readable"] or self.problems.counts["bad-mapping"]
        writer.finish(self._files(), whole=not cut)

    def _tell(self, problems: Iterable[Problem]) -> None:
        for problem in problems:
            self.problems.add(problem)
            self.writer.tell(problem)

    def _read_tables(self, path: Path, knowledge: Knowledge, progress: Progress) -> None:
        """The patients of tables with a mapping, who are read here, from all rows."""
        from protocol_logic.records.store.rows import rows_of
        from protocol_logic.records.store.table_seeing import TableSeer
        from protocol_logic.records.tables import mapping_at

        writer, problems = self.writer, Problems()
        seer = TableSeer(path, knowledge, problems)
        for seen in seer.seen():
            number = writer.claim(seen.digest)
            if number is not None:
                writer.keep(number, seen.source, None)
            else:
                writer.add(rows_of(seer.kept(seen), writer.numbers))
            progress.step(self.reading.bytes)
        self.files += [str(file) for file in (mapping_at(path), *seer.files)]
        self._tell(problems.items)

    def _size(self) -> int:
        """The bytes of all sources."""
        from protocol_logic.records.files import size_at

        tables = (origin.size(name) for origin in self.places.omop for name in origin.names)
        return sum(map(size_at, self.places.documents)) + sum(tables)

    def _items(self) -> Iterator[_Item]:
        from protocol_logic.records.sources import Unread

        for item in self._read():
            if isinstance(item, Unread):
                patient = self.writer.claim(_digest(item))
                if patient is not None:
                    yield _Known(patient, item.source, item.line)
                    continue
            yield item

    def _read(self) -> Iterator[Unread | Problem]:
        """The documents of FHIR, and then those of OMOP tables."""
        from protocol_logic.records.omop.reading import iter_persons
        from protocol_logic.records.sources import iter_unread

        yield from iter_unread(self.places.documents, self.reading, self.shelf)
        for origin in self.places.omop:
            yield from iter_persons(origin, self.reading, self.beside)

    def _files(self) -> frozenset[str]:
        """The files that were to be read."""
        from protocol_logic.records.files import Reading, files_at

        found = (file for path in self.places.documents for file in files_at(path, Reading()))
        read = [file for file in found if isinstance(file, Path)]
        return frozenset([*map(str, read), *self.files])
