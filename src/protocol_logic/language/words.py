"""What the parser expected, in the words of the language, for hints."""

from __future__ import annotations

from collections.abc import Iterable

from protocol_logic.foundation.problems import did_you_mean

_SPELT = {
    "_NL": "a line end",
    "_INDENT": "an indented block",
    "_DEDENT": "the end of the block",
    "$END": "the end of the statement",
    "NAME": "a name",
    "DOTTED": "a name",
    "VALUE": "a value",
    "NUMBER": "a number",
    "UNIT": "a unit",
    "CODE_VALUE": "a code",
    "STRING": "a text in double quotes",
    "URL": "a web address",
    "COMPARE": "one of `<=` `>=` `<` `>`",
    "EQUALS": "`=`",
    "COMMA": "`,`",
    "PLUS": "`+`",
    "MINUS": "`-`",
    "STAR": "`*`",
    "SLASH": "`/`",
    "LPAR": "`(`",
    "RPAR": "`)`",
    "QUOTE": "the protocol's sentence after `>`",
    "TIMES_ULN": "`x ULN`",
    "UNIT_IS": "`unit`",
    "VALUE_IS": "`value`",
    "KIND": "a kind of knowledge entry such as `quantity` or `condition`",
    "IS_A": "`is a`",
}
_OPERATORS = {"=": "write `>=` or `<=`: a bare `=` does not say on which side of the number"}


def explain_expected(terminals: Iterable[str], found: str) -> str | None:
    """A hint: a cure for what was found, or the (at most eight) things that can stand here."""
    if found in _OPERATORS:
        return _OPERATORS[found]
    keywords = {_keyword(t) for t in terminals if t not in _SPELT}
    near = did_you_mean(found, keywords)
    if near is not None:
        return near
    spelt = sorted({_SPELT.get(t) or f"`{_keyword(t)}`" for t in terminals})
    if not spelt or len(spelt) > 8:
        return None
    return "here can stand " + (
        spelt[0] if len(spelt) == 1 else ", ".join(spelt[:-1]) + " or " + spelt[-1]
    )


def _keyword(terminal: str) -> str:
    return terminal.lower().replace("_", " ")
