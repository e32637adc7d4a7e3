"""Bad resources in otherwise good bundles: each is told, none is used, all others are screened.

The tables are in bad_resources.py. Files that cannot be read as JSON are in test_bad_files.py.
"""

from __future__ import annotations

import json
import re
from datetime import date
from fractions import Fraction
from functools import cache
from pathlib import Path

import pytest

from protocol_logic.foundation.interval import Interval
from protocol_logic.records.facts import Measured
from tests.contracts.bad_resources import BAD, CREATININE, HGB, PLT, WITHHELD
from tests.contracts.changes import both, changed, on, put, record_of
from tests.contracts.command import PROTOCOL, Json, bundle, run, written


@cache
def _screened(folder: Path) -> tuple[int, dict[str, Json], list[Json], str]:
    told = folder.with_suffix(".notes")
    done = run("screen", PROTOCOL, folder, "--format", "json", "--problems", told)
    rows = {row["patient"]: row for row in json.loads(done.stdout)}
    notes = told.read_text(encoding="utf-8").splitlines()
    return done.returncode, rows, [json.loads(note) for note in notes], done.stderr


@pytest.fixture(scope="module")
def bad_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good patient, and one for each row of BAD, screened in one run."""
    folder = tmp_path_factory.mktemp("bad")
    written(folder / "good.json", bundle())
    for number, bad in enumerate(BAD):
        written(folder / f"{number}.json", changed(bad.change, f"p{number}"))
    return folder


@pytest.fixture(scope="module")
def withheld_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good patient, and a bundle for each row of WITHHELD."""
    folder = tmp_path_factory.mktemp("withheld")
    written(folder / "good.json", bundle())
    for number, (_, change, _, _) in enumerate(WITHHELD):
        written(folder / f"{number}.json", changed(change, f"p{number}"))
    return folder


def test_bad_resources_withhold_nobody(bad_folder: Path) -> None:
    code, rows, _, stderr = _screened(bad_folder)
    assert code == 0
    assert "error" not in stderr
    assert set(rows) == {"ines", *(f"p{number}" for number in range(len(BAD)))}
    assert rows["ines"]["eligibility"] == "eligible"
    assert not rows["ines"]["problems"]


@pytest.mark.parametrize("number", range(len(BAD)), ids=[bad.name for bad in BAD])
def test_a_bad_resource_is_told_and_not_used(bad_folder: Path, number: int) -> None:
    bad, patient = BAD[number], f"p{number}"
    _, rows, notes, _ = _screened(bad_folder)
    row = rows[patient]
    resource = bad.resource.format(patient) if bad.resource else None
    told = [(p["code"], p["resource"], p["message"]) for p in row["problems"]]
    assert [t for t in told if t[:2] == (bad.code, resource) and bad.says in t[2]], told
    [note, *_] = [n for n in notes if n["patient"] == patient and n["code"] == bad.code]
    assert note["file"] == str(bad_folder / f"{number}.json")
    unmet = [c for c in row["criteria"] if c["outcome"] != "met"]
    if bad.unknown is None:
        assert not unmet
        return
    [criterion] = unmet
    gaps = {gap["element"]: gap["reason"] for gap in criterion["gap_details"]}
    name, element = bad.unknown
    assert (criterion["id"], criterion["outcome"]) == (name, "unknown")
    assert element in gaps
    assert bad.reason in (None, gaps[element])


def test_bundles_without_a_row_are_told(withheld_folder: Path) -> None:
    code, rows, notes, stderr = _screened(withheld_folder)
    assert code == 1
    assert set(rows) == {"ines"}
    errors = {
        Path(note["file"]).name: (note["code"], note["message"])
        for note in notes
        if note["severity"] == "error"
    }
    for number, (name, _, problem, says) in enumerate(WITHHELD):
        got, message = errors.pop(f"{number}.json")
        assert got == problem, name
        assert says in message, name
        assert f"error[{problem}]" in stderr
    assert not errors


@pytest.mark.parametrize("kind", ["Condition", "Medication"])
def test_resources_about_nobody_are_no_patient(tmp_path: Path, kind: str) -> None:
    path = written(tmp_path / "x.ndjson", json.dumps({"resourceType": kind, "id": "x"}) + "\n")
    done = run("screen", PROTOCOL, path, "--as-of", "2026-01-01")
    assert done.returncode == 1
    assert "error[no-patient]: there is no patient\n" in done.stderr


# ---- read exactly -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at_time", "day"),
    [
        ("2016-12-31T23:59:60Z", date(2016, 12, 31)),
        ("2026-10-20T00:00:00+14:00", date(2026, 10, 20)),
        ("2026-10-20T23:59:59-12:00", date(2026, 10, 20)),
        ("2026-10-20T23:59:59.999999999Z", date(2026, 10, 20)),
    ],
)
def test_the_date_counts_as_written(at_time: str, day: date) -> None:
    record = record_of(changed(on(PLT, put("effectiveDateTime", at_time)), "p"))
    [fact] = [fact for fact in record.facts if fact.resource == PLT]
    assert fact.date is not None
    assert (fact.date.first, fact.date.last) == (day, day)
    assert not record.problems


def test_a_unit_of_the_right_dimension_is_converted() -> None:
    # 0.0884 mmol/L = 88.4 umol/L = 1 mg/dL
    quantity = {"value": 0.0884, "unit": "mmol/L", "code": "mmol/L"}
    record = record_of(changed(on(CREATININE, put("valueQuantity", quantity)), "p"))
    [fact] = [fact for fact in record.facts if fact.resource == CREATININE]
    assert isinstance(fact.reading, Measured)
    assert fact.reading.value == Interval.point(Fraction(1))


@pytest.mark.parametrize(
    "odd", ["\u200b", "\u202e", "\u2066", "\ufeff", "\u0000", "é", "\U0001f600"]
)
def test_odd_characters_in_what_is_only_shown_change_nothing(odd: str) -> None:
    plain = record_of(changed(lambda content: None, "p"))
    change = both(
        put("code.coding.0.display", f"Hemoglobin [Mass/{odd}volume] in Blood"),
        put("code.text", odd),
        put("valueQuantity.unit", f"g/{odd}L"),
    )
    record = record_of(changed(on(HGB, change), "p"))
    assert [(f.entry, f.reading) for f in record.facts] == [
        (f.entry, f.reading) for f in plain.facts
    ]
    assert not record.problems


def test_odd_characters_are_escaped_where_people_read(tmp_path: Path) -> None:
    odd = "x\u202e\u200b\ny"
    content = bundle()
    on(HGB, both(put("valueQuantity.code", odd), put("id", odd)))(content)
    path = written(tmp_path / "p.json", content)
    table = run("screen", PROTOCOL, path)
    notes = run("screen", PROTOCOL, path, "-o", tmp_path / "rows", "--problems", "-")
    assert (table.returncode, notes.returncode) == (0, 0)
    [note] = [json.loads(line) for line in notes.stdout.splitlines()]
    assert r"its unit `x\u202e\u200b\ny`" in note["message"]
    for text in (table.stdout, table.stderr, note["message"]):
        assert not re.search("[\u200b\u202e]", text)
