"""Records to justifications of what was decided."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from protocol_logic.answering.rows import AsOf, about
from protocol_logic.findings.rows import PatientFindings
from protocol_logic.pipeline.compiling import Compiled
from protocol_logic.pipeline.reading import findings_of
from protocol_logic.records.facts import PatientRecord

if TYPE_CHECKING:
    from protocol_logic.answering.minimal import Forcing
    from protocol_logic.answering.skeleton import Graph
    from protocol_logic.reasoning.decision import Decision
    from protocol_logic.reasoning.engine import Engine


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
