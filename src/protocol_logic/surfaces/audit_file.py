"""An audit record on the disk: read under a shared lock, appended to under one of its own.

What is appended is written whole or taken back; a process that is killed leaves at most one torn
line at the end, which is found before anything else is appended.
"""

from __future__ import annotations

import io
import os
import platform
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any, TypeAlias

import click

from protocol_logic import __version__
from protocol_logic.answering.audit.chain import (
    Body,
    Fault,
    Head,
    OtherVersion,
    appended,
    follow,
    start,
)
from protocol_logic.answering.audit.digests import SHORTEST_KEY, Masks
from protocol_logic.answering.audit.faults import faults
from protocol_logic.answering.audit.shape import misshapen
from protocol_logic.foundation.text import shown
from protocol_logic.surfaces.inputs import near_path
from protocol_logic.surfaces.outputs import STDOUT
from protocol_logic.surfaces.terminal import visible

_BLOCK = 2**20
_Visit: TypeAlias = Callable[[Body], None] | None
_DECIDING = ("clingo", "clingox", "lark", "networkx")


def versions() -> dict[str, str]:
    """The versions of what decides."""
    found = {"protocol_logic": __version__, "python": platform.python_version()}
    return found | {name: version(name) for name in _DECIDING}


def now() -> str:
    """The moment, in UTC."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def masks_of(name: str | None) -> Masks:
    """Masks with the key in a file; none without a file."""
    if name is None:
        return Masks()
    path = Path(name)
    if not path.is_file():
        raise click.UsageError(
            f"there is no file `{visible(name)}`{near_path(path)}; "
            f"`protocol-logic audit key {visible(name)}` makes a key"
        )
    try:
        key = path.read_bytes().strip()
    except OSError as error:
        raise _cannot(name, "read", error) from error
    if len(key) < SHORTEST_KEY:
        raise click.UsageError(
            f"`{visible(name)}` is too short for a key: it has {len(key)} bytes, and masks made "
            f"with fewer than {SHORTEST_KEY} can be guessed; `protocol-logic audit key FILE` makes "
            "one"
        )
    return Masks(key)


class AuditFile:
    """An audit record that is to be appended to.

    A usage error where it cannot be, or where it is not whole: told at once, and again when it is
    appended to, since others may have appended meanwhile.
    """

    def __init__(self, name: str, masks: Masks) -> None:
        if name == STDOUT:
            raise click.UsageError("an audit record is a file, not stdout")
        self.name = name
        self.path = Path(name)
        self.masks = masks
        self._head = Head()
        if self.path.exists():
            with opened_record(name) as stream:
                self._head = self._followed(stream, Head())
        elif not self.path.parent.is_dir():
            raise click.UsageError(f"there is no folder for `{visible(name)}`")

    def append(self, bodies: Iterable[Mapping[str, Any]], visit: _Visit = None) -> Head:
        """Append a line for each body, or none where that fails; `visit`: each line before."""
        with _locked(self.name, os.O_RDWR | os.O_CREAT | os.O_APPEND) as stream:
            known = self._head
            if visit is not None or os.fstat(stream.fileno()).st_size < known.size:
                known = Head()
            stream.seek(known.size)
            head = self._followed(stream, known, visit)
            return self._write(stream.fileno(), head, bodies)

    def _followed(self, stream: IO[bytes], head: Head, visit: _Visit = None) -> Head:
        def look(body: Body) -> None:
            refuse_misshapen(self.name, body)
            if body["number"] == 1:
                refuse_other_masks(self.name, self.masks, body["mask"])
            if visit is not None:
                visit(body)

        return followed(self.name, stream, head, look)

    def _write(self, handle: int, head: Head, bodies: Iterable[Mapping[str, Any]]) -> Head:
        size = head.size
        try:
            for block, end in _blocks(head, bodies, self.masks):
                _write_all(handle, block)
                head = end
            os.fsync(handle)
            if not size:
                _sync_folder(self.path)
        except BaseException as error:
            with suppress(OSError):
                os.ftruncate(handle, size)
            if isinstance(error, OSError):
                raise _cannot(self.name, "written", error) from error
            raise
        return head


def cut_torn_line(name: str) -> tuple[int, int] | None:
    """Put a line that says what a torn last line was in its place; its number, and the bytes that
    were torn. None where the last line is whole.

    The new line is longer than what it takes the place of, since it holds it, so one write does it.
    """
    with opened_record(name):
        pass
    with _locked(name, os.O_RDWR) as stream:
        data = stream.read()
        place = data.rfind(b"\n") + 1
        torn = data[place:]
        if not torn:
            return None
        if not place:
            raise click.UsageError(
                f"the first line of `{visible(name)}` is torn, so it holds no decision; remove it"
            )
        head = followed(name, io.BytesIO(data[:place]), Head())
        text = torn.decode("utf-8", "backslashreplace")
        body = {"kind": "repair", "at": now(), "bytes": len(torn), "torn": text}
        line, head = appended(head, body)
        os.lseek(stream.fileno(), place, os.SEEK_SET)
        _write_all(stream.fileno(), line)
        os.fsync(stream.fileno())
    return head.number, len(torn)


def _blocks(
    head: Head, bodies: Iterable[Mapping[str, Any]], masks: Masks
) -> Iterator[tuple[bytes, Head]]:
    """Lines in blocks, each with the head after it; the first line of all where there is none."""
    at, block = now(), bytearray()
    if not head.number:
        line, head = appended(head, {**start(masks.method), "at": at})
        block += line
    for body in bodies:
        line, head = appended(head, {**body, "at": at})
        block += line
        if len(block) > _BLOCK:
            yield bytes(block), head
            block.clear()
    if block:
        yield bytes(block), head


@contextmanager
def opened_record(name: str) -> Iterator[IO[bytes]]:
    """The bytes of a record, while nobody appends to it."""
    path = Path(name)
    if not path.exists():
        raise click.UsageError(f"there is no file `{visible(name)}`{near_path(path)}")
    if not path.is_file():  # a pipe would be waited for
        raise _irregular(name)
    try:
        stream = path.open("rb")
    except OSError as error:
        raise _cannot(name, "read", error) from error
    with stream:
        _refuse_irregular(stream, name)
        _lock(stream, alone=False)
        yield stream


def refuse_other_masks(name: str, masks: Masks, said: Mapping[str, str] | None) -> None:
    """A usage error where a record is masked in another way; `said`: how it says that it is."""
    own = masks.method
    if said == own:
        return
    if own is None:
        message = f"`{visible(name)}` masks identifiers; give its key by --mask KEY"
    elif said is None:
        message = f"`{visible(name)}` does not mask identifiers; leave --mask out"
    else:
        message = f"the masks of `{visible(name)}` are made with another key"
    raise click.UsageError(message)


def visit_lines(name: str, masks: Masks | None, visit: Callable[[Body], None]) -> None:
    """Visit all lines of a record; a usage error where it is not whole, where a line is none that
    this version writes, or where it has other masks than those that are given, if any."""

    def look(body: Body) -> None:
        refuse_misshapen(name, body)
        if body["number"] == 1 and masks is not None:
            refuse_other_masks(name, masks, body["mask"])
        visit(body)

    with opened_record(name) as stream:
        end = followed(name, stream, Head(), look, "done with")
    if not end.number:
        raise click.UsageError(f"`{visible(name)}` is empty, so it is no audit record")


def refuse_misshapen(name: str, body: Body) -> None:
    """A usage error where a line of a whole chain is none that this version writes."""
    wrong = misshapen(body)
    if wrong is not None:
        raise click.UsageError(
            f"line {body['number']} of `{visible(name)}` is none that this program writes: "
            f"its `{wrong}` is missing, or something else"
        )


def followed(
    name: str, stream: IO[bytes], head: Head, visit: _Visit = None, what: str = "appended to"
) -> Head:
    """The end of a record from a head on; a usage error where it is not whole, that says what is
    not done with it."""
    try:
        head, whole = follow(stream, head, visit)
    except OtherVersion as error:
        raise other_version(name, error) from error
    if not whole:
        stream.seek(0)
        found = faults(stream)
        if not found:  # whole by itself, and not what was read before
            raise click.UsageError(
                f"`{visible(name)}` was replaced meanwhile; nothing is {what} it"
            )
        raise click.UsageError(
            f"nothing is {what} `{visible(name)}`, since it is not whole: "
            f"{fault_text(found[0])}; {_cure(found[0], name)}"
        )
    return head


@contextmanager
def _locked(name: str, flags: int) -> Iterator[IO[bytes]]:
    """A record that nobody else reads or appends to meanwhile."""
    try:
        handle = os.open(name, flags, 0o600)
    except OSError as error:
        raise _cannot(name, "written", error) from error
    with os.fdopen(handle, "rb") as stream:
        _refuse_irregular(stream, name)
        _lock(stream, alone=True)
        yield stream


def _write_all(handle: int, data: bytes) -> None:
    while data:
        data = data[os.write(handle, data) :]


def fault_text(fault: Fault) -> str:
    """A fault in one line."""
    return f"line {fault.line}: {fault.text}"


def other_version(name: str, error: OtherVersion) -> click.UsageError:
    """What is said of a record of another version."""
    return click.UsageError(
        f"`{visible(name)}` is an audit record of version {shown(str(error))}, "
        "which this program does not read"
    )


def _cure(fault: Fault, name: str) -> str:
    if fault.text.startswith("torn"):
        return (
            f"`protocol-logic audit repair {visible(name)}` takes the torn line away, and notes it"
        )
    return f"`protocol-logic audit verify {visible(name)}` says all"


def _refuse_irregular(stream: IO[bytes], name: str) -> None:
    if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
        raise _irregular(name)


def _irregular(name: str) -> click.UsageError:
    return click.UsageError(f"`{visible(name)}` is no regular file, so it is no audit record")


def _lock(stream: IO[bytes], *, alone: bool) -> None:
    try:
        import fcntl
    except ImportError as error:
        raise click.UsageError("this system has no locks of files; see docs/audit.md") from error
    fcntl.flock(stream, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)


def _sync_folder(path: Path) -> None:
    """Make sure that a new file keeps its name."""
    handle = os.open(path.absolute().parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _cannot(name: str, what: str, error: OSError) -> click.UsageError:
    reason = error.strerror or str(error)
    return click.UsageError(f"`{visible(name)}` cannot be {what}: {shown(reason)}")
