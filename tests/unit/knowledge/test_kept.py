"""What is kept on disk is what was made, whatever lies in its place, and nobody else's is taken."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from protocol_logic.compiling.library import gather
from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.knowledge import kept as module
from protocol_logic.knowledge.kept import kept, kept_folder
from protocol_logic.knowledge.resources import knowledge_path
from protocol_logic.language import reading
from protocol_logic.language.parse import parse
from protocol_logic.language.parser import build_parser
from protocol_logic.pipeline import storing
from protocol_logic.records.store.knowledge import digest_of_entry

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="XDG_CACHE_HOME tells the folder")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where things are kept in this test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    kept_folder.cache_clear()
    yield tmp_path / "protocol-logic"
    kept_folder.cache_clear()


def make(value: object, made: list[object]) -> object:
    made.append(value)
    return value


def ask(key: bytes, value: object, made: list[object]) -> object:
    return kept("thing", key, lambda: make(value, made))


def test_it_is_made_once_for_each_key(folder: Path) -> None:
    made: list[object] = []
    assert ask(b"a", 1, made) == 1
    assert ask(b"a", 2, made) == 1
    assert ask(b"b", 3, made) == 3
    assert ask(b"a", 4, made) == 1
    assert made == [1, 3]
    assert folder.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())


def test_what_is_cut_changed_or_of_another_key_is_made_again(folder: Path) -> None:
    made: list[object] = []
    ask(b"a", ["right"], made)
    (path,) = folder.iterdir()
    whole = path.read_bytes()
    ask(b"other", ["wrong"], [])
    (other,) = set(folder.iterdir()) - {path}
    damages = [b"", b"nonsense", whole[:-1], whole[:40], whole + b"x", other.read_bytes()]
    damages.append(whole.replace(b"right", b"wrong"))
    for number, damage in enumerate(damages, 2):
        path.write_bytes(damage)
        assert ask(b"a", ["right"], made) == ["right"]
        assert len(made) == number, damage
        assert path.read_bytes() == whole, "not mended"


def test_what_cannot_be_unpickled_is_made_again(folder: Path) -> None:
    made: list[object] = []
    ask(b"a", 1, made)
    (path,) = folder.iterdir()
    payload = b"cno_such_module\nNothing\n."
    path.write_bytes(path.read_bytes()[:32] + sha256(payload).digest() + payload)
    assert ask(b"a", 2, made) == 2


@pytest.mark.parametrize("state", ["others can write", "a file", "below a file"])
def test_where_no_folder_is_the_users_alone_nothing_is_kept(folder: Path, state: str) -> None:
    if state == "others can write":
        folder.mkdir()
        folder.chmod(0o777)
    elif state == "a file":
        folder.write_text("in the place of the folder", encoding="utf-8")
    else:
        folder.parent.rmdir()
        folder.parent.write_text("in the place of the folder above", encoding="utf-8")
    made: list[object] = []
    assert (ask(b"a", 1, made), ask(b"a", 2, made)) == (1, 2)
    assert made == [1, 2]
    assert not folder.is_dir() or list(folder.iterdir()) == []


def test_a_file_that_others_can_write_is_not_taken(folder: Path) -> None:
    made: list[object] = []
    ask(b"a", 1, made)
    (path,) = folder.iterdir()
    path.chmod(0o622)
    assert ask(b"a", 2, made) == 2
    assert path.stat().st_mode & 0o077 == 0


def test_a_disk_that_is_full_is_no_failure(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(module, "_write", full)
    assert ask(b"a", 1, []) == 1
    assert list(folder.iterdir()) == []


def test_the_oldest_go(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST", 3)
    for number in range(5):
        ask(b"%d" % number, number, [])
        for path in folder.iterdir():
            os.utime(path, (0, path.stat().st_mtime - 1))
    made: list[object] = []
    assert [ask(b"%d" % number, -1, made) for number in (4, 3, 2)] == [4, 3, 2]
    assert len(list(folder.iterdir())) == 3 and made == []


TWO = """
import sys
from pathlib import Path
from protocol_logic.knowledge.kept import kept
Path(sys.argv[1]).touch()
while not Path(sys.argv[2]).exists():
    pass
for number in range(200):
    value = kept("thing", b"%d" % (number % 3), lambda: [number % 3] * 20_000)
    assert value == [number % 3] * 20_000
    for path in Path(sys.argv[3]).glob("*.pickle") if number % 20 == 0 else ():
        path.unlink(missing_ok=True)
"""


def test_two_processes_write_at_once(folder: Path, tmp_path: Path) -> None:
    paths = [(str(tmp_path / a), str(tmp_path / b)) for a, b in ("ab", "ba")]
    both = [subprocess.Popen([sys.executable, "-c", TWO, *each, folder]) for each in paths]
    assert [process.wait(60) for process in both] == [0, 0]
    assert all(path.suffix == ".pickle" for path in folder.iterdir()), "something is left over"


# ---- what is kept --------------------------------------------------------------------------------


def test_a_kept_tree_is_the_tree(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = knowledge_path("hepatic")
    assert path is not None
    good = path.read_text(encoding="utf-8")
    for text in (good, f"{good}\nsytem x y\nquantity a\n  unit g\n"):
        source, problems = Source("kb/x", text), Problems()
        plain = tuple(parse(source, problems))
        first = reading.parse_once(source)
        with monkeypatch.context() as no_lark:
            no_lark.setattr(reading, "parse", lambda *_: pytest.fail("read again"))
            again = reading.parse_once(source)
        assert repr(first) == repr(again) == repr((plain, tuple(problems.items), False))
        assert first == again
        spans = [statement.span for statement in plain]
        assert [statement.span for statement in again[0]] == spans
        assert [problem.sort_key() for problem in again[1]] == [
            problem.sort_key() for problem in problems.items
        ]


def test_another_reader_reads_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source("kb/x", "system loinc http://loinc.org\n")
    reading.parse_once(source)
    monkeypatch.setattr(reading, "_reader", lambda: b"another version of the program")
    monkeypatch.setattr(reading, "parse", lambda *_: [])
    assert reading.parse_once(source) == ((), (), False)


def test_texts_of_people_are_not_kept(folder: Path) -> None:
    gather(Source("mine.elig", "protocol mine\n  title My own protocol\n"), Problems())
    assert not list(folder.glob("tree-*"))


def test_a_kept_parser_reads_as_a_new_one(folder: Path) -> None:
    text = "define a as\n  hemoglobin >= 9 g/dL\n"
    build_parser.cache_clear()
    new = repr(parse(Source("x", text), Problems()))
    (path,) = folder.glob("parser-*")
    written = path.stat().st_mtime_ns
    build_parser.cache_clear()
    assert repr(parse(Source("x", text), Problems())) == new
    assert path.stat().st_mtime_ns == written, "made anew though it was there"
    assert pickle.loads(path.read_bytes()[64:]).keys() == {"data", "memo"}


def test_the_knowledge_of_a_store_is_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storing._own_knowledge.cache_clear()
    made = storing.knowledge_of((), (), Problems())
    storing._own_knowledge.cache_clear()
    with monkeypatch.context() as unread:
        unread.setattr(storing, "check", lambda *_: pytest.fail("checked again"))
        again = storing.knowledge_of((), (), Problems())
    assert made is not None and again is not None and made is not again
    assert again == made
    assert again.digests == tuple(map(digest_of_entry, again.entries))
    storing._own_knowledge.cache_clear()
    monkeypatch.setattr(storing, "program_files", lambda: iter([("src/x.py", b"another program")]))
    monkeypatch.setattr(storing, "protocol_ids", lambda: ["anlotinib_fulvestrant"])
    fewer = storing.knowledge_of((), (), Problems())
    assert fewer is not None and fewer.digests != made.digests
    storing._own_knowledge.cache_clear()
