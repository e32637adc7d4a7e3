"""`screen`: what each process makes of what it is given, ready to be written."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from protocol_logic.foundation.problems import Problem
from protocol_logic.records.facts import Account, PatientRecord, total_of
from protocol_logic.records.store.stretch import Stretch
from protocol_logic.surfaces.answers_form import questions_asked
from protocol_logic.surfaces.inputs import Item, Many
from protocol_logic.surfaces.kept_rows import Content, Keep, Known, State, packed
from protocol_logic.surfaces.outputs import written

if TYPE_CHECKING:
    from protocol_logic.answering.columns.rows import ManyRow
    from protocol_logic.answering.rows import Row
    from protocol_logic.pipeline import Compiled, Screening
    from protocol_logic.pipeline.columns import ColumnScreening, Line
    from protocol_logic.pipeline.opened import Opened
    from protocol_logic.reasoning.shared import Solvers
    from protocol_logic.records.answers import Answers
    from protocol_logic.records.elements import Elements
    from protocol_logic.surfaces.recording import Piece
    from protocol_logic.surfaces.row_templates import Templates

_FACT_BYTES = 400
NONE = total_of(())


@dataclass(frozen=True, slots=True)
class Result:
    """What became of an item, ready to be written.

    `patient`, `source`: of its record, if there is one; `piece` of its row, if there is one.
    `codes`: of the problems of the record; `notes`: their lines. `questions`: the lines of the
    form of answers. `decision`: what is recorded. `resources`: what became of those of the record.
    `stopped`: why there is no row.
    """

    patient: str | None = None
    source: str = ""
    piece: bytes | None = None
    codes: tuple[str, ...] = ()
    notes: bytes = b""
    questions: bytes = b""
    decision: bytes = b""
    resources: Account = NONE
    stopped: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Results:
    """What became of an item; of each patient where there are many.

    `bytes`: of the store that were read. `one_by_one`: how many of its patients were read so, by
    what for.
    """

    results: Sequence[Result]
    bytes: int = 0
    one_by_one: Mapping[str, int] = field(default_factory=dict)
    states: Sequence[State] = ()
    """Where rows are kept, those of the patients who have one."""
    new: Sequence[tuple[State, Content]] = ()
    """State and content of the rows that are to be kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Makes the job of a process; goes to the others by pickle."""

    compiled: Compiled
    option: date | None
    piece: Callable[[Row], bytes]
    templates: Callable[[], Templates | None]
    noted: bool
    answers: Answers | None
    asked: bool
    why: bool
    recorded: Piece | None
    keep: Keep | None = None
    """Where rows are kept from one run to the next."""
    threads: int | None = None
    """How many of a process read a store; None: one a core."""

    def with_threads(self, threads: int | None) -> Start:
        """The same, with so many threads."""
        return replace(self, threads=threads)

    @property
    def may_be_many(self) -> bool:
        """Whether all that is wanted of a patient can be told of many at once."""
        return not (self.why or self.asked or self.recorded is not None)

    def __call__(
        self, opened: Opened | None = None, solvers: Solvers | None = None
    ) -> Callable[[Many], Results]:
        """`opened`, `solvers`: what protocols share."""
        from protocol_logic.compiling.answerable import elements_of
        from protocol_logic.pipeline import Screening
        from protocol_logic.reasoning.engine import Engine

        c = self.compiled
        screening = Screening(
            c,
            self.answers,
            why=self.why,
            graphs=self.recorded is not None,
            engine=Engine(c.protocol, c.plan, c.program, solvers),
        )
        elements = elements_of(self.compiled.protocol) if self.asked else None
        columns: ColumnScreening | None = None
        templates = self.templates()
        known = None if self.keep is None else Known(self.keep)

        def job(item: Many) -> Results:
            nonlocal columns
            if not isinstance(item, Stretch):
                return Results((self._screen(screening, elements, item),))
            if columns is None:
                from protocol_logic.pipeline.columns import FEWEST, ColumnScreening
                from protocol_logic.pipeline.opened import Opened

                columns = ColumnScreening(
                    screening,
                    self.option,
                    fewest=FEWEST,
                    opened=opened or Opened(self.threads),
                )
            return self._screen_many(columns, templates, item, known)

        return job

    def _screen_many(
        self,
        columns: ColumnScreening,
        templates: Templates | None,
        stretch: Stretch,
        known: Known | None,
    ) -> Results:
        from protocol_logic.records.store.opening import StoreError

        columns.one_by_one.clear()
        try:
            if known is not None and self.keep is not None:
                return self._kept(columns, templates, stretch, known, self.keep.run)
            lines = columns.screen(stretch)
        except MemoryError:
            why = stopped(stretch, "there is not enough memory to read it")
            return Results((Result(stopped=(why,)),), stretch.size)
        except StoreError as error:
            file, hint = stretch.source, error.hint
            why = Problem(code="not-readable", message=str(error), hint=hint, file=file)
            return Results((Result(stopped=(why,)),), stretch.size)
        results = [self._result(line, templates) for line in lines]
        return Results(results, stretch.size, dict(columns.one_by_one))

    def _kept(
        self,
        columns: ColumnScreening,
        templates: Templates | None,
        stretch: Stretch,
        known: Known,
        run: bytes,
    ) -> Results:
        """The rows of a stretch that are kept, and those of the others."""
        states, between = columns.states(stretch)
        found = known.results(states)
        lacking = [place for place, each in enumerate(found) if each is None]
        lines = columns.some(stretch, lacking)
        before = list(between)
        results, needed, new = [], [], []
        for place, (state, kept) in enumerate(zip(states, found, strict=True)):
            while before and before[0][0] <= place:
                results.append(Result(stopped=(before.pop(0)[1],)))
            result = kept or self._result(lines[place], templates)
            results.append(result)
            if result.piece is not None:
                needed.append(state)
                if kept is None:
                    new.append((state, packed(result, run, state)))
        results += [Result(stopped=(problem,)) for _, problem in before]
        return Results(results, stretch.size, dict(columns.one_by_one), needed, new)

    def _result(self, line: Line, templates: Templates | None) -> Result:
        return Result(
            patient=line.patient,
            source=line.source,
            piece=None if line.row is None else self._piece(line.row, templates),
            codes=tuple([problem.code for problem in line.problems]),
            notes=_notes(line.problems, line.patient) if self.noted else b"",
            resources=line.resources,
            stopped=line.stopped,
        )

    def _piece(self, row: Row | ManyRow, templates: Templates | None) -> bytes:
        if isinstance(row, tuple):
            return self.piece(row.row()) if templates is None else templates.piece(row)
        return self.piece(row)

    def _screen(self, screening: Screening, elements: Elements | None, item: Item) -> Result:
        if isinstance(item, Problem):
            return Result(stopped=(item,))
        try:
            done = screening.screen(item, self.option)
        except MemoryError:
            return Result(stopped=(stopped(item, "there is not enough memory to read it"),))
        if done.record is None:
            return Result(stopped=done.stopped)
        patient = done.record.patient
        return Result(
            patient=patient,
            source=done.record.source,
            piece=None if done.row is None else self.piece(done.row),
            codes=tuple(problem.code for problem in done.problems),
            notes=_notes(done.problems, patient) if self.noted else b"",
            questions=questions_asked(elements, self.compiled, done),
            decision=b"" if self.recorded is None else self.recorded(item, done),
            resources=total_of(done.record.accounting),
            stopped=done.stopped,
        )


def stopped(item: Many, message: str) -> Problem:
    """Why an item could not be judged."""
    if isinstance(item, Problem):
        return item
    if isinstance(item, Stretch):
        message = f"patients {item.start + 1:,} to {item.stop:,}: {message}"
    line = getattr(item, "line", None)
    patient = getattr(item, "patient", None)
    return Problem(
        code="not-readable",
        message=message if line is None else f"line {line}: {message}",
        resource=None if patient is None else f"Patient/{patient}",
        file=item.source,
    )


def lost(item: Many) -> Results:
    why = "the process that read it was killed, perhaps for want of memory"
    return Results((Result(stopped=(stopped(item, why),)),))


def size_of(item: Many) -> int:
    """The bytes of an item on its way to a worker, roughly."""
    if isinstance(item, Problem):
        return _FACT_BYTES
    if isinstance(item, PatientRecord):
        return len(item.facts) * _FACT_BYTES
    return item.size


def _notes(problems: Iterable[Problem], patient: str | None) -> bytes:
    return b"".join(note_line(problem, patient) for problem in problems)


def note_line(problem: Problem, patient: str | None) -> bytes:
    file, resource = problem.file, problem.resource
    if problem.source is not None and problem.span is not None:
        file = problem.source.name
        resource = f"{Path(file).name}:{problem.source.line_column(problem.span.start)[0]}"
    note = {
        "code": problem.code,
        "severity": problem.severity,
        "message": problem.message,
        "hint": problem.hint,
        "resource": resource,
        "file": file,
        "patient": patient,
    }
    return written(json.dumps(note, ensure_ascii=False) + "\n")
