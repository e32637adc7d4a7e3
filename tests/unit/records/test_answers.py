"""Answers: which rows count, what they make of a record, and what is said of the others."""

from __future__ import annotations

import pickle
from datetime import date
from fractions import Fraction

import pytest

from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.foundation.source import Source
from protocol_logic.foundation.text import guarded, unguarded
from protocol_logic.knowledge.vocabulary import Age, Event, Timepoint, Vocabulary
from protocol_logic.records.answers import Answers
from protocol_logic.records.answers_file import read_answers
from protocol_logic.records.elements import Elements, Unanswerable
from protocol_logic.records.facts import (
    Appointed,
    Attested,
    Closed,
    ConditionStated,
    Fact,
    Happened,
    Limit,
    Measured,
    NotTaken,
    PatientRecord,
    Stated,
    Therapy,
)
from tests.unit.records.build import concept, observation, point, quantity, read, resource
from tests.unit.records.vocabulary import RXNORM, VOCABULARY

HEADER = "patient,element,value,who,when,source"
AS_OF = date(2026, 10, 30)
PROGRESSION = Event(
    name="progression",
    element="progression_date",
    label="progression",
    status="disease_course",
    value="worsened",
)
ENTRIES = Vocabulary({**VOCABULARY.entries, "progression": PROGRESSION})
COMPOSED = {"her2": ("her2_ihc", "her2_fish", "her2_interpretation")}


def found(*rows: str, header: str = HEADER) -> tuple[Answers | None, list[Problem]]:
    """The answers of a file, and its problems by place."""
    problems = Problems()
    file = Source("forms/answers.csv", "\n".join([header, *rows]) + "\n")
    return read_answers(file, Elements(ENTRIES, COMPOSED), problems), problems.sorted()


def answers(*rows: str) -> Answers:
    read, problems = found(*rows)
    assert read is not None
    assert problems == []
    return read


def answered(record: PatientRecord, *rows: str) -> PatientRecord:
    return answers(*rows).apply(record, AS_OF)


def fact_of(record: PatientRecord, entry: str) -> Fact:
    (fact,) = [fact for fact in record.facts if fact.entry == entry]
    return fact


def said(*rows: str) -> list[tuple[str, str | None]]:
    """What is said of rows: the text underlined with its line, the message and the hint."""
    lines = []
    for problem in found(*rows)[1]:
        assert problem.code == "bad-answer"
        assert problem.source is not None
        assert problem.span is not None
        line, _ = problem.source.line_column(problem.span.start)
        text = problem.source.text[problem.span.start : problem.span.end]
        lines.append((f"{line} {text}: {problem.message}", problem.hint))
    return lines


# ---- facts of their own --------------------------------------------------------------------------


def test_an_answer_is_a_fact_with_who_when_and_source() -> None:
    record = answered(read(), "p,ecog,1,Dr Ito,2026-10-29,phone call")
    assert fact_of(record, "ecog") == Fact(
        entry="ecog",
        resource="answers.csv:2",
        date=PartialDate.parse("2026-10-29"),
        recorded="1",
        reading=Measured(point("1")),
        attested=(Attested("ecog", "1", "Dr Ito", "2026-10-29", "phone call"),),
    )


def test_for_the_element_of_an_age_the_birth_date_is_answered() -> None:
    age = Age(name="age", element="years", label="age", of="birth_date")
    elements = Elements(Vocabulary({**VOCABULARY.entries, "age": age}), {})
    assert elements.find("years").entry == VOCABULARY.entries["birth_date"]
    with pytest.raises(Unanswerable, match="is counted from a date"):
        elements.find("age")


def test_an_element_and_the_name_of_its_entry_are_the_same() -> None:
    record = answered(read(), "p,gender,female,w,2026-10-29,", "p,sex,male,w,2026-10-29,")
    assert [f.entry for f in record.facts] == ["sex", "sex"]
    assert {f.date for f in record.facts} == {None}


@pytest.mark.parametrize(
    ("element", "value", "entry", "day", "reading"),
    [
        ("problem_list", "complete", "problem_list", "2026-10-29", Closed()),
        (
            "histology",
            "confirmed",
            "breast_cancer",
            "2026-10-29",
            ConditionStated("present", confirmed=True, evidence=frozenset({"histology"})),
        ),
        # a course counts from its start on, an event has its day beside that of the answer
        (
            "chemotherapy",
            "2024-03 ongoing palliative",
            "chemotherapy",
            "2024-03",
            Therapy(PartialDate.parse("2024-03"), None, True, "palliative"),
        ),
        (
            "relapse_date",
            "2024-03",
            "relapse",
            "2026-10-29",
            Happened(PartialDate.parse("2024-03")),
        ),
    ],
)
def test_kinds_of_answers(element: str, value: str, entry: str, day: str, reading: object) -> None:
    fact = fact_of(answered(read(), f"p,{element},{value},w,2026-10-29,"), entry)
    assert (fact.date and fact.date.text, fact.reading) == (day, reading)


def test_an_event_of_a_status_is_that_status_on_its_day() -> None:
    fact = fact_of(answered(read(), "p,progression_date,2024-03,w,2026-10-29,"), "disease_course")
    assert (fact.date, fact.reading) == (
        PartialDate.parse("2024-03"),
        Stated(frozenset({"worsened"})),
    )


def test_other_patients_are_left_alone() -> None:
    record = read()
    assert answered(record, "q,ecog,1,w,2026-10-29,") is record


def test_an_answer_after_the_day_is_not_seen() -> None:
    record = answered(read(), "p,ecog,1,w,2026-11-02,")
    assert record.facts == ()
    (problem,) = record.problems
    assert (problem.code, problem.resource) == ("answer-not-used", "answers.csv:2")
    assert problem.message.endswith("it is dated 2026-11-02, after the as-of date")


def test_facts_stay_in_order_whatever_the_file() -> None:
    rows = ["p,ecog,1,w,2026-10-29,", "p,er,positive,w,2026-10-29,"]
    first = answered(read(observation("1742-6", valueQuantity=quantity("30", "U/L"))), *rows)
    assert [f.resource for f in first.facts] == ["Observation/x", "answers.csv:2", "answers.csv:3"]


def test_answers_go_to_worker_processes() -> None:
    read_ = answers("p,ecog,1,w,2026-10-29,")
    assert pickle.loads(pickle.dumps(read_)) == read_


# ---- more of what a resource says ----------------------------------------------------------------


ALT = observation("1742-6", valueQuantity=quantity("30", "U/L"))
OLD_ALT = {**ALT, "id": "old", "effectiveDateTime": "2025-01-05"}
ATTESTED = (Attested("reference_range:alt", "40 U/L", "w", "2026-10-29", ""),)


def test_the_newest_result_without_a_limit_gets_it() -> None:
    record = answered(read(ALT, OLD_ALT), "p,reference_range:alt,40 U/L,w,2026-10-29,")
    newest, old = (next(f for f in record.facts if f.resource.endswith(i)) for i in ("x", "old"))
    assert newest.reading == Measured(point("30"), (Limit(None, Fraction(40), "40 U/L"),))
    assert newest.attested == ATTESTED
    assert (old.reading, old.attested) == (Measured(point("30")), ())


def test_a_limit_is_for_results_until_the_day_of_the_answer() -> None:
    record = answered(read(ALT, OLD_ALT), "p,reference_range:alt,40 U/L,w,2025-06,")
    assert [f.resource for f in record.facts if f.attested] == ["Observation/old"]


def test_a_named_result_gets_the_limit_in_place_of_its_own() -> None:
    ranged = {**ALT, "referenceRange": [{"high": quantity("50", "U/L")}]}
    row = "p,reference_range:alt{},40 U/L,w,2026-10-29,"
    unchanged = answered(read(ranged), row.format(""))
    assert [p.code for p in unchanged.problems] == ["answer-not-used"]
    assert "the newest result states a limit" in unchanged.problems[0].message
    fact = fact_of(answered(read(ranged), row.format(":Observation/x")), "alt")
    assert fact.reading == Measured(point("30"), (Limit(None, Fraction(40), "40 U/L"),))


def test_a_limit_without_a_result() -> None:
    record = answered(read(), "p,reference_range:alt,40 U/L,w,2026-10-29,")
    assert "there is no result of it until 2026-10-29" in record.problems[0].message


CHEMO = resource(
    "MedicationStatement",
    status="completed",
    medicationCodeableConcept=concept("56946", RXNORM),
    effectivePeriod={"start": "2024-03"},
)


def test_intent_and_dates_of_one_record() -> None:
    record = answered(
        read(CHEMO),
        "p,treatment_intent:MedicationStatement/x,palliative,w,2026-10-29,letter",
        "p,chemotherapy:MedicationStatement/x,2024-03-05 to 2024-06-01,w,2026-10-29,chart",
    )
    fact = fact_of(record, "chemotherapy")
    start = PartialDate.parse("2024-03-05")
    end = PartialDate.parse("2024-06-01")
    assert fact.reading == Therapy(start, end, ongoing=False, intent="palliative")
    assert fact.date == start
    assert [a.source for a in fact.attested] == ["letter", "chart"]
    assert fact.resource == "MedicationStatement/x"


def test_an_order_that_was_not_taken() -> None:
    order = resource(
        "MedicationRequest",
        status="active",
        intent="order",
        authoredOn="2024-03-05",
        medicationCodeableConcept=concept("56946", RXNORM),
    )
    row = "p,chemotherapy:MedicationRequest/x,not taken,w,2026-10-29,"
    fact = fact_of(answered(read(order), row), "chemotherapy")
    assert (fact.reading, len(fact.attested)) == (NotTaken(), 1)


def test_a_result_that_could_not_be_read_is_replaced_with_its_limits() -> None:
    unreadable = observation(
        "1742-6",
        valueQuantity=quantity("30"),
        referenceRange=[{"high": quantity("40", "U/L")}],
    )
    row = "p,alt:Observation/x,31 U/L,w,2026-10-29,"
    fact = fact_of(answered(read(unreadable), row), "alt")
    assert fact.reading == Measured(point("31"), (Limit(None, Fraction(40), "40 U/L"),))
    assert fact.date == PartialDate.parse("2026-01-05")


def test_a_provisional_condition_is_confirmed() -> None:
    provisional = resource(
        "Condition",
        code=concept("254837009"),
        recordedDate="2026-01-05",
        verificationStatus={"coding": [{"code": "provisional"}]},
        evidence=[{"code": [concept("252416005")]}],
    )
    row = "p,breast_cancer:Condition/x,present,w,2026-10-29,"
    fact = fact_of(answered(read(provisional), row), "breast_cancer")
    assert isinstance(fact.reading, ConditionStated)
    assert (fact.reading.state, fact.reading.confirmed) == ("present", True)
    assert fact.reading.evidence == {"histology"}


def test_the_day_of_a_recorded_relapse() -> None:
    relapse = resource(
        "Condition",
        code=concept("254837009"),
        recordedDate="2026-01-05",
        clinicalStatus={"coding": [{"code": "relapse"}]},
        onsetDateTime="2025",
    )
    row = "p,relapse_date:Condition/x,2025-04-01,w,2026-10-29,"
    fact = fact_of(answered(read(relapse), row), "breast_cancer")
    assert isinstance(fact.reading, ConditionStated)
    assert fact.reading.onset == PartialDate.parse("2025-04-01")
    assert fact.reading.clinical == "relapse"


def test_a_resource_that_is_not_there() -> None:
    record = answered(read(ALT), "p,alt:Observation/y,31 U/L,w,2026-10-29,")
    assert [f.attested for f in record.facts] == [()]
    assert "`Observation/y` says nothing of it in the record" in record.problems[0].message


def test_of_several_answers_about_a_resource_the_newest_counts() -> None:
    rows = [
        "p,alt:Observation/x,31 U/L,w,2026-10-29,",
        "p,alt:Observation/x,32 U/L,w,2026-10-28,",
    ]
    assert fact_of(answered(read(ALT), *rows), "alt").reading == Measured(point("31"))


# ---- rows that cannot be used --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "message", "hint"),
    [
        (
            "p,ecogg,1,w,2026-10-29,",
            "2 ecogg: `ecogg` is not known as an element",
            "did you mean `ecog`?",
        ),
        (
            "p,her2,positive,w,2026-10-29,",
            "2 her2: `her2` is not recorded but decided from others",
            "give what it rests on: `her2_ihc`, `her2_fish` or `her2_interpretation`",
        ),
        (
            "p,measurable_lesion,1,w,2026-10-29,",
            "2 measurable_lesion: `measurable_lesion` is the element of more than one entry",
            "give `lesion` or `lesion_count`",
        ),
        (
            "p,treatment_intent,adjuvant,w,2026-10-29,",
            "2 treatment_intent: `treatment_intent` does not say of which medication record",
            "write `treatment_intent:MedicationStatement/ID`, as the gaps of a row name it",
        ),
        (
            "p,treatment_intent:MedicationStatement/x,curing,w,2026-10-29,",
            "2 curing: `treatment_intent:MedicationStatement/x`: `curing` is no intent; one is "
            "`adjuvant`, `neoadjuvant`, `palliative` or `curative`",
            None,
        ),
        (
            "p,reference_range:er,1 %,w,2026-10-29,",
            "2 reference_range:er: `er` is no quantity, so it has no limit of normal",
            None,
        ),
        (
            "p,chemotherapy,not taken,w,2026-10-29,",
            "2 not taken: `chemotherapy`: `not taken` is said of one record; that there was "
            "none, by `never`, and that there was no more, by `complete`",
            None,
        ),
        (
            "p,hemoglobin,88,w,2026-10-29,",
            "2 88: `hemoglobin`: `88` has no unit; "
            "expected is a number in `g/L`, `g/dL` or `mmol/L`",
            None,
        ),
        (
            "p,ecog,7,w,2026-10-29,",
            "2 7: `ecog`: `7` is implausible, expected is at least 0 and at most 5",
            None,
        ),
        (
            "p,ecog,1,w,29.10.2026,",
            "2 29.10.2026: `when`: `29.10.2026` is not a date; dates are `YYYY-MM-DD`, `YYYY-MM` "
            "or `YYYY`",
            None,
        ),
        (
            "p,ecog,1,,2026-10-29,",
            "2 ,: `who` is empty",
            "who answered is kept with the answer",
        ),
        ("p,ecog,1,w,,", "2 ,: `when` is empty", None),
        (",ecog,1,w,2026-10-29,", "2 ,: `patient` is empty", None),
        (
            "p,ecog,1,w,2026-10-29,=HYPERLINK(0)",
            "2 =HYPERLINK(0): `source` begins like a formula",
            "write the text itself",
        ),
        (
            "p,ecog,1,w\u200b,2026-10-29,",
            "2 w\u200b: `who` holds `\\u200b`, a character that cannot be seen",
            None,
        ),
        (
            "p,ecog,1,w,2026-10-29,chart, page 2",
            "2 p,ecog,1,w,2026-10-29,chart, page 2: 7 cells, but the header has 6",
            "a cell with a comma in it stands in double quotes",
        ),
    ],
)
def test_bad_rows(row: str, message: str, hint: str | None) -> None:
    assert said(row, "p,er,positive,w,2026-10-29,") == [(message, hint)]
    read_, _ = found(row, "p,er,positive,w,2026-10-29,")
    assert read_ is not None
    assert [a.line for each in read_.by_patient.values() for a in each] == [3]


def test_all_that_is_wrong_with_a_row_is_told() -> None:
    messages = [message for message, _ in said("p,ecogg,1,,soon,", ",ecog,x,w,2026-10-29,")]
    assert [message.split(":")[0] for message in messages] == [
        "2 ecogg", "2 ,", "2 soon", "3 ,", "3 x",
    ]  # fmt: skip


def test_rows_that_say_the_same_or_contradict_each_other() -> None:
    row = "p,ecog,1,w,2026-10-29,"
    assert said(row, row) == [(f"3 {row}: it says the same as line 2", None)]
    # different values of one day are facts that differ, as in a record
    assert said(row, "p,ecog,2,w,2026-10-29,") == []
    assert said("p,alt:Observation/x,1 U/L,w,2026,", "p,alt:Observation/x,2 U/L,w,2026,") == [
        (
            "3 p,alt:Observation/x,2 U/L,w,2026,: it contradicts line 2 of the same day",
            "of several answers about one resource the newest counts",
        )
    ]


def test_rows_of_a_form_that_are_not_filled_in_are_counted() -> None:
    read_ = answers("p,ecog,,,,", ",,,,,", "", "p,er,positive,w,2026-10-29,")
    assert (read_.unanswered, len(read_.by_patient["p"])) == (1, 1)


def test_columns_of_any_order_and_others_after_them() -> None:
    read_, problems = found(
        'ecog,"x, y",1,2026-10-29,w,p,', header="element,label,value,when,who,patient,source"
    )
    assert problems == []
    assert read_ is not None
    assert list(read_.by_patient) == ["p"]


def test_windows_line_ends() -> None:
    problems = Problems()
    text = f"{HEADER}\r\np,ecog,1,w,2026-10-29,\r\n"
    read_ = read_answers(Source("a.csv", text), Elements(VOCABULARY, {}), problems)
    assert problems.items == []
    assert read_ is not None
    assert read_.by_patient["p"][0].attested.source == ""


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("", "it is empty", "the first line names the columns"),
        (
            "patient;element;value;who;when;source\np;ecog;1;w;2026-10-29;\n",
            "its cells are separated by `;`, not by commas",
            "save it as CSV in UTF-8, with commas",
        ),
        (
            "patient\telement\tvalue\twho\twhen\tsource\n",
            "its cells are separated by tabs, not by commas",
            "save it as CSV in UTF-8, with commas",
        ),
        (
            "patient,element,valeu,who,when,source\n",
            "there is no column `value`",
            "did you mean `valeu`?",
        ),
        ("patient,patient,element\n", "two columns are called `patient`", None),
        (
            f'{HEADER}\np,ecog,"1,w,2026-10-29,\n',
            "it is not CSV: unexpected end of data",
            "save it as CSV in UTF-8, with commas",
        ),
    ],
)
def test_a_file_that_is_no_answers(text: str, message: str, hint: str | None) -> None:
    problems = Problems()
    assert read_answers(Source("a.csv", text), Elements(VOCABULARY, {}), problems) is None
    assert [(p.code, p.message, p.hint) for p in problems.items] == [("bad-answer", message, hint)]


def test_all_missing_columns_are_told() -> None:
    problems = Problems()
    read_answers(Source("a.csv", "patient,value\n"), Elements(VOCABULARY, {}), problems)
    assert [p.message for p in problems.items] == [
        f"there is no column `{name}`" for name in ("element", "who", "when", "source")
    ]


def test_patients_who_are_none_of_the_run() -> None:
    read_ = answers("p,ecog,1,w,2026-10-29,", "quentin,ecog,1,w,2026-10-29,")
    (problem,) = read_.unknown_patients({"p", "quentina"})
    assert problem.code == "other-patients"
    assert problem.message == "`quentin` is no patient of this run"
    assert problem.hint == "did you mean `quentina`?"
    assert problem.source is not None
    assert problem.span is not None
    assert problem.source.line_column(problem.span.start) == (3, 1)


@pytest.mark.parametrize("text", ["p1", "=1+1", "'=1", "''=1", "'p", "-", "", "@x", "'", "it's"])
def test_what_a_spreadsheet_could_run_is_guarded_and_read_back(text: str) -> None:
    assert not guarded(text).startswith(("=", "+", "-", "@"))
    assert unguarded(guarded(text)) == text


def test_a_guarded_patient_is_the_patient() -> None:
    assert list(answers("'=1+1,ecog,1,w,2026-10-29,").by_patient) == ["=1+1"]


def test_the_day_of_a_time_point_and_two_of_one_day() -> None:
    point = Timepoint(name="first_dose", element="first_dose", label="first dose")
    elements = Elements(Vocabulary({**VOCABULARY.entries, "first_dose": point}), {})
    rows = (
        "p1,first_dose,2026-02-01,nurse,2026-01-10,plan\n"
        "p1,first_dose,2026-02,nurse,2026-01-11,plan\n"
        "p1,first_dose,2026-02-03,nurse,2026-01,plan\n"
        "p1,first_dose,2026-02-05,nurse,2026-01-10,plan\n"
    )
    problems = Problems()
    text = f"patient,element,value,who,when,source\n{rows}"
    answers = read_answers(Source("answers.csv", text), elements, problems)
    assert [problem.message for problem in problems.sorted()] == [
        "`first_dose`: `2026-02` is no single day; write it as `YYYY-MM-DD`",
        "when the day of a time point was said needs a day",
        "it contradicts line 2 of the same day",
    ]
    assert answers is not None
    (answer,) = answers.by_patient["p1"]
    assert answer.said == Appointed(date(2026, 2, 1))
