"""Which repairs of a later day are none, since one of an earlier day asks for less or no more.

A change of an earlier day asks for no more than one of a later day if it changes the same input in
the same way, or in more ways, or on the same day, or if, on the later day, it is smaller.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import or_

from protocol_logic.answering.what_if.changes import Repair
from protocol_logic.answering.what_if.levers import Option
from protocol_logic.answering.what_if.repairs import Patient
from protocol_logic.answering.what_if.smaller import One
from protocol_logic.records.facts import Stated


@dataclass(frozen=True, slots=True)
class Asked:
    """A change as it is asked for: a lever, by number, and in which `way` it is set.

    `option`: the region that it is set to.
    """

    lever: int
    way: str
    option: Option


class Earlier:
    """The repairs of the days that were looked at; changes are numbered."""

    def __init__(self) -> None:
        self._asked: list[Asked] = []
        self._repairs: list[frozenset[int]] = []
        self._having: list[int] = []
        """For each change the repairs that have it, as the bits of a number."""

    def fresh(self, patient: Patient, repairs: Iterable[Repair]) -> list[Repair]:
        """Those repairs of a day than which none of an earlier day asks for less; remembered."""
        numbers: dict[One, int] = {}
        new: list[tuple[Repair, frozenset[int]]] = []
        for repair in repairs:
            region = patient.region_of(repair)
            own = frozenset([numbers.setdefault(one, len(numbers)) for one in region])
            new.append((repair, own))
        asked = [_asked(patient, one) for one in numbers]
        smaller = [
            frozenset(n for n, one in enumerate(self._asked) if asks_no_more(patient, one, each))
            for each in asked
        ]
        first = len(self._asked)
        kept = [(r, own) for r, own in new if not self._is_known({n: smaller[n] for n in own})]
        self._asked += asked
        self._having += [0] * len(asked)
        for _, own in kept:
            for n in own:
                self._having[first + n] |= 1 << len(self._repairs)
            self._repairs.append(frozenset([first + n for n in own]))
        return [repair for repair, _ in kept]

    def _is_known(self, smaller: Mapping[int, frozenset[int]]) -> bool:
        """Whether some repair asks for nothing but what is smaller than one change each."""
        fine = frozenset[int]().union(*smaller.values())
        more = reduce(or_, (bits for n, bits in enumerate(self._having) if n not in fine), 0)
        may = ((1 << len(self._repairs)) - 1) & ~more
        while may:
            number = may.bit_length() - 1
            may ^= 1 << number
            if _is_one_for_one([*self._repairs[number]], smaller):
                return True
        return False


def _is_one_for_one(small: Sequence[int], smaller: Mapping[int, frozenset[int]]) -> bool:
    """Whether each of some changes is smaller than one of its own."""
    if len(small) > len(smaller):
        return False
    if not small:
        return True
    first, *rest = small
    return any(
        first in fine and _is_one_for_one(rest, {k: v for k, v in smaller.items() if k != each})
        for each, fine in smaller.items()
    )


def asks_no_more(later: Patient, one: Asked, other: Asked) -> bool:
    """Whether a change of an earlier day asks for no more than one of a later day."""
    if (one.lever, one.way) == (other.lever, other.way):
        return True
    if one.option.stops and (one.lever, one.option.on) == (other.lever, other.option.on):
        return True
    if not later.smaller.is_of_concept(one.lever):
        return one.lever == other.lever and _is_wider(one.option, other.option)
    mine, its = (_on(later, each) for each in (one, other))
    return mine is not None and its is not None and later.smaller.says_no_more(mine, its)


def _is_wider(one: Option, other: Option) -> bool:
    """Whether a region holds another of the same lever."""
    if one.range_ is not None and other.range_ is not None:
        same = (one.family, one.limits) == (other.family, other.limits)
        return same and one.range_.contains_interval(other.range_)
    mine, its = _values(one), _values(other)
    return mine is not None and its is not None and mine >= its


def _values(option: Option) -> frozenset[str] | None:
    reading = option.facts[0].reading if option.facts else None
    return reading.values if isinstance(reading, Stated) else None


def _on(patient: Patient, asked: Asked) -> One | None:
    """A change as one of a day; None where there is nothing to change then."""
    lever = patient.states.lever(asked.lever)
    ways = [_way(option.said, patient.as_of) for option in lever.options] if lever else []
    return (asked.lever, (ways.index(asked.way),)) if asked.way in ways else None


def _asked(patient: Patient, one: One) -> Asked:
    lever, kept = one
    option = patient.states.levers[lever].region(kept)
    return Asked(lever, _way(option.said, patient.as_of), option)


def _way(said: str, day: date) -> str:
    """A limit that moves with the day is one limit, and so is a start on the day."""
    words = said.replace(day.isoformat(), "")
    sign, _, rest = words.partition(" ")
    one_end = sign in ("<", "<=", ">", ">=") and " and " not in rest
    return sign[0] if one_end else words
