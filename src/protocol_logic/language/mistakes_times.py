"""Mistakes in policies and windows of time, and in what an occurrence is of: kinds, allergies and
qualifiers."""

from __future__ import annotations

import re

from protocol_logic.language.mistake import COUNT, DIGITS, IN_WORDS, MORE, NUMBER, row as _row


def _how_long(match: re.Match[str]) -> str:
    """What `X for 12 months` may mean: none in that time, or that it lasts."""
    name, number, unit = match["x"], DIGITS.get(match["n"], match["n"]), match["u"]
    return (
        f"write `not {name} within {number} {unit}` if there was none in that time; how long "
        f'something lasts is asked of a person: `attested "{name} {match["w"]}"`'
    )


_PAST = r"(?:last|past|previous|prior|preceding)"
_WINDOW = "WITHIN NUMBER AND OR"

TIMES_AND_KINDS = (
    # policies
    _row(
        r"^policy\s+within\b.*",
        "name what it is for: `policy labs within 28 days`",
        needs="WITHIN",
        unless="IS",
    ),
    _row(r"^policy\b.*\b(?P<x>old|ago)\b", "leave out `{x}`", needs="_NL", unless="COMPARE"),
    _row(
        r"^policy\s+(?P<x>[a-z][\w.]*)\s*,.*",
        "write one line for each: `policy {x} within ...`",
        needs="WITHIN",
        unless="IS",
    ),
    _row(
        r"^policy\s+(?P<x>[a-z][\w.]*)\s+\D*?(?P<n>\d+)\s*(?P<u>[a-z]+)\b.*",
        "write `policy {x} within {n} {u}`",
        needs="WITHIN",
        unless="IS",
    ),
    _row(
        rf"\b(?P<n>an?|{IN_WORDS})\s+(?P<u>(?:day|week|month|year)s?)\b",
        "write `{n} {u}`",
        needs="NUMBER",
        unless="COMPARE",
    ),
    _row(r"^policy\b.*", "start it at the beginning of the line", needs="TITLE"),
    _row(
        r"^policy\b.*",
        "site policies stand in a file of their own, which starts with `policies NAME`",
        needs="COMPARE IS",
    ),
    # windows of time
    _row(
        rf"\b(?:with)?in\s+(?:the\s+)?{_PAST}\s+{COUNT}\s*(?P<u>[a-z]+)",
        "write `within {n} {u}`",
        needs=_WINDOW,
    ),
    _row(
        rf"\b(?:during|over|for|since)\s+(?:the\s+)?{_PAST}\s+{COUNT}\s*(?P<u>[a-z]+)",
        "write `within {n} {u}`",
        needs=_WINDOW,
    ),
    _row(
        rf"\bwithin\s+(?:the\s+)?(?P<n>an?|{IN_WORDS})\s+(?P<u>(?:day|week|month|year)s?)\b",
        "write digits: `within {n} {u}`",
    ),
    _row(
        rf"\b(?P<x>[a-z]\w*)\s+(?P<w>(?:for|since|lasting)\s+(?:at\s+least\s+|more\s+than\s+|[<>]=?\s*|over\s+)?"
        rf"(?:the\s+)?{COUNT}\s*(?P<u>(?:day|week|month|year)s?)\b)",
        _how_long,
    ),
    _row(
        rf"\b(?P<x>[a-z]\w*)\s*(?:>=?|at\s+least|more\s+than|over)\s*{NUMBER}\s*(?P<u>[a-z]+)\s+"
        r"(?:ago|earlier|before|prior)\b",
        "write `not {x} within {n} {u}`, and `history of {x}` where there must be one",
    ),
    _row(
        rf"\b(?!within\b)(?P<x>[a-z]\w*)\s*(?:<=?|at\s+most|less\s+than|under)?\s*{NUMBER}\s*(?P<u>[a-z]+)\s+"
        r"(?:ago|earlier|before|prior)\b",
        "write `{x} within {n} {u}`",
    ),
    _row(
        r"\b(?:prior\s+to|preceding|of|from|after)\b(?:\s+the\b)?",
        "write `before` and the name of the time point",
        needs="BEFORE",
    ),
    _row(
        r"\bbefore\s+the\s+(?P<x>[a-z]\w*)",
        "leave out `the`",
        needs=MORE,
    ),
    _row(r"\b(?P<x>[a-z]\w*)\s+not\s+within\b", "write `not {x} within ...`"),
    _row(r"\b(?P<x>[a-z]\w*)\s+ever\b", "write `history of {x}`"),
    _row(
        r"\bwithin\s+\d+\s*(?:-|–|to\b)\s*(?P<n>\d+)\s*(?P<u>[a-z]+)",
        "a window has one length: write `within {n} {u}` for the longer one",
        needs="UNIT",
    ),
    _row(
        r"^(?:not\s+)?(?P<x>[a-z]\w*)\s+(?:before|prior\s+to)\b.*",
        "say how long before: `{x} within 28 days before TIMEPOINT`",
        needs="WITHIN",
        unless="NUMBER BEFORE",
    ),
    _row(
        r"\b(?P<x>[a-z]\w*)\s+(?:other\s+then|except(?!\s+if\b)(?:\s+for)?|excluding|apart\s+from|but\s+not)\b",
        "write `{x} other than ...`",
        needs="OTHER_THAN",
    ),
    # allergies
    _row(
        r"^(?:not\s+)?(?:known\s+)?(?:allergic|hypersensitivity|hypersensitive|intolerance|intolerant)\s+"
        r"(?:reaction\s+)?to\s+(?P<x>[a-z]\w*)",
        "write `allergy to {x}`",
    ),
    _row(r"^(?:not\s+)?(?:known\s+)?(?P<x>[a-z]\w*)\s+allergy\b", "write `allergy to {x}`"),
    # changes
    _row(
        r"\bnever\s+(?P<x>(?:cost|up|down|to)\b.*)",
        "leave out `{x}`: what never changes has no cost and no direction",
        needs="_NL",
    ),
    _row(
        r"\b(?P<k>treat|correct)\s+(?:costs?\s+)?(?P<n>\d+)\b",
        "write `{k} cost {n}`",
        needs="COST",
    ),
    _row(r"^obtain\s+(?:[a-z]\w*\s+)?(?P<n>\d+)", "write `cost {n}`", needs="COST"),
    # qualifiers
    _row(
        r"\bwith\s+(?P<q>[a-z]\w*)\s+(?P<v>[\w+]+)\s+or\s+(?P<w>\d[\w+]*)",
        "write `with {q} {v}, {w}`",
    ),
    _row(
        r"\b(?!with\b)(?P<x>[a-z]\w*)\s+(?:of\s+)?(?P<q>grade|severity|stage)\s+(?P<v>\S.*)",
        "write `{x} with {q} {v}`",
        needs="WITH",
    ),
    _row(
        r"^(?:not\s+)?(?P<w>any|last|recent|current|active)\s+(?!of\b)(?P<x>[a-z]\w*)",
        "leave out `{w}`",
        needs="WITH",
    ),
)
