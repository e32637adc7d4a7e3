"""Lists and orders of many patients at once: what closes a concept, and else why nothing does.

As `closing`, `not_closed` and `unlisted` of `findings/latest.py` find it for one patient.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from protocol_logic.findings.columns.cells import code
from protocol_logic.findings.columns.doubts import Doubted, doubted_of
from protocol_logic.findings.columns.seen import certain, first_of, flags, seen
from protocol_logic.findings.columns.sources import Sources
from protocol_logic.findings.columns.tables import NEVER, NOBODY, Flags, Ints
from protocol_logic.findings.latest import kind_of
from protocol_logic.knowledge.vocabulary import Concept, Event, History, Vocabulary
from protocol_logic.records.store.by_entry import KINDS, NO_DAY

_CLOSED, _ORDERED = 1 + KINDS.index("closed"), 1 + KINDS.index("ordered")


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


def closing_of(sources: Sources, entry: str, doubting: tuple[str, ...] | None = None) -> Closing:
    """What closes a concept or an event. `doubting`: the kinds of it of which nothing may be in
    doubt either; None for all."""
    kinds = sources.vocabulary.below(entry) if doubting is None else doubting
    found: Closing = sources.once(
        ("closing", entry, kinds), lambda: _closing_of(sources, entry, kinds)
    )
    return found


def _closing_of(sources: Sources, name: str, doubting: tuple[str, ...]) -> Closing:
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
    # A doubt about any kind is why nothing closes it, whether or not it is what keeps it open.
    of_any = _doubted(sources, sources.vocabulary.below(name))
    its = _doubted(sources, (name, *doubting))
    named = of_any.sure & ~ordered & lists.has
    reason[named] = code("doubted")
    who[named] = of_any.who[named]
    closes = lists.closes & ~ordered & ~its.sure
    unread = sources.shard.unread(kind_of(entry))
    unsure = its.unsure | (of_any.unsure & ~closes)
    return Closing(
        closes,
        np.where(closes, lists.dated, NEVER),
        reason,
        who,
        ~lists.has & ~ordered & ~of_any.sure,
        ~ordered & ~of_any.sure,
        (unread | unsure) & lists.has,
        unread | of_any.unsure,
    )


def _doubted(sources: Sources, names: tuple[str, ...]) -> Doubted:
    """The doubts about any of some concepts, with what casts the first one."""
    found = [doubted_of(sources, name) for name in dict.fromkeys(names)]
    sure, unsure = np.zeros(sources.size, bool), np.zeros(sources.size, bool)
    who = np.full(sources.size, NOBODY, np.int32)
    for each in found:
        who = np.where(each.sure & ~sure, each.who, who)
        sure = sure | each.sure
        unsure = unsure | each.unsure
    return Doubted(sure, who, unsure)


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
