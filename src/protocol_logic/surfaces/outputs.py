"""What is written: whole files or nothing, and problems on stderr."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import click

from protocol_logic.foundation.problems import Problem
from protocol_logic.foundation.text import shown
from protocol_logic.surfaces.terminal import colour_wanted, terminal_width, visible

STDOUT = "-"


@contextmanager
def opened_output(name: str | None) -> Iterator[IO[bytes]]:
    """A stream for the whole output: stdout for None and `-`, else a file.

    A file appears when everything is written, and an old one stays until then: the stream goes to
    a file beside it, which takes its place at the end. Devices and pipes are written directly. A
    file that cannot be written is a usage error, told before any work is done.
    """
    if name is None or name == STDOUT:
        sys.stdout.flush()
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    # A link stays a link: what it points to is replaced.
    path = Path(os.path.realpath(name))
    try:
        if path.is_dir():
            raise IsADirectoryError(0, "it is a folder")
        if path.exists() and not path.is_file():
            with path.open("wb") as device:
                yield device
            return
        mode = _mode(path)
        handle, made = tempfile.mkstemp(
            dir=path.parent, prefix=f".{path.name[:40]}.", suffix=".tmp"
        )
    except OSError as error:
        raise _cannot_write(name, error) from error
    temporary = Path(made)
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        try:
            temporary.chmod(mode)
            temporary.replace(path)
        except OSError as error:
            raise _cannot_write(name, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def temporary_folder(name: str | None) -> Path | None:
    """Where what is written before an output is kept meanwhile; None: the system's place for that.

    Beside an output file there is room for it, for there it will be written.
    """
    if name is None or name == STDOUT:
        return None
    path = Path(os.path.realpath(name))
    return path.parent if path.is_file() or not path.exists() else None


def _mode(path: Path) -> int:
    """The permissions of the file that is there, else those that a new file gets."""
    with suppress(FileNotFoundError):
        mode = stat.S_IMODE(path.stat().st_mode)
        if not os.access(path, os.W_OK):
            raise PermissionError(13, "Permission denied")
        return mode
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _cannot_write(name: str, error: OSError) -> click.UsageError:
    reason = error.strerror or str(error)
    return click.UsageError(f"`{visible(name)}` cannot be written: {shown(reason)}")


def written(text: str) -> bytes:
    """UTF-8 bytes of a text; half surrogates (of a file name) are escaped, as JSON allows too."""
    return text.encode("utf-8", "backslashreplace")


def print_problems(problems: Sequence[Problem]) -> None:
    """Draw problems on stderr."""
    from protocol_logic.surfaces.diagnostics import render

    if problems:
        colour, width = colour_wanted(sys.stderr), terminal_width(sys.stderr)
        click.echo(render(problems, colour=colour, width=width), err=True, color=colour)
