"""The plan and a record to findings: for every finding the cells that the record allows.

Findings that read one uncertain input are one group with a row for each of its alternatives; all
others are single. Nothing is guessed: an absent or unreadable input leaves every cell.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import product
from types import MappingProxyType

from protocol_logic.compiling import core
from protocol_logic.compiling.plan import Finding, Plan
from protocol_logic.compiling.windows import Window
from protocol_logic.findings.cutter import Cutter
from protocol_logic.findings.inputs import Alternative, Input
from protocol_logic.findings.latest import Visible
from protocol_logic.findings.rows import (
    CellSet,
    FindingsTable,
    Found,
    Group,
    Opener,
    PatientFindings,
    Row,
    concept_group as concept_group,
    look,
    without_values,
)
from protocol_logic.findings.statements import read_statement
from protocol_logic.findings.therapy import read_therapy
from protocol_logic.findings.unlisted import look_beside
from protocol_logic.findings.unread import is_reported, look_at_unread
from protocol_logic.findings.variants import base_of, joined, split
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.records.facts import Fact, PatientRecord

MOST_ROWS = 4096
_UNCLOSED = ("not_closed", "ordered", "stale", "doubted")
_KNOWN_AT_ONCE = {"value", "recorded", "number", "ratio", "age", "derived"}


def read_batch(
    protocol: core.Protocol, plan: Plan, records: Iterable[tuple[PatientRecord, date]]
) -> FindingsTable:
    """Read a batch of patients, each on its as-of date, into columns."""
    patients = [read_findings(protocol, plan, record, as_of) for record, as_of in records]
    return table_of(plan, patients)


def table_of(plan: Plan, patients: list[PatientFindings]) -> FindingsTable:
    """Patients that were read, as columns of their findings and of their courses of therapy."""
    lines = (f.entry for f in plan.findings.values() if f.kind == "lines")
    courses = dict.fromkeys(concept_group(c) for c in (*lines, *plan.courses))
    return FindingsTable.of([*plan.findings, *courses], patients)


def read_findings(
    protocol: core.Protocol,
    plan: Plan,
    record: PatientRecord,
    as_of: date,
    windows: Mapping[str, Window] = MappingProxyType({}),
    timepoints: Mapping[str, date] = MappingProxyType({}),
) -> PatientFindings:
    """Read one patient on one day.

    `windows`: entry -> how old its evidence may be. `timepoints`: the days that the run gives to
    time points; what is said of the patient goes before them.
    """
    fresh_from = {name: window.first_day(as_of) for name, window in windows.items()}
    visible = Visible(record, as_of, protocol.vocabulary, fresh_from, timepoints)
    found = read_visible(protocol, plan, visible)
    if record.unlisted:
        look_beside(protocol, plan, record, found)
    if record.unread or is_reported(protocol, plan):
        look_at_unread(protocol, plan, visible, found)
    return found


def read_visible(
    protocol: core.Protocol,
    plan: Plan,
    visible: Visible,
    inputs: Mapping[str, Input] = MappingProxyType({}),
) -> PatientFindings:
    """The findings of a plan by what is visible; `inputs`: those that are set instead."""
    return _Reader(protocol, plan, visible, inputs).read()


class _Reader:
    def __init__(
        self,
        protocol: core.Protocol,
        plan: Plan,
        visible: Visible,
        inputs: Mapping[str, Input],
    ) -> None:
        self.protocol = protocol
        self.plan = plan
        self.visible = visible
        self.voc = protocol.vocabulary
        self.cutter = Cutter(protocol, visible)
        self.cutter.inputs.update(inputs)
        self.out = PatientFindings(visible.as_of)

    def _timepoints(self) -> None:
        for point in self.protocol.timepoints:
            self.out.timepoints[point.name] = self.visible.day_of(point.name)
            said = self.visible.appointed(point.name)
            if said is not None:
                self.out.evidence[point.name] = (said,)

    def read(self) -> PatientFindings:
        shared: dict[str, Finding] = {}
        stated: dict[str, list[tuple[Finding, Found]]] = {}
        for finding in self.plan.findings.values():
            if finding.kind in _KNOWN_AT_ONCE or self._is_input(finding):
                shared[finding.id] = finding
            elif finding.kind != "lines":
                found = read_statement(self.visible, finding)
                self._single(finding, found.cells, found.openers, found.facts)
                if found.widened:
                    self.out.widened = (*self.out.widened, finding.entry)
                stated.setdefault(base_of(finding), []).append((finding, found))
        self._timepoints()
        self.cutter.split_censored(shared.values())
        groups = [*self._joint(shared), *self._variants(stated), *self._therapies()]
        self.out.groups = tuple(groups)
        for name, numbers in self.cutter.numbers.items():
            if all(number == numbers[0] for number in numbers[1:]):
                self.out.numbers[name] = numbers[0]
        for finding in shared.values():
            if finding.window is not None and not self.out.evidence.get(finding.id):
                outside = self.visible.newest(finding.entry)
                if outside:
                    self.out.near[finding.id] = outside[0]
        look_at(self.out)
        return self.out

    def _is_input(self, finding: Finding) -> bool:
        """Whether the finding asks if that is recorded of which others read the value."""
        entry = self.voc.entries.get(finding.entry)
        return finding.kind == "in_record" and not isinstance(entry, voc.Concept | voc.History)

    def _variants(self, stated: Mapping[str, Sequence[tuple[Finding, Found]]]) -> Iterator[Group]:
        """Join findings that are read in several ways; they are single no more."""
        for base, read in stated.items():
            group = joined(self.visible, base, read) if len(read) > 1 else None
            if group is not None:
                for finding, _ in read:
                    del self.out.single[finding.id]
                openers = dict.fromkeys(o for _, found in read for o in found.openers)
                self.out.keep_open(group.name, openers)
                yield group

    def _single(
        self, finding: Finding, cells: CellSet, openers: Iterable[Opener], facts: Iterable[Fact]
    ) -> None:
        self.out.single[finding.id] = cells
        if len(cells) > 1:
            self.out.keep_open(finding.id, openers)
        self.out.evidence[finding.id] = tuple(facts)

    def _joint(self, findings: Mapping[str, Finding]) -> list[Group]:
        """Join findings that share an uncertain input; the others are single."""
        reads = {name: self.cutter.reads(f) for name, f in findings.items()}
        users: dict[str, list[str]] = {}
        for name, keys in reads.items():
            for key in keys:
                users.setdefault(key, []).append(name)
        shared = {key for key, names in users.items() if len(names) > 1}
        groups = []
        for members in _components(reads, shared):
            keys = sorted({k for m in members for k in reads[m] if k in shared})
            if not keys:
                name = members[0]
                found = self._project(findings[name], reads[name], {})
                self._single(
                    findings[name], found.cells, found.openers, self.cutter.facts(findings[name])
                )
                continue
            group = self._group([findings[m] for m in members], reads, keys)
            if group is not None:
                groups.append(group)
        return groups

    def _group(
        self, members: list[Finding], reads: Mapping[str, list[str]], keys: list[str]
    ) -> Group | None:
        choices = [self.cutter.input(key).alternatives for key in keys]
        size = 1
        for options in choices:
            size *= len(options)
        if size > MOST_ROWS:  # forget what they share: sound, and more is left open
            self.out.widened = (*self.out.widened, "+".join(keys))
            for finding in members:
                found = self._project(finding, reads[finding.id], {})
                self._single(finding, found.cells, found.openers, self.cutter.facts(finding))
            return None
        rows: list[Row] = []
        openers: dict[str, dict[Opener, None]] = {m.id: {} for m in members}
        for chosen in product(*(range(len(c)) for c in choices)):
            fixed = {
                key: choices[i][n] for i, (key, n) in enumerate(zip(keys, chosen, strict=True))
            }
            cells = []
            for finding in members:
                private = [k for k in reads[finding.id] if k not in fixed]
                found = self._project(finding, private, fixed)
                cells.append((finding.id, found.cells))
                openers[finding.id].update(dict.fromkeys(found.openers))
            labels = tuple(
                (self.cutter.label(key), str(n)) for key, n in zip(keys, chosen, strict=True)
            )
            rows.append(Row(tuple(cells), labels))
        for finding in members:
            self.out.evidence[finding.id] = tuple(self.cutter.facts(finding))
            self.out.keep_open(finding.id, openers[finding.id])
        if len({row.cells for row in rows}) == 1:
            self.out.single.update(rows[0].cells)
            return None
        name = "readings_of_" + "_and_".join(dict.fromkeys(map(self.cutter.element, keys)))
        self.out.keep_open(
            name, (o for k in keys if (o := self.cutter.input(k).opener) is not None)
        )
        return Group(name, tuple(rows))

    def _project(
        self, finding: Finding, private: list[str], fixed: Mapping[str, Alternative]
    ) -> Found:
        """The cells over all alternatives of the inputs that no other finding reads."""
        if not private:
            return self.cutter.cells(finding, fixed)
        cells: set[str] = set()
        openers: dict[Opener, None] = {}
        by_choice: dict[tuple[int, ...], CellSet] = {}
        options = [self.cutter.input(key).alternatives for key in private]
        for chosen in product(*(range(len(each)) for each in options)):
            choice = dict(fixed)
            choice.update(
                {k: options[i][n] for i, (k, n) in enumerate(zip(private, chosen, strict=True))}
            )
            found = self.cutter.cells(finding, choice)
            cells |= found.cells
            openers.update(dict.fromkeys(found.openers))
            by_choice[chosen] = found.cells
        for position, key in enumerate(private):
            if _matters(by_choice, position):
                openers.update(dict.fromkeys(self.cutter.openers_of(finding, key)))
        return Found(frozenset(cells), tuple(openers))

    # ---- therapies ---------------------------------------------------------------------------

    def _therapies(self) -> list[Group]:
        lines: dict[str, list[Finding]] = {}
        for finding in self.plan.findings.values():
            if finding.kind == "lines":
                lines.setdefault(finding.entry, []).append(finding)
        groups = []
        for concept in dict.fromkeys([*lines, *self.plan.courses]):
            own = lines.get(concept, [])
            reading = read_therapy(self.visible, concept, self.plan.courses.get(concept), own)
            # A row settles dates and intents; what is not closed still leaves its cells open.
            unclosed = tuple(o for o in reading.openers if o.reason in _UNCLOSED)
            self.out.keep_open(concept_group(concept), reading.openers)
            self.out.evidence[concept_group(concept)] = reading.facts
            for finding in own:
                counted = reading.counted.get(finding.id, frozenset())
                also = (o for o in reading.openers if o.element in counted)
                self.out.keep_open(finding.id, (*unclosed, *also))
                self.out.evidence[finding.id] = reading.facts
            if reading.widened:
                self.out.widened = (*self.out.widened, concept)
            rows = split(self.visible, own, reading.rows)
            groups.append(Group(concept_group(concept), rows))
        return groups


def look_at(found: PatientFindings) -> None:
    """Note what each finding, and each group, looks like."""
    elements = found.open_elements
    for name, cells in found.single.items():
        found.looks[name] = look(cells, elements.get(name, ()))
    for group in found.groups:
        rows = without_values(group.rows)
        inside = [f"{n} {e}" for n in sorted(group.findings) for e in elements.get(n, ())]
        found.looks[group.name] = look(rows, (*elements.get(group.name, ()), *inside))


def _matters(by_choice: Mapping[tuple[int, ...], CellSet], position: int) -> bool:
    """Whether two choices that differ at one position alone give different cells."""
    seen: dict[tuple[int, ...], CellSet] = {}
    for chosen, cells in by_choice.items():
        rest = chosen[:position] + chosen[position + 1 :]
        if seen.setdefault(rest, cells) != cells:
            return True
    return False


def _components(reads: Mapping[str, list[str]], shared: set[str]) -> list[list[str]]:
    """Findings joined through shared inputs, in plan order."""
    parent = {name: name for name in reads}

    def root(name: str) -> str:
        while parent[name] != name:
            name = parent[name]
        return name

    first: dict[str, str] = {}
    for name, keys in reads.items():
        for key in keys:
            if key in shared:
                parent[root(name)] = root(first.setdefault(key, name))
    components: dict[str, list[str]] = {}
    for name in reads:
        components.setdefault(root(name), []).append(name)
    return list(components.values())
