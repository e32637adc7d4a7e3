"""Random protocols full of limits, and patients whose numbers lie about these limits.

Each number is compared in several criteria, both ways, under `any of`, `none of` and `applies if`;
sex and two results of one day are joint, so that criteria fail together.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date
from fractions import Fraction

from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.foundation.interval import Interval
from protocol_logic.records.facts import (
    Born,
    Fact,
    Limit,
    Measured,
    PatientRecord,
    Reading,
    Stated,
)

AS_OF = date(2026, 11, 2)
# name -> numbers about which limits and results lie, and the unit
LABS: dict[str, tuple[tuple[Fraction | int, ...], str]] = {
    "hemoglobin": ((80, 90, 100), "g/L"),
    "platelets": ((75, 100, 150), "10*9/L"),
    "neutrophils": ((1, Fraction(3, 2), 2), "10*9/L"),
}


def random_limits(rng: random.Random) -> str:
    """A protocol."""
    lines = ["protocol limited\n  title Limits\n  version 1.0\n  uses demographics, labs\n"]
    for number in range(rng.choice((2, 3, 4))):
        word = rng.choice(("include", "include", "exclude"))
        lines.append(f"\n{word} c{number}\n  > Sentence {number}\n")
        if rng.random() < 0.2:
            lines.append(f"  applies if {_test(rng)}\n")
        if rng.random() < 0.4:
            lines.append(f"  {_test(rng)}\n")
            continue
        words = ("any of", "none of") if word == "exclude" else ("all of", "all of", "any of")
        lines.append(f"  {rng.choice(words)}\n")
        tests = dict.fromkeys(_test(rng) for _ in range(rng.choice((2, 3))))
        lines += [f"    {test}\n" for test in tests]
        if len(tests) == 1:
            lines.append("    sex is female\n")
    if rng.random() < 0.6:
        for number, sex in enumerate(("female", "male")):
            lines.append(f"\ninclude s{number}\n  > Sex {number}\n  any of\n    sex is {sex}\n")
            lines.append(f"    {_test(rng)}\n")
    return "".join(lines)


def _test(rng: random.Random) -> str:
    roll = rng.random()
    if roll < 0.1:
        return f"age {rng.choice(('>=', '<'))} {rng.choice((18, 65))} years"
    if roll < 0.3:
        return f"bilirubin {rng.choice(('<=', '>'))} {rng.choice(('1', '1.5'))} x ULN"
    name = rng.choice([*LABS])
    numbers, unit = LABS[name]
    sign = rng.choice((">=", ">", ">=", ">=", "<", "<="))
    return f"{name} {sign} {float(rng.choice(numbers)):g} {unit}"


def random_record(rng: random.Random, number: int) -> PatientRecord:
    """A patient."""
    facts: list[Fact] = []

    def add(entry: str, reading: Reading) -> None:
        day = PartialDate.parse(AS_OF.isoformat())
        resource = f"Observation/{len(facts)}"
        facts.append(Fact(entry=entry, resource=resource, date=day, recorded="", reading=reading))

    if rng.random() < 0.7:
        add("sex", Stated(frozenset({rng.choice(("female", "male"))})))
    years = rng.choice((17, 18, 40, 64, 65, 66))
    add("birth_date", Born(PartialDate.parse(date(AS_OF.year - years, 5, 5).isoformat())))
    for name, (numbers, _) in LABS.items():
        for _ in range(rng.choice((0, 1, 1, 1, 1, 1, 1, 2))):
            add(name, Measured(_about(rng, rng.choice(numbers))))
    if rng.random() < 0.9:
        limits = (Limit(None, Fraction(20), ""),) if rng.random() < 0.9 else ()
        add("bilirubin", Measured(_about(rng, rng.choice((20, 30))), limits))
    return PatientRecord(patient=f"p{number}", source="test", index_date=AS_OF, facts=tuple(facts))


def _about(rng: random.Random, number: Fraction | int) -> Interval:
    """A number on, just below or above, or a little away from another; seldom only bounded."""
    value = Fraction(number) * rng.choice((1, Fraction(9, 10), Fraction(19, 20), Fraction(11, 10)))
    return Interval.at_most(value) if rng.random() < 0.05 else Interval.point(value)


def limited(case: int) -> tuple[str, Iterator[PatientRecord]]:
    """A protocol, and some patients."""
    rng = random.Random(f"limited {case}")
    text = random_limits(rng)
    return text, (random_record(rng, number) for number in range(6))
