"""Protocol to plan: which tests each criterion reaches, and the findings that they read.

Takes: a checked protocol. Gives: `Plan`, the findings that its criteria reach, each with cells
that are just the parts its tests can tell apart, in order; and for each criterion the findings it
reaches with the element under which a gap there is reported.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from protocol_logic.compiling import core
from protocol_logic.compiling.basis import basis_of
from protocol_logic.compiling.cells import Cells, finding_id, variant_id
from protocol_logic.compiling.plan import Courses, Module, Part, PatternNames, Plan, Reach, slug


def make_plan(protocol: core.Protocol) -> Plan:
    """Collect the findings and cells of all criteria, and of what they refer to."""
    return _Planner(protocol).plan()


def present(test: core.Present) -> str:
    """The atom that says that a condition is present."""
    return variant_id(f"present({test.concept})", core.variant_of(test))


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
        self.reach: dict[str, Reach] = {}
        tests = (t for c in protocol.criteria for t, _ in self._tests(c))
        patterns = dict.fromkeys(t for t in tests if isinstance(t, core.Pattern))
        self.names = _pattern_names(patterns)
        self.unrecorded = {
            name: entry
            for p in patterns
            for name, entry in (
                (self.names[p.name].unrecorded_event, (p.event, core.variant_of(p))),
                (self.names[p.name].unrecorded_course, (p.concept, core.variant_of(p))),
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
        cells = Cells(self.protocol, tuple(tests), self.unrecorded)
        findings = {name: cells.finding(name) for name in order}
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
            tests=cells.true(findings),
            basis={
                c.id: basis_of((test for test, _ in self._tests(c)), self.voc)
                for c in self.protocol.criteria
            },
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
            variant = core.variant_of(test)
            yield from (variant_id(kind, variant) for kind in self.voc.below(test.concept))
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
                name, variant = part.concept, core.variant_of(part)
                known = f"concept {name} {variant}".rstrip()
                yield Module(
                    name=slug(f"present {name} {variant}"), shared=known, cells=("yes", "no"),
                    atoms=(("yes", present(part)),), findings=frozenset(findings),
                )  # fmt: skip
            elif isinstance(part, core.Defined):
                name = part.name
                body = self.protocol.definitions[name].body
                if isinstance(body, core.Score):
                    continue
                values = body.values if isinstance(body, core.Decision) else ()
                atoms = tuple((slug(v), f"value({name},{slug(v)})") for v in values)
                yield Module(
                    name=f"defined_{name}", shared=name,
                    cells=tuple(cell for cell, _ in atoms) or ("yes", "no"),
                    atoms=atoms or (("yes", f"holds({name})"),), findings=frozenset(findings),
                )  # fmt: skip


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
