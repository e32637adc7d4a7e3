"""What supports, defeats or leaves open each atom of the program that decides, for one patient.

The ground rules are an AND/OR graph of atoms. From the cells that the findings of a patient allow
each atom is true, false or open, from below; open where some cells make it so and others not, as
far as that can be told atom by atom. A `View` is such a choice of cells; it can be narrowed to one
cell of a finding, and rows of a group that do not allow it go with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from protocol_logic.findings.rows import CellSet, PatientFindings
from protocol_logic.reasoning.ground import Body, Ground

Truth: TypeAlias = bool | None
"""None: open."""
NONE = ""
"""The cell of a finding that a row does not have: a course that is not there."""
_ABSENT: CellSet = frozenset({NONE})
MOST_CASES = 3000


class View:
    """The cells that each finding may lie in; groups with the rows that are still possible."""

    def __init__(
        self,
        single: Mapping[str, CellSet],
        groups: Mapping[str, tuple[Mapping[str, CellSet], ...]],
    ) -> None:
        self.single = single
        self.groups = groups
        self._group_of = {name: g for g, rows in groups.items() for row in rows for name in row}
        self._cells: dict[str, CellSet] = {}

    @classmethod
    def of(cls, found: PatientFindings) -> View:
        groups = {
            g.name: tuple(dict(cells) for cells in dict.fromkeys(r.cells for r in g.rows))
            for g in found.groups
        }
        return cls(found.single, groups)

    def cells(self, finding: str) -> CellSet:
        """The cells of a finding, over all rows of its group."""
        known = self._cells.get(finding)
        if known is None:
            group = self._group_of.get(finding)
            if group is None:
                known = self.single.get(finding, _ABSENT)
            else:
                rows = self.groups[group]
                known = frozenset().union(*(row.get(finding, _ABSENT) for row in rows))
            self._cells[finding] = known
        return known

    def rows(self, group: str) -> tuple[Mapping[str, CellSet], ...]:
        return self.groups.get(group, ())

    def is_shared(self, finding: str) -> bool:
        """Whether the finding is read together with others."""
        return finding in self._group_of

    def suppose(self, finding: str, cell: str) -> View:
        """The view in which a finding lies in one of its cells."""
        only = frozenset({cell})
        group = self._group_of.get(finding)
        if group is None:
            return View({**self.single, finding: only}, self.groups)
        rows = tuple(
            {**row, finding: only} if finding in row else row
            for row in self.groups[group]
            if cell in row.get(finding, _ABSENT)
        )
        return View(self.single, {**self.groups, group: rows})


@dataclass(frozen=True, slots=True)
class Reason:
    """One rule with this head: its literals in words, each with its truth, and the body's."""

    truth: Truth
    literals: tuple[tuple[str, Truth], ...]


class States:
    """The truth of every atom in a view.

    `covering`: an atom is true as well where one rule or another holds in each cell of a finding.
    """

    def __init__(self, ground: Ground, view: View, covering: bool = True) -> None:
        self.ground = ground
        self.view = view
        self.covering = covering
        self._known: dict[int, Truth] = {}

    def literal(self, text: str) -> Truth:
        """The truth of `atom` or `not atom`; what no rule derives is false."""
        positive = text.removeprefix("not ")
        number = self.ground.numbers.get(positive)
        truth = False if number is None else self.atom(number)
        return truth if positive == text or truth is None else not truth

    def all(self, texts: Sequence[str]) -> Truth:
        """The truth of literals together."""
        said = [self.literal(text) for text in texts]
        return False if False in said else None if None in said else True

    def atom(self, number: int) -> Truth:
        if number not in self._known:
            self._known[number] = False  # INVARIANT: no atom rests on itself
            self._known[number] = self._atom(number)
        return self._known[number]

    def _atom(self, number: int) -> Truth:
        pair = self.ground.cells.get(number)
        if pair is not None:
            cells = self.view.cells(pair[0])
            return (True if len(cells) == 1 else None) if pair[1] in cells else False
        bodies = self.ground.bodies.get(number, ())
        said = [self.body(body) for body in bodies]
        if True in said:
            return True
        if None not in said:
            return False
        covers = self.ground.covers().get(number, {}) if self.covering else {}
        # In whichever of its cells a finding lies, some rule holds.
        return True if any(self.view.cells(f) <= cells for f, cells in covers.items()) else None

    def body(self, body: Body) -> Truth:
        """Whether the weights of what holds reach the bound."""
        least = most = 0
        for literal, weight in body.literals:
            truth = self._signed(literal)
            least += weight if truth is True else 0
            most += weight if truth is not False else 0
        return True if least >= body.bound else None if most >= body.bound else False

    def _signed(self, literal: int) -> Truth:
        truth = self.atom(abs(literal))
        return truth if literal > 0 or truth is None else not truth

    def reasons(self, text: str) -> list[Reason]:
        """All rules for an atom: those that hold, fail or are open, with every literal."""
        bodies = self.ground.bodies.get(self.ground.numbers.get(text, 0), ())
        return [
            Reason(
                self.body(body),
                tuple((self._name(lit), self._signed(lit)) for lit, _ in body.literals),
            )
            for body in bodies
        ]

    def _name(self, literal: int) -> str:
        name = self.ground.names.get(abs(literal), f"count({abs(literal)})")
        return name if literal > 0 else f"not {name}"

    def open_findings(self, texts: Sequence[str]) -> dict[str, int]:
        """The findings that leave literals open, and how often each is met on the way."""
        numbers = [self.ground.numbers.get(text.removeprefix("not "), 0) for text in texts]
        return self._walk(n for n in numbers if n)

    def open_in_constraints(self) -> dict[str, int]:
        """The findings that leave open whether the view is possible."""
        bodies = [body for body in self.ground.constraints if self.body(body) is None]
        return self._walk(abs(literal) for body in bodies for literal, _ in body.literals)

    def _walk(self, atoms: Iterator[int]) -> dict[str, int]:
        queue, seen = list(atoms), set[int]()
        found: dict[str, int] = {}
        while queue:
            number = queue.pop()
            if self.atom(number) is not None:
                continue
            if number in self.ground.cells:
                name = self.ground.cells[number][0]
                found[name] = found.get(name, 0) + 1
            elif number not in seen:
                seen.add(number)
                for body in self.ground.bodies.get(number, ()):
                    queue += (abs(literal) for literal, _ in body.literals)
        return found


# ---- splits --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Split:
    """Cases of a finding, one for each cell it may lie in; in each the question is settled.

    A case is a view in which it is settled, one that no scenario of the program has (None), or
    another split.
    """

    finding: str
    cases: tuple[tuple[str, View | Split | None], ...] = field(default=())


class Undecided(Exception):
    """Cases differ."""


class TooManyCases(Exception):
    """More cases than a person could read, or than can be gone through."""


def split(
    ground: Ground,
    view: View,
    asked: Sequence[str],
    goal: Callable[[View], Truth],
    impossible: Callable[[View], bool],
    expected: bool,
) -> Split:
    """Cases in each of which `goal` is as expected; `asked` are the literals that say it.

    `impossible`: whether no scenario of the program has a view, as far as is plain. Raises
    `Undecided` where a case differs, `TooManyCases` after some thousands.
    """
    budget = [MOST_CASES]

    def cases(view: View) -> View | Split | None:
        budget[0] -= 1
        if budget[0] < 0:
            raise TooManyCases
        if impossible(view):
            return None
        truth = goal(view)
        if truth is expected:
            return view
        states = States(ground, view)
        found = states.open_findings(asked) if truth is None else {}
        if truth is None and not found:
            # What is true in each cell of a finding, by another rule in each, is open to its parts.
            found = States(ground, view, covering=False).open_findings(asked)
        found = found or states.open_in_constraints()
        if not found:
            raise Undecided
        # What others share with a finding is settled with it, so that comes first.
        name = min(found, key=lambda f: (not view.is_shared(f), -found[f], f))
        allowed = sorted(view.cells(name))
        return Split(name, tuple((cell, cases(view.suppose(name, cell))) for cell in allowed))

    result = cases(view)
    if not isinstance(result, Split):
        raise Undecided
    return result
