"""Pieces of rows that many patients share, written once: what is each one's own is put into holes.

A template is what a format makes of a row with marks in the place of the holes, so each format has
one writer.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from protocol_logic.answering.rows import problem_dict

if TYPE_CHECKING:
    from protocol_logic.answering.columns.rows import ManyRow, Piece, Shape
    from protocol_logic.answering.rows import Row

_MOST = 50_000
_MARK = "6d1f0c8a2b7e4953-{}-hole"
Template: TypeAlias = "list[bytes | int]"
"""Text, and the numbers of the holes between."""


class Templates(ABC):
    """Writes rows of many; `piece` writes a row as one, `text` one value of it."""

    def __init__(self, piece: Callable[[Row], bytes], text: Callable[[Any], bytes]) -> None:
        self._piece = piece
        self._text = text
        self._values: dict[str | None, bytes] = {}
        self._marks = [(n, text(_MARK.format(n))) for n in range(64)]

    @abstractmethod
    def piece(self, row: ManyRow) -> bytes:
        """What the format makes of a row."""

    def _template(self, written: bytes) -> Template:
        """A text with marks as a template."""
        places = sorted(
            (place, number, mark)
            for number, mark in self._marks
            if (place := written.find(mark)) >= 0
        )
        found: Template = []
        last = 0
        for place, number, mark in places:
            found += [written[last:place], number]
            last = place + len(mark)
        return [*found, written[last:]]

    def _filled(self, template: Template, values: Sequence[bytes]) -> bytes:
        return b"".join([values[each] if isinstance(each, int) else each for each in template])

    def _said(self, value: str | None) -> bytes:
        """A value that many patients have, as it is written."""
        found = self._values.get(value)
        if found is None:
            if len(self._values) > _MOST:
                self._values.clear()
            found = self._values[value] = self._text(value)
        return found


def _mark(number: int) -> Any:
    return _MARK.format(number)


class JsonTemplates(Templates):
    """Rows as JSON: a frame with the lists of criteria and problems in holes."""

    def __init__(self, piece: Callable[[Row], bytes], text: Callable[[Any], bytes]) -> None:
        super().__init__(piece, text)
        self._frames: dict[tuple[int, int, bool], tuple[Template, Any]] = {}
        self._criteria: dict[Shape, Template] = {}
        self._written: dict[Piece, bytes] = {}
        self._between = b""
        self._problems: dict[tuple[str, ...], Template] = {}

    def piece(self, row: ManyRow) -> bytes:
        # Both are kept with the frame, so that no other gets their numbers.
        key = (id(row.about), id(row.judged), bool(row.problems))
        found = self._frames.get(key)
        if found is None:
            found = self._frames[key] = (self._frame(row), (row.about, row.judged))
            self._between = self._between or self._measured(row)
        of, between = row.resources, self._between
        written = self._written
        criteria = between.join([written.get(p) or self._criterion(row, p) for p in row.criteria])
        problems = between.join([self._problem(row, n) for n in range(len(row.problems))])
        values = [
            self._text(row.patient), self._said(row.source), criteria, problems, b"%d" % of.total,
            b"%d" % of.facts, b"%d" % of.irrelevant, b"%d" % of.problems,
        ]  # fmt: skip
        return self._filled(found[0], values)

    def _row(
        self, row: ManyRow, criteria: Sequence[Any], problems: Sequence[Any], holes: bool
    ) -> bytes:
        number = _mark if holes else (lambda _: 0)
        return self._piece(
            {
                **row.about,
                "patient": number(0),
                "source": number(1),
                **row.judged,
                "criteria": criteria,
                "attested": [],
                "resources": {
                    "total": number(4),
                    "facts": number(5),
                    "irrelevant": number(6),
                    "problems": number(7),
                },
                "problems": problems,
            }
        )

    def _frame(self, row: ManyRow) -> Template:
        return self._template(self._row(row, [_mark(2)], [_mark(3)] if row.problems else [], True))

    def _measured(self, row: ManyRow) -> bytes:
        """What stands between two of a list."""
        one, two = (self._text(_mark(n)) for n in (2, 3))
        written = self._row(row, [_mark(2), _mark(3)], [], False)
        return written[written.index(one) + len(one) : written.index(two)]

    def _inside(self, row: ManyRow, element: Any, of_problems: bool) -> bytes:
        """What is written of an element of the list of criteria, or that of problems."""
        mark = self._text(_mark(0))
        lists: tuple[list[Any], list[Any]] = ([_mark(0)], [])
        whole: tuple[list[Any], list[Any]] = ([element], [])
        if of_problems:
            lists, whole = ([], [_mark(0)]), ([], [element])
        frame, written = self._row(row, *lists, False), self._row(row, *whole, False)
        start = frame.index(mark)
        return written[start : len(written) - (len(frame) - start - len(mark))]

    def _criterion(self, row: ManyRow, piece: Piece) -> bytes:
        shape, oldest, resources = piece
        template = self._criteria.get(shape)
        if template is None:
            holes = [_mark(n) for n in range(1, len(resources) + 1)]
            said = shape.dict(_mark(0), holes)
            template = self._criteria[shape] = self._template(self._inside(row, said, False))
        if any(resources):
            return self._filled(template, (self._said(oldest), *map(self._text, resources)))
        # Which others say the same.
        if len(self._written) > _MOST:
            self._written.clear()
        values = (self._said(oldest), *map(self._text, resources))
        found = self._written[piece] = self._filled(template, values)
        return found

    def _problem(self, row: ManyRow, number: int) -> bytes:
        problem = row.problems[number]
        key = (problem.code, problem.severity, problem.message)
        template = self._problems.get(key)
        if template is None:
            if len(self._problems) > _MOST:
                self._problems.clear()
            marked = {**problem_dict(problem), "resource": _mark(1)}
            template = self._problems[key] = self._template(self._inside(row, marked, True))
        return self._filled(template, (b"", self._text(problem.resource)))


class CsvTemplates(Templates):
    """Rows as CSV: a line for each criterion."""

    def __init__(self, piece: Callable[[Row], bytes], text: Callable[[Any], bytes]) -> None:
        super().__init__(piece, text)
        self._lines: dict[tuple[int, int, Shape], tuple[Template, Any]] = {}

    def piece(self, row: ManyRow) -> bytes:
        about, judged = row.about, row.judged
        lines = []
        for shape, oldest, _ in row.criteria:
            key = (id(about), id(judged), shape)
            found = self._lines.get(key)
            if found is None:
                if len(self._lines) > _MOST:
                    self._lines.clear()
                found = self._lines[key] = (self._line(about, judged, shape), (about, judged))
            values = (self._text(row.patient), self._said(row.source), self._said(oldest))
            lines.append(self._filled(found[0], values))
        return b"".join(lines)

    def _line(self, about: Mapping[str, Any], judged: Mapping[str, Any], shape: Shape) -> Template:
        whole = {**about, "patient": _mark(0), "source": _mark(1), **judged}
        return self._template(self._piece({**whole, "criteria": [shape.dict(_mark(2), ())]}))
