"""How many patients have something, have it usable, and why the others have not."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from protocol_logic.answering.fit.codes import MOST_CODES
from tests.unit.answering.fitting import element, fit
from tests.unit.records.build import Json, concept, observation, quantity, resource
from tests.unit.records.vocabulary import LOINC, RXNORM, SNOMED

HEMOGLOBIN = """
  uses labs
include enough
  > Hemoglobin at least 90 g/L
  hemoglobin >= 90 g/L
"""


def hgb(value: str, day: str | None = "2026-10-22", unit: str | None = "g/L", **more: Any) -> Json:
    dated = {} if day is None else {"effectiveDateTime": day}
    made = observation("718-7", valueQuantity=quantity(value, unit), **more)
    del made["effectiveDateTime"]
    return {**made, **dated, "id": f"{value}-{day}"}


def test_each_patient_counts_once_and_under_one_reason() -> None:
    report = fit(
        HEMOGLOBIN,
        [
            [hgb("100")],  # usable, 10 days old
            [hgb("100", "2026-10-01"), hgb("80", "2020-01-01")],  # usable, 31 days old
            [hgb("100", unit=None)],
            [hgb("3000")],
            [hgb("100", status="preliminary")],
            [hgb("100", day=None)],
            [hgb("100"), hgb("80")],
            [hgb("100", "2026-12-01")],
            [hgb("100", "2026-09")],  # usable, but of no exact day
            [],
        ],
    )
    found = element(report, "hemoglobin")
    assert found["element"] == "hgb"
    assert found["criteria"] == ["enough"]
    assert found["patients"] == {
        "recorded": 9,
        "visible": 6,
        "usable": 3,
        "not_usable": {
            "unreadable-value": 1,
            "implausible-value": 1,
            "undated": 1,
            "conflict": 1,
            "not-usable": 1,
            "later": 1,
        },
    }
    assert found["age_days"] == {"patients": 2, "min": 10, "median": 10, "max": 31}
    assert report["summary"]["patients"] == 10


def test_nothing_of_a_patient_is_counted_with_the_next() -> None:
    preliminary = hgb("100", status="preliminary")
    other = {**bilirubin(None), "id": preliminary["id"], "status": "preliminary"}
    report = fit(HEMOGLOBIN, [[preliminary], [other]])
    assert element(report, "hemoglobin")["patients"]["recorded"] == 1


def test_under_the_policies_of_a_site_what_is_too_old_is_not_usable() -> None:
    records = [[hgb("100", "2026-10-04")], [hgb("100", "2026-10-03")]]  # 28 and 29 days old
    report = fit(HEMOGLOBIN, records, policies="policy labs within 28 days")
    found = element(report, "hemoglobin")
    assert (found["patients"]["usable"], found["patients"]["not_usable"]) == (1, {"stale": 1})
    assert report["criteria"][0]["decided"] == 1
    assert report["policies"]["lines"] == ["labs within 28 days"]
    undated = fit(HEMOGLOBIN, records, None, "policy labs within 28 days")
    assert element(undated, "hemoglobin")["patients"]["usable"] == 2


def test_units_codes_and_values_are_counted_by_resource() -> None:
    in_litres = hgb("100")
    in_litres["code"]["coding"][0]["display"] = "Hemoglobin"
    report = fit(
        HEMOGLOBIN,
        [[in_litres, hgb("90", "2026-10-01")], [hgb("9", unit="g/dL")], [hgb("9", unit="pg")]],
    )
    found = element(report, "hemoglobin")
    assert found["resource_types"] == {"Observation": 4}
    assert found["codes"] == [
        {"system": LOINC, "system_name": "LOINC", "code": "718-7", "display": "", "resources": 4}
    ]
    assert found["units"] == [
        {"unit": "g/L", "ucum": True, "accepted": True, "resources": 2},
        {"unit": "g/dL", "ucum": True, "accepted": True, "resources": 1},
        {"unit": "pg", "ucum": True, "accepted": False, "resources": 1},
    ]
    assert found["unread_values"] == [
        {"system": None, "code": None, "text": "9 pg", "resources": 1}
    ]


def test_without_an_as_of_date_every_fact_counts_and_nothing_is_said_of_age() -> None:
    report = fit(HEMOGLOBIN, [[hgb("100", "2099-01-01")], []], as_of=None)
    found = element(report, "hemoglobin")
    assert (found["patients"]["usable"], found["age_days"]) == (1, None)
    assert report["criteria"] is None
    assert report["as_of"] == {"first": None, "last": None, "patients_without": 2}


def test_criteria_are_those_of_screening() -> None:
    report = fit(HEMOGLOBIN, [[hgb("100")], [hgb("80")], []])
    assert report["criteria"] == [
        {
            "id": "enough",
            "polarity": "inclusion",
            "text": "Hemoglobin at least 90 g/L",
            "decided": 2,
            "met": 1,
            "not_met": 1,
            "unknown": 1,
            "gaps": {"hgb": 1},
        }
    ]


LIMIT = """
  uses demographics, labs
include normal
  > Bilirubin at most 1.5 x ULN
  bilirubin <= 1.5 x ULN
"""


def bilirubin(high: str | None, sex: str | None = None) -> Json:
    band: Json = {} if high is None else {"high": quantity(high, "umol/L")}
    if sex:
        band["appliesTo"] = [concept(sex)]
    ranges = [band] if high is not None else []
    return observation("14631-6", valueQuantity=quantity("20", "umol/L"), referenceRange=ranges)


def test_limits_of_normal_are_wanted_besides_the_results() -> None:
    woman = {"resourceType": "Patient", "id": "woman", "gender": "female"}
    report = fit(
        LIMIT,
        [
            [bilirubin("17")],
            [bilirubin(None)],
            [woman, bilirubin("17", "248153007")],  # a limit for men
            [],
        ],
    )
    assert element(report, "bilirubin")["patients"]["usable"] == 3
    limits = element(report, "bilirubin", "upper limit")
    assert limits["element"] == "reference_range:tbil"
    assert limits["patients"] == {
        "recorded": 3,
        "visible": 3,
        "usable": 1,
        "not_usable": {"no-reference-range": 2},
    }


MEDICATION = """
  uses oncology.breast
include one_line
  > No more than one line of chemotherapy for metastatic disease
  lines of chemotherapy with intent palliative <= 1
"""


def medication(kind: str, **more: Any) -> Json:
    return resource(kind, medicationCodeableConcept=concept("56946", RXNORM), **more)


def test_an_order_is_recorded_but_not_usable() -> None:
    order = medication(
        "MedicationRequest", status="active", intent="order", authoredOn="2026-01-01"
    )
    given = medication(
        "MedicationAdministration", status="completed", effectiveDateTime="2026-10-31"
    )
    report = fit(MEDICATION, [[order], [given], []])
    found = element(report, "chemotherapy")
    assert found["patients"]["not_usable"] == {"ordered": 1}
    assert found["age_days"] == {"patients": 1, "min": 1, "median": 1, "max": 1}
    assert found["resource_types"] == {"MedicationAdministration": 1, "MedicationRequest": 1}
    assert [(code["code"], code["resources"]) for code in found["codes"]] == [("56946", 2)]
    assert element(report, "chemotherapy", "intent")["patients"]["not_usable"] == {"no-intent": 1}


def test_a_resource_that_says_a_class_and_a_kind_of_it_counts_once() -> None:
    both = condition(LIVER)
    both["code"]["coding"].append({"system": SNOMED, "code": "128462008"})
    found = element(fit(METASTASIS, [[both]]), "metastasis")
    assert found["resource_types"] == {"Condition": 1}
    assert sorted(code["code"] for code in found["codes"]) == ["128462008", LIVER]


CONDITION = """
  uses oncology.breast
include disease
  > Histology confirmed breast cancer without liver metastasis
  all of
    breast_cancer confirmed by histology
    not liver_metastasis
"""


def condition(code: str, status: str = "confirmed", **more: Any) -> Json:
    system = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
    return resource(
        "Condition",
        code=concept(code),
        verificationStatus=concept(status, system),
        recordedDate="2026-10-02",
        **more,
    )


def test_a_provisional_diagnosis_is_not_usable_and_evidence_is_wanted_apart() -> None:
    report = fit(
        CONDITION,
        [
            [condition("254837009", evidence=[{"code": [concept("252416005")]}])],
            [condition("254837009")],
            [condition("94381002", "provisional")],
            [condition("254837009", "provisional", evidence=[{"code": [concept("252416005")]}])],
        ],
    )
    assert element(report, "breast_cancer")["patients"]["usable"] == 2
    assert element(report, "breast_cancer")["age_days"]["max"] == 30
    evidence = element(report, "breast_cancer", "evidence")
    assert (evidence["element"], evidence["patients"]["usable"]) == ("histology", 1)
    assert evidence["patients"]["not_usable"] == {"unconfirmed": 1}
    assert element(report, "liver_metastasis")["patients"]["not_usable"] == {"uncertain": 1}


METASTASIS = """
  uses oncology.breast
include spread
  > Metastatic disease
  metastasis
"""
LIVER = "94381002"


def test_kinds_count_for_that_of_which_they_are() -> None:
    report = fit(
        METASTASIS,
        [[condition(LIVER)], [condition(LIVER, "refuted")], [condition(LIVER, "provisional")], []],
    )
    found = element(report, "metastasis")["patients"]
    # That there is no liver metastasis leaves open whether there is another.
    assert (found["recorded"], found["usable"]) == (3, 1)
    assert found["not_usable"] == {"uncertain": 2}
    assert element(report, "metastasis")["age_days"]["max"] == 30
    assert report["criteria"][0]["met"] == 1
    assert "metastasis" not in {n["name"] for n in report["never"]}


def test_a_drug_counts_for_its_class_and_its_intent_too() -> None:
    given = medication(
        "MedicationAdministration", status="completed", effectiveDateTime="2026-10-31"
    )
    order = medication(
        "MedicationRequest", status="active", intent="order", authoredOn="2026-01-01"
    )
    report = fit(
        """
  uses systems

medication anticancer
  label anticancer drugs
  code rxnorm 1 "Class"

medication drug
  label drug
  is a anticancer
  code rxnorm 56946 "Drug"

include one_line
  > At most one line
  lines of anticancer with intent palliative <= 1
""",
        [[given], [order], []],
    )
    for name in ("anticancer", "drug"):
        found = element(report, name)
        assert found["resource_types"] == {"MedicationAdministration": 1, "MedicationRequest": 1}
        patients = found["patients"]
        assert (patients["usable"], patients["not_usable"]) == (1, {"ordered": 1})
        assert element(report, name, "intent")["patients"]["not_usable"] == {"no-intent": 1}


def test_a_condition_of_any_day_is_not_usable_as_screening_says() -> None:
    undated = condition(LIVER)
    del undated["recordedDate"]
    text = METASTASIS.replace("  metastasis\n", "  liver_metastasis\n")
    report = fit(text, [[undated], [undated, condition(LIVER)]])
    found = element(report, "liver_metastasis")["patients"]
    assert (found["usable"], found["not_usable"]) == (1, {"open-date": 1})
    assert (report["criteria"][0]["met"], report["criteria"][0]["unknown"]) == (1, 1)


def test_answers_without_a_meaning_are_shown_with_their_codes() -> None:
    stage = {
        "coding": [{"system": SNOMED, "code": "22298006", "display": "said at the bedside"}],
    }
    report = fit(
        "\n  uses oncology.breast\ninclude late\n  > Stage 4\n  stage is 4\n",
        [[observation("21908-9", valueCodeableConcept=stage)]],
    )
    found = element(report, "stage")
    assert found["patients"]["not_usable"] == {"unknown-code": 1}
    assert found["unread_values"] == [
        {"system": SNOMED, "code": "22298006", "text": "said at the bedside", "resources": 1}
    ]


def test_what_is_never_said_names_the_criteria_that_are_open_for_everybody() -> None:
    report = fit(MEDICATION, [[], []])
    found = {(n["name"], n["part"]): n for n in report["never"]}
    assert found["medication_history", None]["why"] == "no List at all"
    assert found["medication_history", None]["open_for_all"] == ["one_line"]
    # Of a medication that nobody has, the intent is nothing more to want.
    assert ("chemotherapy", "intent") not in found


@pytest.mark.parametrize("closed", [False, True])
def test_a_list_closes(closed: bool) -> None:
    history = resource(
        "List", status="current", mode="snapshot", code=concept("10160-0", LOINC), date="2026-10-31"
    )
    report = fit(MEDICATION, [[history] if closed else []])
    assert element(report, "medication_history")["patients"]["usable"] == closed
    assert report["criteria"][0]["decided"] == closed


def test_events_are_read_from_conditions_and_dated_by_their_onset() -> None:
    clinical = "http://terminology.hl7.org/CodeSystem/condition-clinical"
    relapse = condition(
        "254837009", clinicalStatus=concept("recurrence", clinical), onsetDateTime="2026-10-22"
    )
    report = fit(
        """
  uses oncology.breast
include early
  > Relapse within 12 months
  there is
    course of endocrine_therapy with intent adjuvant, called adjuvant
    relapse from start of adjuvant to 12 months after end of adjuvant
""",
        [[relapse], [condition("254837009")]],
    )
    assert element(report, "relapse")["patients"]["recorded"] == 1
    assert element(report, "relapse")["age_days"]["min"] == 10


def test_resources_add_up_by_type() -> None:
    report = fit(HEMOGLOBIN, [[hgb("100"), observation("9999-8"), hgb("1", status="draft")]])
    assert report["resources"] == [
        {"type": "Observation", "total": 3, "facts": 1, "irrelevant": 0, "problems": 2},
        {"type": "Patient", "total": 1, "facts": 0, "irrelevant": 1, "problems": 0},
    ]


def test_the_order_of_records_and_resources_changes_nothing() -> None:
    records = [
        [hgb("100"), observation("38483-4", valueQuantity=quantity(str(n), "mg/dL"))]
        for n in range(1, 20)
    ]
    text = HEMOGLOBIN + "include kidney\n  > Creatinine\n  creatinine <= 2 mg/dL\n"
    backwards = [list(reversed(each)) for each in reversed(records)]
    assert fit(text, records) == fit(text, backwards)


def test_an_age_is_counted_on_the_day_that_is_asked_for() -> None:
    report = fit(HEMOGLOBIN, [[hgb("100")]], as_of=date(2026, 10, 22))
    assert element(report, "hemoglobin")["age_days"]["max"] == 0


def test_of_too_many_unknown_codes_the_report_says_so() -> None:
    many = [
        observation(f"C{n}", "urn:x", valueQuantity=quantity("1")) for n in range(MOST_CODES + 50)
    ]
    report = fit(HEMOGLOBIN, [many])
    assert report["unmapped"] == {
        "codes": MOST_CODES,
        "resources": MOST_CODES + 50,
        "most_codes": MOST_CODES,
        "capped": True,
    }
