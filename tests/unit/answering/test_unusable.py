"""Of what is recorded and not usable, a repair says why."""

from __future__ import annotations

import pytest

from protocol_logic.answering.what_if.changes import Change
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


KIDNEY = f"""{HEADING}
include kidney
  > Creatinine <= 1.5 x ULN or clearance >= 60 mL/min
  creatinine <= 1.5 x ULN or creatinine_clearance >= 60 mL/min
"""


def changes_of(elig: str, facts: str) -> list[Change]:
    """All changes of all repairs of a patient."""
    found, text = compiled(elig), EVERYONE + facts
    bundle = bundle_of(text, found.protocol.vocabulary)
    record, as_of = record_of(found, bundle, answers_of(text))
    return [c for r in repairing(elig).repairs(record, as_of.date).repairs for c in r.changes]


def test_a_limit_has_its_own_reason_alone() -> None:
    told = {c.to: c.because for c in changes_of(KIDNEY, "body_weight 74.5 kg\n")}
    assert told["<= 1.5 x ULN"] == "not recorded"
    # (140 - 66) x 74.5 kg x 0.85 / (72 x 60 mL/min) = 1.0847... mg/dL
    assert told["<= 1.08 mg/dL"] == (
        "not recorded; creatinine_clearance >= 60 mL/min needs creatinine <= 1.08 mg/dL "
        "at 66 years and body_weight 74.5 kg, rounded to the safe side"
    )


def test_a_limit_that_is_not_to_be_reached_is_told_from_its_own_side() -> None:
    elig = KIDNEY.replace("include kidney", "change creatinine treat up\n\nexclude kidney")
    facts = "body_weight 74.5 kg\ncreatinine 0.5 mg/dL, ULN {} mg/dL\n"
    [change] = changes_of(elig, facts.format("1"))
    assert change.to == "> 1.5 mg/dL, ULN 1 mg/dL"
    assert change.because == "now 0.5 mg/dL, ULN 1 mg/dL"
    [change] = changes_of(elig, facts.format("0.7"))
    assert change.to == ">= 1.09 mg/dL, ULN 0.7 mg/dL"
    assert change.because.endswith(
        "; creatinine_clearance < 60 mL/min needs creatinine >= 1.09 mg/dL "
        "at 66 years and body_weight 74.5 kg, rounded to the safe side"
    )
