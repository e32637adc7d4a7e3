"""A value as a person writes it: what it says of an entry, and what is refused."""

from __future__ import annotations

from fractions import Fraction

import pytest

from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.foundation.interval import Interval
from protocol_logic.knowledge.vocabulary import Age, Entry, Quantity
from protocol_logic.records.facts import (
    Born,
    Closed,
    ConditionStated,
    Done,
    Happened,
    LesionSize,
    Measured,
    NotTaken,
    Reading,
    Stated,
    Therapy,
)
from protocol_logic.records.quantities import Unreadable
from protocol_logic.records.values import expected, read_limit, read_value
from tests.unit.records.build import point
from tests.unit.records.vocabulary import VOCABULARY


def entry(name: str) -> Entry:
    return VOCABULARY.entries[name]


def day(text: str) -> PartialDate:
    return PartialDate.parse(text)


def stated(value: str) -> Stated:
    return Stated(frozenset({value}))


@pytest.mark.parametrize(
    ("name", "text", "reading"),
    [
        ("platelets", "88 10*9/L", Measured(point("88"))),
        ("platelets", "  88000   /uL ", Measured(point("88"))),
        ("hemoglobin", "8.8 g/dL", Measured(point("88"))),
        # 5.58 mmol/L x 16.114 g/L is 89.91612 g/L, exactly
        ("hemoglobin", "5.58 mmol/L", Measured(point("89.91612"))),
        (
            "bilirubin",
            "< 0.5 mg/dL",
            Measured(Interval(Fraction(0), True, Fraction("8.552"), False)),
        ),
        ("life_expectancy", ">= 12 wk", Measured(Interval.at_least(84))),
        ("life_expectancy", "12 weeks", Measured(point("84"))),
        ("ecog", "1", Measured(point("1"))),
        ("ecog", "<=1", Measured(Interval(Fraction(0), True, Fraction(1), True))),
        ("er", "Positive", stated("positive")),
        ("er", "1 %", stated("positive")),
        ("er", "< 1 %", stated("negative")),
        ("er", "< 5 %", Stated(frozenset({"positive", "negative"}))),
        ("stage", "3a", stated("3A")),
        ("sex", "FEMALE", stated("female")),
        ("birth_date", "1960-05", Born(PartialDate.parse("1960-05"))),
        ("breast_cancer", "present", ConditionStated("present")),
        ("breast_cancer", "Absent", ConditionStated("absent")),
        ("breast_cancer", "unknown", ConditionStated("unknown")),
        (
            "breast_cancer",
            "confirmed by histology",
            ConditionStated("present", confirmed=True, evidence=frozenset({"histology"})),
        ),
        ("oophorectomy", "done", Done(None)),
        ("oophorectomy", "done both", Done("both")),
        (
            "chemotherapy",
            "2021-01-01 to 2023-05 palliative",
            Therapy(day("2021-01-01"), day("2023-05"), ongoing=False, intent="palliative"),
        ),
        ("chemotherapy", "2024-03 ongoing", Therapy(day("2024-03"), None, True, None)),
        ("chemotherapy", "from 2024-03", Therapy(day("2024-03"), None, True, None)),
        ("chemotherapy", "from 2024-03 adjuvant", Therapy(day("2024-03"), None, True, "adjuvant")),
        ("chemotherapy", "curative from 2024-03", Therapy(day("2024-03"), None, True, "curative")),
        ("chemotherapy", "2024-03 to ?", Therapy(day("2024-03"), None, False, None)),
        ("chemotherapy", "? to 2024-03", Therapy(None, day("2024-03"), False, None)),
        ("chemotherapy", "not taken", NotTaken()),
        ("relapse", "2024-03", Happened(PartialDate.parse("2024-03"))),
        ("consent", "signed", stated("signed")),
        ("consent", "refused", stated("refused")),
        ("medication_history", "complete", Closed()),
        ("lesion", "longest 1.2 cm", LesionSize((("longest", point("12")),), None, None)),
        (
            "lesion",
            "longest 12 mm, short 8 mm at node by ct",
            LesionSize((("longest", point("12")), ("short", point("8"))), "node", "ct"),
        ),
        (
            "lesion",
            "longest 12 mm at other",
            LesionSize((("longest", point("12")),), "other", None),
        ),
    ],
)
def test_values(name: str, text: str, reading: Reading) -> None:
    assert read_value(entry(name), text) == reading


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("platelets", "88", "`88` has no unit; expected is a number in `10*9/L`"),
        ("platelets", "88 kg", "its unit `kg` is none of"),
        ("platelets", "88 K/uL", "its unit `K/uL` is none of"),
        ("platelets", "88 10*9/l", "its unit `10*9/l` is none of"),
        ("hemoglobin", "8.8g/dL", "a blank stands between the number and its unit"),
        ("hemoglobin", "8,8 g/dL", "a comma in a number could mean two things"),
        ("hemoglobin", "≥ 90 g/L", "the comparators are `<`, `<=`, `>` and `>=`"),
        ("hemoglobin", "high", "`high` cannot be read; expected is a number in `g/L`"),
        ("hemoglobin", "", "`` cannot be read"),
        ("hemoglobin", "unknown", "`unknown` cannot be read"),
        ("hemoglobin", "1e400 g/L", "the number `1e400` cannot be read"),
        ("hemoglobin", "NaN g/L", "cannot be read"),
        ("hemoglobin", "8.8.8 g/L", "the number `8.8.8` cannot be read"),
        ("hemoglobin", "< 0 g/L", "it would be below zero"),
        ("hemoglobin", "88 g/L today", "cannot be read"),
        ("er", "maybe", "`maybe` is no value of it; expected is `positive` or `negative`"),
        ("er", "50", "`50` has no unit"),
        ("sex", "f", "expected is `female` or `male`"),
        (
            "breast_cancer",
            "yes",
            "expected is `present`, `present since 2019-03`, `absent`, `unknown`",
        ),
        ("breast_cancer", "confirmed by imaging", "is no value of it"),
        (
            "oophorectomy",
            "absent",
            "expected is `done`, `done left`, `done right`, `done both`, `never` or `complete`",
        ),
        ("chemotherapy", "2021", "is no value of it; expected is dates as in"),
        ("chemotherapy", "from ?", "has no date"),
        ("chemotherapy", "2023 to 2021", "ends before it starts"),
        ("chemotherapy", "? to ?", "has no date"),
        ("chemotherapy", "2021 to 2023 curing", "`curing` is no intent"),
        ("medication_history", "yes", "expected is `complete`"),
        ("lesion", "12 mm", "is no value of it"),
        ("lesion", "longest 12", "`12` has no unit"),
        ("lesion", "longest 12 mm at liver", "`liver` is no site of it; expected is `node`"),
        ("lesion", "longest 12 mm, longest 13 mm", "is no value of it"),
    ],
)
def test_refused(name: str, text: str, message: str) -> None:
    with pytest.raises(Unreadable) as refused:
        read_value(entry(name), text)
    assert message in refused.value.message
    assert refused.value.code == (
        "unreadable-date" if "ends before" in message else "unreadable-value"
    )
    assert refused.value.message.count("`") % 2 == 0


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("ecog", "7", "implausible-value"),
        ("birth_date", "30/10/1960", "unreadable-date"),
        ("birth_date", "1960-02-30", "unreadable-date"),
        ("birth_date", "0000", "unreadable-date"),
        ("birth_date", "1960-05-01T10:00", "unreadable-date"),
    ],
)
def test_code_of_a_refusal(name: str, text: str, code: str) -> None:
    with pytest.raises(Unreadable) as refused:
        read_value(entry(name), text)
    assert refused.value.code == code


def test_an_age_is_no_value() -> None:
    age = Age(name="age", element="birth_date", label="age", of="birth_date")
    with pytest.raises(Unreadable, match="counted from the date `birth_date`"):
        read_value(age, "40")


@pytest.mark.parametrize("name", [e.name for e in VOCABULARY.entries.values()])
def test_every_entry_says_what_it_expects(name: str) -> None:
    assert expected(entry(name))


def test_upper_limits() -> None:
    alt, bilirubin = entry("alt"), entry("bilirubin")
    assert isinstance(alt, Quantity)
    assert isinstance(bilirubin, Quantity)
    assert read_limit(alt, "40 U/L") == 40
    # 1 mg/dL is 17.104 umol/L
    assert read_limit(bilirubin, "1 mg/dL") == Fraction("17.104")
    for text in ("40", "< 40 U/L", "0 U/L", "-1 U/L", "normal"):
        with pytest.raises(Unreadable):
            read_limit(alt, text)
