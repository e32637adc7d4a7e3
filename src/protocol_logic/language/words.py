"""What to say of text that cannot be read: which known mistake it is, else what can stand there.

Known mistakes stand in `mistakes.py`; here are the words of the language and what can follow what.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from protocol_logic.foundation.text import shown
from protocol_logic.language.mistake import LONGEST, Explanation, Found, Place

KINDS = (
    "field", "age", "quantity", "status", "condition", "procedure", "medication", "event",
    "lesion", "consent", "history", "derived", "qualifier",
)  # fmt: skip
TITLED = ("example", "examples")
"""Those of statements that have a title of any words."""
STATEMENTS = (
    "protocol", "knowledge", "policies", "include", "exclude", "note", "define", "score", "scope",
    "timepoint", "system", "policy", *TITLED, "parameter", "extend", "change",
    "obtain", *KINDS,
)  # fmt: skip
"""The words that start a statement."""

ONE_LINE = ("system", "policy", "change", "obtain")
"""Those of statements of one line."""

HEADER = ("title", "version", "language", "registry", "source", "uses", "use")
"""Words that start a line of a heading."""

INNER = frozenset(
    "all any none at there not attested judged opaque todo lines history number allergy highest "
    "lowest mean applies except decide otherwise denied doubted > label source also code unlike "
    "near unit accepts plausible limits whole value values is includes closed evidence axis site "
    "method measurable title "
    "version language registry uses given expect date for add |".split()
)
"""Words that start a line inside a statement."""

_OTHER_WORDS = {
    "inclusion": "include", "criterion": "include", "exclusion": "exclude", "def": "define",
    "definition": "define", "lab": "quantity", "observation": "quantity", "drug": "medication",
    "diagnosis": "condition", "disease": "condition", "study": "protocol", "trial": "protocol",
    "arm": "scope", "cohort": "scope", "part": "scope", "phase": "scope",
}  # fmt: skip


def first(line: str) -> str:
    """The first word of a line, or its first character where it does not start with a word."""
    match = re.match(r"\w+|\S", line)
    return match[0] if match else ""


def statement_like(word: str) -> str | None:
    """The word that starts a statement and is most like a word, if one is."""
    lower = word.lower()
    return _OTHER_WORDS.get(lower) or _nearest(lower, STATEMENTS)


def how_to_start(word: str) -> str:
    """A hint for a line that starts no statement."""
    if word in INNER:
        return "indent it under the statement that it belongs to, by two spaces"
    near = statement_like(word)
    if near is not None and near != word:
        return f"did you mean `{near}`?"
    return (
        "indent it under its statement, or start one with a word such as `include`, `exclude` "
        "or `define`; a comment starts with `#`"
    )


# ---- explanations -------------------------------------------------------------------------------


def explain(place: Place) -> Explanation:
    """What to tell the author of a place where reading stopped."""
    if place.found is Found.INDENT:
        return _indented(place)
    if place.found is Found.BLOCK_END:
        nothing = place.expected == {"_INDENT"}
        message = "nothing stands under this line" if nothing else "something is missing below"
        hint = _listed(place.expected, "below")
        if place.expected == {"NAME"}:
            hint = "say when an event was, as in `relapse on or after start of NAME`"
        if "ROW" in place.expected:
            hint = "put a table below, or write `example` for one patient"
        return Explanation(message, hint, 0, len(place.line))
    if place.found is Found.LINE_END:
        place = place._replace(at=len(place.line) - 1)
    from protocol_logic.language.mistakes import known_mistake  # its tables take long to make

    start, end = _word_at(place)
    known = known_mistake(place, start)
    if known is not None:
        return known
    if place.found is Found.LINE_END:
        hint = _listed(place.expected, "after it")
        return Explanation("the line ends too early", hint, start, end)
    message = f"`{shown(place.line[start:end])}` cannot stand here"
    return _unfinished_start(place, start) or Explanation(
        message, _what_can_stand(place, start), start, end
    )


def _word_at(place: Place) -> tuple[int, int]:
    """The columns of the word at a place: of the last word where the line ends there."""
    if place.found is Found.LINE_END:
        return place.line.rfind(" ") + 1, len(place.line)
    match = _WORD.match(place.line, place.at)
    return match.span() if match else (place.at, place.at + 1)


_WORD = re.compile(r"\w+(?:[.-]\w+)*|[<>=!]+|\"[^\"]*\"?|\S")
_UNFINISHED = {"all": "all of", "any": "any of", "none": "none of", "there": "there is"}


def _indented(place: Place) -> Explanation:
    above = place.above
    if above in _UNFINISHED:
        message = f"`{above}` does not open a block"
        hint = f"write `{_UNFINISHED[above]}`"
        return Explanation(message, hint, 0, len(above), above=True)
    message = "this line is indented deeper, but the line above opens no block"
    hint = "indent it like the line above, or put `all of` or `any of` above both"
    if re.match(r"(?:code|history|shared|evidence|site|axis|method)\b", above):
        hint = "put all codes on lines of their own under the keyword, or all on its line"
    return Explanation(message, hint, 0, len(place.line))


_STARTERS = (
    "attested", "judged", "opaque", "lines of", "history of", "number of", "allergy to",
    "all of",     "any of", "none of", "at least", "there is", "applies if", "except if",
)  # fmt: skip


def _unfinished_start(place: Place, start: int) -> Explanation | None:
    """A word before the place that was taken for a name, but looks like a keyword."""
    before = re.match(r"([a-z]\w*)\s+$", place.line[: min(start, LONGEST)])
    if before is None or "COMPARE" not in place.expected:
        return None
    near = _nearest_phrase(place.line[:LONGEST], _STARTERS)
    if near is None:
        return None
    message = f"`{shown(before[1])}` cannot stand here"
    return Explanation(message, f"did you mean `{near}`?", *before.span(1))


# ---- what can stand ------------------------------------------------------------------------------

_SPELT = {
    "_NL": "the end of the line",
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
    "COMPARE": "one of `<=`, `>=`, `<` and `>`",
    "EQUALS": "`=`",
    "COMMA": "`,`",
    "PLUS": "`+`",
    "MINUS": "`-`",
    "STAR": "`*`",
    "SLASH": "`/`",
    "CARET": "`^`",
    "LPAR": "`(`",
    "RPAR": "`)`",
    "QUOTE": "the protocol's sentence after `>`",
    "ROW": "a row of a table, as in `| alt | expect organ_function |`",
    "REST": "a value, or an outcome such as `met`",
    "PIN": "twelve digits and letters a to f, as `format --upgrade` writes them",
    "DAY": "a date such as `2026-01-15`",
    "KIND": "a kind of knowledge entry such as `quantity`",
}
_KEYWORDS = {
    "TIMES_ULN": "x ULN", "TIMES_LLN": "x LLN", "UNIT_IS": "unit", "VALUE_IS": "value",
    "IS_A": "is a", "COMMA_BUT": ", but", "COMMA_BECAUSE": ", because",
}  # fmt: skip


def keyword(terminal: str) -> str | None:
    """How the keyword of a terminal is written; None for a terminal that is no keyword."""
    if terminal in _SPELT:
        return None
    return _KEYWORDS.get(terminal) or terminal.lower().replace("_", " ")


def _what_can_stand(place: Place, start: int) -> str | None:
    expected, rest = place.expected, place.line[start : start + LONGEST]
    word = rest.split(" ")[0]
    keywords = [k for k in map(keyword, expected) if k is not None]
    names = bool(expected & {"NAME", "DOTTED"})
    if re.fullmatch(r"[A-Z]\w*", word):
        known = next((k for k in sorted(keywords) if rest.lower().startswith(k)), word.lower())
        if names or known in keywords:
            return f"words and names have small letters: `{shown(known)}`"
    near = _nearest_phrase(rest.lower(), keywords)
    if near is not None:
        return f"did you mean `{near}`?"
    if expected == {"_INDENT"}:
        return "indent it under the line above, by two spaces"
    if names and re.fullmatch(r"[0-9_]\w*", word) and "NUMBER" not in expected:
        return "a name starts with a letter"
    before = re.search(r"(?:^|\s)([a-z]\w*)\s+$", place.line[max(0, start - 80) : start])
    if before and not names and re.match(r"[a-z]", word) and before[1] not in STATEMENTS:
        if expected & {"COMPARE", "IS"} or expected == {"_NL"}:
            return f"a name is one word: `{shown(f'{before[1]}_{word}')}`"
    return _listed(expected, "here")


def _listed(expected: Iterable[str], where: str) -> str | None:
    """The things that can stand at a place, the large families under one name."""
    # A reason can end nearly every line; where one has begun, the table of mistakes tells it.
    left = set(expected) - {"_DEDENT", "$END", "COMMA_BECAUSE"}
    parts = []
    for family, name in _FAMILIES:
        if family <= left:
            parts.append(name)
            left -= family | _MEMBERS[name]
    spelt = [_SPELT.get(t) or f"`{keyword(t)}`" for t in left]
    parts += sorted(spelt, key=lambda part: (part == _SPELT["_NL"], part))
    if not parts:
        return "a second condition needs a block: put both under `all of` or `any of`"
    if parts == [_SPELT["_INDENT"]]:
        return "indent its lines under it, each level by two spaces"
    if parts == [_SPELT["_NL"]]:
        return "the line ends before it"
    return f"{where} can stand " + (
        parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " or " + parts[-1]
    )


_CONDITION = frozenset({"NAME", "ATTESTED", "LINES_OF", "HISTORY_OF", "NUMBER_OF", "ALLERGY_TO"})
_FAMILIES = (
    (_CONDITION, "a condition"),
    (frozenset({"CODE", "LABEL", "UNIT_IS"}), "a property such as `label`, `code` or `unit`"),
    (frozenset({"TITLE", "VERSION", "USES"}), "a line such as `title`, `version` or `uses`"),
    (frozenset({"COMPARE", "IS", "IN_EFFECT"}), "a comparison such as `>=`, `is` or `in`"),
)
_MEMBERS = {
    "a condition": frozenset(
        "NOT JUDGED OPAQUE ALL_OF ANY_OF NONE_OF AT_LEAST THERE_IS TODO HIGHEST LOWEST MEAN".split()
    ),
    "a property such as `label`, `code` or `unit`": frozenset(
        "SOURCE ALSO HISTORY_CODE SHARED_CODE ACCEPTS PLAUSIBLE LIMITS WHOLE_NUMBERS VALUE_IS "
        "VALUES ATTESTED IS_A INCLUDES RECURS CLOSED_BY DENIED_BY DOUBTED_BY EVIDENCE FIELD OF "
        "FROM AXIS SITE METHOD MEASURABLE COUNTED_BY SCOPE FORMULA TIMES ELSE_REPORTED CHANGE "
        "OBTAIN".split()
    ),
    "a line such as `title`, `version` or `uses`": frozenset({"LANGUAGE", "REGISTRY", "SOURCE"}),
    "a comparison such as `>=`, `is` or `in`": frozenset(
        "IN RECORDED CONFIRMED_BY ON_BOTH_SIDES WITHIN WITH WITH_INTENT OTHER_THAN".split()
    ),
}


def _nearest_phrase(text: str, keywords: Iterable[str]) -> str | None:
    """The keyword that the first words of a text resemble most, if one does."""
    written = text.split()
    best: tuple[float, str] | None = None
    for known in sorted(keywords):
        for count in {1, len(known.split())}:
            phrase = " ".join(written[:count])
            if phrase != known:
                alike = difflib.SequenceMatcher(None, phrase[:40], known).ratio()
                if alike >= 0.75 and (best is None or alike > best[0]):
                    best = (alike, known)
    return best[1] if best else None


def _nearest(word: str, known: Iterable[str]) -> str | None:
    near = difflib.get_close_matches(word[:40], sorted(known), n=1, cutoff=0.7)
    return near[0] if near else None
