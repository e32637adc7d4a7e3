"""Lists that say that there is no more of something than the record holds.

Source: docs/records.md.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.foundation.problems import Problem
from protocol_logic.foundation.text import shown
from protocol_logic.knowledge.vocabulary import History
from protocol_logic.records.codings import Codings, keys_of
from protocol_logic.records.facts import Closed, Fact
from protocol_logic.records.item import Item, display


def read(item: Item, entry: History, when: PartialDate | None) -> None:
    """A closed list, unless it is no snapshot or says that it is empty because nobody asked."""
    empty = item.json.get("emptyReason")
    if item.json.get("mode") != "snapshot":
        item.problem("not-usable", f"a list that is no snapshot does not close `{entry.name}`")
    elif empty is not None and "nilknown" not in [code for _, code in keys_of(empty)]:
        item.problem("not-usable", f"the reason why the list is empty leaves `{entry.name}` open")
    else:
        close(item, entry, when)


def beside(
    facts: Iterable[Fact],
    empty: Collection[str],
    codings: Codings,
    unlisted: Mapping[str, Sequence[str]],
) -> tuple[str, str] | None:
    """The first list that closes though it is empty, beside resources whose codes no entry knows
    (`unlisted`, by kind of concept), and what to say of it."""
    closing = (f for f in facts if isinstance(f.reading, Closed) and f.resource in empty)
    for fact in sorted(closing, key=lambda f: (f.entry, f.resource)):
        kinds = codings.closed.get(fact.entry, frozenset())
        names = sorted(name for kind in kinds for name in unlisted.get(kind, ()))
        if names:
            rest = (
                f" and {len(names) - 1:,} more, with codes" if len(names) > 1 else ", with a code"
            )
            return fact.resource, (
                f"`{fact.entry}` is empty and closes, but the record holds `{shown(names[0])}`"
                f"{rest} that no entry knows"
            )
    return None


def told_beside(
    facts: Iterable[Fact],
    empty: Collection[str],
    codings: Codings,
    unlisted: Mapping[str, Sequence[str]],
    source: str,
) -> list[Problem]:
    """The problem of a list that names nothing and closes what the record has by other codes."""
    found = beside(facts, empty, codings, unlisted)
    if found is None:
        return []
    resource, message = found
    hint = "see whether it is of what the list says to be absent, and correct the list"
    return [Problem(code="empty-list", message=message, hint=hint, resource=resource, file=source)]


def close(item: Item, entry: History, when: PartialDate | None) -> None:
    """What a list would hold is complete, unless the record holds something that may be what is
    then said to be absent."""
    open_ = why_open(entry.name, item.codings, item.unclear)
    if open_ is not None:
        item.problem("not-usable", *open_)
    else:
        item.fact(entry, when, display(item.json.get("code")), Closed())


def why_open(history: str, codings: Codings, unclear: Mapping[str, str]) -> tuple[str, str] | None:
    """Why a list closes nothing, and what helps: something in the record cannot be known."""
    names = [unclear[kind] for kind in codings.closed[history] if kind in unclear]
    if not names:
        return None
    message = f"`{history}` stays open: what `{shown(min(names))}` is about is not known"
    return message, "give it a code of a known system"
