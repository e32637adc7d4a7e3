"""A record and what is set to what would change what is decided."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from protocol_logic.answering.rows import AsOf, Row, problems_of, row_of
from protocol_logic.compiling.answerable import elements_of
from protocol_logic.compiling.changing import Said, changes_of
from protocol_logic.findings.rows import PatientFindings
from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.pipeline.compiling import Compiled
from protocol_logic.pipeline.explaining import Explaining
from protocol_logic.pipeline.reading import ahead_of, findings_of
from protocol_logic.records.answers import Answers
from protocol_logic.records.facts import PatientRecord

if TYPE_CHECKING:
    from protocol_logic.answering.skeleton import Graph
    from protocol_logic.answering.what_if.changes import Repair
    from protocol_logic.answering.what_if.trying import Settings
    from protocol_logic.reasoning.decision import Decision
    from protocol_logic.reasoning.engine import Engine


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
        from protocol_logic.answering.what_if.repairs import Repairing
        from protocol_logic.answering.what_if.report import Questions

        c, day = self.compiled, judged.found.as_of
        ahead = ahead_of(c, record, self.answers)
        before = ahead.record_on
        ahead = replace(ahead, record_on=lambda d: settings.record(before(d), day, c.protocol))
        repairing = Repairing(
            c.protocol, c.plan, self.engine, self.changes, c.windows, c.dates, self.acquire
        )
        questions = Questions(repairing)

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
