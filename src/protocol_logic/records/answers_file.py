"""Reads answers of people: a CSV file with patient, element, value, who, when and source.

Each row that cannot be used is told with all that is wrong with it. Source: docs/answers.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.foundation.problems import Problem, Problems, did_you_mean
from protocol_logic.foundation.source import Source, Span
from protocol_logic.foundation.text import shown, unguarded, unseen
from protocol_logic.knowledge.vocabulary import Concept, Named, Quantity, Timepoint
from protocol_logic.records.answers import Answer, Answers, Said
from protocol_logic.records.csv_text import CsvRow, NotCsv, csv_rows
from protocol_logic.records.elements import Element, Elements, Unanswerable
from protocol_logic.records.facts import Appointed, Attested, Closed, Limit, NotTaken
from protocol_logic.records.quantities import Unreadable
from protocol_logic.records.said import read_said
from protocol_logic.records.values import placed, read_date, read_intent, read_limit, read_value

COLUMNS = ("patient", "element", "value", "who", "when", "source")
_NEEDED = ("patient", "element", "who", "when")


def read_answers(file: Source, elements: Elements, problems: Problems) -> Answers | None:
    """The answers in the text of a CSV file.

    Each row that cannot be used is a problem `bad-answer`, with all that is wrong with it; the
    others count. None, with the problems, where the file as a whole is not what it should be.
    """
    return _Reader(file, elements, problems).read()


class _Reader:
    def __init__(self, file: Source, elements: Elements, problems: Problems) -> None:
        self.file = file
        self.elements = elements
        self.problems = problems
        self.answers: dict[str, list[Answer]] = {}
        self.unanswered = 0

    def read(self) -> Answers | None:
        # Lines as `Source` counts them.
        rows = csv_rows(f"{line}\n" for line in self.file.text.split("\n"))
        try:
            header = next(rows)
            if not self._is_header(header):
                return None
            for row in rows:
                self._row(header.cells, row)
        except NotCsv as error:
            self._problem(error.message, self.file.line_span(error.line), error.hint)
            return None
        by_patient = {patient: tuple(answers) for patient, answers in self.answers.items()}
        return Answers(self.file, by_patient, self.unanswered)

    def _problem(self, message: str, span: Span, hint: str | None = None) -> None:
        problem = Problem(
            code="bad-answer", message=message, hint=hint, source=self.file, span=span
        )
        self.problems.add(problem)

    def _is_header(self, header: CsvRow) -> bool:
        missing = [name for name in COLUMNS if name not in header.cells]
        others = [cell for cell in header.cells if cell and cell not in COLUMNS]
        for name in missing:
            hint = did_you_mean(name, others) or f"the header is {','.join(COLUMNS)}"
            span = self.file.line_span(header.line)
            self._problem(f"there is no column `{name}`", span, hint)
        return not missing

    def _row(self, header: list[str], row: CsvRow) -> None:
        if not any(row.cells):
            return
        if len(row.cells) != len(header):
            message = f"{len(row.cells)} cells, but the header has {len(header)}"
            hint = "a cell with a comma in it stands in double quotes"
            self._problem(message, self.file.line_span(row.line), hint)
            return
        spans = dict(zip(header, _cells(self.file, row), strict=True))
        cells = {
            name: unguarded(cell)
            for name, cell in zip(header, row.cells, strict=True)
            if name in COLUMNS
        }
        if not cells["value"]:
            self.unanswered += 1
            return
        before = len(self.problems.items)
        for name, cell in cells.items():
            self._check_cell(name, cell, spans[name])
        when, element = self._when(cells, spans), self._element(cells, spans)
        if element is not None:
            answer = self._answer(element, cells, when, row.line, spans)
            if answer is not None and len(self.problems.items) == before:
                self._keep(cells["patient"], answer, self.file.line_span(row.line))

    def _check_cell(self, name: str, cell: str, span: Span) -> None:
        char = unseen(cell)
        if char is not None:
            self._problem(f"`{name}` holds `{char}`, a character that cannot be seen", span)
        elif not cell and name in _NEEDED:
            hint = "who answered is kept with the answer" if name == "who" else None
            self._problem(f"`{name}` is empty", span, hint)
        elif cell.startswith(("=", "@")) and name not in ("patient", "value"):
            self._problem(f"`{name}` begins like a formula", span, "write the text itself")

    def _when(self, cells: Mapping[str, str], spans: Mapping[str, Span]) -> PartialDate | None:
        try:
            return read_date(cells["when"]) if cells["when"] else None
        except Unreadable as error:
            self._problem(f"`when`: {error.message}", spans["when"])
            return None

    def _element(self, cells: Mapping[str, str], spans: Mapping[str, Span]) -> Element | None:
        try:
            return self.elements.find(cells["element"]) if cells["element"] else None
        except Unanswerable as error:
            self._problem(error.message, spans["element"], error.hint)
            return None

    def _answer(
        self,
        element: Element,
        cells: Mapping[str, str],
        when: PartialDate | None,
        line: int,
        spans: Mapping[str, Span],
    ) -> Answer | None:
        try:
            said = _said(self.elements, element, cells["value"])
        except Unreadable as error:
            medication = isinstance(element.entry, Concept) and element.entry.kind == "medication"
            hint = error.hint
            if medication and element.resource:
                hint = "of one record also `not taken`"
            self._problem(f"`{shown(cells['element'])}`: {error.message}", spans["value"], hint)
            return None
        if when is None:
            return None
        if isinstance(element.entry, Timepoint) and not when.exact:
            self._problem("when the day of a time point was said needs a day", spans["when"])
            return None
        attested = Attested(
            cells["element"], cells["value"], cells["who"], when.text, cells["source"]
        )
        return _answer(self.elements, element, said, when, attested, line)

    def _keep(self, patient: str, answer: Answer, span: Span) -> None:
        kept = self.answers.setdefault(patient, [])
        for other in kept:
            if other.key != answer.key:
                continue
            if other.said == answer.said:
                self._problem(f"it says the same as line {other.line}", span)
                return
            if answer.resource is not None or isinstance(answer.said, Limit | Appointed):
                about = " about one resource" if answer.resource is not None else ""
                hint = f"of several answers{about} the newest counts"
                self._problem(f"it contradicts line {other.line} of the same day", span, hint)
                return
        kept.append(answer)


def answer_of(
    elements: Elements, text: str, value: str, when: PartialDate, who: str, line: int
) -> Answer:
    """What a value says of an element on a day; raises Unanswerable and Unreadable."""
    element = elements.find(text)
    said = _said(elements, element, value)
    attested = Attested(text, value, who, when.text, "")
    return _answer(elements, element, said, when, attested, line)


def _answer(
    elements: Elements,
    element: Element,
    said: Said,
    when: PartialDate,
    attested: Attested,
    line: int,
) -> Answer:
    entry = element.entry
    name = entry.name if entry is not None else ""
    date: PartialDate | None = when
    own_date = False
    if entry is not None and not isinstance(said, Limit | str):
        name, date, said, own_date = placed(entry, said, when)
    return Answer(
        line=line,
        attested=attested,
        when=when,
        said=said,
        entry=name,
        resource=element.resource,
        about=elements.read_from(entry) if entry is not None else frozenset(),
        date=date,
        own_date=own_date,
    )


def _said(elements: Elements, element: Element, value: str) -> Said:
    """What a value says of an element; raises Unreadable."""
    entry: Named | None = element.entry
    if element.kind == "intent" or element.entry is None:
        return read_intent(value)
    if element.kind == "ULN" or element.kind == "LLN":
        assert isinstance(entry, Quantity)
        return Limit(None, read_limit(entry, value), "", element.kind)
    if element.evidence is not None:
        if value.casefold() != "confirmed":
            raise Unreadable(f"`{shown(value)}` is no value of it; expected is `confirmed`")
        return read_value(element.entry, f"confirmed by {element.evidence}")
    said = read_said(elements.vocabulary, element.entry, value)
    if isinstance(said, Closed) and element.resource is not None:
        raise Unreadable(f"`{shown(value)}` is said of a patient, not of one record")
    if isinstance(said, NotTaken) and element.resource is None:
        raise Unreadable(
            "`not taken` is said of one record; that there was none, by `never`, and that there "
            "was no more, by `complete`"
        )
    return said


def _cells(file: Source, row: CsvRow) -> Iterable[Span]:
    """The cells of a row; an empty one is where it would stand."""
    position = file.starts[row.line - 1]
    for cell in row.cells:
        written = cell.replace('"', '""')
        start = file.text.find(written, position)
        if start < 0:
            yield file.line_span(row.line)
            continue
        yield Span(start, start + max(1, len(written)))
        comma = file.text.find(",", start + len(written))
        position = comma + 1 if comma >= 0 else len(file.text)
