"""`ingest`, and a store in place of PATIENTS: the same bytes as from the sources."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.contracts.command import DEMO, PROTOCOL, bundle, renamed, run

pytest.importorskip("duckdb", reason="needs the extra `cohort`")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of the demo patients."""
    store = tmp_path_factory.mktemp("demo") / "demo.duckdb"
    done = ingested(DEMO, store)
    assert "15 patients added" in done.stderr
    return store


def ingested(*args: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = run("ingest", *args)
    assert done.returncode == code, done.stderr
    return done


def lines(path: Path, contents: Sequence[object]) -> Path:
    path.write_text("".join(json.dumps(content) + "\n" for content in contents))
    return path


def rows_of(*patients: str | Path, code: int = 0, protocol: str | Path = PROTOCOL) -> list[str]:
    done = run("screen", protocol, *patients, "--as-of", "2026-01-15", "--format", "ndjson")
    assert done.returncode == code, done.stderr
    return done.stdout.splitlines()


COMMANDS = (
    ["screen", "--format", "ndjson", "--why", "--problems", "-"],
    ["screen", "--workers", "2"],
    ["screen", "--merge-patients", "--format", "csv", "--answers-form", "form.csv"],
    ["cohort", "--format", "json", "--by", "sex", "--by", "m_category"],
    ["explain", "--patient", "hanne", "--format", "json"],
    ["what-if", "--patient", "hanne", "--format", "json"],
)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: "_".join(words[:2]))
def test_the_same_bytes_as_from_the_sources(command: list[str], demo: Path, tmp_path: Path) -> None:
    name, *more = command
    if more[-2:] == ["--problems", "-"]:
        more += ["-o", "rows"]
    ends = []
    for number, patients in enumerate((DEMO, demo)):
        folder = tmp_path / str(number)
        folder.mkdir()
        done = run(name, PROTOCOL, patients, *more, cwd=folder)
        files = {path.name: path.read_bytes() for path in folder.iterdir()}
        ends.append((done.returncode, done.stdout, done.stderr, files))
    assert ends[0] == ends[1]
    assert ends[0][1] or ends[0][3]


def test_decisions_that_a_store_gave_are_replayed_from_it_and_from_the_sources(
    demo: Path, tmp_path: Path
) -> None:
    record = tmp_path / "record.jsonl"
    assert run("screen", PROTOCOL, demo, "--record", record).returncode == 0
    for patients in (demo, DEMO):
        done = run("audit", "replay", record, patients)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_same_sources_again_add_nothing(tmp_path: Path) -> None:
    store, source = tmp_path / "a.duckdb", tmp_path / "a.ndjson"
    first = bundle()
    lines(source, [renamed(first, "a"), renamed(first, "b"), renamed(first, "c")])
    assert "3 patients added" in ingested(source, store).stderr
    before = rows_of(store)
    assert ingested(source, store).stderr == "0 patients added, 3 as before\n"
    assert rows_of(store) == before == rows_of(source)


def test_a_changed_patient_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    store, source = tmp_path / "a.duckdb", tmp_path / "a.ndjson"
    first, other = bundle(), bundle("hanne_haemoglobin_mmol.json")
    lines(source, [renamed(first, "a"), renamed(first, "b"), renamed(first, "c")])
    ingested(source, store)
    lines(source, [renamed(other, "b"), renamed(first, "d"), renamed(first, "a")])
    done = ingested(source, store)
    assert done.stderr == ("1 patient added, 1 replaced, 1 as before, 1 gone from their files\n")
    found = rows_of(store)
    assert found == rows_of(source)
    assert [json.loads(row)["patient"] for row in found] == ["b", "d", "a"]


def test_a_patient_in_two_documents_is_told_of_as_from_the_sources(tmp_path: Path) -> None:
    store, source = tmp_path / "a.duckdb", tmp_path / "a.ndjson"
    first = bundle()
    lines(source, [renamed(first, "a"), renamed(first, "b"), renamed(first, "a")])
    for _ in range(2):
        ingested(source, store)
        ends = [run("screen", PROTOCOL, each, "--format", "ndjson") for each in (source, store)]
        assert ends[0].returncode == ends[1].returncode == 1
        assert ends[0].stdout == ends[1].stdout
        assert ends[0].stderr == ends[1].stderr
        assert "duplicate-patient" in ends[0].stderr
