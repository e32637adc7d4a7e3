import csv
import runpy
import subprocess
import sys
from fractions import Fraction as F
from pathlib import Path
from typing import Any

import pytest
import ucumvert
from hypothesis import given, strategies as st

from protocol_logic.foundation import units
from protocol_logic.foundation.units import (
    Unit,
    UnitError,
    conversion_factor,
    derive_unit,
    unit,
)

ROOT = Path(__file__).parents[3]
TABLE = Path(units.__file__).with_name("units.tsv")
ROWS = [
    line.split("\t")
    for line in TABLE.read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
][1:]


# --- the table --------------------------------------------------------------------------------


def test_the_table_is_what_the_script_writes() -> None:
    script = runpy.run_path(str(ROOT / "tools/make_units.py"))
    assert script["table"]() == TABLE.read_text(encoding="utf-8")


@pytest.mark.parametrize(("code", "dimension", "factor"), ROWS)
def test_a_row_is_what_is_derived(code: str, dimension: str, factor: str) -> None:
    assert "/" in factor
    assert unit(code) == derive_unit(code) == Unit(code, dimension, F(factor))


def test_no_code_twice() -> None:
    assert len({row[0] for row in ROWS}) == len(ROWS)


def test_a_tabled_unit_needs_no_units_library() -> None:
    program = (
        "import sys\n"
        "from protocol_logic.foundation.units import conversion_factor, unit\n"
        "assert conversion_factor('10*3/uL', '10*9/L') == 1\n"
        "assert unit('mg/dL').factor == 10\n"
        "assert not {'pint', 'ucumvert', 'lark'} & set(sys.modules), 'imported'\n"
        "assert unit('mg/(12.h)').dimension == 'g.s-1'\n"
        "assert 'ucumvert' in sys.modules\n"
    )
    source = Path(units.__file__).parents[2]
    run = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr


# --- against ucumvert's own registry, which has floats and other definitions of its own ---------

PINT_BASES = {
    "[mass]": "g",
    "[length]": "m",
    "[time]": "s",
    "[temperature]": "K",
    "[substance]": "mol",
    "[luminosity]": "cd",
}
# An ampere is C/s in UCUM, and pint has no dimension for an angle, an equivalent, or an IU.
PINT_KNOWS_NOT = ("C", "rad", "eq", "osm", "[")


def official_examples() -> list[str]:
    path = Path(ucumvert.__file__).with_name("vendor") / "ucum_examples.tsv"
    with path.open(encoding="utf-8", newline="") as file:
        return [row["UCUM_CODE"] for row in csv.DictReader(file, delimiter="\t")]


@pytest.mark.filterwarnings("ignore")
def test_ucumvert_agrees() -> None:
    registry: Any = ucumvert.PintUcumRegistry()
    compared = 0
    for code in [row[0] for row in ROWS] + official_examples():
        try:
            found = derive_unit(code)
        except UnitError:
            assert code in {"dB", "Cel", "[degF]", "[pH]", "Torr"}  # UCUM has no Torr
            continue
        if any(part.startswith(PINT_KNOWS_NOT) for part in found.dimension.split(".")):
            continue
        quantity = registry.from_ucum(code)
        if not hasattr(quantity, "to_root_units"):  # an annotation
            assert (found.dimension, found.factor) == ("1", F(1))
            continue
        root = quantity.to_root_units()
        powers = {PINT_BASES[base]: int(power) for base, power in root.dimensionality.items()}
        assert units._dimension(powers) == found.dimension, code
        # mm[Hg] differs by 3e-6, [in_i'H2O] by 1e-3: UCUM's definitions have fewer digits
        tolerance = 2e-3 if "H2O" in code else 4e-6
        assert float(root.magnitude) == pytest.approx(float(found.factor), rel=tolerance), code
        compared += 1
    assert compared > 600


def test_every_atom_and_prefix_is_read_as_defined() -> None:
    ucum = units._ucum()
    special = {
        code
        for code, definition in ucum._definitions.items()
        if definition.get("isSpecial") == "yes"
    }
    for code in special:
        with pytest.raises(UnitError, match="scale of its own"):
            derive_unit(code)
    for code, definition in ucum._definitions.items():
        if code in special:
            continue
        plain = derive_unit(code)
        if definition.get("isMetric") == "yes":
            for prefix, scale in ucum._prefixes.items():
                prefixed = derive_unit(prefix + code)
                assert prefixed.dimension == plain.dimension
                assert prefixed.factor == scale * plain.factor


# --- facts ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "target", "factor"),
    [
        ("mo", "d", F("30.4375")),
        ("a", "d", F("365.25")),
        ("wk", "d", F(7)),
        ("[lb_av]", "kg", F("0.45359237")),
        ("[in_i]", "cm", F("2.54")),
        ("10*3/uL", "10*9/L", F(1)),
        ("10^9/L", "10*9/L", F(1)),
        ("/uL", "10*9/L", F(1, 1000)),
        ("{cells}/uL", "/uL", F(1)),
        ("{cells}/uL", "10*9/L", F(1, 1000)),
        ("/mm3", "/uL", F(1)),
        ("mmol/L", "mol/L", F(1, 1000)),
        ("g/dL", "g/L", F(10)),
        ("ng/mL", "ug/L", F(1)),
        ("meq/L", "eq/L", F(1, 1000)),
        ("[IU]/L", "[iU]/L", F(1)),
        ("U/L", "ukat/L", F(1, 60)),
        ("mm[Hg]", "kPa", F("0.133322")),
        ("mL/min", "L/h", F("0.06")),
        ("mL/min/{1.73_m2}", "mL/min", F(1)),
        ("kg/m2", "g/cm2", F("0.1")),
        ("ms", "s", F(1, 1000)),
        ("%", "1", F(1, 100)),
        ("{score}", "1", F(1)),
        ("{a}{b}/{c}", "1", F(1)),
        ("g%", "g/dL", F(1)),
        ("mg/(24.h)", "mg/d", F(1)),
        ("/m/s", "m-1.s-1", F(1)),
        ("/(m/s)", "s/m", F(1)),
    ],
)
def test_conversion_factor(source: str, target: str, factor: F) -> None:
    assert conversion_factor(source, target) == factor
    assert conversion_factor(target, source) == 1 / factor


@pytest.mark.parametrize(
    ("source", "target", "reason"),
    [
        ("K/uL", "10*9/L", r"dimension K\.m-3.*dimension m-3.*kelvin.*`10\*3/uL`"),
        ("mg/dL", "mmol/L", "molar mass"),
        ("mg/g", "mg/mmol", "molar mass"),
        ("meq/L", "mmol/L", "valence"),
        ("mosm/kg", "mmol/kg", "number of particles"),
        ("U/L", "[IU]/L", "arbitrary unit"),
        ("[CFU]/mL", "/mL", "arbitrary unit"),
        ("/[HPF]", "/[LPF]", "arbitrary unit"),
        ("mmol/L", "10*9/L", "cannot be converted"),
        ("mL/min/1.73.m2", "mL/min", "cannot be converted"),
        ("kg", "m", "cannot be converted"),
    ],
)
def test_no_conversion(source: str, target: str, reason: str) -> None:
    with pytest.raises(UnitError, match=reason):
        conversion_factor(source, target)
    with pytest.raises(UnitError):
        conversion_factor(target, source)


def test_canonical_dimensions() -> None:
    assert unit("mg/dL").dimension == "g.m-3"
    assert unit("mm[Hg]").dimension == "g.m-1.s-2"
    assert unit("mL/min").dimension == "m3.s-1"
    assert unit("{score}").dimension == "1"
    assert unit("m/m").dimension == "1"
    for row in ROWS:
        assert unit(row[1]) == Unit(row[1], row[1], F(1))


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("K.Cel", "^`Cel` in `K.Cel` has a zero or a scale of its own"),
        ("J/Cel", "^`Cel` in `J/Cel` has a zero"),
        ("dB", "scale of its own"),
        ("[pH]", "scale of its own"),
        ("", "not a UCUM unit"),
        ("foo", "^`foo` is not a UCUM unit$"),
        ("cells/uL", r"did you mean `\{cells\}/uL`"),
        ("x10^9/L", r"did you mean `10\*9/L`"),
        ("10 9/L", r"did you mean `10\*9/L`"),
        ("mmHg", r"did you mean `mm\[Hg\]`"),
        ("IU/L", r"did you mean `\[IU\]/L`"),
        ("mEq/L", "did you mean `meq/L`"),
        ("\N{MICRO SIGN}g/L", "did you mean `ug/L`"),
        (" mg", "did you mean `mg`"),
        ("10+3/ul", "powers of ten"),
        ("m61", "exponent"),
        ("m-999999999", "exponent"),
        ("10*" + "9" * 70, "exponent"),
        ("m" * 81, "longer than 80"),
    ],
)
def test_refused(code: str, reason: str) -> None:
    for _ in range(2):  # the second time from memory
        with pytest.raises(UnitError, match=reason):
            unit(code)


@given(st.one_of(st.text(), st.text("mgLduKPa{}[]()/.*^+-0123456789IU%'hs", max_size=12)))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = derive_unit(text)
    except UnitError:
        return
    assert found.code == text
    assert found.factor > 0


def test_an_error_has_message_and_hint() -> None:
    with pytest.raises(UnitError) as caught:
        unit("mmHg")
    assert caught.value.message == "`mmHg` is not a UCUM unit"
    assert caught.value.hint == "did you mean `mm[Hg]`?"
    assert isinstance(caught.value, ValueError)


def test_degrees_are_compared_and_nothing_else() -> None:
    assert unit("Cel") == Unit("Cel", "Cel", F(1))
    for one, other in (("[degF]", "Cel"), ("Cel", "K"), ("Cel", "[degF]")):
        with pytest.raises(UnitError):
            conversion_factor(one, other)
    degree, zero = units.SCALES["[degF]"]
    assert (F("101.3") - zero) * degree == F("38.5")
    assert units.zero_of("Cel") == units.zero_of("kg") == 0
