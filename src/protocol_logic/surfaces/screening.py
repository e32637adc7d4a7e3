"""`screen`: patients to rows, a row for each that can be judged, a problem for each that cannot.

Inputs pass as a stream: documents go as bytes to workers, rows come back as bytes and wait in a
file until it is known which patients stand in two documents.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.records.facts import total_of
from protocol_logic.surfaces.answers_form import form_header
from protocol_logic.surfaces.engines import engine_of, refuse, refuse_documents, refuse_with_engine
from protocol_logic.surfaces.inputs import (
    Patients,
    answers_of,
    compiled_protocol,
    existing_paths,
)
from protocol_logic.surfaces.kept_rows import Keeping
from protocol_logic.surfaces.outputs import (
    STDOUT,
    opened_output,
    print_problems,
    temporary_folder,
)
from protocol_logic.surfaces.progress import Progress
from protocol_logic.surfaces.recording import Recorder, audit_file
from protocol_logic.surfaces.run_digest import keep_of, program_digest
from protocol_logic.surfaces.screening_job import NONE, Result, Start, lost, note_line
from protocol_logic.surfaces.terminal import colour_wanted, count, terminal_width

if TYPE_CHECKING:
    from protocol_logic.pipeline import Compiled
    from protocol_logic.records.answers import Answers
    from protocol_logic.surfaces.row_formats import RowFormat, Spool

NO_AS_OF = (
    "no patient has an as-of date: the inputs have no Bundle.timestamp; "
    "give one with --as-of YYYY-MM-DD, or --as-of today"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenOptions:
    """The arguments of `screen`."""

    protocol: str
    patients: tuple[str, ...]
    as_of: date | None
    form: str
    output: str | None
    problems_file: str | None
    answers: str | None
    answers_form: str | None
    merge: bool
    why: bool
    record: str | None
    mask: str | None
    policies: str | None
    parameters: tuple[str, ...]
    dates: tuple[str, ...]
    workers: int | None
    """Processes that read and decide; None: as many as there are usable cores, but two at most."""
    engine: str | None = None
    """That of Spark which decides instead."""
    keep: str | None = None
    """Where rows are kept from one run to the next."""


def screen(options: ScreenOptions) -> int:
    """Screen all patients; the exit code: 1 where one could not be screened, else 0."""
    from protocol_logic.surfaces.row_formats import Spool

    if Path(options.protocol).is_dir():
        from protocol_logic.surfaces.screening_all import screen_all

        return screen_all(options)
    _refuse_one_file_for_two(options)
    refuse_with_keep(options)
    paths = existing_paths(options.patients)
    record = audit_file(options.record, options.mask)
    compiled = compiled_protocol(
        options.protocol, options.policies, options.parameters, options.dates
    )
    form = format_of(compiled, options)
    with ExitStack() as files:
        out = files.enter_context(opened_output(options.output))
        notes = None
        if options.problems_file is not None:
            notes = files.enter_context(opened_output(options.problems_file))
        spool = files.enter_context(closing(Spool(temporary_folder(options.output))))
        asked, questions = None, files.enter_context(closing(Spool()))
        if options.answers_form is not None:
            asked = files.enter_context(opened_output(options.answers_form))
        patients = Patients(compiled, paths, options.merge)
        if options.engine is not None:
            refuse_with_engine(patients, _not_with_engine(options))
        recorder = None
        if record is not None:
            recorder = Recorder(record, compiled, options.answers, options.merge)
            files.enter_context(closing(recorder))
        keeping = files.enter_context(keeping_of(options, patients))
        keep = keep_of(program_digest(), compiled, options) if keeping is not None else None
        run = _Run(patients, spool, questions, notes, recorder, keeping)
        answers = None if options.answers is None else run.read_answers(options.answers)
        start = Start(
            compiled=compiled,
            option=options.as_of,
            piece=form.piece,
            templates=form.templates,
            noted=notes is not None,
            answers=answers,
            asked=asked is not None,
            why=options.why,
            recorded=None if recorder is None else recorder.piece,
            keep=keep,
        )
        run.screen(start, options)
        try:
            if recorder is not None:
                recorder.write(patients.is_withheld)
            form.write(out, lambda: spool.pieces(patients.is_withheld))
            if asked is not None:
                asked.write(form_header())
                asked.writelines(questions.pieces(patients.is_withheld))
        finally:
            # Also where nobody reads the output to its end.
            run.report()
    return 1 if patients.problems.has_errors else 0


# ---- in the first process ------------------------------------------------------------------------


class _Run:
    def __init__(
        self,
        patients: Patients,
        spool: Spool,
        questions: Spool,
        notes: IO[bytes] | None,
        recorder: Recorder | None,
        keeping: Keeping | None,
    ) -> None:
        self.patients = patients
        self.spool = spool
        self.questions = questions
        self.notes = notes
        self.recorder = recorder
        self.keeping = keeping
        self.answers: Answers | None = None
        self.codes: Counter[str] = Counter()
        self.troubled = 0
        self.resources = NONE
        self.one_by_one: Counter[str] = Counter()
        self.of_stores = 0

    def read_answers(self, name: str) -> Answers:
        """The answers in a file; rows that cannot be used are told with what else is."""
        found = Problems()
        self.answers = answers_of(name, self.patients.compiled, found)
        self._stop(found.items, None)
        return self.answers

    def screen(self, start: Start, options: ScreenOptions) -> None:
        """A row for each patient, in the spool."""
        from protocol_logic.records.files import size_at

        patients, undated = self.patients, 0
        total = sum(map(size_at, patients.paths)) if sys.stderr.isatty() else 0
        with (
            closing(Progress(sys.stderr, total)) as progress,
            engine_of(
                options.engine, options.workers, start.with_threads, lost, progress, total
            ) as engine,
        ):
            several = start.may_be_many and not patients.merge
            items = patients.many(engine.parts) if several else patients.items()
            for results in engine.results(items):
                patients.reading.bytes += results.bytes
                self.one_by_one.update(results.one_by_one)
                if results.bytes:
                    self.of_stores += sum(each.patient is not None for each in results.results)
                if self.keeping is not None and start.keep is not None:
                    self.keeping.add(start.keep, results.states, results.new)
                for result in results.results:
                    undated += self._take(result, progress)
        if undated and undated == patients.number:
            raise click.UsageError(NO_AS_OF)
        if self.answers is not None:
            self._stop(self.answers.unknown_patients(patients.known()), None)
        self._stop(patients.end(), None)
        if self.keeping is not None and start.keep is not None:
            self.keeping.end([start.keep])

    def _take(self, result: Result, progress: Progress) -> bool:
        """Keep what became of a patient; whether there was no day of judgement."""
        patients, piece = self.patients, result.piece
        if result.patient is not None:
            patients.passed(result.patient, result.source)
            progress.step(patients.reading.bytes)
            if piece is not None:
                self.spool.add(result.patient, piece)
                self.questions.add(result.patient, result.questions)
                if self.recorder is not None:
                    self.recorder.add(result.patient, result.decision)
            self.codes.update(result.codes)
            self.troubled += bool(result.codes)
            self.resources = total_of((self.resources, result.resources))
            if self.notes is not None:
                self.notes.write(result.notes)
        self._stop(result.stopped, result.patient)
        return result.patient is not None and piece is None

    def _stop(self, problems: Iterable[Problem], patient: str | None) -> None:
        """Note what kept patients from being screened."""
        for problem in problems:
            self.patients.problems.add(problem)
            if self.notes is not None:
                self.notes.write(note_line(problem, patient))

    def report(self) -> None:
        """Say on stderr what kept patients from being screened, and what was wrong with records."""
        print_problems(self.patients.problems.sorted())
        if self.answers is not None and self.answers.unanswered:
            rows = count(self.answers.unanswered, "row")
            click.echo(f"passed over: {rows} of the answers without a value", err=True)
        if self.resources.total:
            found = self.resources
            text = f"{count(found.total, 'resource')}: {found.facts:,} with facts, "
            text += f"{found.irrelevant:,} irrelevant, {found.problems:,} only with problems"
            click.echo(text, err=True)
        if self.of_stores:
            click.echo(_read_one_by_one(self.one_by_one, self.of_stores), err=True)
        if self.keeping is not None:
            self.keeping.report()
        if self.codes and self.notes is None:
            codes = ", ".join(f"{n:,} {code}" for code, n in sorted(self.codes.items()))
            number = count(self.codes.total(), "problem")
            where = count(self.troubled, "patient")
            text = f"{number} in the records of {where}: {codes}; --problems FILE lists them"
            click.echo(text, err=True)


_PARTS_TOLD = 5


def _read_one_by_one(found: Counter[str], of: int) -> str:
    """How many patients of stores were read one by one, wholly or for some of what is asked."""
    text = f"read one by one: {found['wholly']:,} of {count(of, 'patient')} of stores"
    parts = [(name, n) for name, n in found.most_common() if n and name not in ("wholly", "partly")]
    if parts:
        text += f", {found['partly']:,} more in part: "
        text += ", ".join(f"{n:,} for {name}" for name, n in parts[:_PARTS_TOLD])
    if len(parts) > _PARTS_TOLD:
        text += f" and {count(len(parts) - _PARTS_TOLD, 'other part')}"
    return text


def format_of(compiled: Compiled, options: ScreenOptions) -> RowFormat:
    """How rows are written."""
    from protocol_logic.surfaces import row_formats
    from protocol_logic.surfaces.table import Table

    to_stdout = options.output is None or options.output == STDOUT
    if options.form == "table":
        return Table(
            compiled.protocol,
            compiled.policies,
            width=terminal_width(sys.stdout if to_stdout else None),
            colour=to_stdout and colour_wanted(sys.stdout),
            encoding=sys.stdout.encoding if to_stdout else "utf-8",
        )
    if options.form == "parquet":
        if to_stdout and sys.stdout.isatty():
            raise click.UsageError("--format parquet is not for a terminal; add -o FILE")
        return row_formats.Parquet(options.why)
    if options.form == "csv":
        return row_formats.Csv(options.why)
    return row_formats.Json() if options.form == "json" else row_formats.Ndjson()


def _not_with_engine(options: ScreenOptions) -> dict[str, object]:
    """Options that Spark cannot serve."""
    return {
        "--merge-patients": options.merge,
        "--why": options.why,
        "--answers-form": options.answers_form,
        "--record": options.record,
    }


@contextmanager
def keeping_of(options: ScreenOptions, patients: Patients) -> Iterator[Keeping | None]:
    """What keeps rows, where they are to be."""
    if options.keep is None:
        yield None
        return
    refuse_documents("--keep", patients)
    with closing(Keeping(options.keep)) as keeping:
        yield keeping


def refuse_with_keep(options: ScreenOptions) -> None:
    """Refuse what rows are not kept for."""
    if options.keep is None:
        return
    given = {
        "--answers": options.answers,
        "--answers-form": options.answers_form,
        "--record": options.record,
        "--why": options.why,
        "--merge-patients": options.merge,
        "--engine": options.engine,
    }
    refuse("--keep", given)


def _refuse_one_file_for_two(options: ScreenOptions) -> None:
    """Refuse outputs of one name, and a form that would take the place of the answers."""
    named = {
        "-o": options.output or STDOUT,
        "--problems": options.problems_file,
        "--answers-form": options.answers_form,
        "--record": options.record,
        "--answers": options.answers,
        "--mask": options.mask,
        "--keep": options.keep,
    }
    seen: dict[str, str] = {}
    for option, name in named.items():
        if name is None:
            continue
        place = name if name == STDOUT else str(Path(name).absolute())
        if place in seen:
            what = "file" if option in ("--answers", "--mask") else "output"
            raise click.UsageError(f"{seen[place]} and {option} name the same {what}")
        seen[place] = option
