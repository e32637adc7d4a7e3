"""In which way what is recorded can change: the default of each kind of entry, and what is said."""

from __future__ import annotations

import pytest

from protocol_logic.compiling.changing import Change, Said, changes_of
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
        ("er", Change("correct", 10, obtain=2)),
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
