"""From arguments to what the phases take: a protocol's source, patients' files, an as-of date.

What is wrong with the command line itself is a `click.UsageError` (exit code 2); what is wrong
inside an input is a problem. Long, since each kind of input ends in the same few types here.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import click

from protocol_logic.foundation.problems import Problem, Problems, did_you_mean
from protocol_logic.foundation.source import Source
from protocol_logic.foundation.text import shown
from protocol_logic.knowledge.resources import (
    knowledge_names,
    knowledge_path,
    protocol_ids,
    protocol_path,
)
from protocol_logic.surfaces.places import Places, persons_of
from protocol_logic.surfaces.terminal import count, visible

if TYPE_CHECKING:
    from protocol_logic.compiling.parameters import Setting
    from protocol_logic.compiling.policies import Policies
    from protocol_logic.language.original.record import Original
    from protocol_logic.pipeline import Compiled
    from protocol_logic.records.answers import Answers
    from protocol_logic.records.duplicates import PatientIds
    from protocol_logic.records.facts import PatientRecord
    from protocol_logic.records.fhir import Met
    from protocol_logic.records.files import Reading
    from protocol_logic.records.sources import Unread
    from protocol_logic.records.store.reading import Gatherer, Store, Stored
    from protocol_logic.records.store.stretch import Stretch

_GZIP = b"\x1f\x8b"
_REGISTRY_ID = re.compile(r"NCT\d{8}", re.IGNORECASE)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class SourceErrors(click.ClickException):
    """A text with errors, given to a command that needs one without (exit code 2)."""

    exit_code = 2

    def __init__(self, name: str, problems: Sequence[Problem]) -> None:
        super().__init__(f"`{shown(name)}` has errors, so nothing was done with it")
        self.problems = problems

    def show(self, file: object = None) -> None:
        from protocol_logic.surfaces.outputs import print_problems

        print_problems(self.problems)
        click.echo(f"Error: {self.format_message()}", err=True)


# ---- protocols -----------------------------------------------------------------------------------


def source_named(name: str, *, knowledge: bool = False) -> Source:
    """The text of a file, or of the protocol (or knowledge file) of that id in the knowledge base.

    A file in the knowledge base is known by its path there, whatever the working directory.
    """
    path = Path(name)
    if path.is_file():
        return Source(name, text_at(path, name))
    if path.is_dir():
        raise click.UsageError(f"`{visible(name)}` is a folder, not a protocol file")
    if (found := protocol_path(name)) is not None:
        return Source(f"kb/protocols/{name}/{found.name}", text_at(found, name))
    if knowledge and (found := knowledge_path(name)) is not None:
        return Source(f"kb/knowledge/{'/'.join(name.split('.'))}.elig", text_at(found, name))
    known = protocol_ids() + (knowledge_names() if knowledge else [])
    listed = ", ".join(f"`{n}`" for n in protocol_ids())
    hint = did_you_mean(name, known) or f"known are {listed}"
    raise click.UsageError(
        f"there is no file `{visible(name)}`, and no protocol of that id in the knowledge base; "
        f"{hint}"
    )


def original_named(name: str) -> Original:
    """A protocol's own text: in a registry's record or a document; `-` is stdin."""
    from protocol_logic.language.original.record import NoCriteria, read_original

    if _REGISTRY_ID.fullmatch(name) and not Path(name).exists():
        number = name.upper()
        raise click.UsageError(
            f"there is no file `{name}`, and records are not fetched; get it first, such as with "
            f"`curl -o {number}.json https://clinicaltrials.gov/api/v2/studies/{number}`"
        )
    try:
        return read_original(name, text_named(name))
    except NoCriteria as error:
        raise click.UsageError(f"`{visible(name)}` cannot be used: {error}") from error


def text_named(name: str) -> str:
    """The text of a file, or for `-` what stands on stdin."""
    path = Path(name)
    if name == "-":
        try:
            return sys.stdin.buffer.read().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise click.UsageError("stdin is not UTF-8 text") from error
    if path.is_dir():
        raise click.UsageError(f"`{visible(name)}` is a folder, not a file")
    if not path.exists():
        raise click.UsageError(f"there is no file `{visible(name)}`{near_path(path)}")
    return text_at(path, name)


def source_at(path: Path, name: str) -> Source:
    """The text of a file that is there, under a name."""
    return Source(name, text_at(path, name))


def text_at(path: Path, name: str) -> str:
    """The text of a file that is there; a usage error, with the name, where it cannot be read."""
    try:
        # Line ends as written: offsets are those of the file. A byte order mark is no text.
        with path.open(encoding="utf-8-sig", newline="") as stream:
            return stream.read()
    except UnicodeDecodeError as error:
        what = "is not UTF-8 text"
        if path.read_bytes()[:2] == _GZIP:
            what = "is compressed: unpack it first, as with `gunzip -k`"
        raise click.UsageError(f"`{visible(name)}` {what}") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise click.UsageError(f"`{visible(name)}` cannot be read: {shown(reason)}") from error


def compiled_protocol(
    name: str,
    policies: str | None = None,
    parameters: Sequence[str] = (),
    dates: Sequence[str] = (),
    *,
    tell: bool = True,
) -> Compiled:
    """The protocol ready to screen with; warnings go to stderr, where they are to be told.

    `policies`: the file of a site's policies; `parameters`: values of this run, `NAME is VALUE`;
    `dates`: the days of time points, `NAME=DATE`.
    """
    site = None if policies is None else site_policies(policies)
    compiled = _compiled(name, site, _settings(parameters), tell)
    return replace(compiled, dates=_dates(dates, compiled))


def _dates(texts: Sequence[str], compiled: Compiled) -> dict[str, date]:
    """The days that `--date` gives to time points; a usage error where one is none."""
    known = [point.name for point in compiled.protocol.timepoints]
    found: dict[str, date] = {}
    for text in texts:
        name, sign, day = text.partition("=")
        when = _date_of(day)
        if not sign or when is None:
            raise click.BadParameter(
                f"`{shown(text)}` is no time point with its day; write it as NAME=YYYY-MM-DD",
                param_hint="'--date'",
            )
        if name not in known:
            hint = did_you_mean(name, known) or (
                "it has " + ", ".join(f"`{each}`" for each in known) if known else "it has none"
            )
            raise click.BadParameter(
                f"`{shown(name)}` is no time point of the protocol; {hint}", param_hint="'--date'"
            )
        if name in found:
            raise click.BadParameter(f"`{name}` has two days", param_hint="'--date'")
        found[name] = when
    return found


def _date_of(text: str) -> date | None:
    if _DATE.fullmatch(text):
        with suppress(ValueError):
            return date.fromisoformat(text)
    return None


def _settings(parameters: Sequence[str]) -> Sequence[Setting]:
    from protocol_logic.compiling.parameters import settings_of_run

    problems = Problems()
    found = settings_of_run(parameters, problems)
    if problems.has_errors:
        raise SourceErrors("--parameter", problems.sorted())
    return found


def site_policies(name: str) -> Policies:
    """The policies in a file; a usage error where they have one."""
    from protocol_logic.compiling.policies import check_policies

    path = Path(name)
    if not path.is_file():
        raise click.UsageError(f"there is no file of policies `{visible(name)}`{near_path(path)}")
    problems = Problems()
    found = check_policies(Source(name, text_at(path, name)), problems)
    if found is None:
        raise SourceErrors(name, problems.sorted())
    return found


def _compiled(
    name: str, policies: Policies | None, settings: Sequence[Setting], tell: bool
) -> Compiled:
    from protocol_logic.pipeline import compile_source

    problems = Problems()
    compiled = compile_source(source_named(name), problems, policies, settings)
    found = problems.sorted()
    if compiled is None:
        raise SourceErrors(name, found)
    if not compiled.protocol.criteria:
        raise click.UsageError(f"`{visible(name)}` is a knowledge file, not a protocol")
    if found and tell:
        # A limit that is a hundred times too lax is only a warning: it must not go by unread.
        from protocol_logic.surfaces.diagnostics import plain_line

        for problem in found:
            if problem.severity != "notice":
                click.echo(plain_line(problem), err=True)
    if tell and (to_dos := sum(problem.code == "to-do" for problem in found)):
        click.echo(f"{visible(name)}: {count(to_dos, 'condition')} still to be written", err=True)
    return compiled


# ---- patients ------------------------------------------------------------------------------------


def existing_paths(names: Iterable[str]) -> list[Path]:
    """The paths of PATIENTS; one that does not exist is a usage error. A URL of PostgreSQL is a
    path that stands for it."""
    paths = []
    for name in names:
        if str(name).lower().startswith(("postgresql:", "postgres:")):
            from protocol_logic.records.omop.postgresql import path_of

            paths.append(path_of(name))
            continue
        path = Path(name)
        if not path.exists() and not path.is_symlink():
            raise click.UsageError(f"there is no file or folder `{visible(name)}`{near_path(path)}")
        paths.append(path)
    return paths


def near_path(path: Path) -> str:
    """`; did you mean ...?` of the names beside a path, or nothing."""
    with suppress(OSError):
        hint = did_you_mean(path.name, (child.name for child in path.parent.iterdir()))
        return f"; {hint}" if hint else ""
    return ""


def as_of_option(text: str | None) -> date | None:
    """The day that `--as-of` names; a usage error where it names none."""
    return day_option(text, "--as-of")


def day_given(day: date | str) -> date:
    """A day that a caller gives, as `--as-of` takes it; a time of day is refused."""
    found = as_of_option(str(day))
    assert found is not None
    return found


def day_option(text: str | None, option: str) -> date | None:
    """The day that an option names; a usage error where it names none."""
    if text is None:
        return None
    if text == "today":
        return date.today()
    if (day := _date_of(text)) is not None:
        return day
    raise click.BadParameter(
        f"`{shown(text)}` is not a date; write it as YYYY-MM-DD, or `today`",
        param_hint=f"'{option}'",
    )


Item: TypeAlias = "Unread | Stored | PatientRecord | Problem"
"""A document still to be read, a record, or in its place why there is none."""
Many: TypeAlias = "Item | Stretch"
"""The same, or many patients of a store."""

_MOST_ALIKE = 100
_MOST_AT_ONCE = 10_000
_T = TypeVar("_T")


def answers_of(name: str, compiled: Compiled, problems: Problems) -> Answers:
    """The answers in a file; rows that cannot be used are problems, a file without any an error."""
    from protocol_logic.compiling.answerable import elements_of
    from protocol_logic.records.answers_file import read_answers

    path = Path(name)
    if not path.exists():
        raise click.UsageError(f"there is no file `{visible(name)}`{near_path(path)}")
    found = Problems()
    answers = read_answers(Source(name, text_at(path, name)), elements_of(compiled.protocol), found)
    if answers is None:
        raise SourceErrors(name, found.sorted())
    problems.extend(found.sorted())
    return answers


@dataclass(slots=True)
class InputProblems(Problems):
    """Problems of inputs: the first hundred of a code are kept, the others are counted.

    What is said in the same words of several is kept once; `same`: of how many.
    """

    counts: Counter[str] = field(default_factory=Counter)
    same: Counter[Problem] = field(default_factory=Counter)

    def add(self, problem: Problem) -> None:
        if problem in self.same:
            self.same[problem] += 1
            return
        self.counts[problem.code] += 1
        if self.counts[problem.code] <= _MOST_ALIKE:
            self.items.append(problem)
            self.same[problem] = 1

    def extend(self, problems: Iterable[Problem]) -> None:
        for problem in problems:
            self.add(problem)

    def sorted(self) -> list[Problem]:
        """The problems by file, those of one file as they came, and how many more there are."""
        more = [
            Problem(
                code=code,
                message=f"and {number - _MOST_ALIKE:,} more like these",
                hint="`screen --problems FILE` writes all of them",
            )
            for code, number in sorted(self.counts.items())
            if number > _MOST_ALIKE
        ]
        items = sorted(self.items, key=lambda problem: problem.file or "")
        return [*map(self._counted, items), *more]

    def _counted(self, problem: Problem) -> Problem:
        number = self.same[problem]
        if number < 2:
            return problem
        what = "patients" if problem.code == "no-as-of" else "times"
        return replace(problem, message=f"{problem.message} ({number:,} {what})")


@dataclass(slots=True)
class Patients:
    """The inputs that PATIENTS name, and what was wrong with them.

    `items` gives them in order, to be read here or elsewhere: whoever takes them says by `passed`
    which patients there were, and calls `end` when all have passed. Iteration does all that and
    gives the records. Whether an id stands in two documents is known at the end; with `merge` the
    records of one id are joined instead, and held in memory for that. `meet` is called with each
    resource of a record before iteration gives the record.
    """

    compiled: Compiled
    paths: Sequence[Path]
    merge: bool = False
    meet: Callable[[Met], None] | None = None
    problems: InputProblems = field(default_factory=InputProblems)
    number: int = 0
    reading: Reading = field(init=False)
    _ids: PatientIds = field(init=False)
    _places: Places = field(init=False)

    def __post_init__(self) -> None:
        from protocol_logic.records.duplicates import PatientIds
        from protocol_logic.records.files import Reading

        self.reading = Reading()
        self._ids = PatientIds()
        self._places = Places.of(self.paths)

    def items(self) -> Iterator[Item]:
        """What is to be screened, one after the other; patients of stores come after those of
        documents, and of tables last."""
        if self.merge:
            yield from self._merged()
        else:
            yield from self._unread()
            yield from self._of_stores()
            yield from self._of_tables()

    @property
    def of_stores_alone(self) -> bool:
        """Whether all patients are in stores."""
        places = self._places
        return not (places.documents or places.omop or places.tables)

    def many(self, parts: int) -> Iterator[Many]:
        """The same, with many patients of a store at once, in so many parts or more."""
        yield from self._unread()
        yield from self._in_stores(lambda store, _: store.stretches(_MOST_AT_ONCE, parts))
        yield from self._of_tables()

    def _unread(self) -> Iterator[Unread | Problem]:
        """The documents of FHIR, and then those of OMOP tables."""
        from protocol_logic.records.sources import iter_unread

        yield from iter_unread(self._places.documents, self.reading)
        for origin in self._places.omop:
            yield from persons_of(origin, self.reading)

    def _of_stores(self) -> Iterator[Stored | Problem]:
        """The patients of stores, in the order in which they were ingested."""
        return self._in_stores(lambda store, gatherer: store.items(gatherer))

    def _in_stores(self, read: Callable[[Store, Gatherer], Iterator[_T]]) -> Iterator[_T | Problem]:
        from protocol_logic.records.store.opening import StoreError

        for path in self._places.stores:
            from protocol_logic.records.store.reading import Store

            try:
                with Store(path) as store:
                    gatherer = store.gatherer(self.compiled.codings)
                    if not store.is_complete():
                        yield _store_problem(path, *_NOT_COMPLETE)
                    yield from read(store, gatherer)
            except StoreError as error:
                yield _store_problem(path, str(error), error.hint)

    def _of_tables(self) -> Iterator[PatientRecord | Problem]:
        """The records of tables, which are made here, from all rows."""
        from protocol_logic.pipeline import read_tables

        for path in self._places.tables:
            problems = Problems()
            yield from read_tables(self.compiled, path, problems)
            yield from problems.items

    def _merged(self) -> Iterator[PatientRecord | Problem]:
        """One record for each patient, when all documents are read."""
        from protocol_logic.records.duplicates import merged

        records: list[PatientRecord] = []
        for each in self._read():
            if isinstance(each, Problem):
                yield each
            else:
                records.append(each)
        yield from merged(records)

    def _read(self) -> Iterator[PatientRecord | Problem]:
        """The records of all documents, stores and tables."""
        from protocol_logic.pipeline import read_records, read_stored

        for item in self._unread():
            document = item if isinstance(item, Problem) else item.document()
            if isinstance(document, Problem):
                yield document
                continue
            problems = Problems()
            yield from read_records(self.compiled, [document], problems, self.meet)
            yield from problems.items
        for stored in self._of_stores():
            if isinstance(stored, Problem):
                yield stored
                continue
            problems = Problems()
            record = read_stored(self.compiled, stored, problems)
            yield from problems.items if record is None else [record]
        yield from self._of_tables()

    def __iter__(self) -> Iterator[PatientRecord]:
        for each in self._merged() if self.merge else self._read():
            if isinstance(each, Problem):
                self.problems.add(each)
            else:
                self.passed(each.patient, each.source)
                yield each
        self.problems.extend(self.end())

    def passed(self, patient: str, source: str) -> None:
        """Note a record that was read."""
        self.number += 1
        self._ids.add(patient, source)

    def end(self) -> Iterator[Problem]:
        """What is known only when all have passed; what was passed over is told on stderr."""
        for problem in self._ids.problems():
            yield replace(problem, hint=_DUPLICATE)
        if not self.number and not self.problems.has_errors:
            where = str(self.paths[0]) if len(self.paths) == 1 else None
            yield Problem(code="no-patient", message="there is no patient", file=where)
        tell_passed_over(self.reading)

    def known(self) -> Collection[str]:
        """The ids of all patients who passed."""
        return self._ids.known()

    def is_withheld(self, patient: str) -> bool:
        """Whether a patient's rows are withheld; ask when all records have passed."""
        return patient in self._ids


_NOT_COMPLETE = (
    "the last `ingest` into it did not come to its end, so patients may be missing",
    "ingest the same sources again: what is there is not read a second time",
)


def _store_problem(path: Path, message: str, hint: str | None) -> Problem:
    return Problem(code="not-readable", message=message, hint=hint, file=str(path))


_DUPLICATE = "give each patient one bundle with all resources, or join them by `--merge-patients`"
_KINDS_TOLD = 20


def tell_passed_over(reading: Reading) -> None:
    """Say on stderr what was passed over."""
    other = sum(reading.files.values())
    if other:
        kinds = _listed(shown(kind) or "no suffix" for kind in sorted(reading.files))
        click.echo(f"passed over: {count(other, 'other file')} ({kinds})", err=True)
    if reading.resources:
        found = _listed(f"{n:,} {shown(kind)}" for kind, n in sorted(reading.resources.items()))
        click.echo(f"passed over, about no patient: {found}", err=True)


def _listed(names: Iterable[str]) -> str:
    listed = list(names)
    more = len(listed) - _KINDS_TOLD
    return ", ".join(listed[:_KINDS_TOLD]) + (f" and {more:,} more" if more > 0 else "")
