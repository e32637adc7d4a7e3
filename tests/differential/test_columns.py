"""Columns of findings of many patients are what is read of each of them, or say that they are not.

What leaves is read the other way, so a finding that this cannot tell is no fault, but what it tells
has to be the same: looks, openers with their resources, and the oldest evidence.
"""

from __future__ import annotations

import os
import random
from datetime import date
from pathlib import Path

import pytest

from bench.patients import AS_OF
from protocol_logic.compiling.windows import Window
from protocol_logic.records.json_text import parse
from protocol_logic.records.sources import Document
from tests.differential import bundles
from tests.differential.protocols import random_policies, random_protocol
from tests.differential.rough import roughened
from tests.differential.trials import compiled, doubted, policies
from tests.patient_notation import bundle_of
from tests.stores import SHARED, made_up, protocol_of, read_from, store_of

pytest.importorskip("duckdb", reason="needs the extra `cohort`")

from tests.differential.columns import Compared, compare
from tests.many_rows import same_rows
from tests.test_cases import cases_of

MANY = int(os.environ.get("MANY", "12"))
TOLD = ("number", "ratio", "value", "recorded", "age", "derived")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of patients of whom much is missing, imprecise, conflicting or unreadable."""
    path = tmp_path_factory.mktemp("made") / "made.duckdb"
    made_up(path, "anlotinib_fulvestrant", 80)
    return path


@pytest.mark.parametrize("name", ["anlotinib_fulvestrant", "gemcitabine_oxaliplatin"])
def test_those_of_patients_who_are_made_up(made: Path, name: str) -> None:
    found = compare(made, protocol_of(name), AS_OF)
    assert not found.wrong, "\n".join(found.wrong[:5])
    if name == "anlotinib_fulvestrant":
        assert all(found.compared[kind] for kind in TOLD)


def test_whether_a_lesion_is_recorded(made: Path) -> None:
    text = random_protocol(random.Random("a lesion"))
    head = text[: text.index("include criterion_1")]
    told = compiled(f"{head}include lesion\n  > A lesion.\n  measured_lesion is recorded\n")
    found = compare(made, told, AS_OF)
    assert not found.wrong, "\n".join(found.wrong[:5])
    assert found.compared["in_record"]


def test_those_of_evidence_that_is_too_old(made: Path) -> None:
    compiled = protocol_of("anlotinib_fulvestrant")
    windows = {name: Window(14, "days") for name in compiled.protocol.vocabulary.entries}
    found = compare(made, compiled, AS_OF, windows, most=40)
    assert not found.wrong, "\n".join(found.wrong[:5])


@pytest.mark.parametrize("name", ["pysynthea-breast-r4", "mcode-synthea-cancer", "synthea-r4"])
def test_those_of_real_records(tmp_path: Path, name: str) -> None:
    if not (SHARED / name).exists():
        pytest.skip("needs ../shared")
    read_from(tmp_path / "real.duckdb", SHARED / name, 3)
    for protocol in ("anlotinib_fulvestrant", "bisoprolol_heart_failure"):
        for as_of in (None, date(2019, 6, 1)):
            found = compare(tmp_path / "real.duckdb", protocol_of(protocol), as_of)
            assert not found.wrong, "\n".join(found.wrong[:5])
            assert found.compared["value"]
            if name == "pysynthea-breast-r4":  # no intent is stated; chemotherapy may be doubted
                assert found.left["courses"] == found.left["lines"]


def test_those_of_what_is_doubted(tmp_path: Path) -> None:
    """The patients of a document about doubts, all in one store."""
    cases = list(cases_of(Path(__file__).parents[1] / "cases" / "behaviour" / "doubted.md"))
    documents, days = [], list[date]()
    for patient in (patient for case in cases for patient in case.patients):
        bundle = bundle_of(patient.facts, compiled(cases[0].elig).protocol.vocabulary)
        bundle["entry"][0]["resource"]["id"] = f"p{len(days)}"
        text = bundles.dumps(bundle).replace('"Patient/p"', f'"Patient/p{len(days)}"')
        content = parse(text.encode())
        assert isinstance(content, dict)
        documents.append(Document(f"{len(days)}.json", content))
        days.append(date.fromisoformat(bundle["timestamp"][:10]))
    store_of(tmp_path / "doubted.duckdb", documents)
    told, left = 0, 0
    for case in cases:
        found = compare(tmp_path / "doubted.duckdb", compiled(case.elig), days)
        assert not found.wrong, "\n".join(found.wrong[:5])
        told, left = told + found.compared["presence"], left + found.left["presence"]
    assert told > 4 * left > 0


@pytest.fixture(scope="module")
def rough(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[date]]:
    """A store of random records, most of them rough, and the day of judgement of each."""
    path = tmp_path_factory.mktemp("rough") / "rough.duckdb"
    rng, documents, days = random.Random("rough records"), [], []
    for number in range(24):
        bundle, as_of = bundles.random_bundle(rng, number)
        if number % 3:
            bundle = roughened(rng, bundle)
            bundles.blur(rng, bundle)
        content = parse(bundles.dumps(bundle).encode())
        assert isinstance(content, dict)
        documents.append(Document(f"{number}.json", content))
        days.append(as_of)
    store_of(path, documents)
    return path, days


def test_those_of_random_protocols_and_records(rough: tuple[Path, list[date]]) -> None:
    path, days = rough
    found = Compared()
    for case in range(MANY):
        rng = random.Random(f"columns {case}")
        site = policies(random_policies(rng)) if case % 3 == 2 else None
        told = compiled(random_protocol(rng), site)
        told = doubted(case, told) if case % 2 else told
        its = compare(path, told, days, told.windows)
        assert not its.wrong, (case, *its.wrong[:5])
        found.compared += its.compared
        found.left += its.left
        if case % 4 == 2:
            same_rows(path, told, days[case % len(days)])
    for kind in (
        *TOLD,
        "lines",
        "courses",
        "presence",
        "evidence",
        "in_effect",
        "both_sides",
        "in_record",
    ):
        assert found.compared[kind], kind
