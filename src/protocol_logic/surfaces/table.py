"""Rows as a table for a clinician: who is eligible, and what stands in the way of the others.

Each patient has a sign for each criterion, with what fails or is missing under it or beside it; a
legend says the criteria, and a summary how much could be decided. A sign is never only a colour.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING

from protocol_logic.compiling.basis import KINDS
from protocol_logic.foundation.text import shown
from protocol_logic.surfaces.outputs import written
from protocol_logic.surfaces.row_formats import Pieces, RowFormat
from protocol_logic.surfaces.table_details import (
    DECEASED,
    ELIGIBILITIES,
    capped,
    details_parts,
    gap_parts,
    passed_parts,
    status_of,
    status_words,
    together,
    unknown_of,
    unknown_parts,
    why_lines,
    words_of,
    words_of_why,
)
from protocol_logic.surfaces.table_layout import (
    GROUP,
    ID_MOST,
    Layout,
    Signs,
    Words,
    choose_layout,
    signs_for,
    wrap,
)
from protocol_logic.surfaces.terminal import Paint, count, cut, pad, text_width, visible

if TYPE_CHECKING:
    from protocol_logic.answering.rows import Row, Summary
    from protocol_logic.compiling import core
    from protocol_logic.compiling.policies import Policies

LAST_LINE = "A person decides: this is a calculation over the records as they are."

_KEPT = ("patient", "as_of", "eligibility", "decided_jointly", "scopes")

_STYLES = {
    "pass": ("green",),
    "fail": ("red", "bold"),
    "open": ("yellow", "bold"),
    "vacuous": ("dim",),
    "eligible": ("green", "bold"),
    "ineligible": ("red", "bold"),
    "undetermined": ("yellow", "bold"),
    "red": ("red",),
    "yellow": ("yellow",),
}


class Table(RowFormat):
    """Draws the rows when all are there and it is known how wide they are."""

    def __init__(
        self,
        protocol: core.Protocol,
        policies: Policies | None = None,
        *,
        width: int,
        colour: bool,
        encoding: str | None = "utf-8",
    ) -> None:
        self._protocol = protocol
        self._policies = policies
        self._width = width
        self._colour = colour
        self._encoding = encoding or "ascii"

    @staticmethod
    def piece(row: Row) -> bytes:
        kept = {key: row[key] for key in _KEPT}
        names: tuple[str, ...] = (
            "id", "polarity", "basis", "asked", "outcome", "verdict", "applies", "gaps",
            "gap_details", "passed_over", "unread",
        )  # fmt: skip
        if "why" in row:
            names += ("why",)
        kept["status"] = status_of(row)
        kept["unknown"] = unknown_of(row)
        criteria = [{name: criterion[name] for name in names} for criterion in row["criteria"]]
        return written(json.dumps({**kept, "criteria": criteria}, separators=(",", ":")))

    def write(self, out: IO[bytes], pieces: Pieces) -> None:
        paint, signs = Paint(self._colour), signs_for(self._encoding)
        drawing = _Drawing(self._protocol, self._policies, pieces, self._width, paint, signs)
        for line in drawing.lines():
            out.write((line.rstrip() + "\n").encode(self._encoding, "backslashreplace"))


class _Drawing:
    def __init__(
        self,
        protocol: core.Protocol,
        policies: Policies | None,
        pieces: Pieces,
        width: int,
        paint: Paint,
        signs: Signs,
    ) -> None:
        self.protocol = protocol
        self.policies = policies
        self.pieces = pieces
        self.width = width
        self.paint = paint
        self.signs = signs
        self.names = [c.id for c in protocol.criteria]

    def rows(self) -> Iterator[Row]:
        """The rows, read from their pieces one by one."""
        return map(json.loads, self.pieces())

    def lines(self) -> Iterator[str]:
        """All lines, each at most as wide as asked, where words allow it."""
        from protocol_logic.answering.rows import Summary, parameters_of, set_for_run

        summary, dates, widest, deceased = Summary(), set[str](), 0, 0
        for row in self.rows():
            summary.add(row)
            deceased += any(said.startswith(DECEASED) for said in row["status"])
            dates.add(row["as_of"])
            size = text_width(shown(row["patient"]))
            widest = max(widest, size if size <= ID_MOST else 0)
        title = f"{self.protocol.id} {self.protocol.version}".strip()
        heading = f"{title}, {count(summary.patients, 'patient')}"
        if len(dates) == 1:
            heading += f", as of {next(iter(dates))}"
        yield self.paint(visible(heading), "bold")
        if self.policies is not None:
            site = visible(f"{self.policies.id} {self.policies.version}".strip())
            yield from self._wrapped(words_of([(f"under {site}", list(self.policies.texts))]), "")
        set_here = set_for_run(parameters_of(self.protocol))
        if set_here:
            yield from self._wrapped(words_of([("set for this run", set_here)]), "")
        yield ""
        if summary.patients == 1:
            yield from self._one(next(self.rows()))
        elif summary.patients:
            yield from self._table(widest, dated=len(dates) > 1)
            yield ""
            yield self.paint("Criteria", "bold") + "  " + self.signs.key()
            for number in range(1, len(self.names) + 1):
                yield " " + self._criterion(number, " ")
        if summary.patients:
            yield ""
            said = summary_text(summary)
            if deceased:
                said += f"; {deceased:,} of the patients recorded as deceased"
            yield from self._wrapped([(word, "") for word in said.split()], "")
            yield from self._wrapped([(word, "") for word in LAST_LINE.split()], "")

    # ---- one patient -----------------------------------------------------------------------------

    def _one(self, row: Row) -> Iterator[str]:
        """A patient alone: a line for each criterion, in place of table and legend."""
        word = self.signs.eligibility(row["eligibility"])
        yield f"{shown(row['patient'])}: {self.paint(word, *_STYLES[row['eligibility']])}"
        yield from self._wrapped(status_words(row), "")
        yield from self._wrapped(words_of(unknown_parts(row)), "")
        names = [scope["id"] for scope in row["scopes"]]
        for scope in row["scopes"]:
            word = self.signs.eligibility(scope["eligibility"])
            painted = self.paint(pad(word, 14), *_STYLES[scope["eligibility"]])
            yield f" {pad(scope['id'], max(map(len, names)))}  {painted}  {visible(scope['label'])}"
        yield ""
        for number, criterion in enumerate(row["criteria"], 1):
            sign, style = self.signs.of(criterion)
            yield f" {self.paint(sign, *_STYLES[style])} {self._criterion(number, '   ')}"
            said = words_of_why(criterion)
            said = said or words_of(gap_parts([criterion], self.protocol.vocabulary))
            yield from self._wrapped(said, " " * 7)
            yield from self._wrapped(words_of(passed_parts([criterion])), " " * 7)
        joint = together(row)
        if joint:
            yield ""
            yield from self._wrapped(words_of(joint), "")
        yield ""
        yield self.signs.key()

    # ---- many patients ---------------------------------------------------------------------------

    def _table(self, widest: int, *, dated: bool) -> Iterator[str]:
        layout = choose_layout(widest, self.names, self.width, dated=dated)
        *above, last = layout.header
        for header in above:
            yield self.paint((" " * layout.lead() + header).rstrip(), "bold")
        beside = "  what stands in the way" if layout.beside else ""
        start = layout.start("patient", "as of", "eligibility")
        yield self.paint((start + last + beside).rstrip(), "bold")
        for row in self.rows():
            yield from self._patient(row, shown(row["patient"]), layout)

    def _patient(self, row: Row, patient: str, layout: Layout) -> Iterator[str]:
        if text_width(patient) > layout.patient:
            yield patient
            patient = ""
        word = self.signs.eligibility(row["eligibility"])
        painted = self.paint(word, *_STYLES[row["eligibility"]])
        start = layout.start(patient, row["as_of"], word, painted)
        signs = self._signs(row, layout)
        details = words_of(details_parts(row, self.protocol.vocabulary))
        details = status_words(row, ";" if details else "") + details
        yield from self._signed(start, signs, details, layout)
        for said in why_lines(row):
            first, *more = wrap(said, self.width - 6)
            yield "    " + self._painted(first)
            for line in more:
                yield "      " + self._painted(line)

    def _signed(
        self, start: str, signs: list[str], details: Words, layout: Layout
    ) -> Iterator[str]:
        """The signs of a patient, with the details beside them or below."""
        if layout.beside:
            beside = capped(details, layout.beside, self.signs.ellipsis) or [[]]
            yield f"{start}{signs[0]}  {self._painted(beside[0])}"
            for line in beside[1:]:
                yield " " * (layout.lead() + layout.signs() + 2) + self._painted(line)
            return
        yield start + signs[0]
        for number, more in enumerate(signs[1:], 1):
            # The header has the numbers of the first line alone.
            first = str(GROUP * layout.groups(self.width) * number + 1)
            yield first.rjust(layout.lead() - 2) + "  " + more
        indent = " " * (layout.patient + 2 if layout.patient <= 20 else 4)
        for line in capped(details, self.width - len(indent), self.signs.ellipsis):
            yield indent + self._painted(line)

    def _signs(self, row: Row, layout: Layout) -> list[str]:
        """The signs of a patient, on one line wherever they fit."""
        marks = [self.signs.of(c) for c in row["criteria"]]
        painted = [self.paint(sign, *_STYLES[style]) for sign, style in marks]
        if not layout.grouped:
            cells = []
            for sign, width in zip(painted, layout.columns, strict=True):
                # As str.center places the header above.
                before = len("x".center(width).rstrip()) - 1 if layout.centred else width - 1
                cells.append(" " * before + sign + " " * (width - before - 1))
            return ["".join(cells)]
        groups = ["".join(painted[i : i + GROUP]) for i in range(0, len(painted), GROUP)]
        each = layout.groups(self.width)
        return [" ".join(groups[i : i + each]) for i in range(0, len(groups), each)] or [""]

    # ---- legend and details ----------------------------------------------------------------------

    def _criterion(self, number: int, before: str) -> str:
        """Number, id and shortened sentence of a criterion; its polarity where both occur.

        `before`: what stands before it on its line.
        """
        criterion = self.protocol.criteria[number - 1]
        lead = f"{number:>{len(str(len(self.names)))}}  "
        if len({c.polarity for c in self.protocol.criteria}) > 1:
            lead += pad("include" if criterion.polarity == "inclusion" else "exclude", 9)
        width = min(max(map(len, self.names)), max(12, self.width // 3))
        name = pad(cut(criterion.id, width, self.signs.ellipsis), width)
        sentence = visible(" ".join(criterion.sentence.split())).rstrip(" ;.")
        if criterion.scopes:
            sentence = f"(for {', '.join(criterion.scopes)}) {sentence}"
        room = max(16, self.width - len(before) - len(lead) - width - 2)
        return f"{lead}{name}  {cut(sentence, room, self.signs.ellipsis)}"

    def _painted(self, words: Words) -> str:
        return " ".join(
            self.paint(word, *_STYLES[style]) if style else word for word, style in words
        )

    def _wrapped(self, words: Words, indent: str) -> Iterator[str]:
        for line in wrap(words, self.width - len(indent)):
            yield indent + self._painted(line)


def _counted(eligibility: Counter[str]) -> str:
    return ", ".join(f"{eligibility[kind]:,} {kind}" for kind in ELIGIBILITIES)


def summary_text(summary: Summary) -> str:
    """How many patients and criteria were decided, and what is most often open."""
    words = _counted(summary.eligibility)
    words += "".join(f"; for {name} {_counted(each)}" for name, each in summary.scopes.items())
    # Rounded down: 100 % is said only where all are decided.
    total = summary.criteria
    share = f" ({100 * summary.decided // total} %)" if total else ""
    text = (
        f"{count(summary.patients, 'patient')}: {words}; "
        f"{summary.decided:,} of {count(total, 'criterion', 'criteria')} decided{share}"
    )
    if set(summary.rests) - {"computed"}:
        text += ": " + ", ".join(
            f"{kind} {summary.decided_by[kind]:,} of {summary.rests[kind]:,}"
            for kind in KINDS
            if summary.rests[kind]
        )
    missing = sorted(summary.missing.items(), key=lambda item: (-item[1], item[0]))[:5]
    if missing:
        text += "; most often open: " + ", ".join(f"{name} ({n:,})" for name, n in missing)
        more = len(summary.missing) - len(missing)
        text += f" and {more:,} more" if more else ""
    return text
