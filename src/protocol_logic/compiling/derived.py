"""Derived quantities: the formulas of knowledge entries, with exact numbers and known names."""

from __future__ import annotations

from fractions import Fraction

from protocol_logic.compiling import formulas
from protocol_logic.compiling.properties import Properties
from protocol_logic.foundation.problems import did_you_mean
from protocol_logic.foundation.units import UNIT_WORDS, UnitError, conversion_factor, zero_of
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.language import knowledge_tree


def derived_of(r: Properties) -> formulas.Derived | None:
    """A derived quantity; None where its formula cannot be made."""
    formula = _formula_by_field(r)
    if formula is None:
        return None
    for times in r.all("times"):
        name, value = times.words
        factor = formulas.Constant(Fraction(times.amounts[0].number))
        for_some = formulas.Choice(name.text, value.text, factor, formulas.Constant(Fraction(1)))
        formula = formulas.Operation("*", formula, for_some)
    reported = r.one("else reported")
    return formulas.Derived(
        name=r.name,
        element=r.element,
        label=r.label(),
        unit=r.unit(),
        formula=formula,
        inputs=tuple(dict.fromkeys(formulas.inputs_of(formula))),
        fields=tuple(dict.fromkeys(formulas.fields_of(formula))),
        reported=reported.words[0].text if reported else None,
    )


def _formula_by_field(r: Properties) -> formulas.Formula | None:
    """The `formula` lines as one: those with `if` in order, then the one for all others."""
    cases: list[tuple[knowledge_tree.Property, formulas.Formula]] = []
    rest: formulas.Formula | None = None
    for prop in r.all("formula"):
        assert prop.formula is not None
        formula = _formula(r, prop.formula)
        if formula is None:
            return None
        if prop.words:
            cases.append((prop, formula))
        elif rest is None:
            rest = formula
        else:
            message = f"`{r.name}` has a second `formula` line for all patients"
            r.problem("duplicate-name", message, prop.span, "say with `if` whom it is for")
            return None
    if rest is None:
        rest = _last_case(r, cases)
    for prop, formula in reversed(cases):
        if rest is not None:
            field, value = prop.words
            rest = formulas.Choice(field.text, value.text, formula, rest)
    return rest


def _last_case(
    r: Properties, cases: list[tuple[knowledge_tree.Property, formulas.Formula]]
) -> formulas.Formula:
    """The formula of the last case, which is for all whom no other is for."""
    prop, formula = cases.pop()
    field = prop.words[0]
    entry = r.found.entries.get(field.text)
    told = {each.words[1].text for each, _ in (*cases, (prop, formula))}
    untold = [v for v in getattr(entry, "values", ()) if v not in told]
    if untold or any(each.words[0].text != field.text for each, _ in cases):
        whom = f" for patients whose `{field.text}` is `{untold[0]}`" if untold else " for others"
        message = f"`{r.name}` has no formula{whom}"
        hint = "add a `formula` line for them, or one without `if` for all others"
        r.problem("missing-property", message, prop.span, hint)
    return formula


def _formula(r: Properties, node: knowledge_tree.Formula) -> formulas.Formula | None:
    if isinstance(node, knowledge_tree.Number):
        return formulas.Constant(Fraction(node.text))
    if isinstance(node, knowledge_tree.Binary):
        left, right = _formula(r, node.left), _formula(r, node.right)
        if left is None or right is None or _is_ambiguous(r, node):
            return None
        return formulas.Operation(node.op, left, right)
    entry = r.found.entries.get(node.name.text)
    if isinstance(entry, voc.Age | voc.Quantity):
        canonical = entry.unit
    else:
        hint = did_you_mean(node.name.text, r.found.entries)
        if hint == f"did you mean `{node.name.text}`?":
            hint = None
        message = f"`{node.name.text}` is not a quantity or an age"
        r.problem("unknown-name" if entry is None else "wrong-kind", message, node.name.span, hint)
        return None
    code = node.unit.text
    if isinstance(entry, voc.Quantity) and code in entry.accepts and not zero_of(code):
        return formulas.Input(entry.name, 1 / entry.accepts[node.unit.text])
    try:
        factor = conversion_factor(canonical, UNIT_WORDS.get(node.unit.text, node.unit.text))
    except UnitError as error:
        r.problem("wrong-unit", error.message, node.unit.span, error.hint)
        return None
    return formulas.Input(entry.name, factor)


def _is_ambiguous(r: Properties, node: knowledge_tree.Binary) -> bool:
    """Whether `x ^ 1/3` stands there, which is a third of x but is not meant so."""
    power, divisor = node.left, node.right
    if node.op != "/" or not isinstance(divisor, knowledge_tree.Number):
        return False
    while isinstance(power, knowledge_tree.Binary) and power.op in ("*", "/"):
        power = power.right
    if not isinstance(power, knowledge_tree.Binary) or power.op != "^":
        return False
    exponent = power.right
    between = r.source.text[power.span.end : divisor.span.start]
    if not isinstance(exponent, knowledge_tree.Number) or ")" in between:
        return False
    minus, fraction = "-" * exponent.text.startswith("-"), f"{exponent.text}/{divisor.text}"
    message = f"`^ {fraction}` can be read in two ways"
    meant = f"{minus}({fraction.removeprefix(minus)})"
    hint = f"write `^ {meant}`, or put the power in parentheses and divide that"
    r.problem("wrong-kind", message, exponent.span.merge(divisor.span), hint)
    return True
