"""Lists that say that there is no more of something than the record holds.

Source: docs/records.md.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from protocol_logic.foundation.calendar import PartialDate
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


def close(item: Item, entry: History, when: PartialDate | None) -> None:
    """What a list would hold is complete, unless the record holds something that may be what is
    then said to be absent."""
    unclear = [
        item.unclear[kind] for kind in item.codings.closed[entry.name] if kind in item.unclear
    ]
    if unclear:
        item.problem(
            "not-usable",
            f"`{entry.name}` stays open: what `{shown(min(unclear))}` is about is not known",
            "give it a code of a known system",
        )
    else:
        item.fact(entry, when, display(item.json.get("code")), Closed())
