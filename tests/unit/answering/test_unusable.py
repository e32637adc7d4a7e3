"""Of what is recorded and not usable, a repair says why."""

from __future__ import annotations

import pytest

from tests.patient_notation import answers_of, bundle_of
from tests.test_cases import HEADING, compiled, record_of
from tests.test_repair_cases import repairing

ELIG = f"""{HEADING}
include platelets
  > Platelets at least 80 x 10^9/L, ALT <= 2.5 x ULN
  all of
    platelets >= 80 10*9/L
    alt <= 2.5 x ULN
"""
EVERYONE = "as of 2026-11-02\nfemale\nborn 1960-05-01\n"


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ("alt 30 U/L, ULN 40 U/L", "not recorded"),
        (
            "alt 30 U/L, ULN 40 U/L\nplatelets 76 10*9/L\nplatelets 104 10*9/L",
            "conflicting: 76 10*9/L, 104 10*9/L",
        ),
        ("alt 30 U/L, ULN 40 U/L\nplatelets > 70 10*9/L", "not exact: > 70 10*9/L"),
        ("alt 30 U/L\nplatelets 90 10*9/L", "without a limit of normal: 30 U/L"),
    ],
)
def test_what_is_not_usable_is_told(facts: str, told: str) -> None:
    found = compiled(ELIG)
    text = EVERYONE + facts + "\n"
    bundle = bundle_of(text, found.protocol.vocabulary)
    record, as_of = record_of(found, bundle, answers_of(text))
    [repair] = repairing(ELIG).repairs(record, as_of.date).repairs
    assert [change.because for change in repair.changes] == [told]
