"""`screen --keep FILE`: rows of earlier runs, with the same output as without."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

pytest.importorskip("duckdb", reason="needs the extra `cohort`")

from tests.contracts.command import (
    COMMAND,
    DEMO,
    PROTOCOL,
    REPOSITORY,
    bundle,
    environment,
    renamed,
    run,
    written,
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo patients, a store of them, the seed protocol in a file, and its rows kept."""
    folder = tmp_path_factory.mktemp("made")
    shutil.copytree(DEMO, folder / "patients")
    (folder / "patients" / "last.json").write_text("{")
    assert run("ingest", "patients", "s.duckdb", cwd=folder).returncode == 1
    source = REPOSITORY / "kb" / "protocols" / PROTOCOL / f"{PROTOCOL}.elig"
    shutil.copy(source, folder / "p.elig")
    assert kept(folder) == 0
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy of these."""
    return shutil.copytree(made, tmp_path / "made")


Plain = tuple[subprocess.CompletedProcess[str], bytes | None]
PLAIN: dict[tuple[object, ...], Plain] = {}
"""What runs without rows of earlier ones give; many tests ask for the same."""


def plain_of(folder: Path, protocol: str, options: tuple[str, ...]) -> Plain:
    """What a run without rows of earlier ones says, and its notes."""
    path, store = folder / protocol, folder / "s.duckdb"
    texts = [each.read_text() for each in (sorted(path.iterdir()) if path.is_dir() else [path])]
    key = (protocol, *texts, store.read_bytes(), *options)
    if key not in PLAIN:
        notes = folder / "notes"
        notes.unlink(missing_ok=True)
        done = run("screen", protocol, store.name, "--format", "ndjson", *options, cwd=folder)
        PLAIN[key] = (done, notes.read_bytes() if notes.exists() else None)
    return PLAIN[key]


def kept(folder: Path, *options: str, protocol: str = "p.elig") -> int:
    """How many rows are as before; all is what it is without rows of earlier runs."""
    plain, notes = plain_of(folder, protocol, options)
    command = ("screen", protocol, "s.duckdb", "--format", "ndjson", *options)
    done = run(*command, "--keep", "kept", cwd=folder)
    assert (done.returncode, done.stdout) == (plain.returncode, plain.stdout)
    assert done.stdout
    assert notes is None or (folder / "notes").read_bytes() == notes != b""
    told = [line for line in done.stderr.splitlines() if line.startswith("kept: ")]
    assert len(told) == 1, done.stderr
    ends = [
        [line for line in each.stderr.splitlines() if not line.startswith(("kept: ", "read one"))]
        for each in (done, plain)
    ]
    assert ends[0] == ends[1]
    return int(told[0].split()[1].replace(",", ""))


def test_a_second_run_decides_nobody(folder: Path) -> None:
    assert kept(folder) == 15


def test_who_changed_came_or_went_is_decided_alone(folder: Path) -> None:
    patients = folder / "patients"
    changed = bundle("ines_all_met.json")
    changed["entry"] = [each for each in changed["entry"] if "valueQuantity" not in str(each)]
    written(patients / "ines_all_met.json", changed)
    written(patients / "new.json", renamed(bundle("tomas_man.json"), "new"))
    written(patients / "carla_relapse_13_months.json", renamed(bundle("tomas_man.json"), "other"))
    (patients / "last.json").unlink()
    done = run("ingest", "patients", "s.duckdb", cwd=folder)
    assert "2 patients added, 1 replaced, 13 as before, 1 gone" in done.stderr, done.stderr
    assert kept(folder) == 13
    with closing(sqlite3.connect(folder / "kept")) as database:
        assert database.execute("SELECT count(*) FROM kept").fetchone() == (16,)


def test_another_criterion_day_or_format_is_another_run(folder: Path) -> None:
    text = (folder / "p.elig").read_text()
    other = text.replace("ecog <= 1", "ecog <= 2")
    assert other != text
    (folder / "p.elig").write_text(other)
    assert kept(folder) == 0
    assert kept(folder, "--as-of", "2026-03-01") == 0
    assert kept(folder, "--problems", "notes") == 0
    assert kept(folder, "--problems", "notes") == 15


def test_each_protocol_of_a_folder_has_rows_of_its_own(folder: Path) -> None:
    protocols = folder / "protocols"
    protocols.mkdir()
    shutil.copy(folder / "p.elig", protocols / "p.elig")
    name = "pcp_prophylaxis"
    shutil.copy(REPOSITORY / "kb" / "protocols" / name / f"{name}.elig", protocols)
    assert kept(folder, protocol="protocols") == 0
    path = protocols / f"{name}.elig"
    path.write_text(path.read_text() + "# another text\n")
    assert kept(folder, protocol="protocols") == 15


def _damaged(database: sqlite3.Connection) -> None:
    database.execute("UPDATE kept SET content = substr(content, 1, 30) || x'00'")


def _exchanged(database: sqlite3.Connection) -> None:
    first, second = database.execute("SELECT content FROM kept LIMIT 2").fetchall()
    database.execute("UPDATE kept SET content = ? WHERE content = ?", (second[0], first[0]))


def _of_another_version(database: sqlite3.Connection) -> None:
    database.execute("PRAGMA user_version = 99")


@pytest.mark.parametrize(
    ("change", "left"), [(_damaged, 0), (_exchanged, 14), (_of_another_version, 0)]
)
def test_what_is_damaged_is_no_row(
    change: Callable[[sqlite3.Connection], None], left: int, folder: Path
) -> None:
    with closing(sqlite3.connect(folder / "kept")) as database, database:
        change(database)
    assert kept(folder) == left
    assert kept(folder) == 15


def test_what_is_no_file_of_rows_and_what_does_not_go_with_it_are_refused(folder: Path) -> None:
    command = ("screen", "p.elig", "s.duckdb", "--keep")
    (folder / "cut").write_bytes((folder / "kept").read_bytes()[:700])
    with closing(sqlite3.connect(folder / "other")) as database, database:
        database.execute("CREATE TABLE mine (a)")
    for name in ("p.elig", "other", "cut"):
        before = (folder / name).read_bytes()
        done = run(*command, name, cwd=folder)
        assert done.returncode == 2, done.stderr
        assert "is no file of kept rows" in done.stderr or "cannot keep rows" in done.stderr
        assert (folder / name).read_bytes() == before
    done = run(*command, "kept", "--why", cwd=folder)
    assert done.returncode == 2
    assert "--keep does not go with --why" in done.stderr
    before = (folder / "kept").read_bytes()
    for protocol in ("p.elig", "."):
        done = run("screen", protocol, DEMO, "--keep", "kept", cwd=folder)
        assert done.returncode == 2, done.stderr
        assert "--keep takes stores" in done.stderr and not done.stdout
    assert (folder / "kept").read_bytes() == before


def test_two_processes_at_once_and_one_that_is_killed(folder: Path) -> None:
    (folder / "kept").unlink()
    killed = (
        "import os, signal, sys\n"
        "from protocol_logic.surfaces import kept_rows\n"
        "from protocol_logic.surfaces.cli import main\n"
        "def stop(*_): os.kill(os.getpid(), signal.SIGKILL)\n"
        "kept_rows.Keeping.end = stop\n"
        "main()\n"
    )
    command = ["screen", "p.elig", "s.duckdb", "--format", "ndjson", "--keep", "kept"]
    ends = [
        subprocess.Popen(
            [*start, *command], cwd=folder, env=environment(), stdout=-1, stderr=-1, text=True
        )
        for start in ([sys.executable, "-c", killed], COMMAND, COMMAND)
    ]  # fmt: skip
    found = [each.communicate()[0] for each in ends]
    assert found[0] == ""
    assert found[1] == found[2]
    assert len(found[1].splitlines()) == 15
    assert kept(folder) == 15


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit of file sizes")
def test_a_full_disk_is_told_and_the_rows_are_there(folder: Path) -> None:
    import resource

    (folder / "kept").unlink()
    command = ["screen", "p.elig", "s.duckdb", "--format", "ndjson", "--keep", "kept"]
    done = subprocess.run(
        [*COMMAND, *command], cwd=folder, env=environment(), capture_output=True, text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (32_768, 32_768)),
        check=False,
    )  # fmt: skip
    assert len(done.stdout.splitlines()) == 15, done.stderr
    assert "could not keep the others" in done.stderr
    assert kept(folder) == 0
    assert kept(folder) == 15
