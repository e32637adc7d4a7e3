"""One row of a table to the facts that it states. Source: docs/tables.md."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.foundation.interval import Interval
from protocol_logic.foundation.problems import Problem
from protocol_logic.foundation.text import shown
from protocol_logic.knowledge.vocabulary import (
    Concept,
    Consent,
    Entry,
    Event,
    Lesion,
    PatientField,
    Quantity,
    Status,
)
from protocol_logic.records import quantities
from protocol_logic.records.facts import (
    ConditionStated,
    Done,
    End,
    Fact,
    Happened,
    LesionSize,
    Limit,
    Measured,
    Reading,
    Stated,
    Therapy,
    past,
)
from protocol_logic.records.mapping import Spoken, Table
from protocol_logic.records.quantities import Unreadable
from protocol_logic.records.values import Intent, placed, read_intent, read_limit, read_value

_ENDS: tuple[tuple[str, End], ...] = (("upper", "ULN"), ("lower", "LLN"))
_ANY_DAY = PartialDate.between(None, None)
_SAID_BY_ROW = {"condition": "present", "procedure": "done"}
"""What a row without a value says of a concept: it stands in a table of such things."""


class RawRow(NamedTuple):
    """A row as text: its table, its number in the file, what it speaks of, its cells by role."""

    table: Table
    number: int
    spoken: tuple[Spoken, ...]
    cells: tuple[str, ...]

    def cell(self, role: str) -> str:
        """The cell of a column; empty where the table has no such column."""
        for name, cell in zip(self.table.columns, self.cells, strict=True):
            if name == role:
                return cell
        return ""

    @property
    def name(self) -> str:
        """`lab.csv:17`"""
        return f"{self.table.file.name}:{self.number}"


@dataclass(slots=True)
class Memory:
    """Values and dates that were read before, since most of them occur in many rows."""

    values: dict[tuple[str, str], Reading | Unreadable] = field(default_factory=dict)
    dates: dict[str, PartialDate | None] = field(default_factory=dict)

    def value(self, entry: Entry, text: str) -> Reading:
        """As `read_value`."""
        key = (entry.name, text)
        if key not in self.values:
            try:
                self.values[key] = read_value(entry, text)
            except Unreadable as error:
                self.values[key] = error
        found = self.values[key]
        if isinstance(found, Unreadable):
            raise Unreadable(found.message, found.code)
        return found

    def date(self, text: str) -> PartialDate | None:
        """The date of a cell, perhaps with a time after it, which does not count; None: no date."""
        if text not in self.dates:
            try:
                self.dates[text] = PartialDate.parse(text.replace(" ", "T", 1))
            except ValueError:
                self.dates[text] = None
        return self.dates[text]


@dataclass(slots=True)
class RowReader:
    """Reads the rows of one patient. `index`: the patient's day of judgement, if the tables have
    one; facts and problems go where the caller wants them."""

    index: date | None
    facts: list[Fact]
    problems: list[Problem]
    memory: Memory

    def read(self, row: RawRow) -> None:
        """Add the facts that a row states, and what is wrong with it; an empty value is neither."""
        status = row.cell("status")
        if row.table.statuses is not None and status not in row.table.statuses:
            says = f"status `{shown(status)}`" if status else "no status"
            self.problem(row, "not-usable", f"{says}: it does not count")
            return
        for entry, attested in row.spoken:
            if isinstance(entry, Concept) and entry.kind == "medication":
                self._medication(row, entry)
            elif attested == "past":
                made = len(self.facts)
                self._value(row, entry, None)
                self.facts[made:] = map(past, self.facts[made:])
            else:
                self._value(row, entry, attested)

    def problem(self, row: RawRow, code: str, message: str, hint: str | None = None) -> None:
        self.problems.append(
            Problem(
                code=code,
                message=message,
                hint=hint,
                resource=row.name,
                file=str(row.table.file),
            )
        )

    def _fact(
        self,
        row: RawRow,
        entry: Entry,
        reading: Reading,
        when: PartialDate | None,
        recorded: str,
    ) -> None:
        at = placed(entry, reading, when)
        self.facts.append(
            Fact(
                entry=at.entry,
                resource=row.name,
                date=at.date,
                recorded=recorded,
                reading=at.reading,
            )
        )

    # ---- values ------------------------------------------------------------------------------

    def _value(self, row: RawRow, entry: Entry, attested: Interval | None) -> None:
        table = row.table
        text = table.value
        if text is None and "value" in table.columns:
            text = table.values.get(row.cell("value"), row.cell("value"))
        elif text is None and isinstance(entry, Concept):
            text = _SAID_BY_ROW[entry.kind]
        if text is None:
            self.problem(row, "unreadable-value", f"`{entry.name}`: no column holds a value of it")
            return
        if not text:
            return
        when = None
        if not isinstance(entry, PatientField):
            when = self._day(row, "date", entry)
            if when is None:
                return
        unit = "" if table.value is not None else table.unit_of(entry, row.cell("unit"))
        recorded = row.cell("value") or text
        reading: Reading | None
        try:
            if attested is not None:
                reading = _attested(attested, text)
            else:
                text = _with_unit(entry, text, unit)
                recorded = f"{recorded} {unit}" if text.endswith(f" {unit}") else recorded
                reading = self.memory.value(entry, text)
        except Unreadable as error:
            self.problem(row, error.code, f"`{entry.name}`: {error.message}")
            reading = _unreadable(entry)
            if isinstance(entry, Concept) and entry.kind == "procedure":
                when = _ANY_DAY  # it is not known whether it was done
        if isinstance(entry, Quantity) and isinstance(reading, Measured):
            reading = Measured(reading.value, self._limits(row, entry, unit))
        if reading is not None:
            self._fact(row, entry, reading, when, recorded)

    def _limits(self, row: RawRow, entry: Quantity, unit: str) -> tuple[Limit, ...]:
        limits: list[Limit] = []
        for word, end in _ENDS:
            cell = row.cell(f"{word}_limit")
            if not cell:
                continue
            text = _with_unit(entry, cell, unit)
            try:
                limits.append(Limit(None, read_limit(entry, text), text, end))
            except Unreadable as error:
                self.problem(row, error.code, f"{word} limit of `{entry.name}`: {error.message}")
        return tuple(limits)

    # ---- dates -------------------------------------------------------------------------------

    def _day(self, row: RawRow, role: str, entry: Entry) -> PartialDate | None:
        """The day of a row; None, with a problem, where there is none."""
        if row.table.on_index:
            if self.index is not None:
                return PartialDate(self.index, self.index, self.index.isoformat())
            self.problem(row, "undated", f"`{entry.name}`: the patient has no index date")
            return None
        return self._date(row, role, entry)

    def _date(self, row: RawRow, role: str, entry: Entry) -> PartialDate | None:
        cell = row.cell(role)
        column = shown(row.table.columns.get(role, role))
        if not cell:
            self.problem(row, "undated", f"`{entry.name}`: `{column}` is empty")
            return None
        day = self.memory.date(cell)
        if day is None:
            message = f"`{entry.name}`: `{column}` is `{shown(cell)}`, which is not a date"
            hint = "dates are written YYYY-MM-DD, with or without a time"
            self.problem(row, "unreadable-date", message, hint)
        return day

    # ---- medications -------------------------------------------------------------------------

    def _medication(self, row: RawRow, entry: Concept) -> None:
        """A course; without a start it may have begun on any day, and without an end it goes on,
        is over, or neither is known, as the mapping says."""
        start = self._day(row, "date", entry)
        end: PartialDate | None = None
        ongoing = False
        if row.cell("end"):
            end = self._date(row, "end", entry) or _from(start)
        elif row.table.no_end is None:
            end = _from(start)
        else:
            ongoing = row.table.no_end == "ongoing"
        if start is not None and end is not None and end.last < start.first:
            self.problem(row, "unreadable-date", f"`{entry.name}` ends before it starts")
            start, end = None, _ANY_DAY
        recorded = f"{start.text if start else '?'} to {row.cell('end') or '?'}"
        therapy = Therapy(start, end, ongoing=ongoing, intent=self._intent(row, entry))
        self._fact(row, entry, therapy, start, recorded)

    def _intent(self, row: RawRow, entry: Concept) -> Intent | None:
        cell = row.cell("intent")
        text = row.table.intents.get(cell, cell)
        try:
            return read_intent(text) if text else None
        except Unreadable as error:
            self.problem(row, error.code, f"`{entry.name}`: {error.message}")
            return None


def _from(start: PartialDate | None) -> PartialDate:
    """Some day from the start on, or none yet."""
    return PartialDate(start.first if start is not None else date.min, date.max, "?")


def _with_unit(entry: Entry, text: str, unit: str) -> str:
    """A cell with the unit of its column; names of values have none."""
    if not unit or (isinstance(entry, Quantity) and entry.unit == "1" and unit == "1"):
        return text
    if isinstance(entry, Quantity):
        return f"{text} {unit}"
    is_number = isinstance(entry, Status) and entry.ranges and text.lstrip("<>= ")[:1].isdigit()
    is_name = isinstance(entry, Status) and text.casefold() in map(str.casefold, entry.values)
    return f"{text} {unit}" if is_number and not is_name else text


def _attested(interval: Interval, text: str) -> Measured:
    """What true or false says of a number."""
    if text.casefold() not in ("true", "false"):
        raise Unreadable(f"`{shown(text)}` is no value of it; expected is `true` or `false`")
    return Measured(interval if text.casefold() == "true" else quantities.outside(interval))


def _unreadable(entry: Entry) -> Reading | None:
    """What a value that cannot be read says of an entry: it may be any; None: nothing at all."""
    match entry:
        case Quantity():
            return Measured(None)
        case Status() | Consent():
            return Stated(None)
        case Concept(kind="condition" | "allergy"):
            return ConditionStated("unknown")
        case Concept():
            return Done(None, known=False)
        case Lesion():
            return LesionSize(tuple((axis, None) for axis in entry.axes), None, None)
        case Event():
            return Happened(_ANY_DAY)
        case _:
            return None
