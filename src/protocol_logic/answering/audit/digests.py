"""Digests of what went into a decision. Where identifiers are masked, those of patient data are
keyed: somebody who guesses what a small record holds could try a plain one."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from protocol_logic.answering.audit.chain import SCHEME, canonical
from protocol_logic.records.facts import PatientRecord

MASK = "mask:"
_MASK_DIGITS = 32
_PLACES = ("line", "span")
SHORTEST_KEY = 32


def digest(data: bytes) -> str:
    """The SHA-256 of bytes."""
    return SCHEME + hashlib.sha256(data).hexdigest()


@dataclass(frozen=True, slots=True)
class Masks:
    """Makes masks of identifiers, and digests of patient data, with a key; None: neither."""

    key: bytes | None = None

    def __call__(self, identifier: str) -> str:
        """The mask of an identifier; itself without a key."""
        if self.key is None:
            return identifier
        text = b"identifier:" + identifier.encode("utf-8", "surrogatepass")
        return MASK + self._keyed(text)[:_MASK_DIGITS]

    def digest(self, data: bytes) -> str:
        """The digest of patient data: keyed where there is a key."""
        return digest(data) if self.key is None else "hmac-sha256:" + self._keyed(b"data:" + data)

    @property
    def method(self) -> dict[str, str] | None:
        """What an audit record says of its masks: `key` tells one key from another."""
        if self.key is None:
            return None
        return {"method": "HMAC-SHA256", "key": self._keyed(b"key")[:16]}

    def _keyed(self, data: bytes) -> str:
        assert self.key is not None
        return hmac.digest(self.key, data, "sha256").hex()


def facts_bytes(record: PatientRecord) -> bytes:
    """The facts of a patient as they were read, in one form, whatever their order in memory."""
    return canonical(
        {
            "facts": [_plain(fact) for fact in record.facts],
            "unclear": sorted(record.unclear),
            "unlisted": [list(each) for each in record.unlisted],
            **({"unread": [list(each) for each in record.unread]} if record.unread else {}),
            **({"mentioned": [list(m) for m in record.mentioned]} if record.mentioned else {}),
        }
    )


def graph_bytes(data: Mapping[str, Any]) -> bytes:
    """The nodes and edges of a justification, as `explain` writes them: without what the graph says
    of itself (patient, day, protocol), which a line says too, and without places in texts."""
    nodes = [{k: v for k, v in node.items() if k not in _PLACES} for node in data["nodes"]]
    return canonical({"edges": data["edges"], "nodes": nodes})


_FIELDS: dict[type, tuple[str, ...]] = {}
"""The fields of the dataclasses that facts are made of; to look them up each time takes longest."""


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, Fraction | date):
        return str(value)
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    if isinstance(value, frozenset):
        return sorted((_plain(each) for each in value), key=canonical)
    kind = type(value)
    names = _FIELDS.get(kind)
    if names is None:
        if not is_dataclass(kind):
            raise TypeError(f"no fact holds a {kind.__name__}")
        names = _FIELDS[kind] = tuple(field.name for field in fields(kind))
    return [kind.__name__, *(_plain(getattr(value, name)) for name in names)]
