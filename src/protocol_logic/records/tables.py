"""Tables with a mapping to the records of their patients.

Rows of one patient are scattered, so those that say something are kept as texts until the last
file is read; facts are made patient by patient. Source: docs/tables.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from protocol_logic.foundation.problems import Problem, Problems, did_you_mean
from protocol_logic.foundation.text import shown
from protocol_logic.records.columns import Unusable, rows_of
from protocol_logic.records.elements import Elements
from protocol_logic.records.facts import Account, Fact, PatientRecord, place
from protocol_logic.records.mapping import MAPPING_FILE, Named, Table, read_mapping
from protocol_logic.records.table_rows import Memory, RawRow, RowReader


def iter_table_records(
    path: Path, elements: Elements, problems: Problems
) -> Iterator[PatientRecord]:
    """The records of the patients of tables, in the order in which they are first met.

    `path`: a mapping file, or the folder with it. Nothing is given, with all problems, where the
    mapping has a fault or a file cannot be read to its end: a patient with half of the rows would
    be judged wrongly.
    """
    mapping = mapping_at(path)
    tables = read_mapping(mapping, elements, problems)
    gathered = None if tables is None else Gathered.of(mapping, tables, problems)
    if gathered is not None:
        for patient, kept in gathered.taken():
            yield _record(gathered, patient, kept)


def mapping_at(path: Path) -> Path:
    """The mapping file that a path of tables means."""
    return path / MAPPING_FILE if path.is_dir() else path


_MOST_OTHERS = 1000
"""How many texts of a column that nothing maps are kept to suggest one of them."""


class _Texts:
    """Which texts of a column that a mapping names were seen, and which others."""

    def __init__(self, place: int, named: tuple[str, ...]) -> None:
        self.place = place
        self.unseen = dict.fromkeys(named)
        self.named = frozenset(named)
        self.others: set[str] = set()

    def see(self, text: str) -> None:
        if text in self.named:
            self.unseen.pop(text, None)
        elif len(self.others) < _MOST_OTHERS:
            self.others.add(text)


@dataclass(slots=True)
class PatientRows:
    """What is kept of a patient: the `rows` that speak of an entry; `index`: day -> the row that
    has it first; `accounts`: file -> what became of rows; `others`: what the other rows name."""

    rows: list[RawRow] = field(default_factory=list)
    index: dict[date, str] = field(default_factory=dict)
    accounts: dict[str, Counter[str]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    others: Counter[Named] = field(default_factory=Counter)

    def count(self, file: str, outcome: str) -> None:
        self.accounts.setdefault(file, Counter())[outcome] += 1


class Gathered:
    """The rows of all tables by patient."""

    def __init__(self, mapping: Path, problems: Problems) -> None:
        self.mapping = mapping
        self.problems = problems
        self.memory = Memory()
        self.patients: dict[str, PatientRows] = {}
        self.failed = False
        self.texts: list[tuple[Table, str, _Texts]] = []

    @classmethod
    def of(cls, mapping: Path, tables: Sequence[Table], problems: Problems) -> Gathered | None:
        """The rows of tables; None, with a problem, where a file cannot be read to its end."""
        gathered = cls(mapping, problems)
        for table in tables:
            gathered._read(table)
        if gathered.failed:
            return None
        gathered._tell_unused(tables)
        return gathered

    def taken(self) -> Iterator[tuple[str, PatientRows]]:
        """The patients with their rows, one after the other; they are kept no longer."""
        for patient in list(self.patients):
            yield patient, self.patients.pop(patient)

    def index_of(self, patient: str, kept: PatientRows) -> date | None:
        """The one index date of a patient; None, with a problem, where there are several."""
        if len(kept.index) > 1:
            days = ", ".join(f"{day} ({name})" for day, name in sorted(kept.index.items())[:3])
            self.problems.add(
                Problem(
                    code="bad-row",
                    message=f"patient `{shown(patient)}` has more than one index date: {days}",
                    hint="each patient is judged on one day",
                    file=str(self.mapping),
                )
            )
        return next(iter(kept.index)) if len(kept.index) == 1 else None

    def _read(self, table: Table) -> None:
        """Take in the rows of one table."""
        roles = list(table.columns)
        patient = roles.index("patient")
        texts = [_Texts(roles.index(role), named) for role, named in table.texts.items()]
        self.texts += [(table, role, each) for role, each in zip(table.texts, texts, strict=True)]
        try:
            for number, cells in rows_of(table.file, list(table.columns.values())):
                if isinstance(cells, str):
                    hint = "a cell with a comma in it stands in double quotes"
                    self._bad_row(table, number, cells, hint)
                    continue
                for each in texts:
                    each.see(cells[each.place])
                if not cells[patient]:
                    column = shown(table.columns["patient"])
                    self._bad_row(table, number, f"`{column}` is empty", "it names the patient")
                else:
                    self._row(table, number, cells[patient], cells)
        except Unusable as error:
            self.failed = True
            name = shown(table.file.name)
            self.problems.add(
                Problem(
                    code="bad-mapping",
                    message=f"`{name}`: {error.message}",
                    hint=error.hint,
                    file=str(self.mapping),
                )
            )

    def _tell_unused(self, tables: Sequence[Table]) -> None:
        """Tell the texts of the mapping that stand in no row: rows that they miss are about
        nothing, and nothing else would say so."""
        for table, role, texts in self.texts:
            mapped = {text for other in tables for text in other.texts.get(role, ())}
            for text in texts.unseen:
                column = shown(table.columns[role])
                self.problems.add(
                    Problem(
                        code="mapping-not-used",
                        message=f"{table.where}`{shown(text)}` stands in no row of `{column}`",
                        hint=did_you_mean(text, map(shown, texts.others - mapped)),
                        file=str(self.mapping),
                    )
                )

    def _bad_row(self, table: Table, number: int, message: str, hint: str) -> None:
        name = f"{table.file.name}:{number}"
        problem = Problem(
            code="bad-row", message=message, hint=hint, resource=name, file=str(table.file)
        )
        self.problems.add(problem)

    def _row(self, table: Table, number: int, patient: str, cells: tuple[str, ...]) -> None:
        kept = self.patients.get(patient)
        if kept is None:
            kept = self.patients[patient] = PatientRows()
        row = RawRow(table, number, (), cells)
        if "index" in table.columns:
            self._index(kept, row)
        system, text = row.cell("system"), row.cell("element") or row.cell("code")
        spoken = table.spoken(system, text)
        if spoken:
            kept.rows.append(row._replace(spoken=spoken))
        else:
            kept.count(table.file.name, "irrelevant")
            named = table.named(system, text)
            if named is not None:
                kept.others[named] += 1

    def _index(self, kept: PatientRows, row: RawRow) -> None:
        cell = row.cell("index")
        day = self.memory.date(cell) if cell else None
        if day is not None and day.exact:
            kept.index.setdefault(day.first, row.name)
        elif cell:
            reader = RowReader(None, [], kept.problems, self.memory)
            column = shown(row.table.columns["index"])
            message = f"`{column}` is `{shown(cell)}`, which is no day to judge on"
            reader.problem(row, "unreadable-date", message, "the index date is YYYY-MM-DD")


def _record(gathered: Gathered, patient: str, kept: PatientRows) -> PatientRecord:
    """The record that a patient's rows make."""
    index = gathered.index_of(patient, kept)
    facts: list[Fact] = []
    problems = list(kept.problems)
    reader = RowReader(index, facts, problems, gathered.memory)
    for row in kept.rows:
        made, told = len(facts), len(problems)
        reader.read(row)
        outcome = "facts" if len(facts) > made else "problems"
        if len(facts) == made and len(problems) == told:
            outcome = "irrelevant"  # its value is empty
        kept.count(row.table.file.name, outcome)
    return PatientRecord(
        patient=patient,
        source=str(gathered.mapping),
        index_date=index,
        index_source="index",
        facts=tuple(sorted(facts, key=place)),
        problems=tuple(Problems(problems).sorted()),
        accounting=tuple(
            Account(file, counts["facts"], counts["irrelevant"], counts["problems"])
            for file, counts in sorted(kept.accounts.items())
        ),
    )
