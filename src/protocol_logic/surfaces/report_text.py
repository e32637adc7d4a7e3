"""What reports drawn as text have in common: as wide as the terminal, no word cut."""

from __future__ import annotations

from collections.abc import Iterator

from protocol_logic.surfaces.table_layout import Signs, signs_for, wrap
from protocol_logic.surfaces.terminal import Paint


class ReportText:
    """Lines of some width, with the signs that an encoding has."""

    def __init__(self, *, width: int, colour: bool, encoding: str) -> None:
        self.width = width
        self.paint = Paint(colour)
        self.signs: Signs = signs_for(encoding)
        self.ellipsis = self.signs.ellipsis

    def wrapped(self, text: str, indent: str = "", hanging: str | None = None) -> Iterator[str]:
        """A text in lines; those after the first are indented by `hanging`."""
        hanging = indent if hanging is None else hanging
        room = self.width - max(len(indent), len(hanging))
        for number, line in enumerate(wrap([(word, "") for word in text.split()], room)):
            yield (hanging if number else indent) + " ".join(word for word, _ in line)

    def head(self, heading: str, sentences: Iterator[str]) -> Iterator[str]:
        """The heading of a report, and the most important of it in sentences."""
        for line in self.wrapped(heading):
            yield self.paint(line, "bold")
        yield ""
        for sentence in sentences:
            yield from self.wrapped(sentence)
