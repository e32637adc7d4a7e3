"""What takes long to make of a text, kept on disk from one run to the next.

It is kept as pickles, and a pickle runs what it says. So they lie in a folder of the user that
nobody else can write; where there is none, nothing is kept. What is kept is taken only for the key
that it was made for, and whole: a file that is cut, damaged or of another program is no file.
"""

from __future__ import annotations

import os
import pickle
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

_DIGEST = 32
_MOST = 1000
"""How many files are kept; of more the oldest go."""


@cache
def kept_folder() -> Path | None:
    """The folder, or None where none is the user's alone."""
    from platformdirs import user_cache_path

    try:
        folder = user_cache_path("protocol-logic", appauthor=False)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
    except (OSError, RuntimeError):  # a read-only home, or none
        return None
    return folder if _is_own(status) and os.access(folder, os.W_OK) else None


def kept(name: str, key: bytes, make: Callable[[], T]) -> T:
    """What `make` gives, or what it gave in an earlier run.

    `key`: all that it is made of, and what makes it.
    """
    folder = kept_folder()
    if folder is None:
        return make()
    digest = sha256(b"%d.%d\n" % sys.version_info[:2] + key).digest()
    path = folder / f"{name}-{digest.hex()[:16]}.pickle"
    found = _payload(path, digest)
    if found is not None:
        with suppress(Exception):  # as another Python could have written it
            value: T = pickle.loads(found)
            return value
    value = make()
    payload = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    with suppress(OSError):
        _write(path, digest + sha256(payload).digest() + payload)
        _clear(folder)
    return value


def _write(path: Path, content: bytes) -> None:
    """Put content in a file at once, so that another process reads it whole or not at all."""
    file, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(file, "wb") as stream:
            stream.write(content)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _clear(folder: Path) -> None:
    """Remove the oldest files of a folder that has too many."""
    files = list(folder.glob("*.pickle"))
    if len(files) > _MOST:
        for _, path in sorted((path.stat().st_mtime, path) for path in files)[:-_MOST]:
            path.unlink(missing_ok=True)


def _payload(path: Path, digest: bytes) -> bytes | None:
    """What a file holds, if it is the user's, of this key and undamaged."""
    try:
        with path.open("rb") as stream:
            if not _is_own(os.fstat(stream.fileno())):
                return None
            content = stream.read()
    except OSError:
        return None
    payload = content[2 * _DIGEST :]
    is_whole = content[: 2 * _DIGEST] == digest + sha256(payload).digest()
    return payload if is_whole else None


def _is_own(status: os.stat_result) -> bool:
    """Whether a file or folder is the user's, and nobody else can write it."""
    return not hasattr(os, "getuid") or (
        status.st_uid == os.getuid() and not status.st_mode & 0o022
    )
