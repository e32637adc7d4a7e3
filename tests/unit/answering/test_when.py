"""The days on which patients become eligible, and stop being so, each derived by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction

from protocol_logic.answering.rows import AsOf
from protocol_logic.answering.what_if.turn_words import TurnWords
from protocol_logic.answering.what_if.when import Timeline, timeline, when_data, when_lines
from protocol_logic.compiling.answerable import elements_of
from protocol_logic.compiling.policies import check_policies
from protocol_logic.findings.rows import Group, PatientFindings, Row
from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.foundation.interval import Interval
from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.pipeline import Compiled, Screening, ahead_of, compile_source
from protocol_logic.records.answers_file import read_answers
from protocol_logic.records.facts import (
    Born,
    Closed,
    ConditionStated,
    Done,
    Fact,
    Measured,
    PatientRecord,
    Reading,
    Stated,
    Therapy,
)

AS_OF = date(2026, 1, 15)
USES = "protocol trial\n  uses demographics, oncology.breast, labs, renal\n\n"


def compiled(text: str, policies: str = "", **dates: date) -> Compiled:
    problems = Problems()
    site = check_policies(Source("site", policies), problems) if policies else None
    found = compile_source(Source("trial.elig", USES + text), problems, site)
    assert found is not None, problems.items
    return replace(found, dates=dates)


def day(text: str) -> PartialDate:
    return PartialDate.parse(text)


def fact(entry: str, when: str | None, reading: Reading) -> Fact:
    on = None if when is None else day(when)
    return Fact(
        entry=entry, resource=f"X/{entry}-{when}", date=on, recorded="some", reading=reading
    )


def number(entry: str, when: str, value: int) -> Fact:
    return fact(entry, when, Measured(Interval.point(Fraction(value))))


def taken(entry: str, start: str, end: str | None, ongoing: bool = False) -> Fact:
    until = None if end is None else day(end)
    return fact(entry, start, Therapy(day(start), until, ongoing, "adjuvant"))


def record(*facts: Fact) -> PatientRecord:
    return PatientRecord(patient="p", source="p.json", index_date=AS_OF, facts=facts)


def ahead(found: Compiled, patient: PatientRecord, as_of: date = AS_OF) -> Timeline:
    """The timeline, each day of which is screened again by the ordinary road."""
    screening = Screening(found)
    line = timeline(ahead_of(found, patient), screening.engine, as_of)
    for period in line.periods:
        for on in (period.first, period.last or period.first + timedelta(days=1000)):
            row = screening.row(patient, AsOf(on, "option"))
            assert row["eligibility"] == period.eligibility, on
    return line


def periods(line: Timeline) -> list[tuple[str, str]]:
    return [(period.first.isoformat(), period.eligibility) for period in line.periods]


def words(line: Timeline) -> list[str]:
    return [each["words"] for each in when_data(line)["changes"]]


def test_born_on_29_february_is_18_on_1_march() -> None:
    found = compiled("include adult\n  > 18 to 65 years\n  age >= 18 years and age <= 65 years\n")
    line = ahead(found, record(fact("birth_date", None, Born(day("2008-02-29")))))
    assert periods(line) == [
        ("2026-01-15", "ineligible"),
        ("2026-03-01", "eligible"),
        ("2074-03-01", "ineligible"),
    ]
    assert words(line) == ["18 years old", "66 years old"]
    assert (line.earliest, line.until) == (date(2026, 3, 1), date(2074, 3, 1))
    data = when_data(line)
    assert data["earliest_eligible"] == "2026-03-01"
    assert data["no_longer_eligible"] == "2074-03-01"
    assert data["periods"][1] == {
        "from": "2026-03-01", "to": "2074-02-28", "eligibility": "eligible",
    }  # fmt: skip


def test_a_birth_date_of_a_month_gives_two_days() -> None:
    found = compiled("include adult\n  > Adults\n  age >= 18 years\n")
    line = ahead(found, record(fact("birth_date", None, Born(day("2008-03")))))
    assert periods(line) == [
        ("2026-01-15", "ineligible"),
        ("2026-03-01", "undetermined"),
        ("2026-03-31", "eligible"),
    ]
    assert words(line) == ["may be 18 years old", "18 years old, whatever the birthday"]


WASHOUT = "exclude recent\n  > Chemotherapy within 28 days\n  chemotherapy within 28 days\n"


def test_a_washout_of_28_days_is_over_on_the_29th_day() -> None:
    line = ahead(
        compiled(WASHOUT),
        record(
            taken("chemotherapy", "2025-12-01", "2026-01-06"),
            fact("medication_history", "2026-01-15", Closed()),
        ),
    )
    # 28 days before 3 February is 6 January, which counts.
    assert periods(line) == [("2026-01-15", "ineligible"), ("2026-02-04", "eligible")]
    assert words(line) == ["28 days are over: since the end of chemotherapy on 2026-01-06"]


def test_a_therapy_that_goes_on_is_never_washed_out() -> None:
    line = ahead(
        compiled(WASHOUT),
        record(
            taken("chemotherapy", "2025-12-01", None, ongoing=True),
            fact("medication_history", "2026-01-15", Closed()),
        ),
    )
    assert periods(line) == [("2026-01-15", "ineligible")]
    assert line.earliest is None
    assert when_lines(when_data(line)) == [
        "Eligible on no day of the next 100 years, if nothing new is recorded.",
        "2026-01-15  ineligible",
    ]


def test_months_end_on_their_anniversary() -> None:
    text = "exclude recent\n  > Oophorectomy\n  oophorectomy within {}\n"
    done = record(
        fact("oophorectomy", "2025-08-31", Done(None)),
        fact("procedure_history", "2026-01-15", Closed()),
    )
    line = ahead(compiled(text.format("12 months")), done)
    assert periods(line) == [("2026-01-15", "ineligible"), ("2026-09-01", "eligible")]
    # February has no 31st: its last day is the last within 6 months.
    line = ahead(compiled(text.format("6 months")), done)
    assert periods(line) == [("2026-01-15", "ineligible"), ("2026-03-01", "eligible")]
    assert words(line) == ["6 months are over: since oophorectomy on 2025-08-31"]


def test_what_shares_a_reading_with_what_changed_is_no_reason() -> None:
    found = compiled(
        "include kidneys\n  > Kidneys\n"
        "  creatinine > 1 mg/dL or creatinine_clearance >= 60 mL/min\n"
    )
    # Of the two results of a day that of 0.9 mg/dL gives 62 * 0.85 / (72 * 0.9) mL/min for each
    # year to 140: 60.2 at 66 years, 59.4 at 67. Creatinine itself stays as it is.
    high = Measured(Interval.point(Fraction("2.2")))
    low = Measured(Interval.point(Fraction("0.9")))
    line = ahead(
        found,
        record(
            fact("sex", None, Stated(frozenset({"female"}))),
            fact("birth_date", None, Born(day("1976-05-14"))),
            fact("creatinine", "2026-01-10", high),
            replace(fact("creatinine", "2026-01-10", low), resource="X/second"),
            number("body_weight", "2026-01-10", 62),
        ),
    )
    assert periods(line) == [("2026-01-15", "eligible"), ("2043-05-14", "undetermined")]
    assert words(line) == ["67 years old: creatinine clearance (Cockcroft-Gault)"]


def test_a_date_of_a_month_is_open_between_its_two_ends() -> None:
    line = ahead(
        compiled("exclude recent\n  > Oophorectomy\n  oophorectomy within 12 months\n"),
        record(
            fact("oophorectomy", "2025-08", Done(None)),
            fact("procedure_history", "2026-01-15", Closed()),
        ),
    )
    assert periods(line) == [
        ("2026-01-15", "ineligible"),
        ("2026-08-02", "undetermined"),
        ("2026-09-01", "eligible"),
    ]
    assert words(line) == [
        "12 months are over: since oophorectomy on 2025-08-01 at the earliest",
        "12 months are over: since oophorectomy on 2025-08-31 at the latest",
    ]


def test_a_course_that_goes_on_reaches_24_months() -> None:
    text = """include late_relapse
  > A relapse after 24 months of endocrine therapy
  there is
    course of endocrine_therapy with intent adjuvant, called adjuvant
    relapse on or after start of adjuvant
    adjuvant lasted >= 24 months at relapse
"""
    line = ahead(
        compiled(text),
        record(
            taken("endocrine_therapy", "2024-05-10", None, ongoing=True),
            fact("medication_history", "2026-01-15", Closed()),
        ),
    )
    # No list closes relapses: an unrecorded one can fit as soon as the course is 24 months long.
    assert periods(line) == [("2026-01-15", "ineligible"), ("2026-05-10", "undetermined")]
    assert words(line) == ["24 months: since the start of endocrine therapy on 2024-05-10"]


def test_what_is_dated_later_counts_from_its_day_on() -> None:
    found = compiled("include blood\n  > Hemoglobin\n  hemoglobin >= 90 g/L\n")
    line = ahead(
        found,
        record(number("hemoglobin", "2026-01-10", 80), number("hemoglobin", "2026-02-20", 95)),
    )
    assert periods(line) == [("2026-01-15", "ineligible"), ("2026-02-20", "eligible")]
    assert words(line) == ["recorded for this day: hemoglobin on 2026-02-20"]
    assert line.until is None


def test_a_result_grows_too_old_for_the_site() -> None:
    text = "include blood\n  > Hemoglobin\n  hemoglobin >= 90 g/L\n"
    site = "policies site\n  title A site\n\npolicy hemoglobin within 28 days\n"
    line = ahead(compiled(text, site), record(number("hemoglobin", "2026-01-10", 95)))
    assert periods(line) == [("2026-01-15", "eligible"), ("2026-02-08", "undetermined")]
    assert words(line) == ["older than the policy allows (28 days): hemoglobin on 2026-01-10"]
    assert when_lines(when_data(line)) == [
        "Eligible now, no more from 2026-02-08 on, if nothing new is recorded.",
        "2026-01-15  eligible",
        "2026-02-08  undetermined: older than the policy allows (28 days): "
        "hemoglobin on 2026-01-10",
        "            blood: met, then unknown",
    ]


def test_a_condition_ends_on_its_day() -> None:
    stated = ConditionStated("present", abated=day("2026-03"))
    line = ahead(
        compiled("exclude lung\n  > Lung metastasis\n  lung_metastasis\n"),
        record(fact("lung_metastasis", "2025-01-01", stated)),
    )
    assert periods(line) == [
        ("2026-01-15", "ineligible"),
        ("2026-03-01", "undetermined"),
        ("2026-03-31", "eligible"),
    ]


def test_each_scope_has_its_own_days() -> None:
    text = """scope arm_a
  label Arm A

scope arm_b
  label Arm B

timepoint first_dose
  label first dose

exclude recent
  for arm_a
  > Oophorectomy within 28 days before the first dose
  oophorectomy within 28 days before first_dose
"""
    line = ahead(
        compiled(text, first_dose=date(2026, 3, 1)),
        record(
            fact("oophorectomy", "2026-02-10", Done(None)),
            fact("procedure_history", "2026-01-10", Closed()),
        ),
    )
    assert periods(line) == [("2026-01-15", "eligible")]
    assert [(m.day, [s.eligibility for s in m.after.scopes]) for m in line.moments] == [
        (date(2026, 2, 10), ["ineligible", "eligible"])
    ]
    # The window ends on the day that the run gives, so no day after that changes anything.
    [change] = when_data(line)["changes"]
    assert change["scopes"] == [{"id": "arm_a", "before": "eligible", "after": "ineligible"}]


def test_a_birthday_moves_a_formula_below_its_limit() -> None:
    text = "include kidneys\n  > Clearance\n  creatinine_clearance >= 60 mL/min\n"
    # (140 - age) x 60 kg x 0.85 / (72 x 1 mg/dL) is 60.2 mL/min at 55 years and 59.5 at 56.
    line = ahead(
        compiled(text),
        record(
            fact("birth_date", None, Born(day("1970-07-01"))),
            fact("sex", None, Stated(frozenset({"female"}))),
            number("body_weight", "2026-01-01", 60),
            number("creatinine", "2026-01-01", 1),
        ),
    )
    assert periods(line) == [("2026-01-15", "eligible"), ("2026-07-01", "ineligible")]
    assert words(line) == ["56 years old: creatinine clearance (Cockcroft-Gault)"]


def test_what_people_answered_of_a_later_day_counts_from_it_on() -> None:
    found = compiled(
        "include blood\n  > Hemoglobin\n  hemoglobin >= 90 g/L\n\n"
        "include liver\n  > ALT\n  alt <= 2.5 x ULN\n"
    )
    patient = record(
        number("hemoglobin", "2026-01-10", 80),
        number("alt", "2026-01-10", 40),
    )
    text = (
        "patient,element,value,who,when,source\n"
        "p,hemoglobin,95 g/L,w,2026-02-20,\n"
        "p,reference_range:alt,40 U/L,w,2026-02-20,\n"
    )
    problems = Problems()
    answers = read_answers(Source("answers.csv", text), elements_of(found.protocol), problems)
    assert answers is not None, problems.items
    screening = Screening(found, answers)
    line = timeline(ahead_of(found, patient, answers), screening.engine, AS_OF)
    assert periods(line) == [("2026-01-15", "ineligible"), ("2026-02-20", "eligible")]
    for period in line.periods:
        row = screening.screen(patient, period.first).row
        assert row is not None and row["eligibility"] == period.eligibility
    [change] = when_data(line)["changes"]
    assert [each["id"] for each in change["criteria"]] == ["blood", "liver"]


def test_readings_that_change_are_named_in_words() -> None:
    text = "include kidney\n  > Kidney.\n  any of\n    creatinine <= 1.5 x ULN\n"
    text += "    creatinine_clearance >= 60 mL/min\n"
    trial = compiled(text)
    ratio, clearance = (
        trial.plan.findings[n] for n in ("creatinine_per_uln", "creatinine_clearance")
    )

    def found(*rows: tuple[int, int]) -> PatientFindings:
        cells = [
            (
                (ratio.id, frozenset([ratio.cells[i]])),
                (clearance.id, frozenset([clearance.cells[j]])),
            )
            for i, j in rows
        ]
        return PatientFindings(AS_OF, groups=(Group("readings", tuple(map(Row, cells))),))

    words = TurnWords(trial.protocol, trial.plan)
    before = found((0, 0), (1, 1))
    together = words._changes(ratio.id, before, found((0, 1), (1, 0)))
    assert together == "as time passes: which readings of creatinine go together"
    changed = words._changes(ratio.id, before, found((0, 0), (0, 1)))
    assert changed == "as time passes: creatinine x ULN: at most 1.5 x ULN"
