"""What to measure next: the elements that decide an undetermined case, whatever is found.

An element decides what it keeps open. What the closing list of a condition or a therapy holds, the
list decides as well; and the reported quantity decides in place of the inputs of a formula. A set
of elements decides the case where no two ways the patient can be agree in all of them and differ
in eligibility.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from heapq import heappop, heappush
from itertools import islice
from typing import Any, TypeAlias

from protocol_logic.compiling import core
from protocol_logic.compiling.changing import HISTORY, Change
from protocol_logic.compiling.plan import CLOSABLE, NOT_RECORDED, Plan
from protocol_logic.findings.rows import Opener, PatientFindings
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.reasoning.decision import Decision
from protocol_logic.reasoning.engine import Engine
from protocol_logic.reasoning.minimal_sets import minimal_sets
from protocol_logic.reasoning.reads import Read, touches
from protocol_logic.reasoning.settling import Settling, TooManyRows
from protocol_logic.records.elements import REFERENCE_RANGE, TREATMENT_INTENT

MOST_SETS = 200
"""So many minimal sets are looked for in one part of the protocol."""
MOST_SHOWN = 10
"""So many of the cheapest sets are given."""

Names: TypeAlias = frozenset[str]


@dataclass(frozen=True, slots=True)
class Open:
    """What keeps one finding, or the rows of a group, open.

    It is known where of each of `all_of` one element is, or where one of `instead` is.
    """

    all_of: tuple[Names, ...]
    instead: Names = frozenset()

    def is_settled(self, known: Collection[str]) -> bool:
        if not self.instead.isdisjoint(known):
            return True
        return bool(self.all_of) and all(not each.isdisjoint(known) for each in self.all_of)

    @property
    def elements(self) -> Names:
        return self.instead.union(*self.all_of)


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """An element that matters: what it costs to obtain (None: it cannot be had), the criteria that
    it keeps open, and whether some answer to it alone makes the patient ineligible."""

    name: str
    label: str
    cost: int | None
    criteria: tuple[str, ...]
    may_exclude: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """Elements that together decide the case, whatever is found; none can be left out."""

    elements: tuple[str, ...]
    cost: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """What to measure next.

    `alone`: elements that decide the case by themselves; `sets`: the cheapest sets that do, first
    the cheapest. `complete`: whether these are the cheapest; `notes` say what stands in the way.
    `cannot_matter`: open elements that change nothing any more.
    """

    elements: tuple[Element, ...] = ()
    alone: tuple[Wanted, ...] = ()
    sets: tuple[Wanted, ...] = ()
    complete: bool = True
    notes: tuple[str, ...] = ()
    cannot_matter: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Part:
    """Criteria that share nothing open with others, with what keeps them open.

    `findings`: by finding; `labels`: by group and element of a label.
    """

    reads: tuple[Read, ...]
    scopes: tuple[tuple[str, ...], ...]
    findings: Mapping[str, Open]
    labels: Mapping[tuple[str, str], Open]

    @property
    def elements(self) -> Names:
        opened = (*self.findings.values(), *self.labels.values())
        return frozenset().union(*(each.elements for each in opened))


class Measuring:
    """Says it of the patients of one protocol; what was solved is kept."""

    def __init__(
        self,
        protocol: core.Protocol,
        plan: Plan,
        engine: Engine,
        changes: Mapping[str, Change],
    ) -> None:
        self.protocol, self.plan, self.engine, self.changes = protocol, plan, engine, changes
        self.entries = protocol.vocabulary.entries
        self.settling = Settling(plan, engine.program)
        self.by_element: dict[str, list[voc.Entry]] = {}
        for entry in self.entries.values():
            self.by_element.setdefault(entry.element, []).append(entry)
        self.evidence = {
            name: concept.name
            for concept in protocol.vocabulary.of(voc.Concept)
            for name in concept.evidence
        }

    def measures(self, found: PatientFindings, decision: Decision) -> Measures:
        """What to measure next of a patient who was decided."""
        mattering: dict[str, dict[str, None]] = {}
        if decision.eligibility == "undetermined":
            asked = {c for scope in self._scopes(decision) for c in scope}
            for criterion in decision.criteria:
                for gap in criterion.gaps if criterion.id in asked else ():
                    mattering.setdefault(gap.element, {})[criterion.id] = None
        names = self._open_names(found)
        if not mattering:
            return Measures(cannot_matter=tuple(sorted(names)))
        parts = self._parts(found, decision)
        costs = self._costs(parts, found)
        sets, complete, notes = self._sets(parts, found, costs)
        chosen = {name for each in sets for name in each.elements}
        notes += [*self._unclear(parts, chosen), *self._counted(found, chosen)]
        return Measures(
            elements=tuple(
                Element(
                    name=name,
                    label=self._label(name),
                    cost=costs.get(name, self._cost(name)),
                    criteria=tuple(criteria),
                    may_exclude=self._may_exclude(parts, found, name),
                )
                for name, criteria in sorted(mattering.items())
            ),
            alone=tuple(each for each in sets if len(each.elements) == 1),
            sets=tuple(sets[:MOST_SHOWN]),
            complete=complete,
            notes=tuple(dict.fromkeys(notes)),
            cannot_matter=tuple(sorted(names - mattering.keys() - chosen)),
        )

    # ---- what is open ----------------------------------------------------------------------------

    def _scopes(self, decision: Decision) -> list[tuple[str, ...]]:
        """The sets of open criteria of which one must pass whole: one for each scope that is not
        lost."""
        open_ones = {c.id for c in decision.criteria if c.verdict == "open"}
        if not self.protocol.scopes:
            return [tuple(c.id for c in decision.criteria if c.id in open_ones)]
        counting = dict(self.engine.scopes)
        return [
            tuple(decision.criteria[i].id for i in counting[scope.id]
                  if decision.criteria[i].id in open_ones)
            for scope in decision.scopes
            if scope.eligibility == "undetermined"
        ]  # fmt: skip

    def _parts(self, found: PatientFindings, decision: Decision) -> list[_Part]:
        scopes = self._scopes(decision)
        reads = [r for r in self.engine.reads if any(r.id in scope for scope in scopes)]
        if len(scopes) > 1:
            return [self._part(reads, tuple(scopes), found)]
        return [
            self._part(each, (tuple(r.id for r in each),), found)
            for each in self.engine.sharing(reads, found)
        ]

    def _part(
        self, reads: Sequence[Read], scopes: tuple[tuple[str, ...], ...], found: PatientFindings
    ) -> _Part:
        findings: dict[str, Open] = {}
        labels: dict[tuple[str, str], Open] = {}
        groups = [g for g in found.groups if any(touches(read, g) for read in reads)]
        names = dict.fromkeys(n for read in reads for n in read.names)
        wide = {n for n in names if len(found.single.get(n, ())) > 1}
        wide |= {n for g in groups for row in g.rows for n, cells in row.cells if len(cells) > 1}
        for name in wide:
            instead = {read.elements[name] for read in reads if read.elements.get(name)}
            findings[name] = self._open(found.openers.get(name, ()), instead, name)
        for group in groups:
            openers = {o.element: o for o in found.openers.get(group.name, ())}
            for row in group.rows:
                for element, _ in row.labels:
                    over = {
                        read.courses[group.name] for read in reads if group.name in read.courses
                    }
                    opener = openers.get(element) or Opener(element, "absent")
                    labels[group.name, element] = self._open([opener], over, None)
        return _Part(tuple(reads), scopes, findings, labels)

    def _open(
        self, openers: Iterable[Opener], over: Iterable[str | None], name: str | None
    ) -> Open:
        """`over`: elements that stand for it in some criterion."""
        openers = list(openers)
        finding = self.plan.findings.get(name) if name is not None else None
        all_of = []
        for opener in openers:
            names = {opener.element, *filter(None, over)}
            if finding is None or finding.kind != "evidence":
                names |= set(self._lists(opener))
            all_of.append(frozenset(names))
        instead = frozenset[str]()
        if finding is not None and finding.kind == "derived":
            reported = self.protocol.derived[finding.entry].reported
            if reported and all(o.reason in ("absent", "unreadable") for o in openers):
                instead = frozenset({self.entries[reported].element})
        return Open(tuple(dict.fromkeys(all_of)), instead)

    def _lists(self, opener: Opener) -> Iterator[str]:
        """The list that would say it."""
        if opener.reason not in CLOSABLE:
            return
        for entry in self.by_element.get(opener.element, ()):
            if isinstance(entry, voc.Concept | voc.Event) and entry.closed_by:
                yield self.entries[entry.closed_by].element

    def _open_names(self, found: PatientFindings) -> set[str]:
        """All elements that keep something open that some criterion reads, as gaps name them."""
        names: set[str] = set()
        for read in self.engine.reads:
            for name in read.names:
                if len(found.single.get(name, ())) > 1:
                    openers = found.openers.get(name, ())
                    names |= {read.elements[name] or opener.element for opener in openers}
            for group in found.groups:
                if touches(read, group) and group.is_open:
                    over = read.courses.get(group.name)
                    openers = found.openers.get(group.name, ())
                    names |= {over or opener.element for opener in openers}
        return names

    def _unclear(self, parts: Iterable[_Part], chosen: Collection[str]) -> list[str]:
        """Decisions that may stay without a value although their elements are known."""
        names = {
            self.plan.findings[name].entry
            for part in parts
            for name, opened in part.findings.items()
            if self.plan.findings[name].kind == "undetermined"
            and not opened.elements.isdisjoint(chosen)
        }
        return [f"unless what is found leaves {name} undecided" for name in sorted(names)]

    def _counted(self, found: PatientFindings, chosen: Collection[str]) -> Iterator[str]:
        """Elements of which it counts that nothing is recorded: whatever is found changes that."""
        for finding in self.plan.findings.values():
            missing = found.single.get(finding.id, frozenset()) <= {NOT_RECORDED, "no"}
            if not finding.variant and not (missing and finding.kind in ("recorded", "in_record")):
                continue
            names = {finding.element}
            entry = self.entries.get(finding.entry)
            derived = self.protocol.derived.get(finding.entry)
            if derived is not None:
                inputs = (*derived.inputs, *derived.fields, *filter(None, [derived.reported]))
                names |= {self.entries[name].element for name in inputs}
            if isinstance(entry, voc.Concept | voc.Event) and entry.closed_by:
                names.add(self.entries[entry.closed_by].element)
            criteria = [c for c, reach in self.plan.reach.items() if finding.id in reach.findings]
            for name in sorted(names & set(chosen)):
                yield (
                    f"that {name} is not recorded counts in {', '.join(criteria)}: "
                    "any result changes it"
                )

    # ---- costs -----------------------------------------------------------------------------------

    def _costs(self, parts: Iterable[_Part], found: PatientFindings) -> Mapping[str, int | None]:
        """What each element costs; one that stands for several costs what the cheapest does."""
        costs: dict[str, int | None] = {}
        alone: set[str] = set()
        for part in parts:
            for opened in (*part.findings.values(), *part.labels.values()):
                for names in (*opened.all_of, opened.instead):
                    known = [n for n in names if self._is_known(n)]
                    inner = [cost for n in known if (cost := self._cost(n)) is not None]
                    for name in names:
                        if name in known:
                            costs[name] = self._cost(name)
                        elif inner:
                            old = costs.get(name)
                            costs[name] = min([*inner, *([old] if old is not None else [])])
                        else:
                            alone.add(name)
        return {**{name: self._cost(name) for name in sorted(alone)}, **costs}

    def _is_known(self, element: str) -> bool:
        known = (*self.by_element, *self.evidence, TREATMENT_INTENT)
        return element in known or element.partition(":")[0] in REFERENCE_RANGE.values()

    def _cost(self, element: str) -> int | None:
        """What it costs to obtain an element; None: it cannot be had."""
        kind, _, of = element.partition(":")
        if kind == "todo":
            return None
        if element == TREATMENT_INTENT:
            return HISTORY.obtain
        entries = self.by_element.get(of if kind in REFERENCE_RANGE.values() else element, [])
        names = [e.of if isinstance(e, voc.Age) else e.name for e in entries]
        names += [self.evidence[element]] if element in self.evidence else []
        if not names:
            return 1
        costs = [cost for n in names if (cost := self.changes[n].obtain) is not None]
        return min(costs, default=None)

    def _label(self, element: str) -> str:
        entries = self.by_element.get(element)
        return entries[0].label if entries else element.replace("_", " ").replace(":", " of ")

    # ---- sets ------------------------------------------------------------------------------------

    def _sets(
        self, parts: Sequence[_Part], found: PatientFindings, costs: Mapping[str, int | None]
    ) -> tuple[list[Wanted], bool, list[str]]:
        """The cheapest sets that decide the case, whether all were found, and what stands in the
        way."""
        columns: list[list[Wanted]] = []
        complete, notes = True, dict[str, None]()
        for members, elements in _joined(parts):
            had = sorted(n for n in elements if costs.get(n) is not None)
            try:
                if not all(self._decides(part, found, had) for part in members):
                    never = sorted(elements.difference(had))
                    notes[_in_the_way(never)] = None
                    return [], True, list(notes)

                @cache
                def asked(kept: frozenset[str], members: tuple[_Part, ...] = members) -> bool:
                    return all(self._decides(part, found, kept) for part in members)

                sets = minimal_sets(had, lambda kept, asked=asked: asked(frozenset(kept)))  # type: ignore[misc]
                column = [
                    Wanted(tuple(sorted(each)), sum(costs[n] or 0 for n in each))
                    for each in islice(sets, MOST_SETS + 1)
                ]
            except TooManyRows:
                return [], False, ["what is uncertain can be read in too many ways to compare"]
            if len(column) > MOST_SETS:
                complete = False
                notes[f"more than {MOST_SETS} sets: there may be cheaper ones"] = None
            columns.append(sorted(column[:MOST_SETS], key=_order))
        return list(_cheapest(columns, MOST_SHOWN)), complete, list(notes)

    def _decides(self, part: _Part, found: PatientFindings, known: Collection[str]) -> bool:
        """Whether a part is decided where some elements are known."""
        own = frozenset(known) & part.elements
        moved = [name for name, opened in part.findings.items() if not opened.is_settled(own)]

        def settled(group: str, element: str) -> bool:
            return part.labels[group, element].is_settled(own)

        return self.settling.decides(part.reads, part.scopes, found, moved, settled)

    def _may_exclude(self, parts: Iterable[_Part], found: PatientFindings, element: str) -> bool:
        """Whether some answer to an element alone makes the patient ineligible."""
        for part in parts:
            moved = [n for n, opened in part.findings.items() if not opened.is_settled([element])]

            def settled(group: str, label: str, part: _Part = part) -> bool:
                return part.labels[group, label].is_settled([element])

            try:
                if element in part.elements and self.settling.can_fail(
                    part.reads, part.scopes, found, moved, settled
                ):
                    return True
            except TooManyRows:
                continue
        return False


def _joined(parts: Sequence[_Part]) -> list[tuple[tuple[_Part, ...], Names]]:
    """Parts that share an element stand together."""
    found: list[tuple[tuple[_Part, ...], Names]] = []
    for part in parts:
        members: tuple[_Part, ...] = (part,)
        elements = part.elements
        for other in [each for each in found if not each[1].isdisjoint(elements)]:
            found.remove(other)
            members, elements = (*other[0], *members), elements | other[1]
        found.append((members, elements))
    return found


def _in_the_way(never: Sequence[str]) -> str:
    if never:
        return f"no set decides the case: {', '.join(never)} cannot be obtained"
    return "no set decides the case: something is open that no element tells"


def _order(each: Wanted) -> tuple[int, int, tuple[str, ...]]:
    return (each.cost, len(each.elements), each.elements)


def _cheapest(columns: Sequence[Sequence[Wanted]], most: int) -> Iterator[Wanted]:
    """One of each column together, the cheapest first."""

    def taken(places: tuple[int, ...]) -> Wanted:
        each = [column[i] for column, i in zip(columns, places, strict=True)]
        names = sorted(name for wanted in each for name in wanted.elements)
        return Wanted(tuple(names), sum(wanted.cost for wanted in each))

    if not columns or not all(columns):
        return
    first = (0,) * len(columns)
    queue: list[Any] = [(_order(taken(first)), first)]
    seen = {first}
    while queue and most:
        _, places = heappop(queue)
        yield taken(places)
        most -= 1
        for number, column in enumerate(columns):
            following = (*places[:number], places[number] + 1, *places[number + 1 :])
            if following[number] < len(column) and following not in seen:
                seen.add(following)
                heappush(queue, (_order(taken(following)), following))


# ---- as data, and in words -----------------------------------------------------------------------


def measure_data(found: Measures) -> dict[str, Any]:
    """What to measure next, as `measure_next` of `what-if --format json`."""
    return {
        "elements": [
            {
                "element": each.name,
                "label": each.label,
                "cost": each.cost,
                "criteria": list(each.criteria),
                "may_exclude": each.may_exclude,
            }
            for each in found.elements
        ],
        "alone": [{"element": each.elements[0], "cost": each.cost} for each in found.alone],
        "sets": [{"elements": list(each.elements), "cost": each.cost} for each in found.sets],
        "complete": found.complete,
        "notes": list(found.notes),
        "cannot_matter": list(found.cannot_matter),
    }


def measure_lines(data: Mapping[str, Any]) -> list[str]:
    """What to measure next, as data, in lines of text."""
    lines = []
    for number, each in enumerate(data["sets"]):
        names, first = each["elements"], data["sets"][0]["elements"]
        cost = f"(cost {each['cost']})"
        if not number or len(names) == 1:
            words = "decides" if len(names) == 1 else "decide"
            lines.append(f"{', '.join(names)} {words} the case, whatever is found {cost}")
            continue
        new = [name for name in names if name not in first]
        old = [name for name in first if name not in names]
        lines.append(f"or {', '.join(new)} in place of {', '.join(old)} {cost}")
    lines += data["notes"]
    excluding = [each["element"] for each in data["elements"] if each["may_exclude"]]
    if excluding:
        lines.append(f"an answer can exclude the patient at once: {', '.join(excluding)}")
    if data["cannot_matter"]:
        lines.append(f"cannot matter any more: {', '.join(data['cannot_matter'])}")
    return lines
