"""Observations: seed_cases/README.md, sections 1, 2 and 5."""

from fractions import Fraction
from typing import Any

import pytest

from protocol_logic.foundation.interval import Interval
from protocol_logic.records.facts import (
    Account,
    ConditionStated,
    LesionSize,
    Limit,
    Measured,
    Stated,
)
from tests.unit.records.build import (
    Json,
    codes,
    concept,
    observation,
    only,
    point,
    quantity,
    read,
    reading,
)
from tests.unit.records.vocabulary import AJCC, LOCAL, LOINC, SNOMED

FEMALE, MALE = concept("248152002"), concept("248153007")
MEANING = "http://terminology.hl7.org/CodeSystem/referencerange-meaning"
F = Fraction


def measured(code: str, **content: Any) -> tuple[Interval | None, list[str]]:
    """The number that an observation gives, and the codes of its problems."""
    found, problems = reading(observation(code, **content))
    assert isinstance(found, Measured)
    return found.value, problems


def limits(*ranges: Json, **content: Any) -> tuple[tuple[Limit, ...], list[str]]:
    """The upper limits of a creatinine of 90 umol/L with these reference ranges."""
    value = {"valueQuantity": quantity("90", "umol/L"), **content}
    found, problems = reading(observation("14682-9", referenceRange=list(ranges), **value))
    assert isinstance(found, Measured)
    return found.limits, problems


def stated(
    code: str, system: str = LOINC, **content: Any
) -> tuple[frozenset[str] | None, list[str]]:
    found, problems = reading(observation(code, system, **content))
    assert isinstance(found, Stated)
    return found.values, problems


# the fact


def test_the_same_value_in_two_results_is_read_and_told_twice() -> None:
    same = [observation("718-7", id=i, valueQuantity=quantity("88", "kg")) for i in "ab"]
    record = read(*same)
    assert [fact.reading for fact in record.facts] == [Measured(None), Measured(None)]
    assert [p.resource for p in record.problems] == ["Observation/a", "Observation/b"]
    assert {p.code for p in record.problems} == {"unreadable-value"}


def test_a_fact_has_entry_resource_date_and_the_value_as_recorded() -> None:
    fact = only(read(observation("718-7", valueQuantity=quantity("8.80", "g/dL"))))
    assert (fact.entry, fact.resource, fact.recorded) == (
        "hemoglobin",
        "Observation/x",
        "8.80 g/dL",
    )
    assert fact.date is not None
    assert fact.date.text == "2026-01-05"
    assert fact.reading == Measured(point("88"))


def test_the_date_of_a_time_is_taken_as_written() -> None:
    late = observation(
        "718-7",
        valueQuantity=quantity("90", "g/L"),
        effectiveDateTime="2026-01-05T23:30:00-05:00",
    )
    fact = only(read(late))
    assert fact.date is not None
    assert fact.date.text == "2026-01-05"


@pytest.mark.parametrize("status", ["final", "amended", "corrected"])
def test_usable_statuses(status: str) -> None:
    assert (
        len(read(observation("89247-1", status=status, valueInteger=quantity("1")["value"])).facts)
        == 1
    )


@pytest.mark.parametrize("status", ["entered-in-error", "preliminary", "cancelled", None])
def test_other_statuses_are_no_facts(status: str | None) -> None:
    record = read(observation("718-7", status=status, valueQuantity=quantity("90", "g/L")))
    assert (record.facts, codes(record)) == ((), ["not-usable"])
    unknown = read(observation("8480-6", status=status))
    assert unknown.problems == ()
    assert unknown.accounting[0] == Account("Observation", irrelevant=1)


def test_no_date_is_a_problem_that_names_what_is_not_read() -> None:
    record = read(
        observation(
            "718-7",
            effectiveDateTime=None,
            effectiveTiming={"event": ["2026-01-01"]},
            issued="2026-01-01T08:00:00Z",
            valueQuantity=quantity("90", "g/L"),
        )
    )
    assert (record.facts, codes(record)) == ((), ["undated"])
    assert "`effectiveTiming`" in record.problems[0].message
    assert "`issued`" in record.problems[0].message


@pytest.mark.parametrize(
    ("path", "value", "first", "last", "text"),
    [
        ("effectiveInstant", "2026-01-05T23:59:00+02:00", "2026-01-05", "2026-01-05", "2026-01-05"),
        (
            "effectivePeriod",
            {"start": "2026-01-05T08:00:00Z", "end": "2026-01-05T09:00:00Z"},
            "2026-01-05",
            "2026-01-05",
            "2026-01-05",
        ),
        (
            "effectivePeriod",
            {"start": "2026-01-05", "end": "2026-02"},
            "2026-01-05",
            "2026-02-28",
            "2026-01-05/2026-02",
        ),
        ("effectivePeriod", {"start": "2026"}, "2026-01-01", "9999-12-31", "2026/.."),
        ("effectivePeriod", {"end": "2026-01-05"}, "0001-01-01", "2026-01-05", "../2026-01-05"),
    ],
)
def test_instants_and_periods_are_dates_too(
    path: str, value: Any, first: str, last: str, text: str
) -> None:
    fact = only(
        read(
            observation(
                "718-7",
                effectiveDateTime=None,
                **{path: value},
                valueQuantity=quantity("90", "g/L"),
            )
        )
    )
    assert fact.date is not None
    assert (str(fact.date.first), str(fact.date.last), fact.date.text) == (first, last, text)


@pytest.mark.parametrize("period", [{}, "2026", {"start": "x"}, {"start": "2026", "end": "2025"}])
def test_a_period_that_makes_no_sense_is_a_problem(period: object) -> None:
    record = read(
        observation(
            "718-7",
            effectiveDateTime=None,
            effectivePeriod=period,
            valueQuantity=quantity("90", "g/L"),
        )
    )
    assert record.facts == ()
    assert set(codes(record)) == {"unreadable-date"}


def test_a_component_with_a_code_of_its_own_is_a_result() -> None:
    panel = observation(
        "58410-2",
        valueQuantity=None,
        component=[
            component("718-7", valueQuantity=quantity("9", "g/dL")),
            component("777-3", valueQuantity=quantity("80", "10*9/L")),
            component("8480-6", valueQuantity=quantity("120", "mm[Hg]")),
            component("751-8", dataAbsentReason=concept("unknown")),
        ],
    )
    record = read(panel)
    assert [fact.entry for fact in record.facts] == ["hemoglobin", "platelets"]
    assert codes(record) == ["not-usable"]


@pytest.mark.parametrize("date", ["yesterday", "2026-02-30", "05.01.2026", 5, "2026-1-5"])
def test_a_bad_date_is_a_problem_and_no_fact(date: object) -> None:
    record = read(observation("718-7", effectiveDateTime=date, valueQuantity=quantity("90", "g/L")))
    assert (record.facts, codes(record)) == ((), ["unreadable-date"])


def test_data_absent_reason_is_no_fact_and_is_told() -> None:
    record = read(
        observation(
            "718-7",
            dataAbsentReason=concept("not-performed"),
            valueQuantity=quantity("90", "g/L"),
        )
    )
    assert (record.facts, codes(record)) == ((), ["not-usable"])


def test_what_may_change_the_meaning_leaves_the_value_unknown() -> None:
    record = read(
        observation(
            "718-7",
            modifierExtension=[{"url": "http://here.example.org/not", "valueBoolean": True}],
            valueQuantity=quantity("90", "g/L"),
        )
    )
    assert (only(record).reading, codes(record)) == (Measured(None), ["not-read"])


# numbers


@pytest.mark.parametrize(
    ("code", "value", "unit", "expected"),
    [
        ("718-7", "9", "g/dL", "90"),
        ("59260-0", "5", "mmol/L", "80.57"),
        ("2160-0", "102", "umol/L", "102"),  # the unit governs, not the LOINC property
        ("2160-0", "1", "mg/dL", "88.4"),
        ("751-8", "1500", "{cells}/uL", "1.5"),
        ("751-8", "1.5", "10*3/uL", "1.5"),
        ("29463-7", "100", "[lb_av]", "45.359237"),
        ("2160-0", "1.234567890123456789012345e1", "mg/dL", "1091.35801486913580148691298"),
    ],
)
def test_units_convert_exactly(code: str, value: str, unit: str, expected: str) -> None:
    assert measured(code, valueQuantity=quantity(value, unit)) == (point(expected), [])


@pytest.mark.parametrize(
    "value",
    [
        quantity("9", unit="g/dL"),
        quantity("9", "mg/L"),
        {**quantity("9", "g/dL"), "system": "http://example.org/units"},
        {"code": "g/dL"},
        {"value": "9", "code": "g/dL"},
        quantity("9" * 400, "g/dL"),
        quantity("1e400", "g/dL"),
        quantity("9", "g/dL", comparator="~"),
        "9 g/dL",
    ],
)
def test_what_cannot_be_interpreted_is_a_fact_without_value(value: object) -> None:
    assert measured("718-7", valueQuantity=value) == (None, ["unreadable-value"])


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"valueString": "9 g/dL"},
        {"valueInteger": quantity("90")["value"]},
        {"valueBoolean": True},
        {"valueQuantity": quantity("9", "g/dL"), "valueString": "9"},
    ],
)
def test_other_kinds_of_value_cannot_be_interpreted(value: Json) -> None:
    assert measured("718-7", **value) == (None, ["unreadable-value"])


def test_a_missing_ucum_system_is_tolerated() -> None:
    assert measured("718-7", valueQuantity={**quantity("90"), "code": "g/L"})[0] == point("90")


@pytest.mark.parametrize(
    ("comparator", "expected"),
    [
        ("<", Interval(F(0), True, F(80), False)),
        ("<=", Interval(F(0), True, F(80), True)),
        (">", Interval(F(80), False, None, False)),
        (">=", Interval(F(80), True, None, False)),
    ],
)
def test_comparators_give_intervals_from_zero(comparator: str, expected: Interval) -> None:
    value = quantity("8", "g/dL", comparator=comparator)
    fact = only(read(observation("718-7", valueQuantity=value)))
    assert fact.reading == Measured(expected)
    assert fact.recorded == f"{comparator} 8 g/dL"


def test_nothing_is_below_zero() -> None:
    value = quantity("0", "mg/dL", comparator="<")
    assert measured("1975-2", valueQuantity=value) == (None, ["unreadable-value"])
    value = quantity("0", "mg/dL", comparator="<=")
    assert measured("1975-2", valueQuantity=value) == (point("0"), [])


def test_implausible_numbers_are_unknown() -> None:
    implausible = (None, ["implausible-value"])
    assert measured("718-7", valueQuantity=quantity("120", "g/dL")) == implausible
    assert measured("718-7", valueQuantity=quantity("19.9", "g/L")) == implausible
    assert measured("718-7", valueQuantity=quantity("20", "g/L")) == (point("20"), [])
    above = quantity("250", "g/L", comparator=">")
    assert measured("718-7", valueQuantity=above) == implausible
    above = quantity("200", "g/L", comparator=">")
    assert measured("718-7", valueQuantity=above) == (Interval.above(200), [])


def test_scores_are_integers_or_coded_answers() -> None:
    assert measured("89247-1", valueInteger=quantity("2")["value"]) == (point("2"), [])
    coded = concept("LA9624-3", LOINC, display="2")
    assert measured("89247-1", valueCodeableConcept=coded) == (point("2"), [])
    assert measured("89247-1", valueInteger=quantity("1.5")["value"])[1] == ["unreadable-value"]
    assert measured("89247-1", valueInteger=quantity("7")["value"])[1] == ["implausible-value"]
    assert measured("89247-1", valueInteger=True)[1] == ["unreadable-value"]
    assert measured("89247-1", valueCodeableConcept=concept("LA1-1", LOINC)) == (
        None,
        ["unknown-code"],
    )
    both = {"coding": [{"system": LOINC, "code": code} for code in ("LA9622-7", "LA9623-5")]}
    assert measured("89247-1", valueCodeableConcept=both) == (None, ["unreadable-value"])


def test_an_attestation_is_an_interval_or_its_complement() -> None:
    def attested(**value: Any) -> tuple[Any, list[str]]:
        found, problems = reading(observation("life-expectancy-ge-12wk", LOCAL, **value))
        assert isinstance(found, Measured)
        return found.value, problems

    assert attested(valueBoolean=True) == (Interval.at_least(84), [])
    assert attested(valueBoolean=False) == (Interval(F(0), True, F(84), False), [])
    assert attested(valueQuantity=quantity("13", "wk")) == (None, ["unreadable-value"])
    found, problems = reading(
        observation("life-expectancy", LOCAL, valueQuantity=quantity("3", "mo"))
    )
    assert (found, problems) == (Measured(point("91.3125")), [])


# upper limits of normal


def test_a_limit_is_in_its_own_unit_else_in_that_of_the_value() -> None:
    assert limits({"high": quantity("97", "umol/L")})[0] == (Limit(None, F(97), "97 umol/L"),)
    assert limits({"high": quantity("1", "mg/dL")})[0] == (Limit(None, F("88.4"), "1 mg/dL"),)
    assert limits({"high": quantity("97")})[0] == (Limit(None, F(97), "97"),)
    in_mg = {"valueQuantity": quantity("1", "mg/dL")}
    assert limits({"high": quantity("2")}, **in_mg)[0] == (Limit(None, F("176.8"), "2"),)


def test_limits_by_sex() -> None:
    ranges = (
        {"high": quantity("80", "umol/L"), "appliesTo": [FEMALE]},
        {"high": quantity("106", "umol/L"), "appliesTo": [MALE]},
    )
    expected = (Limit("female", F(80), "80 umol/L"), Limit("male", F(106), "106 umol/L"))
    assert limits(*ranges) == (expected, [])
    genders = [
        concept(sex, "http://hl7.org/fhir/administrative-gender") for sex in ("female", "male")
    ]
    by_gender = [{**r, "appliesTo": [g]} for r, g in zip(ranges, genders, strict=True)]
    assert limits(*by_gender) == (expected, [])
    for_both = {"high": quantity("97", "umol/L"), "appliesTo": [FEMALE, MALE]}
    assert limits(for_both) == ((Limit(None, F(97), "97 umol/L"),), [])


def test_ranges_that_are_not_of_normal_values_do_not_count() -> None:
    high = {"high": quantity("97", "umol/L")}
    assert len(limits({**high, "type": concept("normal", MEANING)})[0]) == 1
    assert limits({**high, "type": concept("treatment", MEANING)}) == ((), [])
    assert limits({"text": "40 to 97"}) == ((), [])


def test_both_ends_of_a_range() -> None:
    low, high = quantity("40", "umol/L"), quantity("97", "umol/L")
    lower = Limit(None, F(40), "40 umol/L", "LLN")
    assert limits({"low": low}) == ((lower,), [])
    assert limits({"low": low, "high": high})[0] == (Limit(None, F(97), "97 umol/L"), lower)
    # What keeps a whole range from being read is told once, of each end what is its own.
    assert limits({"low": low, "high": high, "age": {}}) == ((), ["unreadable-value"])
    wrong = quantity("40", "mg/mL")
    assert limits({"low": wrong, "high": high})[1] == ["unreadable-value"]
    assert limits({"low": wrong, "high": wrong})[1] == ["unreadable-value"] * 2


@pytest.mark.parametrize(
    "more",
    [
        {"appliesTo": [concept("77386006")]},  # pregnant
        {"appliesTo": [FEMALE, concept("77386006")]},
        {"appliesTo": [{"text": "women"}]},
        {"age": {"high": quantity("18", "a")}},
        {"type": {"text": "Normal"}},
        {"high": quantity("97", "mg/mL")},
        {"high": {"code": "umol/L"}},
        {"high": quantity("97", "umol/L", comparator="<")},
    ],
)
def test_ranges_that_cannot_be_read_are_skipped_with_a_problem(more: Json) -> None:
    normal = {"high": quantity("90", "umol/L")}
    found, problems = limits({"high": quantity("97", "umol/L"), **more}, normal)
    assert found == (Limit(None, F(90), "90 umol/L"),)
    assert problems == ["unreadable-value"]


def test_an_unreadable_value_keeps_its_readable_limits() -> None:
    ranges = ({"high": quantity("97", "umol/L")}, {"high": quantity("98")})
    found, problems = limits(*ranges, valueQuantity=quantity("90", unit="umol/L"))
    assert found == (Limit(None, F(97), "97 umol/L"),)
    assert problems == ["unreadable-value", "unreadable-value"]


# named values


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (concept("10828004"), {"positive"}),
        (concept("LA6577-6", LOINC), {"negative"}),
        ({"coding": [{"code": "pos"}, concept("10828004")["coding"][0]]}, {"positive"}),
        (
            {"coding": [{"system": SNOMED, "code": code} for code in ("10828004", "260385009")]},
            {"positive", "negative"},
        ),
    ],
)
def test_coded_answers_name_values(answer: Json, expected: set[str]) -> None:
    assert stated("85337-4", valueCodeableConcept=answer) == (frozenset(expected), [])


def test_an_unknown_answer_is_unknown() -> None:
    unknown = (None, ["unknown-code"])
    assert stated("85337-4", valueCodeableConcept=concept("42425007")) == unknown
    assert stated("85337-4", valueCodeableConcept={"text": "positive"}) == unknown
    assert stated("85337-4", valueCodeableConcept=concept("10828004", LOINC)) == unknown


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (quantity("1", "%"), {"positive"}),
        (quantity("0.99", "%"), {"negative"}),
        (quantity("1", "%", comparator="<"), {"negative"}),
        (quantity("1", "%", comparator="<="), {"positive", "negative"}),
        (quantity("0", "%", comparator=">"), {"positive", "negative"}),
        (quantity("5", "%", comparator=">="), {"positive"}),
    ],
)
def test_a_number_names_the_values_of_its_ranges(value: Json, expected: set[str]) -> None:
    assert stated("85329-1", valueQuantity=value) == (frozenset(expected), [])


def test_numbers_and_answers_that_name_no_value() -> None:
    unreadable = (None, ["unreadable-value"])
    assert stated("85329-1", valueQuantity=quantity("5", "1")) == unreadable
    assert stated("85329-1", valueString="positive") == unreadable
    assert stated("85329-1") == unreadable
    assert stated("21908-9", valueQuantity=quantity("3", "1")) == unreadable


def test_the_answer_is_recorded_by_its_display_else_its_code() -> None:
    answer = concept("3A", AJCC, display="Stage IIIA")
    assert only(read(observation("21908-9", valueCodeableConcept=answer))).recorded == "Stage IIIA"
    answer = concept("3A", AJCC)
    assert only(read(observation("21908-9", valueCodeableConcept=answer))).recorded == "3A"


# conditions


@pytest.mark.parametrize(
    ("value", "state", "problems"),
    [
        ({"valueBoolean": True}, "present", []),
        ({"valueBoolean": False}, "absent", []),
        ({"valueCodeableConcept": concept("52101004")}, "present", []),
        ({"valueCodeableConcept": concept("2667000")}, "absent", []),
        ({"valueCodeableConcept": concept("261665006")}, "unknown", ["unknown-code"]),
        ({"valueString": "yes"}, "unknown", ["unreadable-value"]),
        ({}, "unknown", ["unreadable-value"]),
    ],
)
def test_observations_about_conditions(value: Json, state: Any, problems: list[str]) -> None:
    about = observation("94381002", SNOMED, **value)
    assert reading(about) == (ConditionStated(state), problems)


# lesions


def lesion(*components: Json, **content: Any) -> tuple[LesionSize, list[str]]:
    found, problems = reading(observation("21889-1", component=list(components), **content))
    assert isinstance(found, LesionSize)
    return found, problems


def component(code: str, **content: Any) -> Json:
    return {"code": concept(code, LOINC), **content}


def test_lesions_have_sizes_site_and_method() -> None:
    sizes = (
        component("33728-7", valueQuantity=quantity("1.8", "cm")),
        component("33729-5", valueQuantity=quantity("12", "mm")),
    )
    expected = LesionSize((("longest", point("18")), ("short", point("12"))), "node", "ct")
    node, ct = concept("59441001"), concept("77477000")
    assert lesion(*sizes, bodySite=node, method=ct) == (expected, [])


def test_another_site_is_other_and_none_is_none() -> None:
    size = component("33728-7", valueQuantity=quantity("18", "mm"))
    found, problems = lesion(size, bodySite=concept("39607008"))
    assert (found.site, found.method, problems) == ("other", None, [])
    found, problems = lesion(size, bodySite={"text": "axilla"})
    assert (found.site, problems) == (None, ["unknown-code"])


def test_sizes_that_cannot_be_read() -> None:
    unreadable = component("33728-7", valueQuantity=quantity("18", "px"))
    assert lesion(unreadable) == (
        LesionSize((("longest", None),), None, None),
        ["unreadable-value"],
    )
    absent = component("33728-7", dataAbsentReason=concept("unknown"))
    assert lesion(absent) == (LesionSize((), None, None), ["unreadable-value"])
