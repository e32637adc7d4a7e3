"""What is read of a named value of many patients."""

from __future__ import annotations

from dataclasses import dataclass

from protocol_logic.findings.columns.runs import Runs
from protocol_logic.findings.columns.tables import Flags, Ints


@dataclass(slots=True)
class Values:
    """The newest statements of a named value; of a patient field all.

    By run: `possible`, bit i for value i; `no_fact`, whether none may count; `one`, whether there
    is surely one value; `reason` and `who`, why there is not just one; `left`, who cannot be told.
    """

    runs: Runs
    values: tuple[str, ...]
    possible: Ints
    no_fact: Flags
    one: Flags
    reason: Ints
    who: Ints
    left: Flags
    as_listed: Flags
    """Whether the values come in the order of the entry, and not of the alphabet."""
