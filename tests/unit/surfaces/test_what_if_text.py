"""The report of `what-if` as text, from its data."""

from __future__ import annotations

from typing import Any

from protocol_logic.surfaces.what_if_text import MOST_SHOWN, what_if_lines

Data = dict[str, Any]


def change(finding: str, to: str, kind: str = "treat", **more: Any) -> Data:
    return {
        "finding": finding, "from": "unknown", "to": to, "kind": kind, "earliest": None, "cost": 3,
        "rounded": False, "because": "not recorded", **more,
    }  # fmt: skip


def repair(*changes: Data, earliest: str | None = None) -> Data:
    return {"changes": list(changes), "cost": 3 * len(changes), "earliest": earliest}


def report(eligibility: str = "ineligible", **more: Any) -> Data:
    return {
        "patient": "p1", "as_of": "2026-01-15", "protocol": {"id": "example", "version": "1"},
        "set": [], "eligibility": eligibility, "sentence": "Why: x", "changed": None,
        "change_sets": [], "change_sets_complete": True, "repairs": [], "repairs_complete": True,
        "problems": [], "notes": [], "immutable": [], "losing": {"criteria": {}, "complete": True},
        "measure_next": None, "when": None, "margins": [], **more,
    }  # fmt: skip


def text(found: Data) -> str:
    return "\n".join(what_if_lines(found))


def test_what_repairs_share_is_told_once() -> None:
    shared = change("sex", "female", "obtain")
    repairs = [
        repair(shared, change("alt", "<= 40 U/L")),
        repair(shared, change("ast", "<= 40 U/L")),
    ]
    told = text(report(repairs=repairs))
    assert told.count("obtain sex female") == 1
    assert "all of these:" in told
    assert '--set "sex is female" --set "alt is <= 40 U/L"' in told


def test_what_only_those_shown_share_is_not_said_of_all() -> None:
    shared = change("liver_metastasis", "present", "obtain")
    shown = [repair(shared, change("alt", f"<= {n} U/L")) for n in range(MOST_SHOWN)]
    told = text(report(repairs=[*shown, repair(change("ast", "<= 40 U/L"))]))
    assert "all of these:" not in told
    assert told.count("obtain liver_metastasis present") == MOST_SHOWN


def test_a_wait_has_its_day_and_the_option_that_tries_it() -> None:
    waited = change("surgery within 28 days", "false", "wait", earliest="2026-02-03")
    told = text(report(repairs=[repair(waited, earliest="2026-02-03")]))
    assert "cost 3, from 2026-02-03 on" in told
    assert "wait until 2026-02-03, when it does not hold: surgery within 28 days" in told
    assert "try the first: --as-of 2026-02-03" in told


def test_that_a_limit_is_rounded_is_said_once() -> None:
    because = (
        "now 90 kg; clearance >= 60 mL/min needs body_weight >= 93 kg, rounded to the safe side"
    )
    changes = [change("body_weight", ">= 93 kg", rounded=True, because=because)]
    changes.append(change("alt", "<= 93 U/L", rounded=True))
    told = text(report(repairs=[repair(each) for each in changes]))
    assert told.count("rounded to the safe side") == 2
    assert "(not recorded; rounded to the safe side)" in told


def test_what_only_a_history_tells_holds_or_not() -> None:
    right = change("lines of chemotherapy <= 1", "true", "correct")
    found = change("there is course of x", "false", "obtain")
    told = text(report(repairs=[repair(right), repair(found)]))
    assert "correct the record, so that it holds: lines of chemotherapy <= 1" in told
    assert "obtain, so that it does not hold: there is course of x" in told


def test_what_a_shell_would_read_is_no_command_to_copy() -> None:
    told = text(report(repairs=[repair(change("asked $(reboot)", "yes"))]))
    assert "try the first" not in told


def test_many_are_counted() -> None:
    repairs = [repair(change("alt", f"<= {n} U/L")) for n in range(MOST_SHOWN + 3)]
    told = text(report(repairs=repairs, repairs_complete=False))
    assert "and 3 more, at a cost of up to 3" in told
    assert "there may be others" in told


def test_nothing_can_be_changed() -> None:
    told = text(report(immutable=["sex"]))
    assert "nothing that can be changed" in told
    assert "never changed: sex" in told
    assert "none: what fails rests on what never changes" in told


def test_what_cannot_be_seen_is_made_visible() -> None:
    assert "\u202e" not in text(report(set=["x is \u202e"]))


def test_what_is_waited_for_is_not_said_never_to_change() -> None:
    wait = change("age", "18 years", "wait", earliest="2028-03-03")
    told = text(report(immutable=["age", "sex"], repairs=[repair(wait)]))
    assert "wait until 2028-03-03: age 18 years" in told
    assert "never changed: sex" in told
