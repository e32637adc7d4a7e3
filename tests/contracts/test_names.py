"""`names`: an author finds what a thing is called, and how it is tested."""

from __future__ import annotations

import json
import re
from functools import cache

import pytest

from protocol_logic.compiling.catalogue import Known, catalogue
from protocol_logic.compiling.check import check
from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.surfaces.name_search import search
from tests.contracts.command import run


@cache
def names_known() -> list[Known]:
    """All names of the knowledge base."""
    return catalogue()


def test_words_of_name_label_or_code_find_it() -> None:
    done = run("names", "hemoglobin")
    assert done.returncode == 0
    assert done.stdout.splitlines()[:3] == [
        "hemoglobin",
        "    hemoglobin (quantity; in g/L, g/dL, mmol/L; uses labs; gaps and answers say hgb)",
        "    also: Hb, Hgb",
    ]
    assert run("names", "ALANINE").stdout.startswith("alt\n")
    assert run("names", "718-7").stdout.startswith("hemoglobin\n")


def test_a_name_comes_before_what_only_a_code_says() -> None:
    names = [line for line in run("names", "creatin").stdout.splitlines() if line[:1] != " "]
    assert names[0] == "creatinine"


def test_a_code_of_the_drug_alone_comes_before_those_of_products_with_others() -> None:
    (first, code), *_ = search(["chlorthalidone"], names_known()).by_code
    assert (first.name, code) == ("thiazide", ("rxnorm", "2409", "chlorthalidone"))


def test_one_name_is_shown_as_it_is_tested() -> None:
    lines = run("names", "ecog").stdout.splitlines()
    assert lines[lines.index("tested by") + 1] == "    ecog COMPARISON NUMBER"
    assert not [line for line in lines if "ULN" in line]


def test_what_is_alike_is_said_once() -> None:
    out = run("names", "heart_failure").stdout
    assert out.count("a condition is tested by") == 1
    assert "    NAME within NUMBER UNIT" in out.splitlines()


def test_what_a_name_covers_is_said_by_either_side() -> None:
    known = {each.name: each for each in names_known()}
    assert {"hepatitis_b", "hiv_infection", "septic_shock"} <= set(known["infection"].below)
    assert "infection" in known["hepatitis_b"].parents
    assert "carvedilol" in known["antihypertensive"].below
    lines = run("names", "anticoagulant").stdout.splitlines()
    assert "    covers: apixaban, rivaroxaban, edoxaban, dabigatran" in lines


def test_a_name_as_it_is_written_shows_its_codes() -> None:
    lines = run("names", "trastuzumab_deruxtecan").stdout.splitlines()
    assert "      rxnorm 2267577 Enhertu" in lines[lines.index("    codes:") :]
    assert "    codes:" not in run("names", "deruxtecan").stdout.splitlines()


def test_json_has_codes_and_source() -> None:
    [found] = json.loads(run("names", "718-7", "--format", "json").stdout)
    assert found["uses"] == "labs"
    assert {"system": "loinc", "code": "718-7"}.items() <= found["codes"][0].items()
    assert found["source"]


def test_a_slip_of_the_pen_finds_what_was_meant_first() -> None:
    done = run("names", "type", "2", "diabetis")
    assert done.returncode == 1
    assert done.stdout.startswith("type_2_diabetes\n")
    assert done.stderr == "no name fits `type 2 diabetis`; these fit `type 2 diabetes`\n"
    names = [each.name for each in search(["atrial fibrilation"], names_known()).found]
    assert names == ["atrial_fibrillation", "electrocardiographic_atrial_fibrillation"]
    # A beginning of a word is no slip.
    assert not search(["creatin"], names_known()).meant
    assert not search(["hyperglycemia"], names_known()).meant


def test_what_is_tested_in_no_way_by_itself_has_no_heading_of_ways() -> None:
    for words in ("severe hypoglycemia", "severity"):
        lines = run("names", *words.split()).stdout.splitlines()
        headings = [n for n, line in enumerate(lines) if line.endswith("tested by")]
        assert all(lines[n + 1].startswith("    ") for n in headings)


def test_nothing_found_says_what_is_near() -> None:
    done = run("names", "liver_metastasys")
    assert done.returncode == 1
    assert done.stdout.startswith("liver_metastasis\n")
    done = run("names", "zygote")
    assert (done.returncode, done.stdout) == (1, "")
    assert "did you mean" not in done.stderr and "these fit" not in done.stderr


@pytest.mark.parametrize(
    ("words", "found"),
    [
        # abbreviations, plurals, other words, the other spelling
        (
            "nsclc",
            ["non_small_cell_lung_cancer", "lung_adenocarcinoma", "squamous_cell_lung_cancer"],
        ),
        ("HBV", ["hepatitis_b", "hepatitis_b_dna", "hepatitis_b_viral_load"]),
        ("TKI", ["targeted_therapy", "alk_inhibitor", "egfr_tyrosine_kinase_inhibitor"]),
        ("ANC", ["neutrophils"]),
        (
            "anticoagulants",
            ["anticoagulant", "direct_oral_anticoagulant", "long_term_anticoagulant"],
        ),
        ("oesophageal varices", ["esophageal_varices"]),
        ("Crohn's disease", ["crohn_disease"]),
        # a short word is no beginning of a longer one
        ("ASA", ["aspirin"]),
        ("age", ["age", "gestational_age", "age_in_months", "age_in_days"]),
        # inside of a word
        ("cytopenia", ["thrombocytopenia"]),
        # what stands in the words, where no name fits all of them, and nothing far-fetched
        ("active infection", ["infection"]),
        ("ALT/AST", ["alt", "ast"]),
        ("monoamine oxidase inhibitor", []),
        ("hip fracture", []),
    ],
)
def test_what_is_found(words: str, found: list[str]) -> None:
    assert [each.name for each in search([words], names_known()).found] == found


def test_an_abbreviation_is_not_looked_for_inside_of_words() -> None:
    hits = search(["MCI"], names_known())  # as in geMCItabine
    assert (hits.found, hits.by_code) == ((), ())
    assert search(["hypertension", "medication"], names_known()).found[0].name == "antihypertensive"


def test_what_only_a_code_says_is_told_to_be_so() -> None:
    done = run("names", "tamoxifen")
    assert done.returncode == 0
    assert done.stdout.startswith("endocrine_therapy\n")
    assert "    its code rxnorm 10324 tamoxifen" in done.stdout.splitlines()
    assert "stands in codes" in done.stderr
    lines = run("names", "opioids").stdout.splitlines()
    assert lines[0] == "opioid_analgesic"
    assert lines[lines.index("only a code has it") + 1].startswith(
        "    substance_abuse (uses social)"
    )


def test_words_in_capitals_are_listed() -> None:
    lines = run("names", "breast_cancer").stdout.splitlines()
    assert "    EVIDENCE: histology, cytology" in lines
    assert (
        "    QUALIFIER VALUE: severity mild/moderate/severe (uses qualifiers), "
        "grade 1/2/3/4/5 (uses qualifiers)"
    ) in lines
    assert (
        "    INTENT: adjuvant, neoadjuvant, palliative, curative"
        in run("names", "paclitaxel").stdout.splitlines()
    )
    lines = run("names", "measured_lesion").stdout.splitlines()
    assert "    sites: lymph_node, bone" in lines and "    methods: chest_x_ray" in lines


def test_names_are_those_of_the_checked_knowledge() -> None:
    problems = Problems()
    homes = dict.fromkeys(known.home for known in names_known())
    checked = check(Source("k", f"knowledge k\n  title T\n  uses {', '.join(homes)}\n"), problems)
    assert checked is not None, problems.sorted()
    entries = {**checked.vocabulary.entries, **checked.derived, **checked.definitions}
    declared = {name for name, entry in entries.items() if not isinstance(entry, voc.Asked)}
    assert {known.name for known in names_known()} == declared


def test_whole_words_come_first() -> None:
    def first(*words: str) -> str:
        return run("names", *words).stdout.splitlines()[0]

    assert first("AST") == "ast"
    assert first("infection") == "infection"
    assert first("atrial fibrillation") == "atrial_fibrillation"


def test_check_takes_every_way_that_is_shown() -> None:
    homes = ", ".join(dict.fromkeys(known.home for known in names_known()))
    lines = ["protocol all", "  title All", "  version 1.0", f"  uses {homes}", ""]
    lines += ["timepoint start", "  label start", ""]
    seen: dict[tuple[str, ...], int] = {}
    for known in names_known():
        key = (known.kind, *known.forms, str(known.unit == "1"))
        seen[key] = seen.get(key, 0) + 1
        if seen[key] > 2:  # all that are alike are tested alike
            continue
        # What is said of others beside it is not filled in.
        ways = [w for w in known.ways if not re.search(r"\bNAME", w)]
        for number, way in enumerate(ways):
            lines += [f"exclude {known.name}_{number}", f"  > {way}", f"  {filled(known, way)}", ""]
    problems = Problems()
    check(Source("all.elig", "\n".join(lines)), problems)
    wrong = [f"{p.message} | {p.sentence}" for p in problems.sorted() if p.severity == "error"]
    assert not wrong, "\n".join(wrong)


def filled(known: Known, way: str) -> str:
    """A way with something for each word in capitals."""
    way = way.replace("within NUMBER UNIT", "within 28 days").replace("TIMEPOINT", "start")
    way = way.replace("INTENT", "adjuvant").replace("QUALIFIER VALUE", "severity severe")
    way = way.replace("EVIDENCE", next(iter(known.evidence), ""))
    way = way.replace("COMPARISON NUMBER UNIT", f"<= 20 {known.unit or 'years'}")
    way = way.replace("COMPARISON NUMBER x", "<= 2 x").replace("COMPARISON NUMBER", "<= 2")
    return way.replace("VALUE, VALUE", "VALUE").replace("VALUE", (*known.values, "")[0])


@pytest.mark.parametrize("word", ["hyperglycemia", "EEG", "live vaccine", "creatine kinase"])
def test_another_word_of_medicine_is_no_slip_of_the_pen(word: str) -> None:
    done = run("names", *word.split())
    assert "did you mean" not in done.stderr
    assert "be asked of a person" in done.stderr


def test_what_confirms_a_condition_is_found_by_the_words_of_texts() -> None:
    for words in (["biopsy"], ["histologically", "confirmed"]):
        done = run("names", *words)
        assert done.returncode == 0 and done.stderr == ""
        assert done.stdout.startswith("histology confirms these\n    breast_cancer, malignancy")
        assert done.stdout.endswith("tested by\n    breast_cancer confirmed by histology\n")
    assert "confirmed by cytology" in run("names", "cytology").stdout
    beside = run("names", "histology").stdout
    assert beside.startswith("histological_type\n") and "\n\nhistology confirms these\n" in beside


def test_a_code_is_found_by_the_category_that_reads_it() -> None:
    told = run("names", "G40.919")
    assert told.stdout.startswith("seizure_disorder\n")
    assert "    its code icd10cm G40 Epilepsy and recurrent seizures\n" in told.stdout
    assert told.stderr == "no name fits `G40.919`; it stands in codes of these\n"


def test_a_score_says_its_classes_and_what_it_adds_up() -> None:
    told = run("names", "child_pugh").stdout
    assert "A: 5 and 6 points, B: 7 to 9, C: 10 to 15" in told
    assert "adds up: bilirubin, albumin, inr, ascites_grade, encephalopathy_grade\n" in told


def test_an_equation_is_told_with_its_years() -> None:
    told = run("names", "CKD-EPI").stdout
    assert "eGFR (CKD-EPI 2009)" in told and "eGFR (CKD-EPI 2021)" in told
