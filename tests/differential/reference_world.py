"""Completions of a record, one after the other.

What is uncertain is chosen where it is first read, so inputs that do not matter are never varied.
`explore` runs a computation again and again, with other choices each time, until all were seen.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, TypeVar

from tests.differential.reference_days import Day, Days, Far, TooLarge, always

_T = TypeVar("_T")


class World:
    """One completion; `read` names the uncertain things that were looked at."""

    def __init__(self, trail: list[list[int]]) -> None:
        self.trail = trail
        self.place = 0
        self.days = Days()
        self.read: set[Hashable] = set()
        self._known: dict[Hashable, Any] = {}

    def once(self, key: Hashable, compute: Callable[[], _T]) -> _T:
        """A value that stays the same in this completion."""
        if key not in self._known:
            self._known[key] = compute()
        found: _T = self._known[key]
        return found

    def knows(self, key: Hashable) -> bool:
        return key in self._known

    def choose(self, key: Hashable, options: Sequence[_T]) -> _T:
        """The value of the uncertain thing `key` in this completion."""
        if len(options) > 1:
            self.read.add(key)
        return self.once(("chosen", key), lambda: options[self._branch(len(options))])

    def far(self, far: Far, earlier: Day, later: Day) -> bool:
        """Whether `later` is so far after `earlier` in this completion."""
        plain = always(far, earlier, later)
        if plain is not None:
            return plain
        self.read |= {day.name for day in (earlier, later) if day.first != day.last}
        possible = self.days.possible(far, earlier, later)
        answer = possible[self._branch(len(possible))]
        if len(possible) > 1:
            self.days.give(far, earlier, later, answer)
        return answer

    def suppose(self, far: Far, earlier: Day, later: Day) -> None:
        """Leave out the days that are not so far apart, unless none would be left."""
        if always(far, earlier, later) is None:
            self.read |= {day.name for day in (earlier, later) if day.first != day.last}
            if True in self.days.possible(far, earlier, later):
                self.days.give(far, earlier, later, True)

    def _branch(self, count: int) -> int:
        if count == 1:
            return 0
        if self.place == len(self.trail):
            self.trail.append([0, count])
        self.place += 1
        return self.trail[self.place - 1][0]


def explore(run: Callable[[World], _T], most: int) -> Iterator[tuple[_T, World]]:
    """What a computation gives in every completion; raises TooLarge after `most` of them."""
    trail: list[list[int]] = []
    for _ in range(most):
        world = World(trail)
        yield run(world), world
        while trail and trail[-1][0] + 1 == trail[-1][1]:
            trail.pop()
        if not trail:
            return
        trail[-1][0] += 1
    raise TooLarge(f"more than {most} completions")
