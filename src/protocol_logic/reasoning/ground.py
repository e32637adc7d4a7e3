"""The ground rules of the program that decides, as clingo writes them when it grounds them once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from clingo import Control, Observer

from protocol_logic.compiling.lower import Program
from protocol_logic.knowledge.resources import logic_text
from protocol_logic.reasoning.solver import Domain, refuse, undisturbed

LOGIC = ("absence", "verdict")


@dataclass(frozen=True, slots=True)
class Body:
    """What a rule asks for: its literals hold with a weight of `bound` in all.

    A literal is the number of an atom, negative where the atom must not hold; that of a plain rule
    weighs 1, and the bound is how many there are.
    """

    bound: int
    literals: tuple[tuple[int, int], ...]


@dataclass(slots=True)
class Ground(Observer):
    """Rules by head, and constraints; atoms by number and by name."""

    bodies: dict[int, list[Body]] = field(default_factory=dict)
    constraints: list[Body] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    cells: dict[int, tuple[str, str]] = field(default_factory=dict)

    _covers: dict[int, dict[str, set[str]]] | None = None

    def covers(self) -> dict[int, dict[str, set[str]]]:
        """Atom -> finding -> the cells each of which is a rule for the atom by itself."""
        if self._covers is None:
            self._covers = {}
            for number, bodies in self.bodies.items():
                for body in bodies:
                    literal = body.literals[0][0] if len(body.literals) == 1 else 0
                    if literal in self.cells:
                        finding, cell = self.cells[literal]
                        cells = self._covers.setdefault(number, {})
                        cells.setdefault(finding, set()).add(cell)
        return self._covers

    def rule(self, choice: bool, head: Sequence[int], body: Sequence[int]) -> None:
        literals = tuple((literal, 1) for literal in dict.fromkeys(body))
        self._add(head, Body(len(literals), literals))

    def weight_rule(
        self, choice: bool, head: Sequence[int], lower_bound: int, body: Sequence[tuple[int, int]]
    ) -> None:
        self._add(head, Body(lower_bound, tuple(body)))

    def _add(self, head: Sequence[int], body: Body) -> None:
        for atom in head:
            self.bodies.setdefault(atom, []).append(body)
        if not head:
            self.constraints.append(body)


def ground(program: Program, criteria: Iterable[str], domain: Domain) -> Ground:
    """Ground a protocol's rules over the cells that its findings can have."""
    found = Ground()
    control = Control(["--warn=no-atom-undefined"], logger=refuse)
    control.register_observer(found)
    text = [program.header, program.rules_of(criteria), *map(logic_text, LOGIC)]
    text += [f"domain({f},{c})." for f, cells in domain for c in cells]
    text.append("#external cell(F,C) : domain(F,C).")
    control.add("base", [], "\n".join(text))
    with undisturbed():
        control.ground([("base", [])])
    for atom in control.symbolic_atoms:
        name, number = str(atom.symbol), atom.literal
        found.numbers[name] = number
        found.names.setdefault(number, name)
        if atom.is_external:
            finding, cell = atom.symbol.arguments
            found.cells[number] = (str(finding), str(cell))
    return found
