"""Rows as a table for a clinician: who is eligible, and what stands in the way of the others.

Each patient has a sign for each criterion, with what fails or is missing under it or beside it; a
legend says the criteria, and a summary how much could be decided. A sign is never only a colour.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from protocol_logic.foundation.text import shown
from protocol_logic.surfaces.row_formats import RowWriter, Withheld
from protocol_logic.surfaces.terminal import Paint, count, cut, pad, text_width, visible

if TYPE_CHECKING:
    from protocol_logic.answering.rows import Row
    from protocol_logic.compiling import core

LAST_LINE = "A person decides: this is a calculation over the records as they are."

_STYLES = {
    "pass": ("green",), "fail": ("red", "bold"), "open": ("yellow", "bold"), "vacuous": ("dim",),
    "eligible": ("green", "bold"), "ineligible": ("red", "bold"), "undetermined": ("yellow", "bold"),
}  # fmt: skip
# How a gap is said, by its reason; the order is that of the line.
_GAPS = {
    "absent": "missing", "not_closed": "missing", "no_reference_range": "missing",
    "unreadable": "unreadable", "conflicting": "conflicting", "imprecise": "imprecise",
    "stale": "too old",
}  # fmt: skip
_ID_MOST = 36  # a UUID; longer ids get a line of their own
_BESIDE_LEAST = 44
_GROUP = 5


@dataclass(frozen=True, slots=True)
class Signs:
    """The signs of verdicts and eligibility, and the mark of what is cut."""

    passes: str
    fails: str
    open: str
    vacuous: str
    ellipsis: str

    def of(self, criterion: dict[str, Any]) -> tuple[str, str]:
        """The sign of a row's criterion and the name of its style."""
        if not criterion["applies"]:
            return self.vacuous, "vacuous"
        verdict = criterion["verdict"]
        return {"pass": self.passes, "fail": self.fails, "open": self.open}[verdict], verdict

    def eligibility(self, word: str) -> str:
        """The word with its sign."""
        sign = {"eligible": self.passes, "ineligible": self.fails, "undetermined": self.open}
        return f"{sign[word]} {word}"


def signs_for(encoding: str | None) -> Signs:
    """Signs that an encoding has."""
    try:
        "✓✗–…".encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return Signs("+", "x", "?", "-", "...")
    return Signs("✓", "✗", "?", "–", "…")


class TableWriter(RowWriter):
    """Draws all rows at the end, when it is known how wide they are."""

    def __init__(
        self, protocol: core.Protocol, *, width: int, colour: bool, encoding: str | None = "utf-8"
    ) -> None:
        self._protocol = protocol
        self._width = width
        self._colour = colour
        self._encoding = encoding or "ascii"
        self._rows: list[Row] = []

    def add(self, row: Row) -> None:
        self._rows.append(row)

    def write(self, out: IO[bytes], withheld: Withheld) -> None:
        rows = [row for row in self._rows if not withheld(row["patient"])]
        drawing = _Drawing(
            self._protocol, rows, self._width, Paint(self._colour), signs_for(self._encoding)
        )
        for line in drawing.lines():
            out.write((line.rstrip() + "\n").encode(self._encoding, "backslashreplace"))


@dataclass(slots=True)
class _Layout:
    """Widths of one table; `header`: lines above the signs; `beside`: columns for details."""

    patient: int
    dated: bool
    header: list[str]
    columns: list[int]
    beside: int = 0
    grouped: bool = False

    def lead(self) -> int:
        """The columns before the signs."""
        return self.patient + 2 + (12 if self.dated else 0) + 14 + 2


class _Drawing:
    def __init__(
        self, protocol: core.Protocol, rows: Sequence[Row], width: int, paint: Paint, signs: Signs
    ) -> None:
        self.protocol = protocol
        self.rows = rows
        self.width = width
        self.paint = paint
        self.signs = signs
        self.names = [c.id for c in protocol.criteria]

    def lines(self) -> Iterator[str]:
        """All lines, each at most as wide as asked, where words allow it."""
        title = f"{self.protocol.id} {self.protocol.version}".strip()
        dates = {row["as_of"] for row in self.rows}
        heading = f"{title}, {count(len(self.rows), 'patient')}"
        if len(dates) == 1:
            heading += f", as of {next(iter(dates))}"
        yield self.paint(visible(heading), "bold")
        yield ""
        if len(self.rows) == 1:
            yield from self._one(self.rows[0])
        elif self.rows:
            yield from self._table(dated=len(dates) > 1)
            yield ""
            yield from self._legend()
        if self.rows:
            yield ""
            yield from self._wrapped(summary_text(self.rows), "")
        yield LAST_LINE

    # ---- one patient -----------------------------------------------------------------------------

    def _one(self, row: Row) -> Iterator[str]:
        """A patient alone: a line for each criterion, in place of table and legend."""
        word = self.signs.eligibility(row["eligibility"])
        yield f"{shown(row['patient'])}: {self.paint(word, *_STYLES[row['eligibility']])}"
        yield ""
        for number, criterion in enumerate(row["criteria"], 1):
            sign, style = self.signs.of(criterion)
            yield f" {self.paint(sign, *_STYLES[style])} {self._criterion(number)}"
            gaps = _gap_text([criterion])
            if gaps:
                yield from self._wrapped(self._toned(gaps), " " * 7)
        together = row["decided_jointly"]
        if together:
            yield ""
            yield from self._wrapped(self._toned([("not met together", together)]), "")
        yield ""
        yield self._key()

    # ---- many patients ---------------------------------------------------------------------------

    def _table(self, *, dated: bool) -> Iterator[str]:
        layout = self._layout(dated)
        for index, header in enumerate(layout.header):
            last = index == len(layout.header) - 1
            lead = pad("patient", layout.patient + 2) if last else " " * (layout.patient + 2)
            lead += (pad("as of", 12) if last else " " * 12) if layout.dated else ""
            lead += pad("eligibility" if last else "", 16)
            beside = ("  what stands in the way" if last else "") if layout.beside else ""
            yield self.paint((lead + header + beside).rstrip(), "bold")
        for row in self.rows:
            yield from self._patient(row, layout)

    def _layout(self, dated: bool) -> _Layout:
        """The richest layout that fits: names or numbers above the signs, details beside or under."""
        patient = min(max([7, *(text_width(shown(r["patient"])) for r in self.rows)]), _ID_MOST)
        named, named_columns = _named_header(self.names)
        numbered, number_columns = _numbered_header(len(self.names))
        grouped = _grouped_header(len(self.names))
        for with_dates in (True, False) if dated else (False,):
            for header, columns in ((named, named_columns), (numbered, number_columns)):
                layout = _Layout(patient, with_dates, header, columns)
                rest = self.width - layout.lead() - sum(columns) - 2
                if rest >= _BESIDE_LEAST:
                    layout.beside = rest
                    return layout
            layout = _Layout(patient, with_dates, numbered, number_columns)
            if layout.lead() + sum(number_columns) <= self.width:
                return layout
            layout = _Layout(patient, with_dates, [grouped], [], grouped=True)
            if layout.lead() + len(grouped) <= self.width:
                return layout
        # Too many criteria for one line: their groups are broken over several.
        return _Layout(min(patient, 12), False, [""], [], grouped=True)

    def _patient(self, row: Row, layout: _Layout) -> Iterator[str]:
        name = shown(row["patient"])
        if text_width(name) > layout.patient:
            yield name
            name = ""
        word = self.signs.eligibility(row["eligibility"])
        lead = pad(name, layout.patient + 2)
        lead += pad(row["as_of"], 12) if layout.dated else ""
        lead += self.paint(pad(word, 14), *_STYLES[row["eligibility"]]) + "  "
        signs = self._signs(row, layout)
        details = self._toned(_details(row))
        if layout.beside:
            beside = _wrap(details, layout.beside) or [[]]
            indent = " " * (layout.lead() + sum(layout.columns))
            yield f"{lead}{signs[0]}  {self._painted(beside[0])}"
            for line in beside[1:]:
                yield f"{indent}  {self._painted(line)}"
            return
        yield lead + signs[0]
        for more in signs[1:]:
            yield " " * layout.lead() + more
        yield from self._wrapped(details, " " * (layout.patient + 2 if layout.patient <= 20 else 4))

    def _signs(self, row: Row, layout: _Layout) -> list[str]:
        marks = [self.signs.of(c) for c in row["criteria"]]
        if not layout.grouped:
            cells = zip(marks, layout.columns, strict=True)
            return ["".join(" " * (w - 1) + self.paint(s, *_STYLES[t]) for (s, t), w in cells)]
        groups = [
            "".join(self.paint(s, *_STYLES[t]) for s, t in marks[i : i + _GROUP])
            for i in range(0, len(marks), _GROUP)
        ]
        each = max(1, (self.width - layout.lead() + 1) // (_GROUP + 1))
        return [" ".join(groups[i : i + each]) for i in range(0, len(groups), each)] or [""]

    # ---- legend and summary ----------------------------------------------------------------------

    def _legend(self) -> Iterator[str]:
        yield self.paint("Criteria", "bold") + "  " + self._key()
        for number in range(1, len(self.names) + 1):
            yield " " + self._criterion(number)

    def _key(self) -> str:
        s = self.signs
        return (
            f"{s.passes} passes  {s.fails} does not pass  {s.open} open  {s.vacuous} does not apply"
        )

    def _criterion(self, number: int) -> str:
        """Number, id and shortened sentence of a criterion; its polarity where both occur."""
        criterion = self.protocol.criteria[number - 1]
        digits = len(str(len(self.names)))
        names = max(map(len, self.names))
        polarity = ""
        if len({c.polarity for c in self.protocol.criteria}) > 1:
            polarity = pad("include" if criterion.polarity == "inclusion" else "exclude", 9)
        lead = f"{number:>{digits}}  {polarity}"
        width = min(names, max(12, self.width // 3))
        name = pad(cut(criterion.id, width, self.signs.ellipsis), width)
        sentence = visible(" ".join(criterion.sentence.split())).rstrip(" ;.")
        room = self.width - len(lead) - width - 5
        return f"{lead}{name}  {cut(sentence, max(room, 16), self.signs.ellipsis)}"

    # ---- details ---------------------------------------------------------------------------------

    def _toned(self, parts: list[tuple[str, list[str]]]) -> list[tuple[str, str]]:
        """`not met: a, b; missing: c` as words, each with the style that it is painted in."""
        words: list[tuple[str, str]] = []
        for index, (head, names) in enumerate(parts):
            style = "fail" if head in _FAILING else "open"
            words += [(word, style) for word in f"{head}:".split(" ")]
            ends = [","] * (len(names) - 1) + ["" if index == len(parts) - 1 else ";"]
            words += [(visible(n) + end, "") for n, end in zip(names, ends, strict=True)]
        return words

    def _painted(self, words: list[tuple[str, str]]) -> str:
        return " ".join(self.paint(w, _STYLES[s][0]) if s else w for w, s in words)

    def _wrapped(self, words: list[tuple[str, str]] | str, indent: str) -> Iterator[str]:
        if isinstance(words, str):
            words = [(word, "") for word in words.split()]
        for line in _wrap(words, self.width - len(indent)):
            yield indent + self._painted(line)


_FAILING = ("not met", "not met together", "excluded by")


def _details(row: Row) -> list[tuple[str, list[str]]]:
    """What stands in a patient's way: failing criteria first, then what keeps others open."""
    failing = [c for c in row["criteria"] if c["verdict"] == "fail"]
    parts = [
        ("not met", [c["id"] for c in failing if c["polarity"] == "inclusion"]),
        ("excluded by", [c["id"] for c in failing if c["polarity"] == "exclusion"]),
        ("not met together", list(row["decided_jointly"])),
    ]
    return [part for part in parts if part[1]] + _gap_text(row["criteria"])


def _gap_text(criteria: Sequence[dict[str, Any]]) -> list[tuple[str, list[str]]]:
    """The elements that keep criteria open, by what is wrong with them."""
    found: dict[str, dict[str, None]] = {words: {} for words in _GAPS.values()}
    for criterion in criteria:
        for gap in criterion["gap_details"]:
            found[_GAPS.get(gap["reason"], "missing")][gap["element"]] = None
    return [(words, sorted(elements)) for words, elements in found.items() if elements]


def _wrap(words: list[tuple[str, str]], width: int) -> list[list[tuple[str, str]]]:
    """Words to lines; a word longer than a line stands alone."""
    lines: list[list[tuple[str, str]]] = []
    used = 0
    for word in words:
        size = text_width(word[0])
        if lines and used + 1 + size <= width:
            lines[-1].append(word)
            used += 1 + size
        else:
            lines.append([word])
            used = size
    return lines


def _numbered_header(number: int) -> tuple[list[str], list[int]]:
    """Numbers above signs, and the columns of each."""
    columns = [len(str(n)) + (1 if n > 9 else 2) for n in range(1, number + 1)]
    columns[:1] = [2] if columns else []
    return ["".join(str(n).rjust(w) for n, w in enumerate(columns, 1))], columns


def _grouped_header(number: int) -> str:
    """The number of the first criterion of each group of five."""
    starts = range(1, number + 1, _GROUP)
    return " ".join(pad(str(n), _GROUP) for n in starts)[: number + len(starts) - 1]


def _named_header(names: Sequence[str]) -> tuple[list[str], list[int]]:
    """Ids above signs, broken at `_` into short lines, and the columns of each."""
    broken = [textwrap.wrap(name.replace("_", "_ "), max(8, len(name) // 2 + 2)) for name in names]
    stacks = [[part.replace("_ ", "_") for part in parts] for parts in broken]
    height = max(map(len, stacks), default=1)
    columns = [max(map(len, stack)) + 2 for stack in stacks]
    lines = []
    for level in range(height):
        cells = [[""] * (height - len(stack)) + stack for stack in stacks]
        lines.append("".join(c[level].rjust(w) for c, w in zip(cells, columns, strict=True)))
    return lines, columns


def summary_text(rows: Sequence[Row]) -> str:
    """How many patients and criteria were decided, and what is most often missing."""
    from protocol_logic.answering.rows import summary

    found = summary(rows)
    words = ", ".join(f"{n:,} {word}" for word, n in found["eligibility"].items())
    decided, total = found["criteria_decided"], found["criteria"]
    # Rounded down: 100 % is said only where all are decided.
    share = f" ({100 * decided // total} %)" if total else ""
    text = (
        f"{count(found['patients'], 'patient')}: {words}; "
        f"{decided:,} of {count(total, 'criterion', 'criteria')} decided{share}"
    )
    missing = list(found["missing"].items())[:5]
    if missing:
        text += "; most often missing: " + ", ".join(f"{name} ({n:,})" for name, n in missing)
    return text
