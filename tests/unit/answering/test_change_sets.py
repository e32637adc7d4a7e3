"""Change sets, their reverse, and margins: each derived by hand."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import TypeAlias

from protocol_logic.answering.what_if.change_sets import ChangeFinder, ChangeSets
from protocol_logic.answering.what_if.conditions import condition_ids
from protocol_logic.answering.what_if.margins import margins_of
from protocol_logic.compiling.changing import Said, changes_of
from protocol_logic.findings.rows import PatientFindings
from protocol_logic.foundation.calendar import PartialDate
from protocol_logic.foundation.interval import Interval
from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.pipeline import Compiled, compile_source, findings_of
from protocol_logic.reasoning.engine import Engine
from protocol_logic.records.facts import (
    Born,
    Closed,
    ConditionStated,
    Fact,
    Limit,
    Measured,
    PatientRecord,
    Reading,
    Stated,
)

AS_OF = date(2026, 1, 15)
USES = "protocol trial\n  uses demographics, performance, oncology.breast, labs, renal\n\n"
Sets: TypeAlias = list[tuple[tuple[str, ...], tuple[str, ...]]]


def criterion(name: str, *lines: str, verb: str = "include") -> str:
    return f"{verb} {name}\n  > {name};\n" + "".join(f"  {line}\n" for line in lines) + "\n"


def fact(entry: str, reading: Reading) -> Fact:
    day = PartialDate.parse("2026-01-10")
    return Fact(entry=entry, resource=f"X/{entry}", date=day, recorded="some", reading=reading)


def said(entry: str, value: str) -> Fact:
    return fact(entry, Stated(frozenset([value])))


def number(entry: str, value: str) -> Fact:
    return fact(entry, Measured(Interval.point(Fraction(value))))


def born(day: str) -> Fact:
    return fact("birth_date", Born(PartialDate.parse(day)))


NO_DISEASE = fact("problem_list", Closed())


class Patient:
    def __init__(self, text: str, *facts: Fact, most: int = 1000, change: Said | None = None):
        problems = Problems()
        found = compile_source(Source("trial.elig", USES + text), problems)
        assert found is not None, problems.items
        self.compiled: Compiled = found
        record = PatientRecord(patient="p", source="p.json", index_date=None, facts=facts)
        self.found: PatientFindings = findings_of(found, record, AS_OF)
        engine = Engine(found.protocol, found.plan, found.program)
        changes = changes_of(found.protocol, [] if change is None else [change])
        self.finder = ChangeFinder(found.protocol, found.plan, engine, changes, most)

    @property
    def gaining(self) -> ChangeSets:
        return self.finder.gaining(self.found)

    @property
    def sets(self) -> Sets:
        told = self.gaining
        assert told.complete
        return [(one.flip, one.resolve) for one in told.sets]

    @property
    def losing(self) -> Sets:
        return [(one.flip, one.resolve) for one in self.finder.losing(self.found).sets]


ECOG = criterion("performance", "ecog <= 1")


def test_what_is_made_takes_away_what_it_contradicts() -> None:
    text = criterion("a", "ecog <= 1 or er is positive")
    text += criterion("b", "ecog >= 2 or hemoglobin >= 90 g/L")
    facts = (number("ecog", "3"), said("er", "negative"), number("hemoglobin", "80"))
    assert Patient(text, *facts).sets == [
        (("er is positive",), ()),
        (("ecog <= 1", "hemoglobin >= 90 g/L"), ()),
    ]


def test_a_kind_and_what_it_is_a_kind_of_never_part() -> None:
    text = criterion("liver", "liver_metastasis")
    assert Patient(text, NO_DISEASE).sets == [(("liver_metastasis",), ())]
    text += criterion("spread", "metastasis", verb="exclude")
    assert Patient(text, NO_DISEASE).sets == []


def test_what_is_made_does_not_contradict_itself() -> None:
    text = criterion("liver", "liver_metastasis") + criterion("x", "metastasis", verb="exclude")
    bone = fact("bone_metastasis", ConditionStated("present"))
    assert Patient(text, NO_DISEASE, bone).sets == []


def test_what_still_holds_of_a_finding_that_moves_holds_of_one_value() -> None:
    # Away from stage 3A, the stage is 1A or 2A, and only one of the other two still holds.
    text = criterion("a", "stage in 1A, 2A")
    text += criterion("b", "stage in 1A, 3A or er is positive")
    text += criterion("c", "stage in 2A, 3A or pr is positive")
    facts = (said("stage", "3A"), said("er", "negative"), said("pr", "negative"))
    assert Patient(text, *facts).sets == [
        (("er is positive", "stage in 1A, 2A"), ()),
        (("pr is positive", "stage in 1A, 2A"), ()),
    ]


def test_sets_are_minimal_with_all_that_they_imply() -> None:
    text = criterion(
        "liver",
        "all of",
        "  alt <= 2.5 x ULN, but <= 5 x ULN if liver_metastasis",
        "  ast <= 2.5 x ULN, but <= 5 x ULN if liver_metastasis",
    )
    six = Measured(Interval.point(Fraction(240)), (Limit(None, Fraction(40), "40 U/L"),))
    high = [fact(name, six) for name in ("alt", "ast")]
    # Never a lower limit with the liver metastasis, for which the higher one is enough.
    assert Patient(text, NO_DISEASE, *high).sets == [
        (("alt <= 2.5 x ULN", "ast <= 2.5 x ULN"), ()),
        (("alt <= 5 x ULN", "ast <= 5 x ULN", "liver_metastasis"), ()),
    ]


def test_a_definition_holds_where_a_kind_makes_it_so() -> None:
    text = criterion("advanced", "metastatic") + criterion("liver", "liver_metastasis")
    assert Patient(text, NO_DISEASE).sets == [(("liver_metastasis",), ())]
    text = criterion("advanced", "metastatic") + criterion("receptor", "her2 is negative")
    facts = (NO_DISEASE, said("her2_ihc", "3+"))
    assert Patient(text, *facts).sets == [(("her2 is negative", "metastatic"), ())]


def test_one_value_of_a_decision_takes_away_another() -> None:
    text = criterion("a", "her2 is negative or ecog <= 1")
    text += criterion("b", "her2 is positive or er is positive")
    facts = (said("her2_ihc", "3+"), number("ecog", "2"), said("er", "negative"))
    assert Patient(text, *facts).sets == [
        (("ecog <= 1",), ()),
        (("er is positive", "her2 is negative"), ()),
    ]


def test_what_one_uncertain_fact_decides_needs_no_change() -> None:
    text = ECOG + criterion(
        "blood",
        "any of",
        "  sex is female and hemoglobin >= 120 g/L",
        "  sex is male and hemoglobin >= 130 g/L",
    )
    ill = number("ecog", "3")
    # Sex is not recorded, and never changes; with 140 g/L it does not matter.
    assert Patient(text, ill, number("hemoglobin", "140")).sets == [(("ecog <= 1",), ())]
    # The higher limit includes the lower one: then it does not matter either.
    assert Patient(text, ill, number("hemoglobin", "100")).sets == [
        (("ecog <= 1", "hemoglobin >= 130 g/L"), ())
    ]
    woman = (ill, number("hemoglobin", "100"), said("sex", "female"))
    assert Patient(text, *woman).sets == [(("ecog <= 1", "hemoglobin >= 120 g/L"), ())]


def test_the_sex_of_a_patient_never_changes() -> None:
    text = ECOG + criterion("women", "sex is female")
    for facts in ([said("sex", "male")], []):
        assert Patient(text, number("ecog", "3"), *facts).sets == []
    # But where somebody says that it may have been recorded wrongly.
    wrong = Said("sex", "correct", 10)
    told = Patient(text, number("ecog", "3"), said("sex", "male"), change=wrong)
    assert told.sets == [(("ecog <= 1", "sex is female"), ())]


def test_age_rises_and_does_not_fall() -> None:
    young, old = criterion("grown", "age >= 18 years"), criterion("not_old", "age <= 75 years")
    assert Patient(young, born("2015-01-01")).sets == [(("age >= 18 years",), ())]
    assert Patient(old, born("1940-01-01")).sets == []
    ill = number("ecog", "3")
    assert Patient(ECOG + young, ill).sets == [(("ecog <= 1",), ("age >= 18 years",))]
    assert Patient(ECOG + old, ill).sets == []
    never = criterion("a", "age < 75 years", verb="exclude")
    assert Patient(never, born("1990-01-01")).sets == [(("not age < 75 years",), ())]


def test_a_definition_that_rests_on_what_is_fixed() -> None:
    text = (
        "define fertile\n  label fertile\n  all of\n    sex is female\n"
        "    menopausal_status is premenopausal\n\n"
    )
    woman = (said("sex", "female"), said("menopausal_status", "premenopausal"))
    out = criterion("fertility", "fertile", verb="exclude")
    assert Patient(text + out, *woman).sets == [(("not fertile",), ())]
    man = (said("sex", "male"), said("menopausal_status", "premenopausal"))
    assert Patient(text + criterion("fertility", "fertile"), *man).sets == []


def test_conditions_that_say_the_same_are_told_once() -> None:
    text = criterion("a", "age >= 18 years") + criterion("b", "age > 17 years")
    assert Patient(text, born("2015-01-01")).sets == [(("age >= 18 years",), ())]


def test_eligible_for_one_scope_is_enough() -> None:
    text = "scope arm_a\n  label Arm A\n\nscope arm_b\n  label Arm B\n\n" + ECOG
    text += criterion("a", "er is positive").replace("  >", "  for arm_a\n  >", 1)
    text += criterion("b", "pr is positive").replace("  >", "  for arm_b\n  >", 1)
    facts = (number("ecog", "2"), said("er", "negative"), said("pr", "negative"))
    assert Patient(text, *facts).sets == [
        (("ecog <= 1", "er is positive"), ()),
        (("ecog <= 1", "pr is positive"), ()),
    ]
    # What is enough for one arm is not asked more of for the other.
    well = (number("ecog", "2"), said("er", "positive"), said("pr", "negative"))
    assert Patient(text, *well).sets == [(("ecog <= 1",), ())]


def test_too_many_sets_are_told_by_criterion() -> None:
    text = criterion("a", "er is positive or pr is positive")
    text += criterion("b", "hemoglobin >= 90 g/L or platelets >= 80 10*9/L")
    low = [number("hemoglobin", "80"), number("platelets", "60")]
    facts = (said("er", "negative"), said("pr", "negative"), *low)
    told = Patient(text, *facts, most=3).gaining
    assert len(told.sets) == 3
    assert not told.complete
    assert {name: [one.flip for one in sets] for name, sets in told.alternatives.items()} == {
        "a": [("er is positive",), ("pr is positive",)],
        "b": [("hemoglobin >= 90 g/L",), ("platelets >= 80 10*9/L",)],
    }
    assert len(Patient(text, *facts).sets) == 4


def test_nothing_is_told_of_who_is_not_ineligible() -> None:
    assert Patient(ECOG, number("ecog", "1")).sets == []
    assert Patient(ECOG).sets == []


def test_the_reverse() -> None:
    text = ECOG + criterion("a", "er is positive or pr is positive")
    text += criterion("spread", "metastasis", verb="exclude")
    facts = (number("ecog", "1"), said("er", "positive"), NO_DISEASE)
    told = Patient(text, *facts)
    assert told.losing == [
        (("metastasis",), ()),
        (("not ecog <= 1",), ()),
        (("not er is positive",), ("not pr is positive",)),
    ]
    assert list(told.finder.losing(told.found).alternatives) == ["performance", "a", "spread"]
    assert told.sets == []


def test_conditions_written_alike_have_ids_of_their_own() -> None:
    text = criterion("a", "todo") + criterion("b", "todo") + criterion("c", "er is  positive")
    told = Patient(text)
    ids = list(condition_ids(told.compiled.protocol).values())
    assert ids == ["todo", "todo (b)", "er is positive"]


def test_margins() -> None:
    text = criterion("a", "hemoglobin >= 9 g/dL") + criterion("b", "life_expectancy >= 12 weeks")
    text += criterion("c", "platelets >= 80 10*9/L") + criterion("d", "ecog < 1")
    text += criterion("e", "alt <= 2.5 x ULN or ast <= 100 U/L")
    low = fact("platelets", Measured(Interval.below(Fraction(60))))
    told = Patient(text, number("hemoglobin", "88"), number("life_expectancy", "98"), low)
    margins = margins_of(told.compiled.protocol, told.compiled.plan, told.found)
    assert [(m.condition, m.words, m.holds) for m in margins] == [
        ("hemoglobin >= 9 g/dL", "8.8 g/dL, 0.2 g/dL below the limit (about 2.2 %)", False),
        ("life_expectancy >= 12 weeks", "14 weeks, 2 weeks above the limit (about 16.7 %)", True),
        (
            "platelets >= 80 10*9/L",
            "below 60 10*9/L, at least 20 10*9/L below the limit (25 %)",
            False,
        ),
    ]
    first = margins[0].as_dict()
    assert (first["distance"], first["share"], first["side"]) == ("0.2", "1/45", "below")
    assert first["criteria"] == ["a"]
