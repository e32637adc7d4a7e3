"""`screen FOLDER`: every patient against every protocol of a folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.contracts.command import DEMO, REPOSITORY, run

PROTOCOLS = ("anlotinib_fulvestrant", "pcp_prophylaxis")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two protocols, with examples and a knowledge file beside them."""
    folder = tmp_path_factory.mktemp("protocols")
    for name in PROTOCOLS:
        shutil.copytree(REPOSITORY / "kb" / "protocols" / name, folder / name)
    (folder / "own.elig").write_text("knowledge own\n  title Own\n")
    return folder


def test_rows_are_those_of_each_protocol_alone(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("duckdb", reason="needs the extra `cohort`")
    store = tmp_path / "s.duckdb"
    assert run("ingest", DEMO, store).returncode == 0
    alone = [run("screen", name, DEMO, "--format", "ndjson").stdout for name in PROTOCOLS]
    for patients in (DEMO, store):
        done = run("screen", folder, patients, "--format", "ndjson")
        assert done.returncode == 0, done.stderr
        assert _without_digests(done.stdout) == _without_digests("".join(alone))
    assert "of 30 rows of stores" in done.stderr


def _without_digests(rows: str) -> list[dict[str, object]]:
    found = [json.loads(line) for line in rows.splitlines()]
    for row in found:
        del row["protocol"]["digest"]
    return found


def test_the_table_says_who_fits_what(folder: Path) -> None:
    done = run("screen", folder, DEMO)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0] == "2 protocols, 15 patients"
    assert lines[2:5] == [
        "eligible  undetermined  ineligible  protocol",
        "       4             5           6  anlotinib_fulvestrant",
        "       0             1          14  pcp_prophylaxis",
    ]
    assert "dorota: eligible for anlotinib_fulvestrant" in lines
    assert "carla: ineligible for all" in lines
    # What is asked of Petra for each, least first; of who fits nothing is asked.
    at = lines.index("petra: undetermined for anlotinib_fulvestrant, pcp_prophylaxis")
    asked = lines[at + 1 : at + 3]
    assert [line.split()[:2] for line in asked] == [[n, "lacks"] for n in PROTOCOLS]
    assert not lines[lines.index("dorota: eligible for anlotinib_fulvestrant") + 1].startswith(" ")


def test_a_document_that_is_none_is_told_once(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text("{")
    notes = tmp_path / "notes"
    done = run("screen", folder, tmp_path / "bad.json", "--problems", notes)
    assert done.returncode == 1
    assert done.stderr.count("not-json") + done.stderr.count("not-readable") == 1
    assert len(notes.read_text().splitlines()) == len(set(notes.read_text().splitlines()))


@pytest.mark.parametrize("option", [["--why"], ["--record", "r"], ["--merge-patients"]])
def test_what_is_of_one_protocol_is_refused(option: list[str], folder: Path) -> None:
    done = run("screen", folder, DEMO, *option)
    assert done.returncode == 2
    assert f"{option[0]} goes with one protocol" in done.stderr


def test_a_folder_without_a_protocol_is_told(tmp_path: Path) -> None:
    done = run("screen", tmp_path, DEMO)
    assert done.returncode == 2
    assert "there is no protocol in the folder" in done.stderr
