"""Files of tables: CSV and Parquet, and those that are neither."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest

from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.foundation.interval import Interval
from protocol_logic.records.facts import Measured
from tests.unit.records.build import point
from tests.unit.records.folder import COLUMNS, HEAD, LAB, Folder, readings


def test_files_and_columns_that_are_not_there(folder: Folder) -> None:
    mapping = (
        '[[table]]\nfile = "labs.csv"\n' + COLUMNS + 'element = "ecog"\n\n'
        '[[table]]\nfile = "lab.csv"\n' + COLUMNS + 'element = "ecog"\n'
    )
    assert folder.faults(mapping, lab="id,valeu,day\np,1,2026-10-01\n") == [
        ("`lab.csv`: it has no column `value`", "did you mean `valeu`?"),
        ("`labs.csv`: it cannot be read: No such file or directory", None),
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("id;value;day\np;1;2026-10-01\n", "its cells are separated by `;`, not by commas"),
        ('id,value,day\np,"1,2026-10-01\n', "line 2: it is not CSV: unexpected end of data"),
        ("", "line 1: it is empty"),
    ],
)
def test_files_that_are_not_csv(folder: Folder, text: str, fault: str) -> None:
    # nobody is judged by half of a table
    ((message, _),) = folder.faults(HEAD + COLUMNS + 'element = "ecog"\n', lab=text)
    assert fault in message


def test_text_that_is_not_utf_8(folder: Folder) -> None:
    (folder.path / "lab.csv").write_bytes(b"id,value,day\np,1,2026-10-01\nq\xff,1,2026-10-01\n")
    ((message, hint),) = folder.faults(HEAD + COLUMNS + 'element = "ecog"\n')
    assert "it is not UTF-8 text" in message
    assert hint == "save it as CSV in UTF-8, with commas"


def test_byte_order_mark_and_windows_line_ends(folder: Folder) -> None:
    text = "\ufeff" + LAB.replace("\n", "\r\n")
    (folder.path / "lab.csv").write_bytes(text.encode())
    record = folder.one(HEAD + COLUMNS + 'element = "ecog"\n')
    assert readings(record) == {"ecog": Measured(point("1"))}


# ---- Parquet -------------------------------------------------------------------------------------


PARQUET = '[[table]]\nfile = "lab.parquet"\n' + COLUMNS + 'element = "platelets"\nunit = "10*9/L"\n'


def test_parquet(folder: Folder) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="needs the extra `parquet`")
    from decimal import Decimal

    from pyarrow import parquet

    def values(column: object) -> list[Interval | None]:
        table = pyarrow.table(
            {
                "id": ["p"] * len(column),  # type: ignore[arg-type]
                "value": column,
                "day": [date(2026, 10, 1 + i) for i in range(len(column))],  # type: ignore[arg-type]
            }
        )
        parquet.write_table(table, folder.path / "lab.parquet")
        record = folder.one(PARQUET)
        return [f.reading.value for f in record.facts if isinstance(f.reading, Measured)]

    # the shortest decimal of a float, also of a short one; a decimal as it is
    doubles = pyarrow.array([0.1, 88.0, 1e22, None], pyarrow.float64())
    assert values(doubles) == [point("0.1"), point("88"), point("1" + "0" * 22)]
    assert values(pyarrow.array([0.1, 88.0], pyarrow.float32())) == [point("0.1"), point("88")]
    exact = [Decimal("88.10"), Decimal("0.30")]
    assert values(pyarrow.array(exact, pyarrow.decimal128(10, 2))) == [point("88.1"), point("0.3")]
    assert values(pyarrow.array([88, 89], pyarrow.int64())) == [point("88"), point("89")]
    assert values(pyarrow.array(["< 10", "11"])) == [
        Interval(Fraction(0), True, Fraction(10), False),
        point("11"),
    ]
    assert values(pyarrow.array([float("nan")], pyarrow.float64())) == [None]


def test_parquet_rows_days_and_columns(folder: Folder) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="needs the extra `parquet`")
    from datetime import datetime

    from pyarrow import parquet

    moments = pyarrow.array([datetime(2026, 10, 1, 9, 30)], pyarrow.timestamp("ns"))
    table = pyarrow.table({"id": ["p"], "value": [88], "day": moments})
    parquet.write_table(table, folder.path / "lab.parquet")
    (fact,) = folder.one(PARQUET).facts
    assert (fact.resource, fact.date) == ("lab.parquet:1", PartialDate.parse("2026-10-01"))
    missing = PARQUET.replace('value = "value"', 'value = "valeu"')
    assert folder.faults(missing) == [
        ("`lab.parquet`: it has no column `valeu`", "did you mean `value`?")
    ]
    parquet.write_table(
        pyarrow.table({"id": ["p"], "value": [[88]], "day": ["2026-10-01"]}),
        folder.path / "lab.parquet",
    )
    ((message, _),) = folder.faults(PARQUET)
    assert "its column `value` is of type `list<" in message
    (folder.path / "lab.parquet").write_text("not parquet")
    ((message, _),) = folder.faults(PARQUET)
    assert message.startswith("`lab.parquet`: it cannot be read: ")


def test_parquet_without_pyarrow(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    assert folder.faults(PARQUET) == [
        (
            "`lab.parquet`: Parquet is read by pyarrow, which is not installed",
            "pip install pyarrow, or save the table as CSV",
        )
    ]
