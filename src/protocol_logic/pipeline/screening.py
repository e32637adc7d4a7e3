"""Documents and records to rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from protocol_logic.answering.rows import AsOf, Row, problems_of, row_of
from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.pipeline.compiling import Compiled
from protocol_logic.pipeline.explaining import Explaining
from protocol_logic.pipeline.reading import as_of_date, findings_of, read_records, read_stored
from protocol_logic.records.answers import Answers
from protocol_logic.records.facts import PatientRecord
from protocol_logic.records.sources import Unread

if TYPE_CHECKING:
    from protocol_logic.answering.skeleton import Graph
    from protocol_logic.reasoning.engine import Engine
    from protocol_logic.records.store.reading import Stored


@dataclass(frozen=True, slots=True)
class Screened:
    """What became of a document or a record.

    `row`: where the patient was judged; `problems` are those of the record, as in the row, with
    their hints. `stopped`: what kept a patient, whose `record` there may be, from being judged.
    `read`: the record without the answers of people. `graph`: the justification, where wanted.
    """

    record: PatientRecord | None
    row: Row | None
    problems: tuple[Problem, ...]
    stopped: tuple[Problem, ...] = ()
    read: PatientRecord | None = None
    graph: Graph | None = None


class Screening:
    """Decides patients of one protocol, one after the other; solved rows are kept."""

    def __init__(
        self,
        compiled: Compiled,
        answers: Answers | None = None,
        why: bool = False,
        graphs: bool = False,
        engine: Engine | None = None,
    ) -> None:
        """`why`: whether rows say why; `graphs`: whether the justifications are wanted."""
        from protocol_logic.reasoning.engine import Engine  # clingo only where it is needed

        self.compiled = compiled
        self.answers = answers
        self.engine = engine or Engine(compiled.protocol, compiled.plan, compiled.program)
        self.why = why
        self.explaining = Explaining(compiled, self.engine) if why or graphs else None

    def screen(self, item: Unread | Stored | PatientRecord, option: date | None) -> Screened:
        """Screen one patient, on the day of the option or that of the record."""
        stopped = Problems()
        record = item if isinstance(item, PatientRecord) else self.read(item, stopped)
        if record is None:
            return Screened(None, None, (), tuple(stopped.items))
        as_of = as_of_date(record, option)
        if isinstance(as_of, Problem):
            return Screened(record, None, record.problems, (as_of,))
        read = record
        if self.answers is not None:
            record = self.answers.apply(record, as_of.date)
        row, problems, graph = self._judged(record, as_of)
        return Screened(record, row, problems, read=read, graph=graph)

    def read(self, item: Unread | Stored, problems: Problems) -> PatientRecord | None:
        """The record of a document or of a patient of a store; a problem where there is none."""
        if not isinstance(item, Unread):
            return read_stored(self.compiled, item, problems)
        document = item.document()
        if isinstance(document, Problem):
            problems.add(document)
            return None
        return next(read_records(self.compiled, [document], problems), None)

    def judge(self, record: PatientRecord, as_of: AsOf) -> tuple[Row, tuple[Problem, ...]]:
        """The row of one patient on one day, and its problems with their hints."""
        row, problems, _ = self._judged(record, as_of)
        return row, problems

    def _judged(
        self, record: PatientRecord, as_of: AsOf
    ) -> tuple[Row, tuple[Problem, ...], Graph | None]:
        c, graph = self.compiled, None
        found = findings_of(c, record, as_of.date)
        decision = self.engine.decide(found)
        problems = tuple(problems_of(record, found))
        site = c.policies
        row = row_of(
            c.protocol, c.plan, c.digest, site, c.dates, record, as_of, found, decision, problems
        )
        if self.explaining is not None:
            from protocol_logic.answering.why import with_why

            graph = self.explaining.graph(record, as_of, found, decision)
            row = with_why(row, graph) if self.why else row
        return row, problems, graph

    def row(self, record: PatientRecord, as_of: AsOf) -> Row:
        """The row of one patient on one day."""
        return self.judge(record, as_of)[0]
