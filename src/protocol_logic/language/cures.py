"""The cures that are certain: what to write in the place of a mistake, where only one thing can be
meant. `check --fix` applies them.

A cure belongs to a problem that says the same in its hint; nothing is cured that is not told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from protocol_logic.foundation.problems import Problem
from protocol_logic.foundation.source import Source, Span

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_N = r"(?:(?P<n>\d+(?:\.\d+)?)\s*)?"
_TIMES = r"(?:[xX×✕*·]|times)?\s*(?:the\s+)?"
_NORMAL = r"limit\s+of\s+(?:the\s+)?normal"
_BULLET = r"(?:[-*•·‣–—]+|\d+[.)]|\(?[a-z0-9]\))\s+"


class Edit(NamedTuple):
    """A text to put in the place of a span of a source."""

    span: Span
    text: str


# What is underlined -> what to write; the hint names it in backticks.
_WRITTEN = tuple(
    (re.compile(pattern), text)
    for pattern, text in (
        (r"[≥≧⩾]|=\s*>|>\s+=|at\s+least", ">="),
        (r"[≤≦⩽]|=\s*<|<\s+=|at\s+most|no\s+more\s+than", "<="),
        (rf"(?P<n>\d+(?:\.\d+)?)\s*{_TIMES}(?:ULN|uln|Uln|upper\s+{_NORMAL})", "{n} x ULN"),
        (rf"(?P<n>\d+(?:\.\d+)?)\s*{_TIMES}(?:LLN|lln|Lln|lower\s+{_NORMAL})", "{n} x LLN"),
        (
            rf"{_N}(?:(?:[x×✕*·]\s*)?10\s*(?:\^|\*\*?|E)?|[eE])\s*"
            r"(?P<e>\d\d?|[⁰¹²³⁴⁵⁶⁷⁸⁹]+)\s*/\s*(?P<u>[A-Za-z]+)",
            "{n} 10*{e}/{u}",
        ),
        (r"[µμ](?P<u>[A-Za-z0-9/*]*)", "u{u}"),
        (r"(?P<a>[A-Za-z]+)\s*/\s*(?P<b>[A-Za-z]+)", "{a}/{b}"),
        (r"(?<!\d)\.(?P<a>\d+)", "0.{a}"),
        (r"(?P<a>\d+)\.", "{a}"),
        (r"(?P<a>\d{1,3})\s(?P<b>\d{3})", "{a}{b}"),
        (r"×", "*"),
        (r"\*\*", "^"),
        (r"(?P<e>[⁰¹²³⁴⁵⁶⁷⁸⁹]+)", "^ {e}"),
        (r"(?P<u>[A-Za-z]+/c?m)(?P<e>[²³])", "{u}{e}"),
    )
)
# What is underlined, and how the hint begins -> what to write.
_OTHERS = tuple(
    (re.compile(pattern), hint, text)
    for pattern, hint, text in (
        (_BULLET, "leave out the bullet", ""),
        (r"//|--|/\*|;+|%", "a comment line starts with `#`", "#"),
        (r"(?P<k>\w+(?: of| is)?)\s*:", "write `{k}` without the colon", "{k} "),
        (r"is\s+(?P<s>[<>]=?)", "leave out `is`", "{s}"),
        (r"[“”„«»](?P<x>[^“”„«»\"]*)[“”„«»]", "write plain double quotes", '"{x}"'),
        (r".*", "type a space", " "),
    )
)
_UNITS = {"K/uL": "10*3/uL", "K/mm3": "10*3/uL", "K/ul": "10*3/uL"}
_MEANT = r"did you mean `([^`]+)`\??"
_STOP = re.compile(r"[;:.!?]")  # at the end of a line
# Characters without a look that stood between words.
_BLANKS = frozenset("\x0b\x0c\x1c\x1d\x1e\x1f\x85\u2028\u2029\u180e\u2800\u3164\uffa0")


def cure_of(problem: Problem) -> Edit | None:
    """What to write instead, where the cure of an author's problem is certain."""
    source, span, hint = problem.source, problem.span, problem.hint
    if source is None or span is None or hint is None:
        return None
    there = source.text[span.start : span.end]
    text: str | None = None
    if problem.code == "syntax":
        text = _written(there, hint)
        if _STOP.fullmatch(there) and _ends_line(source, span):
            text = ""
    elif problem.code == "invisible-character" and "\r" not in there:
        text = " " if _BLANKS.intersection(there) else ""
    elif problem.code in ("unknown-unit", "wrong-unit"):
        text = _UNITS.get(there)
        if text is None and (meant := re.fullmatch(_MEANT, hint)):
            text = meant[1]
    elif problem.code == "bad-example" and not re.search(r"\s", there):
        if "its unit `" in problem.message and (meant := re.fullmatch(_MEANT, hint)):
            text = meant[1]  # of a number in an example
    return None if text is None or text == there else Edit(span, text)


def _ends_line(source: Source, span: Span) -> bool:
    line = source.line_column(span.end)[0]
    return not source.text[span.end : source.starts[line - 1] + len(source.line_text(line))].strip()


def _written(there: str, hint: str) -> str | None:
    for pattern, template in _WRITTEN:
        if (match := pattern.fullmatch(there)) is not None:
            text = _filled(template, match)
            if f"`{text}`" in hint:
                return text
    for pattern, begins, template in _OTHERS:
        if (match := pattern.fullmatch(there)) is not None:
            if hint.startswith(_filled(begins, match)):
                return _filled(template, match)
    return None


def _filled(template: str, match: re.Match[str]) -> str:
    groups = match.groupdict()
    if not groups:
        return template
    said = {key: (text or "").translate(_SUPERSCRIPTS) for key, text in groups.items()}
    return template.format_map(said).lstrip()


def applied(source: Source, edits: Sequence[Edit]) -> Source:
    """The source with edits of it applied; of two that overlap the first."""
    parts, end = [], 0
    for edit in sorted(edits, key=lambda e: (e.span.start, e.span.end)):
        if edit.span.start >= end:
            parts += [source.text[end : edit.span.start], edit.text]
            end = edit.span.end
    return Source(source.name, "".join([*parts, source.text[end:]]))


def cures(source: Source, problems: Sequence[Problem]) -> Iterator[Edit]:
    """The cures of those problems that are about a source."""
    for problem in problems:
        if problem.source is source and (edit := cure_of(problem)) is not None:
            yield edit
