"""`screen --engine`: Apache Spark gives the bytes that one process gives. Runs where PySpark and
Java are; `.ci/run` sees to that.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

pytest.importorskip("duckdb", reason="needs the extra `cohort`")

from bench.patients.copies import copied
from protocol_logic.records.store.stretch import Stretch
from tests import stores
from tests.contracts.command import COMMAND, DEMO, PROTOCOL, environment, run

HAS_SPARK = find_spec("pyspark") is not None and shutil.which("java") is not None
NEEDED = os.environ.get("NEED_SPARK") == "1"
needs_spark = pytest.mark.skipif(
    not HAS_SPARK and not NEEDED, reason="needs the extra `spark`, and Java"
)
SHARED = "read one by one: "
"""How many patients of a store are so: one is for all in a process who look alike."""


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """700 patients in three shards, of whom a few documents gave none."""
    import duckdb

    folder = tmp_path_factory.mktemp("spark")
    stores.made_up(folder / "made.duckdb", PROTOCOL, 10)
    copied(folder / "made.duckdb", folder / "all.duckdb", 700)
    with duckdb.connect(str(folder / "all.duckdb")) as connection:
        told = "(400, 'not-readable', 'it is cut', NULL, NULL, 'a.json')"
        connection.execute(f"INSERT INTO told VALUES {told}")
    assert run("export", folder / "all.duckdb", folder / "all", "--patients", "300").returncode == 0
    return folder / "all"


@needs_spark
def test_a_local_session_gives_the_same_bytes(dataset: Path, tmp_path: Path) -> None:
    found = []
    for more in (["--workers", "1"], ["--engine", "spark", "--workers", "2"]):
        options = ["--as-of", "2026-01-15", "--format", "ndjson", "--problems", "notes"]
        done = run("screen", PROTOCOL, dataset, *options, *more, cwd=tmp_path)
        notes = (tmp_path / "notes").read_text()
        told = [line for line in done.stderr.splitlines() if not line.startswith(SHARED)]
        found.append((done.returncode, done.stdout, told, notes))
    assert found[0] == found[1]
    code, rows, stderr, _ = found[0]
    assert code == 1
    assert rows.count("\n") == 700
    assert "error[not-readable]: it is cut" in stderr


@needs_spark
def test_a_session_that_is_stopped_leaves_nothing(dataset: Path, tmp_path: Path) -> None:
    rows = tmp_path / "rows"
    arguments = ["screen", PROTOCOL, dataset, "--engine", "spark", "--format", "ndjson", "-o", rows]
    environ = environment(SPARK_LOCAL_DIRS=str(tmp_path / "blocks"))
    with subprocess.Popen(
        [*COMMAND, *map(str, arguments)], env=environ, stderr=subprocess.PIPE, encoding="utf-8"
    ) as process:
        deadline = time.monotonic() + 90
        while not list(tmp_path.glob("blocks/*")) and time.monotonic() < deadline:
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 143
    assert stderr.splitlines()[-1] == "stopped"
    assert not rows.exists()
    while list(tmp_path.glob("blocks/*")) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not list(tmp_path.glob("blocks/*"))


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--engine", "flink"], "`flink` is no engine; it is `spark` for a session on this"),
        (["--engine", "spark"], "--engine takes stores; `protocol-logic ingest` makes one"),
    ],
)
def test_what_is_no_engine_or_no_store(options: list[str], why: str) -> None:
    done = run("screen", PROTOCOL, DEMO, *options)
    assert done.returncode == 2
    assert why in done.stderr


def test_executors_are_in_other_folders() -> None:
    stretch = Stretch(("a.duckdb", (1,)), 0, 5, 10)
    assert stretch.anywhere().store == (str(Path("a.duckdb").absolute()), (1,))
    assert stretch.anywhere().source == "a.duckdb"


def test_what_does_not_go_with_an_engine(dataset: Path) -> None:
    for option in ("--merge-patients", "--why"):
        done = run("screen", PROTOCOL, dataset, "--engine", "spark", option)
        assert done.returncode == 2
        assert f"--engine does not go with {option}" in done.stderr


def test_what_spark_lacks_is_told(dataset: Path, tmp_path: Path) -> None:
    env = {"PATH": str(tmp_path), "JAVA_HOME": str(tmp_path)}
    done = run("screen", PROTOCOL, dataset, "--engine", "spark", env=env)
    assert done.returncode == 2
    wanted = "Spark cannot be started" if find_spec("pyspark") else "--engine needs PySpark"
    assert wanted in done.stderr
    assert "Traceback" not in done.stderr
