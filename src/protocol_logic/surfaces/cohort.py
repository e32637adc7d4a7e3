"""`cohort`: who is lost at which criterion of a protocol, and what other limits would do.

Inputs pass as a stream, as for `screen`. What is counted of a patient waits in a file until it is
known which patients stand in two documents, and with it the records of those who are near, who are
screened again with the limits that are suggested.
"""

from __future__ import annotations

import json
import pickle
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import TYPE_CHECKING

import click

from protocol_logic.foundation.problems import Problem
from protocol_logic.foundation.text import shown
from protocol_logic.surfaces.engines import MOST_WORKERS
from protocol_logic.surfaces.inputs import (
    Item,
    Patients,
    answers_of,
    compiled_protocol,
    existing_paths,
)
from protocol_logic.surfaces.outputs import (
    STDOUT,
    opened_output,
    print_problems,
    temporary_folder,
    written,
)
from protocol_logic.surfaces.progress import Progress
from protocol_logic.surfaces.screening import NO_AS_OF
from protocol_logic.surfaces.screening_job import size_of, stopped
from protocol_logic.surfaces.terminal import colour_wanted, count, terminal_width
from protocol_logic.surfaces.what_if import changes_named

if TYPE_CHECKING:
    from protocol_logic.answering.cohort.report import Report
    from protocol_logic.answering.cohort.strata import Stratum
    from protocol_logic.compiling.changing import Said
    from protocol_logic.pipeline import Compiled, Surveying
    from protocol_logic.records.answers import Answers
    from protocol_logic.surfaces.counting import Piece
    from protocol_logic.surfaces.row_formats import Spool


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortOptions:
    """The arguments of `cohort`."""

    protocol: str
    patients: tuple[str, ...]
    as_of: date | None
    by: tuple[str, ...]
    rank: bool
    changes: tuple[str, ...]
    policies: str | None
    parameters: tuple[str, ...]
    dates: tuple[str, ...]
    answers: str | None
    merge: bool
    workers: int | None
    form: str
    output: str | None


def cohort(options: CohortOptions) -> int:
    """Count a cohort; the exit code: 1 where an input could not be judged, else 0."""
    from protocol_logic.pipeline import for_strata
    from protocol_logic.surfaces.row_formats import Spool

    if options.changes and not options.rank:
        raise click.UsageError("--change says what it costs to settle a patient; add --rank")
    paths = existing_paths(options.patients)
    compiled = compiled_protocol(
        options.protocol, options.policies, options.parameters, options.dates
    )
    changes = changes_named(options.changes, compiled)
    strata = strata_of(compiled, options.by)
    compiled = for_strata(compiled, strata)
    with ExitStack() as files:
        out = files.enter_context(opened_output(options.output))
        spool = files.enter_context(closing(Spool(temporary_folder(options.output))))
        run = _Run(Patients(compiled, paths, options.merge), strata, spool)
        answers = None if options.answers is None else run.read_answers(options.answers)
        try:
            start = _Start(compiled, strata, options.as_of, answers, options.rank, changes)
            run.survey(start, options.workers)
            out.write(_written(run.report(options.rank), options))
        finally:
            # Also where nobody reads the output to its end.
            run.tell()
    return 1 if run.patients.problems.has_errors else 0


def strata_of(compiled: Compiled, names: Sequence[str]) -> list[Stratum]:
    """The strata of some names; a usage error where a cohort cannot be divided by one."""
    from protocol_logic.answering.cohort.strata import stratum_of

    found = []
    for name in dict.fromkeys(names):
        stratum = stratum_of(compiled.protocol, name)
        if isinstance(stratum, str):
            raise click.BadParameter(
                f"a cohort cannot be divided by `{shown(name)}`: {stratum}", param_hint="'--by'"
            )
        found.append(stratum)
    return found


# ---- in each process -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Result:
    """What became of an item. `piece`: what is counted, with the record where it may be needed."""

    patient: str | None = None
    source: str = ""
    as_of: date | None = None
    piece: bytes | None = None
    codes: tuple[str, ...] = ()
    stopped: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class _Start:
    """Makes the job of a process; goes to the others by pickle."""

    compiled: Compiled
    strata: Sequence[Stratum]
    option: date | None
    answers: Answers | None
    rank: bool
    changes: Sequence[Said]

    def __call__(self) -> Callable[[Item], _Result]:
        from protocol_logic.pipeline import Surveying

        surveying = Surveying(self.compiled, self.strata, self.answers, self.rank, self.changes)
        return lambda item: self._survey(surveying, item)

    def _survey(self, surveying: Surveying, item: Item) -> _Result:
        if isinstance(item, Problem):
            return _Result(stopped=(item,))
        try:
            done = surveying.survey(item, self.option)
        except MemoryError:
            return _Result(stopped=(stopped(item, "there is not enough memory to read it"),))
        if done.record is None:
            return _Result(stopped=done.stopped)
        piece = None
        if done.seen is not None:
            kept = (done.record, done.as_of) if done.seen.is_near else None
            record = None if kept is None else pickle.dumps(kept)
            piece = pickle.dumps((done.seen, done.ranked, record))
        return _Result(
            patient=done.record.patient,
            source=done.record.source,
            as_of=None if done.as_of is None else done.as_of.date,
            piece=piece,
            codes=tuple(problem.code for problem in done.problems),
            stopped=done.stopped,
        )


def _lost(item: Item) -> _Result:
    why = "the process that read it was killed, perhaps for want of memory"
    return _Result(stopped=(stopped(item, why),))


# ---- in the first process ------------------------------------------------------------------------


@dataclass(slots=True)
class _Run:
    patients: Patients
    strata: Sequence[Stratum]
    spool: Spool
    answers: Answers | None = None
    codes: Counter[str] = field(default_factory=Counter)
    troubled: int = 0
    days: list[date] = field(default_factory=list)
    """The first and the last day of judgement."""

    def read_answers(self, name: str) -> Answers:
        self.answers = answers_of(name, self.patients.compiled, self.patients.problems)
        return self.answers

    def survey(self, start: _Start, workers: int | None) -> None:
        """What is counted of each patient, in the spool."""
        from protocol_logic.records.files import size_at
        from protocol_logic.surfaces.workers import Workers, usable_cores

        patients, undated = self.patients, 0
        total = sum(map(size_at, patients.paths)) if sys.stderr.isatty() else 0
        number = workers or min(usable_cores(), MOST_WORKERS)
        with (
            closing(Progress(sys.stderr, total)) as progress,
            Workers(start, number, size=size_of, lost=_lost) as processes,
        ):
            for result in processes.results(patients.items()):
                if result.patient is not None:
                    patients.passed(result.patient, result.source)
                    progress.step(patients.reading.bytes)
                    if result.piece is None or result.as_of is None:
                        undated += 1
                    else:
                        self.spool.add(result.patient, result.piece)
                        days = [*self.days, result.as_of]
                        self.days = [min(days), max(days)]
                    self.codes.update(result.codes)
                    self.troubled += bool(result.codes)
                patients.problems.extend(result.stopped)
        if undated and undated == patients.number:
            # Said once, for all of them.
            patients.problems.items = [p for p in patients.problems.items if p.code != "no-as-of"]
            self.codes.clear()
            raise click.UsageError(NO_AS_OF)
        if self.answers is not None:
            patients.problems.extend(self.answers.unknown_patients(patients.known()))
        patients.problems.extend(patients.end())

    def _pieces(self) -> Iterator[Piece]:
        from protocol_logic.surfaces.counting import Piece

        for kept in self.spool.pieces(self.patients.is_withheld):
            seen, ranked, judged = pickle.loads(kept)
            yield Piece(seen, ranked, None if judged is None else partial(pickle.loads, judged))

    def report(self, rank: bool) -> Report:
        """The report of all who were judged and stand in one document only."""
        from protocol_logic.surfaces.counting import counted

        return counted(self.patients.compiled, self.strata, self.days, self._pieces, rank)

    def tell(self) -> None:
        """Say on stderr what kept patients from being judged, and what was wrong with records."""
        print_problems(self.patients.problems.sorted())
        if self.codes:
            codes = ", ".join(f"{n:,} {code}" for code, n in sorted(self.codes.items()))
            number = count(self.codes.total(), "problem")
            text = f"{number} in the records of {count(self.troubled, 'patient')}: {codes}; "
            click.echo(f"{text}`screen --problems FILE` lists them", err=True)


def _written(report: Report, options: CohortOptions) -> bytes:
    if options.form == "json":
        return written(json.dumps(report, ensure_ascii=False, indent=2) + "\n")
    if options.form == "html":
        from protocol_logic.surfaces.cohort_page import cohort_page

        return written(cohort_page(report))
    from protocol_logic.surfaces.cohort_text import CohortText

    to_stdout = options.output is None or options.output == STDOUT
    encoding = (sys.stdout.encoding or "ascii") if to_stdout else "utf-8"
    drawing = CohortText(
        report,
        width=terminal_width(sys.stdout if to_stdout else None),
        colour=to_stdout and colour_wanted(sys.stdout),
        encoding=encoding,
    )
    text = "".join(f"{line.rstrip()}\n" for line in drawing.lines())
    return text.encode(encoding, "backslashreplace")
