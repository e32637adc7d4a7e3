"""Facts of an entry that may be the newest, as runs of rows by patient.

As `findings/latest.py` finds them for one patient.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from protocol_logic.findings.columns.tables import NEVER, Flags, Ints
from protocol_logic.records.store.by_entry import NO_DAY, NO_INSTANT
from protocol_logic.records.store.shards import Table

Rows: TypeAlias = dict[str, NDArray[Any]]

DATED = ("place", "resource", "kind", "first", "last", "dated", "instant")
"""The columns that every run needs."""
_BEFORE_ALL = -(10**9)


def taken(table: Table, where: Flags | Ints) -> Rows:
    """Some rows of a table."""
    return {name: column[where] for name, column in table.items()}


class Runs:
    """The rows that may be the newest, by patient and in record order.

    `rows`: their columns; `certain`: which of them count on whatever day they are. `patients`: who
    has any; `starts`: the first row of each.
    """

    def __init__(
        self, table: Table, as_of: Ints, since: Ints | None = None, *, by_time: bool = True
    ) -> None:
        """`as_of`, `since`: by patient the last and the first day. `by_time`: of facts of a day
        those of the latest time count."""
        its = as_of[table["patient"]]
        seen = (table["first"] != NO_DAY) & (table["first"] <= its)
        if since is not None:
            seen &= table["last"] >= since[table["patient"]]
        self.size = len(as_of)
        self._put(taken(table, seen))
        self.certain = self._certain(as_of, since)
        if len(self.starts):
            floor = self.most(np.where(self.certain, self.rows["first"], _BEFORE_ALL))
            self._keep(self.rows["last"] >= self.spread(floor))
            if by_time:
                self._keep(self._is_latest_time())
            self.certain = self._certain(as_of, since)
        self.as_of = as_of[self.rows["patient"]]
        self.floor = self.most(np.where(self.certain, self.rows["first"], _BEFORE_ALL))
        """The latest day of a certain one; else the first day."""
        self.none_certain: Flags = self.floor == _BEFORE_ALL
        if since is not None:
            self.floor = np.where(self.none_certain, since[self.patients], self.floor)

    def _put(self, rows: Rows) -> None:
        self.rows = rows
        patient = rows["patient"]
        is_first = np.ones(len(patient), bool)
        is_first[1:] = patient[1:] != patient[:-1]
        self.starts = np.flatnonzero(is_first)
        self.patients = patient[self.starts]
        self.lengths = np.diff(np.append(self.starts, len(patient)))

    def _keep(self, where: Flags) -> None:
        if not where.all():
            self._put(taken(self.rows, where))

    def _certain(self, as_of: Ints, since: Ints | None) -> Flags:
        rows = self.rows
        found: Flags = rows["last"] <= as_of[rows["patient"]]
        if since is not None:
            found &= rows["first"] >= since[rows["patient"]]
        return found

    def _is_latest_time(self) -> Flags:
        """Rows without those that another of the same day is known to follow."""
        instant = self.rows["instant"]
        keep = np.ones(len(instant), bool)
        timed = np.flatnonzero((instant != NO_INSTANT) & (self.spread(self.lengths) > 1))
        if len(timed):
            patient, day = self.rows["patient"][timed], self.rows["first"][timed]
            order = np.lexsort((instant[timed], day, patient))
            timed, patient, day = timed[order], patient[order], day[order]
            is_last = np.ones(len(timed), bool)
            is_last[:-1] = (patient[1:] != patient[:-1]) | (day[1:] != day[:-1])
            last = np.flatnonzero(is_last)
            latest = instant[timed][last][np.searchsorted(last, np.arange(len(timed)))]
            keep[timed] = instant[timed] == latest
        return keep

    # ---- by run ------------------------------------------------------------------------------

    def any(self, rows: Flags) -> Flags:
        """Whether it is so of some row of each run."""
        return self._reduced(np.logical_or, rows)

    def all(self, rows: Flags) -> Flags:
        """Whether it is so of all rows of each run."""
        return self._reduced(np.logical_and, rows)

    def most(self, rows: Ints) -> Ints:
        """The greatest of each run."""
        return self._reduced(np.maximum, rows)

    def least(self, rows: Ints) -> Ints:
        """The least of each run."""
        return self._reduced(np.minimum, rows)

    def union(self, rows: Ints) -> Ints:
        """All bits of each run."""
        return self._reduced(np.bitwise_or, rows)

    def _reduced(self, how: np.ufunc, rows: NDArray[Any]) -> NDArray[Any]:
        return how.reduceat(rows, self.starts) if len(self.starts) else rows[:0]

    def spread(self, runs: NDArray[Any]) -> NDArray[Any]:
        """For each row what is of its run."""
        return np.repeat(runs, self.lengths)

    def same(self, *columns: str) -> Flags:
        """Whether all rows of each run are alike in some columns."""
        found = np.ones(len(self.starts), bool)
        for name in columns:
            column = self.rows[name]
            found &= self.all(column == self.spread(column[self.starts]))
        return found

    def first(self, rows: Flags) -> tuple[Flags, Ints]:
        """Whether it is so of some row of each run, and the number of the first such row."""
        at = self.least(np.where(rows, np.arange(len(rows)), len(rows)))
        found = at < len(rows)
        return found, np.where(found, at, 0)

    # ---- by patient --------------------------------------------------------------------------

    def to_patients(self, runs: NDArray[Any], without: object) -> NDArray[Any]:
        """By patient what is of the run; `without`: of who has none."""
        found = np.full(self.size, without, runs.dtype)
        found[self.patients] = runs
        return found

    def oldest(self) -> Ints:
        """By patient the oldest of the rows, as `dated`."""
        return self.to_patients(self.least(self.rows["dated"]), NEVER)
