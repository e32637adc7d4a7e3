"""Many records to what is counted of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from protocol_logic.answering.rows import AsOf, problems_of
from protocol_logic.compiling.changing import Said, changes_of
from protocol_logic.findings.rows import PatientFindings
from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.pipeline.compiling import Compiled, compiled_of
from protocol_logic.pipeline.reading import as_of_date, findings_of
from protocol_logic.pipeline.screening import Screening
from protocol_logic.records.answers import Answers
from protocol_logic.records.codings import Codings
from protocol_logic.records.facts import PatientRecord
from protocol_logic.records.sources import Unread

if TYPE_CHECKING:
    from protocol_logic.answering.cohort.rank import Ranked
    from protocol_logic.answering.cohort.seeing import Seen
    from protocol_logic.answering.cohort.strata import Stratum
    from protocol_logic.answering.fit.report import Report
    from protocol_logic.answering.what_if.measure import Measuring
    from protocol_logic.reasoning.decision import Decision
    from protocol_logic.reasoning.engine import Engine
    from protocol_logic.records.store.reading import Stored


class Fitting:
    """Counts what records hold of what a protocol wants; `meet` takes their resources."""

    def __init__(self, compiled: Compiled) -> None:
        from protocol_logic.answering.fit.report import Fit

        self._screening = Screening(compiled)
        c = compiled
        known = Codings.of(c.protocol.vocabulary)  # a code of any entry is not an unknown one
        self._fit = Fit(c.protocol, c.plan, known, c.digest, c.policies)
        self.meet = self._fit.codes.meet

    def add(self, record: PatientRecord, option: date | None) -> None:
        """Count a record, on the day of the option or its own; without one, on no day."""
        as_of = as_of_date(record, option)
        if isinstance(as_of, Problem):
            self._fit.add(record, None, None)
        else:
            self._fit.add(record, as_of.date, self._screening.judge(record, as_of)[0])

    def report(self) -> Report:
        """The fit of all records so far."""
        return self._fit.report()


@dataclass(frozen=True, slots=True)
class Surveyed:
    """What a cohort counts of one patient; without `seen`, `stopped` says why there is nothing.

    `ranked`: of an undetermined patient, where a list of them is wanted.
    """

    record: PatientRecord | None
    as_of: AsOf | None = None
    seen: Seen | None = None
    ranked: Ranked | None = None
    problems: tuple[Problem, ...] = ()
    stopped: tuple[Problem, ...] = ()


class Surveying:
    """Judges the patients of a cohort, by a protocol whose records are read for the strata too.

    `changes`: what this run says of how entries can change, and at what cost they are had.
    """

    def __init__(
        self,
        compiled: Compiled,
        strata: Sequence[Stratum] = (),
        answers: Answers | None = None,
        rank: bool = False,
        changes: Iterable[Said] = (),
        engine: Engine | None = None,
    ) -> None:
        from protocol_logic.answering.cohort.seeing import Seeing
        from protocol_logic.answering.cohort.strata import Strata

        self.screening = Screening(compiled, answers, engine=engine)
        self.seeing = Seeing(compiled.protocol, compiled.plan, self.screening.engine)
        self._strata = Strata(compiled.protocol, strata) if strata else None
        if self._strata is not None:
            self._by = Screening(compiled_of(self._strata.protocol))
        self._measuring: Measuring | None = None
        if rank:
            from protocol_logic.answering.what_if.measure import Measuring

            c, site = compiled, compiled.policies
            of_site = site.changes if site is not None else ()
            costs = changes_of(c.protocol, (*of_site, *changes))
            self._measuring = Measuring(c.protocol, c.plan, self.screening.engine, costs)

    def survey(self, item: Unread | Stored | PatientRecord, option: date | None) -> Surveyed:
        """Judge one patient, on the day of the option or that of the record."""
        stopped = Problems()
        screening = self.screening
        record = item if isinstance(item, PatientRecord) else screening.read(item, stopped)
        if record is None:
            return Surveyed(None, stopped=tuple(stopped.items))
        as_of = as_of_date(record, option)
        if isinstance(as_of, Problem):
            return Surveyed(record, problems=record.problems, stopped=(as_of,))
        if screening.answers is not None:
            record = screening.answers.apply(record, as_of.date)
        found = findings_of(screening.compiled, record, as_of.date)
        decision = screening.engine.decide(found)
        seen = self.seeing.see(found, decision, self._values(record, as_of))
        ranked = self._ranked(record, as_of, found, decision)
        return Surveyed(record, as_of, seen, ranked, tuple(problems_of(record, found)))

    def _ranked(
        self, record: PatientRecord, as_of: AsOf, found: PatientFindings, decision: Decision
    ) -> Ranked | None:
        from protocol_logic.answering.cohort.rank import ranked_of

        if self._measuring is None or decision.eligibility != "undetermined":
            return None
        measures = self._measuring.measures(found, decision)
        return ranked_of(record.patient, record.source, as_of.date.isoformat(), measures)

    def _values(self, record: PatientRecord, as_of: AsOf) -> tuple[str, ...]:
        if self._strata is None:
            return ()
        found = findings_of(self._by.compiled, record, as_of.date)
        return self._strata.values(self._by.engine.decide(found))
