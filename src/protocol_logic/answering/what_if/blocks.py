"""Blocks: findings of a protocol that can share an input, and are read together.

A block depends on the levers of its inputs alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from protocol_logic.compiling import core, formulas
from protocol_logic.compiling.plan import Finding, Plan
from protocol_logic.findings.read import concept_group
from protocol_logic.findings.variants import base_of
from protocol_logic.knowledge import vocabulary as voc

_BY_VALUE = ("value", "recorded", "in_record", "number", "ratio", "age")
_NUMBERS = ("number", "ratio", "derived", "age")
_NEWEST = ("value", "recorded", "number", "ratio", "presence")
"""Kinds of which the newest statement of their entry decides."""


@dataclass(frozen=True, slots=True)
class Block:
    """Findings that are read together.

    `courses`: the group of the medication class that is read with them, or empty. `entries`: whose
    facts they are read from. `sources`: the entries whose levers move them. `plan`:
    the part of the plan that reads them. `left_out`: kinds of a subject that its occurrences leave
    out. `doubting`: entries that only cast doubt on what a list of the record denies. `lists`:
    those that may deny it, or None where doubts count without one too. `numbers`: whether all are
    numbers of the newest results;
    `own`: the one entry whose newest statement decides all of them, or empty. `mixes`: whether one
    fact that may be any of several can leave open what none of them does.
    """

    number: int
    courses: str
    entries: frozenset[str]
    sources: frozenset[str]
    plan: Plan
    left_out: frozenset[str]
    doubting: frozenset[str]
    lists: frozenset[str] | None
    numbers: bool
    own: str
    mixes: bool

    @property
    def is_derived(self) -> bool:
        """Whether a quantity of it is computed from others."""
        return any(f.kind == "derived" for f in self.plan.findings.values())


class Blocks:
    """The blocks of a protocol, which are others where sex or age is not certain."""

    def __init__(self, protocol: core.Protocol, plan: Plan) -> None:
        self.protocol, self.plan = protocol, plan
        self.voc = protocol.vocabulary
        self._sexes = {f.name for f in self.voc.of(voc.PatientField) if f.field == "gender"}
        self._unrecorded = {
            name: concept
            for concept, courses in plan.courses.items()
            for names in courses.names.values()
            for name in (names.unrecorded_course, names.unrecorded_event)
        }
        self._known: dict[object, Divided] = {}

    def of(self, uncertain: frozenset[str], sexed: frozenset[str]) -> Divided:
        """`uncertain`: the patient fields and ages that have more than one value; `sexed`: the
        quantities whose limits of normal are not the same for all."""
        key = (uncertain, sexed if uncertain else frozenset())
        if key not in self._known:
            self._known[key] = Divided(list(self._made(*key)))
        return self._known[key]

    def _made(self, uncertain: frozenset[str], sexed: frozenset[str]) -> Iterator[Block]:
        keys = {n: self._keys(n, uncertain, sexed) for n in self.plan.findings}
        for concept in self.plan.courses:
            keys[concept_group(concept)] = {f"courses {concept}"}
        for number, members in enumerate(_joined(keys)):
            courses = next((m for m in members if m not in self.plan.findings), "")
            findings = [self.plan.findings[m] for m in members if m in self.plan.findings]
            if not courses and any(f.kind == "lines" for f in findings):
                courses = concept_group(next(f.entry for f in findings if f.kind == "lines"))
            yield self._block(number, findings, courses, sexed)

    def _inputs(self, finding: Finding) -> set[str]:
        """The entries of a derived quantity."""
        derived = self.protocol.derived.get(finding.entry)
        if derived is None:
            return set()
        return {*derived.inputs, *derived.fields, *filter(None, [derived.reported])}

    def _keys(self, name: str, uncertain: frozenset[str], sexed: frozenset[str]) -> set[str]:
        """What a finding may share with others."""
        finding = self.plan.findings[name]
        if finding.kind == "lines":
            return {f"courses {finding.entry}"}
        if name in self._unrecorded:
            return {f"courses {self._unrecorded[name]}", f"finding {base_of(finding)}"}
        names = self._inputs(finding)
        if finding.kind in _BY_VALUE and not names:
            names = {finding.entry}
            if finding.kind == "ratio" and finding.entry in sexed:
                names |= self._sexes
        if not names:
            return {f"finding {base_of(finding)}"}
        certain = {
            each
            for each in names - uncertain
            if isinstance(self.voc.entries.get(each), voc.PatientField | voc.Age)
        }
        return {f"entry {each}" for each in names - certain} or {f"entry {finding.entry}"}

    def _block(
        self, number: int, findings: Sequence[Finding], courses: str, sexed: frozenset[str]
    ) -> Block:
        entries: set[str] = set()
        sources: set[str] = set()
        for finding in findings:
            own, moved_by = self._read_from(finding, sexed)
            entries |= own | moved_by
            sources |= moved_by
        for name in list(entries):
            entry = self.voc.entries.get(name)
            if isinstance(entry, voc.Age):
                entries.add(entry.of)
        concept = courses.removeprefix(concept_group(""))
        if courses:
            sources |= set(self.voc.below(concept))
            entries |= {*self.voc.below(concept), *self.voc.above(concept)}
        patterns = self.plan.courses[concept].patterns if concept in self.plan.courses else ()
        for event in dict.fromkeys(pattern.event for pattern in patterns):
            entries |= self._of_event(event)
        plainly = frozenset(entries | sources)
        concepts = [f.entry for f in findings if self._is_concept(f.entry)]
        doubting = {name for concept in concepts for name in self.voc.doubting(concept)}
        entries |= doubting
        sources |= doubting
        small = Plan(
            findings={f.id: f for f in findings},
            courses={concept: self.plan.courses[concept]} if concept in self.plan.courses else {},
            reach={},
            tests=self.plan.tests,
            basis={},
        )
        plain = all(
            f.window is None and not f.taken and not f.variant and f.occurrence is None
            for f in findings
        )
        of = {f.entry for f in findings}
        newest = plain and len(of) == 1 and all(f.kind in _NEWEST for f in findings)
        return Block(
            number=number,
            courses=courses,
            entries=frozenset(entries),
            sources=frozenset(sources),
            plan=small,
            left_out=self._left_out(findings),
            doubting=frozenset(doubting - plainly),
            lists=self._lists(findings, plainly),
            numbers=plain and all(f.kind in _NUMBERS for f in findings),
            own=of.pop() if newest else "",
            mixes=self._mixes(findings),
        )

    def _mixes(self, findings: Sequence[Finding]) -> bool:
        """Whether what findings are read from is taken apart for some of them, or a formula reads
        an input twice, so that of a range it gives more than of its numbers."""
        computed = [
            self.protocol.derived[f.entry].formula
            for f in findings
            if f.entry in self.protocol.derived
        ]
        if len(computed) > 1 or any(max(_times_read(f).values(), default=0) > 1 for f in computed):
            return True
        return len(findings) > 1 and any(
            f.window or f.taken or f.variant or f.kind not in (*_BY_VALUE, "derived")
            for f in findings
        )

    def _is_concept(self, name: str) -> bool:
        return isinstance(self.voc.entries.get(name), voc.Concept)

    def _lists(self, findings: Sequence[Finding], read: frozenset[str]) -> frozenset[str] | None:
        """The lists that close what findings are read from; None where what nothing tells, no
        doubt either, counts as missing."""
        if any(f.variant or f.kind == "unrecorded" for f in findings):
            return None
        entries = [self.voc.entries.get(name) for name in read]
        closing = [e.closed_by for e in entries if isinstance(e, voc.Concept | voc.Event)]
        return frozenset(filter(None, closing))

    def _left_out(self, findings: Sequence[Finding]) -> frozenset[str]:
        """The kinds that the subjects of all of some findings leave out."""
        each = []
        for finding in findings:
            others = finding.occurrence.subject.others if finding.occurrence else ()
            each.append({kind for other in others for kind in self.voc.below(other)})
        return frozenset(set.intersection(*each) if each else ())

    def _of_event(self, name: str) -> set[str]:
        """The entries that an event is read from."""
        event = self.voc.entries[name]
        assert isinstance(event, voc.Event)
        concepts = (kind for concept in event.concepts for kind in self.voc.below(concept))
        return {name, *concepts, *filter(None, [event.status, event.closed_by])}

    def _read_from(self, finding: Finding, sexed: frozenset[str]) -> tuple[set[str], set[str]]:
        """The entries that a finding is read from, and those whose levers move it."""
        inputs = self._inputs(finding)
        window = finding.window
        before = {window.before} if window is not None and window.before is not None else set()
        if inputs or finding.kind in ("undetermined", "todo"):
            return inputs | before, inputs
        entry = self.voc.entries[finding.entry]
        own, moved_by = {entry.name, *before}, {entry.name}
        if isinstance(entry, voc.Concept):
            below, above = self.voc.below(entry.name), self.voc.above(entry.name)
            own.update(below, above)
            moved_by.update(above)
            if finding.kind != "presence":
                moved_by.update(below)
        listed = isinstance(entry, voc.Concept | voc.Event) and entry.closed_by
        if listed and finding.kind != "evidence":
            moved_by.add(listed)
        if isinstance(entry, voc.Event):
            own |= self._of_event(entry.name)
        if finding.occurrence is not None:
            for other in finding.occurrence.subject.others:
                own.update(self.voc.below(other))
            own |= {finding.occurrence.before} if finding.occurrence.before else set()
        if isinstance(entry, voc.Lesion) and entry.counted:
            own.add(entry.counted)
        if finding.kind == "ratio" and finding.entry in sexed:
            moved_by |= self._sexes
        return own, moved_by


class Divided:
    """The findings of a plan as blocks."""

    def __init__(self, blocks: list[Block]) -> None:
        self.blocks = blocks
        self.home = {name: b.number for b in blocks for name in b.plan.findings}
        self.courses = {b.courses: b.number for b in blocks if b.courses}
        self.moved_by: dict[str, list[int]] = {}
        """Entry -> the blocks that its lever moves."""
        for block in blocks:
            for name in block.sources:
                self.moved_by.setdefault(name, []).append(block.number)


def _joined(keys: Mapping[str, set[str]]) -> list[list[str]]:
    """Names that share a key, directly or through others, in order."""
    home: dict[str, list[str]] = {}
    sets: list[list[str]] = []
    for name, own in keys.items():
        met: list[list[str]] = []
        for key in own:
            if key in home and all(home[key] is not each for each in met):
                met.append(home[key])
        joined = [n for each in met for n in each] + [name]
        sets = [each for each in sets if all(each is not one for one in met)]
        sets.append(joined)
        for member in joined:
            for key in keys[member]:
                home[key] = joined
    order = {name: n for n, name in enumerate(keys)}
    return sorted((sorted(s, key=order.__getitem__) for s in sets), key=lambda s: order[s[0]])


def _times_read(formula: formulas.Formula) -> Counter[str]:
    """How often a formula reads each of its inputs."""
    match formula:
        case formulas.Constant():
            return Counter()
        case formulas.Input(entry=entry):
            return Counter([entry])
        case formulas.Choice(then=then, otherwise=otherwise):
            return _times_read(then) | _times_read(otherwise)
    return _times_read(formula.left) + _times_read(formula.right)


def patterned(block: Block, test: core.Test) -> bool:
    """Whether the condition of a history moves a block."""
    if isinstance(test, core.Pattern):
        return test.concept in block.plan.courses
    return block.plan.tests[test][0] in block.plan.findings
