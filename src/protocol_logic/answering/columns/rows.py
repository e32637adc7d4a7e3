"""Columns to rows: what `answering/rows.py` writes of one patient, from what is decided of many."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np

from protocol_logic.answering import rows
from protocol_logic.answering.rows import AsOf, Row
from protocol_logic.compiling import core
from protocol_logic.compiling.plan import Plan
from protocol_logic.compiling.policies import Policies
from protocol_logic.findings.columns.leaving import NAMED, text_of
from protocol_logic.findings.columns.tables import NOBODY, Columns, Ints
from protocol_logic.findings.read import concept_group
from protocol_logic.findings.rows import Opener, PatientFindings
from protocol_logic.foundation.problems import Problem
from protocol_logic.reasoning.columns import ColumnEngine, Decided
from protocol_logic.reasoning.decision import CriterionDecision
from protocol_logic.records.facts import Account, PatientRecord
from protocol_logic.records.store.by_entry import NEVER

_TOLD = {"conflicting", "no_reference_range"}
"""Reasons that are problems of the record too."""


class ColumnRows:
    """Makes the rows of a shard. `texts`: the date texts of the store that are no plain ones, by
    number; `names`: those of resources that columns name by `NAMED` and less."""

    def __init__(
        self,
        protocol: core.Protocol,
        plan: Plan,
        digest: str,
        policies: Policies | None,
        dates: Mapping[str, date],
        engine: ColumnEngine,
    ) -> None:
        self.protocol = protocol
        self.plan = plan
        self.digest = digest
        self.policies = policies
        self.dates = dates
        self.engine = engine
        self._judged: dict[int, Mapping[str, Any]] = {}
        self._criteria: dict[object, Mapping[str, Any]] = {}
        self._about: dict[AsOf, Mapping[str, Any]] = {}
        self._names = [
            [*plan.reach[c.id].findings, *map(concept_group, plan.reach[c.id].courses)]
            for c in protocol.criteria
        ]

    def of(
        self,
        columns: Columns,
        patients: Ints,
        decided: Decided,
        names: Sequence[str],
        texts: Mapping[int, str],
    ) -> ShardRows:
        """The rows of some patients of a shard, in the order of `decided`."""
        return ShardRows(self, columns, patients, decided, names, texts)

    # ---- pieces -------------------------------------------------------------------------------

    def about(self, patient: str, source: str, as_of: AsOf) -> dict[str, Any]:
        """Who is judged, on which day, and by what."""
        found = self._about.get(as_of)
        if found is None:
            nobody = PatientRecord(patient="", source="", index_date=None, facts=())
            days = {p.name: self.dates.get(p.name, as_of.date) for p in self.protocol.timepoints}
            found = self._about[as_of] = rows.about(
                self.protocol,
                self.digest,
                self.policies,
                self.dates,
                nobody,
                as_of,
                PatientFindings(as_of.date, timepoints=days),
            )
        return {**found, "patient": patient, "source": source}

    def judged(self, number: int) -> Mapping[str, Any]:
        """The eligibility of a patient, by its number in the engine."""
        found = self._judged.get(number)
        if found is None:
            its = self.engine.judged[number]
            found = self._judged[number] = rows.judged(
                self.protocol, its.eligibility, its.decided_jointly, its.scopes
            )
        return found

    def criterion(
        self, number: int, decision: CriterionDecision, oldest: str | None
    ) -> Mapping[str, Any]:
        """What is said of a criterion, by its place in the protocol."""
        key = (number, decision, oldest)
        found = self._criteria.get(key)
        if found is None:
            if len(self._criteria) > _MOST_KEPT:
                self._criteria.clear()
            criterion = self.protocol.criteria[number]
            basis = self.plan.basis[criterion.id]
            found = rows.criterion_dict(criterion, decision, basis, oldest)
            self._criteria[key] = found
        return found

    def names(self, number: int) -> Sequence[str]:
        """The findings and groups whose evidence a criterion rests on."""
        return self._names[number]


_MOST_KEPT = 100_000


class ShardRows:
    """The rows of some patients of a shard."""

    def __init__(
        self,
        its: ColumnRows,
        columns: Columns,
        patients: Ints,
        decided: Decided,
        names: Sequence[str],
        texts: Mapping[int, str],
    ) -> None:
        self.its = its
        self.columns = columns.columns
        self.patients = patients
        self.decided = decided
        self.resource_names = names
        self.texts = texts
        self.resources: Mapping[tuple[int, int], str] = {}
        """(patient, number) -> name of the resources that are `wanted`, to be set."""
        self._oldest = [self._oldest_of(its.names(n)) for n in range(len(decided.told))]
        self._told = self._tells_problems()

    def row(
        self,
        place: int,
        record: PatientRecord,
        as_of: AsOf,
        resources: Account,
    ) -> tuple[Row, tuple[Problem, ...]]:
        """The row of the patient at a place of `decided`, with its problems."""
        its = self.its
        criteria = []
        for number, told in enumerate(self.decided.told):
            each = its.engine.tolds[told[place]]
            decision = each.decision
            if each.deciding:
                asked = dict.fromkeys(name for _, at in each.deciding for name, _ in at)
                decision = each.for_patient(self._found(place, asked))
            oldest = int(self._oldest[number][place])
            text = None if oldest == NEVER else text_of(oldest, self.texts)
            criteria.append(its.criterion(number, decision, text))
        problems = record.problems
        if self._told[place]:
            problems = tuple(rows.problems_of(record, self._found(place, self.columns)))
        else:
            problems = tuple(rows.problems_of(record, PatientFindings(as_of.date)))
        row = rows.whole(
            its.about(record.patient, record.source, as_of),
            its.judged(int(self.decided.judged[place])),
            criteria,
            [],
            resources,
            problems,
        )
        return row, problems

    def wanted(self) -> tuple[Ints, Ints]:
        """The resources that rows name: patients and numbers."""
        found: set[tuple[int, int]] = set()
        tolds = self.its.engine.tolds
        for told in self.decided.told:
            for number in np.unique(told):
                deciding = tolds[number].deciding
                names = {name for _, places in deciding for name, _ in places}
                if names:
                    self._wanted_of(names, self.patients[told == number], found)
        self._wanted_of(self.columns, self.patients[self._told], found)
        pairs = np.array(sorted(found), np.int64).reshape(-1, 2)
        return pairs[:, 0], pairs[:, 1]

    def _wanted_of(self, names: Iterable[str], patients: Ints, found: set[tuple[int, int]]) -> None:
        for name in names:
            for who in self.columns[name].who:
                numbers = who[patients]
                its = numbers >= 0
                found.update(zip(patients[its].tolist(), numbers[its].tolist(), strict=True))

    def _oldest_of(self, names: Iterable[str]) -> Ints:
        """By patient the oldest evidence of some findings and groups."""
        oldest = np.full(len(self.patients), NEVER, np.int64)
        for name in names:
            column = self.columns.get(name)
            if column is not None:
                np.minimum(oldest, column.oldest[self.patients], out=oldest)
        return oldest

    def _tells_problems(self) -> Ints:
        """By patient whether something that is open is a problem of the record too."""
        whys = self.its.engine.looks.whys
        of_why = np.array([any(reason in _TOLD for _, reason in why) for why in whys], bool)
        told = np.zeros(len(self.patients), bool)
        for column in self.columns.values():
            told |= of_why[column.why[self.patients]]
        return told

    def _found(self, place: int, names: Iterable[str]) -> PatientFindings:
        """What keeps some findings and groups of a patient open."""
        found, patient = PatientFindings(date.min), int(self.patients[place])
        for name in names:
            column = self.columns[name]
            why = self.its.engine.looks.whys[column.why[patient]]
            if why:
                found.openers[name] = tuple(
                    Opener(element, reason, self._resource(name, n, patient))
                    for n, (element, reason) in enumerate(why)
                )
        return found

    def _resource(self, name: str, opener: int, patient: int) -> str | None:
        who = self.columns[name].who
        number = int(who[opener][patient]) if opener < len(who) else NOBODY
        if number == NOBODY:
            return None
        if number <= NAMED:
            return self.resource_names[NAMED - number]
        return self.resources[patient, number]
