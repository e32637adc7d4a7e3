"""`fit`: counts and suggestions as text, JSON and one HTML page; its errors and exit codes."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.contracts.command import DEMO, PROTOCOL, Json, bundle, renamed, run, written

HOSTILE = '<script>alert("x")</script>\u202e\u0007\nCreatinine'


def observation(code: str, display: str, value: str = "1", unit: str = "mg/dL") -> Json:
    return {
        "resourceType": "Observation",
        "id": f"o-{code}",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code, "display": display}]},
        "effectiveDateTime": "2026-10-20",
        "valueQuantity": {
            "value": float(value),
            "unit": unit,
            "code": unit,
            "system": "http://unitsofmeasure.org",
        },
    }


def with_observations(*observations: Json) -> Json:
    content = bundle()
    content["entry"] += [{"resource": each} for each in observations]
    return content


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A patient with unknown codes whose displays, units and answers are out for harm."""
    harm = observation("38483-4", HOSTILE, unit="<b>")
    harm["code"]["text"] = "Creatinine </style><img src=x onerror=alert(1)>"
    return written(tmp_path / "p.json", with_observations(harm))


def test_json_has_the_documented_keys() -> None:
    done = run("fit", PROTOCOL, DEMO, "--format", "json")
    assert done.returncode == 0
    report = json.loads(done.stdout)
    assert list(report) == [
        "protocol", "summary", "as_of", "criteria", "elements", "never", "resources", "unmapped",
    ]  # fmt: skip
    assert list(report["elements"][0]) == [
        "element", "name", "kind", "part", "label", "criteria", "reported_as", "patients",
        "age_days", "resource_types", "codes", "units", "unread_values", "unread_values_capped",
        "suggestions", "look_alikes",
    ]  # fmt: skip
    assert list(report["never"][0]) == [
        "element", "name", "part", "why", "criteria", "open_for_all", "suggestions",
    ]  # fmt: skip
    summary = report["summary"]
    assert (summary["patients"], summary["criteria"]) == (15, 10)
    screened = json.loads(run("screen", PROTOCOL, DEMO, "--format", "json").stdout)
    for number, criterion in enumerate(report["criteria"]):
        outcomes = [row["criteria"][number]["outcome"] for row in screened]
        assert criterion["unknown"] == outcomes.count("unknown")
        assert criterion["met"] == outcomes.count("met")
    for element in report["elements"]:
        patients = element["patients"]
        assert patients["recorded"] == patients["usable"] + sum(patients["not_usable"].values())


def test_text_fits_the_width_and_says_all_in_ascii_too(tmp_path: Path) -> None:
    for columns in ("60", "80", "132"):
        done = run("fit", PROTOCOL, DEMO, env={"COLUMNS": columns})
        assert done.returncode == 0
        lines = done.stdout.splitlines()
        assert max(map(len, lines)) <= int(columns)
        assert "\x1b" not in done.stdout
    plain = run("fit", PROTOCOL, DEMO, env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert plain.stdout.isascii()
    assert "\\u" not in plain.stdout
    run("fit", PROTOCOL, DEMO, "-o", tmp_path / "fit.txt")
    assert (tmp_path / "fit.txt").read_text(encoding="utf-8") == run("fit", PROTOCOL, DEMO).stdout


def test_nothing_of_a_record_reaches_a_terminal_as_it_is(hostile: Path) -> None:
    text = run("fit", PROTOCOL, hostile).stdout
    assert "\u202e" not in text and "\x07" not in text
    assert "\\u202e\\x07\\nCreatinine" in text
    report = json.loads(run("fit", PROTOCOL, hostile, "--format", "json").stdout)
    (creatinine,) = [e for e in report["elements"] if e["name"] == "creatinine"]
    assert [s["code"] for s in creatinine["suggestions"]] == ["38483-4"]


class Page(HTMLParser):
    """An HTML page as tags with attributes, and its text; tags must close in order."""

    VOID = frozenset({"meta", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, Any]]] = []
        self.said: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.said.append(data)

    def all(self, *names: str) -> list[dict[str, Any]]:
        return [attributes for tag, attributes in self.tags if tag in names]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.said).split())


def page(*args: str | Path) -> Page:
    done = run("fit", *args, "--format", "html")
    assert done.returncode == 0
    assert done.stdout.startswith("<!DOCTYPE html>\n")
    return Page(done.stdout)


def test_the_page_needs_nothing_else_and_says_what_its_tables_are() -> None:
    found = page(PROTOCOL, DEMO)
    names = {tag for tag, _ in found.tags}
    assert not names & {"script", "link", "img", "iframe", "object", "form"}
    for attributes in found.all(*names):
        assert not attributes.keys() & {"src", "style", "onclick"}
        assert attributes.get("href", "#").startswith("#")
    assert [a["lang"] for a in found.all("html")] == ["en"]
    assert len(found.all("title")) == len(found.all("h1")) == len(found.all("main")) == 1
    assert len(found.all("caption")) == len(found.all("table"))
    assert {a.get("scope") for a in found.all("th")} == {"col", "row"}
    ids = [a["id"] for _, a in found.tags if "id" in a]
    assert len(ids) == len(set(ids))
    assert {a["href"][1:] for a in found.all("a")} == set(ids)


def test_the_page_says_what_the_text_says() -> None:
    said = page(PROTOCOL, DEMO).text
    text = " ".join(run("fit", PROTOCOL, DEMO).stdout.split())
    for sentence in ("48 elements wanted", "What these records never say", "reference_range:tbil"):
        assert sentence in said
        assert sentence in text


def test_nothing_of_a_record_becomes_part_of_the_page(hostile: Path) -> None:
    found = page(PROTOCOL, hostile)
    assert not found.all("script", "img", "b")
    assert '<script>alert("x")</script>\\u202e\\x07\\nCreatinine' in found.text
    assert "\u202e" not in found.text
    assert len(found.all("style")) == 1


def test_an_input_that_cannot_be_read_is_told_and_the_rest_counted(tmp_path: Path) -> None:
    written(tmp_path / "bad.json", "{")
    written(tmp_path / "good.json", bundle())
    done = run("fit", PROTOCOL, tmp_path, "--format", "json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["summary"]["patients"] == 1
    assert "error[not-readable]" in done.stderr and "bad.json" in done.stderr


def test_one_id_in_two_bundles_is_an_error_and_counted_twice(tmp_path: Path) -> None:
    written(tmp_path / "a.json", bundle())
    written(tmp_path / "b.json", bundle())
    done = run("fit", PROTOCOL, tmp_path, "--format", "json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["summary"]["patients"] == 2
    assert "error[duplicate-patient]" in done.stderr
    assert "each of its bundles is counted as a patient here" in done.stderr


@pytest.mark.parametrize("form", ["text", "json", "html"])
def test_nobody_to_count(form: str, tmp_path: Path) -> None:
    done = run("fit", PROTOCOL, tmp_path, "--format", form)
    assert done.returncode == 1
    assert "error[no-patient]" in done.stderr
    said = "There is no patient" if form != "json" else '"patients": 0'
    assert said in done.stdout


def test_without_an_as_of_date_all_is_counted_but_ages_and_criteria(tmp_path: Path) -> None:
    content = bundle()
    del content["timestamp"]
    file = written(tmp_path / "p.json", content)
    done = run("fit", PROTOCOL, file)
    assert done.returncode == 0
    assert "There is no as-of date (no Bundle.timestamp, no --as-of)" in done.stdout
    assert "Criteria" not in done.stdout
    report = json.loads(run("fit", PROTOCOL, file, "--format", "json").stdout)
    assert report["criteria"] is None
    later = json.loads(
        run("fit", PROTOCOL, file, "--format", "json", "--as-of", "2000-01-01").stdout
    )
    (hgb,) = [e for e in later["elements"] if e["element"] == "hgb"]
    assert hgb["patients"]["not_usable"] == {"later": 1}


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["nowhere", "demo"], "there is no file `nowhere`"),
        ([PROTOCOL, "nowhere"], "there is no file or folder `nowhere`"),
        ([PROTOCOL, "--as-of", "2026-13-01", "x"], "is not a date"),
        ([PROTOCOL, "--format", "pdf", "x"], "'pdf' is not one of"),
        ([PROTOCOL], "Missing argument 'PATIENTS...'"),
    ],
)
def test_usage(args: list[str], said: str) -> None:
    done = run("fit", *args)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stdout == ""


def test_the_same_bytes_whatever_the_order_of_the_inputs(tmp_path: Path) -> None:
    for name in "abc":
        content = with_observations(observation("38483-4", f"Creatinine {name}", unit="g/L"))
        written(tmp_path / f"{name}.json", renamed(content, name))
    files = sorted(tmp_path.iterdir())
    for form in ("text", "json", "html"):
        first = run("fit", PROTOCOL, *files, "--format", form)
        assert first.stdout == run("fit", PROTOCOL, *reversed(files), "--format", form).stdout
