"""`export`, and a dataset in place of PATIENTS: the same bytes as from the store."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

pytest.importorskip("duckdb", reason="needs the extra `cohort`")

import duckdb

from bench.patients.copies import copied
from tests import stores
from tests.contracts.command import DEMO, PROTOCOL, run


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of the demo patients."""
    store = tmp_path_factory.mktemp("demo") / "demo.duckdb"
    assert run("ingest", DEMO, store).returncode == 0
    return store


def exported(*args: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = run("export", *args)
    assert done.returncode == code, done.stderr
    return done


COMMANDS = (
    ["screen", "--why", "--answers-form", "-", "-o", "rows"],
    ["explain", "--patient", "hanne", "--format", "json"],
)


def test_the_same_bytes_as_from_the_store(demo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "demo.parquet"
    for each in ("15", "4"):  # the second takes the place of the first
        shards = {"15": "1 shard", "4": "4 shards"}[each]
        assert f"15 patients in {shards}" in exported(demo, folder, "--patients", each).stderr
    assert [path.name for path in tmp_path.iterdir()] == ["demo.parquet"]
    for name, *more in COMMANDS:
        done = [run(name, PROTOCOL, store, *more, cwd=tmp_path) for store in (demo, folder)]
        assert done[0].returncode == 0
        assert done[0].stdout == done[1].stdout
        assert done[0].stderr == done[1].stderr


def test_the_same_bytes_however_many_processes_and_shards(tmp_path: Path) -> None:
    made, store, folder = (tmp_path / name for name in ("made.duckdb", "all.duckdb", "all"))
    stores.made_up(made, PROTOCOL, 10)
    copied(made, store, 600)
    exported(store, folder, "--patients", "150")
    found = []
    for patients, workers in ((store, "1"), (store, "3"), (folder, "2")):
        more = ["--workers", workers, "--as-of", "2026-01-15", "--problems", "notes"]
        done = run("screen", PROTOCOL, patients, "--format", "ndjson", *more, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        found.append((done.stdout, (tmp_path / "notes").read_text()))
    assert found[0] == found[1] == found[2]
    assert found[0][0].count("\n") == 600


def test_what_cannot_be_exported(demo: Path, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir()
    broken = tmp_path / "broken.duckdb"
    shutil.copy(demo, broken)
    with duckdb.connect(str(broken)) as connection:
        connection.execute("DELETE FROM meta WHERE key = 'complete'")
    for store, folder, why in (
        (DEMO, tmp_path / "a", "is no store that `ingest` made"),
        (demo, there, "is there and is no dataset"),
        (demo, demo, "is there and is no dataset"),
        (demo, tmp_path / "no" / "a", "there is no folder"),
        (broken, tmp_path / "a", "the last `ingest` into it did not come to its end"),
    ):
        assert why in exported(store, folder, code=2).stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken.duckdb", "there"]


def test_a_dataset_that_is_not_whole_or_of_another_version(demo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "a"
    exported(demo, folder, "--patients", "5")
    (folder / "by_entry" / "shard=00001" / "by_entry.parquet").unlink()
    done = run("screen", PROTOCOL, folder)
    assert done.returncode == 1
    assert "error[not-readable]: DuckDB cannot go on with it: IO Error" in done.stderr
    meta = folder / "meta.parquet"
    rows = f"SELECT key, CASE key WHEN 'version' THEN '99' ELSE value END AS value FROM '{meta}'"
    duckdb.sql(f"CREATE TABLE meta AS {rows}")
    duckdb.sql(f"COPY meta TO '{meta}'")
    done = run("screen", PROTOCOL, folder)
    assert "it is a store of version 99, and this program reads version 3" in done.stderr
    done = run("ingest", DEMO, folder)
    assert done.returncode == 2
    assert "is a folder; a store is a file" in done.stderr
