"""What makes a criterion fail, as nogoods, and the minimal changes that hit none of them.

A nogood of a criterion, or of a part of it, are cells of some findings with which it fails whatever
the others are. They are found one by one, where a scenario fails, and belong to the protocol.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from clingo import Control, MessageCode, Model

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
    """A lever as the search sees it: how its options are joined, and the family of each."""

    joined: str
    families: tuple[int, ...]


Fit = tuple[tuple[tuple[int, int], ...], ...]
"""States in which a part of a nogood fits: each which levers are in which option, -1 for now."""
Region = tuple[tuple[int, tuple[int, ...]], ...]
"""Levers that are changed, each with the options that are kept."""


def minimal_regions(
    levers: Sequence[Shape], nogoods: Iterable[Sequence[Fit]], most: int
) -> tuple[list[Region], bool]:
    """All minimal changes that hit no nogood, and whether these are all, sorted."""
    nogoods = list(nogoods)
    if not all(nogoods):  # one that fits whatever is changed
        return [], True
    if not nogoods:
        return [()], True
    facts: list[str] = []
    for number, lever in enumerate(levers):
        facts.append(f"lever({number}).joined({number},{lever.joined}).")
        for option, family in enumerate(lever.families):
            facts.append(f"option({number},{option}).family({number},{option},{family}).")
    states: dict[tuple[tuple[int, int], ...], int] = {}
    for number, parts in enumerate(nogoods):
        facts.append(f"nogood({number}).")
        for part, fits in enumerate(parts):
            facts.append(f"part({number},{part}).")
            for state in fits:
                if state not in states:
                    states[state] = len(states)
                    for lever_number, option in state:
                        which = "now" if option < 0 else option
                        facts.append(f"state({states[state]},{lever_number},{which}).")
                facts.append(f"fits({number},{part},{states[state]}).")
    control = Control(
        [f"--models={most + 1}", "--heuristic=Domain", "--enum-mode=domRec", "--warn=none"],
        logger=_refuse,
    )
    control.add("base", [], "\n".join([logic_text("repair"), *facts]))
    with undisturbed():
        control.ground([("base", [])])
    found: list[Region] = []

    def keep(model: Model) -> None:
        regions: dict[int, list[int]] = {}
        for symbol in model.symbols(shown=True):
            lever, option = (argument.number for argument in symbol.arguments)
            regions.setdefault(lever, []).append(option)
        found.append(tuple(sorted((n, tuple(sorted(each))) for n, each in regions.items())))

    with undisturbed():
        control.solve(on_model=keep)
    return sorted(islice(found, most)), len(found) <= most


def _refuse(code: MessageCode, message: str) -> None:
    if "No domain atoms" not in message:  # where all is settled by grounding
        refuse(code, message)
