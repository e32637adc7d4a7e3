"""What casts doubt on the absence of a concept, of many patients at once.

As `findings/doubts.py` finds it for one patient: by other entries. Of whom a resource may name an
entry where it is not read, this cannot tell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from protocol_logic.compiling.windows import Window
from protocol_logic.findings.columns.cutting import inside
from protocol_logic.findings.columns.runs import Rows, Runs, taken
from protocol_logic.findings.columns.seen import STATEMENT, first_of, flags, seen, state_now
from protocol_logic.findings.columns.sources import Sources
from protocol_logic.findings.columns.tables import NEVER, NOBODY, Flags, Ints
from protocol_logic.knowledge.vocabulary import Concept, Doubt
from protocol_logic.records.store.by_entry import KINDS, NO_DAY, SHAPES, STATES

_CLOSED, _CONDITION, _MEASURED, _NOT_TAKEN, _STATED = (
    1 + KINDS.index(x) for x in ("closed", "condition", "measured", "nottaken", "stated")
)
_ABSENT, _WIDE = 1 + STATES.index("absent"), 1 + SHAPES.index("wide")
_NUMBER = ("shape", "lo_n", "lo_d", "hi_n", "hi_d", "ends", "relative")


@dataclass(slots=True)
class Doubted:
    """Of whom something casts doubt, with the resource that says it first; `unsure`: of whom that
    cannot be told."""

    sure: Flags
    who: Ints
    unsure: Flags


def doubted_of(sources: Sources, concept: str) -> Doubted:
    """The doubts about a concept itself, not about the kinds of it."""
    found: Doubted = sources.once(("doubted", concept), lambda: _doubted_of(sources, concept))
    return found


def _doubted_of(sources: Sources, concept: str) -> Doubted:
    size = sources.size
    found = Doubted(np.zeros(size, bool), np.full(size, NOBODY, np.int32), np.zeros(size, bool))
    entry, vocabulary = sources.vocabulary.entries[concept], sources.vocabulary
    if not isinstance(entry, Concept):
        return found
    casts = [(doubt, name) for doubt in entry.doubts for name in vocabulary.below(doubt.entry)]
    mentioned = sources.shard.mentioned()
    for name in {concept, *(name for _, name in casts)} & mentioned.keys():
        found.unsure |= mentioned[name]
    told: tuple[Flags, Ints] | None = None
    for doubt, name in casts:
        rows, says, cannot_tell = _saying(sources, doubt, name)
        if not len(says):
            continue
        found.unsure |= flags(sources, rows, cannot_tell)
        if told is None:
            told = _told(sources, concept, found.unsure)
        is_told, until = (each[rows["patient"]] for each in told)
        says &= ~is_told & ((rows["first"] == NO_DAY) | (until < rows["last"]))
        first = flags(sources, rows, says) & ~found.sure
        found.who[first] = first_of(sources, rows, says, "resource", NOBODY)[first]
        found.sure |= first
    return found


def _told(sources: Sources, concept: str, unsure: Flags) -> tuple[Flags, Ints]:
    """Of whom the record says itself what there is of a concept; and up to which day it says so
    of others, as it was over then."""
    told, until = np.zeros(sources.size, bool), np.full(sources.size, -NEVER, np.int64)
    for name in sources.vocabulary.below(concept):
        rows = seen(sources, name)
        unsure |= flags(sources, rows, rows["kind"] == _CLOSED)
        absent = (rows["kind"] == _CONDITION) & (state_now(sources, rows) == _ABSENT)
        over = absent if name == concept else absent & _has_ended(rows)
        told |= flags(sources, rows, ~absent)
        days = (rows["first"], rows["end_first"])
        last = np.maximum(*(np.where(day == NO_DAY, -NEVER, day) for day in days))
        np.maximum.at(until, rows["patient"][over], last[over])
    return told, until


def _has_ended(rows: Rows) -> Flags:
    """Which of some statements of absence say that a condition was, as `has_ended` tells it."""
    found: Flags = rows["confirmed"] & ((rows["clinical"] != 0) | (rows["end_first"] != NO_DAY))
    return found


def _saying(sources: Sources, doubt: Doubt, name: str) -> tuple[Rows, Flags, Flags]:
    """The facts of an entry in record order; which of them cast doubt, and which cannot be told."""
    rows = _counting(sources, doubt, name)
    kind = rows["kind"]
    says, cannot_tell = np.ones(len(kind), bool), kind == _CLOSED
    if doubt.values:
        words, wanted = sources.shard.words("stated"), set(doubt.values)
        its = [n for n, content in words.items() if not wanted.isdisjoint(content.split("\n"))]
        its_own = (rows["stated"] == 0) | np.isin(rows["stated"], its)
        says &= (kind != _STATED) | its_own
    if doubt.numbers is not None:
        mask, unfit = inside(rows, [doubt.numbers])
        is_number = (kind == _MEASURED) & (rows["shape"] != 0) & ~rows["relative"]
        says &= ~is_number | (mask != 0)
        cannot_tell |= is_number & (unfit | (rows["shape"] == _WIDE))
    if isinstance(sources.vocabulary.entries[name], Concept):
        absent = (kind == _CONDITION) & (state_now(sources, rows) == _ABSENT)
        says &= ~absent | (not doubt.latest and _has_ended(rows))
    else:
        cannot_tell |= kind == _CONDITION
    return rows, says & ~cannot_tell, cannot_tell


def _counting(sources: Sources, doubt: Doubt, name: str) -> Rows:
    """The facts by which an entry may cast doubt."""
    is_concept = isinstance(sources.vocabulary.entries[name], Concept)
    columns = STATEMENT if is_concept else ("stated",)
    numbers = _NUMBER if doubt.numbers is not None else ()
    rows = dict(sources.facts(name, (*columns, *numbers)))
    if not len(rows["patient"]):
        return rows
    as_of, since = sources.as_of, None
    if doubt.within is not None:
        as_of, since = sources.days_of(Window(*doubt.within))
    patient, undated = rows["patient"], rows["first"] == NO_DAY
    is_seen = undated | (rows["first"] <= as_of[patient])
    if since is not None:
        is_seen &= undated | (rows["last"] >= since[patient])
    rows = taken(rows, is_seen & (rows["kind"] != _NOT_TAKEN))
    if not doubt.latest:
        return rows
    if is_concept:  # what only says that it was counts where nothing says how it is
        past = rows["past"] & (rows["kind"] == _CONDITION)
        of_now = flags(sources, rows, ~past)[rows["patient"]]
        rows = taken(rows, ~past | (~of_now & (rows["state"] != _ABSENT)))
    return Runs(rows, as_of, since).rows
