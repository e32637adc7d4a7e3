"""What people write for a unit by hand, and what is meant."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from protocol_logic.foundation.interval import decimal_text
from protocol_logic.foundation.units import letters, respelt

_OTHERS = {"K/uL": "10*3/uL", "K/mm3": "10*3/uL", "K/ul": "10*3/uL", "M/uL": "10*6/uL"}
_IFCC_FACTOR, _IFCC_ZERO = Fraction("0.09148"), Fraction("2.152")
"""NGSP % = 0.09148 x IFCC + 2.152. Source: Hoelzel W et al. Clin Chem 2004;50:166-174; NGSP,
IFCC standardization of HbA1c."""


def meant_among(code: str, wanted: Iterable[str]) -> str | None:
    """The one of some units for which a code is a slip of the pen, if one is."""
    spelt = {_OTHERS.get(code), respelt(code)}
    if code.startswith("mc"):  # micrograms, as pharmacies write them
        spelt.add(f"u{code[2:]}")
    found = [each for each in wanted if each in spelt or letters(each) == letters(code)]
    return found[0] if len(found) == 1 and found[0] != code else None


def of_ifcc(code: str, unit: str, number: Fraction | None) -> str | None:
    """What to write for hemoglobin A1c in the unit of IFCC, which has another zero than `%`."""
    if (code, unit) != ("mmol/mol", "%"):
        return None
    rule = "hemoglobin A1c in mmol/mol (IFCC) has another zero: NGSP % is 0.09148 x IFCC + 2.152"
    if number is None:
        return rule
    percent = decimal_text(_IFCC_FACTOR * number + _IFCC_ZERO)
    return f"{rule}, so write `{percent} %`"
