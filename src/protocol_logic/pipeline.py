"""The phases in order; no logic of its own.

text -check-> protocol -make_plan-> plan -lower-> program
bytes -document-> JSON -read_record-> record -read_findings-> findings -decide-> decision
-row_of-> row
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from protocol_logic.answering.rows import AsOf, Row, about, problems_of, row_of
from protocol_logic.compiling import core
from protocol_logic.compiling.answerable import elements_of
from protocol_logic.compiling.changing import Said, changes_of
from protocol_logic.compiling.check import check
from protocol_logic.compiling.digests import digest_of
from protocol_logic.compiling.extending import of_site as with_extensions
from protocol_logic.compiling.lower import Program, lower
from protocol_logic.compiling.parameters import Setting
from protocol_logic.compiling.plan import Plan
from protocol_logic.compiling.planner import make_plan
from protocol_logic.compiling.policies import Policies
from protocol_logic.compiling.reach import reached
from protocol_logic.compiling.windows import Window
from protocol_logic.findings.read import read_findings
from protocol_logic.findings.rows import PatientFindings
from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.foundation.source import Source
from protocol_logic.foundation.text import shown
from protocol_logic.records.answers import Answers
from protocol_logic.records.codings import Codings
from protocol_logic.records.duplicates import misleading_id, with_id_told
from protocol_logic.records.facts import PatientRecord
from protocol_logic.records.fhir import Met, read_record
from protocol_logic.records.sources import Document, Unread
from protocol_logic.records.tables import iter_table_records

if TYPE_CHECKING:
    from protocol_logic.answering.cohort.limits import OtherLimits
    from protocol_logic.answering.cohort.rank import Ranked
    from protocol_logic.answering.cohort.seeing import Seen
    from protocol_logic.answering.cohort.strata import Stratum
    from protocol_logic.answering.fit.report import Report
    from protocol_logic.answering.minimal import Forcing
    from protocol_logic.answering.skeleton import Graph
    from protocol_logic.answering.what_if.ahead import Ahead
    from protocol_logic.answering.what_if.changes import Repair
    from protocol_logic.answering.what_if.measure import Measuring
    from protocol_logic.answering.what_if.trying import Settings
    from protocol_logic.reasoning.decision import Decision
    from protocol_logic.reasoning.engine import Engine


@dataclass(frozen=True, slots=True)
class Compiled:
    """A protocol ready to screen with, under the policies of a site, if any.

    `digest` covers the protocol with all that it refers to; the policies have one of their own.
    `windows`: entry of the protocol's vocabulary -> how old its evidence may be.
    """

    protocol: core.Protocol
    plan: Plan
    program: Program
    codings: Codings
    digest: str
    policies: Policies | None = None
    windows: Mapping[str, Window] = field(default_factory=dict)
    dates: Mapping[str, date] = field(default_factory=dict)
    """Time point -> its day in this run; those without one are the as-of date."""


def compile_source(
    source: Source,
    problems: Problems,
    policies: Policies | None = None,
    settings: Iterable[Setting] = (),
) -> Compiled | None:
    """Check and compile a protocol; None where an error stands in the way.

    `policies`: those of the site; `settings`: the values that this run gives to parameters.
    """
    of_site = policies.settings if policies is not None else ()
    protocol = check(source, problems, (*of_site, *settings))
    if protocol is not None and policies is not None and policies.extensions:
        protocol = with_extensions(protocol, policies.extensions, problems)
        protocol = None if problems.has_errors else protocol
    return None if protocol is None else compiled_of(protocol, policies)


def compiled_of(protocol: core.Protocol, policies: Policies | None = None) -> Compiled:
    """A checked protocol ready to screen with, under the policies of a site, if any."""
    plan = make_plan(protocol)
    program = lower(protocol, plan)
    names = reached(protocol)
    codings = Codings.of(protocol.vocabulary, names)
    digest = digest_of(protocol)
    windows = policies.windows(protocol) if policies is not None else {}
    return Compiled(protocol, plan, program, codings, digest, policies, windows)


def read_records(
    compiled: Compiled,
    documents: Iterable[Document],
    problems: Problems,
    meet: Callable[[Met], None] | None = None,
) -> Iterator[PatientRecord]:
    """The records of the documents that hold one patient each, whose id a person can see.

    `meet` is called with each resource of a record before the record is given.
    """
    for document in documents:
        resources: list[Met] = []
        met = None if meet is None else resources.append
        record = read_record(document, compiled.codings, problems, met)
        for clear in _with_clear_ids([record] if record is not None else [], problems):
            if meet is not None:
                for resource in resources:
                    meet(resource)
            yield with_id_told(clear)


def read_tables(compiled: Compiled, path: Path, problems: Problems) -> Iterator[PatientRecord]:
    """The records of the patients of tables with a mapping, whose ids a person can see."""
    elements = elements_of(compiled.protocol)
    yield from _with_clear_ids(iter_table_records(path, elements, problems), problems)


def _with_clear_ids(
    records: Iterable[PatientRecord], problems: Problems
) -> Iterator[PatientRecord]:
    for record in records:
        unclear = misleading_id(record)
        if unclear is None:
            yield record
        else:
            problems.add(unclear)


def as_of_date(record: PatientRecord, option: date | None) -> AsOf | Problem:
    """The option, else the bundle's own date, else a problem; never the newest fact."""
    if option is not None:
        return AsOf(option, "option")
    if record.index_date is not None:
        return AsOf(record.index_date, record.index_source)
    lacks = "the bundle has no timestamp"
    if record.index_source == "index":
        lacks = f"the tables give `{shown(record.patient)}` no index date, or more than one"
    return Problem(
        code="no-as-of",
        message=f"there is no as-of date: {lacks}",
        hint="give one with `--as-of YYYY-MM-DD` (or `--as-of today`)",
        file=record.source,
    )


def findings_of(compiled: Compiled, record: PatientRecord, as_of: date) -> PatientFindings:
    """What a record says of the protocol's findings on a day."""
    c = compiled
    return read_findings(c.protocol, c.plan, record, as_of, c.windows, c.dates)


def ahead_of(compiled: Compiled, record: PatientRecord, answers: Answers | None = None) -> Ahead:
    """A record as days pass, with what people answered about the patient."""
    from protocol_logic.answering.what_if.ahead import Ahead

    c = compiled
    told = answers.by_patient.get(record.patient, ()) if answers is not None else ()
    if answers is None or not told:
        return Ahead(c.protocol, c.plan, lambda _: record, c.windows, c.dates)
    later = tuple(dict.fromkeys(answer.when.first for answer in told))
    apply = answers.apply
    return Ahead(c.protocol, c.plan, lambda day: apply(record, day), c.windows, c.dates, later)


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

    def screen(self, item: Unread | PatientRecord, option: date | None) -> Screened:
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

    def read(self, unread: Unread, problems: Problems) -> PatientRecord | None:
        """The record of a document; a problem where there is none."""
        document = unread.document()
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


class Explaining:
    """Explains decisions of one protocol, each by a graph that the rules which decided give."""

    def __init__(self, compiled: Compiled, engine: Engine | None = None) -> None:
        from protocol_logic.answering.justification import Justifier
        from protocol_logic.reasoning.engine import Engine

        self.compiled = compiled
        self.engine = engine or Engine(compiled.protocol, compiled.plan, compiled.program)
        self.justifier = Justifier(compiled.protocol, compiled.plan, compiled.program)

    def explain(self, record: PatientRecord, as_of: AsOf) -> Graph:
        """The justification of a patient's decision."""
        found = findings_of(self.compiled, record, as_of.date)
        return self.graph(record, as_of, found, self.engine.decide(found))

    def graph(
        self, record: PatientRecord, as_of: AsOf, found: PatientFindings, decision: Decision
    ) -> Graph:
        """The justification of a decision that was made of a record's findings."""
        return self.justifier.graph(found, decision, self._about(record, as_of, found))

    def forcing(self, record: PatientRecord, as_of: AsOf, criterion: str | None = None) -> Forcing:
        """What forces eligibility, or the outcome of a criterion, whatever all else is."""
        from protocol_logic.answering.minimal import Forcing

        c = self.compiled
        found = findings_of(c, record, as_of.date)
        return Forcing(c.protocol, c.plan, self.engine, found, criterion)

    def audit(self, data: Mapping[str, Any], record: PatientRecord, as_of: AsOf) -> list[str]:
        """What is wrong with a justification, by a check that shares the findings with its making
        and nothing of what was concluded from them.

        `record`: read again from the source.
        """
        from protocol_logic.answering.auditing import audit

        c = self.compiled
        found = findings_of(c, record, as_of.date)
        return audit(data, c.protocol, c.plan, record, found, self._about(record, as_of, found))

    def _about(self, record: PatientRecord, as_of: AsOf, found: PatientFindings) -> dict[str, Any]:
        c = self.compiled
        return about(c.protocol, c.digest, c.policies, c.dates, record, as_of, found)


@dataclass(frozen=True, slots=True)
class Judged:
    """A patient judged by the ordinary road, with the justification, and the problems in full."""

    record: PatientRecord
    found: PatientFindings
    decision: Decision
    row: Row
    problems: tuple[Problem, ...]
    graph: Graph


class WhatIf:
    """Asks what would change what is decided of patients of one protocol.

    `changes`: what this run says of how entries can change; `acquire`: whether also to what they
    cannot, as a disease that a patient does not have.
    """

    def __init__(
        self,
        compiled: Compiled,
        answers: Answers | None = None,
        changes: Iterable[Said] = (),
        acquire: bool = False,
        engine: Engine | None = None,
    ) -> None:
        from protocol_logic.answering.what_if.trying import SettingReader
        from protocol_logic.reasoning.engine import Engine

        c = self.compiled = compiled
        self.answers = answers
        self.engine = engine or Engine(c.protocol, c.plan, c.program)
        self.explaining = Explaining(c, self.engine)
        of_site = c.policies.changes if c.policies is not None else ()
        self.changes = changes_of(c.protocol, (*of_site, *changes))
        self.acquire = acquire
        self.reader = SettingReader(c.protocol, c.plan, elements_of(c.protocol))

    def read(
        self, texts: Iterable[str], record: PatientRecord, day: date, problems: Problems
    ) -> Settings:
        """What texts such as `hemoglobin is 95 g/L` set; what is wrong with them is a problem."""
        return self.reader.read(texts, self._answered(record, day), day, problems)

    def judge(self, record: PatientRecord, as_of: AsOf, settings: Settings) -> Judged:
        """A patient's row with something set."""
        c = self.compiled
        record = settings.record(self._answered(record, as_of.date), as_of.date, c.protocol)
        found = settings.findings(c.plan, findings_of(c, record, as_of.date))
        decision = self.engine.decide(found)
        problems = tuple(problems_of(record, found))
        row = row_of(
            c.protocol, c.plan, c.digest, c.policies, c.dates, record, as_of, found, decision,
            problems,
        )  # fmt: skip
        graph = self.explaining.graph(record, as_of, found, decision)
        return Judged(record, found, decision, row, problems, graph)

    def report(self, record: PatientRecord, judged: Judged, settings: Settings) -> dict[str, Any]:
        """What would change the decision; `record`: as it was read."""
        from protocol_logic.answering.what_if.report import Questions

        c, day = self.compiled, judged.found.as_of
        ahead = ahead_of(c, record, self.answers)
        before = ahead.record_on
        ahead = replace(ahead, record_on=lambda d: settings.record(before(d), day, c.protocol))
        questions = Questions(
            c.protocol, c.plan, self.engine, self.changes, c.windows, c.dates, self.acquire
        )

        def holds(repair: Repair) -> bool:
            """Whether a repair, put into the record and screened again, does what it promises."""
            on, wrong = repair.earliest or day, Problems()
            texts = [str(each.setting) for each in repair.changes if each.setting is not None]
            told = ahead.record_on(on)
            tried = self.reader.read(texts, told, on, wrong)
            found = findings_of(c, tried.record(told, on, c.protocol), on)
            is_eligible = self.engine.eligibility(tried.findings(c.plan, found)) == "eligible"
            return is_eligible and not wrong.items

        return questions.report(
            judged.row, judged.found, judged.decision, judged.record, ahead, settings, holds
        )

    def _answered(self, record: PatientRecord, day: date) -> PatientRecord:
        return record if self.answers is None else self.answers.apply(record, day)


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
    """Judges the patients of a cohort, by a protocol whose records are read for the strata too."""

    def __init__(
        self,
        compiled: Compiled,
        strata: Sequence[Stratum] = (),
        answers: Answers | None = None,
        rank: bool = False,
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
            costs = changes_of(c.protocol, site.changes if site is not None else ())
            self._measuring = Measuring(c.protocol, c.plan, self.screening.engine, costs)

    def survey(self, item: Unread | PatientRecord, option: date | None) -> Surveyed:
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


def for_strata(compiled: Compiled, strata: Sequence[Stratum]) -> Compiled:
    """A protocol whose records are read for strata too."""
    from protocol_logic.answering.cohort.strata import Strata

    if not strata:
        return compiled
    codings = Strata(compiled.protocol, strata).codings(compiled.protocol)
    return replace(compiled, codings=codings)


def with_other_limits(compiled: Compiled, limits: OtherLimits) -> Compiled:
    """The protocol with other limits in its criteria, all else of the run as it is."""
    from protocol_logic.answering.cohort.limits import with_limits

    made = compiled_of(with_limits(compiled.protocol, limits), compiled.policies)
    return replace(made, codings=compiled.codings, dates=compiled.dates)
