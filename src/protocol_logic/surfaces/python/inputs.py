"""What protocols, cohorts and patients share: what was compiled, and what was read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from protocol_logic.foundation.problems import Problems
from protocol_logic.surfaces.inputs import Patients

if TYPE_CHECKING:
    from protocol_logic.pipeline import Compiled, Explaining, Screening
    from protocol_logic.reasoning.engine import Engine
    from protocol_logic.records.answers import Answers
    from protocol_logic.records.facts import PatientRecord
    from protocol_logic.surfaces.raw_records import Raw


@dataclass(frozen=True, eq=False)
class Prepared:
    """A protocol as a run has it. `load_plain`: loads it by its own parameters and without
    policies, where the run has it otherwise."""

    compiled: Compiled
    load_plain: Callable[[], Compiled] | None

    @cached_property
    def engine(self) -> Engine:
        """The one engine, which keeps what it has solved."""
        from protocol_logic.reasoning.engine import Engine

        c = self.compiled
        return Engine(c.protocol, c.plan, c.program)

    @cached_property
    def plain(self) -> Callable[[], Compiled] | None:
        """As `load_plain`, which is called once."""
        return None if self.load_plain is None else cache(self.load_plain)


@dataclass(frozen=True, eq=False)
class Inputs:
    """What a cohort was read from, and what all its patients share."""

    prepared: Prepared
    paths: Sequence[Path]
    as_of: date | None
    answers: Answers | None
    merge: bool

    @property
    def compiled(self) -> Compiled:
        """The protocol, ready to screen with."""
        return self.prepared.compiled

    @cached_property
    def screening(self) -> Screening:
        """Judges the patients."""
        from protocol_logic.pipeline import Screening

        return Screening(self.compiled, self.answers, engine=self.prepared.engine)

    @cached_property
    def screening_with_why(self) -> Screening:
        """Judges the patients and says why."""
        from protocol_logic.pipeline import Screening

        return Screening(self.compiled, self.answers, why=True, engine=self.prepared.engine)

    @cached_property
    def explaining(self) -> Explaining:
        """Explains what is decided."""
        from protocol_logic.pipeline import Explaining

        return Explaining(self.compiled, self.prepared.engine)

    def row(self, record: PatientRecord, why: bool = False) -> dict[str, Any]:
        """The row of a patient whose day of judgement is known."""
        screening = self.screening_with_why if why else self.screening
        row = screening.screen(record, self.as_of).row
        assert row is not None
        return dict(row)

    def questions(self, record: PatientRecord) -> bytes:
        """The lines of the form of answers about a patient."""
        from protocol_logic.compiling.answerable import elements_of
        from protocol_logic.surfaces.answers_form import questions_asked

        done = self.screening.screen(record, self.as_of)
        return questions_asked(elements_of(self.compiled.protocol), self.compiled, done)

    def raw(self, record: PatientRecord, names: Sequence[str]) -> list[Raw]:
        """What the facts of a patient come from, read again from the inputs."""
        from protocol_logic.compiling.answerable import elements_of
        from protocol_logic.pipeline import read_records
        from protocol_logic.records.sources import Document, Unread
        from protocol_logic.surfaces.raw_records import Resources, raw_records

        resources, kept = Resources(), dict[str, Any]()
        for item in Patients(self.compiled, self.paths).items():
            document = item.document() if isinstance(item, Unread) else None
            if isinstance(document, Document):
                found = list(read_records(self.compiled, [document], Problems(), resources.meet))
                met = resources.take()
                if any(each.patient == record.patient for each in found):
                    kept.update(met)
                    if not self.merge:
                        break
        answers = None if self.answers is None else self.answers.file
        elements = elements_of(self.compiled.protocol)
        return raw_records(names, kept, self.paths, elements, answers)
