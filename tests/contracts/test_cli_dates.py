"""`--date`: the days of a protocol's time points."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.contracts.command import DEMO, run

PROTOCOL = """\
protocol p
  title Washout
  uses oncology.breast

timepoint first_dose
  label first dose

exclude recent
  > Chemotherapy within 28 days before the first dose
  chemotherapy within 28 days before first_dose
"""


@pytest.fixture
def protocol(tmp_path: Path) -> Path:
    path = tmp_path / "p.elig"
    path.write_text(PROTOCOL, encoding="utf-8")
    return path


def test_rows_say_the_days_and_where_they_are_from(protocol: Path) -> None:
    patient = DEMO / "ines_all_met.json"
    for options, day, source in (
        ((), "2026-11-20", "as_of"),
        (("--date", "first_dose=2026-12-15"), "2026-12-15", "option"),
    ):
        done = run(
            "screen", protocol, patient, "--as-of", "2026-11-20", "--format", "json", *options
        )
        [row] = json.loads(done.stdout)
        assert row["timepoints"] == [
            {"id": "first_dose", "label": "first dose", "date": day, "from": source}
        ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("first_dose", "write it as NAME=YYYY-MM-DD"),
        ("first_dose=15.12.2026", "write it as NAME=YYYY-MM-DD"),
        ("frist_dose=2026-12-15", "did you mean `first_dose`"),
        ("=2026-12-15", "is no time point of the protocol; it has `first_dose`"),
    ],
)
def test_a_day_that_cannot_be_used_is_a_usage_error(
    protocol: Path, text: str, message: str
) -> None:
    done = run("screen", protocol, DEMO / "ines_all_met.json", "--date", text)
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())


def test_two_days_of_one_time_point(protocol: Path) -> None:
    days = ("--date", "first_dose=2026-12-15", "--date", "first_dose=2026-12-16")
    done = run("screen", protocol, DEMO / "ines_all_met.json", *days)
    assert done.returncode == 2
    assert "two days" in done.stderr
