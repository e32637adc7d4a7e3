"""`screen`: patients to rows, a row for each that can be judged, a problem for each that cannot."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from protocol_logic.foundation.problems import Problem
from protocol_logic.surfaces.inputs import Patients, compiled_protocol, existing_paths
from protocol_logic.surfaces.outputs import STDOUT, opened_output, print_problems, written
from protocol_logic.surfaces.progress import Progress
from protocol_logic.surfaces.terminal import colour_wanted, count, terminal_width

if TYPE_CHECKING:
    from protocol_logic.pipeline import Compiled, Screening
    from protocol_logic.records.facts import PatientRecord
    from protocol_logic.surfaces.row_formats import RowWriter

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
    merge: bool


def screen(options: ScreenOptions) -> int:
    """Screen all patients; the exit code: 1 where one could not be screened, else 0."""
    from protocol_logic.pipeline import Screening

    _refuse_one_file_for_both(options)
    paths = existing_paths(options.patients)
    compiled = compiled_protocol(options.protocol)
    writer = _writer(compiled, options)
    with ExitStack() as files:
        out = files.enter_context(opened_output(options.output))
        notes = None
        if options.problems_file is not None:
            notes = files.enter_context(opened_output(options.problems_file))
        run = _Run(Screening(compiled), Patients(compiled, paths, options.merge), writer, notes)
        run.screen(options.as_of)
        try:
            writer.write(out, run.patients.is_withheld)
        finally:
            # Also where nobody reads the output to its end.
            run.report()
    return 1 if run.patients.problems.has_errors else 0


class _Run:
    def __init__(
        self, screening: Screening, patients: Patients, writer: RowWriter, notes: IO[bytes] | None
    ) -> None:
        self.screening = screening
        self.patients = patients
        self.writer = writer
        self.notes = notes
        self.codes: Counter[str] = Counter()
        self.troubled = 0

    def screen(self, option: date | None) -> None:
        """A row for each record that has an as-of date."""
        from protocol_logic.pipeline import as_of_date

        progress = Progress(sys.stderr)
        undated = 0
        try:
            for record in self.patients:
                as_of = as_of_date(record, option)
                if isinstance(as_of, Problem):
                    undated += 1
                    self.patients.problems.add(as_of)
                    self._note(record, record.problems)
                    continue
                row = self.screening.row(record, as_of)
                self.writer.add(row)
                if row["problems"]:
                    self._note(record, self._problems(record, as_of.date))
                progress.step()
        finally:
            progress.close()
        if undated and undated == self.patients.number:
            raise click.UsageError(NO_AS_OF)

    def _problems(self, record: PatientRecord, day: date) -> tuple[Problem, ...]:
        """The problems that stand in a row, with their hints."""
        from protocol_logic.answering.rows import problems_of
        from protocol_logic.pipeline import findings_of

        return tuple(problems_of(record, findings_of(self.screening.compiled, record, day)))

    def _note(self, record: PatientRecord, problems: tuple[Problem, ...]) -> None:
        """Count the problems of a record, or write them where a file is asked for."""
        self.codes.update(problem.code for problem in problems)
        self.troubled += bool(problems)
        self._write_notes(problems, record.patient)

    def _write_notes(self, problems: tuple[Problem, ...], patient: str | None) -> None:
        if self.notes is not None:
            self.notes.writelines(_note_line(problem, patient) for problem in problems)

    def report(self) -> None:
        """Say on stderr what kept patients from being screened, and what was wrong with records."""
        stopped = self.patients.problems.sorted()
        self._write_notes(tuple(stopped), None)
        print_problems(stopped)
        if self.codes and self.notes is None:
            found = ", ".join(f"{n:,} {code}" for code, n in sorted(self.codes.items()))
            number = count(self.codes.total(), "problem")
            where = count(self.troubled, "patient")
            text = f"{number} in the records of {where}: {found}; --problems FILE lists them"
            click.echo(text, err=True)


def _note_line(problem: Problem, patient: str | None) -> bytes:
    note = {
        "code": problem.code,
        "severity": problem.severity,
        "message": problem.message,
        "hint": problem.hint,
        "resource": problem.resource,
        "file": problem.file,
        "patient": patient,
    }
    return written(json.dumps(note, ensure_ascii=False) + "\n")


def _writer(compiled: Compiled, options: ScreenOptions) -> RowWriter:
    from protocol_logic.surfaces import row_formats
    from protocol_logic.surfaces.table import TableWriter

    to_stdout = options.output is None or options.output == STDOUT
    if options.form == "table":
        return TableWriter(
            compiled.protocol,
            width=terminal_width(sys.stdout if to_stdout else None),
            colour=to_stdout and colour_wanted(sys.stdout),
            encoding=sys.stdout.encoding if to_stdout else "utf-8",
        )
    if options.form == "parquet":
        if to_stdout and sys.stdout.isatty():
            raise click.UsageError("--format parquet is not for a terminal; add -o FILE")
        return row_formats.ParquetWriter()
    if options.form == "csv":
        return row_formats.CsvWriter()
    return row_formats.JsonWriter() if options.form == "json" else row_formats.NdjsonWriter()


def _refuse_one_file_for_both(options: ScreenOptions) -> None:
    def targets() -> Iterator[Path | None]:
        for name in (options.output or STDOUT, options.problems_file):
            yield None if name is None else Path(name).absolute() if name != STDOUT else Path(name)

    output, problems = targets()
    if output == problems:
        raise click.UsageError("-o and --problems name the same output")
