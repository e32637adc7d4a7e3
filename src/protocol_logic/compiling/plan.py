"""The findings plan as data: what must be read from a record, and what each criterion reads of it.

`compiling/planner.py` makes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import field
from typing import Literal, TypeAlias

from protocol_logic.compiling import core
from protocol_logic.compiling.basis import Basis
from protocol_logic.compiling.windows import Window
from protocol_logic.foundation.dataclass import dataclass
from protocol_logic.foundation.interval import Interval
from protocol_logic.foundation.operators import COMPARISONS

Kind: TypeAlias = Literal[
    "value", "recorded", "in_record", "number", "ratio", "age", "derived", "presence", "evidence",
    "in_effect", "both_sides", "lines", "last", "count", "present_as", "undetermined", "unrecorded",
    "todo",
]  # fmt: skip
Reason: TypeAlias = Literal[
    "absent", "unreadable", "conflicting", "imprecise", "not_closed", "ordered", "ended",
    "no_reference_range", "stale", "doubted",
]  # fmt: skip
"""Why a finding is open."""
CLOSABLE: tuple[Reason, ...] = ("absent", "ended", "not_closed", "stale", "doubted")
"""Those that a person's word about a list settles."""


NOT_RECORDED = "not_recorded"
"""The cell of a value that nothing is recorded of."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """What a finding of occurrences is read from: those of a subject up to a day.

    `before`: the time point of that day; None: the day of judgement. `windows`: those that end
    there. `inside`, for `last`: for each cell the windows in which the last day then lies; None: it
    did not occur. That and a day before all windows share a cell where no test tells them apart.
    """

    subject: core.Subject
    before: str | None = None
    windows: tuple[Window, ...] = ()
    inside: tuple[tuple[frozenset[Window] | None, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding: how it is read (`kind`, `entry`, `detail`) and its cells in order.

    `values`: for `value`, `recorded` and `undetermined` the values that each cell stands for;
    `ranges`: for numbers the interval of each cell, in the canonical unit (`ratio`: multiples of
    a limit of normal). `detail`: intent of `lines` where one is asked for, evidence name of
    `evidence`, and `ULN` or `LLN` of `ratio`. `occurrence`: what `last`, `count` and `present_as`
    are read from. `window`, `taken`: as in the tests of numbers and values that read it.
    `element`: id under which a gap is reported.
    `variant`: how it is read where nothing is recorded; a value then has a cell for that, the
    last, which has no range.
    """

    id: str
    kind: Kind
    entry: str
    element: str
    cells: tuple[str, ...]
    values: tuple[tuple[str, ...], ...] = ()
    ranges: tuple[Interval, ...] = ()
    detail: str = ""
    occurrence: Occurrence | None = None
    window: Window | None = None
    taken: str = ""
    variant: core.Variant = ""

    @property
    def parts(self) -> Iterator[tuple[str, Interval]]:
        """The cells of numbers, with the interval of each."""
        return zip(self.cells, self.ranges, strict=False)


@dataclass(frozen=True, slots=True)
class PatternNames:
    """The findings of a pattern.

    One for each clause, one that says a course leaves room for an unrecorded event, and two that
    say whether an unrecorded event, or an unrecorded course, fits this pattern. Those are its own:
    what fits one pattern need not fit another.
    """

    clauses: tuple[str, ...]
    room: str
    unrecorded_event: str
    unrecorded_course: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Courses:
    """The patterns over the courses of one medication class, read together from one group."""

    concept: str
    element: str
    patterns: tuple[core.Pattern, ...]
    names: dict[str, PatternNames]

    def domain(self, courses: int, events: int) -> Iterator[tuple[str, tuple[str, ...]]]:
        """The findings that rows with so many courses, and events each, can speak of."""
        intents = tuple(dict.fromkeys(p.intent or core.ANY_INTENT for p in self.patterns))
        kinds = dict.fromkeys(p.event for p in self.patterns)
        rooms = dict.fromkeys(names.room for names in self.names.values())
        clauses = dict.fromkeys(c for names in self.names.values() for c in names.clauses)
        for i in range(1, courses + 1):
            yield f"course({self.concept},c{i})", intents
            yield from ((f"{room}(c{i})", ("yes",)) for room in rooms)
            for j in range(1, events + 1):
                yield from ((f"event({kind},e{i}_{j})", ("recorded",)) for kind in kinds)
                yield from ((f"{clause}(c{i},e{i}_{j})", ("yes",)) for clause in clauses)


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """A definition or concept that a criterion reads findings through, and reads no other way.

    It can be solved by itself: the criterion needs only which of its `cells` are possible.
    `shared`: its name among the program's shared rules. `atoms`: the atom of each cell; a cell
    without one (`no`) is that none of the others holds.
    """

    name: str
    shared: str
    cells: tuple[str, ...]
    atoms: tuple[tuple[str, str], ...]
    findings: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What one criterion reads.

    Finding id, or medication class of its courses -> element that stands for it here (None: its
    own). `modules`: definitions and concepts that read findings of their own. `parts`: where the
    criterion is an `all of` whose conditions fall into sets that share no finding, those sets.
    """

    findings: dict[str, str | None]
    courses: dict[str, str | None]
    modules: tuple[Module, ...]
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Conditions of a criterion's `all of`, by number from 0, and what they read."""

    conditions: tuple[int, ...]
    reach: Reach


@dataclass(frozen=True, slots=True)
class Plan:
    """All findings by id in order of first use, the course groups, and what each criterion reads.

    `tests`: test -> (finding id, cells in which it is true). `basis`: criterion -> what it rests
    on.
    """

    findings: dict[str, Finding]
    courses: dict[str, Courses]
    reach: dict[str, Reach]
    tests: dict[core.Test, tuple[str, tuple[str, ...]]] = field(repr=False)
    basis: dict[str, Basis] = field(repr=False)


def slug(text: str) -> str:
    """Text as an ASP name: `<= 1.5 x ULN` -> `at_most_1_5_x_uln`."""
    for sign in sorted(COMPARISONS, key=len, reverse=True):
        text = text.replace(sign, f" {COMPARISONS[sign].slug} ")
    for sign, word in (("%", " percent "), ("+", "plus "), ("/", " per "), ("*", " ")):
        text = text.replace(sign, word)
    name = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    return name if name[:1].isalpha() else f"is_{name}"
