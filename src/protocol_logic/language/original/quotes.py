"""Where a quote stands in a protocol's text.

A quote is the text, word for word. Not compared are white space, bullets and numbers of items, the
backslashes of Markdown, and what stands in brackets, `Platelets [>=] 100 x 10[^]9/L`: that was put
in by the author. `mm[³]` stands for the `mm3` of a text too: the exponent was put up. A bracket of
the text itself is written `\\[`, as registries do; one without the backslash is found too where
the text has it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from protocol_logic.foundation.source import Span
from protocol_logic.language.original.cuts import MARK
from protocol_logic.language.original.sentences import Item, Sentence
from protocol_logic.language.pieces import UNSEEN

# What stands for a bullet or a number in the text that is compared; no text that is shown has it.
_SIGN = "\x00"
_COMPARED = re.compile(rf"(?:[^\s\\{UNSEEN}]|\\(?![!-/:-@\[-`{{-~]))+")
_EXPONENT = re.compile(r"\[(?:\^(?=\d)|(?=[⁰¹²³⁴⁵⁶⁷⁸⁹]))([\d⁰¹²³⁴⁵⁶⁷⁸⁹]+)\]")
_INSERTED = re.compile(r"(?<!\\)\[(?:[^\[\]\\]|\\.)*\]")


@dataclass(frozen=True, slots=True)
class Text:
    """A protocol's text as it is compared: its characters, and where each stands."""

    text: str
    chars: str
    places: tuple[int, ...]
    sentences: tuple[tuple[Item, Sentence, int, int], ...]
    """Each sentence with the range of its characters."""
    covered: bytearray = field(compare=False, repr=False)

    @classmethod
    def of(cls, text: str, items: Sequence[Item]) -> Text:
        chars: list[str] = []
        places: list[int] = []
        sentences: list[tuple[Item, Sentence, int, int]] = []
        for item in items:
            for number, sentence in enumerate(item.sentences):
                mark = item.mark if number == 0 else sentence.mark
                if mark is not None:
                    chars.append(_SIGN)
                    places.append(mark.start)
                start = len(chars)
                for run in _COMPARED.finditer(text, sentence.span.start, sentence.span.end):
                    chars += run[0]
                    places += range(*run.span())
                sentences.append((item, sentence, start, len(chars)))
        found = "".join(chars)
        return cls(text, found, tuple(places), tuple(sentences), bytearray(len(found)))

    def find(self, lines: Sequence[str], after: int) -> tuple[int, int] | None:
        """The range of characters that quoted lines stand for.

        Of several the first from `after` on that is not covered yet, else the first that is not,
        else the first.
        """
        pattern = pattern_of(lines)
        if pattern is None:
            return None
        found = [m.span() for m in pattern.finditer(self.chars) if self._is_whole(*m.span())]
        fresh = [(s, e) for s, e in found if not all(self.covered[s:e])]
        later = [(s, e) for s, e in fresh if s >= after]
        return next(iter([*later, *fresh, *found]), None)

    def cover(self, start: int, end: int) -> None:
        """Note that a quote stands for a range of characters."""
        self.covered[start:end] = b"\x01" * (end - start)

    def span(self, start: int, end: int) -> Span:
        """The place of a range of characters in the text."""
        return Span(self.places[start], self.places[end - 1] + 1)

    def uncovered(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """The runs of characters in a range that no quote stands for and that have a word."""
        run: int | None = None
        last = start
        for at in range(start, end):
            if not self.chars[at].isalnum():
                continue
            if self.covered[at]:
                if run is not None:
                    yield run, last + 1
                run = None
            else:
                run = at if run is None else run
                last = at
        if run is not None:
            yield run, last + 1

    def _is_whole(self, start: int, end: int) -> bool:
        """Whether a range neither begins nor ends within a word."""
        while start < end and self.chars[start] == _SIGN:
            start += 1
        return start < end and self._is_edge(start) and self._is_edge(end)

    def _is_edge(self, at: int) -> bool:
        if at in (0, len(self.chars)):
            return True
        before, after = self.places[at - 1], self.places[at]
        joined = after == before + 1
        return not (joined and self.text[before].isalnum() and self.text[after].isalnum())


def pattern_of(lines: Sequence[str]) -> re.Pattern[str] | None:
    """What quoted lines look like in the compared text; None where all is the author's own."""
    if not any(_compared_text(_INSERTED.sub("", line)) for line in lines):
        return None
    return re.compile("".join(f"{_SIGN}*{_line_pattern(line)}" for line in lines))


def _line_pattern(line: str) -> str:
    line = line.strip()
    mark = MARK.match(line)
    start = ""
    if mark is not None and mark.end() < len(line):
        # A bullet that an author kept, or made.
        start = f"(?:{_SIGN}|{re.escape(_compared_text(mark[0]))})?{_SIGN}?"
        line = line[mark.end() :]
    parts: list[str] = []
    end = 0
    for inserted in _INSERTED.finditer(line):
        parts.append(_words_pattern(line[end : inserted.start()]))
        parts.append(f"(?:{'|'.join(map(re.escape, _standing_for(inserted[0])))})?")
        end = inserted.end()
    parts.append(_words_pattern(line[end:]))
    return start + "".join(parts)


def _standing_for(inserted: str) -> list[str]:
    """What the text may have where an author put something in: itself, and of an exponent that the
    author put up, `mm[³]` or `10[^9]`, its digits."""
    exponent = _EXPONENT.fullmatch(inserted)
    digits = [unicodedata.normalize("NFKC", exponent[1])] if exponent is not None else []
    return [_compared_text(inserted), *digits]


def _words_pattern(text: str) -> str:
    """Words with, between them, perhaps the mark of an inner list."""
    words = re.split(r"(\s+)", text)
    return "".join(f"{_SIGN}*" if word.isspace() else _word_pattern(word) for word in words if word)


def _word_pattern(word: str) -> str:
    literal = re.escape(_compared_text(word))
    mark = MARK.match(f"{word} A")
    is_mark = mark is not None and mark[0].strip() == word
    return f"(?:{_SIGN}|{literal})" if is_mark else literal


def _compared_text(text: str) -> str:
    return "".join(_COMPARED.findall(text))
