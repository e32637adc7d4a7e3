"""One patient of a cohort, and what the commands say of one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

from protocol_logic.answering.rows import AsOf
from protocol_logic.surfaces.inputs import day_given
from protocol_logic.surfaces.python.errors import input_errors
from protocol_logic.surfaces.terminal import visible

if TYPE_CHECKING:
    from protocol_logic.records.facts import PatientRecord
    from protocol_logic.surfaces.python.inputs import Inputs
    from protocol_logic.surfaces.python.justification import Justification
    from protocol_logic.surfaces.python.results import Report, Result


@dataclass(frozen=True, eq=False, repr=False)
class Patient:
    """A patient as recorded, on the day of judgement.

    What is asked of a patient is worked out when it is asked for; the report of `what_if()`
    without settings is kept.
    """

    _inputs: Inputs
    _record: PatientRecord
    _as_of: AsOf
    _kept: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The id in the inputs."""
        return self._record.patient

    @property
    def as_of(self) -> date:
        """The day of judgement."""
        return self._as_of.date

    def __repr__(self) -> str:
        return visible(f"<Patient {self.id}, as of {self.as_of.isoformat()}>")

    def screen(self, *, why: bool = False) -> Result:
        """The patient's row, as `screen` writes it: `data` is a dict (docs/rows.md).

        `why`: whether it says why of the patient and of each criterion that fails or is open.
        """
        from protocol_logic.surfaces.python.what_if_results import row_result

        return row_result(self._inputs.row(self._record, why), self._inputs.compiled)

    def explain(
        self, criterion: str | None = None, *, minimal: bool = False, all_sets: bool = False
    ) -> Justification:
        """Why the patient is eligible or not, as a graph (docs/explain.md).

        `criterion`: the id of the only one to explain. `minimal`: only findings that force what is
        decided, whatever all others are; `all_sets`: those of all minimal sets of such findings,
        which are in `graph.graph["forcing"]`. Raises InputError where there is no such criterion.
        """
        from protocol_logic.answering.justification import subgraph
        from protocol_logic.surfaces.explaining import forced_part, refuse_unknown_criterion
        from protocol_logic.surfaces.python.justification import Justification

        inputs, record = self._inputs, self._told
        with input_errors():
            refuse_unknown_criterion(criterion, inputs.compiled)
        explaining = inputs.explaining
        graph = explaining.explain(record, self._as_of)
        if minimal or all_sets:
            graph = forced_part(graph, explaining, record, self._as_of, criterion, all_sets)
        elif criterion is not None:
            graph = subgraph(graph, criterion)
        return Justification(graph, criterion, inputs.compiled, partial(inputs.raw, self._record))

    def check(self, justification: Justification | Mapping[str, Any]) -> list[str]:
        """What is wrong with a whole justification that was made before, or its `data`: a line
        each, none where each step follows from the record. As `explain --check` does it."""
        from protocol_logic.surfaces.python.justification import Justification, justification_data

        data = justification.data if isinstance(justification, Justification) else justification
        faults = self._inputs.explaining.audit(justification_data(data), self._told, self._as_of)
        return [visible(each) for each in faults]

    def what_if(
        self,
        settings: Mapping[str, str] | None = None,
        changes: Iterable[str] = (),
        *,
        acquire: bool = False,
        as_of: date | str | None = None,
    ) -> Report:
        """What would change the decision, and what settings do (docs/what-if.md).

        `settings`: name -> value with its unit, as after `is` in `--set`: `{"hemoglobin":
        "95 g/L"}`. `changes`: how entries can change, as for `--change`: `["hemoglobin never"]`.
        `acquire`: also repairs that would give the patient a disease. `as_of`: another day, as to
        try what has to be waited for. Raises InputError with all that is wrong with settings and
        changes.
        """
        from protocol_logic.surfaces.python.what_if_results import what_if_result

        texts = [f"{name} is {value}" for name, value in (settings or {}).items()]
        day = self._as_of
        if as_of is not None:
            with input_errors():
                day = AsOf(day_given(as_of), "option")
        title = self._inputs.compiled.protocol.title
        return what_if_result(self._asked(texts, tuple(changes), acquire, day), title)

    def when(self) -> Result:
        """On which days eligibility changes, if nothing new is recorded."""
        from protocol_logic.surfaces.python.what_if_results import when_result

        return when_result(self._report)

    def measure_next(self) -> Result:
        """Which elements decide the case, whatever is found; `data` is None unless the patient is
        undetermined."""
        from protocol_logic.surfaces.python.what_if_results import measure_result

        return measure_result(self._report)

    @property
    def repairs(self) -> list[dict[str, Any]]:
        """What would make the patient eligible, cheapest first: dicts with `cost` in points,
        `earliest` (a day as text, or None) and `changes`."""
        found: list[dict[str, Any]] = self._report["repairs"]
        return found

    @property
    def change_sets(self) -> list[dict[str, Any]]:
        """The same in the words of the protocol: dicts with the conditions to `flip` and those to
        `resolve`; empty unless the patient is ineligible."""
        found: list[dict[str, Any]] = self._report["change_sets"]
        return found

    @property
    def _report(self) -> Mapping[str, Any]:
        if "report" not in self._kept:
            self._kept["report"] = self._asked([], (), False, self._as_of)
        found: Mapping[str, Any] = self._kept["report"]
        return found

    @property
    def _told(self) -> PatientRecord:
        """The record with what people answered."""
        answers, record = self._inputs.answers, self._record
        return record if answers is None else answers.apply(record, self.as_of)

    def _asked(
        self, texts: list[str], changes: tuple[str, ...], acquire: bool, as_of: AsOf
    ) -> dict[str, Any]:
        from protocol_logic.pipeline import WhatIf
        from protocol_logic.surfaces.what_if import changes_named, report_asked, settings_named

        inputs = self._inputs
        with input_errors():
            asking = WhatIf(
                inputs.compiled,
                inputs.answers,
                changes_named(changes, inputs.compiled),
                acquire,
                inputs.prepared.engine,
            )
            read = settings_named(texts, asking, self._record, as_of)
            return report_asked(asking, self._record, as_of, read, inputs.prepared.plain)
