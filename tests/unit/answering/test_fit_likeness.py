"""Unknown codes that look like a wanted element: which are suggested, in which order, and what is
said against them. Displays are those of LOINC, SNOMED CT and RxNorm."""

from __future__ import annotations

from typing import Any

import pytest

from protocol_logic.knowledge.opposites import opposed
from tests.unit.answering.fitting import element, fit
from tests.unit.records.build import Json, concept, observation, quantity, resource
from tests.unit.records.vocabulary import LOINC, RXNORM, SNOMED

# Without the look-alikes and clinical drugs that the knowledge base knows.
PROTOCOL = """
  uses systems

quantity creatinine
  label creatinine
  code loinc 2160-0 "Creatinine [Mass/volume] in Serum or Plasma"
  unit mg/dL

quantity neutrophils element anc
  label neutrophils
  code loinc 751-8 "Neutrophils [#/volume] in Blood by Automated count"
  unit 10*9/L
  accepts 10*3/uL

quantity hemoglobin element hgb
  label hemoglobin
  code loinc 718-7 "Hemoglobin [Mass/volume] in Blood"
  unit g/L
  accepts g/dL

quantity bilirubin element tbil
  label total bilirubin
  code loinc 1975-2 "Bilirubin.total [Mass/volume] in Serum or Plasma"
  unit umol/L
  accepts mg/dL where 1 mg/dL = 17.104 umol/L

quantity weight
  label body weight
  code loinc 29463-7 "Body weight"
  unit kg

quantity clearance
  label reported creatinine clearance (Cockcroft-Gault)
  code loinc 35591-7 "Creatinine renal clearance predicted by Cockcroft-Gault formula"
  unit mL/min

status er
  label estrogen receptor
  code loinc 85337-4 "Estrogen receptor Ag [Presence] in Breast cancer specimen by Immune stain"
  value positive means snomed 10828004
  value negative means snomed 260385009

status pr
  label progesterone receptor
  code loinc 85339-0 "Progesterone receptor Ag [Presence] in Breast cancer specimen by Immune stain"
  value positive means snomed 10828004
  value negative means snomed 260385009

status her2_ihc
  label HER2 by immunohistochemistry
  code loinc 85319-2 "HER2 [Presence] in Breast cancer specimen by Immune stain"
  value positive means snomed 10828004
  value negative means snomed 260385009

status her2_fish
  label HER2 by FISH
  code loinc 85318-4 "ERBB2 gene duplication [Presence] in Breast cancer specimen by FISH"
  value positive means snomed 10828004
  value negative means snomed 260385009

condition breast_cancer
  label breast cancer
  code snomed 254837009 "Malignant neoplasm of breast"

medication endocrine_therapy
  label endocrine therapy
  code rxnorm 10324 "tamoxifen", rxnorm 72965 "letrozole"

lesion measured_lesion
  label measured lesion
  code loinc 21889-1 "Size Tumor"
  unit mm
  accepts cm
  axis longest loinc 33728-7
  measurable longest >= 10 mm

include everything
  > All of it
  all of
    creatinine <= 2 mg/dL
    neutrophils >= 1 10*9/L
    hemoglobin >= 90 g/L
    bilirubin <= 30 umol/L
    weight >= 40 kg
    clearance >= 60 mL/min
    er is positive
    pr is positive
    her2_ihc is negative
    her2_fish is negative
    breast_cancer
    endocrine_therapy in effect
    measured_lesion is measurable
"""


def lab(code: str, display: str, value: str | None = None, unit: str = "", **more: Any) -> Json:
    if value is not None:
        more["valueQuantity"] = quantity(value, unit)
    return {**observation(code, **more), "code": concept(code, LOINC, display=display)}


def answer(code: str, display: str, value: str, system: str = SNOMED) -> Json:
    said = concept(value, system, display="Negative")
    return lab(code, display, valueCodeableConcept=said)


def suggested(*resources: Json) -> dict[str, list[dict[str, Any]]]:
    """The suggestions by name of the entry, where there are any."""
    report = fit(PROTOCOL, [resources])
    return {e["name"]: e["suggestions"] for e in report["elements"] if e["suggestions"]}


def only(found: dict[str, list[dict[str, Any]]], name: str) -> dict[str, Any]:
    assert list(found) == [name]
    (suggestion,) = found[name]
    return suggestion


def test_the_same_analyte_in_another_specimen_of_blood_is_likely() -> None:
    found = only(
        suggested(lab("38483-4", "Creatinine [Mass/volume] in Blood", "0.9", "mg/dL")), "creatinine"
    )
    assert found["likely"]
    assert (found["system_name"], found["code"], found["display"]) == (
        "LOINC", "38483-4", "Creatinine [Mass/volume] in Blood",
    )  # fmt: skip
    assert found["for"] == ["`creatinine` as in `creatinine`", "unit `mg/dL`"]
    assert found["remarks"] == ["specimen blood, not serum or plasma"]
    assert found["values"] == ["0.9 mg/dL"]
    assert (found["resources"], found["patients"], found["components"]) == (1, 1, 0)


@pytest.mark.parametrize(
    ("code", "display", "value", "unit", "name", "against"),
    [
        (
            "770-8", "Neutrophils/100 leukocytes in Blood by Automated count", "61", "%",
            "neutrophils", "unit `%` is not a number per volume",
        ),
        (
            "20505-4", "Bilirubin.total [Mass/volume] in Urine by Test strip", "0.2", "mg/dL",
            "bilirubin", "specimen urine, not serum or plasma",
        ),
        (
            "33914-3", "Glomerular filtration rate/1.73 sq M.predicted", "70", "mL/min",
            "clearance", "per 1.73 m2: normalised to body surface",
        ),
        (
            "33914-3", "Estimated Glomerular Filtration Rate", "70", "mL/min/{1.73_m2}",
            "clearance", "per 1.73 m2: normalised to body surface",
        ),
        (
            "4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood", "6", "%",
            "hemoglobin", "a ratio, or several things in one",
        ),
        (
            "14959-1", "Microalbumin Creatinine Ratio", "30", "mg/g",
            "creatinine", "a ratio, or several things in one",
        ),
    ],
)  # fmt: skip
def test_what_speaks_against_a_look_alike(
    code: str, display: str, value: str, unit: str, name: str, against: str
) -> None:
    found = only(suggested(lab(code, display, value, unit)), name)
    assert not found["likely"]
    assert against in found["against"]


def test_a_coded_answer_is_no_number() -> None:
    found = only(
        suggested(answer("5794-3", "Hemoglobin [Presence] in Urine by Test strip", "260385009")),
        "hemoglobin",
    )
    assert "no number: its values are CodeableConcept" in found["against"]


@pytest.mark.parametrize("unit", ["mg/dl creatinine", "K/uL"])
def test_a_unit_that_cannot_be_converted_speaks_against_it(unit: str) -> None:
    found = only(suggested(lab("38483-4", "Creatinine", "1", unit)), "creatinine")
    kelvin = "unit `K/uL` is not a mass per volume"  # K is kelvin in UCUM
    none = f"unit `{unit}` is no unit of UCUM that can be converted"
    assert found["against"] in ([none], [kelvin])


@pytest.mark.parametrize(
    ("unit", "remark"),
    [
        ("g/L", "unit `g/L` is not accepted yet, but of the same dimension"),
        ("umol/L", "unit `umol/L` must be accepted with a molar mass first"),
    ],
)
def test_a_unit_that_is_to_be_accepted_does_not_speak_against_it(unit: str, remark: str) -> None:
    found = only(suggested(lab("38483-4", "Creatinine", "1", unit)), "creatinine")
    assert found["likely"]
    assert remark in found["remarks"]


def test_receptors() -> None:
    stain = "[Presence] in Tissue by Immune stain"
    assert only(suggested(answer("40556-3", f"Estrogen receptor Ag {stain}", "260385009")), "er")[
        "likely"
    ]
    her2 = only(suggested(answer("18474-7", f"HER2 Ag {stain}", "LA6577-6", LOINC)), "her2_ihc")
    assert her2["likely"]  # and it is no FISH
    assert her2["remarks"] == ["its answers `LA6577-6 Negative` have no meaning for `her2_ihc` yet"]


def test_one_result_of_two_elements_is_neither() -> None:
    display = "Estrogen+Progesterone receptor Ag [Presence] in Tissue by Immune stain"
    found = suggested(answer("10480-2", display, "10828004"))
    assert [(name, each[0]["against"]) for name, each in found.items()] == [
        ("er", ["it speaks of `pr` too"]),
        ("pr", ["it speaks of `er` too"]),
    ]


def test_the_code_of_an_axis_as_a_result_of_its_own() -> None:
    found = only(
        suggested(lab("33728-7", "Size.maximum dimension in Tumor", "1.5", "cm")), "measured_lesion"
    )
    assert found["likely"]
    assert found["for"] == [
        "its code stands for the axis `longest` of a measured lesion",
        "unit `cm`",
    ]


def test_a_code_under_a_false_system_is_told() -> None:
    found = only(suggested(lab("5089AAAAAAAA", "Weight", "61", "kg")), "weight")
    assert found["likely"]
    assert found["remarks"] == ["`5089AAAAAAAA` is no code of LOINC"]


@pytest.mark.parametrize(
    ("code", "display"),
    [
        ("198240", "tamoxifen 10 MG Oral Tablet"),
        ("1156671", "LETROZOLE Oral Product"),
    ],
)
def test_a_clinical_drug_is_known_by_its_ingredient(code: str, display: str) -> None:
    drug = resource(
        "MedicationRequest", status="active", intent="order", authoredOn="2026-01-01",
        medicationCodeableConcept=concept(code, RXNORM, display=display),
    )  # fmt: skip
    found = only(suggested(drug), "endocrine_therapy")
    assert found["likely"]
    assert found["resource_types"] == {"MedicationRequest": 1}


def condition(display: str, code: str = "408643008") -> Json:
    return resource("Condition", code=concept(code, display=display))


def test_a_kind_of_a_condition_is_likely_and_its_history_is_not() -> None:
    found = suggested(condition("Infiltrating duct carcinoma of breast (disorder)"))
    assert only(found, "breast_cancer")["likely"]
    found = suggested(condition("Family history of malignant neoplasm of breast (situation)"))
    assert only(found, "breast_cancer")["against"] == ["it says `family, history`"]


@pytest.mark.parametrize(
    "other",
    [
        lab("6299-2", "Urea nitrogen [Mass/volume] in Blood", "9", "mg/dL"),
        lab("2339-0", "Glucose [Mass/volume] in Blood", "90", "mg/dL"),
        lab("6690-2", "Leukocytes [#/volume] in Blood by Automated count", "6", "10*3/uL"),
        lab("786-4", "MCHC [Mass/volume] by Automated count", "33", "g/dL"),
        lab("8302-2", "Body Height", "170", "cm"),
        lab("39156-5", "Body Mass Index", "25", "kg/m2"),
        lab(
            "74006-8",
            "Weight difference [Mass difference] --pre dialysis - post dialysis",
            "1",
            "kg",
        ),
        lab("33756-8", "Polyp size greatest dimension by CAP cancer protocols", "5", "mm"),
        lab("55277-8", "HIV status"),
        condition("Neoplasm of prostate"),
        condition("Anemia (disorder)"),
        resource("Procedure", code=concept("122548005", display="Biopsy of breast (procedure)")),
    ],
    ids=lambda r: r["code"]["coding"][0]["display"],
)
def test_what_shares_only_unit_or_general_words_is_not_suggested(other: Json) -> None:
    assert suggested(other) == {}


def test_a_treatment_recorded_as_a_procedure_is_told_but_is_no_medication() -> None:
    done = resource("Procedure", code=concept("169413002", display="Endocrine therapy (procedure)"))
    found = only(suggested(done), "endocrine_therapy")
    assert found["against"] == [
        "a Procedure; `endocrine_therapy` is read from records of medications"
    ]


def test_the_best_come_first_then_the_most_frequent() -> None:
    urine = lab("2161-8", "Creatinine [Mass/volume] in Urine", "90", "mg/dL")
    local = observation("KREA", "urn:hospital", valueQuantity=quantity("0.8", "mg/dL"))
    local["code"]["text"] = "Creatinine"
    report = fit(
        PROTOCOL,
        [
            [urine, urine, lab("38483-4", "Creatinine", "1", "mg/dL")],
            [urine, local, local, lab("38483-4", "Creatinine", "1", "mg/dL")],
            [lab("38483-4", "Creatinine", "1", "mg/dL")],
        ],
    )
    found = element(report, "creatinine")["suggestions"]
    assert [(s["code"], s["resources"], s["patients"], s["likely"]) for s in found] == [
        ("38483-4", 3, 3, True),
        ("KREA", 2, 1, True),
        ("2161-8", 3, 2, False),
    ]
    assert found[1]["display"] == "Creatinine"
    assert found[1]["remarks"] == ["code system `urn:hospital` of code `KREA` is not known here"]


def test_what_nothing_speaks_against_goes_before_a_better_name() -> None:
    found = suggested(
        lab("2161-8", "Creatinine [Mass/volume] in Urine", "90", "mg/dL"),
        lab("38483-4", "Creatinine POC", "1", "mg/dL"),
    )
    assert [s["code"] for s in found["creatinine"]] == ["38483-4", "2161-8"]


def test_a_component_and_a_result_with_text_alone_are_found_too() -> None:
    panel = lab("24323-8", "Comprehensive metabolic panel")
    panel["component"] = [
        {
            "code": concept("38483-4", LOINC, display="Creatinine"),
            "valueQuantity": quantity("1", "mg/dL"),
        }
    ]
    found = only(suggested(panel), "creatinine")
    assert (found["code"], found["components"]) == ("38483-4", 1)
    bare = lab("x", "", "1", "mg/dL")
    bare["code"] = {"text": "Serum creatinine"}
    found = only(suggested(bare), "creatinine")
    assert (found["code"], found["display"]) == (None, "Serum creatinine")
    assert found["remarks"] == ["it has no code"]


def test_nothing_that_is_mapped_is_suggested_and_nothing_suggested_is_used() -> None:
    report = fit(
        PROTOCOL,
        [[lab("2160-0", "Creatinine", "1", "mg/dL"), lab("38483-4", "Creatinine", "3", "mg/dL")]],
    )
    found = element(report, "creatinine")
    assert found["patients"]["usable"] == 1
    assert [code["code"] for code in found["codes"]] == ["2160-0"]
    assert [s["code"] for s in found["suggestions"]] == ["38483-4"]


def test_known_look_alikes_are_shown_as_such_and_not_suggested() -> None:
    report = fit(
        "\n  uses labs\ninclude enough\n  > ANC\n  neutrophils >= 1.5 10*9/L\n",
        [[lab("770-8", "Neutrophils/100 leukocytes in Blood by Automated count", "61", "%")]],
    )
    found = element(report, "neutrophils")
    assert found["suggestions"] == []
    (alike,) = found["look_alikes"]
    assert (alike["code"], alike["resources"], alike["patients"]) == ("770-8", 1, 1)
    assert "percentage" in alike["why"]
    (never,) = [n for n in report["never"] if n["name"] == "neutrophils"]
    assert never["open_for_all"] == ["enough"]


RENAL = """
  uses renal
include kidney
  > eGFR at least 60 mL/min
  egfr_ckd_epi_2021 >= 60 mL/min/{1.73_m2}
"""


def test_an_entry_that_is_not_used_and_reads_what_is_there_is_named() -> None:
    egfr = lab("33914-3", "Estimated Glomerular Filtration Rate", "70", "mL/min")
    report = fit(RENAL, [[egfr], [egfr]])
    never = {each["name"]: each["read_by"] for each in report["never"]}
    (reader,) = never["reported_egfr_ckd_epi_2021"]
    assert (reader["name"], reader["code"], reader["patients"]) == ("egfr_mdrd", "33914-3", 2)
    assert never["creatinine"] == []
    # Where the wanted result is there, nobody asks for another one.
    own = lab("98979-8", "eGFR by CKD-EPI 2021", "70", "mL/min")
    report = fit(RENAL, [[egfr], [own]])
    assert "reported_egfr_ckd_epi_2021" not in {each["name"] for each in report["never"]}


def test_an_entry_of_another_file_with_a_suggested_code_is_named() -> None:
    found = only(suggested(lab("14682-9", "Creatinine", "70", "umol/L")), "creatinine")
    told = "`creatinine` (in `labs`) has this code; the protocol does not use it"
    assert found["remarks"][0] == told


TYPES = """
  uses systems

condition type_1_diabetes
  label type 1 diabetes mellitus
  code snomed 46635009 "Type 1 diabetes mellitus"

exclude a
  > Type 1 diabetes
  type_1_diabetes
"""


@pytest.mark.parametrize(
    ("display", "against"),
    [
        ("Microalbuminuria due to type 2 diabetes mellitus", ["it says `type 2`, not `type 1`"]),
        ("Disorder due to type II diabetes mellitus", ["it says `type 2`, not `type 1`"]),
        ("Disorder due to type 1 diabetes mellitus", []),
        ("Disorder due to diabetes mellitus", []),
    ],
)
def test_a_name_that_says_the_opposite_speaks_against_it(display: str, against: list[str]) -> None:
    report = fit(TYPES, [[resource("Condition", code=concept("90781000119102", display=display))]])
    (found,) = element(report, "type_1_diabetes")["suggestions"]
    assert found["against"] == against


@pytest.mark.parametrize(
    ("wanted", "said", "other"),
    [
        ("left_ventricle", "right ventricle", "`right`, not `left`"),
        ("left_ventricle", "left and right ventricle", None),
        ("hypothyroidism", "Hyperthyroidism", "`hyper`, not `hypo`"),
        ("systolic_pressure", "Diastolic pressure", "`diastolic`, not `systolic`"),
        ("type_2_diabetes", "Diabetes mellitus", None),
    ],
)
def test_words_that_exclude_each_other(wanted: str, said: str, other: str | None) -> None:
    assert opposed(wanted, [said]) == other
