"""Bad inputs, file by file: each is told by name, the good patient beside it is screened.

A row of `BAD` for each: how it is made at a path, and what is said of it. Bad resources in files
that can be read are in test_bad_resources.py.
"""

from __future__ import annotations

import gzip
import json
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from protocol_logic.pipeline import Compiled
from protocol_logic.records import files
from protocol_logic.surfaces import cli, screening
from protocol_logic.surfaces.inputs import compiled_protocol
from tests.contracts.command import PROTOCOL, Json, bundle, renamed, run

LIMIT = 1_000_000
"""In place of the limit of a document, so that too long ones are quickly made."""


def text(patient: str, change: Callable[[Json], object] | None = None) -> str:
    """A good bundle on one line."""
    content = renamed(bundle(), patient)
    if change is not None:
        change(content)
    return json.dumps(content)


def of(data: bytes | str) -> Callable[[Path], object]:
    """A file of these bytes."""
    return lambda path: path.write_bytes(data.encode() if isinstance(data, str) else data)


def lines(*parts: bytes | str) -> Callable[[Path], object]:
    """A line for each, between two good ones."""
    inside = [part.encode() if isinstance(part, str) else part for part in parts]
    return of(b"\n".join([text("before").encode(), *inside, text("after").encode(), b""]))


def value(written: str) -> str:
    """A good bundle, but for the number of a hemoglobin."""
    good = text("numbers")
    assert good.count('"value": 124,') == 1
    return good.replace('"value": 124,', f'"value": {written},')


@dataclass(frozen=True)
class Bad:
    """`said`: code, part of the message. `also`: patients of the same input who are screened."""

    name: str
    make: Callable[[Path], object]
    said: tuple[str, str]
    also: tuple[str, ...] = ()
    code: int = 1


def mixed(name: str, content: bytes) -> Callable[[Path], object]:
    """A folder that has nothing but this file."""

    def make(path: Path) -> None:
        path.mkdir()
        (path / name).write_bytes(content)

    return make


def bound(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(str(path))


def twice(patient: str) -> str:
    """A good bundle, but for a key that an object has twice."""
    return text(patient).replace("{", '{"id": "a", "id": "b", ', 1)


def damaged() -> bytes:
    whole = bytearray(gzip.compress(text("x").encode()))
    whole[200:210] = bytes(10)
    return bytes(whole)


def nested(opened: str, closed: str) -> str:
    deep = opened * 100_000 + "1" + closed * 100_000
    return text("deep").replace('"type": "collection"', f'"type": "collection", "x": {deep}')


BLANK = (b" " * 99_999 + b"\n") * 300
BOTH = ("before", "after")

BAD = [
    # not JSON, not FHIR
    Bad("text.json", of("this is not JSON"), ("not-readable", "it is not JSON: Expecting value")),
    Bad("cut.json", of(text("x")[:5000]), ("not-readable", "it is not JSON")),
    Bad("cut.ndjson", lines(text("x")[:5000]), ("not-readable", "line 2: it is not JSON"), BOTH),
    Bad("other.json", of('{"some": "JSON"}'), ("not-readable", "it is not a FHIR resource")),
    Bad("list.json", of(f"[{text('x')}]"), ("not-readable", "it is not a FHIR resource")),
    Bad("number.ndjson", lines("7"), ("not-readable", "line 2: it is not a FHIR"), BOTH),
    Bad("lines.json", of(f"{text('x')}\n{text('y')}\n"), ("not-readable", "Extra data at line 2")),
    Bad("nobody.json", of('{"resourceType": "Bundle", "entry": []}'), ("no-patient", "no Patient")),
    Bad("one.json", of('{"resourceType": "Practitioner"}'), ("no-patient", "there is no Patient")),
    Bad("name.xml", of("<Bundle/>"), ("not-readable", "does not say that it is FHIR JSON")),
    # numbers
    Bad("nan.json", of(value("NaN")), ("not-readable", "it holds NaN, which is not a JSON number")),
    Bad("infinity.json", of(value("-Infinity")), ("not-readable", "it holds -Infinity")),
    Bad("digits.json", of(value("9" * 400)), ("unreadable-value", "9999"), ("numbers",), 0),
    Bad("exponent.json", of(value("1e400")), ("unreadable-value", "`1e400`"), ("numbers",), 0),
    Bad("e9.json", of(value("1e999999999")), ("unreadable-value", "`1e99"), ("numbers",), 0),
    # too much
    Bad("long.json", of(b" " * (LIMIT + 1)), ("not-readable", "it is longer than 1 MB")),
    Bad("long.ndjson", lines(b"[" * (3 * LIMIT)), ("not-readable", "line 2: it is longer"), BOTH),
    Bad("end.ndjson", of(b"[" * (3 * LIMIT)), ("not-readable", "line 1: it is longer than 1 MB")),
    Bad("bomb.json.gz", of(gzip.compress(BLANK)), ("not-readable", "it is longer than 1 MB")),
    Bad("blank.ndjson.gz", of(gzip.compress(BLANK)), ("not-readable", "more than 500 times")),
    Bad(
        "line.ndjson.gz",
        of(gzip.compress(text("before").encode() + b"\n" + b"7" * 30_000_000)),
        ("not-readable", "after line 2: it grows to more than 500 times its size"),
        ("before",),
    ),
    Bad("lists.json", of(nested("[", "]")), ("not-readable", "it is nested too deeply")),
    Bad("objects.ndjson", lines(nested('{"x":', "}")), ("not-readable", "nested too"), BOTH),
    # compression
    Bad("plain.json.gz", of(text("x")), ("not-readable", "it is not compressed by gzip")),
    Bad("zipped.json", of(gzip.compress(b"{}")), ("not-readable", "it is compressed by gzip")),
    Bad(
        "cut.ndjson.gz",
        of(gzip.compress(f"{text('before')}\n{text('x')}\n".encode())[:-20]),
        ("not-readable", "after line 1: its compressed data end too early"),
        ("before",),
    ),
    Bad("header.json.gz", of(b"\x1f\x8b\x08"), ("not-readable", "end too early")),
    Bad("damaged.json.gz", of(damaged()), ("not-readable", "its compressed data are damaged")),
    Bad(
        "trailing.ndjson.gz",
        of(gzip.compress(text("before").encode() + b"\n") + b"more"),
        ("not-readable", "after line 1: its compressed data are damaged"),
        ("before",),
    ),
    # nothing
    Bad("empty.json", of(""), ("not-readable", "it is empty")),
    Bad("blank.json", of(" \r\n\t"), ("not-readable", "it is empty")),
    Bad("empty.ndjson", of(""), ("not-readable", "it is empty")),
    Bad("blank.ndjson", of("\n\n"), ("not-readable", "it is empty")),
    Bad("empty.json.gz", of(""), ("not-readable", "it is empty")),
    Bad("nothing.ndjson.gz", of(gzip.compress(b"")), ("not-readable", "it is empty")),
    Bad("folder", Path.mkdir, ("no-patient", "empty folder")),
    Bad("others", mixed("a.txt", b""), ("no-patient", "no .json, .ndjson or .jsonl file is in")),
    Bad("hidden", mixed(".a.json", b"{}"), ("no-patient", "no .json, .ndjson or .jsonl file is")),
    # no files
    Bad("pipe.json", os.mkfifo, ("not-readable", "it is no regular file")),
    Bad("pipe.ndjson.gz", os.mkfifo, ("not-readable", "it is no regular file")),
    Bad("zero.json", lambda p: p.symlink_to("/dev/zero"), ("not-readable", "no regular file")),
    Bad("socket.json", bound, ("not-readable", "it cannot be read")),
    Bad("circle.json", lambda p: p.symlink_to(p), ("not-readable", "symbolic links")),
    Bad("gone.json", lambda p: p.symlink_to("none"), ("not-readable", "No such file")),
    # letters
    Bad("wide.json", of(text("x").encode("utf-16")), ("not-readable", "UTF-16 or UTF-32 text")),
    Bad("le.ndjson", of(text("x").encode("utf-16-le")), ("not-readable", "UTF-16 or UTF-32")),
    Bad("be.json", of(text("x").encode("utf-16-be")), ("not-readable", "UTF-16 or UTF-32")),
    Bad("32.json", of(text("x").encode("utf-32")), ("not-readable", "UTF-16 or UTF-32")),
    Bad("latin.json", of('{"a": "ü"}'.encode("latin-1")), ("not-readable", "it is not UTF-8 text")),
    Bad("latin.ndjson", lines(b'"\xfc"'), ("not-readable", "line 2: it is not UTF-8"), BOTH),
    Bad("nul.ndjson", lines(b'{"a": "\0"}'), ("not-readable", "Invalid control character"), BOTH),
    Bad("nuls.json", of(b"\0" * 100), ("not-readable", "it is not JSON")),
    Bad("surrogate.json", of('"\\ud83d"'), ("not-readable", "half of a surrogate pair")),
    Bad("key.json", of(twice("x")), ("not-readable", "an object in it has the key `id` twice")),
    Bad("key.ndjson", lines(twice("x")), ("not-readable", "line 2: an object in it has"), BOTH),
    # patient ids
    Bad("id1.json", of(text('p").\n:- x')), ("unclear-id", 'patient `p").\\n:- x` cannot be seen')),
    Bad("id2.ndjson", lines(text("p\u200b")), ("unclear-id", "patient `p\\u200b` cannot"), BOTH),
    Bad("id3.json", of(text("\u202ep")), ("unclear-id", "patient `\\u202ep` cannot be seen")),
    Bad("id4.json", of(text(" p")), ("unclear-id", "patient ` p` cannot be seen")),
    Bad("id5.json", of(text('"). :-')), ("not-a-fhir-id", '`"). :-`'), ('"). :-',), 0),
    Bad("na\nme\x1b[2J\u202e.json", of("[]"), ("not-readable", "it is not a FHIR resource")),
]  # fmt: skip


@pytest.fixture(autouse=True)
def _smaller_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "DOCUMENT_LIMIT", LIMIT)
    monkeypatch.setattr(files, "RATIO_FROM", LIMIT)


@cache
def compiled() -> Compiled:
    return compiled_protocol(PROTOCOL)


def screened(folder: Path, *paths: Path) -> tuple[int, list[str], list[dict[str, object]]]:
    """Exit code, patients with a row, and what `--problems` writes."""
    rows, notes = folder / "rows", folder / "notes"
    options = ["--format", "ndjson", "-o", rows, "--problems", notes, "--workers", "1"]
    arguments = list(map(str, ["screen", PROTOCOL, *paths, *options]))
    code = cli.group.main(arguments, "protocol-logic", standalone_mode=False)
    patients = [json.loads(line)["patient"] for line in rows.read_text("utf-8").splitlines()]
    return code, patients, [json.loads(line) for line in notes.read_text("utf-8").splitlines()]


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: ascii(bad.name))
def test_a_bad_input_is_told_and_the_others_are_screened(
    bad: Bad,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(screening, "compiled_protocol", lambda *_: compiled())
    good, path = tmp_path / "good.json", tmp_path / bad.name
    good.write_text(text("good"))
    bad.make(path)
    code, patients, notes = screened(tmp_path, path, good)
    assert (code, patients) == (bad.code, [*bad.also, "good"])
    [note] = notes
    assert (note["code"], note["file"]) == (bad.said[0], str(path))
    assert bad.said[1] in str(note["message"])
    if code:
        stderr = capsys.readouterr().err
        assert f"error[{bad.said[0]}]: {note['message']}" in stderr
        assert ascii(bad.name)[1:-1] in stderr


def test_all_of_them_at_once_from_a_folder(tmp_path: Path) -> None:
    """The real command, with the real limits, which no input here passes but by its ratio."""
    (tmp_path / "good.json").write_text(text("good"))
    for number, bad in enumerate(BAD):
        (tmp_path / f"{number:02}").mkdir()
        bad.make(tmp_path / f"{number:02}" / bad.name)
    done = run("screen", PROTOCOL, tmp_path, "--format", "ndjson")
    assert done.returncode == 1
    assert json.loads(done.stdout.splitlines()[-1])["patient"] == "good"
    assert "Traceback" not in done.stderr
    assert not set("\0\x1b\u200b\u202e") & set(done.stderr)
    assert done.stderr.count("error[not-readable]") > 40


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unreadable for root")
def test_what_may_not_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "good.json").write_text(text("good"))
    for name in ("file.json", "folder"):
        path = tmp_path / name
        path.write_text(text("x")) if "." in name else path.mkdir()
        path.chmod(0)
    code, patients, notes = screened(tmp_path, tmp_path)
    (tmp_path / "folder").chmod(0o700)
    assert (code, patients) == (1, ["good"])
    assert [note["message"] for note in notes] == ["it cannot be read: Permission denied"] * 2


def test_links_in_circles_are_not_followed(tmp_path: Path) -> None:
    """Ten folders that each link to all ten: ten to the tenth paths, but one file in each."""
    folder = tmp_path / "folder"
    for number in range(10):
        inside = folder / str(number)
        inside.mkdir(parents=True)
        (inside / "p.json").write_text(text(f"p{number}"))
        (inside / "up").symlink_to(folder)
        for other in range(10):
            (inside / f"to{other}").symlink_to(folder / str(other))
    code, patients, notes = screened(tmp_path, folder)
    assert (code, sorted(patients), notes) == (0, [f"p{number}" for number in range(10)], [])


def test_odd_but_readable_is_no_problem(tmp_path: Path) -> None:
    indented = json.dumps(json.loads(text("tabs")), indent="\t").replace("\n", "\r\n")
    (tmp_path / "tabs.json").write_bytes(b"\xef\xbb\xbf" + indented.encode())
    windows = f"\ufeff{text('a')}\r\n\r\n  \t\r\n{text('b')}".encode()
    (tmp_path / "windows.ndjson").write_bytes(windows)
    (tmp_path / "members.ndjson.gz").write_bytes(
        gzip.compress(text("c").encode() + b"\n") + gzip.compress(text("d").encode())
    )
    content = json.loads(text("x"))
    last_first = dict(reversed(content.items()))
    (tmp_path / "late.ndjson").write_text(json.dumps(last_first))
    code, patients, notes = screened(tmp_path, tmp_path)
    assert (code, notes) == (0, [])
    assert patients == ["x", "c", "d", "tabs", "a", "b"]


def test_a_flood_of_bad_lines_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(screening, "compiled_protocol", lambda *_: compiled())
    path = tmp_path / "flood.ndjson"
    path.write_text("x\n" * 1000 + text("p") + "\n")
    code, patients, notes = screened(tmp_path, path)
    assert (code, patients, len(notes)) == (1, ["p"], 1000)
    stderr = capsys.readouterr().err
    assert stderr.count("error[not-readable]: line ") == 100
    assert "line 100: " in stderr
    assert "line 101: " not in stderr
    assert "error[not-readable]: and 900 more like these" in stderr


def test_facts_are_printed_beside_an_unreadable_input(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text("{")
    (tmp_path / "good.json").write_text(text("good"))
    args = ("compile", PROTOCOL, "--to", "facts", tmp_path, "--patient")
    done = run(*args, "good")
    assert done.returncode == 1
    assert done.stdout.startswith("% patient good as of ")
    assert "error[not-readable]" in done.stderr
    done = run(*args, "gone")
    assert (done.returncode, done.stdout) == (2, "")
    assert "error[not-readable]" in done.stderr
    assert "there is no patient `gone`" in done.stderr
