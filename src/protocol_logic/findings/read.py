"""The plan and a record to findings: for every finding the cells that the record allows.

Findings that read one uncertain input are one group with a row for each of its alternatives; all
others are single. Nothing is guessed: an absent or unreadable input leaves every cell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from itertools import product

from protocol_logic.compiling import core
from protocol_logic.compiling.plan import Finding, Plan
from protocol_logic.findings import inputs as inp
from protocol_logic.findings.inputs import Alternative, Input, Number
from protocol_logic.findings.latest import Visible
from protocol_logic.findings.rows import (
    CellSet,
    FindingsTable,
    Group,
    Opener,
    PatientFindings,
    Row,
)
from protocol_logic.findings.therapy import read_therapy
from protocol_logic.foundation.interval import Interval
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.records.facts import ConditionStated, Done, Fact, Limit, PatientRecord, Therapy

MOST_ROWS = 4096
_KNOWN_AT_ONCE = {"value", "recorded", "number", "ratio", "age", "derived"}


def read_batch(
    protocol: core.Protocol, plan: Plan, records: Iterable[tuple[PatientRecord, date]]
) -> FindingsTable:
    """Read a batch of patients, each on its as-of date, into columns."""
    patients = [read_findings(protocol, plan, record, as_of) for record, as_of in records]
    columns = {name: [p.single.get(name) for p in patients] for name in plan.findings}
    return FindingsTable(columns, patients)


def read_findings(
    protocol: core.Protocol, plan: Plan, record: PatientRecord, as_of: date
) -> PatientFindings:
    """Read one patient on one day."""
    reader = _Reader(protocol, plan, Visible(record, as_of, protocol.vocabulary))
    return reader.read()


@dataclass(frozen=True, slots=True)
class _Cells:
    """The cells of a finding under one choice of its inputs, and what leaves more than one."""

    cells: CellSet
    openers: tuple[Opener, ...] = ()


class _Reader:
    def __init__(self, protocol: core.Protocol, plan: Plan, visible: Visible) -> None:
        self.protocol = protocol
        self.plan = plan
        self.visible = visible
        self.voc = protocol.vocabulary
        self.inputs: dict[str, Input] = {}
        self.out = PatientFindings(visible.as_of)

    def read(self) -> PatientFindings:
        shared: dict[str, Finding] = {}
        for finding in self.plan.findings.values():
            if finding.kind in _KNOWN_AT_ONCE:
                shared[finding.id] = finding
            elif finding.kind != "lines":
                self._single(finding, *self._alone(finding))
        self._split_censored(shared.values())
        groups = [*self._joint(shared), *self._therapies()]
        self.out.groups = tuple(groups)
        return self.out

    def _single(
        self, finding: Finding, cells: CellSet, openers: Iterable[Opener], facts: Iterable[Fact]
    ) -> None:
        self.out.single[finding.id] = cells
        if len(cells) > 1:
            self.out.openers[finding.id] = tuple(dict.fromkeys(openers))
        self.out.evidence[finding.id] = tuple(facts)

    # ---- findings of their own ---------------------------------------------------------------

    def _alone(self, finding: Finding) -> tuple[CellSet, list[Opener], list[Fact]]:
        match finding.kind:
            case "presence":
                return self._presence(finding)
            case "evidence":
                return self._evidence(finding)
            case "in_effect":
                return self._in_effect(finding)
            case "both_sides":
                return self._both_sides(finding)
            case "unrecorded":
                closing = self.visible.closed(finding.entry)
                if closing is not None:
                    return frozenset({"none"}), [], [closing]
                entry = self.voc.entries[finding.entry]
                reason = "absent" if isinstance(entry, voc.Event) else "not_closed"
                return frozenset(finding.cells), [Opener(finding.element, reason)], []  # type: ignore[arg-type]
            case _:  # undetermined: what a decision leaves open is free
                return frozenset(finding.cells), [Opener(finding.element, "absent")], []

    def _presence(self, finding: Finding) -> tuple[CellSet, list[Opener], list[Fact]]:
        facts = self.visible.newest(finding.entry)
        states = {f.reading.state for f in facts if isinstance(f.reading, ConditionStated)}
        if states == {"present"} or states == {"absent"}:
            return frozenset(states), [], facts
        if states:
            reason = "conflicting" if len(states) > 1 else "imprecise"
            opener = Opener(finding.element, reason, facts[0].resource)  # type: ignore[arg-type]
            return frozenset({"present", "absent"}), [opener], facts
        closing = self.visible.closed(finding.entry)
        if closing is not None:
            return frozenset({"absent"}), [], [closing]
        return frozenset({"absent", "unrecorded"}), [Opener(finding.element, "absent")], []

    def _evidence(self, finding: Finding) -> tuple[CellSet, list[Opener], list[Fact]]:
        facts = [
            f
            for f in self.visible.below(finding.entry)
            if isinstance(f.reading, ConditionStated)
            and f.reading.confirmed
            and finding.detail in f.reading.evidence
        ]
        if any(self.visible.certain(f) for f in facts):
            return frozenset({"confirmed"}), [], facts
        return frozenset(finding.cells), [Opener(finding.element, "absent")], facts

    def _in_effect(self, finding: Finding) -> tuple[CellSet, list[Opener], list[Fact]]:
        as_of = self.visible.as_of
        sure, maybe, facts = False, None, []
        for fact in self.visible.below(finding.entry):
            therapy = fact.reading
            if not isinstance(therapy, Therapy):
                continue
            facts.append(fact)
            start, end = therapy.start, therapy.end
            if end is None and not therapy.ongoing:
                continue  # completed or stopped without an end: ended
            certain = (start is None or start.last <= as_of) and (end is None or end.first >= as_of)
            possible = end is None or end.last >= as_of
            sure = sure or certain
            if possible and not certain:
                maybe = fact
        return self._open_world(finding, sure, maybe, facts)

    def _both_sides(self, finding: Finding) -> tuple[CellSet, list[Opener], list[Fact]]:
        facts = [f for f in self.visible.below(finding.entry) if isinstance(f.reading, Done)]
        certain = [f for f in facts if self.visible.certain(f)]
        sides = {f.reading.side for f in certain if isinstance(f.reading, Done)}
        sure = "both" in sides or {"left", "right"} <= sides
        possible = {f.reading.side for f in facts if isinstance(f.reading, Done)}
        may = None in possible or "both" in possible or {"left", "right"} <= possible
        return self._open_world(finding, sure, facts[0] if may else None, facts)

    def _open_world(
        self, finding: Finding, sure: bool, maybe: Fact | None, facts: list[Fact]
    ) -> tuple[CellSet, list[Opener], list[Fact]]:
        """Yes, no, or yes without a record, where no list closes it."""
        yes, no, unrecorded = finding.cells
        if sure:
            return frozenset({yes}), [], facts
        cells, openers = {no}, []
        if maybe is not None:
            cells.add(yes)
            openers.append(Opener(finding.element, "imprecise", maybe.resource))
        closing = self.visible.closed(finding.entry)
        if closing is None:
            cells.add(unrecorded)
            openers.append(Opener(finding.element, "not_closed" if facts else "absent"))
            return frozenset(cells), openers, facts
        return frozenset(cells), openers, [*facts, closing]

    # ---- findings that may share an input ----------------------------------------------------

    def _input(self, name: str) -> Input:
        if name not in self.inputs:
            self.inputs[name] = self._read_input(name)
        return self.inputs[name]

    def _read_input(self, name: str) -> Input:
        entry = self.voc.entries[name]
        match entry:
            case voc.PatientField():
                return inp.field_input(self.visible, entry)
            case voc.Age():
                return inp.age_input(self.visible, entry)
            case voc.Quantity():
                return inp.number_input(self.visible, entry)
            case voc.Lesion():
                return inp.lesion_input(self.visible, entry)
            case voc.Consent():
                return inp.status_input(self.visible, name, entry.element)
            case _:
                return inp.status_input(self.visible, name, entry.element)

    def _sex(self) -> str | None:
        """The patient field whose values limits of normal speak of."""
        fields = self.voc.of(voc.PatientField)
        return next((f.name for f in fields if f.field == "gender"), None)

    def _reads(self, finding: Finding) -> list[str]:
        """The inputs of a finding that can have more than one alternative for this patient."""
        names = [finding.entry]
        if finding.kind == "ratio":
            numbers = self._input(finding.entry).alternatives
            sexed = any(lim.sex for n in numbers if isinstance(n, Number) for lim in n.limits)
            names += [s for s in (self._sex(),) if s is not None and sexed]
        elif finding.kind == "derived":
            derived = self.protocol.derived[finding.entry]
            names = list(dict.fromkeys(core.inputs_of(derived.formula)))
            if all(self._input(n).usable for n in names):
                names += dict.fromkeys(f for f, _, _ in derived.factors)
            else:
                names = [derived.reported] if derived.reported else []
        return [n for n in names if len(self._input(n).alternatives) > 1 or self._free(n)]

    def _free(self, name: str) -> bool:
        """A status that is unreadable is one of its values; two findings of it move together."""
        found = self._input(name)
        return (
            found.recorded
            and not found.usable
            and isinstance(self.voc.entries[name], voc.Status | voc.Consent)
        )

    def _choices(self, name: str) -> Sequence[Alternative]:
        found = self._input(name)
        if found.alternatives or not self._free(name):
            return found.alternatives
        entry = self.voc.entries[name]
        return entry.values if isinstance(entry, voc.Status) else ("signed", "refused")

    def _split_censored(self, findings: Iterable[Finding]) -> None:
        """Cut interval readings where the plain tests of the same quantity cut them.

        Then each alternative lies in one cell of those tests, and another finding that reads the
        quantity moves jointly with them.
        """
        for finding in findings:
            if finding.kind in ("number", "ratio"):
                found = self._input(finding.entry)
                pieces = [
                    replace(number, value=piece)
                    for number in found.alternatives
                    if isinstance(number, Number)
                    for piece in self._pieces(finding, number)
                ]
                self.inputs[finding.entry] = replace(found, alternatives=tuple(pieces))

    def _pieces(self, finding: Finding, number: Number) -> list[Interval]:
        """The parts of a reading that the finding's cells cut it into; a point is one part."""
        pieces = [number.value]
        if number.value.is_point:
            return pieces
        scales = [Fraction(1)]
        if finding.kind == "ratio":
            sex = self._sex()
            sexes = self._input(sex).alternatives if sex else ("",)
            scales = sorted({x.value for s in sexes for x in _limits(number, str(s))})
        for scale in scales:
            pieces = [
                piece
                for part in pieces
                for cell in finding.ranges
                if (piece := part.intersection(cell.scale(scale))) is not None
            ]
        return pieces

    def _joint(self, findings: Mapping[str, Finding]) -> list[Group]:
        """Join findings that share an uncertain input; the others are single."""
        reads = {name: self._reads(f) for name, f in findings.items()}
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
                    findings[name], found.cells, found.openers, self._facts(findings[name])
                )
                continue
            group = self._group([findings[m] for m in members], reads, keys)
            if group is not None:
                groups.append(group)
        return groups

    def _group(
        self, members: list[Finding], reads: Mapping[str, list[str]], keys: list[str]
    ) -> Group | None:
        choices = [self._choices(key) for key in keys]
        size = 1
        for options in choices:
            size *= len(options)
        if size > MOST_ROWS:  # forget what they share: sound, and more is left open
            self.out.widened = (*self.out.widened, "+".join(keys))
            for finding in members:
                found = self._project(finding, reads[finding.id], {})
                self._single(finding, found.cells, found.openers, self._facts(finding))
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
                (self.voc.entries[key].element, str(n)) for key, n in zip(keys, chosen, strict=True)
            )
            rows.append(Row(tuple(cells), labels))
        for finding in members:
            self.out.evidence[finding.id] = tuple(self._facts(finding))
            self.out.openers[finding.id] = tuple(openers[finding.id])
        if len({row.cells for row in rows}) == 1:
            self.out.single.update(rows[0].cells)
            return None
        name = "_and_".join(self.voc.entries[k].element for k in keys)
        self.out.openers[name] = tuple(o for k in keys if (o := self._input(k).opener) is not None)
        return Group(name, tuple(rows))

    def _project(
        self, finding: Finding, private: list[str], fixed: Mapping[str, Alternative]
    ) -> _Cells:
        """The cells over all alternatives of the inputs that no other finding reads."""
        cells: set[str] = set()
        openers: dict[Opener, None] = {}
        by_choice: dict[tuple[int, ...], CellSet] = {}
        for chosen in product(*(range(len(self._choices(k))) for k in private)):
            choice = dict(fixed)
            choice.update({k: self._choices(k)[n] for k, n in zip(private, chosen, strict=True)})
            found = self._cells(finding, choice)
            cells |= found.cells
            openers.update(dict.fromkeys(found.openers))
            by_choice[chosen] = found.cells
        for position, key in enumerate(private):
            if _matters(by_choice, position):
                openers.update(dict.fromkeys(self._openers_of(finding, key)))
        return _Cells(frozenset(cells), tuple(openers))

    def _openers_of(self, finding: Finding, key: str) -> Iterable[Opener]:
        """Why an input has several alternatives; for a reported value, the inputs that are not."""
        opener = self._input(key).opener
        if finding.kind == "derived":
            derived = self.protocol.derived[finding.entry]
            if key == derived.reported:
                return self._inputs_open(derived)
        return () if opener is None else (opener,)

    def _inputs_open(self, derived: core.Derived) -> tuple[Opener, ...]:
        names = dict.fromkeys(
            [*core.inputs_of(derived.formula), *(f for f, _, _ in derived.factors)]
        )
        return tuple(o for n in names if (o := self._input(n).opener) is not None)

    def _facts(self, finding: Finding) -> list[Fact]:
        names = [finding.entry]
        if finding.kind == "derived":
            derived = self.protocol.derived[finding.entry]
            names = list(dict.fromkeys(core.inputs_of(derived.formula)))
            if not all(self._input(n).usable for n in names):
                names = [derived.reported] if derived.reported else names
            else:
                names += [f for f, _, _ in derived.factors]
        return [fact for n in dict.fromkeys(names) for fact in self._input(n).facts]

    # ---- the cutter --------------------------------------------------------------------------

    def _cells(self, finding: Finding, choice: Mapping[str, Alternative]) -> _Cells:
        """The cells of a finding when its uncertain inputs are fixed."""
        if finding.kind == "derived":
            return self._derived(finding, choice)
        found = self._input(finding.entry)
        if finding.entry in choice:
            value: Alternative | None = choice[finding.entry]
        else:
            value = found.alternatives[0] if found.alternatives else None
        if finding.kind == "recorded" and not found.recorded:
            return _Cells(frozenset({"not_recorded"}))
        if value is None:
            cells = frozenset(c for c in finding.cells if c != "not_recorded")
            return _Cells(cells, (found.opener,) if found.opener else ())
        if isinstance(value, str):
            return _Cells(frozenset(_named(finding, value)))
        if isinstance(value, int):
            return _Cells(_inside(finding, Interval.point(Fraction(value))))
        if finding.kind == "ratio":
            return self._ratio(finding, value, choice)
        cells = _inside(finding, value.value)
        return _Cells(cells, self._imprecise(finding.entry, cells))

    def _imprecise(self, entry: str, cells: CellSet) -> tuple[Opener, ...]:
        opener = self._input(entry).opener
        return (opener,) if len(cells) > 1 and opener is not None else ()

    def _ratio(self, finding: Finding, number: Number, choice: Mapping[str, Alternative]) -> _Cells:
        sex = self._sex()
        if sex is None:
            values: Sequence[Alternative] = ("",)
        elif sex in choice:
            values = (choice[sex],)
        else:
            values = self._input(sex).alternatives
        limits = [limit for s in values for limit in _limits(number, str(s))]
        reference = f"reference_range:{self.voc.entries[finding.entry].element}"
        if not limits or any(limit.value <= 0 for limit in limits):
            opener = Opener(reference, "no_reference_range", number.resource)
            value = self._input(finding.entry).opener
            return _Cells(frozenset(finding.cells), (opener, value) if value else (opener,))
        openers: list[Opener] = []
        by_limit = []
        for limit in limits:
            cells = _inside(finding, number.value.scale(1 / limit.value))
            openers += self._imprecise(finding.entry, cells)
            by_limit.append(cells)
        if len(set(by_limit)) > 1:
            openers.append(Opener(reference, "conflicting", number.resource))
        return _Cells(frozenset().union(*by_limit), tuple(openers))

    def _derived(self, finding: Finding, choice: Mapping[str, Alternative]) -> _Cells:
        derived = self.protocol.derived[finding.entry]
        names = list(dict.fromkeys(core.inputs_of(derived.formula)))
        if not all(self._input(n).usable for n in names):
            return self._reported(finding, derived, choice)

        def value_of(name: str) -> Alternative:
            return choice[name] if name in choice else self._input(name).alternatives[0]

        numbers = {n: _interval(value_of(n)) for n in names}
        value = _compute(derived.formula, numbers)
        for field, wanted, factor in derived.factors:
            if value_of(field) == wanted:
                value = value.scale(factor)
        cells = _inside(finding, value)
        # With a range among the inputs, each input that is not certain can tip the result.
        ranged = len(cells) > 1 and any(not number.is_point for number in numbers.values())
        openers = self._inputs_open(derived) if ranged else ()
        return _Cells(cells, openers)

    def _reported(
        self,
        finding: Finding,
        derived: core.Derived,
        choice: Mapping[str, Alternative],
    ) -> _Cells:
        """Where an input is not usable, the reported value decides; what it leaves open is a gap
        of the inputs, which would settle it."""
        openers = self._inputs_open(derived)
        reported = self._input(derived.reported) if derived.reported else None
        if reported is None or not reported.alternatives:
            return _Cells(frozenset(finding.cells), openers)
        number = choice.get(reported.entry, reported.alternatives[0])
        assert isinstance(number, Number)
        cells = _inside(finding, number.value)
        return _Cells(cells, openers if len(cells) > 1 else ())

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
            for name in (concept_group(concept), *(f.id for f in own)):
                self.out.openers[name] = reading.openers
                self.out.evidence[name] = reading.facts
            if reading.widened:
                self.out.widened = (*self.out.widened, concept)
            groups.append(Group(concept_group(concept), reading.rows))
        return groups


def concept_group(concept: str) -> str:
    """The name of the group with all readings of a medication class."""
    return f"courses_of_{concept}"


def _named(finding: Finding, value: str) -> Iterable[str]:
    for cell, members in zip(finding.cells, finding.values, strict=True):
        if value in members:
            yield cell


def _inside(finding: Finding, value: Interval) -> CellSet:
    """THE cutter: the cells that a number, exact or not, can lie in."""
    return frozenset(
        cell
        for cell, part in zip(finding.cells, finding.ranges, strict=True)
        if part.intersects(value)
    )


def _limits(number: Number, sex: str) -> list[Limit]:
    """The upper limits of normal that count for a sex: its own, else the general ones."""
    return [x for x in number.limits if x.sex == sex] or [x for x in number.limits if x.sex is None]


def _interval(value: Alternative) -> Interval:
    if isinstance(value, Number):
        return value.value
    assert isinstance(value, int)
    return Interval.point(Fraction(value))


def _compute(formula: core.Formula, values: Mapping[str, Interval]) -> Interval:
    if isinstance(formula, core.Constant):
        return Interval.point(formula.value)
    if isinstance(formula, core.Input):
        return values[formula.entry].scale(formula.factor)
    left, right = _compute(formula.left, values), _compute(formula.right, values)
    match formula.op:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case _:
            return left / right


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
