"""Digests of a checked protocol: of all that it rests on, and of its two sides apart.

The text forms of checked values are deterministic (tuples and exact numbers throughout) and free of
places, so neither layout nor the name of a file moves a digest.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any

from protocol_logic.compiling import core
from protocol_logic.compiling.reach import reached
from protocol_logic.knowledge.resources import known_codes
from protocol_logic.knowledge.vocabulary import Concept, Event


def digest_of(protocol: core.Protocol) -> str:
    """Covers the protocol with all that it refers to."""
    return _digest((_text(protocol), _knowledge(protocol)))


def digest_of_text(protocol: core.Protocol) -> str:
    """Covers what the protocol itself says, with the values of its parameters."""
    return _digest(_text(protocol))


def digest_of_knowledge(protocol: core.Protocol) -> str:
    """Covers the definitions and entries that the protocol rests on; where it asks for what lists
    close, also which codes are known at all, since a list closes only beside these."""
    return _digest(_knowledge(protocol))


def _text(p: core.Protocol) -> tuple[Any, ...]:
    return (p.id, p.version, p.scopes, p.timepoints, p.criteria)


def _knowledge(p: core.Protocol) -> list[Any]:
    names = reached(p)
    knowledge = (p.definitions, p.derived, p.denials, p.vocabulary.entries)
    rests = [{n: each for n, each in group.items() if n in names} for group in knowledge]
    return [*rests, _known(p)] if _rests_on_lists(p, names) else rests


def _rests_on_lists(p: core.Protocol, names: frozenset[str]) -> bool:
    return any(
        isinstance(entry := p.vocabulary.entries.get(name), Concept | Event) and entry.closed_by
        for name in names
    )


def _known(p: core.Protocol) -> str:
    own = (code.key for c in p.vocabulary.of(Concept) for code in (*c.codes, *c.past))
    return _known_with(frozenset(own) - known_codes())


@lru_cache(maxsize=16)
def _known_with(own: frozenset[tuple[str, str]]) -> str:
    return _digest(sorted(known_codes() | own))


def _digest(said: object) -> str:
    return f"sha256:{hashlib.sha256(repr(said).encode()).hexdigest()}"
