"""What the findings of a shard are read from: facts, entry by entry, and the days that count."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np

from protocol_logic.compiling import core
from protocol_logic.compiling.windows import Window
from protocol_logic.findings.columns.runs import DATED, Runs
from protocol_logic.findings.columns.tables import Ints
from protocol_logic.knowledge.vocabulary import Vocabulary
from protocol_logic.records.store.shards import Shard, Table

LIMITS = (
    "odd",
    *(f"{end}{sex}_{part}" for end in ("uln", "lln") for sex in ("", "_f", "_m") for part in "nd"),
)
"""The columns with limits of normal."""
_FIRST = date(1970, 1, 1).toordinal()


def number_of(day: date) -> int:
    """The number of a day from 1970-01-01."""
    return day.toordinal() - _FIRST


def day_of(number: int) -> date:
    """The day of a number."""
    return date.fromordinal(number + _FIRST)


@dataclass(slots=True)
class Sources:
    """A shard for one protocol. `as_of`: the day of judgement by patient.

    `windows`: how old the evidence of an entry may be; `timepoints`: their days. What is read once
    is known from then on.
    """

    protocol: core.Protocol
    shard: Shard
    as_of: Ints
    windows: Mapping[str, Window]
    timepoints: Mapping[str, date]
    ratios: frozenset[str] = frozenset()
    """The quantities of which limits of normal are asked."""
    cut: frozenset[str] = frozenset()
    """The quantities that a finding cuts by its limits, of their own or of normal."""
    known: dict[object, Any] = field(default_factory=dict)

    @property
    def vocabulary(self) -> Vocabulary:
        return self.protocol.vocabulary

    @property
    def size(self) -> int:
        return self.shard.size

    def once(self, key: object, read: Callable[[], Any]) -> Any:
        """What is read under a key, once."""
        if key not in self.known:
            self.known[key] = read()
        return self.known[key]

    def some(self, shard: Shard, places: Ints) -> Sources:
        """The same of some patients, of whom a shard tells what there is."""
        return Sources(
            self.protocol,
            shard,
            self.as_of[places],
            self.windows,
            self.timepoints,
            self.ratios,
            self.cut,
        )

    def facts(self, entry: str, columns: Sequence[str]) -> Table:
        """The facts of an entry, with their days."""
        limits = [name for name in columns if name in LIMITS]
        others = [name for name in columns if name not in LIMITS]
        found = self.shard.facts(entry, list(dict.fromkeys((*DATED, *others))))
        if not limits:
            return found
        # Few entries have any.
        return {**found, **self.shard.facts(entry, limits, self.ratios)}

    def newest(self, entry: str, columns: Sequence[str], window: Window | None = None) -> Runs:
        """The facts of an entry that may be the newest, in a window where one is given."""
        if window is None:
            return Runs(self.facts(entry, columns), self.as_of)
        end, since = self.days_of(window)
        return Runs(self.facts(entry, columns), np.minimum(end, self.as_of), since)

    def days_of(self, window: Window) -> tuple[Ints, Ints]:
        """By patient the last and the first day of a window."""
        end = self.as_of
        if window.before is not None and window.before in self.timepoints:
            end = np.full(self.size, number_of(self.timepoints[window.before]), np.int64)
        days, at = np.unique(end, return_inverse=True)
        first = [number_of(window.first_day(day_of(day))) for day in days.tolist()]
        return end, np.array(first, np.int64)[at]

    def fresh_from(self, entry: str) -> Ints | None:
        """By patient the first day whose evidence is not too old; None where none is."""
        window = self.windows.get(entry)
        if window is None:
            return None
        found: Ints = self.once(("fresh", entry), lambda: self._first_days(window))
        return found

    def _first_days(self, window: Window) -> Ints:
        days, at = np.unique(self.as_of, return_inverse=True)
        first = [number_of(window.first_day(day_of(day))) for day in days.tolist()]
        return np.array(first, np.int64)[at]
