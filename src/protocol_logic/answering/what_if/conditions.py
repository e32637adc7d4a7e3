"""What conditions are called: the author's own words of a test, or `not` before them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from protocol_logic.compiling import core
from protocol_logic.compiling.clauses import said
from protocol_logic.reasoning.literals import Literal


def condition_ids(protocol: core.Protocol) -> Mapping[core.Test, str]:
    """Each test of the criteria -> its id, by its first occurrence.

    Tests that are equal are one condition. Where two that differ are written alike (two to-dos),
    the id names the criterion too.
    """
    ids: dict[core.Test, str] = {}
    taken: set[str] = set()
    for criterion in protocol.criteria:
        for test in _tests(criterion):
            if test not in ids:
                words = " ".join(said(protocol.source, test).split())
                ids[test] = _free(words, criterion.id, taken)
                taken.add(ids[test])
    return ids


def words_of(ids: Mapping[core.Test, str], literals: Iterable[Literal]) -> tuple[str, ...]:
    """The ids of literals, sorted."""
    each = (ids[one.test] if one.holds else f"not {ids[one.test]}" for one in literals)
    return tuple(sorted(each))


def _tests(criterion: core.Criterion) -> Iterable[core.Test]:
    for condition in (criterion.applies, criterion.condition):
        if condition is not None:
            yield from core.tests_in(condition)


def _free(words: str, criterion: str, taken: set[str]) -> str:
    if words not in taken:
        return words
    words = f"{words} ({criterion})"
    number, free = 1, words
    while free in taken:
        number += 1
        free = f"{words} {number}"
    return free
