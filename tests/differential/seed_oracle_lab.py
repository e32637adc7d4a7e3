"""Criterion 9 of the seed: organ function (seed_cases/README.md, sections 2, 6 and 8).

Numbers that are not known exactly are tried in every cell that the tests can tell apart, and at two
points of every open gap, so that a limit of normal can lie between two possible values.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import pairwise, product

from tests.differential.seed_oracle_logic import BOTH, Choice, Conjunction, Factor
from tests.differential.seed_oracle_record import Reading, Record, loinc, samples

ONCE = [Fraction(3, 2)]
TWICE = [Fraction(5, 2), Fraction(5)]
Limits = tuple[Fraction | None, ...]


def known_limits(reading: Reading) -> list[Fraction]:
    return [uln for _, uln in reading.uln if uln is not None]


def missing_limits(
    readings: list[Reading], values: list[list[Fraction]], factors: list[Fraction]
) -> list[Limits]:
    """Limits of normal for the readings that lack one (for some sex), in all combinations.

    value <= factor x limit is monotone in the limit and in the value. So it is enough to try limits
    that all values pass, that all fail, that the highest value passes with one factor but not with
    the other, and that only the highest value fails.
    """
    choices: list[list[Fraction | None]] = []
    for reading, possible in zip(readings, values, strict=True):
        if len(known_limits(reading)) == len(reading.uln):
            choices.append([None])
            continue
        lowest, second, highest = possible[0], possible[-2:][0], possible[-1]
        points = {lowest / factors[-1] / 2, highest / factors[0] * 2}
        points |= {(second + highest) / 2 / factor for factor in factors if second < highest}
        points |= {highest * (1 / a + 1 / b) / 2 for a, b in pairwise(factors)}
        choices.append([*sorted(points)])
    return list(product(*choices))


def within_limit(record: Record, codes: tuple[str, ...], name: str, livers: list[bool]) -> Factor:
    """value <= 1.5 x ULN; with ``livers`` 2.5 x ULN, or 5 x ULN with liver metastases."""
    factors = TWICE if livers else ONCE
    readings = record.readings(loinc(*codes), name)
    rows: dict[Choice, bool] = {}
    for sex, liver in product(record.sexes, livers or [False]):
        shared: Choice = (sex, liver) if livers else (sex,)
        if readings is None:
            for cell in range(len(factors) + 1):  # within the first factor, the second, neither
                rows[*shared, cell, ()] = cell == 0 or (cell == 1 and liver)
            continue
        values = [
            samples(r.span, [factor * uln for factor in factors for uln in known_limits(r)])
            for r in readings
        ]
        most = factors[-1] if liver else factors[0]
        for unknown in missing_limits(readings, values, factors):
            for i, reading in enumerate(readings):
                uln = reading.limit(sex) or unknown[i]
                assert uln is not None
                for value in values[i]:
                    rows[*shared, (i, value), unknown] = value <= most * uln
    between = ("liver_metastasis",) if livers else ()
    return Factor(("gender", *between, name, f"reference_range:{name}"), rows)


# ------------------------------------------------------------------------ creatinine and clearance


def per_kg(sex: str, age: int) -> Fraction:
    """Clearance x creatinine (mg/dL) per kg of body weight, after Cockcroft and Gault."""
    return Fraction(140 - age, 72) * (Fraction("0.85") if sex == "female" else 1)


def creatinine_values(
    reading: Reading, weights: Iterable[Fraction], slopes: set[Fraction]
) -> list[Fraction]:
    """Values on each side of 1.5 x ULN and of each value at which the clearance passes 60."""
    cuts = [ONCE[0] * uln for uln in known_limits(reading)]
    return samples(reading.span, cuts + [slope * w / 60 for slope in slopes for w in weights])


def weight_values(
    creatinine: list[Reading], weight: list[Reading], slopes: set[Fraction]
) -> list[tuple[int, Fraction]]:
    """Weights around each one at which the clearance passes 60 at a fixed creatinine."""
    fixed = {ONCE[0] * uln for reading in creatinine for uln in known_limits(reading)}
    fixed |= {reading.span.low for reading in creatinine}
    fixed |= {r.span.high for r in creatinine if r.span.high is not None}
    cuts = {60 * value / slope for value in fixed for slope in slopes if slope > 0}
    return [(i, v) for i, reading in enumerate(weight) for v in samples(reading.span, cuts)]


Pairs = tuple[tuple[str, ...], dict[Choice, tuple[bool, bool]], dict[str, frozenset[str]]]
"""Names of elements; choice -> (creatinine <= 1.5 x ULN, clearance >= 60); ids as in `Factor`."""


def kidney(record: Record) -> Factor:
    """Creatinine <= 1.5 x ULN or clearance >= 60 mL/min, from one and the same creatinine."""
    names, pairs, ids = kidney_pairs(record)
    return Factor(names, {choice: any(pair) for choice, pair in pairs.items()}, ids)


def kidney_pairs(record: Record) -> Pairs:
    """Both tests of the kidney in every completion."""
    creatinine = record.readings(loinc("2160-0", "14682-9"), "creatinine")
    weight = record.readings(loinc("29463-7"), "body_weight")
    ages = record.ages()
    if creatinine is None or weight is None or ages is None:
        return kidney_without_formula(record, creatinine, weight, ages)
    slopes = {per_kg(sex, age) for sex in record.sexes for age in ages}
    weights = weight_values(creatinine, weight, slopes)
    values = [creatinine_values(r, [w for _, w in weights], slopes) for r in creatinine]
    rows: dict[Choice, tuple[bool, bool]] = {}
    for unknown in missing_limits(creatinine, values, ONCE):
        for sex, age, kilograms in product(record.sexes, ages, weights):
            for i, reading in enumerate(creatinine):
                uln = reading.limit(sex) or unknown[i]
                assert uln is not None
                for value in values[i]:
                    low = value <= ONCE[0] * uln
                    clear = per_kg(sex, age) * kilograms[1] >= 60 * value
                    rows[sex, age, (i, value), unknown, kilograms] = (low, clear)
    names = ("gender", "birth_date", "creatinine", "reference_range:creatinine", "body_weight")
    return names, rows, {}


def kidney_without_formula(
    record: Record,
    creatinine: list[Reading] | None,
    weight: list[Reading] | None,
    ages: list[int] | None,
) -> Pairs:
    """The reported clearance decides, as it is recorded; without one, any clearance is possible."""
    inputs = {"creatinine": creatinine, "body_weight": weight, "birth_date": ages}
    deciding = {name for name, value in inputs.items() if value is None}
    reported = loinc("35591-7")
    if record.readings(reported, "clearance") is not None:
        # READING: while a reported value stands in for the formula, only an input that is missing
        # could decide; sex and an imprecise input could not.
        answers = record.at_least(reported, "clearance", Fraction(60))
    else:
        answers = set(BOTH)
        if len(record.sexes) > 1:
            deciding.add("gender")
        if ages is not None and len(ages) > 1:
            deciding.add("birth_date")
        for name, readings in (("creatinine", creatinine), ("body_weight", weight)):
            spans = {reading.span for reading in readings or []}
            if len(spans) > 1 or any(not span.exact for span in spans):
                deciding.add(name)
    rows: dict[Choice, tuple[bool, bool]] = {}
    values = [creatinine_values(r, [], set()) for r in creatinine or []]
    limits = missing_limits(creatinine or [], values, ONCE)
    for sex, unknown, answer in product(record.sexes, limits, sorted(answers)):
        if creatinine is None:
            rows[sex, True, unknown, answer] = (True, answer)
            rows[sex, False, unknown, answer] = (False, answer)
            continue
        for i, reading in enumerate(creatinine):
            uln = reading.limit(sex) or unknown[i]
            assert uln is not None
            for value in values[i]:
                rows[sex, (i, value), unknown, answer] = (value <= ONCE[0] * uln, answer)
    names = ("gender", "creatinine", "reference_range:creatinine", "clearance")
    return names, rows, {"clearance": frozenset(deciding)}


def organ_function(record: Record, livers: set[bool]) -> Conjunction:
    """``livers``: whether there may be liver metastases."""
    sides = sorted(livers)
    neutrophils = loinc("751-8", "26499-4", "753-4")
    return Conjunction(
        [
            Factor.of("hgb", record.at_least(loinc("718-7", "59260-0"), "hgb", Fraction(90))),
            Factor.of("anc", record.at_least(neutrophils, "anc", Fraction(3, 2))),
            Factor.of("plt", record.at_least(loinc("777-3", "26515-7"), "plt", Fraction(80))),
            within_limit(record, ("1975-2", "14631-6"), "tbil", []),
            within_limit(record, ("1742-6", "1743-4"), "alt", sides),
            within_limit(record, ("1920-8", "30239-8"), "ast", sides),
            kidney(record),
        ]
    )
