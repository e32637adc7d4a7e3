"""Whatever a form of answers asks can be answered as it says, and then the gap is closed.

The values are taken from the text of the form, as a person takes them.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import date

import pytest

from protocol_logic.answering.questions import Question, questions
from protocol_logic.answering.rows import AsOf, Row
from protocol_logic.compiling.answerable import elements_of
from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.knowledge.resources import protocol_path
from protocol_logic.knowledge.vocabulary import Quantity
from protocol_logic.pipeline import Compiled, Screening, as_of_date, compile_source, read_records
from protocol_logic.records.answers_file import COLUMNS, read_answers
from protocol_logic.records.elements import Elements
from protocol_logic.records.facts import PatientRecord
from protocol_logic.records.json_text import parse
from protocol_logic.records.quantities import Unreadable
from protocol_logic.records.sources import Document
from protocol_logic.records.values import read_limit, read_value
from tests.contracts.command import DEMO
from tests.differential.bundles import dumps
from tests.patient_notation import bundle_of

NUMBERS = ("1", "20", "90", "36", "300", "3000", "0.1", "12", "0.01", "170", "7.4")
HINTS = ("dated ", "when: ", "never settles", "the same for each", "a kind of it")
Gap = tuple[str, str, str, str | None]


def values_of(question: Question, elements: Elements) -> list[str]:
    """What a person could write, by what the form says."""
    text = question.expected
    parts = text.split("; ")
    names: list[str] = []
    for part in parts:
        part = part.removeprefix("or ")
        if part.startswith("a number"):
            names += list(_numbers(question, part, elements))
        elif part.startswith("as its multiple"):
            names.append(part.partition("as in ")[2])
        elif part.startswith("dates as in "):
            dates, _, intents = part.removeprefix("dates as in ").partition(", perhaps then ")
            names += dates.split(" or ")
            names += [f"{dates.split(' or ')[0]} {intent}" for intent in _listed(intents)]
        elif part.startswith("sizes such as "):
            sizes = part.removeprefix("sizes such as ").partition(", perhaps")[0]
            names += [", ".join(sizes.split(" or ")), *sizes.split(" or ")]
        elif part.startswith("a date: "):
            names += ["2019-03-02", "2019-03", "2019"]
        elif part.startswith("a day: "):
            names.append("2026-12-15")
        elif part.startswith("complete, if"):
            names.append("complete")
        elif not part.startswith(HINTS) and not re.match(r"[a-z_]+: ", part):
            names += [each for each in _listed(part) if not each.startswith("a number in")]
    assert names, text
    return names


def _listed(text: str) -> list[str]:
    return [each.strip() for each in re.split(r", or | or |, ", text) if each.strip()]


def _numbers(question: Question, text: str, elements: Elements) -> Iterator[str]:
    found = elements.find(question.element)
    units = re.match(r"a number in (.+?)(?: with its|$)", text)
    # What the form shows is typed as it stands, with numbers for its letters.
    shown = re.search(r"as in X[^,]*(, .*)$", text)
    limit = re.sub(r"\b[YZ]\b", "{0}", shown[1]) if shown else ""
    for unit in _listed(units[1]) if units else [""]:
        yield _readable(found.entry, found.kind, unit, limit)


def _readable(entry: object, kind: str, unit: str, limit: str) -> str:
    """A number in a unit that is plausible."""
    assert isinstance(entry, Quantity)
    for number in NUMBERS:
        value = f"{number} {unit}".strip() + limit.format(number)
        try:
            read_value(entry, value) if kind == "value" else read_limit(entry, value)
        except Unreadable:
            continue
        return value
    raise AssertionError(f"no plausible number of {entry.name} in {unit}")


def answered(
    record: PatientRecord, as_of: str, elements: Elements, said: list[tuple[str, str]]
) -> PatientRecord:
    """The record with answers to a form; there must be nothing wrong with them."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows((record.patient, e, v, "w", as_of, "") for e, v in said)
    problems = Problems()
    answers = read_answers(Source("form.csv", text.getvalue()), elements, problems)
    assert not problems.items, problems.items
    assert answers is not None
    return answers.apply(record, date.fromisoformat(as_of))


def gaps_of(row: Row) -> set[Gap]:
    return {
        (criterion["id"], gap["element"], gap["reason"], gap["resource"])
        for criterion in row["criteria"]
        for gap in criterion["gap_details"]
        if not gap["element"].startswith("todo:")
    }


# ---- real protocols ------------------------------------------------------------------------------

PROTOCOLS = """
accord actt_covid anlotinib_fulvestrant anlotinib_fulvestrant_registry bisoprolol_heart_failure
gemcitabine_oxaliplatin ki67_neoadjuvant pcp_prophylaxis plinabulin vitamin_c_diabetes
""".split()
PATIENTS = ("petra_labs_only", "elena_alt_liver_unclear", "lucia_platelet_conflict")


@pytest.mark.parametrize("name", PROTOCOLS)
def test_what_a_form_asks_can_be_answered_and_closes_the_gaps(name: str) -> None:
    path = protocol_path(name)
    assert path is not None
    screening = screening_of(path.read_text(encoding="utf-8"))
    for patient in PATIENTS:
        content = (DEMO / f"{patient}.json").read_bytes()
        closes(screening, record_of(screening, content), None)


def screening_of(text: str) -> Screening:
    problems = Problems()
    compiled = compile_source(Source("protocol.elig", text), problems)
    assert compiled is not None, problems.items
    return Screening(compiled)


def record_of(screening: Screening, content: bytes) -> PatientRecord:
    value = parse(content)
    assert isinstance(value, dict)
    (record,) = read_records(screening.compiled, [Document("p.json", value)], Problems())
    return record


def closes(screening: Screening, record: PatientRecord, day: date | None) -> list[Question]:
    """Each value of each row is read, without a problem; each gap is closed by some of them."""
    compiled: Compiled = screening.compiled
    elements = elements_of(compiled.protocol)
    as_of = as_of_date(record, day)
    assert isinstance(as_of, AsOf)
    on = as_of.date.isoformat()
    row = screening.row(record, as_of)
    asked = questions(elements, compiled.plan, record, row)
    values = {q.element: values_of(q, elements) for q in asked}
    for element, each in values.items():
        for value in each:
            after = answered(record, on, elements, [(element, value)])
            assert after.problems == record.problems, (element, value)
    left = gaps_of(row)
    for number in range(max(map(len, values.values()), default=0)):
        said = [(element, each[min(number, len(each) - 1)]) for element, each in values.items()]
        left &= gaps_of(screening.row(answered(record, on, elements, said), as_of))
    assert left == set()
    settles(screening, record, as_of, asked)
    return asked


def settles(
    screening: Screening, record: PatientRecord, as_of: AsOf, asked: list[Question]
) -> None:
    """What a list says to settle is no gap when it is complete."""
    for question in asked:
        _, found, claimed = question.reason.partition(": settles ")
        if found:
            elements = elements_of(screening.compiled.protocol)
            said = [(question.element, "complete")]
            after = answered(record, as_of.date.isoformat(), elements, said)
            names = {re.sub(r" \(and .*| and \d+ more$", "", each) for each in claimed.split(", ")}
            open_ = {element for _, element, _, _ in gaps_of(screening.row(after, as_of))}
            assert names & open_ == set(), question


# ---- what real protocols and demo patients do not have -------------------------------------------

EVERYTHING = """\
protocol everything
  title What a form can ask
  version 1.0
  uses demographics, labs, oncology.breast, oncology.general, oncology.lung
  uses drugs.antineoplastic, cardiology, qualifiers, allergy, neurology

include proven
  > By histology or cytology
  breast_cancer confirmed by histology or breast_cancer confirmed by cytology

include any_cancer_proven
  > Any cancer, by histology
  malignancy confirmed by histology

exclude other_cancer
  > Another cancer within 5 years
  malignancy other than breast_cancer within 5 years

exclude treated
  > Prior chemotherapy
  history of chemotherapy

exclude lines
  > More than one line
  lines of chemotherapy with intent palliative > 1

exclude palliative
  > Palliative endocrine therapy this year
  endocrine_therapy with intent palliative within 1 year

exclude suppressed
  > On a GnRH analogue
  gnrh_analogue in effect

exclude both
  > Ovaries removed
  oophorectomy on both sides

exclude operated
  > Within a month
  oophorectomy within 1 month

exclude infarction
  > Infarction within 6 months
  myocardial_infarction within 6 months

exclude neuropathy
  > Grade 2 or more
  peripheral_neuropathy with grade >= 2

exclude severe
  > Severe brain metastases
  brain_metastasis with severity severe

exclude allergic
  > Allergy
  allergy to paclitaxel

include liver
  > ALT
  alt <= 2.5 x ULN

include platelet_count
  > Platelets within two weeks
  platelets >= 100 10*9/L within 14 days

include relapsed
  > Relapse
  there is
    course of endocrine_therapy with intent adjuvant, called adjuvant
    relapse from start of adjuvant to 12 months after end of adjuvant
"""
BOTH_LIMITS = """\
protocol both
  title Both limits
  version 1.0
  uses labs

include normal
  > LDH within the normal range
  all of
    lactate_dehydrogenase >= 1 x LLN
    lactate_dehydrogenase <= 1 x ULN
"""
RECORDS = {
    "nothing": "",
    "many orders": """\
        paclitaxel ordered on 2026-05-01
        docetaxel ordered on 2026-06-01
        paclitaxel ordered on 2026-06-22
        goserelin ordered on 2026-06-22
        tamoxifen ordered, undated
        medication_history closed
    """,
    "some taken, some ordered": """\
        paclitaxel palliative from 2025-05-01 to 2025-06-01
        paclitaxel ordered on 2026-05-01
        docetaxel ordered on 2026-06-01
    """,
    "a kind without evidence": "lung_cancer present on 2024-03-01\nproblem_list closed",
    "old and unsure": """\
        myocardial_infarction present, onset 2019-03-01 on 2019-03-01
        liver_metastasis provisional
        brain_metastasis provisional
        peripheral_neuropathy present
        oophorectomy left on 2019-05-01
        platelets 120 10*9/L on 2026-05-01
        alt 90 U/L on 2026-10-30
    """,
    "contradictions of today": """\
        platelets 120 10*9/L
        platelets 80 10*9/L
        alt 90 U/L, ULN 40 U/L
        alt 190 U/L, ULN 40 U/L
    """,
    "courses": """\
        endocrine_therapy unrecorded intent from 2024-05-01 to 2025-05
        endocrine_therapy palliative from 2026-05, ongoing
        chemotherapy unrecorded intent from 2025 to 2026
    """,
}


@pytest.mark.parametrize("facts", RECORDS.values(), ids=RECORDS)
def test_a_form_of_rarer_gaps_closes_them(facts: str) -> None:
    screening = screening_of(EVERYTHING)
    content = bundle_of(f"as of 2026-11-02\n{facts}", screening.compiled.protocol.vocabulary)
    closes(screening, record_of(screening, dumps(content).encode()), date(2026, 11, 2))


def rows_of(facts: str) -> dict[str, Question]:
    screening = screening_of(EVERYTHING)
    content = bundle_of(f"as of 2026-11-02\n{facts}", screening.compiled.protocol.vocabulary)
    record = record_of(screening, dumps(content).encode())
    return {q.element: q for q in closes(screening, record, date(2026, 11, 2))}


def test_each_unreadable_result_of_the_newest_day_is_asked() -> None:
    rows = rows_of("""\
        platelets 7 without unit on 2026-10-29
        platelets 120 without unit on 2026-10-30
        platelets 130 without unit on 2026-10-30
        platelets 110 10*9/L on 2026-10-30
    """)
    found = [q for e, q in rows.items() if e.startswith("plt:")]
    assert [q.reason for q in found] == ["unreadable", "unreadable"]
    assert all(q.label.endswith("of 2026-10-30") for q in found), found
    assert "plt" not in rows


def test_what_confirms_is_asked_of_the_condition_alone() -> None:
    rows = rows_of("")
    assert rows["breast_cancer"].reason == "absent: cytology, histology"
    assert rows["breast_cancer"].expected == (
        "confirmed by cytology or confirmed by histology; when: the day of the report"
    )
    assert [e for e, q in rows.items() if "confirmed by" in q.expected] == [
        "breast_cancer",
        "malignancy",
    ]


def test_what_confirms_is_asked_of_the_kind_that_is_recorded() -> None:
    rows = rows_of("lung_cancer present\nproblem_list closed")
    assert [e for e, q in rows.items() if "confirmed by" in q.expected] == [
        "breast_cancer",
        "lung_cancer",
    ]
    assert rows["lung_cancer"].reason == "absent: histology"
    # No list says that something was not examined.
    assert "problem_list" not in rows


def test_one_row_answers_all_orders_of_a_class() -> None:
    rows = rows_of(RECORDS["many orders"])
    assert rows["chemotherapy"].label == "chemotherapy, 3 orders"
    assert rows["chemotherapy"].reason == "only ordered; only ordered: medication_history"
    assert [e for e in rows if ":MedicationRequest" in e] == [
        "endocrine_dates:MedicationRequest/5",
        "gnrh_analogue:MedicationRequest/4",
    ]
    assert "medication_history" not in rows


def test_never_is_not_offered_for_what_is_recorded() -> None:
    rows = rows_of("myocardial_infarction present on 2019-03-01\nliver_metastasis provisional")
    assert rows["myocardial_infarction"].expected == (
        "present since 2019-03; or complete, if there was no more than is recorded or answered"
    )
    provisional = rows["liver_metastasis:Condition/2"]
    assert provisional.label == "liver metastasis, Condition/2 of 2026-11-02"
    assert provisional.expected == "present since 2019-03 or absent"
    assert provisional.reason == "imprecise: malignancy"


def test_the_form_shows_both_limits_as_they_are_typed() -> None:
    screening = screening_of(BOTH_LIMITS)
    content = bundle_of("as of 2026-11-02", screening.compiled.protocol.vocabulary)
    record = record_of(screening, dumps(content).encode())
    (asked,) = closes(screening, record, date(2026, 11, 2))
    assert asked.expected == (
        "a number in U/L with its lower and upper limits of normal, "
        "as in X U/L, LLN Y U/L, ULN Z U/L"
    )


def test_the_form_says_when_a_limit_of_normal_or_a_day_is_needed() -> None:
    rows = rows_of("")
    assert rows["alt"].expected == (
        "a number in U/L with its upper limit of normal, as in X U/L, ULN Y U/L; "
        "or as its multiple, as in 1.2 x ULN"
    )
    assert rows["plt"].expected.endswith("; dated within 14 days")


# ---- conditions with kinds -----------------------------------------------------------------------

KINDS = """\
protocol kinds
  title Conditions that are kinds of two others
  version 1.0
  uses diabetes, hepatic, digestive, infection, renal

exclude type_1
  > Type 1 diabetes
  type_1_diabetes

include type_2
  > Type 2 diabetes
  type_2_diabetes

exclude low
  > Low blood sugar this year
  hypoglycemia within 1 year

exclude eyes
  > Proliferative retinopathy or neuropathy
  proliferative_diabetic_retinopathy or diabetic_neuropathy

exclude liver
  > Liver disease
  liver_disease

exclude kidney
  > Kidney disease
  kidney_disease
"""
OF_KINDS = {
    "nothing": "",
    "type 2": "type_2_diabetes present",
    "type 2 by what it did": (
        "type_2_diabetic_retinopathy present\ntype_2_diabetic_neuropathy present"
    ),
    "of no type": "diabetic_retinopathy present\nhypoglycemia present on 2019-03-01",
    "liver": "hepatitis_b present\ncirrhosis absent",
    "perhaps": "type_1_diabetic_nephropathy provisional\nliver_disease absent",
}


@pytest.mark.parametrize("facts", OF_KINDS.values(), ids=OF_KINDS)
def test_each_value_of_a_row_of_a_condition_with_kinds_helps(facts: str) -> None:
    screening = screening_of(KINDS)
    elements = elements_of(screening.compiled.protocol)
    content = bundle_of(f"as of 2026-11-02\n{facts}", screening.compiled.protocol.vocabulary)
    record = record_of(screening, dumps(content).encode())
    day = date(2026, 11, 2)
    as_of = as_of_date(record, day)
    assert isinstance(as_of, AsOf)
    before = gaps_of(screening.row(record, as_of))
    for question in closes(screening, record, day):
        for value in values_of(question, elements):
            recent = value.replace("2019-03", "2026-10")  # within the window that is asked for
            after = answered(record, day.isoformat(), elements, [(question.element, recent)])
            left = gaps_of(screening.row(after, as_of))
            assert before - left, (question, value)


def test_a_form_asks_for_the_kinds_of_what_is_asked_alone() -> None:
    screening = screening_of(KINDS.partition("include type_2")[0])
    content = bundle_of(
        "as of 2026-11-02\ntype_2_diabetic_retinopathy present",
        screening.compiled.protocol.vocabulary,
    )
    record = record_of(screening, dumps(content).encode())
    rows = {q.element: q for q in closes(screening, record, date(2026, 11, 2))}
    assert list(rows) == ["problem_list", "type_1_diabetes"]
    assert rows["type_1_diabetes"].label == "type 1 diabetes mellitus (and 7 kinds)"
    assert rows["type_1_diabetes"].expected.endswith("; never settles the kinds too")
