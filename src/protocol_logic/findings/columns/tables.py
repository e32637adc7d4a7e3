"""Columns of findings: by patient the number of a look, and why the finding is open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from protocol_logic.compiling.plan import Plan
from protocol_logic.findings.rows import Look, Opener, Reason
from protocol_logic.records.store.by_entry import NEVER as NEVER

if TYPE_CHECKING:
    from protocol_logic.findings.columns.assuming import Alike

Flags: TypeAlias = NDArray[np.bool_]
Ints: TypeAlias = NDArray[Any]
Why: TypeAlias = tuple[tuple[str, Reason], ...]
"""Element and reason of each opener, in order."""

NO_LOOK = -1
NOBODY = -1


class Looks:
    """The looks, openers and lists that columns name by number. Goes from shard to shard."""

    def __init__(self) -> None:
        self.looks: list[Look] = []
        self.whys: list[Why] = [()]
        self.lists: list[str | None] = [None]
        self.alike: dict[bytes, int] = {}
        """Who looks alike under each value of what is not certain -> a number."""
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
        """The number of some openers; 0 where there are none."""
        found = self._whys.get(why)
        if found is None:
            found = self._whys[why] = len(self.whys)
            self.whys.append(why)
        return found

    def list_number(self, history: str | None) -> int:
        """The number of a list; 0 for none."""
        if history not in self.lists:
            self.lists.append(history)
        return self.lists.index(history)

    def why_of(self, openers: Sequence[Opener]) -> int:
        """The number of what openers say."""
        return self.why_number(tuple([(o.element, o.reason) for o in openers]))


@dataclass(slots=True)
class Column:
    """A finding, or a group of findings, of the patients of a shard.

    `look`: number in `Looks.looks`; `NO_LOOK` where a group has none, or the finding is in one.
    `why`: number in `Looks.whys`. `who`: for each of these openers the number of the resource that
    it names, in the record; `NOBODY` where it names none. `oldest`: the least `dated` of the facts
    that it rests on, as in `by_entry`. `closing`: the number in `Looks.lists` of the last list that
    closes something among these; 0 where there is none.
    """

    look: Ints
    why: Ints
    who: list[Ints]
    oldest: Ints
    closing: Ints

    @classmethod
    def empty(cls, size: int) -> Column:
        """Of nobody."""
        return cls(
            np.full(size, NO_LOOK, np.int32),
            np.zeros(size, np.int32),
            [],
            np.full(size, NEVER, np.int64),
            np.zeros(size, np.uint8),
        )

    def resource(self, opener: int) -> Ints:
        """The resources of an opener, to be written."""
        while len(self.who) <= opener:
            self.who.append(np.full(len(self.look), NOBODY, np.int32))
        return self.who[opener]


@dataclass(slots=True)
class Part:
    """Findings that are read together: `left` are the patients of whom this cannot tell them.

    `names`: of findings and groups of courses. `plan`: of these alone. A patient leaves for one
    of several parts that have findings in common at most. Columns of a part mean nothing where it
    is left. `alike`: who of them look alike.
    """

    names: frozenset[str]
    plan: Plan
    left: Flags
    alike: Alike | None = None


@dataclass(slots=True)
class Columns:
    """What could be told of a shard: finding or group -> column; each is in some part. `newer`: of
    whom a reported value may be newer than what is computed in its stead."""

    size: int
    parts: Sequence[Part]
    columns: dict[str, Column] = field(default_factory=dict)
    newer: Flags | None = None
