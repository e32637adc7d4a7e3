"""Lists that say that there is no more of something than the record holds.

Source: docs/records.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.foundation.text import shown
from protocol_logic.knowledge.vocabulary import History
from protocol_logic.records.codings import Codings, keys_of
from protocol_logic.records.facts import Closed, Fact, Unlisted
from protocol_logic.records.item import Item, display, objects_in, text_in
from protocol_logic.records.json_text import Object

NIL = "nilknown"
NOT_KNOWN = "not-known"
TAKEN_BACK = ("retired", "entered-in-error")


def why_not_known(json: Object) -> str:
    """Why beside a List no older one of its kind closes anything: what it would hold is not known,
    or it was taken back; else nothing."""
    status = text_in(json, "status") or ""
    empty = json.get("emptyReason")
    if status in TAKEN_BACK:
        return status
    if status != "current" or empty is None or NIL in [code for _, code in keys_of(empty)]:
        return ""
    return NOT_KNOWN


def read(item: Item, entry: History, when: PartialDate | None) -> None:
    """A closed list, unless it is no snapshot or says that it is empty because nobody asked."""
    empty = item.json.get("emptyReason")
    if item.json.get("mode") != "snapshot":
        item.problem("not-usable", f"a list that is no snapshot does not close `{entry.name}`")
    elif empty is not None and NIL not in [code for _, code in keys_of(empty)]:
        item.problem("not-usable", f"the reason why the list is empty leaves `{entry.name}` open")
    else:
        close(item, entry, when)


def close(item: Item, entry: History, when: PartialDate | None) -> None:
    """What a list would hold is complete, unless the record holds something that may be what is
    then said to be absent."""
    open_ = why_open(entry.name, item.codings, item.unclear)
    if open_ is not None:
        item.problem("not-usable", *open_)
    else:
        item.fact(entry, when, display(item.json.get("code")), Closed(listed=True))


def why_open(history: str, codings: Codings, unclear: Mapping[str, str]) -> tuple[str, str] | None:
    """Why a list closes nothing, and what helps: something in the record cannot be known."""
    names = [unclear[kind] for kind in codings.closed[history] if kind in unclear]
    if not names:
        return None
    message = f"`{history}` stays open: what `{shown(min(names))}` is about is not known"
    return message, "give it a code of a known system"


def untold(json: Object, is_told: Callable[[str], bool]) -> Iterator[tuple[str, str]]:
    """What a list calls each of its items of which nothing is known, and to what it refers: to
    nothing, or to what is not told."""
    for each in objects_in(json, "entry"):
        item = each.get("item")
        target = text_in(item, "reference") if isinstance(item, dict) else None
        if each.get("deleted") is not True and (target is None or not is_told(target)):
            named = text_in(item, "display") if isinstance(item, dict) else None
            yield named or target or "an item without a name", target or ""


def as_stated(
    items: Iterable[tuple[str, str]],
    closing: Iterable[Fact],
    codings: Codings,
    resource: str,
    day: str,
) -> set[Unlisted]:
    """Items of which nothing is known, in a list that closes something, as what may be anything of
    the kinds that it closes."""
    kinds = {kind for fact in closing for kind in codings.closed.get(fact.entry, ())}
    return {
        Unlisted(kind, resource, "", name, day, target=target)
        for name, target in items
        for kind in kinds
    }
