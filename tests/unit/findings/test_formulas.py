"""The formulas of the knowledge base, held against worked examples that others published.

Where a value comes from stands with it; each is given as published, to so many digits.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import pytest

from protocol_logic.compiling import core
from protocol_logic.compiling.check import check
from protocol_logic.findings.formulas import compute
from protocol_logic.foundation.interval import Interval
from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.knowledge import vocabulary as voc

# The National Kidney Foundation's calculators, and MDCalc's for MDRD, as the tests of the R package
# admiral quote them (pharmaverse/admiral, tests/testthat/test-compute_kidney.R).
EXAMPLES = [
    ("egfr_ckd_epi_2021", {"creatinine": "1.09 mg/dL", "age": "55"}, "male", "80"),
    ("egfr_ckd_epi_2021", {"creatinine": "85 umol/L", "age": "65"}, "female", "66"),
    ("egfr_mdrd", {"creatinine": "1.09 mg/dL", "age": "55"}, "male", "70.2"),
    (
        "creatinine_clearance",
        {"creatinine": "1.09 mg/dL", "age": "55", "body_weight": "90 kg"},
        "male",
        "97",
    ),
    (
        "creatinine_clearance",
        {"creatinine": "85 umol/L", "age": "65", "body_weight": "60 kg"},
        "female",
        "55",
    ),
    # The same package's own values; it takes 88.42 umol/L of creatinine for 1 mg/dL.
    ("egfr_ckd_epi_2021", {"creatinine": "9630/8842 mg/dL", "age": "55"}, "male", "80.2293"),
    ("egfr_ckd_epi_2021", {"creatinine": "7000/8842 mg/dL", "age": "52"}, "female", "89.7175"),
    ("egfr_ckd_epi_2021", {"creatinine": "7700/8842 mg/dL", "age": "67"}, "male", "94.5453"),
    ("egfr_ckd_epi_2021", {"creatinine": "6500/8842 mg/dL", "age": "76"}, "female", "84.4646"),
    # The vignette of the R package kidney.epi (CRAN), for a white man; for a woman by hand: at 0.7
    # mg/dL the creatinine counts for nothing, and 141 x 1.018 x 0.993^40 is 108.38.
    ("egfr_ckd_epi_2009", {"creatinine": "1.4 mg/dL", "age": "60"}, "male", "54.22"),
    ("egfr_ckd_epi_2009", {"creatinine": "103 umol/L", "age": "60"}, "male", "67.7"),
    ("egfr_ckd_epi_2009", {"creatinine": "0.7 mg/dL", "age": "40"}, "female", "108.38"),
    # The calculator of the Centers for Disease Control and Prevention, as quoted there
    # (tests/testthat/test-derive_advs_params.R), and the package's own values.
    ("body_mass_index", {"body_height": "180 cm", "body_weight": "75 kg"}, "male", "23.148"),
    ("body_mass_index", {"body_height": "2 m", "body_weight": "100 kg"}, "male", "25"),
    ("body_surface_area", {"body_height": "170 cm", "body_weight": "75 kg"}, "male", "1.882"),
    ("body_surface_area", {"body_height": "185 cm", "body_weight": "90 kg"}, "male", "2.151"),
    ("body_surface_area_dubois", {"body_height": "170 cm", "body_weight": "75 kg"}, "", "1.864"),
    ("body_surface_area_dubois", {"body_height": "185 cm", "body_weight": "90 kg"}, "", "2.141"),
    # By hand: at 60 beats a minute nothing is corrected; at 117.1875 an RR interval has 0.512 s, of
    # which the cube root is 0.8.
    ("qtcf", {"qt_interval": "431 ms", "heart_rate": "60 /min"}, "", "431"),
    ("qtcf", {"qt_interval": "320 ms", "heart_rate": "117.1875 /min"}, "", "400.000000000"),
    # By hand: 1.5 g/dL of albumin too few are 1.2 mg/dL of calcium.
    ("corrected_calcium", {"calcium": "7.8 mg/dL", "albumin": "25 g/L"}, "", "9.000000000"),
]


@cache
def knowledge() -> core.Protocol:
    problems = Problems()
    text = "knowledge all\n  title All\n  uses renal, labs, demographics, vital_signs, cardiology\n"
    checked = check(Source("all.elig", text), problems)
    assert checked is not None, problems.items
    return checked


def amount(name: str, text: str) -> Interval:
    """A value in the unit of its entry."""
    number, _, unit = text.partition(" ")
    entry = knowledge().vocabulary.entries[name]
    factor = entry.accepts[unit] if isinstance(entry, voc.Quantity) else Fraction(1)
    return Interval.point(Fraction(number) * factor)


@pytest.mark.parametrize(("name", "inputs", "sex", "published"), EXAMPLES)
def test_worked_example(name: str, inputs: dict[str, str], sex: str, published: str) -> None:
    derived = knowledge().derived[name]
    values = {each: amount(each, text) for each, text in inputs.items()}
    assert set(values) == set(derived.inputs)
    found = compute(derived.formula, values, {"sex": sex})
    digits = len(published.partition(".")[2])
    half = Fraction(1, 2 * 10**digits)
    near = Fraction(published)
    rounded = Interval.at_least(near - half).intersection(Interval.below(near + half))
    assert rounded is not None and rounded.contains_interval(found), found


def test_every_derived_quantity_has_a_worked_example() -> None:
    assert set(knowledge().derived) == {name for name, _, _, _ in EXAMPLES}
