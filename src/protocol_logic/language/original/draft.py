"""A protocol's own text to a first protocol file: all of it quoted, no condition understood."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import takewhile

from protocol_logic.foundation.source import Span
from protocol_logic.language.original.record import Original
from protocol_logic.language.original.sentences import Item, Sentence, items_of
from protocol_logic.language.pieces import INVISIBLE, starts_statement

_LONGEST_NAME = 40
_MOST_WORDS = 4
_TITLE = 3
# Words that say nothing of what a criterion is about.
_PLAIN = frozenset(
    "a an the of or and in on at to for with as by from per than that this these those which who "
    "whom is are be been being was were has have had having must should shall will would may can "
    "could do does any all each every some such other following least either patient patients "
    "subject subjects participant participants individual individuals person persons people "
    "volunteer volunteers it its their his her they them one if defined e g i eg ie".split()
)
_OR_AT_END = re.compile(r"\bor\W*$", re.IGNORECASE)
_ALTERNATIVES = re.compile(r"\b(?:one|any|either|at least|two|or more)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Draft:
    """The text of a protocol file, and how many criteria it has."""

    text: str
    criteria: int


def draft_of(original: Original, name: str) -> Draft:
    """A protocol file called `name` with a to-do for each criterion of the text."""
    writer = _Writer(original)
    statements = [writer.heading(name)]
    text = original.source.text
    # A bullet without words says nothing.
    items = [item for item in items_of(text, original.start) if item.sentences]
    for group in _groups(text, items):
        if isinstance(group, Item):
            statements.append(f"# {writer.line(group.span)}\n")
        else:
            statements.append(writer.criterion(group))
    return Draft("\n".join(statements), writer.count)


# ---- which items belong together -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Group:
    """What becomes one criterion: the headings above it, and the sentences of each item."""

    polarity: str
    headings: tuple[Item, ...]
    items: tuple[tuple[Item, tuple[Sentence, ...]], ...]


def _groups(text: str, items: Sequence[Item]) -> Iterator[_Group | Item]:
    """The criteria that the items make, and between them the headings that only say which."""
    start = 0
    while start < len(items):
        if items[start].kind == "polarity":
            yield items[start]
            start += 1
        section = [*takewhile(_is_no_polarity, items[start:])]
        yield from _section(text, section)
        start += len(section)


def _is_no_polarity(item: Item) -> bool:
    return item.kind != "polarity"


def _section(text: str, items: Sequence[Item]) -> Iterator[_Group]:
    waiting: list[Item] = []  # headings whose first criterion is still to come
    place = 0
    while place < len(items):
        item, first = items[place], place == 0
        place += 1
        inner = [*takewhile(partial(_is_inside, item), items[place:])]
        if place < len(items) and _stands_apart(text, item, inner, first):
            waiting.append(item)
            continue
        together = [item, *inner]
        while len(inner) < len(items) - place and _OR_AT_END.search(_words(text, together[-1])):
            # What may stand instead of it comes next.
            other = items[place + len(inner)]
            if other.level != together[-1].level:
                break
            rest = items[place + len(inner) + 1 :]
            inner += [other, *takewhile(partial(_is_inside, other), rest)]
            together = [item, *inner]
        place += len(inner)
        groups = [[(each, each.sentences) for each in together]]
        alone = item.kind == "item" and len(items) == len(waiting) + 1
        if alone and (item.mark is None or len(item.sentences) > _TITLE):
            # Running text, or a list in one item: a sentence each.
            groups = [[(item, (sentence,))] for sentence in item.sentences]
        for group in groups:
            yield _Group(item.polarity, tuple(waiting), tuple(group))
            waiting = []


def _words(text: str, item: Item) -> str:
    return text[item.span.start : item.span.end]


def _is_inside(outer: Item, item: Item) -> bool:
    return item.level > outer.level


def _stands_apart(text: str, item: Item, inner: Sequence[Item], first: bool) -> bool:
    """Whether an item is a heading over criteria of their own, not the start of one of them."""
    if not inner:
        return item.kind == "heading"
    words = _words(text, item)
    if words.isupper():
        return True
    if len(words.split()) <= _TITLE and not re.search(r"\d", words):
        return True
    alternatives = _ALTERNATIVES.search(words) is not None
    return first and item.kind == "heading" and item.mark is None and not alternatives


# ---- text ----------------------------------------------------------------------------------------


class _Writer:
    def __init__(self, original: Original) -> None:
        self.original = original
        self.names: set[str] = set()
        self.count = 0

    def heading(self, name: str) -> str:
        original = self.original
        lines = [f"protocol {name}", f"  title {_one_line(original.title) or name}"]
        if original.id:
            lines.append(f"  registry {_one_line(original.id)}")
        lines += [
            "  language 1",
            "  # uses NAME, NAME: the knowledge files with the names that the conditions use",
        ]
        if original.fields:
            lines.append("  # The record says beside the text:")
            lines += [f"  #   {said}: {_one_line(text)}" for said, text in original.fields]
        return "\n".join(lines) + "\n"

    def line(self, span: Span) -> str:
        """The words of a span on one line, as they can stand in a protocol file."""
        return _one_line(self.original.source.text[span.start : span.end])

    def criterion(self, group: _Group) -> str:
        self.count += 1
        verb = "include" if group.polarity == "inclusion" else "exclude"
        quotes = [self.line(item.span) for item in group.headings]
        for number, (item, sentences) in enumerate(group.items):
            for place, sentence in enumerate(sentences):
                mark = sentence.mark if place else item.mark
                shown = mark is not None and (place or number)
                before = f"{self.line(mark)} " if mark is not None and shown else ""
                quotes.append(before + self.line(sentence.span))
        first = group.items[0][1][0] if group.items[0][1] else None
        words = self.line(first.span) if first is not None else ""
        lines = [f"{verb} {self._name(words)}", *(f"  > {quoted(q)}" for q in quotes), "  todo"]
        return "\n".join(lines) + "\n"

    def _name(self, words: str) -> str:
        wanted = name_of(words) or "criterion"
        name, number = wanted, 1
        while name in self.names or not starts_statement(f"include {name}"):
            number += 1
            name = f"{wanted}_{number}"
        self.names.add(name)
        return name


def name_of(words: str) -> str:
    """A name made of the words of a text that say most; empty where none can stand in a name."""
    plain = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode().lower()
    found = re.findall(r"[a-z0-9]+", plain.replace("'", ""))
    telling = [w for w in found if w not in _PLAIN] or found
    while telling and not telling[0][0].isalpha():
        telling = telling[1:]
    name = ""
    for word in telling[:_MOST_WORDS]:
        longer = f"{name}_{word}" if name else word[:_LONGEST_NAME]
        if len(longer) > _LONGEST_NAME:
            break
        name = longer
    return name


def quoted(line: str) -> str:
    """A line of the text as a quote; its own brackets are told from those of an author."""
    return re.sub(r"(?<!\\)[\[\]]", r"\\\g<0>", line)


def _one_line(text: str) -> str:
    """A text on one line; two spaces stay two, since a sign may have stood between them."""
    return re.sub(r"[ ]*[^\S \xa0]\s*", " ", INVISIBLE.sub(" ", text)).strip()
