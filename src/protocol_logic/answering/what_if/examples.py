"""What stands for an input of which nothing is known, where another one needs its value.

Two missing inputs of one derived quantity have no limit each: the limit of one is told at an
example of the other. Any other value goes with another limit.

Source: ICRP Publication 89 (2002), Basic anatomical and physiological data for use in radiological
protection: reference values, table 2.9: reference adult female 163 cm and 60 kg, male 176 cm and
73 kg.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

_ADULTS: Mapping[str, Mapping[str, Fraction]] = {
    "female": {"body_weight": Fraction(60), "body_height": Fraction(163)},
    "male": {"body_weight": Fraction(73), "body_height": Fraction(176)},
}
"""Sex -> input -> its value, in the unit of the entry."""


def example_of(name: str, sex: str) -> Fraction | None:
    """The value of an input of a reference adult of a sex; None where there is none."""
    return _ADULTS.get(sex, {}).get(name)
