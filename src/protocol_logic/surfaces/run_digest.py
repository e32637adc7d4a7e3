"""All that the rows of a run are made of, but for the patients, as digests."""

from __future__ import annotations

import sys
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from protocol_logic.knowledge.resources import installed_files
from protocol_logic.surfaces.kept_rows import Keep

if TYPE_CHECKING:
    from protocol_logic.pipeline import Compiled
    from protocol_logic.surfaces.screening import ScreenOptions


def program_digest() -> bytes:
    """Covers this program with its knowledge base, and what it decides by."""
    found = sha256(repr(sys.version_info[:2]).encode())
    for package in ("clingo", "clingox", "lark"):
        found.update(f"{package} {version(package)}\n".encode())
    for name, content in installed_files():
        found.update(b"%d %s %d\n" % (len(name), name.encode(), len(content)) + content)
    return found.digest()


def keep_of(program: bytes, compiled: Compiled, options: ScreenOptions) -> Keep | None:
    """Where the rows of a protocol are kept, if they are to be."""
    if options.keep is None:
        return None
    source = compiled.protocol.source
    policies = b"" if options.policies is None else Path(options.policies).read_bytes()
    noted = options.problems_file is not None
    several = Path(options.protocol).is_dir()  # then a piece of the table is another
    of = repr((compiled.protocol.id, options.form, several, noted)).encode()
    said = (compiled.digest, options.as_of, options.parameters, options.dates, policies)
    run = sha256(program + of + repr((source.name, source.text, said)).encode())
    return Keep(options.keep, run.digest(), sha256(of).digest())
