"""`names`: an author finds what a thing is called, and how it is tested."""

from __future__ import annotations

import json

import pytest

from protocol_logic.compiling.catalogue import Known, catalogue
from protocol_logic.compiling.check import check
from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from tests.contracts.command import run

KNOWN = catalogue()


def test_words_of_name_label_or_code_find_it() -> None:
    done = run("names", "hemoglobin")
    assert done.returncode == 0
    assert done.stdout.splitlines()[:3] == [
        "hemoglobin",
        "    hemoglobin (quantity; in g/L; uses labs)",
        "    hemoglobin COMPARISON NUMBER UNIT",
    ]
    assert run("names", "ALANINE").stdout.startswith("alt\n")
    assert run("names", "718-7").stdout.startswith("hemoglobin\n")


def test_a_name_comes_before_what_only_a_code_says() -> None:
    names = [line for line in run("names", "creat").stdout.splitlines() if line[:1] != " "]
    assert names[0] == "creatinine"


def test_json_has_codes_and_source() -> None:
    [found] = json.loads(run("names", "718-7", "--format", "json").stdout)
    assert found["uses"] == "labs"
    assert {"system": "loinc", "code": "718-7"}.items() <= found["codes"][0].items()
    assert found["source"]


def test_nothing_found_says_what_is_near() -> None:
    done = run("names", "hemoglobine")
    assert (done.returncode, done.stdout) == (1, "")
    assert "did you mean `hemoglobin`" in done.stderr


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.name)
def test_every_name_is_one_that_its_file_gives(known: Known) -> None:
    """A protocol that uses the file and asks the name in none of its ways is told what kind it is,
    not that there is no such name."""
    problems = Problems()
    text = f"protocol p\n  title T\n  uses {known.home}\n\ninclude a\n  > S\n  {known.name}\n"
    check(Source("p", text), problems)
    assert "unknown-name" not in {p.code for p in problems.sorted()}
