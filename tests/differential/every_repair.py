"""All minimal repairs of small patients by trying everything, in plain Python.

Nothing of the search is shared. A setting is made of the options of the levers, each combination of
them is set in the whole record, which is read and decided by the ordinary road, and what is minimal
among those that make the patient eligible is told from the findings of that road.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from functools import cached_property
from itertools import combinations, permutations, product
from math import prod
from typing import TypeAlias

from protocol_logic.answering.what_if.levers import Lever, Option
from protocol_logic.answering.what_if.repairs import Patient, Repairing
from protocol_logic.answering.what_if.states import set_as_a_whole, set_in
from protocol_logic.compiling.changing import changes_of
from protocol_logic.findings.rows import PatientFindings
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.pipeline import findings_of
from tests.differential.trials import Trial

Change: TypeAlias = tuple[int, tuple[int, ...]]
"""A lever, by number, and the options that it may be in."""
Setting: TypeAlias = tuple[Change, ...]


class EveryRepair:
    """The repairs of one patient; `since`: a day before, on which a drug can be stopped too."""

    def __init__(self, trial: Trial, since: date | None = None) -> None:
        self.trial = trial
        told = self.told = trial.told
        self.voc = told.protocol.vocabulary
        repairing = Repairing(
            told.protocol, told.plan, trial.engine, changes_of(told.protocol), told.windows,
            told.dates,
        )  # fmt: skip
        self.patient = Patient(repairing, trial.record, trial.as_of, since)
        for unit in range(len(repairing.units)):
            self.patient.levers_of(unit)
        self.levers: Mapping[int, Lever] = dict(sorted(self.patient.states.levers.items()))
        self.names = repairing.sources.names
        self._says: dict[Change | None, dict[str, set[object]]] = {}

    @cached_property
    def changes(self) -> list[list[Change]]:
        """All that each lever can be set to."""
        return [
            [(number, kept) for kept in regions(lever)] for number, lever in self.levers.items()
        ]

    def size(self) -> int:
        """How many settings there are to try."""
        return prod(1 + _number(lever) for lever in self.levers.values())

    # ---- what each setting makes of the patient ----------------------------------------------

    def options(self, setting: Setting) -> list[Option]:
        return [self.levers[lever].region(kept) for lever, kept in setting]

    def findings(self, setting: Setting) -> PatientFindings:
        options = self.options(setting)
        record = set_in(self.trial.record, options, self.trial.as_of, self.voc)
        return set_as_a_whole(
            self.told.plan, findings_of(self.told, record, self.trial.as_of), options
        )

    def working(self) -> Iterator[Setting]:
        """All settings that make the patient eligible."""
        for chosen in product(*([None, *each] for each in self.changes)):
            setting = tuple(each for each in chosen if each is not None)
            if self.trial.engine.eligibility(self.findings(setting)) == "eligible":
                yield setting

    # ---- what is minimal ---------------------------------------------------------------------

    def minimal(self) -> set[tuple[int, frozenset[tuple[str, str]]]]:
        """Cost and texts of each repair."""
        found = self.minimal_settings()
        return {(self._cost(each), frozenset(map(self._text, each))) for each in found}

    def minimal_settings(self) -> list[Setting]:
        """The settings that make the patient eligible, and of which none is less."""
        kept: list[Setting] = []
        for each in sorted(self.working(), key=_size):
            if not any(self.is_less(small, each) for small in kept):
                kept.append(each)
        return [x for x in kept if not any(self.is_less(y, x) for y in kept)]

    def _cost(self, setting: Setting) -> int:
        return sum(self.levers[i].options[kept[0]].cost for i, kept in setting)

    def _text(self, change: Change) -> tuple[str, str]:
        lever = self.levers[change[0]]
        return lever.name, lever.said(change[1])

    def is_less(self, small: Setting, large: Setting) -> bool:
        """Whether each change of one is one of the other's, or smaller than one, and not all are
        the same."""
        if small == large or len(small) > len(large):
            return False
        return any(
            all(x == y or self.is_smaller(x, y) for x, y in zip(small, chosen, strict=True))
            for chosen in permutations(large, len(small))
        )

    def is_smaller(self, one: Change, other: Change) -> bool:
        if not self._says_no_more(one, other):
            return False
        return not self._says_no_more(other, one) or self._place(one) < self._place(other)

    def _place(self, change: Change) -> tuple[int, Change]:
        return (1 if isinstance(self.names[change[0]], str) else 0), change

    def _says_no_more(self, one: Change, other: Change) -> bool:
        (i, kept), (j, others) = one, other
        first, second = self.levers[i].options[kept[0]], self.levers[j].options[others[0]]
        if first.doing != second.doing or first.cost > second.cost:
            return False
        name = self.names[i]
        if isinstance(name, str) and not isinstance(self.voc.entries[name], voc.Concept):
            return i == j and set(kept) >= set(others)
        now, says, needed = self.says(None), self.says(one), self.says(other)
        return all(
            says[f] >= now.get(f, set())
            or says[f] >= needed.get(f, set())
            or self._follows(f, says[f], {g: c for g, c in needed.items() if c != now.get(g)})
            for f in says
        )

    def says(self, change: Change | None) -> dict[str, set[object]]:
        """What is possible of each finding; of what rows say of single courses, all together."""
        if change not in self._says:
            found = self.findings(() if change is None else (change,))
            says: dict[str, set[object]] = {f: set(cells) for f, cells in found.single.items()}
            for group in found.groups:
                says[f"rows of {group.name}"] = set()
                for row in group.rows:
                    loose = [each for each in row.cells if each[0] not in self.told.plan.findings]
                    says[f"rows of {group.name}"].add(tuple(sorted(loose)))
                    for name, cells in row.cells:
                        if name in self.told.plan.findings:
                            says.setdefault(name, set()).update(cells)
            for name in [n for n in says if n.startswith("rows of ") and says[n] == {()}]:
                del says[name]
            self._says[change] = says
        return self._says[change]

    def _follows(self, name: str, cells: set[object], needed: Mapping[str, set[object]]) -> bool:
        """Whether a kind is present, so that this is; or what it is a kind of absent."""
        finding = self.told.plan.findings.get(name)
        if finding is None or finding.kind != "presence":
            return False
        concepts = self.told.plan.findings
        present = [
            needed.get(n) == {"present"} for n in concepts if self._is_kind(n, finding.entry)
        ]
        absent = [needed.get(n) == {"absent"} for n in concepts if self._is_kind(finding.entry, n)]
        return ("present" in cells and any(present)) or ("absent" in cells and any(absent))

    def _is_kind(self, name: str, of: str) -> bool:
        entry = self.voc.entries.get(name)
        if not isinstance(entry, voc.Concept):
            return False
        return of in entry.parents or any(self._is_kind(parent, of) for parent in entry.parents)


def _size(setting: Setting) -> tuple[int, int]:
    return len(setting), -sum(len(kept) for _, kept in setting)


def regions(lever: Lever) -> list[tuple[int, ...]]:
    """All that a lever can be set to: neighbours, any of its options, or one of them."""
    n = len(lever.options)
    if lever.joined == "range":
        every = (tuple(range(i, j)) for i in range(n) for j in range(i + 1, n + 1))
        return [r for r in every if len({lever.options[i].family for i in r}) == 1]
    if lever.joined == "any":
        return [each for k in range(1, n + 1) for each in combinations(range(n), k)]
    return [(i,) for i in range(n)]


def _number(lever: Lever) -> int:
    return 2 ** len(lever.options) - 1 if lever.joined == "any" else len(regions(lever))
