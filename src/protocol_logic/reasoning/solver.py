"""clingo, asked small questions: one ground program for each part of a protocol.

The only room that imports clingo. Nothing but the compiler's rules, finding names and cell names
enters it: no number, no patient id, no text. A control is ground once; each distinct row is solved
by assigning its externals.
"""

from __future__ import annotations

import signal
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

import clingo
from clingo import Control, Symbol
from clingox.reify import Reifier

from protocol_logic.findings.rows import CellSet
from protocol_logic.knowledge.resources import logic_text

Cells: TypeAlias = Mapping[str, CellSet]
"""finding -> cells it may lie in"""
Domain: TypeAlias = tuple[tuple[str, tuple[str, ...]], ...]
"""Findings with all cells that they can have."""
Picked: TypeAlias = frozenset[tuple[str, str]]
"""One cell for each finding: (finding, cell)."""


class SolverError(RuntimeError):
    """clingo refused a program: a bug of ours, never of an author."""


def refuse(_code: clingo.MessageCode, message: str) -> None:
    raise SolverError(message)


def grounded(arguments: list[str], text: str, observer: Reifier | None = None) -> Control:
    # An atom that no rule derives is normal: a course that no record has.
    control = Control(["--warn=no-atom-undefined", *arguments], logger=refuse)
    if observer is not None:
        control.register_observer(observer)
    control.add("base", [], text)
    with undisturbed():
        control.ground([("base", [])])
    return control


@contextmanager
def undisturbed() -> Iterator[None]:
    """Signals wait until clingo is done: it ends the process when one breaks into a callback."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGTERM])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def domain_facts(domain: Domain) -> str:
    return "".join(f"domain({f},{c}).\n" for f, cells in domain for c in cells)


def least(text: str) -> Control:
    """A control that gives just the models of which the atoms with a heuristic are least."""
    # clingo does not take the mode where no such atom is left to choose, so there always is one.
    text += "\n{ idle }.\n#heuristic idle. [1,false]\n"
    return grounded(["0", "--heuristic=Domain", "--enum-mode=domRec"], text)


class Switches:
    """Externals of a control, set only where they change."""

    def __init__(self, control: Control) -> None:
        self.control = control
        self.literals: dict[tuple[str, ...], int] = {}
        self.state: dict[tuple[str, ...], bool] = {}

    def collect(self, name: str, arity: int, arguments: tuple[int, ...]) -> None:
        """Note the externals of a predicate, keyed by some of their arguments."""
        for atom in self.control.symbolic_atoms.by_signature(name, arity):
            if atom.is_external:
                symbols = atom.symbol.arguments
                key = (name, *(str(symbols[i]) for i in arguments))
                self.literals[key] = atom.literal
                self.state[key] = False

    def set(self, wanted: set[tuple[str, ...]]) -> None:
        for key, literal in self.literals.items():
            value = key in wanted
            if self.state[key] is not value:
                self.control.assign_external(literal, value)
                self.state[key] = value


@dataclass(frozen=True, slots=True)
class Scenario:
    """The asked atoms that are true in a scenario, and the cells it picks: (finding, cell)."""

    true: frozenset[str]
    cells: Picked


@cache
def _text(symbol: Symbol) -> str:
    return str(symbol)


@cache
def _pair(symbol: Symbol) -> tuple[str, str]:
    *_, finding, cell = symbol.arguments
    return str(finding), str(cell)


class Scenarios:
    """Which of the asked atoms the scenarios of a row make true, together.

    `cells`: whether the scenarios given tell which cells they pick.
    """

    def __init__(
        self,
        rules: str,
        logic: Iterable[str],
        domain: Domain,
        asked: list[str],
        cells: bool = False,
    ) -> None:
        text = "\n".join(
            [
                rules,
                *(logic_text(name) for name in logic),
                domain_facts(domain),
                "row(F,1) :- domain(F,_).",
                "#external allow(F,1,F,C) : domain(F,C).",
                "#show.\n#show cell/2." if cells else "#show.",
                *(f"#show {atom} : {atom}.\n#project {atom}." for atom in asked),
            ]
        )
        self.asked = frozenset(asked)
        self.switches = Switches(grounded(["0", "--project"], text))
        self.switches.collect("allow", 4, (2, 3))

    def solve(self, cells: Cells) -> list[Scenario]:
        """One scenario for each combination of the asked atoms that some scenario gives."""
        self.switches.set({("allow", f, c) for f, allowed in cells.items() for c in allowed})
        found: list[Scenario] = []
        with undisturbed(), self.switches.control.solve(yield_=True) as handle:
            for model in handle:
                true, picked = [], []
                for symbol in model.symbols(shown=True):
                    text = _text(symbol)
                    if text in self.asked:
                        true.append(text)
                    elif text.startswith("cell("):
                        picked.append(_pair(symbol))
                found.append(Scenario(frozenset(true), frozenset(picked)))
        return found


class Twins:
    """Whether two scenarios that differ in what one element moves differ in the asked atom."""

    def __init__(self, rules: str, logic: Iterable[str], domain: Domain, asked: str) -> None:
        reified: list[Symbol] = []
        words = "\n".join(
            [
                rules,
                f"asked :- {asked}.",
                *(logic_text(name) for name in logic if name != "scenario"),
                domain_facts(domain),
                "#external cell(F,C) : domain(F,C).",
                "#show.\n#show cell(F,C) : cell(F,C).\n#show asked/0.",
            ]
        )
        grounded([], words, Reifier(reified.append))
        meta = "\n".join(
            [
                *(f"{symbol}." for symbol in reified if symbol.name != "external"),
                logic_text("twin"),
                domain_facts(domain),
                "#external allow(S,F,C) : domain(F,C), side(S).",
                "#external moved(F) : domain(F,_).",
            ]
        )
        self.switches = Switches(grounded(["1"], meta))
        self.switches.collect("allow", 3, (0, 1, 2))
        self.switches.collect("moved", 1, (0,))

    def differ(
        self, one: Cells, other: Cells, moved: Iterable[str]
    ) -> tuple[Picked, Picked] | None:
        """Two such scenarios, of rows `one` and `other`, that differ in `moved` alone; or None."""
        wanted: set[tuple[str, ...]] = {("moved", finding) for finding in moved}
        for side, cells in (("1", one), ("2", other)):
            wanted |= {("allow", side, f, c) for f, allowed in cells.items() for c in allowed}
        self.switches.set(wanted)
        with undisturbed(), self.switches.control.solve(yield_=True) as handle:
            for model in handle:
                picked: dict[int, set[tuple[str, str]]] = {1: set(), 2: set()}
                for symbol in model.symbols(shown=True):
                    picked[symbol.arguments[0].number].add(_pair(symbol))
                return frozenset(picked[1]), frozenset(picked[2])
        return None


class Failing:
    """In which scenarios a condition fails, for what is to be changed so that it does not.

    What `absence.lp` forbids is derived here: then it is seen which cells make no scenario.
    """

    def __init__(self, rules: str, logic: Iterable[str], domain: Domain, fails: str) -> None:
        forbidden = "\n:- denied(D)"
        logic_texts = [logic_text(name) for name in logic]
        assert sum(forbidden in text for text in logic_texts) == 1
        text = "\n".join(
            [
                rules,
                *(each.replace(forbidden, "\nimpossible :- denied(D)") for each in logic_texts),
                domain_facts(domain),
                "row(F,1) :- domain(F,_).",
                "{ allow(F,1,F,C) : domain(F,C) }.",
                f"wrong :- {fails}, not impossible.",
                "#show.\n#show cell/2.",
            ]
        )
        self.control = grounded(["1"], text)
        self.literals: dict[tuple[str, str], int] = {}
        """Finding, cell -> what says that the cell is allowed."""
        for atom in self.control.symbolic_atoms.by_signature("allow", 4):
            self.literals[_pair(atom.symbol)] = atom.literal

    def scenario(self, cells: Cells) -> dict[str, CellSet]:
        """The cells of a scenario that fails, of which there must be one."""
        with undisturbed(), self._asked(cells, True) as handle:
            for model in handle:
                shown = model.symbols(shown=True)
                picked = (_pair(symbol) for symbol in shown if symbol.name == "cell")
                return {name: frozenset({cell}) for name, cell in picked}
        raise SolverError("no scenario fails")

    def always(self, cells: Cells) -> bool:
        """Whether all choices of cells are scenarios that fail."""
        with undisturbed(), self._asked(cells, False) as handle:
            return not handle.get().satisfiable

    def _asked(self, cells: Cells, wrong: bool) -> clingo.SolveHandle:
        allowed = {(finding, cell) for finding, own in cells.items() for cell in own}
        assumed: list[tuple[Symbol, bool] | int] = [(clingo.Function("wrong"), wrong)]
        assumed += [n if pair in allowed else -n for pair, n in self.literals.items()]
        handle = self.control.solve(assumed, yield_=True)
        assert isinstance(handle, clingo.SolveHandle)
        return handle
