"""Columns of findings: what each patient of a shard looks like, by number, and why that is open."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from protocol_logic.findings.rows import Look, Opener, Reason

Numbers: TypeAlias = np.ndarray[Any, Any]
Why: TypeAlias = tuple[tuple[str, Reason], ...]

NEVER = 2**62
"""No day at all, among days that are compared."""


class Looks:
    """Looks, and why they are open, with a number each; shared by all shards of a run."""

    def __init__(self) -> None:
        self.looks: list[Look] = []
        self.whys: list[Why] = [()]
        self._looks: dict[Look, int] = {}
        self._whys: dict[Why, int] = {(): 0}

    def number(self, look: Look) -> int:
        """The number of a look."""
        found = self._looks.get(look)
        if found is None:
            found = self._looks[look] = len(self.looks)
            self.looks.append(look)
        return found

    def why_number(self, why: Why) -> int:
        """The number of (element, reason) pairs: of each opener, in their order."""
        found = self._whys.get(why)
        if found is None:
            found = self._whys[why] = len(self.whys)
            self.whys.append(why)
        return found

    def why_of(self, openers: tuple[Opener, ...]) -> int:
        """The number of what openers say."""
        return self.why_number(tuple([(o.element, o.reason) for o in openers]))


@dataclass(slots=True)
class Column:
    """A finding, or a group of findings (`courses_of_x`, `readings_of_x`), of each patient.

    `look`: its number in `Looks`; -1 where the patient has none: the finding is in a group, or
    there is no such group. `why`: number of what keeps it open; `who`: for each opener of `why` the
    number of its resource within the patient, -1 for none. `oldest`: the first day of its oldest
    evidence with the kind of its text, as `dated` of the store's `by_entry`; `NEVER` for none.
    """

    look: Numbers
    why: Numbers
    oldest: Numbers
    who: list[Numbers] = field(default_factory=list)

    @classmethod
    def blank(cls, size: int) -> Column:
        """A column that says nothing."""
        return cls(
            np.full(size, -1, np.int32), np.zeros(size, np.int32), np.full(size, NEVER, np.int64)
        )

    def resource(self, opener: int) -> Numbers:
        """The resources of an opener, to be written."""
        while len(self.who) <= opener:
            self.who.append(np.full(len(self.look), -1, np.int32))
        return self.who[opener]


@dataclass(slots=True)
class Columns:
    """What columns say of a shard, by name of the finding or group.

    `left`: for each part of the plan (`parts_of`) who has to be read one by one; what columns say
    of that part is nothing there.
    """

    columns: dict[str, Column]
    left: list[Numbers]
