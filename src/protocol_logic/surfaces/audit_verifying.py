"""`audit verify`, `repair` and `key`: whether a record is whole, and what keeps it so."""

from __future__ import annotations

import os
import secrets
from collections import Counter
from pathlib import Path

import click

from protocol_logic.answering.audit.chain import (
    SCHEME,
    Body,
    Fault,
    Head,
    OtherVersion,
    follow,
)
from protocol_logic.answering.audit.faults import faults
from protocol_logic.foundation.text import shown
from protocol_logic.surfaces.audit_file import (
    cut_torn_line,
    fault_text,
    opened_record,
    other_version,
)
from protocol_logic.surfaces.terminal import count, visible

_MOST_FAULTS = 100


class _Look:
    """What passes while a record is followed: how many lines of each kind, and a head."""

    def __init__(self, head: str | None) -> None:
        self.kinds: Counter[str] = Counter()
        self.head = head
        self.found: int | None = None

    def __call__(self, body: Body) -> None:
        self.kinds[body["kind"]] += 1
        if body["hash"] == self.head:
            self.found = body["number"]


def verify_record(name: str, head: str | None) -> int:
    """Say whether a record is whole, and holds a head; the exit code: 1 where not."""
    look = _Look(None if head is None else _hash_of(head))
    with opened_record(name) as stream:
        try:
            end, whole = follow(stream, Head(), look)
        except OtherVersion as error:
            raise other_version(name, error) from error
        found: list[Fault] = []
        if not whole or not end.number:
            stream.seek(0)
            found = faults(stream)
    if found:
        for fault in found[:_MOST_FAULTS]:
            click.echo(fault_text(fault))
        if len(found) > _MOST_FAULTS:
            click.echo(f"and {len(found) - _MOST_FAULTS:,} more")
        click.echo(f"not whole: {count(len(found), 'fault')}")
        return 1
    if head is not None and look.found is None:
        click.echo("cut off or replaced: the head that was given is the hash of no line")
        click.echo(f"head: line {end.number}, {end.hash}")
        return 1
    kinds = ", ".join(count(n, kind) for kind, n in look.kinds.items() if kind != "start")
    click.echo(f"whole: {count(end.number, 'line')}" + (f" ({kinds})" if kinds else ""))
    click.echo(f"head: line {end.number}, {end.hash}")
    if look.found is not None:
        since = end.number - look.found
        after = f"{count(since, 'line')} appended since" if since else "nothing appended since"
        click.echo(f"the head that was given is line {look.found}; {after}")
    return 0


def _hash_of(text: str) -> str:
    """A hash as a person gives it, with or without the word before it."""
    digits = text.strip().lower().removeprefix(SCHEME)
    if len(digits) != 64 or not set(digits) <= set("0123456789abcdef"):
        raise click.BadParameter(
            f"`{shown(text)}` is no head; it has 64 digits, as `audit verify` prints them",
            param_hint="'--head'",
        )
    return SCHEME + digits


def repair_record(name: str) -> int:
    """Take a torn last line away and note it; the exit code: 1 where there is none."""
    cut = cut_torn_line(name)
    if cut is None:
        click.echo("nothing to repair: the last line is not torn")
        return 1
    number, size = cut
    click.echo(f"repaired: {count(size, 'byte')} of a torn line stand in line {number}")
    return 0


def make_key(name: str) -> int:
    """Write a new key into a new file that only its owner can read."""
    path = Path(name)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise click.UsageError(
            f"`{visible(name)}` is there already; a key is never written over"
        ) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise click.UsageError(f"`{visible(name)}` cannot be written: {shown(reason)}") from error
    with os.fdopen(handle, "w") as stream:
        stream.write(secrets.token_hex(32) + "\n")
    click.echo(f"{visible(name)} holds a new key; without it masks cannot be told again")
    return 0
