"""The parser kept on disk is the parser, whatever lies in its place, and nobody else's is taken."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PARSES = """
from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.language.parse import parse
from protocol_logic.knowledge.resources import kb_root
for path in sorted(kb_root().rglob("*.elig"))[:2]:
    problems = Problems()
    print(parse(Source("text", path.read_text(encoding="utf-8")), problems), problems.items)
"""


def parsed(home: Path) -> str:
    environment = {**os.environ, "XDG_CACHE_HOME": str(home)}
    run = [sys.executable, "-c", PARSES]
    done = subprocess.run(run, env=environment, capture_output=True, check=True, text=True)
    assert done.stderr == ""
    return done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="the folder is told by XDG_CACHE_HOME")
def test_a_kept_parser_reads_as_a_new_one(tmp_path: Path) -> None:
    new = parsed(tmp_path)
    (kept,) = (tmp_path / "protocol-logic").iterdir()
    written = kept.stat().st_mtime_ns
    assert parsed(tmp_path) == new
    assert kept.stat().st_mtime_ns == written, "made anew though it was there"

    for damage in (b"nonsense", kept.read_bytes()[:-500]):
        kept.write_bytes(damage)
        assert parsed(tmp_path) == new
        assert len(kept.read_bytes()) > 10_000, "not mended"


@pytest.mark.skipif(sys.platform != "linux", reason="the folder is told by XDG_CACHE_HOME")
def test_a_folder_that_others_can_write_is_not_used(tmp_path: Path) -> None:
    folder = tmp_path / "protocol-logic"
    folder.mkdir()
    folder.chmod(0o777)
    parsed(tmp_path)
    assert list(folder.iterdir()) == []
    folder.rmdir()
    folder.write_text("a file in the place of the folder", encoding="utf-8")
    parsed(tmp_path)
