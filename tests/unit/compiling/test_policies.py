"""Site policies: windows, what they are for, and their digest."""

from __future__ import annotations

from datetime import date

import pytest

from protocol_logic.compiling.policies import Policies, check_policies
from protocol_logic.compiling.windows import Window
from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.pipeline import Compiled, compile_source

SITE = """\
policies city_hospital
  title Age of evidence
  version 2026-01

policy labs within 28 days
policy body_weight within 3 months
policy oncology.breast within 2 weeks
policy histological_type within 1 year
"""
PROTOCOL = """\
protocol example
  title Example
  version 1
  uses labs, oncology.breast

status histological_type
  code local histology
  value squamous means local squamous

include blood
  > Hemoglobin at least 90 g/L
  hemoglobin >= 90 g/L
"""


def policies(text: str) -> Policies:
    problems = Problems()
    found = check_policies(Source("site.elig", text), problems)
    assert found is not None, problems.items
    return found


def protocol() -> Compiled:
    problems = Problems()
    found = compile_source(Source("example.elig", PROTOCOL), problems)
    assert found is not None, problems.items
    return found


@pytest.mark.parametrize(
    ("window", "as_of", "first"),
    [
        (Window(28, "days"), date(2026, 11, 2), date(2026, 10, 5)),
        (Window(0, "days"), date(2026, 11, 2), date(2026, 11, 2)),
        (Window(1, "months"), date(2026, 3, 31), date(2026, 3, 1)),
        (Window(1, "months"), date(2026, 4, 30), date(2026, 3, 30)),
        (Window(12, "months"), date(2024, 2, 29), date(2023, 3, 1)),
        (Window(10**30, "days"), date(2026, 11, 2), date.min),
        (Window(10**30, "months"), date(2026, 11, 2), date.min),
    ],
)
def test_the_first_day_of_a_window_counts(window: Window, as_of: date, first: date) -> None:
    assert window.first_day(as_of) == first


def test_an_entry_has_its_own_window_or_that_of_its_file() -> None:
    windows = policies(SITE).windows(protocol().protocol)
    assert windows["hemoglobin"] == Window(28, "days")
    assert windows["body_weight"] == Window(3, "months")
    assert windows["er"] == Window(14, "days")
    # Not those that do not grow old, nor those of other files.
    assert not {"breast_cancer", "chemotherapy", "relapse", "sex", "problem_list"} & windows.keys()


def test_a_name_that_the_protocol_declares_itself_is_that_name() -> None:
    assert policies(SITE).windows(protocol().protocol)["histological_type"] == Window(12, "months")
    file = SITE.replace("policy histological_type", "policy oncology.lung")
    assert "histological_type" not in policies(file).windows(protocol().protocol)


def test_the_digest_is_of_what_decides() -> None:
    digest = policies(SITE).digest
    assert policies(SITE.replace("policy labs", "# a comment\npolicy  labs")).digest == digest
    for old, new in (("28 days", "27 days"), ("2026-01", "2026-02"), ("labs", "performance")):
        assert policies(SITE.replace(old, new)).digest != digest
