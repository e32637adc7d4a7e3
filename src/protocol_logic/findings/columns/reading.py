"""A plan and a shard of patients to columns of findings.

What findings share is read together by the other road where it is not certain; here each finding
is read by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from types import MappingProxyType

import numpy as np

from protocol_logic.compiling import core
from protocol_logic.compiling.plan import Finding, Plan
from protocol_logic.compiling.windows import Window
from protocol_logic.findings.columns.alternatives import alternatives_alike
from protocol_logic.findings.columns.assuming import Alike, Reading, alike_under
from protocol_logic.findings.columns.cells import MOST_CELLS, Read, column_of, many
from protocol_logic.findings.columns.closing import history_of
from protocol_logic.findings.columns.courses import read_courses
from protocol_logic.findings.columns.derived import newer_reported, read_derived
from protocol_logic.findings.columns.numbers import read_number, read_ratio
from protocol_logic.findings.columns.shared import may_be_shared, read_shared
from protocol_logic.findings.columns.sources import Sources
from protocol_logic.findings.columns.statements import OPEN, READ as STATEMENTS, read_statement
from protocol_logic.findings.columns.tables import Column, Columns, Flags, Ints, Looks, Part
from protocol_logic.findings.columns.values import (
    read_age,
    read_in_record,
    read_value,
    values_named,
)
from protocol_logic.findings.parting import inputs_of, parts_of
from protocol_logic.findings.variants import base_of
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.records.store.shards import Shard

_IN_RECORD = voc.Quantity | voc.Status | voc.Consent | voc.Lesion
"""Inputs of which it is asked whether anything is recorded."""


def read_columns(
    protocol: core.Protocol,
    plan: Plan,
    shard: Shard,
    as_of: Ints,
    table: Looks,
    windows: Mapping[str, Window] = MappingProxyType({}),
    timepoints: Mapping[str, date] = MappingProxyType({}),
) -> Columns:
    """The findings of a shard. `as_of`: the day of judgement by patient, from 1970-01-01.

    `windows`, `timepoints`: as `read_findings` takes them.
    """
    ratios = frozenset(f.entry for f in plan.findings.values() if f.kind == "ratio")
    sources = Sources(
        protocol,
        shard,
        as_of.astype(np.int64),
        windows,
        timepoints,
        ratios,
        frozenset(_cut(protocol, plan)),
    )
    return _Reader(sources, table).read(plan)


def _cut(protocol: core.Protocol, plan: Plan) -> Iterator[str]:
    """What findings cut, as `Cutter.split_censored` does: of computed ones the reported value."""
    for finding in plan.findings.values():
        derived = protocol.derived.get(finding.entry)
        name = finding.entry if derived is None else derived.reported
        if finding.kind in ("number", "ratio", "derived") and name is not None:
            yield name


class _Reader:
    """`assuming`: what is not certain is assumed, so that nobody has to look alike."""

    def __init__(self, sources: Sources, table: Looks, assuming: bool = False) -> None:
        self.sources = sources
        self.table = table
        self.assuming = assuming
        self.asks: dict[str, Flags] = {}
        """Finding -> in whom it reads the sex, which is not certain."""
        fields = sources.vocabulary.of(voc.PatientField)
        self.sex = next((field.name for field in fields if field.field == "gender"), None)

    def read(self, plan: Plan) -> Columns:
        columns = Columns(self.sources.size, [])
        parts: list[Part] = []
        for names, part in parts_of(self.sources.protocol, plan):
            parts += self._part(names, part, columns.columns)
        columns.parts = parts
        columns.newer = np.zeros(self.sources.size, bool)
        for finding in plan.findings.values():
            if finding.kind == "derived":
                columns.newer |= newer_reported(self.sources, finding)
        return columns

    def _part(self, names: frozenset[str], plan: Plan, columns: dict[str, Column]) -> list[Part]:
        """A part of the plan; where just the sex joins it, also what it joins, for who has one."""
        for name in names:
            columns[name] = Column.empty(self.sources.size)
        everybody = np.ones(self.sources.size, bool)
        lines = [finding for finding in plan.findings.values() if finding.kind == "lines"]
        if plan.courses or lines:
            concepts = {*plan.courses, *(finding.entry for finding in lines)}
            assert len(concepts) == 1
            [concept] = concepts
            read = read_courses(self.sources, concept, plan.courses.get(concept), lines, self.table)
            if read is None:
                return [Part(names, plan, everybody)]
            columns.update(read[0])
            return [Part(names, plan, read[1])]
        parts = []
        jointly = np.zeros(self.sources.size, bool)
        for findings in self._apart(plan):
            of_part = replace(plan, findings=findings)
            left, by_sex = self._together(of_part, columns)
            jointly |= by_sex
            parts.append(Part(frozenset(findings), of_part, left | by_sex))
        if len(parts) == 1:
            return [self._with_alternatives(part) for part in parts]
        for part in parts:
            part.left &= ~jointly
        alike = self._alike(names, plan, jointly) if jointly.any() else None
        return [Part(names, plan, jointly, alike), *map(self._with_alternatives, parts)]

    def _with_alternatives(self, part: Part) -> Part:
        """A part with who look alike of those who left for a number or an age."""
        if part.left.any() and not part.left.all() and not self.assuming:
            part.alike = alternatives_alike(
                self.sources, part.names, part.plan, part.left, self._reading(part), self.table
            )
        return part

    def _reading(self, part: Part) -> Reading:
        def read(sources: Sources) -> tuple[list[Part], dict[str, Column]]:
            columns: dict[str, Column] = {}
            reader = _Reader(sources, self.table, assuming=True)
            return reader._part(part.names, part.plan, columns), columns

        return read

    def _alike(self, names: frozenset[str], plan: Plan, jointly: Flags) -> Alike | None:
        """Who of those who left for the sex look alike whatever it is."""
        if self.sex is None or self.assuming:
            return None
        values = values_named(self.sources, self.sex)
        read = self._reading(Part(names, plan, jointly))
        return alike_under(
            self.sources, names, jointly, self.sex, values, self.asks, read, self.table
        )

    def _apart(self, plan: Plan) -> Iterator[dict[str, Finding]]:
        """The findings that share an input other than the sex."""
        keys = {name: set(self._keys(finding)) for name, finding in plan.findings.items()}
        groups: list[tuple[list[str], set[str]]] = []
        for name, own in keys.items():
            names = [name]
            for group in [group for group in groups if not group[1].isdisjoint(own)]:
                groups.remove(group)
                names, own = [*group[0], *names], own | group[1]
            groups.append((names, own))
        for names, _ in groups:
            yield {name: finding for name, finding in plan.findings.items() if name in names}

    def _keys(self, finding: Finding) -> Iterator[str]:
        inputs = list(inputs_of(self.sources.protocol, finding.entry))
        yield from (name for name in inputs if name != self.sex or len(inputs) == 1)

    def _together(self, plan: Plan, columns: dict[str, Column]) -> tuple[Flags, Flags]:
        """Read findings; who left, and who for the sex, which others may read too."""
        size, findings = self.sources.size, plan.findings
        is_shared = len(findings) > 1 and may_be_shared(self.sources, findings)
        users = Counter(key for finding in findings.values() for key in self._keys(finding))
        left, by_sex = np.zeros(size, bool), np.zeros(size, bool)
        of_base: dict[str, Ints] = {}
        for name, finding in findings.items():
            found = self._finding(finding)
            if found is None:
                left |= True
                by_sex |= self._may_read_sex(finding) & (self._sex_of() < 0)
                continue
            read, several, asks = found
            self.asks[name] = asks
            if self._is_statement(finding):
                # Findings that are read in several ways leave the same open.
                base = base_of(finding)
                of_base[base] = of_base.get(base, np.zeros(size, np.int8)) + many(read.mask)
                left |= of_base[base] > 1
            elif users[self._uncertain(finding)] > 1 and not is_shared:
                read.left |= several
            history = history_of(self.sources.vocabulary, finding.entry)
            columns[name] = column_of(finding, read, self.table, history)
            left |= read.left
            by_sex |= asks
        if is_shared and not left.all():
            entry = next(iter(findings.values())).entry
            values = values_named(self.sources, entry)
            read_shared(self.sources, plan, values, columns, self.table)
        return left, by_sex

    def _uncertain(self, finding: Finding) -> str:
        """The input of which several alternatives are read here."""
        derived = self.sources.protocol.derived.get(finding.entry)
        return finding.entry if derived is None else derived.reported or ""

    def _is_statement(self, finding: Finding) -> bool:
        """Whether it shares no input with others, as `findings/read.py` tells it."""
        entry = self.sources.vocabulary.entries.get(finding.entry)
        is_input = finding.kind == "in_record" and not isinstance(entry, voc.Concept | voc.History)
        return finding.kind in STATEMENTS and not is_input

    def _may_read_sex(self, finding: Finding) -> bool:
        names = inputs_of(self.sources.protocol, finding.entry)
        return self.sex is not None and (finding.kind == "ratio" or self.sex in names)

    def _sex_of(self) -> Ints:
        """By patient 1 for female, 2 for male, 0 for another sex, -1 where it is not certain."""
        found: Ints = self.sources.once("sex", self._read_sex)
        return found

    def _read_sex(self) -> Ints:
        if self.sex is None:
            return np.zeros(self.sources.size, np.int8)
        values = values_named(self.sources, self.sex)
        codes = np.zeros(len(values.possible), np.int8)
        for number, value in ((1, "female"), (2, "male")):
            if value in values.values:
                its = np.uint64(1 << values.values.index(value))
                codes[values.possible == its] = number
        codes[~values.one | values.left] = -1
        return values.runs.to_patients(codes, -1)

    def _finding(self, finding: Finding) -> tuple[Read, Flags, Flags] | None:
        """A finding, of whom its input has several alternatives, and in whom it reads the sex that
        is not certain; None where this cannot tell it of anybody."""
        entry = self.sources.vocabulary.entries.get(finding.entry)
        nobody = np.zeros(self.sources.size, bool)
        if finding.taken or len(finding.cells) > MOST_CELLS:
            return None
        if finding.window is not None and isinstance(entry, voc.Lesion):
            return None
        match finding.kind:
            case "number" if isinstance(entry, voc.Quantity):
                return *read_number(self.sources, finding), nobody
            case "ratio":
                return read_ratio(self.sources, finding, self._sex_of())
            case "value" | "recorded" if not isinstance(entry, voc.Quantity | voc.Age):
                return *read_value(self.sources, finding), nobody
            case "in_record" if isinstance(entry, _IN_RECORD):
                return *read_in_record(self.sources, finding), nobody
            case "in_record" if not isinstance(entry, voc.Concept | voc.History):
                return None
            case "derived":
                return read_derived(self.sources, finding, self.sex)
            case "age":
                return *read_age(self.sources, finding), nobody
            case kind if kind in STATEMENTS | OPEN and finding.window is None:
                return read_statement(self.sources, finding), nobody, nobody
            case _:
                return None
