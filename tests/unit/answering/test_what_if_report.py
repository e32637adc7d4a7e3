"""What the report of `what-if` does with repairs before it tells them."""

from __future__ import annotations

from protocol_logic.answering.what_if.changes import Change, Repair, Repairs
from protocol_logic.answering.what_if.report import checked


def repair(*findings: str) -> Repair:
    changes = (Change(finding=each, was="unknown", to="yes", kind="obtain") for each in findings)
    return Repair(changes=tuple(changes), cost=len(findings))


def test_a_repair_that_does_not_hold_is_left_out_and_said() -> None:
    repairs = Repairs(repairs=(repair("a", "b"), repair("a", "c")))
    found = checked(repairs, lambda each: "c" not in {c.finding for c in each.changes})
    assert found.repairs == (repair("a", "b"),)
    assert not found.complete
    assert found.notes == (
        "1 more did not hold when screened again, which is an error: please report it",
    )


def test_each_two_changes_are_tried_together_once() -> None:
    repairs = Repairs(repairs=(repair("a", "b"), repair("b", "c"), repair("c", "a"), repair("a")))
    tried: list[Repair] = []

    def holds(each: Repair) -> bool:
        tried.append(each)
        return True

    assert checked(repairs, holds) == repairs
    assert tried == list(repairs.repairs[:3])
