"""A category of ICD-10-CM stands for the codes in it; the narrowest that an entry has counts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocol_logic.knowledge.vocabulary import Code, Concept, Vocabulary
from protocol_logic.records.codings import Codings, entries_of, is_of_the_past

ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
SNOMED = "http://snomed.info/sct"


def condition(name: str, *codes: tuple[str, str]) -> Concept:
    made = tuple(Code(*code) for code in codes)
    return Concept(name=name, element=name, label=name, kind="condition", codes=made)


def beside(entry: Concept, shared: str, past: str) -> Concept:
    """The entry with a shared code of ICD-10-CM and a history code."""
    told = (Code(ICD10, shared),)
    return replace(entry, codes=(*entry.codes, *told), shared=told, past=(Code(ICD10, past),))


CODINGS = Codings.of(
    Vocabulary(
        {
            each.name: each
            for each in (
                condition("heart_failure", (ICD10, "I50"), (SNOMED, "84114007")),
                condition("acute_heart_failure", (ICD10, "I50.21"), (ICD10, "I50.3")),
                condition("old_infarction", (ICD10, "I25.2")),
                beside(condition("abuse", (ICD10, "F10.1")), shared="O99.32", past="F10.11"),
                beside(condition("pregnancy", (ICD10, "Z33.1")), shared="O14.93", past="O14"),
                condition("pre_eclampsia", (ICD10, "O14")),
                condition("hellp", (ICD10, "O14.2")),
                beside(condition("bleeding", (SNOMED, "74474003")), shared="K25", past="K99"),
                condition("ulcer", (ICD10, "K25.4")),
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
        # what a shared or a history code says holds beside wider and narrower ones
        (ICD10, "O14.93", ["pre_eclampsia", "pregnancy"]),
        (ICD10, "O14.95", ["pre_eclampsia", "pregnancy"]),
        (ICD10, "O14.24", ["hellp", "pregnancy"]),
        (ICD10, "K25.4", ["ulcer", "bleeding"]),
        (ICD10, "K25.5", ["bleeding"]),
        # other systems have no such categories
        (SNOMED, "84114007", ["heart_failure"]),
        (SNOMED, "8411400712", []),
        ("http://hl7.org/fhir/sid/icd-10", "I50.9", []),
    ],
)
def test_the_narrowest_category_counts(system: str, code: str, names: list[str]) -> None:
    concept = {"coding": [{"system": system, "code": code}]}
    assert [entry.name for entry in entries_of(concept, CODINGS.conditions)] == names


@pytest.mark.parametrize(
    ("code", "name", "past"),
    [
        ("O14.93", "pregnancy", False),
        ("O14.95", "pregnancy", True),
        ("O14.24", "pregnancy", True),
        ("Z33.1", "pregnancy", False),
        ("F10.11", "abuse", True),
        ("F10.12", "abuse", False),
    ],
)
def test_the_narrower_code_of_its_own_says_whether_it_is(code: str, name: str, past: bool) -> None:
    """Of the third trimester, and not in the puerperium; abuse, and not in remission."""
    concept = {"coding": [{"system": ICD10, "code": code}]}
    entry = next(e for e in entries_of(concept, CODINGS.conditions) if e.name == name)
    assert is_of_the_past(concept, entry) is past
