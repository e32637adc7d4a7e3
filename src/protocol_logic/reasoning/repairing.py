"""What makes a criterion fail, as nogoods, and the minimal changes that hit none of them.

A nogood of a criterion, or of a part of it, are cells of some findings with which it fails whatever
the others are. They are found one by one, where a scenario fails, and belong to the protocol.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from clingo import Control, Function, MessageCode, Model, Number, Symbol

from protocol_logic.compiling.lower import LOGIC
from protocol_logic.findings.rows import CellSet
from protocol_logic.knowledge.resources import logic_text
from protocol_logic.reasoning.criteria import CriterionSolver, Key
from protocol_logic.reasoning.engine import Engine
from protocol_logic.reasoning.reads import Read
from protocol_logic.reasoning.solver import Cells, Domain, Failing, refuse, undisturbed


@dataclass(frozen=True, slots=True)
class Nogood:
    """Cells with which a unit fails.

    `slots`: for each group of courses that the unit reads the numbered findings that its row then
    has, none more and none fewer.
    """

    cells: tuple[tuple[str, CellSet], ...]
    slots: tuple[tuple[str, frozenset[str]], ...] = ()


class Unit:
    """A criterion, or a part of one, all of which have to pass."""

    def __init__(self, engine: Engine, read: Read, criterion: str) -> None:
        self.read, self.criterion = read, criterion
        self.solver: CriterionSolver = engine.solvers[read.id]
        self.plan, self.program = engine.plan, engine.program
        self.names = frozenset(read.names)
        self.slots = bool(read.courses)
        self.nogoods: list[Nogood] = []
        self._failing: dict[Domain, Failing] = {}
        self._passes: dict[Key, bool] = {}

    def passes(self, row: Key) -> bool:
        """Whether it passes in every scenario of a row of its findings."""
        known = self._passes.get(row)
        if known is None:
            met = self.solver.solve(self.solver.shorten(row)).met
            # A row without a scenario says nothing: others of its group have some.
            known = self._passes[row] = (not self.read.inclusion) not in met
        return known

    def own(self, row: Iterable[tuple[str, CellSet]]) -> Iterator[tuple[str, CellSet]]:
        """What it reads of a row."""
        for name, cells in row:
            if name in self.names or (self.slots and name not in self.plan.findings):
                yield name, cells

    def nogood(self, row: Key, slots: tuple[tuple[str, frozenset[str]], ...] = ()) -> Nogood:
        """A nogood that holds a scenario of a row in which the unit fails; kept.

        `slots`: for each group of courses the numbered findings of the row.
        """
        cells = dict(row)
        domain = self.solver.domain(cells)
        failing = self._failing.get(domain)
        if failing is None:
            fails = f"not {self.solver.asked}" if self.read.inclusion else self.solver.asked
            rules = self.program.rules_of([self.criterion]) + self.solver.asking
            failing = self._failing[domain] = Failing(rules, LOGIC, domain, fails)
        point = failing.scenario(cells)
        held: dict[str, CellSet] = dict(point)
        every = dict(domain)
        for name in held:  # let go what does not matter, then widen what does
            wider = {**held, name: self._widest(name, cells, every)}
            if failing.always(wider):
                held = wider
        for name in held:
            for cell in sorted(self._widest(name, cells, every) - held[name]):
                wider = {**held, name: held[name] | {cell}}
                if failing.always(wider):
                    held = wider
        found = Nogood(
            tuple(
                (n, c)
                for n, c in sorted(held.items())
                if n not in self.plan.findings or c != frozenset(every[n])
            ),
            slots,
        )
        self.nogoods.append(found)
        return found

    def _widest(self, name: str, row: Cells, every: Mapping[str, tuple[str, ...]]) -> CellSet:
        """The cells that a nogood may have of a finding: of a course those of its row alone, since
        it is not known which others rows have."""
        return frozenset(every[name]) if name in self.plan.findings else row[name]


@dataclass(frozen=True, slots=True)
class Shape:
    """A lever as the search sees it: how its options are joined, the family and the cost of each.

    Options that can be kept together cost the same.
    """

    joined: str
    families: tuple[int, ...]
    costs: tuple[int, ...]


State = tuple[tuple[int, int], ...]
Fit = tuple[State, ...]
"""States in which a part of a nogood fits: each which levers are in which option, -1 for now."""
Region = tuple[tuple[int, tuple[int, ...]], ...]
"""Levers that are changed, each with the options that are kept."""


@dataclass(slots=True)
class Level:
    """The cost up to which there were not too many changes: near it the next search begins."""

    cost: int | None = None


def minimal_regions(
    levers: Sequence[Shape],
    nogoods: Iterable[Sequence[Fit]],
    most: int,
    cheapest: Level | None = None,
) -> tuple[list[Region], bool]:
    """All minimal changes that hit no nogood, and whether these are all, sorted.

    Where there are more than `most`: some of them, or, where that is asked, the cheapest.
    """
    nogoods = list(nogoods)
    if not all(nogoods):  # one that fits whatever is changed
        return [], True
    if not nogoods:
        return [()], True
    search = _Search(levers, nogoods, most)
    if cheapest is not None:
        return search.cheapest(cheapest)
    found = search.regions()
    return sorted(found[:most]), len(found) <= most


class _Search:
    """clingo on the levers and nogoods of one patient, ground once."""

    def __init__(self, levers: Sequence[Shape], nogoods: Sequence[Sequence[Fit]], most: int):
        self.most = most
        self.costs = [lever.costs for lever in levers]
        self.known: dict[int, list[Region]] = {-1: []}
        self.control = Control(
            [f"--models={most + 1}", "--heuristic=Domain", "--enum-mode=domRec", "--warn=none"],
            logger=_refuse,
        )
        facts = "\n".join([*_lever_facts(levers), *_nogood_facts(nogoods)])
        self.control.add("base", [], logic_text("repair") + facts)
        self.control.add("within", ["b"], "#external bound(b). :- bound(b), total(b).")
        self.control.add("within", ["b"], "total(b) :- #sum { C,L : kept(L,R), cost(L,R,C) } > b.")
        with undisturbed():
            self.control.ground([("base", [])])

    def regions(self) -> list[Region]:
        """Minimal changes, one more than are wanted at most."""
        found: list[Region] = []

        def keep(model: Model) -> None:
            regions: dict[int, list[int]] = {}
            for symbol in model.symbols(shown=True):
                lever, option = _numbers(symbol)
                regions.setdefault(lever, []).append(option)
            found.append(tuple(sorted((n, tuple(sorted(each))) for n, each in regions.items())))

        with undisturbed():
            self.control.solve(on_model=keep)
        return found

    def cheapest(self, level: Level) -> tuple[list[Region], bool]:
        """All minimal changes; where there are too many all up to a cost, and some of those that
        cost one more.

        What is minimal among those up to a cost is minimal among all: with less changed, a repair
        costs no more.
        """
        top = sum(max(costs, default=0) for costs in self.costs)
        low, high = -1, top + 1  # not too many up to `low`, too many up to `high`, if at all
        if level.cost is None:
            every = self.regions()
            if len(every) <= self.most:
                return sorted(every), True
            high = sorted(map(self._price, every))[self.most]
        else:
            low, high = self._around(min(level.cost, top), low, high)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._are_few(middle) else (low, middle)
        level.cost = low
        kept = self._up_to(low)
        if low == top:
            return sorted(kept), True
        more = sorted(set(self._up_to(high)).difference(kept))
        return sorted(kept + more[: self.most - len(kept)]), False

    def _around(self, cost: int, low: int, high: int) -> tuple[int, int]:
        """Where the change from few to too many lies, from a cost outwards."""
        step = 1
        if self._are_few(cost):
            low = cost
            while low + step < high and self._are_few(low + step):
                low, step = low + step, 2 * step
            return low, min(low + step, high)
        high = cost
        while high - step > low and not self._are_few(high - step):
            high, step = high - step, 2 * step
        return max(high - step, low), high

    def _price(self, region: Region) -> int:
        return sum([self.costs[n][kept[0]] for n, kept in region])

    def _are_few(self, cost: int) -> bool:
        return len(self._up_to(cost)) <= self.most

    def _up_to(self, cost: int) -> list[Region]:
        """Minimal changes that cost no more, one more than are wanted at most."""
        if cost not in self.known:
            bound = Function("bound", [Number(cost)])
            with undisturbed():
                self.control.ground([("within", [Number(cost)])])
            self.control.assign_external(bound, True)
            self.known[cost] = self.regions()
            self.control.assign_external(bound, False)
        return self.known[cost]


@cache
def _numbers(symbol: Symbol) -> tuple[int, int]:
    lever, option = symbol.arguments
    return lever.number, option.number


def _lever_facts(levers: Sequence[Shape]) -> Iterator[str]:
    for number, lever in enumerate(levers):
        yield f"lever({number}).joined({number},{lever.joined})."
        for option, (family, cost) in enumerate(zip(lever.families, lever.costs, strict=True)):
            yield f"option({number},{option}).family({number},{option},{family})."
            yield f"cost({number},{option},{cost})."


def _nogood_facts(nogoods: Sequence[Sequence[Fit]]) -> Iterator[str]:
    states: dict[tuple[tuple[int, int], ...], int] = {}
    for number, parts in enumerate(nogoods):
        yield f"nogood({number})."
        for part, fits in enumerate(parts):
            yield f"part({number},{part})."
            for state in fits:
                if state not in states:
                    states[state] = len(states)
                    for lever_number, option in state:
                        which = "now" if option < 0 else option
                        yield f"state({states[state]},{lever_number},{which})."
                yield f"fits({number},{part},{states[state]})."


def _refuse(code: MessageCode, message: str) -> None:
    if "No domain atoms" not in message:  # where all is settled by grounding
        refuse(code, message)
