"""A category of ICD-10-CM stands for the codes in it; the narrowest that an entry has counts."""

from __future__ import annotations

import pytest

from protocol_logic.knowledge.vocabulary import Code, Concept, Vocabulary
from protocol_logic.records.codings import Codings, entries_of

ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
SNOMED = "http://snomed.info/sct"


def condition(name: str, *codes: tuple[str, str]) -> Concept:
    made = tuple(Code(*code) for code in codes)
    return Concept(name=name, element=name, label=name, kind="condition", codes=made)


CODINGS = Codings.of(
    Vocabulary(
        {
            each.name: each
            for each in (
                condition("heart_failure", (ICD10, "I50"), (SNOMED, "84114007")),
                condition("acute_heart_failure", (ICD10, "I50.21"), (ICD10, "I50.3")),
                condition("old_infarction", (ICD10, "I25.2")),
            )
        }
    )
)


@pytest.mark.parametrize(
    ("system", "code", "names"),
    [
        (ICD10, "I50", ["heart_failure"]),
        (ICD10, "I50.9", ["heart_failure"]),
        (ICD10, "I50.22", ["heart_failure"]),
        (ICD10, "I50.21", ["acute_heart_failure"]),
        (ICD10, "I50.33", ["acute_heart_failure"]),
        (ICD10, "I25.2", ["old_infarction"]),
        (ICD10, "I25.10", []),
        (ICD10, "I25", []),
        (ICD10, "I5", []),
        (ICD10, "I51.9", []),
        (ICD10, "", []),
        # other systems have no such categories
        (SNOMED, "84114007", ["heart_failure"]),
        (SNOMED, "8411400712", []),
        ("http://hl7.org/fhir/sid/icd-10", "I50.9", []),
    ],
)
def test_the_narrowest_category_counts(system: str, code: str, names: list[str]) -> None:
    concept = {"coding": [{"system": system, "code": code}]}
    assert [entry.name for entry in entries_of(concept, CODINGS.conditions)] == names
