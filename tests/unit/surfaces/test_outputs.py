"""Whole files or nothing, and progress that nobody waits for is silent."""

from __future__ import annotations

import io
import os
import sys
from datetime import date
from pathlib import Path

import click
import pytest

from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.foundation.problems import Problem
from protocol_logic.records.duplicates import merged
from protocol_logic.records.facts import Account, Fact, PatientRecord, Stated
from protocol_logic.surfaces.inputs import as_of_option, existing_paths, source_named
from protocol_logic.surfaces.outputs import opened_output
from protocol_logic.surfaces.progress import Progress
from protocol_logic.surfaces.terminal import cut, terminal_width, text_width, visible

# Outputs


def test_a_file_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    with opened_output(str(path)) as out:
        out.write(b"half")
        out.flush()
        assert not path.exists()
        out.write(b" and half")
    assert path.read_bytes() == b"half and half"
    assert list(tmp_path.iterdir()) == [path]


def test_an_old_file_stays_when_something_goes_wrong(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), opened_output(str(path)) as out:
        out.write(b"new")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_permissions_are_those_of_the_old_file_or_the_usual_ones(tmp_path: Path) -> None:
    old, new, usual = tmp_path / "old", tmp_path / "new", tmp_path / "usual"
    old.write_bytes(b"")
    old.chmod(0o640)
    usual.write_bytes(b"")
    for path in (old, new):
        with opened_output(str(path)) as out:
            out.write(b"x")
    assert old.stat().st_mode & 0o777 == 0o640
    assert new.stat().st_mode == usual.stat().st_mode


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    with opened_output(str(link)) as out:
        out.write(b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_a_device_is_written_as_it_is() -> None:
    with opened_output(os.devnull) as out:
        out.write(b"x")
    assert not Path(os.devnull).is_file()


@pytest.mark.parametrize("name", ["", "missing/rows.json"])
def test_what_cannot_be_written_is_told_at_once(tmp_path: Path, name: str) -> None:
    with (
        pytest.raises(click.UsageError, match="cannot be written"),
        opened_output(str(tmp_path / name)),
    ):
        raise AssertionError("the work was begun")


# Inputs


@pytest.mark.parametrize(
    "text", ["2026-13-01", "20260101", "2026-W03-4", "", "２０２６-01-01", "now"]
)
def test_an_as_of_date_is_one_day(text: str) -> None:
    with pytest.raises(click.BadParameter, match="YYYY-MM-DD"):
        as_of_option(text)


def test_as_of_dates() -> None:
    assert as_of_option(None) is None
    assert as_of_option("2026-02-28") == date(2026, 2, 28)
    assert as_of_option("today") == date.today()


def test_a_protocol_is_a_file_or_an_id(tmp_path: Path) -> None:
    path = tmp_path / "t.elig"
    path.write_bytes("\ufeffprotocol t\r\n".encode())
    assert source_named(str(path)).text == "protocol t\r\n"
    source = source_named("anlotinib_fulvestrant")
    assert source.name == "kb/protocols/anlotinib_fulvestrant/anlotinib_fulvestrant.elig"
    assert (
        source_named("oncology.breast", knowledge=True).name == "kb/knowledge/oncology/breast.elig"
    )
    with pytest.raises(click.UsageError, match="did you mean `anlotinib_fulvestrant`"):
        source_named("anlotinib_fulvestrent")
    with pytest.raises(click.UsageError, match="is a folder"):
        source_named(str(tmp_path))
    path.write_bytes(b"\xff")
    with pytest.raises(click.UsageError, match="is not UTF-8"):
        source_named(str(path))


def test_a_missing_path_names_its_neighbour(tmp_path: Path) -> None:
    (tmp_path / "patients").mkdir()
    with pytest.raises(click.UsageError, match="did you mean `patients`"):
        existing_paths([str(tmp_path / "patiens")])


def record(patient: str, source: str, day: date | None, *facts: str) -> PatientRecord:
    when = PartialDate.parse("2026-01-01")
    assert when is not None
    return PatientRecord(
        patient=patient,
        source=source,
        index_date=day,
        facts=tuple(
            Fact(
                entry="e", resource=name, date=when, recorded="r", reading=Stated(frozenset({"x"}))
            )
            for name in facts
        ),
        problems=(Problem(code="undated", message=source, file=source),),
        accounting=(Account("Device", irrelevant=1),),
    )


def test_records_of_one_patient_are_joined() -> None:
    records = [
        record("b", "1", date(2026, 1, 1), "Observation/2", "Observation/1"),
        record("a", "2", None),
        record("b", "3", date(2026, 3, 1), "Observation/1", "Observation/0"),
        record("b", "4", None),
    ]
    joined, other = merged(records)
    assert other.patient == "a"
    assert (joined.patient, joined.source, joined.index_date) == ("b", "1", date(2026, 3, 1))
    names = [fact.resource for fact in joined.facts]
    assert names == ["Observation/0", "Observation/1", "Observation/2"]
    assert [problem.file for problem in joined.problems] == ["1", "3", "4"]
    assert joined.accounting == (Account("Device", irrelevant=3),)


# Progress and terminal


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def run(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch, seconds: float, total: int) -> str:
    """What 100 patients of ten bytes each leave on a stream in that time."""
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    progress = Progress(stream, total)
    for number in range(1, 101):
        now += seconds / 100
        progress.step(10 * number)
    progress.close()
    return stream.getvalue()


def test_a_short_run_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(Terminal(), monkeypatch, 0.4, 1000) == ""


def test_a_log_gets_no_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(io.StringIO(), monkeypatch, 1000, 1000) == ""


def test_a_terminal_has_rate_and_time_left_and_is_left_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = run(Terminal(), monkeypatch, 1000, 2000)
    start, *drawn, end = text.split("\r\x1b[2K")
    assert (start, end) == ("", "")
    assert drawn[0] == "1 patient, 0.1/s, 33 min 10 s left"
    assert drawn[49] == "50 patients, 0.1/s, 25 min 0 s left"
    assert drawn[-1] == "100 patients, 0.1/s, 16 min 40 s left"
    assert len(drawn) == 100


def test_what_is_drawn_is_not_more_than_can_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = run(Terminal(), monkeypatch, 4, 0).split("\r\x1b[2K")[1:-1]
    assert drawn[0] == "13 patients, 25/s"
    assert len(drawn) == 13


def test_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert terminal_width(io.StringIO()) == 80
    monkeypatch.setenv("COLUMNS", "200")
    assert terminal_width() == 200
    monkeypatch.setenv("COLUMNS", "wide")
    assert terminal_width() == 80


def test_text_is_cut_at_a_word() -> None:
    assert cut("one two three", 13) == "one two three"
    assert cut("one two three", 12) == "one two…"
    assert cut("onetwothree", 5) == "onet…"
    assert cut("很很很很", 5) == "很很…"
    assert text_width("你e\u0301") == 3


def test_paths_are_shown_whole() -> None:
    path = f"C:\\{'x' * 200}\n"
    assert visible(path) == f"C:\\{'x' * 200}\\n"


def test_stdout_may_be_named(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    with opened_output("-") as out:
        out.write(b"x")
    assert sys.stdout is not None
    assert capsysbinary.readouterr().out == b"x"
