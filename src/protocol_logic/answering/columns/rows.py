"""Columns to rows: what `answering/rows.py` writes of one patient, from what is decided of many."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from protocol_logic.answering import rows
from protocol_logic.answering.columns.beside import NOTHING, PassedOver, ToldRows
from protocol_logic.answering.rows import AsOf, Row
from protocol_logic.compiling import core
from protocol_logic.compiling.basis import Basis
from protocol_logic.compiling.plan import Plan
from protocol_logic.compiling.policies import Policies
from protocol_logic.findings.columns.beside import Told, ToldBeside
from protocol_logic.findings.columns.leaving import NAMED, text_of
from protocol_logic.findings.columns.tables import NOBODY, Columns, Ints
from protocol_logic.findings.read import concept_group
from protocol_logic.findings.rows import Opener, PatientFindings, Reason
from protocol_logic.foundation.problems import Problem
from protocol_logic.reasoning.columns import ColumnEngine, Decided
from protocol_logic.reasoning.decision import CriterionDecision
from protocol_logic.records.facts import Account, PatientRecord
from protocol_logic.records.store.by_entry import NEVER

_TOLD = {"conflicting", "no_reference_range"}
"""Reasons that are problems of the record too."""


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """A criterion of all patients of whom the same is said, but for the oldest evidence and the
    resources that gaps, and then what is passed over, name: one object for each of them."""

    criterion: core.Criterion
    basis: Basis
    decision: CriterionDecision
    passed: tuple[Mapping[str, Any], ...] = ()

    def dict(self, oldest: str | None, resources: Sequence[str | None]) -> dict[str, Any]:
        """What a row says of the criterion."""
        decision, number = self.decision, len(self.decision.gaps)
        if any(resources[:number]):
            each = zip(decision.gaps, resources[:number], strict=True)
            gaps = tuple(replace(gap, resource=resource) for gap, resource in each)
            decision = replace(decision, gaps=gaps)
        over = zip(self.passed, resources[number:], strict=False)
        passed = [{**each, "resource": resource} for each, resource in over]
        return rows.criterion_dict(self.criterion, decision, self.basis, oldest, passed)


Gaps: TypeAlias = tuple[tuple[Reason, ...], tuple[str | None, ...]]
"""The reasons of the gaps of a criterion, and the resources that they name."""


class ManyRow(NamedTuple):
    """A row in pieces, most of which are those of many others: `about` and `judged` are one object
    each for all patients who have them, and so is what is said of a criterion: its shape, the
    oldest evidence, and the resources of its gaps. `about` is without patient and source.
    """

    patient: str
    source: str
    about: Mapping[str, Any]
    judged: Mapping[str, Any]
    criteria: list[tuple[Shape, str | None, tuple[str | None, ...]]]
    resources: Account
    problems: tuple[Problem, ...]

    def row(self) -> Row:
        """The row as one."""
        return rows.whole(
            {**self.about, "patient": self.patient, "source": self.source},
            self.judged,
            [shape.dict(oldest, resources) for shape, oldest, resources in self.criteria],
            [],
            self.resources,
            self.problems,
        )


class ColumnRows:
    """Makes the rows of the shards of a run."""

    def __init__(
        self,
        protocol: core.Protocol,
        plan: Plan,
        digest: str,
        policies: Policies | None,
        dates: Mapping[str, date],
        engine: ColumnEngine,
        beside: Sequence[Told],
    ) -> None:
        self.protocol = protocol
        self.plan = plan
        self.digest = digest
        self.policies = policies
        self.dates = dates
        self.engine = engine
        self.told = beside
        self._judged: dict[int, Mapping[str, Any]] = {}
        self._shapes: dict[tuple[int, int, tuple[Reason, ...], int], Shape] = {}
        self._beside: dict[int, ToldRows] = {}
        self._passed = {repr([]): NOTHING.number}
        self._asked: dict[int, tuple[str, ...]] = {}
        self.nameless: dict[tuple[int, ...], Gaps] = {}
        """Gaps that name no resource: by the number in the engine of what is said of the
        criterion, and the numbers of what keeps `asked` open."""
        self._about: dict[AsOf, Mapping[str, Any]] = {}
        self.names = [
            [*plan.reach[c.id].findings, *map(concept_group, plan.reach[c.id].courses)]
            for c in protocol.criteria
        ]
        """The findings and groups whose evidence each criterion rests on."""

    def about(self, as_of: AsOf) -> Mapping[str, Any]:
        """On which day somebody is judged, and by what."""
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
        return found

    def judged(self, number: int) -> Mapping[str, Any]:
        """The eligibility of a patient, by its number in the engine."""
        found = self._judged.get(number)
        if found is None:
            its = self.engine.judged[number]
            found = self._judged[number] = rows.judged(
                self.protocol, its.eligibility, its.decided_jointly, its.scopes
            )
        return found

    def beside(self, number: int) -> ToldRows:
        """What is told of who stands beside lists alike."""
        found = self._beside.get(number)
        if found is None:
            told, known = self.told[number], self._passed
            found = self._beside[number] = ToldRows(self.protocol, told, known)
        return found

    def asked(self, told: int) -> tuple[str, ...]:
        """The findings and groups that say why a criterion is open, by the number in the engine."""
        found = self._asked.get(told)
        if found is None:
            deciding = self.engine.tolds[told].deciding
            names = {name for _, places in deciding for name, _ in places}
            found = self._asked[told] = tuple(sorted(names))
        return found

    def shape(
        self,
        criterion: int,
        told: int,
        reasons: tuple[Reason, ...] = (),
        over: PassedOver = NOTHING,
    ) -> Shape:
        """What is said of a criterion, by its place in the protocol and the number in the engine;
        `reasons`: of its gaps; `over`: what is passed over."""
        key = (criterion, told, reasons, over.number)
        found = self._shapes.get(key)
        if found is None:
            its, said = self.protocol.criteria[criterion], self.engine.tolds[told]
            decision = said.of_reasons(reasons) if said.deciding else said.decision
            basis = self.plan.basis[its.id]
            found = self._shapes[key] = Shape(its, basis, decision, over.said)
        return found


class ShardRows:
    """The rows of some patients of a shard, in the order of `decided`.

    `texts`: the date texts of the store that are no plain ones, by number; `names`: those of the
    resources that columns name by `NAMED` and less; `beside`: what is told beside lists, by
    patient, where there is any.
    """

    def __init__(
        self,
        its: ColumnRows,
        columns: Columns,
        patients: Ints,
        decided: Decided,
        names: Sequence[str],
        texts: Mapping[int, str],
        beside: Mapping[int, ToldBeside],
    ) -> None:
        self.its = its
        self.beside = beside
        self.columns = columns.columns
        self.patients = patients
        self.decided = decided
        self.resource_names = names
        self.texts = texts
        self.resources: Mapping[tuple[int, int], str] = {}
        """(patient, number) -> name of the resources that are `wanted`, to be set."""
        self._dates: dict[int, str | None] = {NEVER: None}
        self._open: dict[str, tuple[list[int], list[bool]]] = {}
        self._oldest = [self._oldest_of(names).tolist() for names in its.names]
        self._said = [each.tolist() for each in decided.told]
        self._judged = decided.judged.tolist()
        self._told = self._tells_problems()

    def row(self, place: int, record: PatientRecord, as_of: AsOf, resources: Account) -> ManyRow:
        """The row of the patient at a place of `decided`."""
        its, criteria = self.its, []
        beside = self.beside.get(int(self.patients[place]))
        of_beside = None if beside is None else its.beside(beside.number)
        for number, said in enumerate(self._said):
            told, dated = said[place], self._oldest[number][place]
            text = self._dates.get(dated)
            if text is None and dated != NEVER:
                text = self._dates[dated] = text_of(dated, self.texts)
            over = NOTHING if of_beside is None else of_beside.passed[number]
            reasons: tuple[Reason, ...] = ()
            named: tuple[str | None, ...] = ()
            if asked := its.asked(told):
                reasons, named = self._gaps(told, place, asked)
            if over.places and beside is not None:
                named += tuple([beside.suspects[n] for n in over.places])
            criteria.append((its.shape(number, told, reasons, over), text, named))
        problems = record.problems
        if of_beside is not None and beside is not None:
            lists = [self.resources[int(self.patients[place]), n] for n in beside.lists]
            problems += of_beside.problems(record.source, beside.suspects, lists)
        if len(problems) > 1 or self._told[place]:
            found = PatientFindings(as_of.date)
            if self._told[place]:
                found = self._found(place, self.columns)
            record = replace(record, problems=problems)
            problems = tuple(rows.problems_of(record, found))
        return ManyRow(
            record.patient,
            record.source,
            its.about(as_of),
            its.judged(self._judged[place]),
            criteria,
            resources,
            problems,
        )

    def _gaps(self, told: int, place: int, asked: Sequence[str]) -> Gaps:
        """The gaps of a criterion that is open."""
        its, named, key = self.its, False, [told]
        for name in asked:
            whys, names = self._open[name] if name in self._open else self._open_of(name)
            key.append(whys[place])
            named = named or names[place]
        nameless = tuple(key)
        found = None if named else its.nameless.get(nameless)
        if found is None:
            openers = its.engine.tolds[told].openers_of(self._found(place, asked))
            found = tuple([o.reason for o in openers]), tuple([o.resource for o in openers])
            if not named:
                its.nameless[nameless] = found
        return found

    def _open_of(self, name: str) -> tuple[list[int], list[bool]]:
        """By place what keeps a finding or group open, and whether that names a resource."""
        column = self.columns[name]
        names = np.zeros(len(self.patients), bool)
        for who in column.who:
            names |= who[self.patients] != NOBODY
        found = self._open[name] = column.why[self.patients].tolist(), names.tolist()
        return found

    def wanted(self) -> tuple[Ints, Ints]:
        """The resources that rows name: patients and numbers."""
        found: set[tuple[int, int]] = set()
        for told in self.decided.told:
            for number in np.unique(told):
                names = self.its.asked(int(number))
                if names:
                    self._wanted_of(names, self.patients[told == number], found)
        self._wanted_of(self.columns, self.patients[self._told], found)
        found.update((patient, n) for patient, its in self.beside.items() for n in its.lists)
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
