"""The findings plan: what must be read from a record, and the cells that the tests tell apart.

Takes: a checked protocol. Gives: `Plan`, the findings that its criteria reach, each with cells
that are just the parts its tests can tell apart, in order; and for each criterion the findings it
reaches with the element under which a gap there is reported.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor
from typing import Literal, TypeAlias

from protocol_logic.compiling import core
from protocol_logic.compiling.conditions import AGE_UNITS, values_of
from protocol_logic.foundation.interval import Interval, decimal_text
from protocol_logic.foundation.operators import COMPARISONS, OPERATORS
from protocol_logic.knowledge import vocabulary as voc

Kind: TypeAlias = Literal[
    "value", "recorded", "in_record", "number", "ratio", "age", "derived", "presence", "evidence",
    "in_effect", "both_sides", "lines", "undetermined", "unrecorded",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding: how it is read (`kind`, `entry`, `detail`) and its cells in order.

    `values`: for `value`, `recorded` and `undetermined` the values that each cell stands for;
    `ranges`: for numbers the interval of each cell, in the canonical unit (`ratio`: multiples of
    the upper limit of normal). `detail`: intent of `lines`, evidence name of `evidence`.
    `element`: id under which a gap is reported.
    """

    id: str
    kind: Kind
    entry: str
    element: str
    cells: tuple[str, ...]
    values: tuple[tuple[str, ...], ...] = ()
    ranges: tuple[Interval, ...] = ()
    detail: str = ""


@dataclass(frozen=True, slots=True)
class PatternNames:
    """The findings of a pattern.

    One for each clause, one that says a course leaves room for an unrecorded event, and two that
    say whether an unrecorded event, or an unrecorded course, fits this pattern. Those are its own:
    what fits one pattern need not fit another.
    """

    clauses: tuple[str, ...]
    room: str
    unrecorded_event: str
    unrecorded_course: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Courses:
    """The patterns over the courses of one medication class, read together from one group."""

    concept: str
    element: str
    patterns: tuple[core.Pattern, ...]
    names: dict[str, PatternNames]

    def domain(self, courses: int, events: int) -> Iterator[tuple[str, tuple[str, ...]]]:
        """The findings that rows with so many courses, and events each, can speak of."""
        intents = tuple(dict.fromkeys(p.intent for p in self.patterns))
        kinds = dict.fromkeys(p.event for p in self.patterns)
        rooms = dict.fromkeys(names.room for names in self.names.values())
        clauses = dict.fromkeys(c for names in self.names.values() for c in names.clauses)
        for i in range(1, courses + 1):
            yield f"course({self.concept},c{i})", intents
            yield from ((f"{room}(c{i})", ("yes",)) for room in rooms)
            for j in range(1, events + 1):
                yield from ((f"event({kind},e{i}_{j})", ("recorded",)) for kind in kinds)
                yield from ((f"{clause}(c{i},e{i}_{j})", ("yes",)) for clause in clauses)


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """A definition or concept that a criterion reads findings through, and reads no other way.

    It can be solved by itself: the criterion needs only which of its `cells` are possible.
    `shared`: its name among the program's shared rules. `atoms`: the atom of each cell; a cell
    without one (`no`) is that none of the others holds.
    """

    name: str
    shared: str
    cells: tuple[str, ...]
    atoms: tuple[tuple[str, str], ...]
    findings: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What one criterion reads.

    Finding id, or medication class of its courses -> element that stands for it here (None: its
    own). `modules`: definitions and concepts that read findings of their own. `parts`: where the
    criterion is an `all of` whose conditions fall into sets that share no finding, those sets.
    """

    findings: dict[str, str | None]
    courses: dict[str, str | None]
    modules: tuple[Module, ...]
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Conditions of a criterion's `all of`, by number from 0, and what they read."""

    conditions: tuple[int, ...]
    reach: Reach


@dataclass(frozen=True, slots=True)
class Plan:
    """All findings by id in order of first use, the course groups, and what each criterion reads.

    `tests`: test -> (finding id, cells in which it is true).
    """

    findings: dict[str, Finding]
    courses: dict[str, Courses]
    reach: dict[str, Reach]
    tests: dict[core.Test, tuple[str, tuple[str, ...]]] = field(repr=False)


def make_plan(protocol: core.Protocol) -> Plan:
    """Collect the findings and cells of all criteria, and of what they refer to."""
    return _Planner(protocol).plan()


def finding_id(test: core.Test) -> str | None:
    """The finding that a test reads; None for those that rules put together."""
    match test:
        case core.HasValue(entry=entry):
            return entry
        case core.RecordedAs(entry=entry):
            return f"{entry}_as_recorded"
        case core.Recorded(entry=entry):
            return f"recorded({entry})"
        case core.Within(entry=entry, per_uln=per_uln):
            return f"{entry}_per_uln" if per_uln else entry
        case core.Evidenced(concept=concept, by=by):
            return f"{concept}_confirmed_by_{by}"
        case core.InEffect(concept=concept):
            return f"{concept}_in_effect"
        case core.OnBothSides(concept=concept):
            return f"{concept}_on_both_sides"
        case core.LinesOf(concept=concept, intent=intent):
            return f"lines_of_{concept}_with_intent_{intent}"
        case _:
            return None


def slug(text: str) -> str:
    """Text as an ASP name: `<= 1.5 x ULN` -> `at_most_1_5_x_uln`."""
    for sign in sorted(COMPARISONS, key=len, reverse=True):
        text = text.replace(sign, f" {COMPARISONS[sign].slug} ")
    for sign, word in (("%", " percent "), ("+", "plus "), ("/", " per "), ("*", " ")):
        text = text.replace(sign, word)
    name = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    return name if name[:1].isalpha() else f"is_{name}"


def deniers(protocol: core.Protocol, concept: str) -> Iterator[str]:
    """The concepts with a denial under which `concept` or something below it falls."""
    below = set(protocol.vocabulary.below(concept))
    for denier in protocol.denials:
        if below.intersection(protocol.vocabulary.below(denier)):
            yield denier


class _Planner:
    def __init__(self, protocol: core.Protocol) -> None:
        self.protocol = protocol
        self.voc = protocol.vocabulary
        self.reached: list[core.Test] = []  # tests in order of first use
        self.reach: dict[str, Reach] = {}
        tests = (t for c in protocol.criteria for t, _ in self._tests(c))
        patterns = dict.fromkeys(t for t in tests if isinstance(t, core.Pattern))
        self.names = _pattern_names(patterns)
        self.unrecorded = {
            name: entry
            for p in patterns
            for name, entry in (
                (self.names[p.name].unrecorded_event, p.event),
                (self.names[p.name].unrecorded_course, p.concept),
            )
        }

    def plan(self) -> Plan:
        order: dict[str, None] = {}
        courses: dict[str, list[core.Pattern]] = {}
        tests: dict[core.Test, None] = {}
        for criterion in self.protocol.criteria:
            found: dict[str, str | None] = {}
            used: dict[str, str | None] = {}
            for test, element in self._tests(criterion):
                tests.setdefault(test, None)
                for name in self._findings_of(test):
                    # Read directly and through a definition: its own element stands for it.
                    found[name] = element if found.get(name, element) == element else None
                if isinstance(test, core.Pattern):
                    used.setdefault(test.concept, element)
                    known = courses.setdefault(test.concept, [])
                    if test not in known:
                        known.append(test)
            order.update(dict.fromkeys(found))
            modules = tuple(self._modules(criterion))
            parts = tuple(self._parts(criterion, modules))
            self.reach[criterion.id] = Reach(
                findings=found, courses=used, modules=modules, parts=parts
            )
        self.reached = list(tests)
        findings = {name: self._finding(name) for name in order}
        return Plan(
            findings=findings,
            courses={
                concept: Courses(
                    concept=concept,
                    element=self.voc.entries[concept].element,
                    patterns=tuple(patterns),
                    names={p.name: self.names[p.name] for p in patterns},
                )
                for concept, patterns in courses.items()
            },
            reach=self.reach,
            tests=self._true_cells(findings),
        )

    # ---- which tests a criterion reaches -----------------------------------------------------

    def _tests(self, criterion: core.Criterion) -> Iterator[tuple[core.Test, str | None]]:
        if criterion.applies is not None:
            yield from self._open(criterion.applies, None)
        yield from self._open(criterion.condition, None)

    def _open(
        self, condition: core.Condition, element: str | None
    ) -> Iterator[tuple[core.Test, str | None]]:
        for test in core.tests_in(condition):
            if isinstance(test, core.Defined):
                definition = self.protocol.definitions[test.name]
                inside = element or definition.element
                yield test, inside
                for part in core.conditions_in(definition.body):
                    yield from self._open(part, inside)
                continue
            yield test, element
            if isinstance(test, core.Present):
                for denier in deniers(self.protocol, test.concept):
                    yield from self._open(self.protocol.denials[denier], element)
                    yield core.Present(concept=denier), element

    def _findings_of(self, test: core.Test) -> Iterator[str]:
        name = finding_id(test)
        if name is not None:
            yield name
        if isinstance(test, core.Present):
            yield from self.voc.below(test.concept)
        elif isinstance(test, core.Pattern):
            yield self.names[test.name].unrecorded_course
            yield self.names[test.name].unrecorded_event
        elif isinstance(test, core.Defined):
            body = self.protocol.definitions[test.name].body
            if isinstance(body, core.Decision):
                yield f"{test.name}_if_undetermined"

    def _parts(self, criterion: core.Criterion, modules: tuple[Module, ...]) -> Iterator[Part]:
        """Sets of conditions that share no finding; none where there is only one set."""
        condition = criterion.condition
        if criterion.applies is not None or not isinstance(condition, core.All):
            return
        sets: list[tuple[tuple[int, ...], dict[str, str | None], dict[str, str | None]]] = []
        for number, part in enumerate(condition.parts):
            numbers: tuple[int, ...] = (number,)
            findings: dict[str, str | None] = {}
            courses: dict[str, str | None] = {}
            for test, element in self._open(part, None):
                for name in self._findings_of(test):
                    findings[name] = element if findings.get(name, element) == element else None
                if isinstance(test, core.Pattern | core.LinesOf):
                    courses.setdefault(test.concept, element)
            for other in list(sets):
                if findings.keys() & other[1].keys() or courses.keys() & other[2].keys():
                    sets.remove(other)
                    numbers = (*other[0], *numbers)
                    findings = {**other[1], **findings}
                    courses = {**other[2], **courses}
            sets.append((numbers, findings, courses))
        for numbers, findings, courses in sets if len(sets) > 1 else ():
            patterned = {c: e for c, e in courses.items() if self._has_pattern(criterion, c)}
            inside = tuple(m for m in modules if m.findings <= findings.keys())
            reach = Reach(findings=findings, courses=patterned, modules=inside)
            yield Part(conditions=tuple(sorted(numbers)), reach=reach)

    def _has_pattern(self, criterion: core.Criterion, concept: str) -> bool:
        tests = (test for test, _ in self._tests(criterion))
        return any(isinstance(t, core.Pattern) and t.concept == concept for t in tests)

    def _modules(self, criterion: core.Criterion) -> Iterator[Module]:
        """The definitions and concepts whose findings nothing else in the criterion reads."""
        parts: dict[core.Test, set[str]] = {}
        conditions = [c for c in (criterion.applies, criterion.condition) if c is not None]
        for test in (t for c in conditions for t in core.tests_in(c)):
            # Tests of one definition on several values are one part.
            key = core.Defined(name=test.name) if isinstance(test, core.Defined) else test
            opened = [t for t, _ in self._open(test, None)]
            parts[key] = {name for t in opened for name in self._findings_of(t)}
            if any(isinstance(t, core.Pattern | core.LinesOf) for t in opened):
                parts[key].add("")  # courses are shared rows: never apart
        for part, findings in parts.items():
            others = set().union(*(f for p, f in parts.items() if p != part))
            if len(findings) < 2 or "" in findings or findings & others:
                continue
            if isinstance(part, core.Present):
                name = part.concept
                yield Module(
                    name=f"present_{name}", shared=f"concept {name}", cells=("yes", "no"),
                    atoms=(("yes", f"present({name})"),), findings=frozenset(findings),
                )  # fmt: skip
            elif isinstance(part, core.Defined):
                name = part.name
                body = self.protocol.definitions[name].body
                values = body.values if isinstance(body, core.Decision) else ()
                atoms = tuple((slug(v), f"value({name},{slug(v)})") for v in values)
                yield Module(
                    name=f"defined_{name}", shared=name,
                    cells=tuple(cell for cell, _ in atoms) or ("yes", "no"),
                    atoms=atoms or (("yes", f"holds({name})"),), findings=frozenset(findings),
                )  # fmt: skip

    # ---- cells -------------------------------------------------------------------------------

    def _finding(self, name: str) -> Finding:
        tests = [t for t in self.reached if finding_id(t) == name]
        if not tests:
            return self._plain(name)
        first = tests[0]
        match first:
            case core.HasValue(entry=entry):
                return self._named_values(name, "value", entry, tests)
            case core.RecordedAs(entry=entry):
                return self._named_values(name, "recorded", entry, tests)
            case core.Recorded(entry=entry):
                return self._fixed(name, "in_record", entry, "recorded")
            case core.Within(entry=entry):
                return self._numbers(name, entry, tests)
            case core.LinesOf(concept=concept, intent=intent):
                limits = [(t.op, Fraction(t.number)) for t in tests if isinstance(t, core.LinesOf)]
                cells, ranges = _cut(limits, "lines", whole=True)
                element = self.voc.entries[concept].element
                return Finding(
                    id=name, kind="lines", entry=concept, element=element, cells=cells,
                    ranges=ranges, detail=intent,
                )  # fmt: skip
            case core.Evidenced(concept=concept, by=by):
                return Finding(
                    id=name, kind="evidence", entry=concept, element=by,
                    cells=OPERATORS["confirmed by"].cells, detail=by,
                )  # fmt: skip
            case core.InEffect(concept=concept):
                return self._fixed(name, "in_effect", concept, "in effect")
            case core.OnBothSides(concept=concept):
                return self._fixed(name, "both_sides", concept, "on both sides")
            case _:
                raise AssertionError(first)

    def _fixed(self, name: str, kind: Kind, concept: str, operator: str) -> Finding:
        """A finding whose cells stand in the operator table."""
        element = self.voc.entries[concept].element
        cells = OPERATORS[operator].cells
        return Finding(id=name, kind=kind, entry=concept, element=element, cells=cells)

    def _plain(self, name: str) -> Finding:
        """Findings without a limit of their own: concepts, completeness, undetermined values."""
        if name in self.voc.entries:
            return self._fixed(name, "presence", name, "present")
        if name in self.unrecorded:
            entry = self.voc.entries[self.unrecorded[name]]
            # An unrecorded event is a gap of the event; an unrecorded course, of its history.
            closed_by = entry.closed_by if isinstance(entry, voc.Concept) else None
            element = self.voc.entries[closed_by].element if closed_by else entry.element
            return Finding(
                id=name, kind="unrecorded", entry=entry.name, element=element,
                cells=("none", "some"),
            )  # fmt: skip
        definition = self.protocol.definitions[name.removesuffix("_if_undetermined")]
        assert isinstance(definition.body, core.Decision)
        values = definition.body.values
        return Finding(
            id=name, kind="undetermined", entry=definition.name,
            element=definition.element or definition.name,
            cells=tuple(slug(v) for v in values), values=tuple((v,) for v in values),
        )  # fmt: skip

    def _named_values(
        self, name: str, kind: Kind, entry_name: str, tests: list[core.Test]
    ) -> Finding:
        """Values that no test tells apart share a cell."""
        entry = self.voc.entries[entry_name]
        sets = [set(t.values) for t in tests if isinstance(t, core.HasValue | core.RecordedAs)]
        classes: dict[tuple[bool, ...], list[str]] = {}
        for value in values_of(entry):
            classes.setdefault(tuple(value in s for s in sets), []).append(value)
        cells, values = [], []
        for told, members in classes.items():
            # Of many values only those that no test names go unnamed: that is one cell at most.
            unnamed = len(members) > 4 and not any(told)
            cells.append("another_value" if unnamed else slug("_or_".join(members)))
            values.append(tuple(members))
        if kind == "recorded":
            cells.append("not_recorded")
            values.append(())
        return Finding(
            id=name, kind=kind, entry=entry_name, element=entry.element,
            cells=tuple(cells), values=tuple(values),
        )  # fmt: skip

    def _numbers(self, name: str, entry_name: str, tests: list[core.Test]) -> Finding:
        within = [t for t in tests if isinstance(t, core.Within)]
        limits = [(t.op, t.limit) for t in within]
        entry: voc.Named
        if entry_name in self.protocol.derived:
            entry = self.protocol.derived[entry_name]
            kind: Kind = "derived"
        else:
            entry = self.voc.entries[entry_name]
            kind = "age" if isinstance(entry, voc.Age) else "number"
        unit = str(getattr(entry, "unit", ""))
        if kind == "age":
            unit = AGE_UNITS[unit]
        if within[0].per_uln:
            kind, unit = "ratio", "x ULN"
        cells, ranges = _cut(limits, "" if unit == "1" else unit, whole=kind == "age")
        return Finding(
            id=name, kind=kind, entry=entry_name, element=entry.element, cells=cells,
            ranges=ranges,
        )  # fmt: skip

    def _true_cells(
        self, findings: dict[str, Finding]
    ) -> dict[core.Test, tuple[str, tuple[str, ...]]]:
        true: dict[core.Test, tuple[str, tuple[str, ...]]] = {}
        for test in self.reached:
            name = finding_id(test)
            if name is None:
                continue
            finding = findings[name]
            match test:
                case core.HasValue(values=values) | core.RecordedAs(values=values):
                    wanted = set(values)
                    cells = tuple(
                        cell
                        for cell, members in zip(finding.cells, finding.values, strict=True)
                        if members and wanted.issuperset(members)
                    )
                case core.Within(op=op, limit=limit):
                    cells = _satisfying(finding, op, limit)
                case core.LinesOf(op=op, number=number):
                    cells = _satisfying(finding, op, Fraction(number))
                case core.Recorded():
                    cells = OPERATORS["recorded"].true
                case core.InEffect():
                    cells = OPERATORS["in effect"].true
                case core.OnBothSides():
                    cells = OPERATORS["on both sides"].true
                case _:
                    cells = OPERATORS["confirmed by"].true
            true[test] = (name, cells)
        return true


def _pattern_names(patterns: Iterable[core.Pattern]) -> dict[str, PatternNames]:
    """Names in the author's words; where two would be one, the pattern's own name is added."""
    taken: dict[str, object] = {}

    def name(words: str, meaning: object, pattern: core.Pattern) -> str:
        wanted = slug(words)
        if taken.setdefault(wanted, meaning) != meaning:
            wanted = f"{wanted}_of_{pattern.name}"
        return wanted

    return {
        p.name: PatternNames(
            tuple(name(c.text, (p.concept, p.event, c), p) for c in p.clauses),
            name(f"{p.called} leaves room for {p.event}", (p.concept, p.event, p.clauses), p),
            name(f"unrecorded {p.event} for {p.called}", p, p),
            name(f"unrecorded course called {p.called}", p, p),
        )
        for p in patterns
    }


def _satisfying(finding: Finding, op: str, limit: Fraction) -> tuple[str, ...]:
    inside = COMPARISONS[op].inside(limit)
    return tuple(
        cell
        for cell, part in zip(finding.cells, finding.ranges, strict=True)
        if inside.contains_interval(part)
    )


def _cut(
    limits: list[tuple[str, Fraction]], unit: str, whole: bool = False
) -> tuple[tuple[str, ...], tuple[Interval, ...]]:
    """The cells that limits cut the numbers into, lowest first, with their names.

    `whole`: numbers are whole and not below zero, and a cell without any of them is left out.
    """
    # A cut lies just below its number (`>=`, `<`: False) or just above it (`<=`, `>`: True).
    cuts = sorted({(limit, above) for op, limit in limits for above in COMPARISONS[op].cuts})
    names: list[str] = []
    ranges: list[Interval] = []
    edges: list[tuple[Fraction, bool] | None] = [None, *cuts, None]
    for low, high in pairwise(edges):
        lo, lo_closed = (low[0], not low[1]) if low else (None, False)
        hi, hi_closed = (high[0], high[1]) if high else (None, False)
        part = Interval(lo, lo_closed, hi, hi_closed)
        if whole and not _holds_whole(part):
            continue
        ranges.append(part)
        words = []
        if lo is not None:
            words.append(("at least " if lo_closed else "above ") + decimal_text(lo))
        if hi is not None:
            words.append(("at most " if hi_closed else "below ") + decimal_text(hi))
        names.append(slug(" ".join([*words, unit])))
    return tuple(names), tuple(ranges)


def _holds_whole(part: Interval) -> bool:
    """Whether a whole number from zero up lies in an interval."""
    least = 0
    if part.lo is not None and part.lo >= 0:
        least = ceil(part.lo) if part.lo_closed else floor(part.lo) + 1
    return part.contains(least)
