"""A chain of lines: each holds its number, the hash of the line before and its own.

A line is canonical JSON (sorted keys, no blanks, UTF-8) and a line end. Its `hash` is the SHA-256
of the canonical JSON of the line without `hash`, so it covers all lines before. Source:
docs/audit.md.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

FORMAT = "protocol-logic audit record"
VERSION = 1
SCHEME = "sha256:"
NOTHING = SCHEME + "0" * 64
"""What the first line has in the place of a hash before it."""

_HASH_LENGTH = len(NOTHING)

Body: TypeAlias = dict[str, Any]


class Broken(ValueError):
    """A line that is not as it was appended; the text says why."""


class OtherVersion(ValueError):
    """An audit record that this program does not know how to read."""


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain: the number and the hash of its last line, and its length in bytes."""

    number: int = 0
    hash: str = NOTHING
    size: int = 0


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong at a line of the file, counted from 1."""

    line: int
    text: str


def canonical(value: object) -> bytes:
    """The one text of a value in JSON."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    # Half surrogates (of a file name) are escaped, as JSON allows too.
    return text.encode("utf-8", "backslashreplace")


def hashed(body: Mapping[str, Any]) -> str:
    """The hash of a line without its `hash`."""
    return SCHEME + hashlib.sha256(canonical(body)).hexdigest()


def appended(head: Head, body: Mapping[str, Any]) -> tuple[bytes, Head]:
    """The line of a body after a head, and the new head."""
    said = {**body, "number": head.number + 1, "previous": head.hash}
    own = hashed(said)
    line = canonical({**said, "hash": own}) + b"\n"
    return line, Head(head.number + 1, own, head.size + len(line))


def start(mask: Mapping[str, str] | None) -> Body:
    """The body of the first line; `mask`: how identifiers are masked, None: they are not."""
    return {
        "kind": "start",
        "format": FORMAT,
        "version": VERSION,
        "mask": None if mask is None else dict(mask),
    }


# ---- reading -------------------------------------------------------------------------------------


def opened(raw: bytes) -> Body:
    """What a line says, with its hash; Broken where it is not as it was appended."""
    if not raw.endswith(b"\n"):
        raise Broken("torn: it has no end, so it was not written whole")
    text = raw[:-1]
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        raise Broken("altered: it is not JSON") from None
    if not isinstance(body, dict):
        raise Broken("altered: it is no JSON object")
    own = body.pop("hash", None)
    if not (_is_hash(own) and _is_hash(body.get("previous")) and _is_number(body.get("number"))):
        raise Broken("altered: it is no line of an audit record")
    if not isinstance(body.get("kind"), str):
        raise Broken("altered: it is no line of an audit record")
    try:
        if hashed(body) != own:
            raise Broken("altered: its content does not give its hash")
        body["hash"] = own
        same = canonical(body) == text
    except RecursionError:
        raise Broken("altered: it is no line of an audit record") from None
    if not same:
        raise Broken("altered: it says the same in other characters")
    return body


def _is_hash(value: object) -> bool:
    return isinstance(value, str) and len(value) == _HASH_LENGTH and value.startswith(SCHEME)


def _is_number(value: object) -> bool:
    return type(value) is int and value > 0


def follow(
    lines: Iterable[bytes], head: Head, visit: Callable[[Body], None] | None = None
) -> tuple[Head, bool]:
    """The head after lines that go on from a head, and whether all do; it stops at one that does
    not. `visit` is called with each that does.

    OtherVersion where the first line says that the record is of another version.
    """
    for raw in lines:
        try:
            body = opened(raw)
        except Broken:
            return head, False
        number = head.number + 1
        if body["number"] != number or body["previous"] != head.hash:
            return head, False
        if (number == 1) != (body["kind"] == "start"):
            return head, False
        if number == 1:
            _refuse_other_version(body)
        head = Head(number, body["hash"], head.size + len(raw))
        if visit is not None:
            visit(body)
    return head, True


def _refuse_other_version(body: Body) -> None:
    if body.get("format") != FORMAT or body.get("version") != VERSION:
        raise OtherVersion(str(body.get("version")))
