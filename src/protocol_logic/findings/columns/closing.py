"""Lists and orders of many patients at once: what closes a concept, and else why nothing does.

As `closing`, `not_closed` and `unlisted` of `findings/latest.py` find it for one patient.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from protocol_logic.findings.columns.cells import code
from protocol_logic.findings.columns.runs import Rows, taken
from protocol_logic.findings.columns.sources import Sources
from protocol_logic.findings.columns.tables import NEVER, NOBODY, Flags, Ints
from protocol_logic.findings.latest import kind_of
from protocol_logic.knowledge.vocabulary import Concept, Doubt, Event, History, Vocabulary
from protocol_logic.records.store.by_entry import KINDS, NO_DAY, STATES

_CLOSED, _ORDERED, _NOT_TAKEN, _STATED = (
    1 + KINDS.index(x) for x in ("closed", "ordered", "nottaken", "stated")
)
_CONDITION, _PRESENT = 1 + KINDS.index("condition"), 1 + STATES.index("present")
STATEMENT = (
    "state", "confirmed", "after", "past", "qualified", "evidence", "start_first", "start_last",
    "end_first", "end_last", "ongoing", "intent", "side", "known", "clinical", "stated", "mixed",
    "about",
)  # fmt: skip


@dataclass(slots=True)
class Lists:
    """By patient the lists of one history.

    `has`: whether there is one; `closes`: whether one closes, with its day; `lapsed`: whether
    all that would are too old, with the number of the first.
    """

    has: Flags
    closes: Flags
    dated: Ints
    lapsed: Flags
    who: Ints


@dataclass(slots=True)
class Closing:
    """By patient what closes a concept.

    `closes` by a list of the day `dated`. Else `reason` and `who`: an order, a doubt, or a list
    that is too old; `reason` is 0 where there is no such thing. `unlisted`: whether nothing tells
    what else there may be, and `unlisted_but` whether, lists apart. `left`: who cannot be told;
    `unsure`: whose `unlisted` cannot.
    """

    closes: Flags
    dated: Ints
    reason: Ints
    who: Ints
    unlisted: Flags
    unlisted_but: Flags
    left: Flags
    unsure: Flags


def history_of(vocabulary: Vocabulary, name: str) -> str | None:
    """The list that closes an entry, if there is one; of a list itself that."""
    entry = vocabulary.entries.get(name)
    if isinstance(entry, History):
        return name
    return entry.closed_by if isinstance(entry, Concept | Event) else None


def seen(sources: Sources, entry: str) -> Rows:
    """The facts of a concept that may count on the day of judgement, in record order."""
    found: Rows = sources.once(("seen", entry), lambda: _seen(sources, entry))
    return found


def _seen(sources: Sources, entry: str) -> Rows:
    rows = sources.facts(entry, STATEMENT)
    is_seen = (rows["first"] == NO_DAY) | (rows["first"] <= sources.as_of[rows["patient"]])
    return taken(rows, is_seen & (rows["kind"] != _NOT_TAKEN))


def certain(sources: Sources, rows: Rows) -> Flags:
    """Which of some rows count on whatever day they are."""
    found: Flags = (rows["first"] == NO_DAY) | (rows["last"] <= sources.as_of[rows["patient"]])
    return found


def flags(sources: Sources, rows: Rows, where: Flags) -> Flags:
    """By patient whether there is such a row."""
    found = np.zeros(sources.size, bool)
    found[rows["patient"][where]] = True
    return found


def first_of(sources: Sources, rows: Rows, where: Flags, column: str, without: int) -> Ints:
    """By patient what the first such row has in a column."""
    found = np.full(sources.size, without, rows[column].dtype)
    # Of several rows that are put in one place the last one stays.
    found[rows["patient"][where][::-1]] = rows[column][where][::-1]
    return found


def closing_of(sources: Sources, entry: str) -> Closing:
    """What closes a concept or an event."""
    found: Closing = sources.once(("closing", entry), lambda: _closing_of(sources, entry))
    return found


def _closing_of(sources: Sources, name: str) -> Closing:
    entry = sources.vocabulary.entries[name]
    history = history_of(sources.vocabulary, name)
    size = sources.size
    nobody = np.zeros(size, bool)
    lists = Lists(nobody, nobody, np.full(size, NEVER), nobody, np.full(size, NOBODY))
    if history is not None:
        lists = sources.once(("lists", history), lambda: _lists_of(sources, history))
    ordered, reason, who = _ordered(sources, name)
    lapsed = ~ordered & lists.lapsed
    reason[lapsed] = code("stale")
    who[lapsed] = lists.who[lapsed]
    doubted, doubting, may_be_doubted = _doubted(sources, name)
    named = doubted & ~ordered & lists.has
    reason[named] = code("doubted")
    who[named] = doubting[named]
    unread = sources.shard.unread(kind_of(entry)) | may_be_doubted
    closes = lists.closes & ~ordered & ~doubted
    return Closing(
        closes,
        np.where(closes, lists.dated, NEVER),
        reason,
        who,
        ~lists.has & ~ordered & ~doubted,
        ~ordered & ~doubted,
        unread & lists.has,
        unread,
    )


def _doubted(sources: Sources, name: str) -> tuple[Flags, Ints, Flags]:
    """Of whom something surely casts doubt on the absence of a concept, with the resource that says
    it first, and of whom something may, also on that of a kind of it."""
    vocabulary, size = sources.vocabulary, sources.size
    sure, unsure = np.zeros(size, bool), np.zeros(size, bool)
    who = np.full(size, NOBODY, np.int32)
    kinds = vocabulary.below(name)
    for kind in kinds:
        entry = vocabulary.entries[kind]
        for doubt in entry.doubts if isinstance(entry, Concept) else ():
            for other in vocabulary.below(doubt.entry):
                rows, says, may = _saying(sources, doubt, other)
                unsure |= may
                if kind != name:
                    unsure |= flags(sources, rows, says)
                    continue
                first = flags(sources, rows, says) & ~sure
                who[first] = first_of(sources, rows, says, "resource", NOBODY)[first]
                sure |= first
    mentioned = sources.shard.mentioned()
    for other in {*kinds, *vocabulary.doubting(name)} & mentioned.keys():
        unsure |= mentioned[other]
    if sure.any():  # what the record says of the concept itself may go before
        told, may = np.zeros(size, bool), np.zeros(size, bool)
        for kind in kinds:
            rows = seen(sources, kind)
            own = kind == name and not getattr(vocabulary.entries[kind], "recurs", False)
            plain = (rows["state"] == _PRESENT) & (rows["end_first"] == NO_DAY)
            surely = (rows["kind"] == _CONDITION) & (own | plain)
            told |= flags(sources, rows, surely)
            may |= flags(sources, rows, ~surely)
        sure &= ~told
        unsure |= sure & may
    return sure & ~unsure, who, unsure


def _saying(sources: Sources, doubt: Doubt, name: str) -> tuple[Rows, Flags, Flags]:
    """The facts of an entry, which of them say what casts doubt, and of whom it is not certain."""
    rows = dict(sources.facts(name, ["stated"]))
    its = np.ones(len(rows["patient"]), bool)
    if not doubt.values or not doubt.latest or doubt.within or (rows["kind"] != _STATED).any():
        return rows, ~its, flags(sources, rows, its)
    runs = sources.newest(name, ["stated"])
    rows = dict(runs.rows)
    words, wanted = sources.shard.words("stated"), set(doubt.values)
    says = [n for n, content in words.items() if not wanted.isdisjoint(content.split("\n"))]
    its = (rows["stated"] == 0) | np.isin(rows["stated"], says)
    several = runs.spread(runs.lengths) > 1
    return rows, its & ~several, flags(sources, rows, its & several)


def _lists_of(sources: Sources, history: str) -> Lists:
    rows = seen(sources, history)
    closes = (rows["kind"] == _CLOSED) & certain(sources, rows)
    fresh = np.ones(len(closes), bool)
    first_days = sources.fresh_from(history)
    if first_days is not None:
        fresh = (rows["first"] == NO_DAY) | (rows["first"] >= first_days[rows["patient"]])
    found = flags(sources, rows, closes & fresh)
    return Lists(
        flags(sources, rows, np.ones(len(closes), bool)),
        found,
        first_of(sources, rows, closes & fresh, "dated", NEVER),
        flags(sources, rows, closes) & ~found,
        first_of(sources, rows, closes, "resource", NOBODY),
    )


def _ordered(sources: Sources, name: str) -> tuple[Flags, Ints, Ints]:
    """Who has an order of a medication, or something that may be one: why that keeps it open, and
    the number of the first."""
    size = sources.size
    found = np.zeros(size, bool)
    reason, who = np.zeros(size, np.uint8), np.full(size, NOBODY, np.int32)
    entry = sources.vocabulary.entries[name]
    if not isinstance(entry, Concept) or entry.kind != "medication":
        return found, reason, who
    # Orders come by entry, and entries as the record first speaks of them.
    place = np.full(size, 2**31 - 1, np.int64)
    of_resource = np.full(size, NOBODY, np.int32)
    for each in sorted(sources.vocabulary.below(name)):
        rows = seen(sources, each)
        is_order = rows["kind"] == _ORDERED
        if not is_order.any():
            continue
        has = flags(sources, rows, is_order)
        every = np.ones(len(is_order), bool)
        begins = first_of(sources, rows, every, "place", 0)
        begin = first_of(sources, rows, every, "resource", NOBODY)
        before = has & (begins < place) & (begin != of_resource)
        place[before], of_resource[before] = begins[before], begin[before]
        known = first_of(sources, rows, is_order, "known", 0)
        reason[before] = np.where(known[before], code("ordered"), code("not_closed"))
        who[before] = first_of(sources, rows, is_order, "resource", NOBODY)[before]
        found |= has
    return found, reason, who
