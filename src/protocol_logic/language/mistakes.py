"""The mistakes that people make in these texts, each with its cure.

The rows of a table are tried in order at the place where reading stopped; the first whose pattern
covers that place tells the mistake.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import chain

from protocol_logic.foundation.text import shown
from protocol_logic.language.mistake import (
    IN_WORDS,
    LONGEST,
    MORE,
    NUMBER,
    Explanation,
    Found,
    Place,
    found_in,
    row as _row,
)
from protocol_logic.language.mistakes_examples import EXAMPLES, UNENDED_EXAMPLES
from protocol_logic.language.mistakes_times import TIMES_AND_KINDS

# ---- the tables ----------------------------------------------------------------------------------


def _joined(match: re.Match[str]) -> str:
    return f"write `{re.sub('[ -]+', '_', match[0].lower())}`: a name or value is one word"


_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")


def _power(match: re.Match[str]) -> str:
    number = f"{match['n']} " if match["n"] else ""
    return f"write `{number}10*{match['e'].translate(_SUPERSCRIPTS)}/{match['u']}`"


def _exponent(match: re.Match[str]) -> str:
    return f"write `^ {match['e'].translate(_SUPERSCRIPTS)}`"


def _either(match: re.Match[str]) -> str:
    name, one, other = match["x"], match["v"], match["w"]
    values = f"`{name} in {one}, {other}`"
    if not (one.isdigit() and other.isdigit()):
        return f"write {values}"
    limits = f"{name} <= {other}" if one == "0" else f"{name} >= {one} and {name} <= {other}"
    return f"write `{limits}` if it is a number, {values} if it has values"


_NEGATED = {"any of": "none of", "none of": "any of"}


def _not_block(match: re.Match[str]) -> str:
    block = " ".join(match["b"].split())
    if block in _NEGATED:
        return f"write `{_NEGATED[block]}`"
    if block == "all of":
        return "write `any of`, with `not` in its lines, or `none of` if none of them may hold"
    return f"`define` a name for the block `{block}`, and write `not NAME`"


_BLOCK = r"(?:all|any|none|at\s+least\s+\d+)\s+of|there\s+is"
_BOTH = "write two lines under `all of`, one with `>=` and one with `<=`"
_ULN = r"(?:the\s+)?(?:ULN|uln|Uln|upper\s+limit\s+of\s+(?:the\s+)?normal)\b"
_LLN = r"(?:the\s+)?(?:LLN|lln|Lln|lower\s+limit\s+of\s+(?:the\s+)?normal)\b"
_AT_START = "NAME QUOTE ALL_OF"
_CODES = "code|evidence|site|axis|method"
_WORDS = r"[^\s\"'“”„«»‘’,][^\"'“”„«»‘’,]*?(?=\s*(?:$|[\"'“”„«»‘’,]|\bor\b|\band\b))"

_MISTAKES = (
    # line starts
    _row(r"^(?://|--|/\*|;+|<!--|%)", "a comment line starts with `#`"),
    _row(r"^(?:[-*•·‣–—]+|\d+[.)]|\(?[a-z0-9]\))\s", "leave out the bullet: the layout is enough"),
    _row(r"^>.*", "the protocol's sentence stands above the condition", unless="QUOTE COMPARE"),
    _row(
        r"^(?P<k>title|version|language|registry|label|source)\s*:?\s*$",
        "write the text on the same line",
        "`{k}` has no text after it",
    ),
    _row(r"^(?P<k>\w+(?: of| is)?)\s*:", "write `{k}` without the colon"),
    _row(
        r"^(?:all\s+of|any\s+of|none\s+of|at\s+least\s+\d+\s+of|there\s+is)\s+\S+",
        "put what follows on lines of its own, indented under it",
        needs="_NL",
    ),
    _row(rf"^not\s+(?P<b>{_BLOCK})\b", _not_block),
    _row(
        rf"\b(?P<c>and|or)\s+(?:not\s+)?(?P<b>{_BLOCK})\b.*",
        "a block stands on lines of its own: put it beside the other condition, both under "
        "`all of` or `any of`",
    ),
    _row(r"^(?P<c>and|or)\s+\w+", "leave out the `{c}`: put the lines under `all of` or `any of`"),
    _row(
        r"^(?:no|without|not)\s+(?:(?:prior|previous|past|known)\s+)?history\s+(?:of\s+)?(?P<x>\w+)",
        "write `not history of {x}`",
    ),
    _row(
        r"^(?:(?:prior|previous|past|known|former)\s+)?history\s+(?:of\s+)?(?P<x>[a-z]\w*)",
        "write `history of {x}`",
    ),
    _row(
        r"^(?:no|without|not)\s+(?:prior|previous|past|former)\s+(?P<x>[a-z]\w*)",
        "write `not history of {x}`",
    ),
    _row(r"^(?:prior|previous|past|former)\s+(?P<x>[a-z]\w*)", "write `history of {x}`"),
    # results
    _row(
        r"^(?P<x>[a-z]\w*)\s+(?P<w>within\s+\S+\s+\w+)\s+(?P<c>[<>]=?\s*\S.*)",
        "the window stands last: `{x} {c} {w}`",
        needs=MORE,
    ),
    _row(
        r"^worst\s+(?P<x>[a-z]\w*)",
        "write `highest {x}` or `lowest {x}`: the language does not know which is worse",
        needs="COMPARE",
    ),
    _row(
        r"^(?:maxim(?:um|al)|max|peak|greatest|largest)\s+(?:of\s+)?(?P<x>[a-z]\w*)",
        "write `highest {x}`",
        needs="COMPARE",
    ),
    _row(
        r"^(?:minim(?:um|al)|min|nadir|smallest|least)\s+(?:of\s+)?(?P<x>[a-z]\w*)",
        "write `lowest {x}`",
        needs="COMPARE",
    ),
    _row(r"^(?:average|avg)\s+(?:of\s+)?(?P<x>[a-z]\w*)", "write `mean {x}`", needs="COMPARE"),
    _row(r"^(?P<w>highest|lowest|mean)\s+of\s+(?P<x>[a-z]\w*)", "write `{w} {x}`", needs="COMPARE"),
    _row(
        r"^(?:(?:most\s+)?recent|latest|newest|current)\s+(?P<x>[a-z]\w*)",
        "write `{x}` alone: the latest value counts",
        needs="COMPARE",
    ),
    _row(r"^(?:no|without|absence\s+of)\s+(?P<x>[a-z]\w*)", "write `not {x}`"),
    _row(
        r"^missing\s+counts\s+as\b.*",
        "put it above the condition, after the protocol's sentence",
        unless="MET",
    ),
    _row(
        r"^(?:missing|unknown|absent)\s+(?:data|values?|information|results?)\b.*",
        "write `missing counts as met` or `missing counts as not met`",
    ),
    _row(r"\bnot\s+not\s+\w+", "leave out both `not`"),
    _row(r"^number\s+of\s+lines\s+of\b", "leave out `number of`"),
    _row(r"^value\s+is\s+(?P<x>\S+)", "write `value {x}`", needs="MEANS"),
    _row(
        r"^[A-Z]\S*\s+(?!is\b|in\b|recorded\b|confirmed\b|[<>=≥≤])(?:\S+\s+)+\S+",
        "the protocol's sentence starts with `>`",
        "this line is neither a sentence nor a condition",
        needs=_AT_START,
    ),
    _row(r"^if\s+\S.*\bthen\s+(?P<v>\w+)", "write `{v} if ...`: the value first", needs="IF"),
    _row(r"^if\s+\w+", "write `applies if ...`, with the condition below it", needs="COMPARE"),
    _row(r"^else\s+(?P<v>\w+)", "write `otherwise {v}`", needs="IF"),
    _row(r"^code\s+\d\S*", "name the code system first: `code loinc 718-7`", needs="NAME"),
    _row(r"^accepts\s+(?P<u>\S+)\s*=\s*(?P<v>\S.*)", "write `accepts {u} where 1 {u} = {v}`"),
    _row(r"^\d\S*", "start with the name: `hemoglobin >= 90 g/L`", needs=_AT_START),
    *TIMES_AND_KINDS,
    # numbers with units
    _row(rf"{NUMBER}\s*(?:[xX×✕*·]|times)?\s*{_ULN}", "write `{n} x ULN`"),
    _row(rf"[<>]=?\s*{_ULN}", "write `1 x ULN`"),
    _row(rf"{NUMBER}\s*(?:[xX×✕*·]|times)?\s*{_LLN}", "write `{n} x LLN`"),
    _row(rf"[<>]=?\s*{_LLN}", "write `1 x LLN`"),
    _row(
        r"[<>]=?\s*(?P<u>10\s*[*^]\s*\d+\s*/\s*\w+)",
        "write a number before it, as in `1.5 10*9/L`",
        "the number before the unit is missing",
    ),
    _row(
        rf"(?:{NUMBER}\s*)?(?:(?:[x×✕*·]\s*)?10\s*(?:\^|\*\*?|E)?|[eE])\s*"
        r"(?P<e>\d\d?|[⁰¹²³⁴⁵⁶⁷⁸⁹]+)\s*/\s*(?P<u>[A-Za-z]+)",
        _power,
    ),
    _row(r"°\s*C\b", "write `Cel`"),
    _row(r"°\s*F\b", "write `[degF]`"),
    _row(r"(?P<u>[A-Za-z]+)³", "write `{u}3`"),
    _row(r"[µμ](?P<u>[A-Za-z0-9/*]*)", "write `u{u}`: a unit has `u` for micro"),
    _row(
        r"(?P<a>[A-Za-z]+)\s*/\s*(?P<b>[A-Za-z]+)",
        "write the unit without spaces: `{a}/{b}`",
        unless="SLASH",
    ),
    # numbers
    _row(r"\d{31,}", "a number has at most 30 digits before the point, and 30 after it"),
    _row(r"(?P<a>\d+),(?P<b>\d{3})\b", "write `{a}{b}`, or `{a}.{b}` if it is a decimal comma"),
    _row(r"(?P<a>\d+),(?P<b>\d+)", "write `{a}.{b}`: decimals have a point"),
    _row(r"\b(?P<a>\d{1,3})\s(?P<b>\d{3})\b", "write `{a}{b}`: a number has no space"),
    _row(
        r"(?P<a>\d+(?:\.\d+)?)(?:\s*[^\s\d]+)?\s*(?:-|–|—|\.\.+)\s*(?P<b>\d+(?:\.\d+)?)",
        "write `{a} to {b}`",
        needs="TO",
    ),
    _row(r"\d+(?:\.\d+)?\s*(?:-|–|—|to\b|\.\.+)\s*\d+(?:\.\d+)?", _BOTH, needs=f"{MORE} COMPARE"),
    _row(r"(?<!\d)\.(?P<a>\d+)", "write `0.{a}`"),
    _row(r"(?P<a>\d+)\.(?!\d)", "write `{a}`"),
    _row(r"[<>]=?\s*[-−–]\s*\d+", "a limit is not negative"),
    # comparisons
    _row(r"(?P<x>[a-z]\w*)\s+is\s+(?P<v>[\w+]+)(?:\s+or|\s*,)\s+(?P<w>\d[\w+]*)", _either),
    _row(
        r"(?P<x>[a-z]\w*)\s+in\s+(?P<v>[\w+]+)\s+or\s+(?P<w>\d[\w+]*)",
        "write `{x} in {v}, {w}`",
    ),
    _row(
        r"(?P<x>[a-z]\w*)\s+in\s*[(\[{]\s*(?P<v>[\w+, ]+?)\s*[)\]}]",
        "leave out the brackets: `{x} in {v}`",
        needs="VALUE",
    ),
    _row(
        r"\b(?P<x>[a-z]\w*)\s+(?P<v>positive|negative|present|absent|high|low)\b",
        "write `{x} is {v}`, or `{x}` alone if it is there or not",
        needs="IS",
    ),
    _row(r"(?P<x>[a-z]\w*)\s+(?P<v>\d+)\s+or\s+(?P<w>\d+)", _either, needs="COMPARE"),
    _row(r"[≥≧⩾]", "write `>=`"),
    _row(r"[≤≦⩽]", "write `<=`"),
    _row(r"=\s*>|>\s+=", "write `>=`"),
    _row(r"=\s*<|<\s+=", "write `<=`"),
    _row(r"(?P<x>[a-z]\w*)\s*(?:!=|<>|≠)\s*(?P<v>\w+)", "write `not {x} is {v}`"),
    _row(r"\bis\s+[<>=≥≤]+", "leave out `is`"),
    _row(r"(?P<x>[a-z]\w*)\s*==?\s*(?:true|yes)\b", "write `{x}` alone"),
    _row(r"(?P<x>[a-z]\w*)\s*==?\s*(?:false|no)\b", "write `not {x}`"),
    _row(r"(?P<x>[a-z]\w*)\s*==?\s*(?P<v>[A-Za-z]\w*)", "write `{x} is {v}`"),
    _row(
        r"==?(?=\s*\d)",
        "write `>=` or `<=`: `=` does not say on which side of the number",
        needs="COMPARE",
    ),
    _row(r"\bbetween\b|[<>]=?", _BOTH, needs=f"{MORE} COMPARE", unless="NUMBER"),
    _row(r"\bat\s+least\b", "write `>=`", needs="COMPARE"),
    _row(r"\bat\s+most\b|\bno\s+more\s+than\b", "write `<=`", needs="COMPARE"),
    # scopes
    _row(
        r"^(?:only\s+)?(?:for|in)\s+[a-z]\w*(?:\s*,\s*[a-z]\w*)*$",
        "write `for SCOPE` as the first line of a criterion, above its sentence",
        needs="COMPARE _DEDENT",
        unless="FOR",
    ),
    _row(
        r"^at\s+[a-z]\w*$",
        "write `at TIMEPOINT` above the sentence of the criterion, below `for SCOPE` if it has one",
        needs="COMPARE _DEDENT",
        unless="AT",
    ),
    _row(
        r"^for\s+(?:the\s+)?(?:arm|cohort|part|phase|scope)\s+(?P<x>[a-z]\w*)",
        "write `for {x}`",
        needs="COMMA",
    ),
    _row(
        r"^scope\s+[a-z]\w*\s+\S.*",
        "put what it is called on a line of its own under it: `label ...`",
        needs="_INDENT _NL",
        unless="STRING",
    ),
    _row(r"^for\s+[a-z]\w*\s+and\b.*", "put a comma between scopes", needs="COMMA"),
    _row(r"^for\s+\"[^\"]*\"?", "write the name of a `scope`, without quotes", needs="NAME"),
    # exceptions of a criterion
    _row(
        r"^(?P<k>applies|except)\s+if\b.*",
        "first stands `applies if`, then `except if`, then the condition, which needs neither",
        unless="EXCEPT_IF",
    ),
    _row(
        r"^(?:unless|except)\b(?!\s+if\b)(?:\s+(?:when|where|for|in))?\s+\w+",
        "write `except if ...`, with the condition of the criterion below it",
        needs="COMPARE",
    ),
    _row(
        r"(?:,\s*)?\b(?:except|unless)\b(?:\s+if\b)?",
        "write `except if ...` on a line of its own, above the condition of the criterion",
        needs=MORE,
        unless="COMMA_BUT",
    ),
    # what is asked of a person
    _row(
        rf"\b(?P<k>judged|opaque|attested)\s+(?P<x>{_WORDS})",
        'put what is asked in double quotes: `{k} "{x}"`',
        needs="STRING",
        unless="NAME",
    ),
    _row(
        rf"\battested\s+(?P<x>[A-Za-z]\w*\s+{_WORDS})",
        'put what is asked in double quotes: `attested "{x}"`',
        needs=f"{MORE} STRING",
    ),
    _row(
        r"\b(?:judged|opaque|attested)\s+\"[^\"]*\"\w[^\"]*\"?",
        "leave out the inner quotes: what is asked has none",
    ),
    _row(
        r"\b(?P<k>judged|opaque|attested)\s+\"(?P<t>[^\"]*)\"\s+(?P<w>(?:within|in|for|before|after"
        r"|since|during)\s+[^\",]*?[^\",\s])(?=\s+(?:and|or)\b|\s*$|,)",
        'put the time into the text: `{k} "{t} {w}"`',
    ),
    _row(
        r"(?<=\")\s+is\s+(?P<v>yes|no|true|false)\b",
        "leave out `is {v}`: a question stands for yes, and for no with `not` before it",
        needs=MORE,
    ),
    _row(
        r"^(?:not\s+)?(?:[a-z]\w*\s+)?\"[^\s\"]+\s[^\"]*\"",
        "write `attested`, `judged` or `opaque` before what is asked of a person",
        needs=f"{_AT_START} COMPARE",
        unless="STRING",
    ),
    _row(
        r"(?<=\")\s*,?\s*[Bb]ecause\b\s*:?",
        "write `, because ...`, with the reason in the same line",
        needs="COMMA_BECAUSE",
    ),
    # connectives and exceptions
    _row(
        r"(?P<x>[a-z]\w*)\s+is\s+not\s+recorded\s+as\s+(?P<v>[\w+]+)",
        "write `not {x} recorded as {v}`",
    ),
    _row(
        r"(?P<x>[a-z]\w*)\s+(?:is\s+)?(?:not|never|un)\s*(?:recorded|known|available|measured)\b",
        "write `{x} is not recorded`",
    ),
    _row(r"(?P<x>[a-z]\w*)\s+is\s+not\s+(?P<v>[\w+]+)", "write `not {x} is {v}`"),
    _row(
        r"\b(?P<v>not|recorded)\b",
        "choose another word for the value: `is {v}` asks what is recorded",
        needs="VALUE",
    ),
    _row(r"(?P<x>[a-z]\w*)\s+not\s+in\b", "write `not {x} in ...`"),
    _row(r"\bbut\b", "write a comma before it: `, but`", needs="COMMA_BUT"),
    _row(r"(?:,\s*)?\b(?:except|unless|if)\b", "write `, but LIMIT if ...`", needs="COMMA_BUT"),
    _row(
        r"\b(?:and|or)\b",
        "`define` a name for the two conditions: a limit with `but` has one, and its line alone",
        needs="COMMA_BUT",
        unless=MORE,
    ),
    _row(
        r"\b(?:and|or)\b",
        "one connective a line: put one of the two in a block, under `all of` or `any of`",
        needs=MORE,
    ),
    _row(r"[,&|+]+", "join conditions with `and` or `or`", needs=MORE),
    _row(
        r"\bwithin\b",
        "write `EVENT from start of COURSE to 12 months after end of COURSE`",
        needs="FROM",
    ),
    _row(r"\b(?:when|where|unless)\b", "write `if`", needs="IF"),
    # signs
    _row(r"\"[^\"]*$", 'write `"` at its end', "the text in quotes has no end"),
    _row(r"'[^']*'?|[“”„«»][^“”„«»]*[“”„«»]?", 'write plain double quotes: `"`', needs="STRING"),
    _row(r"[\"'“”„«»‘’][^\"'“”„«»‘’]*[\"'“”„«»‘’]?", "leave out the quotes", unless="STRING"),
    _row(
        r"[()]",
        "conditions have no parentheses: put the inner ones in a block, `all of` or `any of`",
        needs=f"NAME {MORE}",
        unless="LPAR RPAR PLUS",
    ),
    _row(r"[\[\]{}]", "leave out the brackets"),
    _row(r"×", "write `*`", needs="STAR"),
    _row(r"\*\*", "write `^`", needs="STAR NUMBER", unless="COMPARE"),
    _row(r"(?P<e>[⁰¹²³⁴⁵⁶⁷⁸⁹]+)", _exponent, needs="CARET"),
    _row(
        r"√|∛|\b(?:cbrt|root|pow|exp|ln|log\d*|abs)\s*\(",
        "a formula can have `sqrt(...)`, `min(..., ...)`, `max(..., ...)` and powers such as "
        "`(...) ^ (1/3)`",
        needs="SQRT IN",
        unless="IS",
    ),
    _row(
        r"(?P<x>[a-z]\w*)\s*[-+*/^,)]", "say in which unit: `{x} in UNIT`", needs="IN", unless="IS"
    ),
    _row(r"÷", "write `/`", needs="SLASH"),
    _row(r"#.*", "a comment stands on a line of its own"),
    _row(r"(?P<p>[;:.!?])", "leave out the `{p}`"),
    # words
    _row(
        rf"(?P<c>[<>]=?)\s*(?P<n>{IN_WORDS})\s+(?P<u>\w+)",
        "write digits: `{c} {n} {u}`",
        needs="TIMES_ULN",
    ),
    _row(rf"\b(?P<n>{IN_WORDS})\b", "write digits: `{n}`", needs="NUMBER"),
    _row(r"[a-z][a-z0-9_]*(?:-\w+)+", _joined),
)
_UNENDED = (
    _row(r"(?P<x>[a-z]\w*)$", "say in which unit: `{x} in UNIT`", needs="IN", unless="IS"),
    _row(
        r"\bwithin\s+(?P<n>\d+)$",
        "say of what: `{n} days`, `{n} weeks`, `{n} months` or `{n} years`",
        needs="UNIT",
    ),
    _row(
        r"^policy\s+(?P<x>[a-z][\w.]*)$",
        "say how old: `policy {x} within 28 days`",
        needs="WITHIN",
        unless="IS",
    ),
    _row(r"^not\s+(?P<b>there\s+is)$", _not_block),
    _row(r"^course\s+of\b.*", "give it a name: `, called NAME`", needs="COMMA"),
    _row(r"\b(?P<c>and|or|not)$", "write a condition after it, or leave it out", needs="NAME"),
    _row(rf"^(?:{_CODES})\s.*,$", "put the codes on lines of their own, without commas"),
    _row(r",\s*because$", "say why after `because`", needs="COMMA_BECAUSE"),
    _row(r"\b(?P<k>judged|opaque)$", 'write what is asked after it: `{k} "..."`'),
    _row(r",$", "leave out the comma, or go on with the list in the same line"),
    _row(r"\bbut\b.*", "say when it holds, with `if` and a condition", needs="IF"),
    _row(r"^at\s+least\s+(?P<n>\d+)$", "write `at least {n} of`"),
)


def known_mistake(place: Place, start: int) -> Explanation | None:
    """The mistake of the tables that stands at a place, if one does."""
    odd = _odd_character(place)
    if odd is not None or len(place.line) > LONGEST:
        return odd
    ended = place.found is Found.LINE_END
    tables = (UNENDED_EXAMPLES, _UNENDED) if ended else (EXAMPLES, _MISTAKES)
    return found_in(chain(*tables), place, start)


def _odd_character(place: Place) -> Explanation | None:
    """A letter or a space that only looks like one of those that the language knows."""
    char = place.line[place.at : place.at + 1]
    if char.isascii() or char in "≥≧⩾≤≦⩽≠×÷✕µμ√∛":
        return None
    if char in "⁰¹²³⁴⁵⁶⁷⁸⁹" and "CARET" in place.expected:
        return None
    name = f"U+{ord(char):04X} {unicodedata.name(char, '')}".rstrip()
    span = (place.at, place.at + 1)
    if char.isspace():
        return Explanation(f"a space of another kind stands here: {name}", "type a space", *span)
    if char in "²³" and (unit := re.search(r"[A-Za-z]+/c?m$", place.line[: place.at])):
        meant = unit[0] + str(unicodedata.digit(char))
        return Explanation(
            f"`{unit[0]}{char}` is not how a unit is written",
            f"write `{meant}`",
            unit.start(),
            place.at + 1,
        )
    if char.isalnum():
        message = f"`{shown(char)}` cannot stand here: it is {name}"
        return Explanation(
            message, "type it again: only quoted text has letters beyond a to z", *span
        )
    return None
