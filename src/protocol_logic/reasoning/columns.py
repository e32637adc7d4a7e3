"""Columns of findings to decisions: each distinct row is decided once, for all who have it.

A distinct row is decided by the engine, as a patient who has just these looks; so there is one way
to decide. Imports numpy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from protocol_logic.findings.columns.tables import Column, Ints, Looks
from protocol_logic.findings.rows import (
    CellSet,
    FindingsTable,
    Group,
    Opener,
    PatientFindings,
    Row,
    concept_group,
)
from protocol_logic.reasoning.decision import Eligibility, ScopeDecision, Told
from protocol_logic.reasoning.engine import Engine, over_scopes
from protocol_logic.reasoning.reads import Read

_MOST = 2**62


@dataclass(frozen=True, slots=True)
class Judged:
    """The eligibility of patients who look alike."""

    eligibility: Eligibility
    decided_jointly: tuple[str, ...] = ()
    scopes: tuple[ScopeDecision, ...] = ()


_INELIGIBLE, _ELIGIBLE, _UNDETERMINED = range(3)
_ALWAYS: tuple[Eligibility, ...] = ("ineligible", "eligible", "undetermined")
_VERDICTS = {"pass": 0, "fail": 1, "open": 2}


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided of some patients, as numbers in the lists of the engine: `told` by
    criterion."""

    told: list[Ints]
    judged: Ints


class ColumnEngine:
    """Decides patients by the columns of their findings; keeps every row that was decided.

    `tolds`, `judged`: what is said of criteria and patients, by number.
    """

    def __init__(self, engine: Engine, looks: Looks) -> None:
        self.engine = engine
        self.looks = looks
        self.tolds: list[Told] = []
        self.judged: list[Judged] = [Judged(each) for each in _ALWAYS]
        self._told: dict[Told, int] = {}
        self._judged: dict[Judged, int] = {each: n for n, each in enumerate(self.judged)}
        self._known: dict[object, dict[bytes, int]] = {}
        self.lines = {n for n, f in engine.plan.findings.items() if f.kind == "lines"}
        lines = (engine.plan.findings[name].entry for name in self.lines)
        self.courses = {concept_group(name) for name in (*lines, *engine.plan.courses)}
        self.joined: dict[tuple[str, ...], int] = {(): 0}
        """Criteria that share something open, each with another of them."""
        self._verdicts: list[int] = []
        self._opens: list[bool] = []
        self._touched: dict[tuple[str, int], bool] = {}

    def decide(self, columns: Mapping[str, Column], patients: Ints) -> Decided:
        """Decide every criterion and the eligibility of some of the patients of a shard."""
        if not len(patients):
            return Decided([patients for _ in self.engine.reads], patients)
        return _Shard(self, columns, patients).decide()

    # ---- what is kept -------------------------------------------------------------------------

    def number(self, told: Told) -> int:
        """The number of what is said of a criterion."""
        found = self._told.get(told)
        if found is None:
            found = self._told[told] = len(self.tolds)
            self.tolds.append(told)
            self._verdicts.append(_VERDICTS[told.decision.verdict])
        return found

    def judged_number(self, judged: Judged) -> int:
        """The number of an eligibility."""
        found = self._judged.get(judged)
        if found is None:
            found = self._judged[judged] = len(self.judged)
            self.judged.append(judged)
        return found

    def verdicts(self) -> Ints:
        """The verdict of everything that is said of a criterion, by number."""
        return np.array(self._verdicts, np.int8)

    def opens(self, look: Ints) -> Ints:
        """Whether looks of a finding leave several cells open; not where there is none."""
        looks = self.looks.looks
        self._opens += [len(each.what) > 1 for each in looks[len(self._opens) :]]
        found = np.array([*self._opens, False], np.int32)[look]  # no look is the last one
        return found

    def by_row(
        self, of: object, columns: Sequence[Ints], make: Callable[[list[int]], list[int]]
    ) -> Ints:
        """A number for each place of some columns, which depends on the row there alone.

        `make` gives it for the rows that are new, by one place of each.
        """
        inverse, first = distinct(columns)
        known = self._known.setdefault(of, {})
        keys = [row.tobytes() for row in np.stack(columns, axis=1)[first]]
        new = [n for n, key in enumerate(keys) if key not in known]
        made = make([int(first[n]) for n in new]) if new else []
        known.update((keys[n], number) for n, number in zip(new, made, strict=True))
        return np.array([known[key] for key in keys], np.int32)[inverse]

    def touches(self, read: Read, number: int) -> bool:
        """Whether a group, by its look, has a finding that a criterion or part of one reads."""
        key = (read.id, number)
        if key not in self._touched:
            inside = findings_of(self.looks, number)
            self._touched[key] = not inside.isdisjoint(read.names)
        return self._touched[key]


class _Shard:
    """Some patients of a shard, by their place among them."""

    def __init__(self, engine: ColumnEngine, columns: Mapping[str, Column], patients: Ints) -> None:
        self.its = engine
        self.engine = engine.engine
        self.columns = columns
        self.patients = patients
        self.size = len(patients)
        self._looks: dict[str, Ints] = {}
        plan = self.engine.plan
        self.joint = [n for n in columns if n not in plan.findings and n not in engine.courses]
        self.joint = [name for name in self.joint if (self.look(name) >= 0).any()]

    def look(self, name: str) -> Ints:
        """The looks of a finding or group; -1 where there is none."""
        found = self._looks.get(name)
        if found is None:
            column = self.columns.get(name)
            found = np.full(self.size, -1, np.int32)
            if column is not None:
                found = column.look[self.patients].astype(np.int32)
            self._looks[name] = found
        return found

    def decide(self) -> Decided:
        told = [self._criterion(read) for read in self.engine.reads]
        if not self.engine.scopes:
            return Decided(told, self._judge(range(len(told)), told))
        scopes = [self._judge(counting, told) for _, counting in self.engine.scopes]
        return Decided(told, self.its.by_row("scopes", scopes, lambda at: self._over(scopes, at)))

    # ---- criteria -----------------------------------------------------------------------------

    def _criterion(self, read: Read) -> Ints:
        if not read.parts:
            return self._part(read)
        parts = [self._part(part) for part in read.parts]

        def together(places: list[int]) -> list[int]:
            each = (tuple(self.its.tolds[part[i]] for part in parts) for i in places)
            return [self.its.number(self.engine.together(read, key)) for key in each]

        found = self.its.by_row(("together", read.id), parts, together)
        # A fact that two parts share: they do not go any way together.
        whole = self._where(lambda n: sum(self.its.touches(p, n) for p in read.parts) > 1)
        return self._apart(read, found, whole)

    def _part(self, read: Read) -> Ints:
        inside = [name for _, names in read.modules for name in names]
        names = [*read.own, *inside, *read.groups]
        alone = np.zeros(self.size, bool)
        for name in (*read.own, *inside):
            if name not in self.its.lines:
                alone |= self.look(name) < 0
        found = np.zeros(self.size, np.int32)
        rest = np.flatnonzero(~alone)
        if len(rest):
            columns = [self.look(name)[rest] for name in names]

            def solve(places: list[int]) -> list[int]:
                each = [self._patient(int(rest[i]), [*names, *read.names]) for i in places]
                told = self.engine.part_column(read, FindingsTable.of(names, each))
                return [self.its.number(one) for one in told]

            found[rest] = self.its.by_row(("part", read.id), columns, solve)
        return self._apart(read, found, alone)

    def _apart(self, read: Read, found: Ints, where: Ints) -> Ints:
        """What is said of a criterion where its findings are in groups that it shares."""
        rows = np.flatnonzero(where)
        if not len(rows):
            return found
        groups = [(name, self._touching(read, name)) for name in self.joint]
        names = [*read.names, *read.groups]
        columns = [self.look(name)[rows] for name in names]
        columns += [look[rows] for _, look in groups]

        def tell(places: list[int]) -> list[int]:
            told = []
            for i in map(int, rows[places]):
                its = [name for name, look in groups if look[i] >= 0]
                told.append(self.engine.tell(read, self._patient(i, [*names, *its])))
            return [self.its.number(one) for one in told]

        # The groups that are there can differ from shard to shard.
        of = ("apart", read.id, tuple(name for name, _ in groups))
        found[rows] = self.its.by_row(of, columns, tell)
        return found

    def _touching(self, read: Read, group: str) -> Ints:
        """The looks of a group; -1 also where it has nothing that the criterion reads."""
        touched = self._marked(group, lambda n: self.its.touches(read, n))
        return np.where(touched, self.look(group), -1)

    def _where(self, is_so: Callable[[int], bool]) -> Ints:
        """Where some shared group has a look of which something is so."""
        where = np.zeros(self.size, bool)
        for name in self.joint:
            where |= self._marked(name, is_so)
        return where

    def _marked(self, group: str, is_so: Callable[[int], bool]) -> Ints:
        each, inverse = np.unique(self.look(group), return_inverse=True)
        return np.array([n >= 0 and is_so(int(n)) for n in each], bool)[inverse]

    def _patient(self, place: int, names: Iterable[str]) -> PatientFindings:
        """A patient who has the looks of one, and what keeps them open."""
        found = PatientFindings(date.min)
        groups = []
        looks = self.its.looks
        inner: list[str] = []
        for name in dict.fromkeys(names):
            number = int(self.look(name)[place])
            if number >= 0:
                each = found.looks[name] = looks.looks[number]
                if name in self.engine.plan.findings:
                    found.single[name] = cells_of(each.what)
                else:
                    groups.append(Group(name, rows_of(each.what)))
                    inner += findings_of(looks, number)
            self._open(found, name, place)
        for name in inner:
            self._open(found, name, place)
        found.groups = tuple(groups)
        return found

    def _open(self, found: PatientFindings, name: str, place: int) -> None:
        column = self.columns.get(name)
        if column is not None:
            why = self.its.looks.whys[column.why[self.patients[place]]]
            found.keep_open(name, [Opener(element, reason) for element, reason in why])

    # ---- eligibility --------------------------------------------------------------------------

    def _judge(self, counting: Sequence[int], told: Sequence[Ints]) -> Ints:
        """The eligibility by some of the criteria."""
        verdicts = self.its.verdicts()
        each = [verdicts[told[i]] for i in counting]
        fails, still = np.zeros(self.size, bool), np.zeros(self.size, bool)
        for verdict in each:
            fails |= verdict == _VERDICTS["fail"]
            still |= verdict == _VERDICTS["open"]
        found = np.where(still, _UNDETERMINED, _ELIGIBLE).astype(np.int32)
        found[fails] = _INELIGIBLE
        rest = np.flatnonzero(still & ~fails)
        if not len(rest) or len(counting) < 2:
            return found
        shared = self._shared(counting)
        is_open = [(verdict == _VERDICTS["open"])[rest] for verdict in each]

        def joined(places: list[int]) -> list[int]:
            return [self._joined(counting, is_open, i, int(rest[i]), shared) for i in places]

        # Of findings it only counts whether they are open, of groups also what they hold.
        columns = [np.array(flags, np.int32) for flags in is_open]
        for name in shared:
            look = self.look(name)[rest]
            columns.append(self.its.opens(look) if name in self.engine.plan.findings else look)
        of = ("sharing", tuple(counting), tuple(shared))
        numbers = self.its.by_row(of, columns, joined)
        for number in np.unique(numbers[numbers > 0]):
            rows = rest[numbers == number]
            found[rows] = self._jointly(int(number), counting, told, rows)
        return found

    def _joined(
        self,
        counting: Sequence[int],
        is_open: Sequence[Ints],
        place: int,
        patient: int,
        shared: Sequence[str],
    ) -> int:
        """The number of the open criteria that share something open with others; 0 for none."""
        pairs = zip(counting, is_open, strict=True)
        still_open = [self.engine.reads[i] for i, flags in pairs if flags[place]]
        components = self.engine.sharing(still_open, self._patient(patient, shared))
        ids = tuple(read.id for each in components if len(each) > 1 for read in each)
        return self.its.joined.setdefault(ids, len(self.its.joined))

    def _shared(self, counting: Sequence[int]) -> list[str]:
        """The findings and groups that may join two criteria."""
        times: dict[str, int] = {}
        for i in counting:
            read = self.engine.reads[i]
            for name in dict.fromkeys((*read.names, *read.groups)):
                times[name] = times.get(name, 0) + 1
        return [*(name for name, number in times.items() if number > 1), *self.joint]

    def _jointly(
        self, number: int, counting: Sequence[int], told: Sequence[Ints], rows: Ints
    ) -> Ints:
        """The eligibility where some criteria share what is open."""
        ids = next(ids for ids, its in self.its.joined.items() if its == number)
        reads = [read for read in self.engine.reads if read.id in ids]
        names = list(dict.fromkeys(n for r in reads for n in (*r.names, *r.groups)))
        names += self.joint
        verdicts = self.its.verdicts()
        columns = [verdicts[told[i]][rows].astype(np.int32) for i in counting]
        columns += [self.look(name)[rows] for name in names]

        def judge(places: list[int]) -> list[int]:
            numbers = []
            for i in map(int, rows[places]):
                decisions = [self.its.tolds[told[c][i]].decision for c in counting]
                judged = Judged(*self.engine.judge(self._patient(i, names), decisions))
                numbers.append(self.its.judged_number(judged))
            return numbers

        return self.its.by_row(("jointly", tuple(counting), tuple(names)), columns, judge)

    def _over(self, scopes: Sequence[Ints], places: list[int]) -> list[int]:
        numbers = []
        for place in places:
            each = []
            for (name, _), judged in zip(self.engine.scopes, scopes, strict=True):
                its = self.its.judged[judged[place]]
                each.append(ScopeDecision(name, its.eligibility, its.decided_jointly))
            overall = over_scopes(scope.eligibility for scope in each)
            numbers.append(self.its.judged_number(Judged(overall, (), tuple(each))))
        return numbers


def distinct(columns: Sequence[Ints]) -> tuple[Ints, Ints]:
    """The distinct rows of some columns: for each place the number of its row, and for each row its
    first place."""
    key = np.zeros(len(columns[0]), np.int64)
    size = 1
    for column in columns:
        least = int(column.min())
        width = int(column.max()) - least + 1
        if size * width > _MOST:
            _, key = np.unique(key, return_inverse=True)
            size = int(key.max()) + 1
        key = key * width + (column - least)
        size *= width
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    return inverse, first


def findings_of(looks: Looks, number: int) -> frozenset[str]:
    """The findings of a group, by its look."""
    return frozenset(n for row in rows_of(looks.looks[number].what) for n, _ in row.cells)


def rows_of(what: CellSet | tuple[Row, ...]) -> tuple[Row, ...]:
    """The rows of a group."""
    assert isinstance(what, tuple)
    return what


def cells_of(what: CellSet | tuple[Row, ...]) -> CellSet:
    """The cells of a finding."""
    assert isinstance(what, frozenset)
    return what
