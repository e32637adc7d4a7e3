"""By what a cohort is divided: sex, bands of age, and whatever an entry or definition says.

The values of a stratum are asked as criteria of a protocol of their own, so that they are read and
decided as everything else is; a patient of whom no value is certain is `not known`. Each condition
has a text of its own, since rules are named by it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

from protocol_logic.compiling import core
from protocol_logic.compiling.conditions import values_of
from protocol_logic.compiling.reach import reached
from protocol_logic.foundation.problems import did_you_mean
from protocol_logic.foundation.source import Span
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.reasoning.decision import Decision
from protocol_logic.records.codings import Codings

NOT_KNOWN = "not known"
BANDS = (18, 40, 50, 60, 70, 80)
"""Where a band of age ends and the next begins."""
_MOST_NUMBERS = 10
_ADDED = "by"


@dataclass(frozen=True, slots=True)
class Stratum:
    """What divides a cohort: its values in order, each with the condition that says it.

    A value without a condition is that of the patients for whom the one before does not hold.
    """

    name: str
    values: tuple[tuple[str, core.Condition | None], ...]


def stratum_of(protocol: core.Protocol, name: str) -> Stratum | str:
    """The stratum of a name; else why there is none."""
    values = tuple(_values(protocol, name))
    if values:
        return Stratum(name, values)
    entries = protocol.vocabulary.entries
    if name in entries or name in protocol.derived or name in protocol.definitions:
        return f"`{name}` has no values that one could count by"
    known = [*entries, *protocol.definitions]
    return did_you_mean(name, known) or "it is no name that the protocol can use"


def _values(protocol: core.Protocol, name: str) -> Iterator[tuple[str, core.Condition | None]]:
    definition = protocol.definitions.get(name)
    if definition is not None:
        body = definition.body
        if isinstance(body, core.Decision):
            for value in body.values:
                yield value, core.Defined(name=name, value=value, text=f"{name} is {value}")
        elif not isinstance(body, core.Score):
            yield from _either(core.Defined(name=name, text=name))
        return
    match protocol.vocabulary.entries.get(name):
        case voc.Age(unit="a"):
            yield from _bands(name)
        case voc.Quantity(unit="1", plausible=plausible) if plausible is not None:
            low, high = plausible.lo, plausible.hi
            if low is not None and high is not None and high - low <= _MOST_NUMBERS:
                for number in range(int(low), int(high) + 1):
                    yield str(number), _between(name, number, number + 1)
        case voc.Concept(kind="condition" | "allergy"):
            yield from _either(
                core.Present(concept=name, text=f"{name} present"), "present", "absent"
            )
        case voc.Concept():
            subject = core.Subject(name)
            yield from _either(core.Occurred(subject=subject, window=None, text=f"{name} done"))
        case voc.Asked():
            yield from _either(core.Asked(entry=name, text=name))
        case voc.PatientField() | voc.Status() | voc.Consent() | voc.Lesion() as entry:
            for value in values_of(entry):
                yield value, core.HasValue(entry=name, values=(value,), text=f"{name} is {value}")


def _either(
    test: core.Condition, yes: str = "yes", no: str = "no"
) -> Iterator[tuple[str, core.Condition | None]]:
    yield yes, test
    yield no, None


def _bands(name: str) -> Iterator[tuple[str, core.Condition]]:
    yield f"under {BANDS[0]}", _below(name, BANDS[0])
    for low, high in pairwise(BANDS):
        yield f"{low} to {high - 1}", _between(name, low, high)
    yield f"{BANDS[-1]} and over", _from(name, BANDS[-1])


def _from(name: str, number: int) -> core.Condition:
    return core.Within(entry=name, op=">=", limit=Fraction(number), text=f"{name} >= {number}")


def _below(name: str, number: int) -> core.Condition:
    return core.Within(entry=name, op="<", limit=Fraction(number), text=f"{name} < {number}")


def _between(name: str, low: int, high: int) -> core.Condition:
    return core.All(parts=(_from(name, low), _below(name, high)), text="all of")


class Strata:
    """The strata of a run, ready to be asked."""

    def __init__(self, protocol: core.Protocol, strata: Sequence[Stratum]) -> None:
        self.strata = strata
        self._places: list[list[tuple[str, int]]] = []
        criteria: list[core.Criterion] = []
        for number, stratum in enumerate(strata, 1):
            places: list[tuple[str, int]] = []
            for value, condition in stratum.values:
                if condition is not None:
                    name = f"{_ADDED}_{number}_{len(places) + 1}"
                    places.append((value, len(criteria)))
                    criteria.append(_criterion(name, condition))
            self._places.append(places)
        self.protocol = replace(protocol, criteria=tuple(criteria), scopes=())

    def codings(self, protocol: core.Protocol) -> Codings:
        """The codings by which records are read for a protocol and for its strata."""
        return Codings.of(protocol.vocabulary, reached(protocol) | reached(self.protocol))

    def values(self, decision: Decision) -> tuple[str, ...]:
        """The value of a patient in each stratum."""
        return tuple(map(self._value, self.strata, self._places, [decision] * len(self.strata)))

    @staticmethod
    def _value(stratum: Stratum, places: Sequence[tuple[str, int]], decision: Decision) -> str:
        for value, place in places:
            if decision.criteria[place].outcome == "met":
                return value
        last, condition = stratum.values[-1]
        if condition is None and decision.criteria[places[-1][1]].outcome == "not_met":
            return last
        return NOT_KNOWN


def _criterion(name: str, condition: core.Condition) -> core.Criterion:
    return core.Criterion(
        id=name, polarity="inclusion", sentence="", applies=None, condition=condition,
        span=Span(0, 0),
    )  # fmt: skip
