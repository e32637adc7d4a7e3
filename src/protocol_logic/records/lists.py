"""Lists that say that there is no more of something than the record holds.

Source: docs/records.md.
"""

from __future__ import annotations

from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.foundation.text import shown
from protocol_logic.knowledge.vocabulary import History
from protocol_logic.records.codings import keys_of
from protocol_logic.records.facts import Closed
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
