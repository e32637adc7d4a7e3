"""The facts of a concept that may count, of many patients at once."""

from __future__ import annotations

import numpy as np

from protocol_logic.findings.columns.runs import Rows, taken
from protocol_logic.findings.columns.sources import Sources
from protocol_logic.findings.columns.tables import Flags, Ints
from protocol_logic.records.store.by_entry import KINDS, NO_DAY, STATES

_NOT_TAKEN = 1 + KINDS.index("nottaken")
_ABSENT, _UNKNOWN = 1 + STATES.index("absent"), 1 + STATES.index("unknown")
STATEMENT = (
    "state", "confirmed", "after", "past", "qualified", "evidence", "start_first", "start_last",
    "end_first", "end_last", "ongoing", "intent", "side", "known", "clinical", "stated", "mixed",
    "about",
)  # fmt: skip


def seen(sources: Sources, entry: str) -> Rows:
    """The facts of a concept that may count on the day of judgement, in record order."""
    found: Rows = sources.once(("seen", entry), lambda: _seen(sources, entry))
    return found


def _seen(sources: Sources, entry: str) -> Rows:
    rows = sources.facts(entry, STATEMENT)
    is_seen = (rows["first"] == NO_DAY) | (rows["first"] <= sources.as_of[rows["patient"]])
    return taken(rows, is_seen & (rows["kind"] != _NOT_TAKEN))


def certain(sources: Sources, rows: Rows) -> Flags:
    """Which of some rows count on whatever day they are."""
    found: Flags = (rows["first"] == NO_DAY) | (rows["last"] <= sources.as_of[rows["patient"]])
    return found


def state_now(sources: Sources, rows: Rows) -> Ints:
    """What statements say of the day of judgement: the place of a state from 1, 0 for none."""
    as_of = sources.as_of[rows["patient"]]
    after = np.where(rows["after"] > 0, rows["after"], _ABSENT)
    over = (rows["end_first"] != NO_DAY) & (as_of >= rows["end_first"])
    is_after = over & (as_of >= rows["end_last"])
    found: Ints = np.where(is_after, after, np.where(over, _UNKNOWN, rows["state"]))
    return found


def flags(sources: Sources, rows: Rows, where: Flags) -> Flags:
    """By patient whether there is such a row."""
    found = np.zeros(sources.size, bool)
    found[rows["patient"][where]] = True
    return found


def first_of(sources: Sources, rows: Rows, where: Flags, column: str, without: int) -> Ints:
    """By patient what the first such row has in a column."""
    found = np.full(sources.size, without, rows[column].dtype)
    # Of several rows that are put in one place the last one stays.
    found[rows["patient"][where][::-1]] = rows[column][where][::-1]
    return found
