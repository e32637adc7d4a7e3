"""Problems as people and machines read them: drawn, in plain lines, as JSON and for GitHub.

Text and plain forms escape whatever a record, a file name or a protocol could smuggle in.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from protocol_logic.foundation.problems import Problem
from protocol_logic.foundation.source import Source, Span
from protocol_logic.foundation.text import shown
from protocol_logic.language.cures import cure_of
from protocol_logic.surfaces.terminal import Paint, char_width, count, cut, visible

_COLOURS = {"error": "red", "warning": "yellow", "notice": "blue"}
_MOST_LINES = 4
_TAB = "    "


class Place(NamedTuple):
    """Where a span stands; lines and columns counted from 1, in characters, the end exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


def place_of(source: Source, span: Span) -> Place:
    """The place of a span in its source."""
    return Place(*source.line_column(span.start), *source.line_column(span.end))


def problem_json(problem: Problem) -> dict[str, Any]:
    """A problem as `check --format json` reports it."""
    place = place_in(problem)
    return {
        "code": problem.code,
        "severity": problem.severity,
        "message": problem.message,
        "hint": problem.hint,
        "sentence": problem.sentence,
        "file": file_of(problem),
        "line": place.line if place else None,
        "column": place.column if place else None,
        "end_line": place.end_line if place else None,
        "end_column": place.end_column if place else None,
        "fix": fix_json(problem),
    }


def fix_json(problem: Problem) -> dict[str, Any] | None:
    """What to write instead, where the cure of a problem is certain."""
    edit = cure_of(problem)
    if edit is None or problem.source is None:
        return None
    place = place_of(problem.source, edit.span)
    return {**place._asdict(), "text": edit.text}


def severity_counts(problems: Sequence[Problem]) -> str:
    """`2 errors, 1 warning`."""
    found = [(sum(p.severity == s for p in problems), s) for s in _COLOURS]
    return ", ".join(count(number, severity) for number, severity in found if number)


def summary_line(problems: Sequence[Problem], files: Sequence[str]) -> str:
    """How many problems in how many of the files that were checked."""
    if not problems:
        return f"no problems in {count(len(files), 'file')}"
    faulty = {file_of(p) for p in problems}
    where = count(len(faulty), "file")
    if len(files) > len(faulty) and faulty.issubset(files):
        where = f"{len(faulty)} of {count(len(files), 'file')}"
    return f"{count(len(problems), 'problem')}: {severity_counts(problems)} in {where}"


def plain_line(problem: Problem) -> str:
    """One line that a screen reader can read and a compiler-minded editor can parse."""
    place = place_in(problem)
    at = f":{place.line}:{place.column}" if place else ""
    file = file_of(problem)
    head = f"{visible(file)}{at}: " if file else ""
    about = f"{shown(problem.resource)}: " if problem.resource else ""
    hint = f"; hint: {visible(problem.hint)}" if problem.hint else ""
    return f"{head}{problem.severity}: {about}{visible(problem.message)}{hint} [{problem.code}]"


def github_line(problem: Problem) -> str:
    """A workflow command, which GitHub shows beside the line that it is about."""
    place, file = place_in(problem), file_of(problem)
    properties = {"title": problem.code}
    if file is not None:
        properties["file"] = visible(file)
    if place is not None:
        properties["line"] = str(place.line)
        if place.line == place.end_line:  # GitHub takes columns of one line alone
            properties |= {"col": str(place.column), "endColumn": str(place.end_column)}
        else:
            properties["endLine"] = str(place.end_line)
    about = f"{shown(problem.resource)}: " if problem.resource else ""
    lines = [about + visible(problem.message)]
    if problem.hint:
        lines.append(f"hint: {visible(problem.hint)}")
    said = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{problem.severity} {said}::{_data(chr(10).join(lines))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def render(problems: Iterable[Problem], *, colour: bool, width: int) -> str:
    """Each problem drawn with its source line; a blank line between them."""
    paint = Paint(colour)
    return "\n".join("\n".join(_drawn(p, paint, width)) + "\n" for p in problems)


# ---- drawing -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Mark:
    """A span to underline: with `^` and in colour where it is the problem's own, else with `-`."""

    source: Source
    span: Span
    sign: str
    style: tuple[str, ...]
    text: str = ""


def _drawn(problem: Problem, paint: Paint, width: int) -> list[str]:
    style = (_COLOURS[problem.severity], "bold")
    head = paint(f"{problem.severity}[{problem.code}]", *style)
    about = f"{shown(problem.resource)}: " if problem.resource else ""
    lines = [f"{head}: {paint(about + visible(problem.message), 'bold')}"]
    marks: list[_Mark] = []
    if problem.source is not None and problem.span is not None:
        marks.append(_Mark(problem.source, problem.span, "^", style))
    marks += [_Mark(x.source, x.span, "-", ("blue",), x.text) for x in problem.labels]
    last = max((place_of(m.source, m.span).end_line for m in marks), default=0)
    gutter = " " * len(str(last)) if marks else " "
    bar = paint("|", "blue")
    if not marks and (file := file_of(problem)):
        lines.append(f" {paint('-->', 'blue')} {visible(file)}")
    for index, mark in enumerate(marks):
        place = place_of(mark.source, mark.span)
        here = f"{visible(mark.source.name)}:{place.line}:{place.column}"
        arrow = "-->" if index == 0 else ":::"
        if index == 0 or mark.source.name != marks[index - 1].source.name:
            lines += [f"{gutter}{paint(arrow, 'blue')} {here}", f"{gutter} {bar}"]
        lines += _snippet(mark, place, gutter, paint, width)
    notes = [("hint", problem.hint), ("sentence", problem.sentence)]
    if marks and any(text for _, text in notes):
        lines.append(f"{gutter} {bar}")
    for name, text in notes:
        if text:
            room = max(30, width - len(gutter) - len(name) - 5)
            whole = visible(" ".join(text.split()))
            note = whole if name == "hint" else f"“{cut(whole, room - 2)}”"
            lines.append(f"{gutter} {paint('=', 'blue')} {paint(name, 'bold')}: {note}")
    return lines


def _snippet(mark: _Mark, place: Place, gutter: str, paint: Paint, width: int) -> list[str]:
    """The lines of a span with what is meant underlined."""
    bar = paint("|", "blue")
    lines: list[str] = []
    numbers = [
        n
        for n in range(place.line, place.end_line + 1)
        if n == place.line or mark.source.line_text(n)[: _end(place, n)].strip()
    ]
    for number in numbers[:_MOST_LINES]:
        text = mark.source.line_text(number)
        start = place.column - 1 if number == place.line else len(text) - len(text.lstrip())
        end = min(_end(place, number) or len(text), len(text))
        shown_text, before, under = _window(text, start, end, width - len(gutter) - 3)
        label = f" {visible(mark.text)}" if mark.text and number == numbers[-1] else ""
        label = label and paint(label, *mark.style)
        number_text = paint(str(number).rjust(len(gutter)), "blue")
        lines.append(f"{number_text} {bar} {shown_text}".rstrip())
        lines.append(f"{gutter} {bar} {' ' * before}{paint(mark.sign * under, *mark.style)}{label}")
    if len(numbers) > _MOST_LINES:
        lines.append(f"{gutter} {bar} … and {count(len(numbers) - _MOST_LINES, 'line')} more")
    return lines


def _end(place: Place, number: int) -> int | None:
    """The exclusive end of a span in one of its lines; None: the line's end."""
    return place.end_column - 1 if number == place.end_line else None


def _window(text: str, start: int, end: int, room: int) -> tuple[str, int, int]:
    """A line as shown, cut around `[start, end)`: text, columns before the span, and of it."""
    parts = [_TAB if char == "\t" else visible(char) for char in text]
    widths = [sum(map(char_width, part)) for part in parts]
    first, last = 0, len(parts)
    if sum(widths) > room:
        # Some of what stands before the span is shown, and as much after it as there is room.
        lead = max(8, (room - min(sum(widths[start:end]), room)) // 3)
        while sum(widths[first:start]) > lead:
            first += 1
        used = 1 if first else 0
        last = first
        while last < len(parts) and used + widths[last] < room:
            used += widths[last]
            last += 1
    left = "…" if first else ""
    right = "…" if last < len(parts) else ""
    before = len(left) + sum(widths[first:start])
    under = max(1, sum(widths[start : min(end, last)]))
    return left + "".join(parts[first:last]) + right, before, under


def place_in(problem: Problem) -> Place | None:
    """Where a problem of a text stands in it."""
    if problem.source is None or problem.span is None:
        return None
    return place_of(problem.source, problem.span)


def file_of(problem: Problem) -> str | None:
    """The file that a problem is about."""
    return problem.source.name if problem.source is not None else problem.file
