"""`ingest` of tables with a mapping: from the store the same bytes as from the tables."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.contracts.command import REPOSITORY, run

pytest.importorskip("duckdb", reason="needs the extra `cohort`")

PAGE = (REPOSITORY / "docs" / "tables.md").read_text(encoding="utf-8")
OWN = """protocol own
  title What a protocol names itself
  version 1
  uses systems, demographics, histories

condition glucose_disease element glu
  label a disease with the name of a test
  code snomed 64572001
  closed by problem_list

include one
  > No such disease.
  not glucose_disease
"""


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """The study of docs/tables.md, and its protocol."""
    folder = tmp_path / "study"
    folder.mkdir()
    for name in ("study/patients.csv", "study/labs.csv", "study/mapping.toml", "trial.elig"):
        text = PAGE.partition(f" {name}\n")[2].partition("```")[0]
        assert text
        (tmp_path / name).write_text(text)
    return folder


End = tuple[int, str, str, bytes]


def ends_of(protocol: Path, *patients: Path) -> list[End]:
    """What `screen` says of each of some sources, and the problems that it writes."""
    found: list[End] = []
    for each in patients:
        problems = protocol.with_suffix(".ndjson")
        done = run("screen", protocol, each, "--format", "ndjson", "--problems", problems)
        told = re.sub("^read one by one: .*\n", "", done.stderr, flags=re.MULTILINE)
        found.append((done.returncode, done.stdout, told, problems.read_bytes()))
    return found


def test_tables_and_their_store_are_one(study: Path) -> None:
    trial, store = study.parent / "trial.elig", study.parent / "a.duckdb"
    labs = study / "labs.csv"
    first = run("ingest", study, store)
    assert (first.returncode, first.stderr) == (0, "3 patients added\n")
    of_tables, of_store = ends_of(trial, study, store)
    assert of_tables == of_store
    assert b'"labs.csv:6"' in of_store[3]
    assert run("ingest", study / "mapping.toml", store).stderr == "0 patients added, 3 as before\n"
    # A row changes, a patient has none any more, and a row is nobody's.
    changed = labs.read_text().replace("P-002,PLT,74", "P-002,PLT,740").replace("P-003", "P-004")
    labs.write_text(f"{changed},PLT,74,K/uL,,2026-10-28\n")
    people = study / "patients.csv"
    people.write_text(people.read_text().replace("P-003", "P-004"))
    again = run("ingest", study, store)
    assert again.returncode == 1
    assert "1 patient added, 1 replaced, 1 as before, 1 gone from their files" in again.stderr
    assert "labs.csv:9" in again.stderr
    of_tables, of_store = ends_of(trial, study, store)
    assert of_tables == of_store
    assert of_tables[0] == 1
    # Mended, nothing is told of it any more.
    labs.write_text(changed)
    assert run("ingest", study, store).returncode == 0
    of_tables, of_store = ends_of(trial, study, store)
    assert of_tables == of_store
    assert of_tables[0] == 0


def test_a_fault_of_the_mapping_takes_nobody_out(study: Path) -> None:
    store, mapping = study.parent / "a.duckdb", study / "mapping.toml"
    assert run("ingest", study, store).returncode == 0
    text = mapping.read_text()
    mapping.write_text(text.replace('"platelets"', '"plateletts"'))
    done = run("ingest", study, store)
    assert done.returncode == 1
    assert "did you mean `platelets`?" in done.stderr
    assert "0 patients added" in done.stderr
    assert "gone" not in done.stderr
    mapping.write_text(text)
    assert run("ingest", study, store).stderr == "0 patients added, 3 as before\n"


def test_a_protocol_may_use_less_than_the_mapping_names(study: Path) -> None:
    store, protocol = study.parent / "a.duckdb", study.parent / "adult.elig"
    trial = (study.parent / "trial.elig").read_text()
    protocol.write_text(trial.partition("include receptor")[0].replace(", labs, oncology", ""))
    protocol.write_text(protocol.read_text().replace("demographics.breast", "demographics"))
    run("ingest", study, store)
    of_tables, of_store = ends_of(protocol, study, store)
    assert of_tables[0] == 1
    assert "`platelets` is not known" in str(of_tables[2])
    assert of_store[0] == 0, of_store[2]
    assert str(of_store[1]).count('"eligible"') == 3


def test_a_name_that_only_a_protocol_has_is_told_where_the_store_was_not_read_for_it(
    study: Path,
) -> None:
    store, protocol = study.parent / "a.duckdb", study.parent / "own.elig"
    protocol.write_text(OWN)
    text = (study / "mapping.toml").read_text()
    text = text.replace('elements = { PLT = "platelets", ALT = "alt" }\n', "")
    (study / "mapping.toml").write_text(text)
    labs = study / "labs.csv"
    labs.write_text(labs.read_text().replace("GLU", "glu"))
    assert run("ingest", study, store).returncode == 0
    done = run("screen", protocol, store)
    assert done.returncode == 1
    assert "it was not read for `glucose_disease`" in done.stderr
    done = run("ingest", study, store, "--protocol", protocol)
    assert (done.returncode, done.stderr) == (0, "0 patients added, 3 replaced\n")
    assert "glucose_disease" not in run("screen", protocol, store).stderr
