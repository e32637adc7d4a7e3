"""What of its knowledge a protocol reaches: what is read of records, and what its digest is of."""

from __future__ import annotations

import pytest

from protocol_logic.compiling.reach import reached
from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.pipeline import Compiled, compile_source

HEAD = """\
protocol example
  title Example
  version 1
  uses demographics, labs, oncology.breast, oncology.lung

"""
PATIENT = {"sex", "birth_date"}


def compiled(condition: str, more: str = "") -> Compiled:
    problems = Problems()
    text = f"{HEAD}{more}include example\n  > Example\n  {condition}\n"
    found = compile_source(Source("example", text), problems)
    assert found is not None, problems.items
    return found


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ("hemoglobin >= 90 g/L", {"hemoglobin"}),
        (
            "creatinine_clearance >= 60 mL/min",
            {"creatinine_clearance", "creatinine", "body_weight", "age", "reported_clearance"},
        ),
        ("small_cell_lung_cancer", {"small_cell_lung_cancer", "problem_list"}),
        (
            "non_small_cell_lung_cancer",
            {
                "non_small_cell_lung_cancer",
                "squamous_cell_lung_cancer",
                "lung_adenocarcinoma",
                "problem_list",
            },
        ),
        (
            "liver_metastasis",
            # what denies a site: M0 or a stage, while no site at all is stated
            {
                "liver_metastasis",
                "metastasis",
                "lung_metastasis",
                "bone_metastasis",
                "brain_metastasis",
                "problem_list",
                "m_category",
                "stage",
                # what casts doubt on the absence of metastases
                "malignant_ascites",
                "malignant_pleural_effusion",
                "distant_metastasis_site",
            },
        ),
        ("measurable_lesion is yes", {"measurable_lesion", "measured_lesion", "lesion_count"}),
        ("locally_advanced", {"locally_advanced", "stage"}),
    ],
)
def test_what_a_criterion_rests_on_and_nothing_else(condition: str, names: set[str]) -> None:
    assert reached(compiled(condition).protocol) - PATIENT == names


def test_a_record_is_read_for_what_is_reached_only() -> None:
    codings = compiled("hemoglobin >= 90 g/L").codings
    assert {e.name for entries in codings.observations.values() for e in entries} == {"hemoglobin"}
    assert not codings.conditions and not codings.medications and not codings.procedures
    assert all(
        entry.name == "hemoglobin" for found in codings.unlike.values() for entry, _ in found
    )


def test_all_code_systems_are_known_whatever_is_reached() -> None:
    few, many = compiled("hemoglobin >= 90 g/L"), compiled("stage in 3, 4")
    assert few.codings.systems == many.codings.systems


def test_the_digest_is_of_what_is_reached() -> None:
    plain = compiled("hemoglobin >= 90 g/L")
    beside = "quantity zinc\n  code local zinc\n  unit 1\n\n"
    assert compiled("hemoglobin >= 90 g/L", beside).digest == plain.digest
    inside = "define low\n  hemoglobin < 90 g/L\n\n"
    other = inside.replace("90", "80")
    assert compiled("not low", inside).digest != compiled("not low", other).digest
