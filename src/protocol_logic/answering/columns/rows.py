"""Columns to rows: what `answering/rows.py` writes of one patient, from what is decided of many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
from protocol_logic.reasoning.columns import ColumnEngine, Decided, distinct
from protocol_logic.reasoning.decision import CriterionDecision
from protocol_logic.records.facts import Account, PatientRecord
from protocol_logic.records.store.by_entry import NEVER

_TOLD = {"conflicting", "no_reference_range"}
"""Reasons that are problems of the record too."""
_NOTHING_FOUND = PatientFindings(date.min)


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


Piece: TypeAlias = tuple[Shape, str | None, tuple[str | None, ...]]
"""What a row says of a criterion: its shape, the oldest evidence, and the resources."""


class ManyRow(NamedTuple):
    """A row in pieces, most of which are those of many others: `about` and `judged` are one object
    each for all patients who have them, and so is the shape of what is said of a criterion.
    `about` is without patient and source.
    """

    patient: str
    source: str
    about: Mapping[str, Any]
    judged: Mapping[str, Any]
    criteria: list[Piece]
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
        self._shapes: dict[tuple[int, int, tuple[Reason, ...]], Shape] = {}
        self._passing: dict[tuple[Shape, int], Shape] = {}
        self._beside: dict[int, ToldRows] = {}
        self._passed = {repr([]): NOTHING.number}
        self._asked: dict[int, tuple[str, ...]] = {}
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

    def shape(self, criterion: int, told: int, reasons: tuple[Reason, ...] = ()) -> Shape:
        """What is said of a criterion, by its place in the protocol and the number in the engine;
        `reasons`: of its gaps."""
        key = (criterion, told, reasons)
        found = self._shapes.get(key)
        if found is None:
            its, said = self.protocol.criteria[criterion], self.engine.tolds[told]
            decision = said.of_reasons(reasons) if said.deciding else said.decision
            found = self._shapes[key] = Shape(its, self.plan.basis[its.id], decision)
        return found

    def passing(self, shape: Shape, over: PassedOver) -> Shape:
        """The same shape, with what is passed over."""
        key = (shape, over.number)
        found = self._passing.get(key)
        if found is None:
            found = self._passing[key] = replace(shape, passed=over.said)
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
        self._judged = decided.judged.tolist()
        self._telling = dict(self._tells_problems())
        """Findings and groups of which something open is a problem of the record too: whose."""
        self._told: dict[int, list[str]] = {}
        """The same by patient."""
        for name, of_whom in self._telling.items():
            for patient in of_whom.tolist():
                self._told.setdefault(patient, []).append(name)

    def rows(self, of_patients: Iterable[tuple[PatientRecord, AsOf, Account]]) -> Iterator[ManyRow]:
        """The rows of all patients, with their records, the days on which they are judged, and
        what became of their resources."""
        pieces = [self._pieces(number) for number in range(len(self.decided.told))]
        each = zip(self.patients.tolist(), self._judged, strict=True)
        for place, ((patient, judged), (record, as_of, resources)) in enumerate(
            zip(each, of_patients, strict=True)
        ):
            criteria = [of_criterion[place] for of_criterion in pieces]
            problems = record.problems
            beside = self.beside.get(patient)
            if beside is not None:
                problems += self._beside(place, patient, record, beside, criteria)
            told = self._told.get(patient)
            if told or len(problems) > 1:
                found = self._found(patient, told) if told else _NOTHING_FOUND
                problems = tuple(rows.problems_of(replace(record, problems=problems), found))
            about, its = self.its.about(as_of), self.its.judged(judged)
            yield ManyRow(record.patient, record.source, about, its, criteria, resources, problems)

    def _beside(
        self,
        place: int,
        patient: int,
        record: PatientRecord,
        beside: ToldBeside,
        criteria: list[Piece],
    ) -> tuple[Problem, ...]:
        """Put what is passed over into the criteria of a patient; and the problems about it."""
        told = self.its.beside(beside.number)
        for number, over in enumerate(told.passed):
            if over.places:
                shape, text, named = criteria[number]
                suspects = tuple([beside.suspects[n] for n in over.places])
                criteria[number] = (self.its.passing(shape, over), text, named + suspects)
        lists = [self.resources[patient, n] for n in beside.lists]
        return told.problems(record.source, beside.suspects, lists)

    # ---- criteria ----------------------------------------------------------------------------

    def _pieces(self, number: int) -> list[Piece]:
        """What is said of a criterion, by place; one object for all of whom the same is said."""
        its, told = self.its, self.decided.told[number]
        oldest = self._oldest_of(its.names[number])
        found = np.empty(len(told), object)
        for each in np.unique(told).tolist():
            at = np.flatnonzero(told == each)
            asked = its.asked(each)
            if not asked:
                self._put(found, at, oldest, its.shape(number, each), ())
                continue
            patients, keys = self.patients[at], np.zeros(len(at), np.int64)
            for name in asked:
                keys = distinct([keys, self.columns[name].why[patients]])[0]
            for key in range(int(keys.max()) + 1):
                of_key = at[keys == key]
                self._open(found, of_key, oldest, number, each)
        pieces: list[Piece] = found.tolist()
        return pieces

    def _open(self, found: Ints, at: Ints, oldest: Ints, number: int, told: int) -> None:
        """The same where a criterion is open, of all whose findings are so for the same reasons."""
        patients, whys = self.patients[at], self.its.engine.looks.whys
        first = int(patients[0])
        chosen = self.its.engine.tolds[told].chosen(
            {name: whys[self.columns[name].why[first]] for name in self.its.asked(told)}
        )
        shape = self.its.shape(number, told, tuple([reason for reason, _ in chosen]))
        who = [[self._who(name, n)[patients] for name, n in places] for _, places in chosen]
        if all((each == NOBODY).all() for of_gap in who for each in of_gap):
            self._put(found, at, oldest, shape, (None,) * len(chosen))
            return
        gaps = [list(zip(*(each.tolist() for each in of_gap), strict=True)) for of_gap in who]
        rows = zip(at.tolist(), patients.tolist(), oldest[at].tolist(), *gaps, strict=True)
        for place, patient, dated, *numbers in rows:
            named = tuple([self._least(patient, of_gap) for of_gap in numbers])
            found[place] = (shape, self._text_of(dated), named)

    def _who(self, name: str, opener: int) -> Ints:
        """By patient the resource that an opener of a finding or group names."""
        who = self.columns[name].who
        return who[opener] if opener < len(who) else np.full(len(self.columns[name].look), NOBODY)

    def _least(self, patient: int, numbers: Sequence[int]) -> str | None:
        """The first of the names of some resources; None where one has none."""
        if len(numbers) == 1:
            return self._name(patient, numbers[0])
        return min((self._name(patient, n) or "" for n in numbers), default="") or None

    def _put(
        self, found: Ints, at: Ints, oldest: Ints, shape: Shape, named: tuple[str | None, ...]
    ) -> None:
        """The same of all at some places, but for the oldest evidence."""
        days, which = np.unique(oldest[at], return_inverse=True)
        pieces = np.empty(len(days), object)
        for n, dated in enumerate(days.tolist()):
            pieces[n] = (shape, self._text_of(dated), named)
        found[at] = pieces[which]

    def _text_of(self, dated: int) -> str | None:
        if dated not in self._dates:
            self._dates[dated] = text_of(dated, self.texts)
        return self._dates[dated]

    # ---- resources ---------------------------------------------------------------------------

    def wanted(self) -> tuple[Ints, Ints]:
        """The resources that rows name: patients and numbers."""
        found: set[tuple[int, int]] = set()
        for told in self.decided.told:
            for number in np.unique(told):
                names = self.its.asked(int(number))
                if names:
                    self._wanted_of(names, self.patients[told == number], found)
        for name, of_whom in self._telling.items():
            self._wanted_of([name], of_whom, found)
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

    def _tells_problems(self) -> Iterator[tuple[str, Ints]]:
        whys = self.its.engine.looks.whys
        of_why = np.array([any(reason in _TOLD for _, reason in why) for why in whys], bool)
        for name, column in self.columns.items():
            its = of_why[column.why[self.patients]]
            if its.any():
                yield name, self.patients[its]

    def _found(self, patient: int, names: Sequence[str]) -> PatientFindings:
        """What keeps some findings and groups of a patient open and is a problem of the record."""
        found, whys = PatientFindings(date.min), self.its.engine.looks.whys
        for name in names:
            found.openers[name] = tuple(
                [
                    Opener(element, reason, self._resource(name, n, patient))
                    for n, (element, reason) in enumerate(whys[self.columns[name].why[patient]])
                    if reason in _TOLD
                ]
            )
        return found

    def _resource(self, name: str, opener: int, patient: int) -> str | None:
        who = self.columns[name].who
        return self._name(patient, int(who[opener][patient]) if opener < len(who) else NOBODY)

    def _name(self, patient: int, number: int) -> str | None:
        if number == NOBODY:
            return None
        if number <= NAMED:
            return self.resource_names[NAMED - number]
        return self.resources[patient, number]
