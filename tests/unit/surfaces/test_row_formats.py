"""Rows as JSON, NDJSON, CSV and Parquet."""

from __future__ import annotations

import csv
import importlib.util
import io
import json

import click
import pytest

from protocol_logic.surfaces.row_formats import (
    COLUMNS,
    Csv,
    Json,
    Ndjson,
    Parquet,
)
from tests.unit.surfaces.rows import output, row, scope

TWO = ("adult", "no_other")
ROWS = [
    row("ann", TWO, "✓✓"),
    row("bea", TWO, "?✗", gaps={"adult": [("birth_date", "absent"), ("x", "absent")]}),
]


def test_json_is_a_list_as_json_dumps_writes_it() -> None:
    data = output(Json(), ROWS).decode()
    assert data == json.dumps(ROWS, ensure_ascii=False, indent=1) + "\n"


def test_json_of_nobody_is_an_empty_list() -> None:
    assert output(Json(), []) == b"[]\n"
    assert output(Json(), ROWS, ["ann", "bea"]) == b"[]\n"


def test_ndjson_is_a_row_a_line() -> None:
    lines = output(Ndjson(), ROWS).decode().split("\n")
    assert [json.loads(line) for line in lines[:-1]] == ROWS
    assert lines[-1] == ""


@pytest.mark.parametrize("name", ["a\nb", "a\u2028b\x85c\u2029", "a\udcffb", '"\\', "\x00", "é"])
def test_any_name_is_one_line_and_comes_back(name: str) -> None:
    rows = [row(name, TWO, "✓✓")]
    assert json.loads(output(Json(), rows)) == rows
    data = output(Ndjson(), rows).decode()
    assert len(data.splitlines()) == 1
    assert json.loads(data) == rows[0]


def test_withheld_rows_are_left_out() -> None:
    rows = [*ROWS, row("cleo", TWO, "✓✓")]
    kept = [ROWS[0], rows[2]]
    assert json.loads(output(Json(), rows, ["bea"])) == kept
    lines = output(Ndjson(), rows, ["bea"]).splitlines()
    assert [json.loads(line) for line in lines] == kept
    assert b"bea" not in output(Csv(), rows, ["bea"])


def test_csv_has_a_line_for_each_criterion() -> None:
    end = "trial 2.1,sha256:0,,\n"
    assert output(Csv(), ROWS).decode() == (
        "patient,source,as_of,eligibility,scopes,criterion,polarity,for,basis,asked,outcome,"
        "verdict,applies,oldest_evidence,gaps,reasons,protocol,digest,policies,parameters\n"
        f"ann,a.json,2026-01-15,eligible,,adult,inclusion,,computed,,met,pass,true,,,,{end}"
        f"ann,a.json,2026-01-15,eligible,,no_other,exclusion,,computed,,not_met,pass,true,,,,{end}"
        "bea,a.json,2026-01-15,ineligible,,adult,inclusion,,computed,,unknown,open,true,,"
        f"birth_date x,absent absent,{end}"
        f"bea,a.json,2026-01-15,ineligible,,no_other,exclusion,,computed,,met,fail,true,,,,{end}"
    )


def test_csv_says_scopes_and_what_is_asked() -> None:
    one = row("ann", ["adult"], "✓", scopes=[scope("arm_a", "eligible"), scope("arm_b", "open")])
    question = {"id": "will_comply", "text": "will comply", "how": "judged", "because": ""}
    one["criteria"][0] |= {"scopes": ["arm_a"], "basis": "judged", "asked": [question]}
    (line,) = csv.DictReader(io.StringIO(output(Csv(), [one]).decode()))
    assert line["scopes"] == "arm_a=eligible arm_b=open"
    assert (line["for"], line["basis"], line["asked"]) == ("arm_a", "judged", "will_comply")


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\n", "＝"])
def test_a_spreadsheet_takes_no_cell_for_a_formula(first: str) -> None:
    rows = [row(f'{first}HYPERLINK("x")', TWO, "✓✓", source=f"{first}a.json")]
    lines = list(csv.reader(io.StringIO(output(Csv(), rows).decode(), newline="")))
    assert lines[1][:2] == [f'\'{first}HYPERLINK("x")', f"'{first}a.json"]


def test_large_output_leaves_memory_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("protocol_logic.surfaces.row_formats._IN_MEMORY", 1000)
    rows = [row(f"p{n}", TWO, "✓✓") for n in range(50)]
    assert json.loads(output(Json(), rows, ["p7"])) == rows[:7] + rows[8:]


@pytest.mark.skipif(
    importlib.util.find_spec("pyarrow") is not None, reason="pyarrow is installed here"
)
def test_parquet_names_what_it_needs() -> None:
    with pytest.raises(click.UsageError, match="pip install pyarrow"):
        Parquet()


def test_parquet_has_the_columns_of_csv() -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra `parquet`")
    table = parquet.read_table(io.BytesIO(output(Parquet(), ROWS, ["ann"])))
    assert tuple(table.column_names) == COLUMNS
    assert table.column("patient").to_pylist() == ["bea", "bea"]
    assert table.column("applies").to_pylist() == [True, True]
    assert table.column("as_of").to_pylist()[0].isoformat() == "2026-01-15"
    assert table.column("oldest_evidence").to_pylist() == [None, None]
    assert table.column("gaps").to_pylist() == ["birth_date x", ""]
