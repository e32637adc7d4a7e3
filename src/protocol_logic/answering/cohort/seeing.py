"""Patients to what a cohort counts: standing, what is missing, how near, and in which strata."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from protocol_logic.answering.cohort.missing import Wanted, wanted
from protocol_logic.answering.cohort.near import Near, NearMisses, Passed
from protocol_logic.answering.cohort.patterns import Part, Standing, parts_of, standing_of
from protocol_logic.compiling import core
from protocol_logic.compiling.plan import Plan
from protocol_logic.findings.rows import PatientFindings
from protocol_logic.reasoning.decision import Decision, Eligibility
from protocol_logic.reasoning.engine import Engine


@dataclass(frozen=True, slots=True)
class Seen:
    """What is counted of one patient; of each part its standing, what is wanted there where it is
    undetermined, and how near the patient is. `known`: the limits, by number, with whose numbers
    the patient's can be compared exactly. `values`: in each stratum."""

    eligibility: Eligibility
    standings: tuple[Standing, ...]
    wanted: tuple[Wanted, ...]
    near: tuple[Near, ...]
    known: tuple[int, ...]
    values: tuple[str, ...] = ()

    @property
    def is_near(self) -> bool:
        """Whether other limits would make the patient eligible for something."""
        return any(near.sets for near in self.near)


class Seeing:
    """Sees the patients of one protocol."""

    def __init__(self, protocol: core.Protocol, plan: Plan, engine: Engine) -> None:
        self.engine = engine
        self.parts = parts_of(protocol)
        self.misses = NearMisses(protocol, plan, self.parts)
        self._ids = [criterion.id for criterion in protocol.criteria]

    def see(self, found: PatientFindings, decision: Decision, values: tuple[str, ...] = ()) -> Seen:
        """What is counted of a patient."""
        verdicts = "".join([each.verdict[0] for each in decision.criteria])

        def together(places: Sequence[int]) -> tuple[int, ...]:
            said = self.engine.fail_jointly({self._ids[place] for place in places}, found)
            return tuple(map(self._ids.index, said))

        standings = tuple(standing_of(part, verdicts, together) for part in self.parts)
        return Seen(
            decision.eligibility,
            standings,
            tuple(
                wanted(decision, part.criteria) if each.eligibility() == "undetermined" else ()
                for part, each in zip(self.parts, standings, strict=True)
            ),
            self.misses.of(found, verdicts),
            tuple(self.misses.values(found)),
            values,
        )


@dataclass(slots=True)
class PartTally:
    """The counts of one part. `strata`: for each stratum, value -> how patients stand."""

    part: Part
    standings: Counter[Standing] = field(default_factory=Counter)
    wanted: Counter[Wanted] = field(default_factory=Counter)
    turns: dict[int, Counter[tuple[Fraction, bool]]] = field(default_factory=dict)
    near: Counter[tuple[Passed, ...]] = field(default_factory=Counter)
    strata: list[dict[str, Counter[Standing]]] = field(default_factory=list)

    def add(self, number: int, seen: Seen) -> None:
        """Count a patient; `number`: of this part."""
        standing = seen.standings[number]
        self.standings[standing] += 1
        if standing.eligibility() == "undetermined":
            self.wanted[seen.wanted[number]] += 1
        near = seen.near[number]
        for n, value, eligible in near.turns:
            self.turns.setdefault(n, Counter())[value, eligible] += 1
        if near.sets:
            self.near[near.sets] += 1
        for by_value, said in zip(self.strata, seen.values, strict=True):
            by_value.setdefault(said, Counter())[standing] += 1


class Tally:
    """The counts of a cohort, by what patients look like: it grows with their patterns only."""

    def __init__(self, parts: Sequence[Part], strata: int) -> None:
        self.parts = [PartTally(part, strata=[{} for _ in range(strata)]) for part in parts]
        self.patients = 0
        self.eligibility: Counter[Eligibility] = Counter()
        self.known: Counter[int] = Counter()
        self.strata: list[dict[str, Counter[Eligibility]]] = [{} for _ in range(strata)]

    def add(self, seen: Seen) -> None:
        """Count a patient."""
        self.patients += 1
        self.eligibility[seen.eligibility] += 1
        self.known.update(seen.known)
        for number, part in enumerate(self.parts):
            part.add(number, seen)
        for by_value, value in zip(self.strata, seen.values, strict=True):
            by_value.setdefault(value, Counter())[seen.eligibility] += 1
