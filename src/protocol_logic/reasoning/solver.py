"""clingo, asked small questions: one ground program for each criterion and shape of its findings.

The only room that imports clingo. Nothing but the compiler's rules, finding names and cell names
enters it: no number, no patient id, no text. A control is ground once; each distinct row is solved
by assigning its externals.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import clingo
from clingo import Control, Symbol
from clingox.reify import Reifier

from protocol_logic.compiling.lower import LOGIC, Program
from protocol_logic.findings.rows import CellSet
from protocol_logic.knowledge.resources import logic_text

Cells = Mapping[str, CellSet]
"""finding -> cells it may lie in"""


class SolverError(RuntimeError):
    """clingo refused a program: a bug of ours, never of an author."""


def _quiet(_code: clingo.MessageCode, message: str) -> None:
    # Undefined atoms are normal (a course that no record has); anything else is a bug.
    if "atom does not occur in any rule head" not in message:
        raise SolverError(message)


def _control(arguments: list[str], text: str, observer: Reifier | None = None) -> Control:
    control = Control(["--warn=no-atom-undefined", *arguments], logger=_quiet)
    if observer is not None:
        control.register_observer(observer)
    control.add("base", [], text)
    control.ground([("base", [])])
    return control


@dataclass(slots=True)
class _Ground:
    """A ground control with the externals that say which cells are allowed."""

    control: Control
    allow: dict[tuple[str, str], int]
    state: dict[tuple[str, str], bool] = field(default_factory=dict)

    def assign(self, cells: Cells) -> None:
        for (finding, cell), literal in self.allow.items():
            wanted = cell in cells.get(finding, ())
            if self.state.get((finding, cell)) is not wanted:
                self.control.assign_external(literal, wanted)
                self.state[finding, cell] = wanted


Domain = tuple[tuple[str, tuple[str, ...]], ...]
"""Findings with all their cells, in order."""


def domain_facts(domain: Domain) -> str:
    return "".join(f"domain({f},{c}).\n" for f, cells in domain for c in cells)


def _scenario_control(
    program: Program, criteria: tuple[str, ...], domain: Domain, arguments: list[str], more: str
) -> _Ground:
    """The program as it is printed, with the rows that a record allows left to be assigned."""
    text = "\n".join(
        [
            program.rules_of(criteria),
            *(logic_text(name) for name in LOGIC),
            domain_facts(domain),
            "row(F,1) :- domain(F,_).",
            "#external allow(F,1,F,C) : domain(F,C).",
            more,
        ]
    )
    control = _control(arguments, text)
    allow = {}
    for atom in control.symbolic_atoms.by_signature("allow", 4):
        _, _, finding, cell = atom.symbol.arguments
        allow[str(finding), str(cell)] = atom.literal
    return _Ground(control, allow)


class Outcomes:
    """Which of `met` and `not met` some scenario of a criterion gives, for one row of cells."""

    def __init__(self, program: Program, criterion: str, domain: Domain) -> None:
        project = "#project met/1.\n#project applies/1."
        arguments = ["0", "--project"]
        self.ground = _scenario_control(program, (criterion,), domain, arguments, project)

    def solve(self, cells: Cells) -> tuple[frozenset[bool], frozenset[bool]]:
        """(truth values of `met`, truth values of `applies`) over all scenarios."""
        self.ground.assign(cells)
        met: set[bool] = set()
        applies: set[bool] = set()
        with self.ground.control.solve(yield_=True) as handle:
            for model in handle:
                names = {s.name for s in model.symbols(shown=True)}
                met.add("met" in names)
                applies.add("applies" in names)
        if not met:
            raise SolverError("a record without any scenario")
        return frozenset(met), frozenset(applies)


class Together:
    """Whether some scenario makes several criteria pass at once, for one row of cells."""

    def __init__(self, program: Program, criteria: tuple[str, ...], domain: Domain) -> None:
        self.ground = _scenario_control(program, criteria, domain, ["1"], ":- not eligible.")

    def possible(self, cells: Cells) -> bool:
        self.ground.assign(cells)
        return bool(self.ground.control.solve().satisfiable)


class Twins:
    """Whether two scenarios that differ in what one element moves give different outcomes."""

    def __init__(self, program: Program, criterion: str, domain: Domain) -> None:
        reified: list[Symbol] = []
        words = "\n".join(
            [
                program.rules_of((criterion,)),
                *(logic_text(name) for name in ("absence", "verdict")),
                domain_facts(domain),
                "#external cell(F,C) : domain(F,C).",
                "#show.\n#show cell(F,C) : cell(F,C).\n#show met/1.",
            ]
        )
        _control([], words, Reifier(reified.append))
        meta = "\n".join(
            [
                *(f"{symbol}." for symbol in reified if symbol.name != "external"),
                logic_text("twin"),
                domain_facts(domain),
                "finding(F) :- domain(F,_).",
                "#external allow(S,F,C) : domain(F,C), side(S).",
                "#external moved(F) : finding(F).",
            ]
        )
        control = _control(["1"], meta)
        self.control = control
        self.allow: dict[tuple[int, str, str], int] = {}
        for atom in control.symbolic_atoms.by_signature("allow", 3):
            side, finding, cell = atom.symbol.arguments
            self.allow[side.number, str(finding), str(cell)] = atom.literal
        self.moved = {
            str(atom.symbol.arguments[0]): atom.literal
            for atom in control.symbolic_atoms.by_signature("moved", 1)
        }

    def differ(self, one: Cells, other: Cells, moved: Iterable[str]) -> bool:
        """Whether moving just the findings in `moved` from `one` to `other` changes `met`."""
        for (side, finding, cell), literal in self.allow.items():
            cells = one if side == 1 else other
            self.control.assign_external(literal, cell in cells.get(finding, ()))
        moving = set(moved)
        for finding, literal in self.moved.items():
            self.control.assign_external(literal, finding in moving)
        return bool(self.control.solve().satisfiable)


def version() -> str:
    return clingo.__version__
