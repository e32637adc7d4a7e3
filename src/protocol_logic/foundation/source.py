"""Where a piece of text stands: a source, a span in it, and the line a person is shown."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import field

from protocol_logic.foundation.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open range of characters `[start, end)` in a source's text."""

    start: int
    end: int

    def merge(self, other: Span) -> Span:
        """The smallest span that covers both."""
        return Span(min(self.start, other.start), max(self.end, other.end))


@dataclass(frozen=True, slots=True)
class Source:
    """A text with the name a person knows it by.

    `name` is a path as the user typed it, or the id of a knowledge file; never shown unescaped.
    """

    name: str
    text: str
    starts: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        starts = (0, *(i + 1 for i, char in enumerate(self.text) if char == "\n"))
        object.__setattr__(self, "starts", starts)

    def line_column(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, both counted from 1 in characters."""
        offset = max(0, min(offset, len(self.text)))
        line = bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1

    def line_text(self, line: int) -> str:
        """The text of a line (counted from 1), without its line end."""
        start = self.starts[line - 1]
        end = self.text.find("\n", start)
        return self.text[start : len(self.text) if end < 0 else end].rstrip("\r")

    def line_span(self, line: int) -> Span:
        """The text of a line (counted from 1; the last one where there is no such line)."""
        line = min(line, len(self.starts))
        start = self.starts[line - 1]
        return Span(start, start + max(1, len(self.line_text(line))))
