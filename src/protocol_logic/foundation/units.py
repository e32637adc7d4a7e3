"""Units of measure: UCUM codes with their dimension and exact factor.

Common codes are read from a table, `units.tsv` beside this module, written by
`tools/make_units.py`.  Any other code is derived from the UCUM definitions that the ucumvert
package ships (its parser, and `ucum-essence.xml`, UCUM 2.2); ucumvert and pint are imported only
then.  Both ways give the same exact factors: every definition is read as a decimal, floats and
pint's own definitions do not enter.

Where this module is stricter than UCUM, because a wrong conversion is worse than none:

* `mol`, `eq` and `osm` are base dimensions.  UCUM makes the mole a number and the equivalent and
  the osmole a mole each, which would turn mmol/L into cells/L and ignore the valence.
* Every arbitrary unit (`[IU]`, `[CFU]`, `[arb'U]`, ...) is a dimension of its own, and so are
  the fields of a microscope, `[HPF]` and `[LPF]`, which UCUM makes the numbers 1 and 100.
* Units with a zero or a scale of their own (`[pH]`, `dB`) are refused, but for `Cel` and `[degF]`,
  which are dimensions of their own and stand alone: degrees are compared, never multiplied.

As in UCUM an annotation (`{cells}`, `{1.73_m2}`) means nothing: `{score}` is the number 1, and
`mL/min/{1.73_m2}` has the dimension of `mL/min`.
"""

import re
from collections.abc import Mapping
from fractions import Fraction
from functools import cache, lru_cache
from importlib import resources
from typing import Any, TypeAlias

from protocol_logic.foundation.dataclass import dataclass

UNIT_WORDS = {
    "hour": "h", "hours": "h", "day": "d", "days": "d", "week": "wk", "weeks": "wk",
    "month": "mo", "months": "mo", "year": "a", "years": "a",
}  # fmt: skip
"""Words for calendar units, as people write them, and the UCUM code of each."""

SCALES = {"Cel": (Fraction(1), Fraction(0)), "[degF]": (Fraction(5, 9), Fraction(32))}
"""Scales of temperature: how many degrees Celsius a degree is, and its value where Celsius is 0."""


def zero_of(code: str) -> Fraction:
    """The value in a unit at the zero of the unit that it is converted to; 0 but for `[degF]`."""
    return SCALES[code][1] if code in SCALES else Fraction(0)


_MAX_LENGTH = 80
_MAX_POWER = 60


@dataclass(frozen=True, slots=True)
class Unit:
    """A UCUM unit that is a multiple of base units.

    `code` is the UCUM code as written (case sensitive).  `dimension` is the product of base units
    in canonical form, itself UCUM (`g.m-3`, `m3.s-1`, `1`): positive powers first, then by
    symbol.  The bases are those of UCUM (m, s, g, rad, K, C, cd) and those that the module's
    description adds (`mol`, `eq`, `osm`, `[iU]`, ...).  `factor` is exact: a value in this unit
    times `factor` is the value in base units.
    """

    code: str
    dimension: str
    factor: Fraction


class UnitError(ValueError):
    """A unit that cannot be read, or that cannot be converted to another.

    `message` says what is wrong, `hint` (perhaps None) how to cure it; `str()` gives both.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(f"{message}; {hint}" if hint else message)
        self.message = message
        self.hint = hint


def unit(code: str) -> Unit:
    """The unit with the UCUM code `code`.

    Raises UnitError for a code that is not valid UCUM and for a unit that is not a multiple of
    base units, such as `dB`.  Answers are remembered, refusals too.
    """
    if code in SCALES:
        return Unit(code, code, Fraction(1))
    found = _table().get(code) or _derived(code)
    if isinstance(found, UnitError):
        raise UnitError(found.message, found.hint)
    return found


def conversion_factor(from_code: str, to_code: str) -> Fraction:
    """The exact number by which a value in `from_code` is multiplied to give it in `to_code`.

    Raises UnitError where either code is refused by `unit`, and where the dimensions differ: also
    for mass and amount of substance (mg/dL, mmol/L), whose factor depends on the analyte and is
    declared in the knowledge base.
    """
    source, target = unit(from_code), unit(to_code)
    if source.dimension != target.dimension:
        raise UnitError(
            f"`{from_code}` (dimension {source.dimension}) cannot be converted to `{to_code}` "
            f"(dimension {target.dimension})",
            _meant(from_code, target.dimension)
            or _why_different(source.dimension, target.dimension),
        )
    return source.factor / target.factor


def derive_unit(code: str) -> Unit:
    """As `unit`, but always derived from UCUM's definitions, never read from the table.

    Source: `ucum-essence.xml` and the UCUM grammar of the ucumvert package.
    """
    if len(code) > _MAX_LENGTH:
        raise UnitError(f"`{code[:40]}...` is longer than {_MAX_LENGTH} characters")
    factor, powers = _ucum().read(code)
    return Unit(code, _dimension(powers), factor)


@cache
def _table() -> Mapping[str, Unit]:
    text = (
        resources.files("protocol_logic.foundation")
        .joinpath("units.tsv")
        .read_text(encoding="utf-8")
    )
    rows = (line.split("\t") for line in text.splitlines() if not line.startswith("#"))
    next(rows)  # column names
    return {code: Unit(code, dimension, Fraction(factor)) for code, dimension, factor in rows}


@lru_cache(maxsize=4096)
def _derived(code: str) -> Unit | UnitError:
    try:
        return derive_unit(code)
    except UnitError as error:
        return UnitError(error.message, error.hint)  # without the traceback, as it is kept


# Two dimensions that differ in just these bases, and what to say of them.
_CONFUSIONS = (
    ({"K"}, "`K` is kelvin in UCUM; thousands per microlitre are written `10*3/uL`"),
    ({"g", "mol"}, "this needs the molar mass of the analyte, declared in the knowledge base"),
    ({"eq", "mol"}, "this needs the valence of the ion, declared in the knowledge base"),
    ({"osm", "mol"}, "this needs the number of particles, declared in the knowledge base"),
)


def _why_different(one: str, other: str) -> str | None:
    left, right = set(one.split(".")), set(other.split("."))
    differing = {re.sub(r"-?[0-9]+$", "", part) for part in left ^ right} - {""}
    for bases, text in _CONFUSIONS:
        if differing == bases:
            return text
    arbitrary = sorted(base for base in differing if base.startswith("["))
    if arbitrary:
        return f"`{arbitrary[0]}` is an arbitrary unit: it converts to nothing but itself"
    return None


# --- derivation from UCUM's definitions -------------------------------------------------------

_Powers: TypeAlias = Mapping[str, int]
_Measure: TypeAlias = tuple[Fraction, _Powers]

_ONE: _Measure = (Fraction(1), {})
_OWN_DIMENSION = frozenset({"mol", "eq", "osm", "[HPF]", "[LPF]"})


def _times(a: _Measure, b: _Measure, power: int = 1) -> _Measure:
    """a * b**power; bases whose powers cancel are left out."""
    total = {base: a[1].get(base, 0) + power * b[1].get(base, 0) for base in {**a[1], **b[1]}}
    return a[0] * b[0] ** power, {base: n for base, n in total.items() if n}


def _dimension(powers: _Powers) -> str:
    """The canonical string of a dimension; `1` where there is none."""
    ordered = sorted(powers.items(), key=lambda item: (item[1] < 0, item[0]))
    return ".".join(base if n == 1 else f"{base}{n}" for base, n in ordered) or "1"


class _Ucum:
    """UCUM's definitions and grammar as ucumvert ships them; made once, on the first miss."""

    def __init__(self) -> None:
        import ucumvert
        from ucumvert import xml_util

        root: Any = xml_util.root
        self._parser: Any = ucumvert.get_ucum_parser()
        self._parse: Any = ucumvert.parse_ucum
        self._invalid: type[Exception] = ucumvert.InvalidUcumError
        self._prefixes: dict[str, Fraction] = {
            element.attrib["Code"]: Fraction(element.find("{*}value").attrib["value"])
            for element in root.findall("{*}prefix")
        }
        self._definitions: dict[str, Any] = {
            element.attrib["Code"]: element for element in root.findall("{*}unit")
        }
        self._atoms: dict[str, _Measure] = {
            element.attrib["Code"]: (Fraction(1), {element.attrib["Code"]: 1})
            for element in root.findall("{*}base-unit")
        }

    def read(self, code: str) -> _Measure:
        """Factor and powers of a unit expression; UnitError where it is refused."""
        try:
            tree = self._parse(code, self._parser)
        except self._invalid as error:
            raise UnitError(f"`{code}` is not a UCUM unit", _did_you_mean(code)) from error
        return self._walk(tree, code)

    def _walk(self, node: Any, code: str) -> _Measure:
        """The measure of a node of ucumvert's parse tree of `code`."""
        if getattr(node, "type", None) == "ANNOTATION":
            return _ONE
        kind, children = node.data, node.children
        if kind == "simple_unit":
            return self._simple(children, code)
        if kind == "annotatable":
            return _times(_ONE, self._walk(children[0], code), _power(children, code))
        if kind == "term":
            sign = 1 if children[1] == "." else -1
            return _times(self._walk(children[0], code), self._walk(children[2], code), sign)
        if kind == "main_term" and len(children) == 2:
            return self._leading_solidus(children[1], code)
        return self._walk(children[0], code)  # main_term without solidus, annotated component

    def _leading_solidus(self, node: Any, code: str) -> _Measure:
        """`/a.b` is (1/a).b: left to right, as UCUM itself writes the oersted, `/[pi].A/m`."""
        whole, first = self._walk(node, code), node
        while getattr(first, "data", None) == "term":
            first = first.children[0]
        return _times(whole, self._walk(first, code), -2)

    def _simple(self, tokens: Any, code: str) -> _Measure:
        *prefix, atom = (str(token) for token in tokens)
        if tokens[-1].type == "FACTOR":
            return Fraction(int(atom)), {}
        scale = self._prefixes[prefix[0]] if prefix else Fraction(1)
        factor, powers = self._atom(atom, code)
        return scale * factor, powers

    def _atom(self, atom: str, code: str) -> _Measure:
        if atom not in self._atoms:
            self._atoms[atom] = self._define(atom, code)
        return self._atoms[atom]

    def _define(self, atom: str, code: str) -> _Measure:
        definition = self._definitions[atom]
        value = definition.find("{*}value").attrib
        if definition.get("isSpecial") == "yes":
            name = f"`{code}`" if atom == code else f"`{atom}` in `{code}`"
            raise UnitError(
                f"{name} has a zero or a scale of its own and is not a multiple of base units",
                "its values can be used only in the unit they are recorded in",
            )
        arbitrary = definition.get("isArbitrary") == "yes" and value["Unit"] == "1"
        if arbitrary or atom in _OWN_DIMENSION:
            return Fraction(1), {atom: 1}
        return _times((Fraction(value["value"]), {}), self.read(value["Unit"]))


@cache
def _ucum() -> _Ucum:
    return _Ucum()


def _power(children: Any, code: str) -> int:
    """The exponent of an atom; ucumvert also parses exponents of plain numbers, UCUM does not."""
    if children[0].children[0].type == "FACTOR":
        raise UnitError(f"`{code}` is not a UCUM unit", "powers of ten are written `10*3`")
    digits = str(children[1])
    if len(digits) > len(f"+{_MAX_POWER}") or abs(int(digits)) > _MAX_POWER:
        raise UnitError(f"`{code}` has an exponent beyond +-{_MAX_POWER}")
    return int(digits)


# How people shorten units of time, and the word for each.
_SHORTENED = {
    "yr": "years", "yrs": "years", "y": "years", "mos": "months", "mth": "months",
    "mths": "months", "wks": "weeks", "hr": "hours", "hrs": "hours",
}  # fmt: skip


# How people write parts of units, and the UCUM code of each; some are codes of something else.
_SPELT = {
    "gm": "g", "gms": "g", "mcl": "uL", "mcL": "uL", "mcg": "ug", "msec": "ms", "sec": "s",
    "cmm": "mm3", "cells": "{cells}", "C": "Cel", "F": "[degF]", "G": "10*9", "T": "10*12",
}  # fmt: skip


def respelt(code: str) -> str | None:
    """A code with the parts of it that people write otherwise as UCUM has them."""
    parts = [_SPELT.get(part, part) for part in code.split("/")]
    return "/".join(parts) if "/".join(parts) != code else None


def _meant(code: str, dimension: str | None = None) -> str | None:
    """What `code` is written for; where it must have a dimension only if it then has that."""
    spelt = respelt(code)
    if spelt is None:
        return None
    known = _table().get(spelt) or (unit(spelt) if spelt in SCALES else None)
    found = known or _derived(spelt)
    if isinstance(found, UnitError) or dimension not in (None, found.dimension):
        return None
    return f"did you mean `{spelt}`?"


def _did_you_mean(code: str) -> str | None:
    """A tabled unit that differs from `code` only in case, brackets, braces and the like."""
    if (meant := _meant(code)) is not None:
        return meant
    if code.lower() in _SHORTENED:
        return f"did you mean `{_SHORTENED[code.lower()]}`?"
    if code.startswith("mc"):  # micrograms, as pharmacies write them
        return f"did you mean `u{code[2:]}`?"
    for known in _table():
        if letters(known) == letters(code):
            return f"did you mean `{known}`?"
    return None


def letters(code: str) -> str:
    """A code without what people leave out: brackets, braces, signs and capitals."""
    plain = code.lower().lstrip("x\N{MULTIPLICATION SIGN}").replace("\N{MICRO SIGN}", "u")
    return re.sub(r"[^a-z0-9/%.]", "", plain.replace("\N{GREEK SMALL LETTER MU}", "u"))
