"""What stands beside lists that close something, of many patients at once.

What `findings/unlisted.py` tells of it depends on what stands there and on which lists close which
findings alone: each such pair is looked at once, for a patient who has just these.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import numpy as np

from protocol_logic.compiling import core
from protocol_logic.compiling.plan import Plan
from protocol_logic.findings.columns.cells import distinct
from protocol_logic.findings.columns.tables import Column, Flags, Ints, Looks
from protocol_logic.findings.rows import PatientFindings
from protocol_logic.findings.unlisted import look_beside, resting_on
from protocol_logic.records.facts import Closed, Fact, PatientRecord, Unlisted

SUSPECT, LIST = "6d1f0c8a2b7e4953-suspect-{}-", "6d1f0c8a2b7e4953-list-{}-"
"""The resources of what stands beside lists, by place, and of the lists."""


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of some patients alike, with `SUSPECT` and `LIST` as names of resources.

    `lists`: those beside which a problem is told.
    """

    record: PatientRecord
    found: PatientFindings
    lists: tuple[str, ...]


class ToldBeside(NamedTuple):
    """What is told of a patient: by its number in `Beside.told`, with the names of what stands
    beside lists, and of these the numbers of the resources."""

    number: int
    suspects: tuple[str, ...]
    lists: tuple[int, ...]


class Beside:
    """Tells what stands beside lists; keeps what was told."""

    def __init__(self, protocol: core.Protocol, plan: Plan, looks: Looks) -> None:
        self.protocol = protocol
        self.plan = plan
        self.looks = looks
        self.told: list[Told] = []
        self._numbers: dict[object, int] = {}
        self._resting: dict[str, frozenset[str]] = {}

    def closed(
        self, columns: Mapping[str, Column], names: Sequence[str]
    ) -> tuple[list[tuple[int, ...]], Ints, Flags]:
        """The different numbers of the lists by which some findings are closed; by patient which
        of these it is; and whether there is any."""
        each = [columns[name].closing for name in names]
        size = len(next(iter(columns.values())).look)
        keys, some = np.zeros(size, np.int64), np.zeros(size, bool)
        for closing in each:
            some |= closing > 0
            keys = distinct(keys * len(self.looks.lists) + closing)[1].astype(np.int64)
        _, first = np.unique(keys, return_index=True)
        return [tuple([int(closing[place]) for closing in each]) for place in first], keys, some

    def names(self, columns: Mapping[str, Column], classes: Collection[str]) -> list[str]:
        """The findings and groups by which some classes may be absent."""
        found: set[str] = set()
        for name in classes:
            if name not in self._resting:
                self._resting[name] = resting_on(self.protocol, self.plan, name)
            found |= self._resting[name]
        return sorted(found & columns.keys())

    def number(
        self, names: tuple[str, ...], closing: tuple[int, ...], suspects: tuple[Unlisted, ...]
    ) -> int:
        """The number in `told` of what is told of who has some things, in order, beside lists."""
        key = (names, closing, suspects)
        found = self._numbers.get(key)
        if found is None:
            found = self._numbers[key] = len(self.told)
            self.told.append(self._look(names, closing, suspects))
        return found

    def _look(
        self, names: Sequence[str], closing: tuple[int, ...], suspects: tuple[Unlisted, ...]
    ) -> Told:
        found = PatientFindings(date.max)
        for name, number in zip(names, closing, strict=True):
            history = self.looks.lists[number]
            if history is not None:
                fact = Fact(
                    entry=history,
                    resource=LIST.format(history),
                    date=None,
                    recorded="",
                    reading=Closed(listed=True),
                )
                found.evidence[name] = (fact,)
        marked = [each._replace(resource=SUSPECT.format(n)) for n, each in enumerate(suspects)]
        record = PatientRecord(
            patient="", source="", index_date=None, facts=(), unlisted=tuple(marked)
        )
        look_beside(self.protocol, self.plan, record, found)
        return Told(record, found, tuple(found.beside))
