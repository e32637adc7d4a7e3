"""The knowledge base: each file holds by itself and beside the others; its codes can be codes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

from protocol_logic.compiling import core
from protocol_logic.compiling.catalogue import catalogue
from protocol_logic.compiling.check import check, check_file
from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.knowledge.resources import kb_root, knowledge_names
from protocol_logic.records.codings import Codings, entries_of
from protocol_logic.records.terminologies import why_unusable

FILES = sorted((kb_root() / "knowledge").rglob("*.elig"))
HEAD = f"""\
protocol everything
  title Everything
  uses {", ".join(knowledge_names())}

include adult
  > Adult
  age >= 18 years
"""
LISTS = {
    "condition": "problem_list",
    "procedure": "procedure_history",
    "medication": "medication_history",
}
LOCAL = "http://eligibility.example.org/fhir/CodeSystem/local"


@cache
def everything() -> core.Protocol:
    problems = Problems()
    protocol = check(Source("everything", HEAD), problems)
    assert protocol is not None and not problems.items, problems.items
    return protocol


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_file_holds_by_itself(path: Path) -> None:
    problems = Problems()
    check_file(Source(path.name, path.read_text(encoding="utf-8")), problems)
    assert not problems.items


def test_all_files_hold_together() -> None:
    """No name twice, no code of two entries."""
    assert len(everything().vocabulary.entries) > 300


def codes() -> Iterator[tuple[str, voc.Code]]:
    """Codes that resources are found by, with the entries that have them or are unlike them."""
    for entry in everything().vocabulary.entries.values():
        yield from ((entry.name, code) for code in getattr(entry, "codes", ()))
        yield from ((entry.name, code) for code in getattr(entry, "past", ()))
        yield from ((entry.name, unlike.code) for unlike in entry.unlike)
        if isinstance(entry, voc.Concept):
            yield from ((entry.name, code) for group in entry.evidence.values() for code in group)
        elif isinstance(entry, voc.Lesion):
            for groups in (entry.axes, entry.sites, entry.methods):
                yield from ((entry.name, code) for group in groups.values() for code in group)


def test_codes_have_the_form_and_check_digit_of_their_system() -> None:
    own = frozenset({LOCAL, "http://cancerstaging.org"})
    wrong = [
        f"{name}: {why}"
        for name, code in codes()
        if (why := why_unusable(code.system, code.code, own)) is not None
    ]
    assert not wrong
    assert sum(1 for _ in codes()) > 1000


def test_coded_answers_have_the_form_of_their_system() -> None:
    """LOINC's answers (LA...) have a check digit of another kind, which is not looked at."""
    answers = [
        (entry.name, *key)
        for entry in everything().vocabulary.entries.values()
        for key in (*getattr(entry, "meanings", {}), *getattr(entry, "coded", {}))
    ]
    assert answers
    for name, system, code in answers:
        if system == "http://loinc.org":
            assert re.fullmatch(r"LA[0-9]{4,6}-[0-9]", code), (name, code)
        else:
            own = frozenset({LOCAL, "http://cancerstaging.org"})
            assert why_unusable(system, code, own) is None, (name, code)


def test_a_code_is_unlike_what_another_entry_has_only_of_another_name() -> None:
    """What an entry says is none of it may be a code of another entry, never of a kind of it."""
    vocabulary = everything().vocabulary
    for entry in vocabulary.of(voc.Concept):
        below = {
            code.key
            for name in vocabulary.below(entry.name)
            for code in getattr(vocabulary.entries[name], "codes", ())
        }
        assert not below.intersection(unlike.code.key for unlike in entry.unlike), entry.name


OF_THE_PAST = re.compile(
    r"\b(history|h/o|status post|s/p|past|previous(ly)?|prior|old|former|resolved|healed"
    r"|transplant status|transplanted kidney present)\b",
    re.I,
)


def test_a_code_that_says_that_something_was_is_a_history_code() -> None:
    """`History of myocardial infarction` is no infarction of the day on which it is recorded."""
    concepts = [c for c in everything().vocabulary.of(voc.Concept) if c.kind != "allergy"]
    wrong = [(c.name, code) for c in concepts for code in c.codes if is_of_the_past(code)]
    # Chronic ischemic heart disease by its category in ICD-10-CM.
    assert [(name, code.code) for name, code in wrong] == [("ischemic_heart_disease", "I25.2")]
    history = [code for c in concepts for code in c.past]
    # The others say of no day that it is there: of childbirth, of the puerperium, of what follows.
    assert sum(map(is_of_the_past, history)) >= 6


def is_of_the_past(code: voc.Code) -> bool:
    return OF_THE_PAST.search(code.display) is not None


# Whose name or code has the name of another entry in it, and yet does not imply it: why not.
IMPLIED_IN_NAME_ONLY = {
    ("ascites", "hepatitis_c"): "`c` begins chronic: K71.51 is of a drug",
    ("heart_failure", "surgery"): "I97.13 says that there was one, on no day",
    ("hepatic_encephalopathy", "alcoholic_hepatitis"): "hepatic is of the liver, not hepatitis",
    ("hepatic_encephalopathy", "hepatitis_c"): "hepatic coma is of the liver; `c` is any word",
    ("hepatic_encephalopathy", "toxic_hepatitis"): "hepatic is of the liver, not hepatitis",
    (
        "hypertensive_end_stage_renal_disease",
        "chronic_heart_failure",
    ): "I13.11 is without heart failure",
    ("hypertensive_end_stage_renal_disease", "heart_failure"): "I13.11 is without heart failure",
    (
        "hypertensive_end_stage_renal_disease",
        "hypertensive_heart_failure",
    ): "I13.11 is without heart failure",
    (
        "hypertensive_end_stage_renal_disease",
        "hypertensive_heart_failure_and_kidney_disease",
    ): "I13.11 is without heart failure",
    ("liver_failure", "toxic_hepatitis"): "hepatic is of the liver, not hepatitis",
    ("pulmonary_disease", "hypertension"): "of the pulmonary artery",
    ("toxic_hepatitis", "hepatitis_c"): "`c` begins chronic: of a drug, not of a virus",
    (
        "unstable_angina",
        "coronary_artery_bypass_graft",
    ): "a condition is no procedure; I25.7 is of a transplanted heart too",
    ("alcoholic_liver_failure", "alcoholic_hepatitis"): "hepatic is of the liver, not hepatitis",
    ("alcoholic_liver_failure", "hepatitis"): "hepatic is of the liver, not hepatitis",
    ("anti_infective", "infection"): "what is given against it, or so that it does not come",
    ("malignant_ascites", "ascites"): "R18.0 lies in R18, which is ascites",
    ("long_term_oral_hypoglycemic", "hypoglycemia"): "a drug that lowers sugar, not too far",
    ("atrial_fibrillation", "atrial_flutter"): "the category I48 has both, and is neither alone",
    ("esophageal_varices", "bleeding_disorder"): "they bleed without one",
    ("gastrointestinal_hemorrhage", "bleeding_disorder"): "it is one of the ulcer or the varices",
    ("bone_marrow_metastasis", "bone_metastasis"): "marrow is another site than bone",
    (
        "coagulopathy",
        "anticoagulant",
    ): "D68.31 is of the body itself; D68.32 says no drug and no day",
    (
        "coronary_artery_disease_with_angina",
        "coronary_artery_bypass_graft",
    ): "a condition is no procedure; I25.7 is of a transplanted heart too",
    (
        "end_stage_renal_disease",
        "dialysis",
    ): "a condition is no procedure; when it was done is not said",
    ("g6pd_deficiency", "anemia"): "D75.A is the deficiency without anemia",
    ("hepatic_encephalopathy", "hepatitis"): "hepatic is of the liver, not hepatitis",
    ("hepatitis_b", "hepatitis_c"): "hepatic coma is of the liver, not hepatitis; `c` is any word",
    ("hepatitis_c_antiviral", "hepatitis"): "a medication is no condition; it may be cured",
    ("hepatitis_c_antiviral", "hepatitis_c"): "a medication is no condition; it may be cured",
    (
        "hypertensive_heart_failure_and_end_stage_renal_disease",
        "chronic_heart_failure",
    ): "the kidney disease is chronic; of the heart failure it is not said",
    (
        "hypertensive_heart_failure_and_kidney_disease",
        "chronic_heart_failure",
    ): "the kidney disease is chronic; of the heart failure it is not said",
    ("hypertension", "malignancy"): "malignant hypertension is severe, and no tumor",
    ("essential_hypertension", "malignancy"): "malignant hypertension is severe, and no tumor",
    ("lactation", "infection"): "O91.03 is one, of the breast; the class is open",
    ("leukemia", "lymphoma"): "lymphoid leukemia is of lymphocytes, not a lymphoma",
    ("liver_failure", "hepatitis"): "hepatic is of the liver, not hepatitis",
    ("liver_failure", "hepatitis_c"): "hepatic is of the liver; `c` begins classified",
    (
        "non_dihydropyridine_calcium_channel_blocker",
        "dihydropyridine",
    ): "non: the other calcium channel blockers",
    ("non_small_cell_lung_cancer", "small_cell_lung_cancer"): "non: the other lung cancers",
    (
        "non_st_elevation_myocardial_infarction",
        "st_elevation_myocardial_infarction",
    ): "non: the other infarctions",
    ("oral_hypoglycemic", "diabetes"): "a medication is no condition; some are for other diseases",
    ("oral_hypoglycemic", "hypoglycemia"): "it lowers glucose; too low it may never be",
    ("pancreas_transplantation", "pancreatitis"): "of the pancreas, not its inflammation",
    ("pancreatic_cancer", "pancreatitis"): "of the pancreas, not its inflammation",
    ("pentamidine_aerosol", "pentamidine"): "inhaled for prevention, not the systemic treatment",
    ("portal_hypertension", "hypertension"): "of the portal vein, not of the arteries",
    ("pregnancy", "eclampsia"): "pre-eclampsia is what comes before it",
    (
        "pregnancy",
        "intrauterine_device",
    ): "a condition is no procedure; when it was inserted is not said",
    ("pregnancy", "secondary_hypertension"): "hypertension in the second trimester",
    ("pregnancy", "surgery"): "O99.84 says that there was one, on no day",
    ("pulmonary_heart_disease", "pulmonary_disease"): "of the heart; the vessels may be its cause",
    ("radiotherapy", "chemotherapy"): "703423002 is both, and a procedure; the class is of drugs",
    ("type_2_diabetes", "insulin"): "insulin treated (237599002) says no medication and no day",
}


@cache
def begins(text: str) -> frozenset[str]:
    """All that the words of a text begin with."""
    words = re.findall(r"[a-z0-9]+", text.lower())
    return frozenset(word[:n] for word in words for n in range(1, len(word) + 1))


def in_text(name: str, text: str) -> bool:
    """Each word of the name is in the text, with whatever end: diabetes in `diabetic foot`."""
    return begins(text).issuperset(stems(name))


@cache
def stems(name: str) -> frozenset[str]:
    return frozenset(part[: max(6, len(part) - 3)] for part in name.split("_"))


def test_what_names_another_entry_is_a_kind_of_it_or_is_looked_at() -> None:
    """Else a complete list makes absent what a record of the first implies. A code that the second
    shares says it too; by a history code it is open."""
    vocabulary = everything().vocabulary
    concepts = list(vocabulary.of(voc.Concept))
    kinds = {c.name: [k for k in concepts if k.name in vocabulary.below(c.name)] for c in concepts}
    told = {name: [code for c in of for code in (*c.shared, *c.past)] for name, of in kinds.items()}
    also = {name: [code for c in of for code in c.codes] for name, of in kinds.items()}
    below = {name: {each.name for each in of} for name, of in kinds.items()}
    doubting = {  # of it, of a kind of it or of a class that it is a kind of
        name: {
            doubt.entry
            for concept in concepts
            if concept.name in below[name] or name in below[concept.name]
            for doubt in concept.doubts
        }
        for name in below
    }
    found = set()
    for entry in concepts:
        names = [entry.name.replace("_", " "), entry.label or ""]
        for other in concepts:
            if entry.name in below[other.name] or other.name in below[entry.name]:
                continue
            if entry.name in doubting[other.name]:
                continue
            if any(in_text(other.name, name) for name in names) or any(
                in_text(other.name, code.display or "")
                and not is_in(code, told[other.name])
                and not (code in entry.shared and is_in(code, also[other.name]))
                for code in entry.codes
            ):
                found.add((entry.name, other.name))
    assert found == IMPLIED_IN_NAME_ONLY.keys()


def test_a_kind_in_a_file_that_is_not_used_is_of_its_class_all_the_same() -> None:
    """A protocol may use the file of a class alone. The codes of a kind in another file are known
    to the knowledge base, so that a complete list would deny the class beside them."""
    whole = everything().vocabulary
    home = {each.name: each.home for each in catalogue()}
    used = {
        ".".join(path.relative_to(kb_root() / "knowledge").with_suffix("").parts): re.findall(
            r"[\w.]+", found[1] if (found := USES.search(path.read_text("utf-8"))) else ""
        )
        for path in FILES
    }

    def closure(name: str) -> set[str]:
        return {name}.union(*map(closure, used[name]))

    lost = []
    for file in used:
        seen = closure(file)
        names = {n: entry for n, entry in whole.entries.items() if home.get(n) in seen}
        visible = voc.Vocabulary(names)
        tables = Codings.of(visible).named
        for entry in visible.of(voc.Concept):
            if home[entry.name] != file or entry.closed_by is None:
                continue
            for kind in whole.below(entry.name):
                concept = whole.entries[kind]
                assert isinstance(concept, voc.Concept)
                for code in (*concept.codes, *concept.past) if kind not in names else ():
                    coded = {"coding": [{"system": code.system, "code": code.code}]}
                    found_as = {each.name for each in entries_of(coded, tables[concept.kind])}
                    if found_as.isdisjoint(visible.below(entry.name)):
                        lost.append((entry.name, kind, code.code))
    assert lost == []


USES = re.compile(r"^  uses (.*)$", re.MULTILINE)


def is_in(code: voc.Code, others: Iterable[voc.Code]) -> bool:
    """Whether a code is one of others, or lies in one of them that is a category of ICD-10-CM."""
    return any(
        code.key == other.key
        or (other.system.endswith("icd-10-cm") and code.code.startswith(other.code))
        for other in others
    )


def test_a_code_below_that_of_another_entry_is_of_a_kind_of_it() -> None:
    """By ICD-10-CM's own tree; flutter stands in one category with fibrillation, and Raynaud's
    syndrome in one that trials do not mean by peripheral vascular disease."""
    vocabulary = everything().vocabulary
    codes = [
        (entry.name, code.code)
        for entry in vocabulary.of(voc.Concept)
        for code in entry.codes
        if code.system.endswith("icd-10-cm") and code not in entry.shared
    ]
    assert codes
    found = {
        (name, other)
        for name, code in codes
        for other, above in codes
        if code != above and code.startswith(above) and name not in vocabulary.below(other)
    }
    assert found == {
        ("atrial_flutter", "atrial_fibrillation"),
        ("raynaud_syndrome", "peripheral_vascular_disease"),
    }


def test_what_closes_a_concept_is_the_list_of_its_kind() -> None:
    for entry in everything().vocabulary.of(voc.Concept):
        assert entry.closed_by in (None, LISTS[entry.kind]), entry.name


def test_quantities_have_a_plausible_range() -> None:
    """But for those that are counted or told by people, a slip of the unit must show."""
    without = {e.name for e in everything().vocabulary.of(voc.Quantity) if e.plausible is None}
    assert without == {"life_expectancy", "lesion_count"}


@pytest.mark.parametrize(
    ("kind", "of"),
    [
        ("docetaxel", ["taxane", "chemotherapy", "antineoplastic"]),
        ("carboplatin", ["platinum_chemotherapy", "chemotherapy", "antineoplastic"]),
        ("fulvestrant", ["endocrine_therapy", "antineoplastic"]),
        ("erlotinib", ["egfr_inhibitor", "targeted_therapy", "antineoplastic"]),
        ("bisoprolol", ["beta_blocker", "antihypertensive"]),
        ("carvedilol", ["beta_blocker", "antihypertensive"]),
        ("dabigatran", ["direct_oral_anticoagulant", "anticoagulant"]),
        ("vancomycin", ["antibiotic", "anti_infective"]),
        ("rifampicin", ["antibiotic", "anti_infective"]),
        ("everolimus", ["immunosuppressant", "targeted_therapy"]),
        ("rituximab", ["immunosuppressant", "targeted_therapy"]),
        ("cyclophosphamide", ["immunosuppressant", "chemotherapy"]),
        ("methotrexate", ["immunosuppressant"]),
        ("type_2_diabetic_chronic_kidney_disease", ["chronic_kidney_disease", "type_2_diabetes"]),
        ("gentamicin", ["aminoglycoside", "antibiotic"]),
        ("septic_shock", ["shock", "sepsis", "infection"]),
        ("metformin", ["oral_hypoglycemic"]),
        ("breast_cancer", ["malignancy", "neoplasm"]),
        ("lung_adenocarcinoma", ["lung_cancer", "malignancy", "neoplasm"]),
        ("melanoma", ["skin_cancer", "malignancy"]),
        ("cervical_carcinoma_in_situ", ["neoplasm"]),
        ("unstable_angina", ["acute_coronary_syndrome", "ischemic_heart_disease", "heart_disease"]),
        ("type_1_diabetes", ["diabetes", "autoimmune_disease"]),
        ("coronary_stent", ["percutaneous_coronary_intervention", "coronary_revascularization"]),
        ("heart_transplantation", ["organ_transplantation"]),
    ],
)
def test_kinds(kind: str, of: list[str]) -> None:
    for name in of:
        assert kind in everything().vocabulary.below(name), name


def test_what_is_no_kind() -> None:
    below = everything().vocabulary.below
    assert "cervical_carcinoma_in_situ" not in below("malignancy")
    assert not {"palbociclib", "cdk4_6_inhibitor", "trastuzumab"} & set(below("chemotherapy"))
    assert "insulin" not in below("oral_hypoglycemic")


def test_the_readme_counts_the_names_that_there_are() -> None:
    root = Path(__file__).parents[2]
    told = re.search(r"more than (\d+) names", (root / "README.md").read_text(encoding="utf-8"))
    page = (root / "docs" / "knowledge.md").read_text(encoding="utf-8")
    made = re.search(r"(\d+) names that a protocol can say", page)
    assert told and made and int(told[1]) < int(made[1]) <= int(told[1]) + 100
