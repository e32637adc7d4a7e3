"""From the gaps of a row to questions, and from answers to closed gaps."""

from __future__ import annotations

import csv
import io
from datetime import date

import pytest

from protocol_logic.answering.questions import questions
from protocol_logic.answering.rows import AsOf, Row
from protocol_logic.compiling.answerable import elements_of
from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.knowledge.resources import protocol_path
from protocol_logic.pipeline import Compiled, Screening, compile_source, read_records
from protocol_logic.records.answers_file import read_answers
from protocol_logic.records.facts import PatientRecord
from protocol_logic.records.json_text import parse
from protocol_logic.records.sources import Document
from protocol_logic.surfaces.answers_form import form_header, form_lines
from tests.contracts.command import ANSWERS_HEADER, PROTOCOL, Json, bundle
from tests.differential.bundles import dumps
from tests.patient_notation import bundle_of

AS_OF = AsOf(date(2026, 11, 2), "option")


@pytest.fixture(scope="module")
def seed() -> Compiled:
    path = protocol_path(PROTOCOL)
    assert path is not None
    compiled = compile_source(Source("seed", path.read_text(encoding="utf-8")), Problems())
    assert compiled is not None
    return compiled


@pytest.fixture(scope="module")
def screening(seed: Compiled) -> Screening:
    return Screening(seed)


def parsed(content: Json) -> Json:
    value = parse(dumps(content).encode())
    assert isinstance(value, dict)
    return value


def record_of(seed: Compiled, facts: str) -> PatientRecord:
    content = bundle_of(f"as of 2026-11-02\n{facts}", seed.protocol.vocabulary)
    document = Document("p.json", parsed(content))
    (record,) = read_records(seed, [document], Problems())
    return record


def asked(seed: Compiled, record: PatientRecord, row: Row) -> dict[str, tuple[str, str]]:
    """The questions of a row: element -> reason and what a value looks like."""
    found = questions(elements_of(seed.protocol), seed.plan, record, row)
    return {q.element: (q.reason, q.expected) for q in found}


def answered(seed: Compiled, record: PatientRecord, *answers: str) -> PatientRecord:
    """The record with `element value` answers of the as-of date."""
    rows = [f'p,{a.split(" ", 1)[0]},"{a.split(" ", 1)[1]}",w,2026-11-02,' for a in answers]
    problems = Problems()
    file = Source("answers.csv", "\n".join([ANSWERS_HEADER, *rows]))
    read = read_answers(file, elements_of(seed.protocol), problems)
    assert read is not None
    assert problems.items == []
    return read.apply(record, AS_OF.date)


def gaps(screening: Screening, record: PatientRecord, criterion: str) -> dict[str, str]:
    """The gaps of a criterion with their reasons."""
    row = screening.row(record, AS_OF)
    (found,) = [c for c in row["criteria"] if c["id"] == criterion]
    return {gap["element"]: gap["reason"] for gap in found["gap_details"]}


def outcome(screening: Screening, record: PatientRecord, criterion: str) -> str:
    row = screening.row(record, AS_OF)
    return next(str(c["outcome"]) for c in row["criteria"] if c["id"] == criterion)


CLOSES: list[tuple[str, str, dict[str, str], list[str], list[str], str]] = [
    # what is recorded, the criterion, its gaps, what is asked, the answers, the outcome
    ("born 1970", "adult_woman", {"gender": "absent"}, ["gender"], ["gender female"], "met"),
    # 2008 is the year of eighteen years: before 2 November or after it
    (
        "female\nborn 2008",
        "adult_woman",
        {"birth_date": "imprecise"},
        ["birth_date:Patient/p"],
        ["birth_date 2008-11-03"],
        "not_met",
    ),
    (
        "female\nborn 2008",
        "adult_woman",
        {"birth_date": "imprecise"},
        ["birth_date:Patient/p"],
        ["birth_date:Patient/p 2008-11-02"],
        "met",
    ),
    ("female", "performance", {"ecog": "absent"}, ["ecog"], ["ecog 1"], "met"),
    (
        "female",
        "prognosis",
        {"life_expectancy": "absent"},
        ["life_expectancy"],
        ["life_expectancy >= 12 wk"],
        "met",
    ),
    (
        "breast_cancer present\ner positive\nstage 4",
        "disease",
        {"her2": "absent", "histology": "absent"},
        ["breast_cancer", "her2_fish", "her2_ihc", "her2_interpretation"],
        ["histology confirmed", "her2_ihc 1+"],
        "met",
    ),
    (
        "breast_cancer present, by histology\ner positive\nher2_ihc 2+\nstage 4",
        "disease",
        {"her2": "absent"},
        ["her2_fish", "her2_ihc", "her2_interpretation"],
        ["her2_fish negative"],
        "met",
    ),
    (
        "breast_cancer present, by histology\ner positive\nher2_ihc negative",
        "disease",
        {"stage_or_metastasis": "absent"},
        ["problem_list", "distant_metastasis_site", "m_category", "metastasis", "stage"],
        ["m_category M1"],
        "met",
    ),
    (
        "female\nmenopausal_status premenopausal",
        "ovarian_suppressed",
        {"ofs": "absent"},
        ["medication_history", "procedure_history", "gnrh_analogue", "oophorectomy"],
        ["gnrh_analogue 2025-01 ongoing"],
        "met",
    ),
    (
        "female\nmenopausal_status premenopausal",
        "ovarian_suppressed",
        {"ofs": "absent"},
        ["medication_history", "procedure_history", "gnrh_analogue", "oophorectomy"],
        ["medication_history complete", "procedure_history complete"],
        "not_met",
    ),
    (
        "female",
        "measurable_disease",
        {"measurable_lesion": "absent"},
        ["lesion_count", "measured_lesion"],
        ["measured_lesion longest 12 mm at other by other"],
        "met",
    ),
    (
        "chemotherapy palliative from 2025-01-01 to 2025-03-01",
        "prior_chemotherapy",
        {"medication_history": "not_closed"},
        ["medication_history", "chemotherapy"],
        ["medication_history complete"],
        "met",
    ),
    # an order that was never carried out keeps the history open until somebody says so
    (
        "chemotherapy ordered on 2025-01-01\nmedication_history closed",
        "prior_chemotherapy",
        {"medication_history": "ordered"},
        ["chemotherapy", "chemotherapy:MedicationRequest/1"],
        ["chemotherapy:MedicationRequest/1 not taken"],
        "met",
    ),
    (
        "chemotherapy palliative from 2025-01-01 to 2025-03-01\n"
        "chemotherapy unrecorded intent from 2025-06-01 to 2025-07-01\n"
        "medication_history closed",
        "prior_chemotherapy",
        {"treatment_intent": "absent"},
        ["treatment_intent:MedicationStatement/2"],
        ["treatment_intent:MedicationStatement/2 adjuvant"],
        "met",
    ),
    # 24 months to the day, if it began on the first
    (
        "endocrine_therapy adjuvant from 2023-05 to 2025-05-16\n"
        "breast_cancer present, relapse, onset 2026-01-09\nmedication_history closed\n"
        "problem_list closed",
        "endocrine_resistance",
        {"endocrine_dates": "imprecise"},
        ["endocrine_dates:MedicationStatement/1"],
        ["endocrine_dates:MedicationStatement/1 2023-05-17 to 2025-05-16"],
        "not_met",
    ),
    (
        "endocrine_therapy adjuvant from 2023-05-01 to 2025-05-16\nmedication_history closed",
        "endocrine_resistance",
        {"relapse_date": "absent"},
        ["problem_list", "relapse_date"],
        ["relapse_date 2026-05-16"],
        "met",
    ),
    (
        "endocrine_therapy adjuvant from 2023-05-01 to 2025-05-16\nmedication_history closed",
        "endocrine_resistance",
        {"relapse_date": "absent"},
        ["problem_list", "relapse_date"],
        ["problem_list complete"],
        "not_met",
    ),
    (
        "endocrine_therapy palliative from 2025-05-01, ongoing\nmedication_history closed",
        "endocrine_resistance",
        {"progression_date": "absent"},
        ["problem_list", "progression_date"],
        ["progression_date 2025-11-01"],
        "met",
    ),
    ("female", "consented", {"consent": "absent"}, ["consent"], ["consent signed"], "met"),
]
ORGANS = """\
hemoglobin 120 g/L
neutrophils 3 10*9/L
platelets 200 10*9/L
bilirubin 10 umol/L, ULN 20 umol/L
ast 20 U/L, ULN 40 U/L
creatinine 0.8 mg/dL, ULN 1 mg/dL
"""
CLOSES += [
    (
        ORGANS.replace(", ULN 20 umol/L", "") + "alt 30 U/L, ULN 40 U/L",
        "organ_function",
        {"reference_range:tbil": "no_reference_range"},
        ["reference_range:tbil:Observation/4"],
        # 1 mg/dL is 17.104 umol/L
        ["reference_range:tbil 1 mg/dL"],
        "met",
    ),
    (
        f"{ORGANS}alt 120 U/L, ULN 40 U/L\nliver_metastasis provisional",
        "organ_function",
        {"liver_metastasis": "imprecise"},
        ["liver_metastasis:Condition/8"],
        ["liver_metastasis:Condition/8 present"],
        "met",
    ),
    (
        ORGANS.replace("200 10*9/L", "200 without unit") + "alt 30 U/L, ULN 40 U/L",
        "organ_function",
        {"plt": "unreadable"},
        ["plt:Observation/3"],
        ["plt:Observation/3 79 10*9/L"],
        "not_met",
    ),
    # results of the same day that contradict each other: a later one decides
    (
        f"{ORGANS}platelets 20 10*9/L on 2026-11-01\nalt 30 U/L, ULN 40 U/L".replace(
            "platelets 200 10*9/L", "platelets 200 10*9/L on 2026-11-01"
        ),
        "organ_function",
        {"plt": "conflicting"},
        ["plt"],
        ["plt 90 10*9/L"],
        "met",
    ),
]


@pytest.mark.parametrize(
    ("facts", "criterion", "open_", "elements", "said", "then"), CLOSES, ids=lambda x: str(x)[:40]
)
def test_answers_close_what_is_asked(
    seed: Compiled,
    screening: Screening,
    facts: str,
    criterion: str,
    open_: dict[str, str],
    elements: list[str],
    said: list[str],
    then: str,
) -> None:
    record = record_of(seed, facts)
    assert gaps(screening, record, criterion) == open_
    row = screening.row(record, AS_OF)
    only = {**row, "criteria": [c for c in row["criteria"] if c["id"] == criterion]}
    assert list(asked(seed, record, only)) == elements
    assert outcome(screening, answered(seed, record, *said), criterion) == then


# ---- what an answer is among the facts -----------------------------------------------------------


def test_not_taken_is_offered_for_one_record_alone(seed: Compiled, screening: Screening) -> None:
    """Ovarian suppression rests on `gnrh_analogue`, a class, and on the order of it."""
    record = record_of(seed, "gnrh_analogue ordered on 2026-10-01")
    found = asked(seed, record, screening.row(record, AS_OF))
    (order,) = [e for e in found if e.startswith("gnrh_analogue:")]
    assert found[order][1].endswith("; or not taken")
    assert [e for e in found if "not taken" in found[e][1] and ":" not in e] == []
    assert "or not taken" not in found["gnrh_analogue"][1]


def test_an_answer_competes_by_its_date(seed: Compiled, screening: Screening) -> None:
    older, same = "ecog 3 on 2026-11-01", "ecog 3 on 2026-11-02"
    for facts, then in ((older, "met"), (same, "unknown")):
        record = answered(seed, record_of(seed, facts), "ecog 1")
        assert outcome(screening, record, "performance") == then
    assert gaps(screening, record, "performance") == {"ecog": "conflicting"}


@pytest.mark.parametrize(
    ("recorded", "answer", "then"),
    [
        # the days that both allow
        ("born 2008", "birth_date 2008-11", {"birth_date": "imprecise"}),
        ("born 2008-11", "birth_date 2008-11-02", {}),
        # no day in common: either may be right
        ("born 2008-11-03", "birth_date 2008-11-02", {"birth_date": "conflicting"}),
        # both give the same age
        ("born 1970-11-03", "birth_date 1971-11-02", {}),
    ],
)
def test_birth_dates(
    seed: Compiled, screening: Screening, recorded: str, answer: str, then: dict[str, str]
) -> None:
    record = answered(seed, record_of(seed, f"female\n{recorded}"), answer)
    assert gaps(screening, record, "adult_woman") == then
    assert outcome(screening, record, "adult_woman") == ("unknown" if then else "met")


def test_the_row_lists_the_answers_that_count(seed: Compiled, screening: Screening) -> None:
    facts = (
        "ecog 0 on 2026-11-02\nchemotherapy ordered on 2025-01-01\nmenopausal_status premenopausal"
    )
    record = answered(
        seed,
        record_of(seed, facts),
        "chemotherapy:MedicationRequest/2 not taken",
        "medication_history complete",
        "consent signed",
        "consent refused",
        "er positive",
    )
    row = screening.row(record, AS_OF)
    assert [(a["element"], a["value"]) for a in row["attested"]] == [
        ("chemotherapy:MedicationRequest/2", "not taken"),
        ("consent", "refused"),
        ("consent", "signed"),
        ("er", "positive"),
        ("medication_history", "complete"),
    ]
    assert row["attested"][0] == {
        "element": "chemotherapy:MedicationRequest/2",
        "value": "not taken",
        "who": "w",
        "when": "2026-11-02",
        "source": "",
    }
    # an older answer than the record's value is no evidence
    older = read_answers(
        Source("answers.csv", f"{ANSWERS_HEADER}\np,ecog,3,w,2026-11-01,"),
        elements_of(seed.protocol),
        Problems(),
    )
    assert older is not None
    assert screening.row(older.apply(record_of(seed, facts), AS_OF.date), AS_OF)["attested"] == []


def test_a_form_that_is_filled_in_closes_all_gaps(seed: Compiled, screening: Screening) -> None:
    """Petra's record is one laboratory export: nearly everything is asked."""
    said = {
        "anc": "3 10*9/L",
        "body_weight": "60 kg",
        "breast_cancer": "confirmed by histology",
        "consent": "signed",
        "ecog": "1",
        "er": "positive",
        "her2_ihc": "1+",
        "lesion_count": "2",
        "life_expectancy": "26 wk",
        "medication_history": "complete",
        "menopausal_status": "postmenopausal",
        "plt:Observation/petra-plt-2026-10-29": "210 10*9/L",
        "problem_list": "complete",
        "reference_range:creatinine:Observation/petra-creatinine-2026-10-29": "1 mg/dL",
        "stage": "4",
    }
    content = parsed(bundle("petra_labs_only.json"))
    (record,) = read_records(seed, [Document("petra.json", content)], Problems())
    elements = elements_of(seed.protocol)
    row = screening.row(record, AS_OF)
    form = (
        form_header() + form_lines("petra", questions(elements, seed.plan, record, row))
    ).decode()
    rows = list(csv.DictReader(io.StringIO(form)))
    lists = ["medication_history", "problem_list", "procedure_history"]
    others = [r["element"] for r in rows[len(lists) :]]
    assert [r["element"] for r in rows[: len(lists)]] == lists
    assert others == sorted(set(others) - set(lists))
    assert set(said) <= {*lists, *others}
    assert all(r["label"] and r["reason"] and r["expected"] and r["criterion"] for r in rows)
    filled = io.StringIO()
    writer = csv.DictWriter(filled, rows[0])
    writer.writeheader()
    for r in rows:
        value = said.get(r["element"], "")
        writer.writerow({**r, "value": value, "who": "Dr Ito", "when": "2026-11-02"})
    problems = Problems()
    answers = read_answers(Source("form.csv", filled.getvalue()), elements, problems)
    assert problems.items == []
    assert answers is not None
    assert answers.unanswered == len(rows) - len(said)
    then = screening.row(answers.apply(record, AS_OF.date), AS_OF)
    assert [c["id"] for c in then["criteria"] if c["outcome"] == "unknown"] == []
