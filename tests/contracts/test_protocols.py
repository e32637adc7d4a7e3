"""The protocols of the knowledge base: all their text, no problem, and made files that are true."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.knowledge.resources import protocol_ids, protocol_path
from protocol_logic.language import tree
from protocol_logic.language.parse import criteria, parse
from tests.contracts.command import run
from tools import make_protocols

REPOSITORY = Path(__file__).parents[2]
RECORDS = REPOSITORY.parent / "shared" / "data" / "protocols"
SEED = "anlotinib_fulvestrant"
COMPLETE = [name for name in protocol_ids() if name != SEED]
"""All but the seed, which has the inclusion criteria alone."""


def source(name: str) -> Source:
    path = protocol_path(name)
    assert path is not None
    return Source(path.name, path.read_text(encoding="utf-8"))


# Classes that the protocol means as they are, and that a person has to deny.
OPEN = {
    "vitamin_c_diabetes": ["`liver_disease`", "`pulmonary_disease`", "`bleeding_disorder`"],
    "bisoprolol_heart_failure": ["`valvular_heart_disease` or `congenital_heart_disease`"],
}


def assert_no_problems(name: str, *more: str | Path) -> None:
    done = run("check", name, *more)
    told = re.findall(r"^(\w+\[[\w-]+\].*?)(?:,|$)", done.stdout, re.MULTILINE)
    wanted = [f"notice[open-class]: no list closes {each}" for each in OPEN.get(name, [])]
    assert (done.returncode, told) == (0, wanted), done.stdout + done.stderr


@pytest.mark.parametrize("name", COMPLETE)
def test_no_problems_and_every_sentence_of_the_record_is_quoted(name: str) -> None:
    registry = make_protocols.compiled(name)[0].protocol.registry
    record = RECORDS / f"{registry}.json"
    if not record.is_file():
        assert_no_problems(name)
        pytest.skip("../shared is not here: the protocol cannot be compared with its record")
    assert_no_problems(name, "--source", record)


@pytest.mark.parametrize("name", COMPLETE)
def test_examples_hold_and_cover_what_is_computed(name: str) -> None:
    done = run("test", name, "--min-coverage", "100")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", COMPLETE)
def test_whatever_is_asked_of_a_person_says_why(name: str) -> None:
    found, _ = make_protocols.compiled(name)
    silent = [q.text for b in found.plan.basis.values() for q in b.asked if not q.because]
    assert silent == []


@pytest.mark.parametrize(
    "path", make_protocols.paths(), ids=lambda p: str(p.relative_to(p.parents[1]))
)
def test_programs_and_tables_are_what_the_protocols_say(path: Path) -> None:
    made = make_protocols.made(path)
    assert path.read_text(encoding="utf-8") == made, "run python tools/make_protocols.py"


def without_repairs(criterion: tree.Criterion) -> tree.Criterion:
    """The exponents that the record has lost are lost again."""
    quotes = (replace(quote, text=quote.text.replace("[^]", "")) for quote in criterion.quotes)
    return replace(criterion, quotes=tuple(quotes))


def test_the_registry_version_of_the_seed_repeats_its_criteria() -> None:
    seed = criteria(parse(source(SEED), Problems()))
    repaired = criteria(parse(source(f"{SEED}_registry"), Problems()))
    assert [without_repairs(c) for c in repaired[: len(seed)]] == seed
    assert all(c.polarity == "exclusion" for c in repaired[len(seed) :])
