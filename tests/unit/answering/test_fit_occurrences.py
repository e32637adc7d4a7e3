"""What fit says of occurrences, qualifiers and allergies."""

from __future__ import annotations

from tests.unit.answering.fitting import element, fit
from tests.unit.records.build import Json, concept, resource

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
SNOMED = "http://snomed.info/sct"
TRIAL = """
  uses oncology.breast, qualifiers, allergy
exclude recent
  > Palliative chemotherapy within 28 days
  chemotherapy with intent palliative within 28 days

exclude severe
  > Two severe metastases, or one now
  any of
    number of metastasis with severity severe >= 2
    metastasis with severity severe

exclude allergic
  > Allergy to paclitaxel
  allergy to paclitaxel
"""


def metastasis(**more: Json) -> Json:
    return resource(
        "Condition",
        code=concept("94222008", SNOMED),
        recordedDate="2026-10-01",
        **more,
    )


def test_occurrences_count_what_they_are_read_from() -> None:
    taken = resource(
        "MedicationStatement",
        status="completed",
        medicationCodeableConcept=concept("194000", RXNORM),
        effectivePeriod={"start": "2026-01-01", "end": "2026-10-20"},
    )
    report = fit(TRIAL, [[taken], []])
    assert element(report, "chemotherapy")["patients"]["usable"] == 1
    assert element(report, "chemotherapy", "intent")["patients"]["not_usable"] == {"no-intent": 1}
    assert "recent" in element(report, "medication_history")["criteria"]


def test_a_qualifier_is_a_part_of_its_condition() -> None:
    severe = metastasis(severity=concept("24484000", SNOMED))
    report = fit(TRIAL, [[severe], [metastasis()], []])
    found = element(report, "metastasis", "qualifier")
    assert found["element"] == "severity" and found["label"] == "severity of metastasis"
    assert found["patients"]["usable"] == 1
    assert found["patients"]["not_usable"] == {"no-qualifier": 1}


def test_an_allergy_is_an_element() -> None:
    allergy = {
        "resourceType": "AllergyIntolerance",
        "id": "a",
        "patient": {"reference": "Patient/p0"},
        "code": concept("56946", RXNORM),
        "recordedDate": "2026-10-01",
    }
    report = fit(TRIAL, [[allergy], []])
    found = element(report, "allergy_to_paclitaxel")
    assert found["kind"] == "allergy" and found["label"] == "allergy to paclitaxel"
    assert found["patients"]["usable"] == 1
    assert found["resource_types"] == {"AllergyIntolerance": 1}
    assert element(report, "allergy_list")["patients"]["usable"] == 0
