"""`screen FOLDER`: every patient against every protocol of a folder.

Each document is read once from its file, and each protocol has its rows, one protocol after the
other. The table says which patients fit a protocol, and which protocols a patient fits.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.records.sources import Document, Unread
from protocol_logic.surfaces.engines import engine_of, refuse_with_engine
from protocol_logic.surfaces.inputs import (
    Many,
    Patients,
    SourceErrors,
    existing_paths,
    site_policies,
    source_at,
)
from protocol_logic.surfaces.kept_rows import Keep, Keeping
from protocol_logic.surfaces.outputs import opened_output, print_problems, temporary_folder
from protocol_logic.surfaces.progress import Progress
from protocol_logic.surfaces.row_formats import Pieces, RowFormat, Spool
from protocol_logic.surfaces.screening_job import Result, Results, Start, lost, note_line
from protocol_logic.surfaces.table import LAST_LINE
from protocol_logic.surfaces.terminal import count, visible

if TYPE_CHECKING:
    from protocol_logic.answering.rows import Row
    from protocol_logic.pipeline import Compiled
    from protocol_logic.surfaces.screening import ScreenOptions

_IN_MEMORY = 2**18
_SHOWN, _NAMED = 30, 5
"""Of so many patients the table says what they lack, and names so much of it."""
_KINDS = ("eligible", "undetermined", "ineligible")


def screen_all(options: ScreenOptions) -> int:
    """Screen all patients for all protocols; the exit code: 1 where one could not be screened."""
    from protocol_logic.surfaces.run_digest import keep_of, program_digest
    from protocol_logic.surfaces.screening import (
        NO_AS_OF,
        format_of,
        keeping_of,
        refuse_with_keep,
    )

    _refuse_what_is_of_one(options)
    refuse_with_keep(options)
    paths = existing_paths(options.patients)
    protocols = _protocols(Path(options.protocol), options.policies)
    form: RowFormat = FitTable([each.protocol.id for each in protocols])
    if options.form != "table":
        form = format_of(protocols[0], options)
    with ExitStack() as files:
        out = files.enter_context(opened_output(options.output))
        notes = None
        if options.problems_file is not None:
            notes = files.enter_context(opened_output(options.problems_file))
        folder = temporary_folder(options.output)
        spools = [files.enter_context(closing(Spool(folder, _IN_MEMORY))) for _ in protocols]
        patients = Patients(protocols[0], paths)
        if options.engine is not None:
            refuse_with_engine(patients, {})
        keeping = files.enter_context(keeping_of(options, patients))
        program = program_digest() if keeping is not None else b""
        keeps = [keep_of(program, each, options) for each in protocols]
        run = _Run(patients, spools, notes, keeping)
        starts = tuple(map(partial(_start, options, form), protocols, keeps))
        run.screen(StartAll(starts), options)
        if run.undated and run.undated == patients.number:
            raise click.UsageError(NO_AS_OF)
        left = [partial(spool.pieces, patients.is_withheld) for spool in spools]
        try:
            form.write(out, lambda: chain.from_iterable(each() for each in left))
        finally:
            run.report()
    return 1 if patients.problems.has_errors else 0


def _refuse_what_is_of_one(options: ScreenOptions) -> None:
    """Refuse options that speak of one protocol."""
    given = {
        "--answers": options.answers,
        "--answers-form": options.answers_form,
        "--record": options.record,
        "--mask": options.mask,
        "--why": options.why,
        "--merge-patients": options.merge,
        "--parameter": options.parameters,
        "--date": options.dates,
    }
    for option, value in given.items():
        if value:
            raise click.UsageError(f"{option} goes with one protocol, not with a folder of them")


def _protocols(folder: Path, policies: str | None) -> list[Compiled]:
    """The protocols of a folder, in the order of their paths; knowledge files are none."""
    from protocol_logic.pipeline import compile_source

    site = None if policies is None else site_policies(policies)
    found: dict[str, Compiled] = {}
    for path in sorted(folder.rglob("*.elig")):
        if path.name.endswith(".examples.elig"):
            continue
        problems = Problems()
        compiled = compile_source(source_at(path, str(path)), problems, site)
        if compiled is None:
            raise SourceErrors(str(path), problems.sorted())
        if not compiled.protocol.criteria:
            continue
        name = compiled.protocol.id
        if name in found:
            raise click.UsageError(
                f"`{visible(str(folder))}` has two protocols of the id `{name}`: "
                f"`{visible(found[name].protocol.source.name)}` and `{visible(str(path))}`"
            )
        found[name] = compiled
    if not found:
        raise click.UsageError(f"there is no protocol in the folder `{visible(str(folder))}`")
    return list(found.values())


def _start(options: ScreenOptions, form: RowFormat, compiled: Compiled, keep: Keep | None) -> Start:
    return Start(
        compiled=compiled,
        option=options.as_of,
        piece=form.piece,
        templates=form.templates,
        noted=options.problems_file is not None,
        answers=None,
        asked=False,
        why=False,
        recorded=None,
        keep=keep,
    )


# ---- in each process -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StartAll:
    """Makes the job of a process: that of each protocol, one after the other."""

    starts: tuple[Start, ...]

    def with_threads(self, threads: int | None) -> StartAll:
        """The same, with so many threads in each process."""
        return StartAll(tuple(each.with_threads(threads) for each in self.starts))

    def __call__(self) -> Callable[[Many], list[Results]]:
        from protocol_logic.pipeline.opened import Opened
        from protocol_logic.reasoning.shared import Solvers

        opened, solvers = Opened(self.starts[0].threads), Solvers()
        jobs = [start(opened, solvers) for start in self.starts]

        def job(item: Many) -> list[Results]:
            if isinstance(item, Problem):
                return [jobs[0](item)]
            if isinstance(item, Unread):
                item = _Once(item.source, item.data, item.line, item.named)
            return [each(item) for each in jobs]

        return job


class _Once(Unread):
    """A document that is read from its bytes once."""

    def document(self) -> Document | Problem:
        found: Document | Problem | None = self.__dict__.get("found")
        if found is None:
            found = self.__dict__["found"] = Unread.document(self)
        return found


def _lost(item: Many) -> list[Results]:
    return [lost(item)]


# ---- in the first process ------------------------------------------------------------------------


class _Run:
    def __init__(
        self,
        patients: Patients,
        spools: Sequence[Spool],
        notes: IO[bytes] | None,
        keeping: Keeping | None,
    ) -> None:
        self.patients = patients
        self.keeping = keeping
        self.spools = spools
        self.notes = notes
        self.undated = 0
        self._told: set[Problem] = set()
        self.one_by_one: Counter[str] = Counter()
        self.of_stores = 0

    def screen(self, start: StartAll, options: ScreenOptions) -> None:
        """A row for each patient and protocol, in the spools."""
        from protocol_logic.records.files import size_at

        patients = self.patients
        total = sum(map(size_at, patients.paths)) if sys.stderr.isatty() else 0
        with (
            closing(Progress(sys.stderr, total)) as progress,
            engine_of(
                options.engine, options.workers, start.with_threads, _lost, progress, total
            ) as engine,
        ):
            for of_item in engine.results(patients.many(engine.parts)):
                patients.reading.bytes += of_item[0].bytes
                for each, results in zip(start.starts, of_item, strict=False):
                    if self.keeping is not None and each.keep is not None:
                        self.keeping.add(each.keep, results.states, results.new)
                    self.one_by_one.update(results.one_by_one)
                    self.of_stores += len(results.results) if results.bytes else 0
                for of_patient in zip(*self._even(of_item), strict=True):
                    self._take(of_patient, progress)
        self._stop(patients.end())
        if self.keeping is not None:
            self.keeping.end(each.keep for each in start.starts if each.keep is not None)

    def _even(self, of_item: Sequence[Results]) -> list[Sequence[Result]]:
        """By protocol a result for each patient: also where a store cannot be read for some."""
        most = max(len(results.results) for results in of_item)
        found = []
        for results in of_item:
            its = results.results
            if len(its) < most:
                self._stop_once(problem for result in its for problem in result.stopped)
                its = [Result()] * most
            found.append(its)
        return found

    def _take(self, of_patient: Sequence[Result], progress: Progress) -> None:
        """Keep what became of a patient, by protocol."""
        patients = self.patients
        first = next((each for each in of_patient if each.patient is not None), of_patient[0])
        if first.patient is not None:
            patients.passed(first.patient, first.source)
            progress.step(patients.reading.bytes)
            self.undated += first.piece is None
        for spool, result in zip(self.spools, of_patient, strict=False):
            if result.patient is not None and result.piece is not None:
                spool.add(result.patient, result.piece)
        if self.notes is not None:
            each = (line for result in of_patient for line in result.notes.splitlines(True))
            self.notes.writelines(dict.fromkeys(each))
        stopped = dict.fromkeys(problem for result in of_patient for problem in result.stopped)
        if first.patient is None:
            self._stop_once(stopped)
        else:
            self._stop(stopped, first.patient)

    def _stop_once(self, problems: Iterable[Problem]) -> None:
        for problem in problems:
            if problem not in self._told:
                self._told.add(problem)
                self._stop([problem])

    def _stop(self, problems: Iterable[Problem], patient: str | None = None) -> None:
        for problem in problems:
            self.patients.problems.add(problem)
            if self.notes is not None:
                self.notes.write(note_line(problem, patient))

    def report(self) -> None:
        """Say on stderr what kept patients from being screened."""
        print_problems(self.patients.problems.sorted())
        if self.of_stores:
            its, rows = self.one_by_one, count(self.of_stores, "row")
            text = f"read one by one: {its['wholly']:,} of {rows} of stores"
            click.echo(f"{text}, {its['partly']:,} more in part", err=True)
        if self.keeping is not None:
            self.keeping.report()


# ---- the table -----------------------------------------------------------------------------------


class FitTable(RowFormat):
    """Which patients fit each protocol, and which protocols each patient fits; `names`: those of
    the protocols, in order."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names

    @staticmethod
    def piece(row: Row) -> bytes:
        missing: dict[str, None] = {}
        if row["eligibility"] == "undetermined":
            for criterion in row["criteria"]:
                missing |= dict.fromkeys(criterion["gaps"])
        kept = [row["protocol"]["id"], row["patient"], row["eligibility"], list(missing)]
        return json.dumps(kept).encode()

    def write(self, out: IO[bytes], pieces: Pieces) -> None:
        for line in self._lines(pieces):
            out.write((line + "\n").encode("utf-8", "backslashreplace"))

    def _lines(self, pieces: Pieces) -> Iterator[str]:
        counts: dict[str, Counter[str]] = {name: Counter() for name in self.names}
        fits: dict[str, dict[str, list[str]]] = {}
        lacking: dict[str, list[tuple[str, list[str]]]] = {}
        for piece in pieces():
            name, patient, eligibility, missing = json.loads(piece)
            counts[name][eligibility] += 1
            fits.setdefault(patient, {}).setdefault(eligibility, []).append(name)
            if missing and len(fits) <= _SHOWN:
                lacking.setdefault(patient, []).append((name, missing))
        yield f"{count(len(counts), 'protocol')}, {count(len(fits), 'patient')}"
        yield ""
        yield "  ".join([*_KINDS, "protocol"])
        for name, number in counts.items():
            yield "  ".join([*(f"{number[kind]:>{len(kind)},}" for kind in _KINDS), name])
        yield ""
        for patient, of_kind in fits.items():
            said = [
                f"{kind} for {', '.join(of_kind[kind])}" for kind in _KINDS[:2] if kind in of_kind
            ]
            yield f"{visible(patient)}: {'; '.join(said) or 'ineligible for all'}"
            if len(fits) <= _SHOWN:
                yield from _missing(lacking.get(patient, ()))
        yield ""
        yield LAST_LINE


def _missing(lacking: Iterable[tuple[str, list[str]]]) -> Iterator[str]:
    """What would tell whether a patient fits some protocols, those that lack least first."""
    for name, missing in sorted(lacking, key=lambda each: (len(each[1]), each[0])):
        listed = ", ".join(visible(each.replace("_", " ")) for each in missing[:_NAMED])
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        yield f"  {name} lacks {listed}{more}"
