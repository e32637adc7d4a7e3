"""What to write instead: how a name is tested, and where one that is not known may stand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher

from protocol_logic.compiling.formulas import Derived
from protocol_logic.foundation.operators import OPERATORS
from protocol_logic.foundation.problems import misspelt, one_of
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.knowledge.resources import knowledge_names, knowledge_path

AGE_UNITS = {"a": "years", "mo": "months", "d": "days"}
_NUMBERS = (voc.Quantity, voc.Age, Derived)
_HOLDS = ("present", "yes", "true", "positive", "active", "confirmed", "current")
_FAILS = ("absent", "no", "false", "negative", "none", "inactive")
_ALIKE = 0.75
_MOST_VALUES = 6
_COMPARED = ("quantity", "derived", "age", "score")
"""The statements whose entries are compared with numbers."""
_OTHERWISE = (
    "what the knowledge base lacks can be an entry of your own, or be asked of a person: "
    '`attested "..."` or `judged "..."`'
)


# ---- how a name is tested ------------------------------------------------------------------------


def how_tested(entry: voc.Named) -> str | None:
    """The tests that a name can stand in, as a hint."""
    name = entry.name
    if isinstance(entry, voc.Concept) and entry.kind in ("condition", "procedure", "medication"):
        ways = [o.syntax for o in OPERATORS.values() if entry.kind in o.takes]
        ways = [w if w.endswith("...") else w.split(" / ")[0] for w in ways]
        ways.sort(key=lambda way: "recorded" in way)
        return "write one of " + ", ".join(f"`{w.replace('NAME', name, 1)}`" for w in ways)
    if isinstance(entry, _NUMBERS):
        return f"compare it: `{name} >= {_limit(entry)}`"
    if isinstance(entry, voc.Status | voc.PatientField) and entry.values:
        if len(entry.values) > _MOST_VALUES:
            return f"write `{name} is VALUE`"
        return f"write {one_of(f'{name} is {value}' for value in entry.values)}"
    if isinstance(entry, voc.Consent):
        return f"write `attested {name}`"
    return None


def _limit(entry: voc.Quantity | voc.Age | Derived) -> str:
    unit = AGE_UNITS[entry.unit] if isinstance(entry, voc.Age) else entry.unit
    return "NUMBER" if unit == "1" else f"NUMBER {unit}"


def instead_of_values(entry: voc.Named, values: Sequence[str]) -> str | None:
    """What to write for `NAME is VALUE` or `NAME in VALUE, VALUE` of what has no values."""
    name = entry.name
    if isinstance(entry, voc.Concept) and entry.kind == "condition":
        if all(value in _HOLDS for value in values):
            return f"write `{name}` alone"
        if all(value in _FAILS for value in values):
            return f"write `not {name}`"
    if not isinstance(entry, _NUMBERS) or not all(v.isdigit() for v in values):
        return how_tested(entry)
    numbers = sorted(int(value) for value in values)
    first, last = numbers[0], numbers[-1]
    if numbers != list(range(first, last + 1)):
        return how_tested(entry)
    if first == last > 0:
        least, most = (f"`{name} {sign} {_amount(entry, first)}`" for sign in (">=", "<="))
        return f"write {least} or {most}, and both for just this number"
    if first == 0:
        return f"write `{name} <= {_amount(entry, last)}`"
    return f"write `{name} >= {_amount(entry, first)} and {name} <= {_amount(entry, last)}`"


def _amount(entry: voc.Quantity | voc.Age | Derived, number: int) -> str:
    return _limit(entry).replace("NUMBER", str(number))


# ---- a name that is not known --------------------------------------------------------------------


def who_knows(name: str, known: Iterable[str], tested: bool, compared: bool = False) -> str:
    """What to do about a name that nothing in use defines; `known`: those that could stand there;
    `tested`: whether a condition asks for it; `compared`: with a number.

    The files that are not in use are looked at first: what is meant may have just this name.
    """
    certain = defined_in(name) or _coded_as(name) or _called_so(name, compared)
    if certain is not None:
        return certain
    near = _coded_in(name) or misspelt(name, known)
    if near is None:
        words = name.replace("_", " ")
        near = f"`protocol-logic names {words}` looks for it in all knowledge files"
    return f"{near}{' ' if near.endswith('?') else '; '}{_OTHERWISE}" if tested else near


def defined_in(name: str) -> str | None:
    """The knowledge file that defines a name and is not used here."""
    starts = re.compile(rf"^[a-z]+ {re.escape(name)}( element \w+)?$", re.MULTILINE)
    for home, text in _knowledge():
        if starts.search(text):
            return f"it is defined in `{home}`: add that to `uses`"
    return None


def _called_so(name: str, compared: bool) -> str | None:
    """The entries that a name is another word for: `nsclc`. Of several those that are compared
    with a number, or those that are not: `egfr`."""
    words = "[ _-]".join(map(re.escape, name.split("_")))
    other = re.compile(rf"^  also (?:.*, )?{words}(?:,.*)?$", re.MULTILINE | re.IGNORECASE)
    found: list[tuple[str, str, str]] = []
    for home, text in _knowledge():
        for match in other.finditer(text):
            kind, entry = re.findall(r"^([a-z]+) (\w+)", text[: match.start()], re.MULTILINE)[-1]
            found.append((kind, entry, home))
    fitting = [each for each in found if (each[0] in _COMPARED) is compared] or found
    if not fitting:
        return None
    home = fitting[0][2]
    return f"did you mean {one_of(entry for _, entry, at in fitting if at == home)} (in `{home}`)?"


def _coded_as(name: str) -> str | None:
    """The entry of the same word that has a name as the display of a code: `pregnant`."""
    for entry, home in _displayed(name):
        if SequenceMatcher(None, name, entry).ratio() >= _ALIKE:
            return f"it is called `{entry}` (in `{home}`)"
    return None


def _coded_in(name: str) -> str | None:
    """The class with a code of which a name is the display: `lisinopril`."""
    for entry, home in _displayed(name):
        return f"it has no entry of its own; it is one of `{entry}` (in `{home}`)"
    return None


def _displayed(name: str) -> Iterable[tuple[str, str]]:
    """The entries with a code of which a name is the display, and their files."""
    words = re.escape(name.replace("_", " "))
    display = re.compile(rf'^\s.*"{words}"\s*$', re.MULTILINE | re.IGNORECASE)
    for home, text in _knowledge():
        if (match := display.search(text)) is not None and "unlike" not in match[0]:
            yield re.findall(r"^[a-z]+ (\w+)", text[: match.start()], re.MULTILINE)[-1], home


def _knowledge() -> Iterable[tuple[str, str]]:
    for home in knowledge_names():
        path = knowledge_path(home)
        if path is not None:
            yield home, path.read_text(encoding="utf-8")
