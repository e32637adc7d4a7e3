"""All minimal sets of literals that, made true, make formulas hold in every scenario (clingo).

One ground program for each number of worlds; what differs between patients are its externals.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass

from protocol_logic.knowledge.resources import logic_text
from protocol_logic.reasoning.literals import Formula, Literal, Literals, literals_in
from protocol_logic.reasoning.solver import Switches, least, undisturbed
from protocol_logic.reasoning.truths import World


@dataclass(frozen=True, slots=True)
class State:
    """A patient: which literals hold in every scenario, which can come to hold, and for each
    formula the worlds in which it must."""

    certain: frozenset[Literal]
    may: frozenset[Literal]
    worlds: tuple[tuple[World, ...], ...]


class Changing:
    """Finds minimal sets for the formulas of one protocol, which must all hold."""

    def __init__(self, literals: Literals, formulas: Sequence[Formula], most: int) -> None:
        self._formulas = formulas
        self._most = most
        each = dict.fromkeys(literal for one in formulas for literal in literals_in(one))
        self.literals = tuple(each)
        self._numbers = {literal: i for i, literal in enumerate(self.literals)}
        self._roots: list[int] = []
        self._leaves: list[tuple[int, ...]] = []
        self._leaf: dict[int, Literal] = {}
        self._nodes = 0
        self._facts = "".join([*self._relations(literals), *self._trees()])
        self._switches: dict[int, Switches] = {}
        self._known: dict[object, tuple[tuple[frozenset[Literal], ...], bool]] = {}

    def minimal(
        self, state: State, asked: Iterable[int]
    ) -> tuple[tuple[frozenset[Literal], ...], bool]:
        """The minimal sets for some of the formulas, and whether they are all.

        Each set has what its members imply. Where there are too many, the first ones.
        """
        goal = tuple(asked)
        key = (state, goal)
        if key not in self._known:
            self._known[key] = self._solve(state, goal)
        return self._known[key]

    def _solve(
        self, state: State, goal: Sequence[int]
    ) -> tuple[tuple[frozenset[Literal], ...], bool]:
        wanted = self._wanted(state, goal)
        slots = 1
        while slots < max((len(state.worlds[i]) for i in goal), default=1):
            slots *= 2
        if slots not in self._switches:
            self._switches[slots] = self._ground(slots)
        found = self._sets(self._switches[slots], wanted)
        if len(found) <= self._most:
            return found, True
        # What the solver has learnt of other patients must not choose which come first.
        return self._sets(self._ground(slots), wanted)[: self._most], False

    def _wanted(self, state: State, goal: Sequence[int]) -> set[tuple[str, ...]]:
        numbers = self._numbers
        wanted: set[tuple[str, ...]] = {("certain", str(numbers[one])) for one in state.certain}
        wanted |= {("may", str(numbers[one])) for one in state.may}
        for i in goal:
            for number, world in enumerate(state.worlds[i]):
                wanted.add(("asked", str(number), str(self._roots[i])))
                wanted |= {
                    ("now", str(number), str(leaf))
                    for leaf in self._leaves[i]
                    if self._leaf[leaf] in world
                }
        return wanted

    def _sets(
        self, switches: Switches, wanted: set[tuple[str, ...]]
    ) -> tuple[frozenset[Literal], ...]:
        switches.set(wanted)
        found: list[frozenset[Literal]] = []
        with undisturbed(), switches.control.solve(yield_=True) as handle:
            for model in handle:
                shown = (symbol.arguments[0].number for symbol in model.symbols(shown=True))
                found.append(frozenset(self.literals[i] for i in shown))
                if len(found) > self._most:
                    break
        return tuple(found)

    def _ground(self, slots: int) -> Switches:
        text = "\n".join(
            [
                logic_text("change"),
                self._facts,
                f"world(0..{slots - 1}).",
                "#external certain(L) : literal(L).",
                "#external may(L) : literal(L).",
                "#external now(W,N) : world(W), leaf(N,_).",
                "#external asked(W,N) : world(W), root(N).",
            ]
        )
        switches = Switches(least(text))
        for name, arity in (("certain", 1), ("may", 1), ("now", 2), ("asked", 2)):
            switches.collect(name, arity, tuple(range(arity)))
        return switches

    # ---- facts -------------------------------------------------------------------------------

    def _relations(self, literals: Literals) -> Iterator[str]:
        places: dict[object, int] = {}
        for i, one in enumerate(self.literals):
            place = literals.place(one.test)
            number = places.setdefault(place.of, len(places))
            cells = {cell: c for c, cell in enumerate(place.cells)}
            yield f"literal({i}). of({i},{number}).\n"
            yield "".join(f"cell({number},{c}).\n" for c in cells.values())
            yield "".join(f"lies({i},{cells[cell]}).\n" for cell in literals.cells(one))
            for j, other in enumerate(self.literals):
                if other in literals.implied(one):
                    yield f"implies({i},{j}).\n"
                if i < j and literals.excludes(one, other):
                    yield f"excludes({i},{j}). excludes({j},{i}).\n"

    def _trees(self) -> Iterator[str]:
        for one in self._formulas:
            leaves: list[int] = []
            root = yield from self._tree(one, leaves)
            yield f"root({root}).\n"
            self._roots.append(root)
            self._leaves.append(tuple(leaves))

    def _tree(self, one: Formula, leaves: list[int]) -> Generator[str, None, int]:
        node = self._nodes
        self._nodes += 1
        if isinstance(one, Literal):
            leaves.append(node)
            self._leaf[node] = one
            yield f"leaf({node},{self._numbers[one]}).\n"
            return node
        yield f"needs({node},{one.number}).\n"
        for part in one.parts:
            below = yield from self._tree(part, leaves)
            yield f"part({node},{below}).\n"
        return node
