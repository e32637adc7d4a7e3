"""In which way what is recorded can change: the default of each kind of entry, and what is said."""

from __future__ import annotations

import pytest

from protocol_logic.compiling.change_lines import changes_of_run
from protocol_logic.compiling.changing import Change, Said, changes_of
from protocol_logic.compiling.policies import check_policies
from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.pipeline import Compiled, compile_source

PROTOCOL = """\
protocol example
  title Example
  version 1
  uses labs, demographics, oncology.breast, drugs.antineoplastic, consent

include blood
  > Hemoglobin at least 90 g/L
  hemoglobin >= 90 g/L
"""


def compiled(text: str = PROTOCOL) -> Compiled:
    problems = Problems()
    found = compile_source(Source("example.elig", text), problems)
    assert found is not None, problems.items
    return found


@pytest.mark.parametrize(
    ("entry", "change"),
    [
        ("sex", Change("never", 0, obtain=1)),
        ("age", Change("never", 0, "up", obtain=1)),
        ("hemoglobin", Change("treat", 3, obtain=1)),
        ("menopausal_status", Change("correct", 10, obtain=2)),
        ("er", Change("correct", 10, obtain=4)),
        ("liver_metastasis", Change("correct", 10, "absent", obtain=2)),
        ("chemotherapy", Change("treat", 4, obtain=2)),
        ("informed_consent", Change("correct", 10, obtain=1)),
    ],
)
def test_what_nothing_is_said_of_changes_as_its_kind_does(entry: str, change: Change) -> None:
    assert changes_of(compiled().protocol)[entry] == change


def test_a_line_changes_what_it_says_and_leaves_the_rest() -> None:
    protocol = compiled().protocol
    lines = [
        Said("hemoglobin", kind="correct"),
        Said("er", cost=7),
        Said("er", obtains=True, obtain=None),
        Said("liver_metastasis", kind="correct", cost=20),
    ]
    found = changes_of(protocol, lines)
    assert found["hemoglobin"] == Change("correct", 10, obtain=1)
    assert found["er"] == Change("correct", 7, obtain=None)
    assert found["liver_metastasis"] == Change("correct", 20, "absent", obtain=2)


def test_the_protocol_comes_after_the_knowledge_base_and_the_run_after_the_protocol() -> None:
    lines = "\nchange er treat cost 4 to positive\nobtain er never\nchange hemoglobin never\n"
    protocol = compiled(PROTOCOL + lines).protocol
    assert changes_of(protocol)["er"] == Change("treat", 4, "positive", obtain=None)
    problems = Problems()
    run = changes_of_run(["er correct", "obtain er cost 9", "hemoglobin treat"], protocol, problems)
    assert not problems.items
    found = changes_of(protocol, run)
    assert found["er"] == Change("correct", 10, "positive", obtain=9)
    assert found["hemoglobin"] == Change("treat", 3, obtain=1)


def test_a_run_names_what_reports_print_and_never_takes_it_out_of_all_repairs() -> None:
    protocol = compiled().protocol
    problems = Problems()
    texts = ["hgb treat cost 4", "ER never", "ki67 never", "obtain ki67 cost 3", "gender never"]
    run = changes_of_run([text.lower() for text in texts], protocol, problems)
    assert not problems.items
    found = changes_of(protocol, run)
    assert found["hemoglobin"] == Change("treat", 4, obtain=1)
    assert found["er"] == Change("never", 0, obtain=None)
    assert found["ki67"].obtain == 3
    assert found["sex"].obtain is None
    changes_of_run(["hgb treat", "hemoglobin treat"], protocol, problems)
    assert [problem.message for problem in problems.items] == ["`hemoglobin` is said twice"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("obtain reference_range:hgb cost 3", "`reference_range:hgb` is had with the result"),
        ("hemoglobn treat", "the name `hemoglobn` is not defined"),
        ("hemoglobin better", "this does not say how something can change"),
        ("hemoglobin treat\nchange er treat", "this does not say how something can change"),
    ],
)
def test_what_a_run_cannot_say(text: str, message: str) -> None:
    problems = Problems()
    assert not changes_of_run([text], compiled().protocol, problems)
    assert [problem.message for problem in problems.items] == [message]


def test_no_digest_rests_on_what_can_change() -> None:
    lines = "\nchange er treat cost 4 to positive\nobtain er never\n"
    assert compiled(PROTOCOL + lines).digest == compiled().digest


SITE = """\
policies city_hospital
  title What changes at City Hospital

change hemoglobin treat cost 7 up
obtain ki67 never
change hemoglobin never
change not_there never
"""


def test_a_site_says_it_by_the_names_of_the_whole_knowledge_base() -> None:
    problems = Problems()
    lines = SITE.splitlines(keepends=True)
    site = check_policies(Source("site.elig", "".join(lines[:5])), problems)
    assert site is not None, problems.items
    assert changes_of(compiled().protocol, site.changes)["hemoglobin"] == Change("treat", 7, "up")
    assert check_policies(Source("site.elig", SITE), problems) is None
    assert [problem.code for problem in problems.items] == ["duplicate-name", "unknown-name"]
