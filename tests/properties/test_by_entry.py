"""The facts of a store by entry are those of its records, in their order."""

from __future__ import annotations

from pathlib import Path

import pytest

from protocol_logic.records.facts import Fact
from protocol_logic.records.store.by_entry import NEVER, OTHER_TEXT
from protocol_logic.records.store.reading import Store
from tests.stores import SHARED, made_up, names_in, protocol_of, read_from, records_in

pytest.importorskip("duckdb", reason="needs the extra `cohort`")

PROTOCOLS = ("anlotinib_fulvestrant", "plinabulin")


def dated(fact: Fact) -> tuple[int, str] | None:
    """The first day of a fact with its text, where it can be the oldest."""
    if fact.date is None or fact.date.first.toordinal() == 1:
        return None
    return fact.date.first.toordinal() - 719163, fact.date.text


def check(path: Path) -> int:
    compared = 0
    with Store(path) as store:
        assert store.is_by_entry()
        texts, names = store.day_texts(), names_in(store)
        for protocol in map(protocol_of, PROTOCOLS):
            gatherer = store.gatherer(protocol.codings)
            records = list(records_in(store, gatherer))
            shard = store.shard(gatherer, 1, len(records))
            for entry in gatherer.numbers:
                found = shard.facts(entry, ["resource", "dated"])
                rows = zip(found["patient"], found["resource"], found["dated"], strict=True)
                got = [(int(p), names[int(p) + 1, int(r)], int(d)) for p, r, d in rows]
                meant = [
                    (patient, fact.resource, dated(fact))
                    for patient, record in enumerate(records[1:])
                    for fact in record.facts
                    if fact.entry == entry
                ]
                assert len(got) == len(meant)
                for (*its, written), (*place, day) in zip(got, meant, strict=True):
                    assert its == place
                    if day is None:
                        assert written == NEVER
                    else:
                        iso = day[1] if len(day[1]) <= 10 else None
                        first, kind = divmod(written, OTHER_TEXT)
                        assert first == day[0]
                        assert texts.get(kind, iso) == day[1]
                        assert kind == (10, 7, 4)[::-1].index(len(iso)) if iso else kind > 2
                    compared += 1
    return compared


def test_those_that_are_made_up(tmp_path: Path) -> None:
    made_up(tmp_path / "made.duckdb", PROTOCOLS[0], 40)
    assert check(tmp_path / "made.duckdb") > 500


@pytest.mark.parametrize("name", ["pysynthea-breast-r4", "mcode-synthea-cancer"])
def test_those_of_real_records(tmp_path: Path, name: str) -> None:
    if not (SHARED / name).exists():
        pytest.skip("needs ../shared")
    read_from(tmp_path / "real.duckdb", SHARED / name, 3)
    assert check(tmp_path / "real.duckdb") > 20
