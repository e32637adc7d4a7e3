"""What reading a record gives: the cells each finding may lie in, and what that rests on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from datetime import date
from functools import cached_property
from typing import TypeAlias

from protocol_logic.compiling.plan import Reason as Reason
from protocol_logic.foundation.dataclass import dataclass
from protocol_logic.foundation.interval import Interval
from protocol_logic.records.facts import Fact, Unlisted, Unread

CellSet: TypeAlias = frozenset[str]


@dataclass(frozen=True, slots=True)
class Opener:
    """An element that keeps a finding open, and why; `resource`: the fact that does, if any."""

    element: str
    reason: Reason
    resource: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The cells of a finding, what keeps it open, and the facts that it rests on.

    `widened`: the readings were too many to try, and more is left open than there is.
    """

    cells: CellSet
    openers: tuple[Opener, ...] = ()
    facts: tuple[Fact, ...] = ()
    widened: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One joint reading of a group: each finding's cells, and the value of each shared element.

    `labels`: (element, which of its values) pairs; two rows differ in an element just where their
    labels do.
    """

    cells: tuple[tuple[str, CellSet], ...]
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Group:
    """Findings that read one uncertain fact, with all their joint readings.

    Two or more; the courses of a medication class are a group also when certain, since which
    courses there are belongs to the reading.
    """

    name: str
    rows: tuple[Row, ...]

    @cached_property
    def is_open(self) -> bool:
        """Whether it has more than one reading."""
        return len(self.rows) > 1 or any(len(cells) > 1 for _, cells in self.rows[0].cells)

    @cached_property
    def findings(self) -> frozenset[str]:
        """All findings that some row of the group speaks of."""
        return frozenset(name for row in self.rows for name, _ in row.cells)


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What one finding, or one group, looks like to the reasoning: the same object when the same.

    `what`: the finding's cells, or the group's rows; `elements`: those that keep it open.
    """

    what: CellSet | tuple[Row, ...]
    elements: tuple[str, ...]


_LOOKS: dict[tuple[CellSet | tuple[Row, ...], tuple[str, ...]], Look] = {}


def look(what: CellSet | tuple[Row, ...], elements: tuple[str, ...]) -> Look:
    """The one look of these cells or rows."""
    key = (what, elements)
    found = _LOOKS.get(key)
    if found is None:
        found = _LOOKS[key] = Look(what, elements)
    return found


def without_values(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """The rows with the values in their labels numbered: which differ is all that matters."""
    if len(rows) == 1:
        return (Row(rows[0].cells),)
    numbers: dict[tuple[str, str], str] = {}
    return tuple(
        Row(row.cells, tuple((x[0], numbers.setdefault(x, str(len(numbers)))) for x in row.labels))
        for row in rows
    )


def concept_group(concept: str) -> str:
    """The name of the group with all readings of a medication class."""
    return f"courses_of_{concept}"


@dataclass(slots=True)
class PatientFindings:
    """The findings of one patient on one day.

    `single`: finding -> cells, of all findings outside `groups`; `groups`: those with joint rows.
    `openers`: finding or group name -> what keeps it open. `evidence`: finding -> the facts it
    rests on (a course group under the name of its concept).
    """

    as_of: date
    single: dict[str, CellSet] = field(default_factory=dict)
    groups: tuple[Group, ...] = ()
    openers: dict[str, tuple[Opener, ...]] = field(default_factory=dict)
    open_elements: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The elements of `openers`, for look-up."""
    looks: dict[str, Look] = field(default_factory=dict)
    """The look of every single finding and every group."""
    numbers: dict[str, Interval] = field(default_factory=dict)
    """Finding -> the one number that it was cut from, as read or computed."""
    near: dict[str, Fact] = field(default_factory=dict)
    """Finding with nothing in its window -> the newest fact outside."""
    evidence: dict[str, tuple[Fact, ...]] = field(default_factory=dict)
    timepoints: dict[str, date] = field(default_factory=dict)
    beside: Mapping[str, tuple[Unlisted, ...]] = field(default_factory=dict)
    """List that closes something -> what the record holds of its kind that no entry knows, or that
    resembles what it makes absent."""
    passed: Mapping[str, tuple[Unlisted, ...]] = field(default_factory=dict)
    """Criterion -> what resembles a class that a list makes absent for it."""
    unread: Mapping[str, tuple[Unread, ...]] = field(default_factory=dict)
    """Criterion -> results that nothing reads and that resemble what it asks for, as new as what
    counts."""
    kept_open: Mapping[str, tuple[Fact, tuple[Unlisted, ...]]] = field(default_factory=dict)
    """List of the record that leaves something open -> it, and what of its kind no entry knows."""
    widened: tuple[str, ...] = ()
    """Groups with so many readings that they were widened to all."""

    def keep_open(self, name: str, openers: Iterable[Opener]) -> None:
        """Note what keeps a finding or group open."""
        each = tuple(dict.fromkeys(openers))
        if each:
            self.openers[name] = each
            self.open_elements[name] = tuple(dict.fromkeys([o.element for o in each]))


@dataclass(frozen=True, slots=True)
class FindingsTable:
    """A batch of patients as columns: finding or group -> look by patient (None: it has none)."""

    columns: Mapping[str, list[Look | None]]
    patients: list[PatientFindings]

    @classmethod
    def of(cls, names: Iterable[str], patients: list[PatientFindings]) -> FindingsTable:
        return cls({name: [p.looks.get(name) for p in patients] for name in names}, patients)
