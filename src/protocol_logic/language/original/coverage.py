"""A protocol file against the protocol's own text: what no criterion covers, what is misquoted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from protocol_logic.foundation.problems import Label, Problem, Problems
from protocol_logic.foundation.source import Source, Span
from protocol_logic.foundation.text import shown
from protocol_logic.language.original.fields import compare_fields
from protocol_logic.language.original.quotes import Text
from protocol_logic.language.original.record import Original
from protocol_logic.language.original.sentences import items_of
from protocol_logic.language.pieces import Line, pieces

_QUOTING = ("include", "exclude", "note")
_CONNECTIVES = re.compile(r"(?:\W*\b(?:and|or)\b)+\W*", re.IGNORECASE)
_INSERTED = re.compile(r"(?<!\\)\[([^\[\]]*)\]")
_WORD = re.compile(r"(?:(?<!\\)\[[^\[\]]*\]|\S)+")
_ALIKE = 0.5


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many sentences the text has, headings that only say which criteria follow aside, and how
    many of them are covered whole."""

    sentences: int
    covered: int


@dataclass(frozen=True, slots=True)
class _Quoting:
    """A statement that quotes: its name, and each of its quotes with its place."""

    name: str
    span: Span
    quotes: tuple[tuple[str, Span], ...]


def compare(source: Source, original: Original, problems: Problems) -> Coverage:
    """Compare the quotes of a protocol file with the protocol's text, word for word, and its
    conditions with the sex and the ages that a record has beside it."""
    coverage = _Comparison(source, original, problems).run()
    compare_fields(source, original, problems)
    return coverage


class _Comparison:
    def __init__(self, source: Source, original: Original, problems: Problems) -> None:
        self.source = source
        self.original = original
        self.problems = problems
        text = original.source.text
        self.text = Text.of(text, items_of(text, original.start))

    def run(self) -> Coverage:
        lost: list[tuple[str, Span]] = []
        furthest, before = -1, ""
        for statement in _quoting(self.source.text):
            place: int | None = None
            quotes = statement.quotes
            while quotes:
                number, found = self._longest(quotes, max(furthest, 0))
                if found is None:
                    lost.append(quotes[0])
                elif found != (0, 0):
                    place = found[0]
                    self.text.cover(*found)
                quotes = quotes[number:]
            if place is not None and place < furthest:
                message = f"`{statement.name}` stands after `{before}`, but before it in the text"
                hint = "criteria stand in the order of the text, so that both can be read together"
                self._add("source-order", message, self.source, statement.span, hint)
            elif place is not None:
                furthest, before = place, statement.name
        for words, span in lost:
            self._not_found(words, span)
        return self._not_covered()

    def _longest(
        self, quotes: Sequence[tuple[str, Span]], after: int
    ) -> tuple[int, tuple[int, int] | None]:
        """How many quotes stand together in the text, from the first on, and where; at least 1."""
        for number in range(len(quotes), 0, -1):
            found = self.text.find([words for words, _ in quotes[:number]], after)
            if found is not None:
                return number, found
        return 1, (0, 0) if _is_authors_own(quotes[0][0]) else None

    # ---- problems ----------------------------------------------------------------------------

    def _not_covered(self) -> Coverage:
        sentences = covered = 0
        for item, _, start, end in self.text.sentences:
            runs = list(self.text.uncovered(start, end))
            if item.kind == "polarity":
                continue
            sentences += 1
            parts = [run for run in runs if not _CONNECTIVES.fullmatch(self._words(*run))]
            covered += not parts
            every = [at for at in range(start, end) if self.text.chars[at].isalnum()]
            whole = parts == [(every[0], every[-1] + 1)] if every else False
            for part in parts:
                message = "no criterion and no note quotes this part of a sentence"
                span = self.text.span(*part)
                if whole:
                    message = "no criterion and no note quotes this sentence"
                    span = self.text.span(start, end)
                hint = "quote it where it belongs, word for word"
                self._add("not-covered", message, self.original.source, span, hint)
        return Coverage(sentences, covered)

    def _not_found(self, words: str, span: Span) -> None:
        nearest = self._nearest(words)
        hint = "copy it from the text; what you put in yourself stands in brackets: `[>=]`"
        for inserted in _INSERTED.finditer(words):
            own = words[: inserted.start()] + inserted[1] + words[inserted.end() :]
            if inserted[1].strip() and self.text.find([own], 0) is not None:
                hint = f"the text has `{shown(inserted[1])}` itself: leave out the brackets"
        if nearest is None:
            message = "this quote stands nowhere in the text"
            self._add("not-in-source", message, self.source, span, hint)
            return
        start, end = nearest
        self.text.cover(start, end)  # it is meant; that it is misquoted is told here
        there = self.text.span(start, end)
        message, at = _difference(words, self._words(start, end), span)
        labels = (Label(self.original.source, there, "the text"),)
        self._add("not-in-source", message, self.source, at, hint, labels)

    def _nearest(self, words: str) -> tuple[int, int] | None:
        """The sentence, not yet covered, that a quote resembles most."""
        best, most = None, _ALIKE
        matcher = SequenceMatcher(autojunk=False)
        matcher.set_seq2(_plain(words).split())
        for _, _, start, end in self.text.sentences:
            if start == end or all(self.text.covered[start:end]):
                continue
            matcher.set_seq1(_plain(self._words(start, end)).split())
            if matcher.quick_ratio() > most and (ratio := matcher.ratio()) > most:
                best, most = (start, end), ratio
        return best

    def _words(self, start: int, end: int) -> str:
        span = self.text.span(start, end)
        return self.original.source.text[span.start : span.end]

    def _add(
        self,
        code: str,
        message: str,
        source: Source,
        span: Span,
        hint: str,
        labels: tuple[Label, ...] = (),
    ) -> None:
        self.problems.add(
            Problem(code=code, message=message, source=source, span=span, hint=hint, labels=labels)
        )


def _difference(quote: str, text: str, span: Span) -> tuple[str, Span]:
    """The first word in which a quote differs from the text, and its place."""
    ours = [(m[0], span.start + m.start()) for m in _WORD.finditer(quote) if _plain(m[0])]
    theirs = _plain(text).split()
    blocks = SequenceMatcher(None, [_plain(w) for w, _ in ours], theirs, False)
    for kind, a, b, c, d in blocks.get_opcodes():
        if kind == "equal":
            continue
        here = " ".join(word for word, _ in ours[a:b])
        there = shown(" ".join(theirs[c:d]))
        if not here:
            last = max(a - 1, 0)
            at = Span(ours[last][1], ours[last][1] + len(ours[last][0]))
            return f"the text goes on with `{there}` here", at
        at = Span(ours[a][1], ours[b - 1][1] + len(ours[b - 1][0]))
        if not there:
            return f"`{shown(here)}` does not stand in the text", at
        return f"`{shown(here)}` does not stand in the text, which has `{there}`", at
    return "this quote stands nowhere in the text", span


def _plain(text: str) -> str:
    """A text without the backslashes of Markdown and what an author put in."""
    return re.sub(r"\\(?=[^\w\s])", "", _INSERTED.sub("", text))


def _is_authors_own(words: str) -> bool:
    return re.sub(r"\[[^\[\]]*\]|\s", "", words) == ""


def _quoting(text: str) -> Iterator[_Quoting]:
    """The statements that quote, also those that cannot be read otherwise."""
    for piece in pieces(text):
        head = piece[0].text.split()
        if head and head[0] in _QUOTING:
            name = shown(head[1]) if len(head) > 1 else ""
            quotes = tuple(_quote(line) for line in piece if line.text.startswith(">"))
            whole = Span(piece[0].start, piece[0].start + len(piece[0].text))
            yield _Quoting(name, whole, quotes)


def _quote(line: Line) -> tuple[str, Span]:
    words = line.text[1:].lstrip()
    start = line.start + len(line.text) - len(words)
    return words, Span(start, start + len(words))
