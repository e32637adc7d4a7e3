"""What building a node needs: its place, its words and numbers."""

from __future__ import annotations

from typing import Any

from lark import Token
from lark.tree import Meta

from protocol_logic.foundation.source import Span
from protocol_logic.language.nodes import NOWHERE, Amount, Text, Word

# Token types that only hold the grammar together; children keep what carries meaning.
_MEANINGFUL = {
    "NAME", "VALUE", "NUMBER", "UNIT", "DOTTED", "CODE_VALUE", "STRING", "URL", "QUOTE", "COMPARE",
    "KIND", "TITLE", "VERSION", "LANGUAGE", "REGISTRY", "LABEL", "SOURCE", "ALSO", "BECAUSE",
    "INCLUDE", "EXCLUDE", "NEVER", "SITE", "METHOD", "EXAMPLE", "EXAMPLES", "DAY", "PIN", "REST",
    "ROW", "ATTESTED", "JUDGED", "OPAQUE", "COMMA_BECAUSE", "MET", "NOT_MET",
    "TREAT", "CORRECT", "UP", "DOWN",
}  # fmt: skip


def span_of(meta: Meta) -> Span:
    return Span(meta.start_pos, meta.end_pos) if not meta.empty else NOWHERE


def word_of(token: Token) -> Word:
    start = token.start_pos or 0
    return Word(text=str(token), span=Span(start, start + len(token)))


def text_of(token: Token) -> Text:
    key, _, text = str(token).partition(" ")
    if "\t" in key:
        key, _, text = str(token).partition("\t")
    start = token.start_pos or 0
    return Text(key=key, text=text.strip(), span=Span(start, start + len(token)))


def amount_of(number: Token, unit: Token | None = None) -> Amount:
    """A number with its unit, or the name of the parameter that stands in its place."""
    word = word_of(unit) if unit is not None else None
    span = word_of(number).span
    if number.type == "NAME":
        return Amount(number="", parameter=word_of(number), span=span)
    return Amount(number=str(number), unit=word, span=span.merge(word.span) if word else span)


def parted(children: list[Any]) -> tuple[list[Token], list[Any]]:
    """Tokens that mean something, and nodes, each in order."""
    tokens = [c for c in children if isinstance(c, Token) and c.type in _MEANINGFUL]
    return tokens, [c for c in children if not isinstance(c, Token)]


def quotes_in(tokens: list[Token]) -> tuple[Word, ...]:
    """The protocol's own text in each of the `>` lines among tokens."""
    found = []
    for token in tokens:
        if token.type == "QUOTE":
            text = str(token)[1:].removeprefix(" ")
            start = (token.start_pos or 0) + len(token) - len(text)
            text = text.rstrip()
            found.append(Word(text=text, span=Span(start, start + len(text))))
    return tuple(found)


def amounts_in(tokens: list[Token]) -> tuple[Amount, ...]:
    """Each number with the unit that follows it, if any."""
    out = []
    for i, token in enumerate(tokens):
        if token.type == "NUMBER":
            follows = tokens[i + 1] if i + 1 < len(tokens) else None
            out.append(amount_of(token, follows if follows and follows.type == "UNIT" else None))
    return tuple(out)
