"""Answers of people: a CSV file with patient, element, value, who, when and source.

An answer is a fact like any other, dated by its `when`: the newest decides, and different ones of
one day contradict each other. An answer about one resource takes the place of what that resource
says of the element. Source: docs/answers.md.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TypeAlias

from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.foundation.problems import Problem, Problems, did_you_mean
from protocol_logic.foundation.source import Source, Span
from protocol_logic.foundation.text import shown, unguarded, unseen
from protocol_logic.knowledge.vocabulary import Concept, Named, Quantity, Timepoint
from protocol_logic.records.csv_text import CsvRow, NotCsv, csv_rows
from protocol_logic.records.elements import Element, Elements, Unanswerable
from protocol_logic.records.facts import (
    Appointed,
    Attested,
    Closed,
    ConditionStated,
    Done,
    End,
    Fact,
    Happened,
    Limit,
    Measured,
    NotTaken,
    PatientRecord,
    Qualified,
    Reading,
    Therapy,
    place,
)
from protocol_logic.records.quantities import Unreadable
from protocol_logic.records.values import (
    Intent,
    placed,
    read_date,
    read_intent,
    read_limit,
    read_value,
)

COLUMNS = ("patient", "element", "value", "who", "when", "source")
_NEEDED = ("patient", "element", "who", "when")
_MOST_UNKNOWN = 20

Said: TypeAlias = Reading | Limit | Intent
"""What an answer says: a reading of an entry, a limit of normal in its unit, or an intent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One row of an answers file, read.

    `entry`: the name of the entry of the fact that it makes, or whose results it gives a limit.
    `resource`: the one resource that it is about; then it says more of the facts of the entries
    `about`. `own_date`: the value itself dates the fact, on `date`.
    """

    line: int
    attested: Attested
    when: PartialDate
    said: Said
    entry: str
    resource: str | None
    about: frozenset[str]
    date: PartialDate | None
    own_date: bool

    @property
    def key(self) -> tuple[object, ...]:
        """What it answers, of which day."""
        kind: object = type(self.said) if isinstance(self.said, str) else None
        if isinstance(self.said, Limit):
            kind = self.said.end
        return (kind, self.entry, self.resource, self.when)


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers of a file by patient, in its order. `unanswered`: rows without a value."""

    file: Source
    by_patient: Mapping[str, tuple[Answer, ...]] = field(default_factory=dict)
    unanswered: int = 0

    def apply(self, record: PatientRecord, as_of: date) -> PatientRecord:
        """The record with the answers about its patient; those without effect are problems."""
        answers = self.by_patient.get(record.patient, ())
        if not answers:
            return record
        facts, problems = list(record.facts), list(record.problems)
        for answer in sorted(answers, key=lambda a: (a.when.first, a.line)):
            why = _use(answer, facts, as_of, self._place(answer))
            if why is not None:
                element = shown(answer.attested.element)
                problems.append(
                    Problem(
                        code="answer-not-used",
                        message=f"the answer to `{element}` has no effect: {why}",
                        resource=self._place(answer),
                        file=self.file.name,
                    )
                )
        return replace(
            record,
            facts=tuple(sorted(facts, key=place)),
            problems=tuple(Problems(problems).sorted()),
        )

    def _place(self, answer: Answer) -> str:
        return f"{Path(self.file.name).name}:{answer.line}"

    def unknown_patients(self, known: Collection[str]) -> Iterator[Problem]:
        """A problem for each patient who is none of the `known`: all of the run."""
        unknown = [patient for patient in self.by_patient if patient not in known]
        for number, patient in enumerate(unknown):
            first = self.by_patient[patient][0]
            yield Problem(
                code="unknown-patient",
                message=f"`{shown(patient)}` is no patient of this run",
                # Searching for the nearest of many ids takes time.
                hint=did_you_mean(patient, known) if number < _MOST_UNKNOWN else None,
                source=self.file,
                span=_line(self.file, first.line),
            )


# ---- using an answer -----------------------------------------------------------------------------


def _use(answer: Answer, facts: list[Fact], as_of: date, name: str) -> str | None:
    """Add the answer to the facts; why it has no effect where it has none."""
    if answer.when.first > as_of:
        return f"it is dated {answer.when.text}, after the as-of date"
    if isinstance(answer.said, Limit):
        found, why = _without_limit(answer, answer.said.end, facts, as_of)
    elif answer.resource is None:
        facts.append(_fact(answer, answer.said, name))
        return None
    else:
        found = [i for i, fact in enumerate(facts) if _is_about(answer, fact)]
        why = f"`{shown(answer.resource)}` says nothing of it in the record"
    for index in found:
        facts[index] = _more(facts[index], answer)
    return None if found else why


def _fact(answer: Answer, said: Reading | Intent, name: str) -> Fact:
    assert not isinstance(said, str)  # an intent is that of a resource
    return Fact(
        entry=answer.entry,
        resource=name,
        date=answer.date,
        recorded=answer.attested.value,
        reading=said,
        attested=(answer.attested,),
    )


def _is_about(answer: Answer, fact: Fact) -> bool:
    if fact.resource != answer.resource:
        return False
    if isinstance(answer.said, str):
        return isinstance(fact.reading, Therapy)
    return fact.entry in answer.about


def _without_limit(
    answer: Answer, end: End, facts: list[Fact], as_of: date
) -> tuple[list[int], str]:
    """The results that get the limit: the one that is named, or the newest without one."""
    results = {
        i: fact.date.first
        for i, fact in enumerate(facts)
        if fact.entry == answer.entry and isinstance(fact.reading, Measured) and fact.date
    }
    if answer.resource is not None:
        why = f"`{shown(answer.resource)}` is no result of it in the record"
        return [i for i in results if facts[i].resource == answer.resource], why
    last = min(as_of, answer.when.last)
    seen = {i: day for i, day in results.items() if day <= last}
    if not seen:
        return [], f"there is no result of it until {answer.when.text}"
    newest = max(seen.values())
    found = [i for i in seen if (day := facts[i].date) is not None and day.last >= newest]
    why = "the newest result states a limit; to say another, name the result after a colon"
    return [i for i in found if not _has_limit(facts[i], end)], why


def _has_limit(fact: Fact, end: End) -> bool:
    limits = fact.reading.limits if isinstance(fact.reading, Measured) else ()
    return any(limit.sex is None and limit.value > 0 and limit.end == end for limit in limits)


def _more(fact: Fact, answer: Answer) -> Fact:
    """The fact of a resource with what the answer says of it."""
    said, old = answer.said, fact.reading
    reading: Reading
    match said, old:
        case Limit(), Measured():
            limit = replace(said, recorded=answer.attested.value)
            kept = (x for x in old.limits if x.end != said.end or (x.sex and not answer.resource))
            reading = replace(old, limits=(*kept, limit))
        case str(), Therapy():
            reading = replace(old, intent=said)
        case Happened(), ConditionStated():
            reading = replace(old, onset=said.on)
        case Therapy(), Therapy():
            reading = replace(said, intent=said.intent or old.intent)
        case Measured(), Measured():
            reading = said if said.limits else replace(said, limits=old.limits)
        case ConditionStated(), ConditionStated():
            reading = replace(
                old,
                state=said.state,
                confirmed=said.state == "present",
                evidence=old.evidence | said.evidence,
                abated=None,
            )
        case Qualified(), ConditionStated() | Done():
            others = tuple(each for each in old.qualifiers if each[0] != said.name)
            qualifiers = (*others, (said.name, frozenset({said.value})))
            reading = replace(old, qualifiers=qualifiers)
        case Done(), Done():
            reading = replace(old, side=said.side)
        case ((Limit() | str()), _):
            raise AssertionError(said, old)
        case _:
            reading = said
    return replace(
        fact,
        date=answer.date if answer.own_date else fact.date,
        reading=reading,
        attested=(*fact.attested, answer.attested),
    )


# ---- reading the file ----------------------------------------------------------------------------


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
            self._problem(error.message, _line(self.file, error.line), error.hint)
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
            span = _line(self.file, header.line)
            self._problem(f"there is no column `{name}`", span, hint)
        return not missing

    def _row(self, header: list[str], row: CsvRow) -> None:
        if not any(row.cells):
            return
        if len(row.cells) != len(header):
            message = f"{len(row.cells)} cells, but the header has {len(header)}"
            hint = "a cell with a comma in it stands in double quotes"
            self._problem(message, _line(self.file, row.line), hint)
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
                self._keep(cells["patient"], answer, _line(self.file, row.line))

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
            said = _said(element, cells["value"])
        except Unreadable as error:
            medication = isinstance(element.entry, Concept) and element.entry.kind == "medication"
            hint = "of one record also `not taken`" if medication and element.resource else None
            self._problem(f"`{shown(cells['element'])}`: {error.message}", spans["value"], hint)
            return None
        if when is None:
            return None
        entry = element.entry
        if isinstance(entry, Timepoint) and not when.exact:
            self._problem("when the day of a time point was said needs a day", spans["when"])
            return None
        name = entry.name if entry is not None else ""
        date: PartialDate | None = when
        own_date = False
        if entry is not None and not isinstance(said, Limit | str):
            name, date, said, own_date = placed(entry, said, when)
        return Answer(
            line=line,
            attested=Attested(
                cells["element"], cells["value"], cells["who"], when.text, cells["source"]
            ),
            when=when,
            said=said,
            entry=name,
            resource=element.resource,
            about=self.elements.read_from(entry) if entry is not None else frozenset(),
            date=date,
            own_date=own_date,
        )

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


def _said(element: Element, value: str) -> Said:
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
    said = read_value(element.entry, value)
    if isinstance(said, Closed) and element.resource is not None:
        raise Unreadable("`never` is said of a patient, not of one record")
    if isinstance(said, NotTaken) and element.resource is None:
        closed_by = getattr(entry, "closed_by", None)
        other = f"`{closed_by}` as complete" if closed_by else "an entry that closes it"
        raise Unreadable(f"`not taken` is said of one record; that there is none, by {other}")
    return said


def _line(file: Source, line: int) -> Span:
    """The text of a line."""
    line = min(line, len(file.starts))
    start = file.starts[line - 1]
    return Span(start, start + max(1, len(file.line_text(line))))


def _cells(file: Source, row: CsvRow) -> Iterable[Span]:
    """The cells of a row; an empty one is where it would stand."""
    position = file.starts[row.line - 1]
    for cell in row.cells:
        written = cell.replace('"', '""')
        start = file.text.find(written, position)
        if start < 0:
            yield _line(file, row.line)
            continue
        yield Span(start, start + max(1, len(written)))
        comma = file.text.find(",", start + len(written))
        position = comma + 1 if comma >= 0 else len(file.text)
