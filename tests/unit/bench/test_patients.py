"""Made-up patients: the same for a seed, read as they were made, and in the shares asked for."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from bench.patients import AS_OF, Drawing, Shares
from bench.patients.__main__ import compiled_of, source_of
from bench.patients.as_store import kept_of, numbers_of, write_store
from bench.patients.drawn import Answer, Listed, Result
from protocol_logic.foundation.problems import Problems
from protocol_logic.pipeline import Compiled, Screening, read_records
from protocol_logic.records.facts import Measured
from protocol_logic.records.sources import Document, Unread
from protocol_logic.records.store.gathering import Chosen, gather
from protocol_logic.records.store.knowledge import Knowledge
from protocol_logic.records.store.reading import Store, Stored, entries_in

SEED = "anlotinib_fulvestrant"
PROTOCOLS = (SEED, "actt_covid", "bisoprolol_heart_failure", "ki67_neoadjuvant", "plinabulin")
ROUGH = Shares(0.1, 0.15, 0.1, 0.1, 0.15, prevalence=0.3, noise=2)
PLAIN = Shares(0, 0, 0, 0, 0)

compiled = cache(compiled_of)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_fhir_is_read_as_the_record_that_was_made(name: str) -> None:
    drawing = Drawing(compiled(name), ROUGH, seed=7)
    kinds: set[str] = set()
    for record, line in zip(drawing.records(30), drawing.bundles(30), strict=True):
        assert read(compiled(name), line) == [record]
        kinds.update(type(fact.reading).__name__ for fact in record.facts)
        assert {each.type: each.total for each in record.accounting}["Patient"] == 1
    assert {"Measured", "Stated", "ConditionStated", "Closed", "Born"} <= kinds


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_store_gives_the_records_that_were_made(name: str) -> None:
    protocol = compiled(name)
    knowledge = Knowledge.of([protocol.protocol.vocabulary])
    numbers = numbers_of(protocol, knowledge)
    chosen = Chosen(protocol.codings, {n: numbers[n] for n in entries_in(protocol.codings)})
    for patient, record in Drawing(protocol, ROUGH, seed=7).made(15):
        assert gather(kept_of(patient, record, numbers), chosen) == record


def test_a_store_of_patients_is_screened_as_their_fhir(tmp_path: Path) -> None:
    pytest.importorskip("duckdb")
    drawing = Drawing(compiled(SEED), ROUGH)
    store = tmp_path / "made.duckdb"
    write_store(store, compiled(SEED), source_of(SEED), drawing.made(12))
    with Store(store) as opened:
        gatherer = opened.gatherer(compiled(SEED).codings)
        found = [
            gatherer.record(each) for each in opened.items(gatherer) if isinstance(each, Stored)
        ]
    assert found == list(drawing.records(12))


def read(protocol: Compiled, line: bytes) -> list[object]:
    document = Unread("made", line, None).document()
    assert isinstance(document, Document)
    return list(read_records(protocol, [document], Problems()))


def test_the_same_seed_gives_the_same_bytes_wherever_it_starts() -> None:
    lines = list(Drawing(compiled(SEED), seed=3).bundles(6))
    again = Drawing(compiled(SEED), seed=3)
    assert [*again.bundles(2), *again.bundles(4, first=2)] == lines
    assert list(Drawing(compiled(SEED), seed=4).bundles(6)) != lines


def test_shares_are_as_asked() -> None:
    """Of one result, in many patients: each state is seen in the facts."""
    shares = Shares(0.2, 0.15, 0.1, 0.1, 0.25)
    many = 600
    seen: Counter[str] = Counter()
    for patient in Drawing(compiled(SEED), shares).patients(many):
        results = [
            d for d in patient.drawn if isinstance(d, Result) and d.entry.name == "platelets"
        ]
        newest = [d for d in results if d.day == results[0].day]
        values = [float(d.number) * factor(d) for d in newest if d.number is not None]
        if not results:
            seen["missing"] += 1
        elif results[0].number is None:
            seen["unreadable"] += 1
        elif len(values) > 1:
            seen["conflicting" if min(values) < 80 <= max(values) else "twice"] += 1
        elif results[0].sign or len(results[0].day) < 10:
            seen["imprecise"] += 1
        elif abs(values[0] - 80) < 0.1:
            seen["borderline"] += 1
    for state, share in (
        ("missing", 0.2),
        ("unreadable", 0.1),
        ("conflicting", 0.1),
        ("twice", 0.05),
        ("imprecise", 0.1),
        ("borderline", 0.25),
    ):
        assert seen[state] / many == pytest.approx(share, abs=0.04), state


def factor(result: Result) -> float:
    return float(result.entry.accepts[result.unit])


def test_borderline_values_lie_on_the_limits_of_the_protocol_and_beside_them() -> None:
    found: Counter[str] = Counter()
    for record in Drawing(compiled(SEED), Shares(0, 0, 0, 0, 1)).records(60):
        for fact in record.facts:
            if fact.entry in ("hemoglobin", "alt") and isinstance(fact.reading, Measured):
                value = fact.reading.value
                assert value is not None and value.lo is not None
                for limit in fact.reading.limits[:1] if fact.entry == "alt" else ():
                    ratio = value.lo / limit.value
                    on = "on" if ratio in (2.5, 5) else "beside"
                    found[f"alt {on}"] += abs(ratio - 5) < 0.01 or abs(ratio - 2.5) < 0.01
                if fact.entry == "hemoglobin":
                    side = (value.lo > 90) - (value.lo < 90)
                    found[f"hemoglobin {side}"] += abs(value.lo - 90) < 0.1
    assert found.keys() >= {"alt on", "alt beside", "hemoglobin 0", "hemoglobin 1", "hemoglobin -1"}
    assert min(found.values()) > 3


def test_without_shares_everything_is_recorded_plainly() -> None:
    for patient, record in zip(
        Drawing(compiled(SEED), PLAIN).patients(20),
        Drawing(compiled(SEED), PLAIN).records(20),
        strict=True,
    ):
        assert not record.problems
        kinds = {type(each) for each in patient.drawn}
        assert {Result, Answer, Listed} <= kinds
        assert all(fact.date is None or fact.date.exact for fact in record.facts)
        names = {fact.entry for fact in record.facts}
        assert {"sex", "birth_date", "hemoglobin", "er", "medication_history"} <= names


def test_patients_who_fit_are_found_among_the_others() -> None:
    screening = Screening(compiled(SEED))
    drawing = Drawing(compiled(SEED), Shares(0, 0, 0, 0, 0, fitting=1))
    rows = [screening.screen(record, None).row for record in drawing.records(40)]
    eligible = Counter(row["eligibility"] for row in rows if row is not None)
    assert eligible["eligible"] > 10
    assert {row["as_of"] for row in rows if row is not None} == {AS_OF.isoformat()}


@pytest.mark.parametrize("wrong", [{"missing": 1.5}, {"missing": 0.8, "borderline": 0.3}])
def test_shares_that_are_none(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"share|more than 1"):
        Shares(**wrong)  # type: ignore[arg-type]
