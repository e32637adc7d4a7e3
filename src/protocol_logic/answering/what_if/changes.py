"""What a repair is made of: changes of inputs, each as `--set` takes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeAlias

Doing: TypeAlias = Literal["obtain", "treat", "wait", "correct"]
"""What a change takes: a result to obtain, a treatment, time, or a correction of the record."""

UNKNOWN = "unknown"
"""What is said of an input of which nothing usable is recorded."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What `--set "NAME is SAID"` sets."""

    name: str
    said: str

    def __str__(self) -> str:
        return f"{self.name} is {self.said}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One input, or one thing that only a history tells, as it is and as it would have to be.

    `finding`: the name of the entry, or the condition in the protocol's words. `was`, `to`: as
    `--set` takes them. `earliest`: the day of a wait. `rounded`: whether the limit was rounded to
    the safe side. `because`: words for people (`now 88 g/L`).
    """

    finding: str
    was: str
    to: str
    kind: Doing
    earliest: date | None = None
    cost: int = 0
    rounded: bool = False
    because: str = ""

    @property
    def setting(self) -> Setting | None:
        """What sets it; None for a wait, which is set by the as-of date."""
        return None if self.kind == "wait" else Setting(self.finding, self.to)


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """Changes that together make a patient eligible, none of which can be left out.

    `earliest`: the first day on which they do; None: the as-of date.
    """

    changes: tuple[Change, ...]
    cost: int
    earliest: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Repairs:
    """All repairs of a patient, cheapest first.

    `complete`: whether there are no others; `notes` say why there may be. `alternatives`: where
    they are too many, criterion -> what makes it pass by itself. `immutable`: names of the inputs
    that some failed criterion reads and that never change.
    """

    repairs: tuple[Repair, ...] = ()
    complete: bool = True
    notes: tuple[str, ...] = ()
    alternatives: tuple[tuple[str, tuple[Repair, ...]], ...] = ()
    immutable: tuple[str, ...] = ()
