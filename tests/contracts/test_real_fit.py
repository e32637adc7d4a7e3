"""The data fit of the real record sets in ../shared: the traps that their READMEs name come out as
what they are, and little else is suggested. Skipped where the sets are missing."""

from __future__ import annotations

import gzip
from datetime import date
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from protocol_logic.answering.fit.report import Report
from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.foundation.source import Source
from protocol_logic.knowledge.resources import protocol_path
from protocol_logic.pipeline import Fitting, compile_source, read_records
from protocol_logic.records.files import Reading
from protocol_logic.records.sources import iter_unread
from tests.contracts.command import PROTOCOL
from tests.unit.answering.fitting import element

DATA = Path(__file__).parents[3] / "shared" / "data"

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"no record sets at {DATA}")


@cache
def fitted(name: str, most: int | None = None) -> Report:
    """The fit of a set (the first patients of it) to the seed protocol."""
    path = protocol_path(PROTOCOL)
    assert path is not None
    problems = Problems()
    compiled = compile_source(Source(PROTOCOL, path.read_text(encoding="utf-8")), problems)
    assert compiled is not None
    fitting = Fitting(compiled)
    for unread in islice(iter_unread([DATA / name], Reading()), most):
        document = unread if isinstance(unread, Problem) else unread.document()
        if not isinstance(document, Problem):
            for record in read_records(compiled, [document], Problems(), fitting.meet):
                fitting.add(record, date(2026, 11, 1))
    return fitting.report()


def suggested(report: Report) -> dict[str, list[tuple[str, bool]]]:
    """Code and whether nothing speaks against it, by name of the entry."""
    return {
        e["name"]: [(s["code"], s["likely"]) for s in e["suggestions"]]
        for e in report["elements"]
        if e["suggestions"]
    }


def look_alikes(report: Report, name: str) -> dict[str, int]:
    return {each["code"]: each["resources"] for each in element(report, name)["look_alikes"]}


def suggestion(report: Report, name: str, code: str) -> dict[str, Any]:
    found = element(report, name)["suggestions"]
    return dict(next(each for each in found if each["code"] == code))


def test_synthea() -> None:
    report = fitted("synthea-r4/patients.ndjson.gz", 100)
    # Creatinine in blood is told, and how it would be read.
    [creatinine] = [
        each for each in element(report, "creatinine")["look_alikes"] if each["code"] == "38483-4"
    ]
    assert "extend creatinine" in creatinine["why"]
    with gzip.open(DATA / "synthea-r4" / "patients.ndjson.gz", "rt", encoding="utf-8") as lines:
        counts = [line.count('"38483-4"') for line in islice(lines, 100)]
    assert creatinine["patients"] == sum(count > 0 for count in counts) > 20
    assert creatinine["resources"] == sum(counts)
    assert element(report, "creatinine")["patients"]["recorded"] == 0
    # Low noise: of more than 200 unknown codes hardly any is shown.
    assert report["unmapped"]["codes"] > 200
    assert set(suggested(report)) <= {"metastasis", "chemotherapy"}
    assert set(look_alikes(report, "creatinine")) == {"38483-4", "14959-1"}
    assert set(look_alikes(report, "hemoglobin")) == {"4548-4", "5794-3", "57905-2"}
    assert set(look_alikes(report, "bilirubin")) == {"5770-3", "20505-4"}
    assert set(look_alikes(report, "reported_clearance")) == {"33914-3"}
    # No result has a reference range, there is no List and no Consent.
    never = {(each["name"], each["part"]): each for each in report["never"]}
    assert never["bilirubin", "upper limit"]["open_for_all"] == []
    assert never["medication_history", None]["why"] == "no List at all"
    assert never["informed_consent", None]["open_for_all"] == ["consented"]
    assert never["creatinine", None]["suggestions"] == 0


def test_pysynthea() -> None:
    report = fitted("pysynthea-breast-r4", 4)
    fish = element(report, "her2_fish")
    assert fish["patients"]["usable"] == 0
    assert {each["text"] for each in fish["unread_values"]} <= {
        "less than 1.8",
        "greater than 2.2",
    }
    # Two stage groups at one instant, both in codes that have no meaning for the protocol.
    assert element(report, "stage")["patients"]["not_usable"] == {"unknown-code": 4}
    size = suggestion(report, "measured_lesion", "33728-7")
    assert size["likely"]
    assert size["for"][0] == "its code stands for the axis `longest` of a measured lesion"
    assert set(look_alikes(report, "creatinine")) == {"38483-4"}
    assert element(report, "bilirubin", "upper limit")["patients"]["usable"] > 0


def test_mcode_examples() -> None:
    report = fitted("mcode-examples")
    found = suggested(report)
    assert found["er"] == [("40556-3", True)]
    assert found["pr"] == [("40557-1", True)]
    assert found["her2_ihc"] == [("18474-7", True)]
    assert found["breast_cancer"] == [("408643008", True)]
    assert "her2_fish" not in found
    assert element(report, "her2_interpretation")["unread_values"][0]["code"] == "LA6577-6"
    # Jenny M's thousandfold slip.
    assert element(report, "neutrophils")["patients"]["not_usable"] == {"implausible-value": 1}
    # The stage stands in a Condition that has no date, beside an Observation without one.
    assert element(report, "stage")["patients"]["not_usable"] == {"open-date": 1}


def test_mcode_synthea() -> None:
    report = fitted("mcode-synthea-cancer")
    combined = suggestion(report, "er", "10480-2")
    assert combined["against"] == ["it speaks of `pr` too"]
    assert suggested(report)["pr"] == [("10480-2", False)]


def test_codes_under_a_false_system() -> None:
    report = fitted("synthea-hiv-r4")
    (name,) = suggested(report)
    assert name == "body_weight"
    (weight,) = element(report, name)["suggestions"]
    assert weight["code"].startswith("5089A")
    assert weight["patients"] == 20
    assert weight["remarks"] == [f"`{weight['code']}` is no code of LOINC"]
