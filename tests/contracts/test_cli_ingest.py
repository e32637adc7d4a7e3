"""`ingest`, and a store in place of PATIENTS: the same bytes as from the sources."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from bench.patients import Drawing
from bench.patients.__main__ import compiled_of
from tests.contracts.command import (
    ANSWERS_HEADER,
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
from tests.contracts.test_omop import simple, write_omop

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


def told_by(done: subprocess.CompletedProcess[str]) -> list[str]:
    """What is told, without what is told of stores alone."""
    return [each for each in done.stderr.splitlines() if not each.startswith("read one by one: ")]


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
        ends.append((done.returncode, done.stdout, told_by(done), files))
    assert ends[0] == ends[1]
    assert ends[0][1] or ends[0][3]


def test_answers_count_beside_a_store_as_beside_the_sources(demo: Path, tmp_path: Path) -> None:
    text = f"{ANSWERS_HEADER}\nrobin,gender,female,nurse,2026-10-30,asked\n"
    answers = written(tmp_path / "answers.csv", text)
    ends = [
        run("screen", PROTOCOL, each, "--answers", answers, "--format", "json")
        for each in (DEMO, demo)
    ]
    assert ends[0].stdout == ends[1].stdout
    assert '"who": "nurse"' in ends[1].stdout
    assert told_by(ends[0]) == told_by(ends[1])


def test_the_query_of_the_page_finds_who_has_a_low_hemoglobin(demo: Path) -> None:
    import duckdb

    page = (REPOSITORY / "docs" / "store.md").read_text(encoding="utf-8")
    query = page.partition("```sql\n")[2].partition("```")[0]
    with duckdb.connect(str(demo), read_only=True) as connection:
        found = connection.sql(query).fetchall()
    # Of Ines it is an older result.
    assert [row[0] for row in found] == ["hanne", "ines"]
    assert all(row[2] < 90 for row in found)


def test_fit_counts_from_a_store_what_is_wanted_and_says_what_it_cannot(demo: Path) -> None:
    ends = [run("fit", PROTOCOL, each, "--format", "json") for each in (DEMO, demo)]
    assert [done.returncode for done in ends] == [0, 0]
    assert "told from the sources alone" in ends[1].stderr
    of_files, of_store = (json.loads(done.stdout) for done in ends)
    assert of_files["summary"] == of_store["summary"]
    assert of_files["criteria"] == of_store["criteria"]


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
        assert told_by(ends[0]) == told_by(ends[1])
        assert "duplicate-patient" in ends[0].stderr


def bulk(folder: Path, *contents: object) -> Path:
    """Bundles as a bulk export writes them: a file a resource type, a resource a line."""
    folder.mkdir()
    by_type: dict[str, list[object]] = {}
    for content in contents:
        assert isinstance(content, dict)
        for entry in content["entry"]:
            by_type.setdefault(entry["resource"]["resourceType"], []).append(entry["resource"])
    for kind, resources in by_type.items():
        lines(folder / f"{kind}.ndjson", resources)
    return folder


@pytest.mark.parametrize("most", [0, 10_000_000])
def test_resources_of_a_bulk_export_are_joined(
    most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from protocol_logic.records.files import Reading
    from protocol_logic.records.sources import Unread, iter_unread
    from protocol_logic.records.store import shelf

    monkeypatch.setattr(shelf, "_IN_MEMORY", most)
    monkeypatch.setattr(shelf, "_PATIENTS", 2)
    patients = [renamed(bundle(), name) for name in "cab"]
    folder = bulk(tmp_path / "bulk", *patients, bundle("hanne_haemoglobin_mmol.json"))
    expected = list(iter_unread([folder], Reading()))
    large = shelf.LargeShelf(tmp_path / "a.duckdb")
    assert list(iter_unread([folder], Reading(), large)) == expected
    large.close()
    assert len(expected) == 4
    assert all(isinstance(each, Unread) for each in expected)
    assert [path.name for path in tmp_path.iterdir()] == ["bulk"]


def test_a_store_that_changes_between_two_readings_of_one_process(tmp_path: Path) -> None:
    from protocol_logic import Protocol

    store, source = tmp_path / "a.duckdb", tmp_path / "a.ndjson"
    protocol = Protocol.load(PROTOCOL)
    for path in sorted(DEMO.glob("*.json"))[:3]:
        lines(source, [bundle(path.name)])
        ingested(source, store)
        [patient] = protocol.cohort(store)
        [expected] = protocol.cohort(source)
        assert patient._record == expected._record


# ---- what a protocol needs and the store has not ------------------------------------------------

OWN = """protocol own
  title A protocol with an entry of its own
  version 1
  uses systems, demographics, histories

condition own_disease
  label a disease of its own
  code snomed {code}
  closed by problem_list

exclude one
  > No such disease.
  own_disease
"""
HYPERTENSION, NEVER_MET = "38341003", "840539006"


def with_condition(content: dict[str, object], code: str) -> dict[str, object]:
    concept = {"coding": [{"system": "http://snomed.info/sct", "code": code}]}
    resource = {"resourceType": "Condition", "id": "own", "code": concept}
    entries = content["entry"]
    assert isinstance(entries, list)
    return {**content, "entry": [*entries, {"resource": resource}]}


def test_an_entry_that_the_store_was_not_read_for_is_told_and_read_for_by_protocol(
    tmp_path: Path,
) -> None:
    store, source, protocol = (tmp_path / name for name in ("a.duckdb", "a.ndjson", "own.elig"))
    lines(source, [with_condition(bundle(), HYPERTENSION)])
    protocol.write_text(OWN.format(code=HYPERTENSION), encoding="utf-8")
    ingested(source, store)
    done = run("screen", protocol, store, "--format", "ndjson")
    assert (done.returncode, done.stdout) == (1, "")
    assert "it was not read for `own_disease`, or not as now" in done.stderr
    assert "1 replaced" in ingested(source, store, "--protocol", protocol).stderr
    assert rows_of(store, protocol=protocol) == rows_of(source, protocol=protocol)
    # It is remembered: what comes later is read for it too.
    assert ingested(source, store).stderr == "0 patients added, 1 as before\n"
    assert rows_of(store, protocol=protocol) == rows_of(source, protocol=protocol)


def test_an_entry_of_which_no_record_states_anything_lacks_nothing(tmp_path: Path) -> None:
    store, source, protocol = (tmp_path / name for name in ("a.duckdb", "a.ndjson", "own.elig"))
    lines(source, [bundle()])
    protocol.write_text(OWN.format(code=NEVER_MET), encoding="utf-8")
    ingested(source, store)
    assert rows_of(store, protocol=protocol) == rows_of(source, protocol=protocol)


# ---- faults --------------------------------------------------------------------------------------


def test_a_line_that_cannot_be_read_and_data_that_end_too_early(tmp_path: Path) -> None:
    store, source = tmp_path / "a.duckdb", tmp_path / "a.ndjson.gz"
    texts = [json.dumps(renamed(bundle(), f"p{number}")) for number in range(40)]
    broken = [*texts[:2], texts[2][:500], *texts[3:]]
    whole = gzip.compress("\n".join(broken).encode(), mtime=0)
    source.write_bytes(whole[: len(whole) * 3 // 4])
    done = ingested(source, store, code=1)
    assert "error[not-readable]: line 3: it is not JSON" in done.stderr
    assert "its compressed data end too early" in done.stderr
    there = rows_of(store, code=1)
    assert there == rows_of(source, code=1)
    assert 10 < len(there) < 39
    # Nobody is gone because a file was cut.
    source.write_bytes(gzip.compress(texts[0].encode(), mtime=0)[:-9])
    assert "gone" not in ingested(source, store, code=1).stderr
    source.write_bytes(gzip.compress("\n".join(texts).encode(), mtime=0))
    done = ingested(source, store)
    assert f"{40 - len(there)} patients added, {len(there)} as before" in done.stderr
    assert rows_of(store) == rows_of(source)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_an_ingest_that_is_killed_goes_on_and_counts_nothing_twice(tmp_path: Path) -> None:
    # Of all kinds of sources: FHIR, OMOP tables, tables with a mapping.
    omop, study = tmp_path / "omop", tmp_path / "study"
    for folder in (omop, study):
        folder.mkdir()
    made = Drawing(compiled_of(PROTOCOL), seed=3).bundles(6)
    write_omop(omop, [simple(json.loads(each)) for each in made])
    page = (REPOSITORY / "docs" / "tables.md").read_text(encoding="utf-8")
    for name in ("study/patients.csv", "study/labs.csv", "study/mapping.toml"):
        text = page.partition(f" {name}\n")[2].partition("```")[0]
        written(tmp_path / name, text)
    done = subprocess.run(
        [
            sys.executable, "-m", "tests.contracts.killed_ingest", tmp_path, "3", "2",
            DEMO, omop, study,
        ],
        cwd=REPOSITORY, env=environment(), capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = [line.partition(" ") for line in done.stdout.splitlines()]
    assert len(found) == 3
    assert sum(int(killed) for killed, _, _ in found) > 2
    assert found[0][2].count("PatientRecord") == 15 + 6 + 3
    assert len({content for _, _, content in found}) == 1


def test_two_processes_on_one_store(demo: Path) -> None:
    from protocol_logic.records.store.opening import connected

    connection = connected(demo, read_only=False)
    try:
        done = run("ingest", DEMO, demo)
        assert done.returncode == 2
        assert "it is in use by another process" in done.stderr
        done = run("screen", PROTOCOL, demo)
        assert done.returncode == 1
        assert "it is in use by another process" in done.stderr
    finally:
        connection.close()


def test_a_store_of_another_version_and_what_is_no_store(tmp_path: Path) -> None:
    import duckdb

    other = tmp_path / "other.duckdb"
    with duckdb.connect(str(other)) as connection:
        connection.execute("CREATE TABLE patients (patient INTEGER)")
    done = run("screen", PROTOCOL, other)
    assert done.returncode == 1
    assert "it is a database, but no store of protocol-logic" in done.stderr
    store = tmp_path / "a.duckdb"
    ingested(DEMO / "ines_all_met.json", store)
    with duckdb.connect(str(store)) as connection:
        connection.execute("UPDATE meta SET value = '99' WHERE key = 'version'")
    for command, first in (("screen", PROTOCOL), ("ingest", DEMO)):
        done = run(command, first, store)
        assert done.returncode == (2 if command == "ingest" else 1)
        assert "it is a store of version 99, and this program reads version 3" in done.stderr
    done = run("ingest", DEMO, DEMO / "ines_all_met.json")
    assert done.returncode == 2
    assert "is there and is no store" in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit of file sizes")
def test_a_full_disk_is_told_and_what_was_committed_is_kept(tmp_path: Path) -> None:
    import resource

    source, store = tmp_path / "a.ndjson", tmp_path / "a.duckdb"
    lines(source, [renamed(bundle(), f"p{number}") for number in range(60)])
    ingested(DEMO / "ines_all_met.json", store)
    most = store.stat().st_size + 10_000
    done = subprocess.run(
        [*COMMAND, "ingest", source, store],
        env=environment(), capture_output=True, encoding="utf-8", check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)),
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "there is no space left for it" in done.stderr
    ingested(source, store)
    assert sorted(rows_of(store)) == sorted(rows_of(DEMO / "ines_all_met.json", source))


def test_without_duckdb_what_is_missing_is_said(
    demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from protocol_logic.records.store.opening import StoreError
    from protocol_logic.records.store.reading import Store

    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(StoreError, match="needs DuckDB, Arrow and NumPy") as error:
        Store(demo)
    assert error.value.hint == "pip install 'protocol-logic[cohort]'"
