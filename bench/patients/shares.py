"""How often what is drawn is as it should not be."""

from __future__ import annotations

from dataclasses import dataclass, fields
from random import Random
from typing import Literal, TypeAlias

State: TypeAlias = Literal[
    "plain", "missing", "imprecise", "conflicting", "unreadable", "borderline"
]


@dataclass(frozen=True, slots=True)
class Shares:
    """Shares of all results, answers and patient fields, and of the statements about conditions,
    medications and procedures, which are there or not by `prevalence`.

    `missing`: not recorded, and of results the limits of normal too. `imprecise`: a partial date, a
    comparator, two results of one day, two answers in one, no intent, no end. `conflicting`: two of
    one day that say different things, numbers on two sides of a limit. `unreadable`: there, but
    nobody can tell what it says. `borderline`: just at a limit of the protocol, or the least step
    beside it; of days, an anniversary or the first day of a window, or the day beside it.
    A kind that has no such state is drawn plain instead.

    `fitting`: patients that are drawn to fit the protocol. `prevalence`: conditions, medications
    and procedures that a patient has where the protocol does not say what fits. `noise`: results a
    patient that the protocol does not ask for.
    """

    missing: float = 0.07
    imprecise: float = 0.04
    conflicting: float = 0.02
    unreadable: float = 0.01
    borderline: float = 0.05
    fitting: float = 0.5
    prevalence: float = 0.1
    noise: int = 0

    def __post_init__(self) -> None:
        named = {each.name: getattr(self, each.name) for each in fields(self)}
        for name, share in named.items():
            if share < 0 or (share > 1 and name != "noise"):
                raise ValueError(f"{name} is {share}, which is no share")
        if sum(named[name] for name in _STATES) > 1:
            raise ValueError(f"{', '.join(_STATES)} are more than 1 together")

    def state(self, rng: Random) -> State:
        """One state, by the shares."""
        left = rng.random()
        for name in _STATES:
            left -= getattr(self, name)
            if left < 0:
                return name
        return "plain"


_STATES: tuple[State, ...] = ("missing", "imprecise", "conflicting", "unreadable", "borderline")
