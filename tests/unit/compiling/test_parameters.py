"""Parameters: a name stands for its number, and a run beats a site, and a site the protocol."""

from __future__ import annotations

import random
import re

import pytest

from protocol_logic.answering.rows import parameters_of
from protocol_logic.compiling import core
from protocol_logic.compiling.parameters import settings_of_run
from protocol_logic.compiling.policies import Policies, check_policies
from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.foundation.source import Source
from protocol_logic.pipeline import Compiled, compile_source
from tests.differential.protocols import random_protocol

PROTOCOL = """\
protocol example
  title Example
  version 1
  uses labs, oncology.breast

parameter min_platelets
  label lowest platelet count
  value 80 10*9/L
  source Section 5.1
  date 2024-05-01

parameter factor
  value 1.5
  source Section 5.1

include blood
  > Platelets and bilirubin within the limits
  all of
    platelets >= min_platelets
    bilirubin <= factor x ULN, but <= 5 x ULN if liver_metastasis
"""
SITE = "policies city\n  title City\n\n"


def site(lines: str) -> Policies:
    problems = Problems()
    found = check_policies(Source("site.elig", SITE + lines), problems)
    assert found is not None, problems.items
    return found


def compiled(
    text: str = PROTOCOL, lines: str | None = None, run: tuple[str, ...] = ()
) -> tuple[Compiled | None, list[Problem]]:
    problems = Problems()
    settings = settings_of_run(run, problems)
    policies = None if lines is None else site(lines)
    return compile_source(Source("p.elig", text), problems, policies, settings), problems.sorted()


def good(lines: str | None = None, run: tuple[str, ...] = ()) -> Compiled:
    found, problems = compiled(PROTOCOL, lines, run)
    assert found is not None and not problems, problems
    return found


def limits(found: Compiled) -> list[str]:
    (criterion,) = found.protocol.criteria
    tests = core.tests_in(criterion.condition)
    return [f"{t.entry} {t.limit}" for t in tests if isinstance(t, core.Within)]


def values(found: Compiled) -> list[tuple[str, ...]]:
    return [tuple(each.values()) for each in parameters_of(found.protocol)]


def test_a_name_stands_for_its_number() -> None:
    found = good()
    assert limits(found) == ["platelets 80", "bilirubin 3/2", "bilirubin 5"]
    assert values(found) == [
        ("min_platelets", "80 10*9/L", "protocol", "80 10*9/L"),
        ("factor", "1.5", "protocol", "1.5"),
    ]
    text = PROTOCOL.replace(">= min_platelets", ">= 80 10*9/L").replace("<= factor", "<= 1.5")
    plain, problems = compiled(re.sub(r"\nparameter (?:.+\n)+", "", text))
    assert plain is not None and not problems
    assert plain.digest == found.digest


@pytest.mark.parametrize("seed", range(20))
def test_names_and_numbers_give_one_protocol(seed: int) -> None:
    text = random_protocol(random.Random(f"parameters {seed}"))
    declared = re.findall(r"^parameter (\w+)\n  value (.*)\n", text, re.MULTILINE)
    plain = re.sub(r"^parameter (?:.+\n)+", "", text, flags=re.MULTILINE)
    for name, value in reversed(declared):
        plain = re.sub(rf"\b{name}\b", value, plain)
    named, _ = compiled(text)
    numbered, _ = compiled(plain)
    assert named is not None and numbered is not None
    assert named.digest == numbered.digest


def test_a_run_beats_a_site_and_a_site_the_protocol() -> None:
    lines = "parameter min_platelets is 100 10*9/L\nparameter factor is 2\n"
    found = good(lines, ("factor is 3",))
    assert limits(found) == ["platelets 100", "bilirubin 3", "bilirubin 5"]
    assert values(found) == [
        ("min_platelets", "100 10*9/L", "site", "80 10*9/L"),
        ("factor", "3", "run", "1.5"),
    ]
    assert len({found.digest, good().digest, good(lines).digest}) == 3
    assert good(run=("factor   is   1.50",)).digest == good().digest


def test_the_rules_say_name_and_value() -> None:
    text = good(run=("min_platelets is 75000 /uL",)).program.text()
    assert "% bilirubin <= factor (1.5) x ULN, but <= 5 x ULN if liver_metastasis\n" in text
    assert "%   platelets >= min_platelets (75000 /uL)\n" in text
    assert "cell(platelets,at_least_75_10_9_per_l)" in text


def test_a_site_may_say_for_which_protocol() -> None:
    lines = "parameter example.factor is 2\nparameter other.factor is 3\nparameter other.x is 4 d\n"
    assert limits(good(lines)) == ["platelets 80", "bilirubin 2", "bilirubin 5"]


@pytest.mark.parametrize(
    ("lines", "run", "message", "place"),
    [
        ("parameter min_platelet is 5 /L", "", "`example` has no parameter `min_platelet`", "site"),
        ("parameter example.x is 5", "", "`example` has no parameter `x`", "site"),
        (None, "x is 5", "`example` has no parameter `x`", "--parameter"),
        (None, "other.factor is 5", "the protocol is `example`, not `other`", "--parameter"),
        (None, "factor", "this does not give a value", "--parameter"),
        (None, "factor is five", "this does not give a value", "--parameter"),
        (None, "factor = 5", "this does not give a value", "--parameter"),
        (None, "factor is 5 x10^9/L", "`5 x10^9/L` cannot be read", "--parameter"),
        (None, "factor is 5\nparameter x is 4", "this does not give a value", "--parameter"),
        (None, "x\n  value 5", "this does not give a value", "--parameter"),
    ],
)
def test_what_sets_nothing_is_told(lines: str | None, run: str, message: str, place: str) -> None:
    found, problems = compiled(PROTOCOL, lines, (run,) if run else ())
    assert problems[0].message.startswith(message)
    assert problems[0].source is not None and problems[0].source.name.startswith(place)
    assert problems[0].severity == "error" and (found is None or place == "--parameter")


def test_a_run_sets_a_parameter_once() -> None:
    _, problems = compiled(run=("factor is 2", "factor is 3"))
    assert [p.code for p in problems] == ["duplicate-name"]


def test_a_value_of_another_dimension_shows_where_it_is_given() -> None:
    found, (problem,) = compiled(run=("min_platelets is 80 mg",))
    assert found is None and problem.code == "wrong-unit"
    (label,) = problem.labels
    assert label.source.name == "--parameter" and label.text == "`min_platelets` is 80 mg"
    assert label.source.text[label.span.start : label.span.end] == "80 mg"


def test_the_digest_of_policies_covers_the_values() -> None:
    one, other = site("parameter factor is 2\n"), site("parameter factor is 3\n")
    assert one.digest != other.digest
    assert one.digest == site("\nparameter  factor is 2\n").digest
    assert one.texts == ("parameter factor is 2",)
