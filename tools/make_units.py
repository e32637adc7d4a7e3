"""Write the table of common units, `src/protocol_logic/foundation/units.tsv`.

    python tools/make_units.py

Every row is derived anew from the UCUM definitions that ucumvert ships; to add a unit, add its
code to GROUPS and run the script.  Output is the same bytes for the same list.
"""

from pathlib import Path

from protocol_logic.foundation.units import derive_unit

TABLE = Path(__file__).parents[1] / "src/protocol_logic/foundation/units.tsv"

HEADER = """\
# Common units: UCUM code, dimension, exact factor (value in base units = value * factor).
# Written by tools/make_units.py from ucum-essence.xml (UCUM 2.2) that ucumvert ships: do not edit.
# This product includes all or a portion of the UCUM table, UCUM codes, and UCUM definitions or is
# derived from it, subject to a license from Regenstrief Institute, Inc. and The UCUM Organization.
# Use of the UCUM table, UCUM codes and UCUM definitions also is subject to this license, a copy of
# which is available at https://ucum.org. The UCUM table and UCUM codes are copyright Regenstrief
# Institute, Inc. and the UCUM Organization. All rights reserved. They are provided "as is".
code\tdimension\tfactor
"""

# Codes in groups of one kind of quantity; the order is that of the table.
GROUPS = (
    "1 % [ppm] {score} {ratio} {INR}",
    "kg g mg ug ng pg [lb_av] [oz_av]",
    "m cm mm um [in_i] [ft_i]",
    "m2 cm2 mm2",
    "L dL mL uL fL cm3 mm3",
    "a mo wk d h min s ms",
    "/min {beats}/min {breaths}/min Hz",
    "mm[Hg] kPa",
    "g/L g/dL mg/L mg/dL ug/L ug/dL ug/mL ng/mL ng/dL ng/L pg/mL",
    "ng/mL{FEU} ug/L{FEU} ug/mL{FEU} mg/L{FEU} {pack-years} {PackYears}",
    "mol/L mmol/L umol/L nmol/L pmol/L meq/L mosm/kg",
    "10*12/L 10*9/L 10*6/L 10*3/uL 10*6/uL 10*3/mm3 10^9/L {cells}/uL /uL /mm3 /mL /L",
    "U/L U/mL kU/L ukat/L [IU]/L [IU]/mL k[IU]/L m[IU]/L m[IU]/mL u[IU]/mL",
    "mL/min mL/s L/min mL/min/{1.73_m2}",
    "kg/m2 mg/kg mg/m2 mg/d g/d mg/(24.h) g/(24.h)",
    "mg/g mg/mmol mmol/mol",
    "mm/h {copies}/mL /[HPF] Gy cGy",
)
CODES = [code for group in GROUPS for code in group.split()]


def table() -> str:
    """The text of units.tsv."""
    units = (derive_unit(code) for code in CODES)
    rows = (
        f"{u.code}\t{u.dimension}\t{u.factor.numerator}/{u.factor.denominator}\n" for u in units
    )
    return HEADER + "".join(rows)


if __name__ == "__main__":
    TABLE.write_text(table(), encoding="utf-8", newline="\n")
