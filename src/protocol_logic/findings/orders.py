"""Orders of medications: whether they may have been taken although no list or record says so.

A person answers an order by `not taken`, or all orders of a class by saying of the class, of a day
that is not before theirs, that there was none or that nothing is missing. Source: docs/answers.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from protocol_logic.knowledge.vocabulary import Concept, Vocabulary
from protocol_logic.records.facts import Closed, Fact, Ordered


def orders_of(
    facts: Iterable[Fact], as_of: date, vocabulary: Vocabulary
) -> Iterator[tuple[Fact, Fact | None]]:
    """The orders among some facts, each with a person's word that answers it, if there is one."""
    known = list(facts)
    orders = [fact for fact in known if isinstance(fact.reading, Ordered)]
    if not orders:
        return
    words = [fact for fact in known if _closes_a_class(fact, vocabulary)]
    for order in orders:
        names = {order.entry, *vocabulary.above(order.entry)}
        found = (w for w in words if w.entry in names and _is_answered(order, w, as_of))
        yield order, next(found, None)


def _closes_a_class(fact: Fact, vocabulary: Vocabulary) -> bool:
    entry = vocabulary.entries.get(fact.entry)
    return bool(fact.attested) and isinstance(fact.reading, Closed) and isinstance(entry, Concept)


def _is_answered(order: Fact, word: Fact, as_of: date) -> bool:
    """Whether a word is surely of no earlier day than an order, which without a date may be of any
    day up to that of judgement, and is seen by then."""
    reading = order.reading
    if not isinstance(reading, Ordered) or not reading.known:
        return False  # what cannot be understood may be no order
    if word.date is None or word.date.last > as_of:
        return False
    latest = as_of if order.date is None else min(order.date.last, as_of)
    return latest <= word.date.first
