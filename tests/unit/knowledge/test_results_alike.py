"""Which results resemble which entries, by what they call themselves."""

from __future__ import annotations

from functools import cache

import pytest

from protocol_logic.compiling.knowledge import read_entries
from protocol_logic.compiling.library import knowledge_unit
from protocol_logic.foundation.problems import Problems
from protocol_logic.knowledge.results_alike import Alike, Result
from protocol_logic.knowledge.vocabulary import Quantity, Status

HOMES = ("systems", "labs", "vital_signs", "oncology.breast", "labs.metabolism", "cardiology")


@cache
def alike() -> Alike:
    found = read_entries([knowledge_unit(home) for home in HOMES], Problems())
    return Alike(e for e in found.entries.values() if isinstance(e, Quantity | Status))


@pytest.mark.parametrize(
    ("name", "unit", "entries"),
    [
        ("Platelets [#/volume] in Blood by Manual count", "10*3/uL", ("platelets",)),
        ("Systolic blood pressure--supine", "mm[Hg]", ("systolic_pressure",)),
        ("Glucose [Mass/volume] in Capillary blood by Glucometer", "mg/dL", ("glucose",)),
        ("Hemoglobin", "", ("hemoglobin",)),
        ("Glucose [Mass/volume] in Serum or Plasma --fasting", "mg/dL", ("fasting_glucose",)),
        ("Hemoglobin A1c", "%", ("hba1c",)),
        ("Cholesterol in HDL [Mass/volume] in Serum", "mg/dL", ("hdl_cholesterol",)),
        # By other words for it; a single one, as it is short or wide, says no more than that.
        ("LVEF", "%", ("left_ventricular_ejection_fraction",)),
        ("EF (%)", "%", ("left_ventricular_ejection_fraction",)),
        ("Cardiac ejection fraction", "%", ("left_ventricular_ejection_fraction",)),
        ("SBP", "mm[Hg]", ("systolic_pressure",)),
        ("Right ventricular ejection fraction", "%", ()),
        ("CA 125", "", ()),
        ("Vitamin K", "ug/L", ()),
        # What it is found in, what it is set in relation to, or its unit is another.
        ("Creatinine [Mass/volume] in Urine", "mg/dL", ()),
        ("Glucose [Mass/volume] in Cerebral spinal fluid", "mg/dL", ()),
        ("Hemoglobin F/Hemoglobin.total in Blood", "%", ()),
        ("Hemoglobin", "%", ()),
        ("Calcium/Creatinine [Mass Ratio] in Urine", "mg/g", ()),
        ("Platelet mean volume [Entitic volume] in Blood by Automated count", "fL", ()),
        ("Cholesterol in VLDL [Mass/volume] in Serum or Plasma", "mg/dL", ()),
        ("Family history of hemoglobin disorder", "", ()),
        ("Estrogen+Progesterone receptor Ag [Presence] in Tissue by Immune stain", "", ()),
    ],
)
def test_what_a_name_resembles(name: str, unit: str, entries: tuple[str, ...]) -> None:
    assert alike().of(Result(name, unit)) == entries
