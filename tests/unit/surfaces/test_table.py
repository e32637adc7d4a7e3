"""The table that a clinician reads: at every width, for one patient and for many."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from protocol_logic.knowledge.vocabulary import Concept, Vocabulary
from protocol_logic.surfaces.table import LAST_LINE, Table
from protocol_logic.surfaces.table_details import capped, words_of
from protocol_logic.surfaces.terminal import text_width
from tests.unit.surfaces.rows import Json, output, protocol, row, scope

THREE = ("adult_woman", "organ_function", "no_brain_metastasis")


def table(
    rows: Sequence[Json], criteria: Sequence[str] = THREE, width: int = 80, **options: Any
) -> str:
    withheld = options.pop("withheld", ())
    sentence = options.pop("sentence", "Some words;")
    encoding = options.get("encoding", "utf-8")
    options = {"colour": False, **options}
    form = Table(protocol(criteria, sentence=sentence), width=width, **options)
    return output(form, rows, withheld).decode(encoding)


def test_what_fails_and_what_is_missing_stand_under_a_patient() -> None:
    gaps = {"organ_function": [("tbil", "absent"), ("alt", "absent"), ("plt", "conflicting")]}
    text = table(
        [
            row("ann", THREE, "✓✓✓"),
            row("bea", THREE, "✗?✗", gaps=gaps),
            row("cleo", THREE, "–?✓", gaps={"organ_function": [("hgb", "unreadable")]}),
        ],
        width=78,
    )
    assert text.splitlines()[:8] == [
        "trial 2.1, 3 patients, as of 2026-01-15",
        "",
        "patient  eligibility      1  2  3",
        "ann      ✓ eligible       ✓  ✓  ✓",
        "bea      ✗ ineligible     ✗  ?  ✗",
        "         not met: adult_woman; excluded by: no_brain_metastasis; missing: alt,",
        "         tbil; conflicting: plt",
        "cleo     ? undetermined   –  ?  ✓",
    ]


def test_kinds_of_a_class_are_counted_under_it() -> None:
    wide = {
        name: Concept(name=name, element=name, label=name, codes=(), **more) for name, more in KINDS
    }
    gaps = {"organ_function": [(name, "absent") for name in ["alt", *wide]]}
    form = Table(replace(protocol(THREE), vocabulary=Vocabulary(wide)), width=78, colour=False)
    rows = [row("ann", THREE, "✓✓✓"), row("bea", THREE, "✓?✓", gaps=gaps)]
    many = output(form, rows).decode().splitlines()
    assert many[5] == "         missing: alt, cancer (and 2 kinds), fever"
    one = output(form, rows[1:]).decode().splitlines()
    assert "       missing: alt, cancer (and 2 kinds), fever" in one


KINDS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("cancer", {"kind": "condition"}),
    ("lung_cancer", {"kind": "condition", "parents": ("cancer",)}),
    ("small_cell_lung_cancer", {"kind": "condition", "parents": ("lung_cancer",)}),
    ("fever", {"kind": "condition"}),
)


def test_what_is_said_of_a_patient_has_few_lines() -> None:
    names = [f"element_{n:02}" for n in range(60)]
    gaps = {"organ_function": [(name, "absent") for name in names]}
    lines = table(
        [row("ann", THREE, "✓?✓", gaps=gaps), row("bea", THREE, "✓✓✓")], width=78
    ).splitlines()
    said = lines[4:10]
    assert lines[10].startswith("bea ")
    assert said[0].startswith("         missing: element_00, ")
    shown = [word.rstrip(",") for line in said for word in line.split() if "element" in word]
    assert shown == names[: len(shown)]
    assert said[-1].endswith(f" … and {60 - len(shown)} more")
    # Alone, a patient has all of it.
    assert "element_59" in table([row("ann", THREE, "✓?✓", gaps=gaps)])


def test_a_dead_patient_is_said_to_be_so() -> None:
    died = {
        "code": "patient-status",
        "severity": "notice",
        "message": "the patient is recorded as deceased on `2025-12-01`",
        "resource": "Patient/ann",
    }
    gaps = {"organ_function": [("alt", "absent")]}
    ann = row("ann", THREE, "✓?✓", gaps=gaps, problems=[died])
    lines = table([ann, row("bea", THREE, "✓✓✓")], width=78).splitlines()
    assert lines[3:6] == [
        "ann      ? undetermined   ✓  ?  ✓",
        "         the patient is recorded as deceased on `2025-12-01`; missing: alt",
        "bea      ✓ eligible       ✓  ✓  ✓",
    ]
    alone = table([ann]).splitlines()
    assert alone[2:4] == [
        "ann: ? undetermined",
        "the patient is recorded as deceased on `2025-12-01`",
    ]


def test_there_is_room_beside_the_signs_on_a_wide_terminal() -> None:
    rows = [row("ann", THREE, "✓✓✓"), row("bea", THREE, "✗✓✓")]
    assert table(rows, width=120).splitlines()[2:6] == [
        "                          adult_   organ_   no_brain_",
        "patient  eligibility      woman   function  metastasis   what stands in the way",
        "ann      ✓ eligible         ✓        ✓          ✓",
        "bea      ✗ ineligible       ✗        ✓          ✓        not met: adult_woman",
    ]


def test_a_legend_and_a_summary_end_it() -> None:
    gaps = {"organ_function": [("tbil", "absent")]}
    rows = [row("ann", THREE, "✓✓✓"), row("bea", THREE, "✓?✓", gaps=gaps)]
    assert table(rows).splitlines()[5:] == [
        "",
        "Criteria  ✓ passes  ✗ does not pass  ? open  – does not apply",
        " 1  include  adult_woman          Some words",
        " 2  include  organ_function       Some words",
        " 3  exclude  no_brain_metastasis  Some words",
        "",
        "2 patients: 1 eligible, 0 ineligible, 1 undetermined; 5 of 6 criteria decided",
        "(83 %); most often open: tbil (1)",
        LAST_LINE,
    ]


def test_scopes_are_said_under_a_patient_where_they_differ() -> None:
    a, b = scope("arm_a", "ineligible", ["adult_woman", "organ_function"]), scope("b", "eligible")
    rows = [
        row("ann", THREE, "✓?✓", eligibility="eligible", scopes=[a, b]),
        row("bea", THREE, "✓✓✓", scopes=[scope("arm_a", "eligible"), b]),
    ]
    text = table(rows, width=78)
    assert text.splitlines()[3:7] == [
        "ann      ✓ eligible       ✓  ?  ✓",
        "         eligible for: b; ineligible for: arm_a; not met together for arm_a:",
        "         adult_woman, organ_function",
        "bea      ✓ eligible       ✓  ✓  ✓",
    ]
    counts = "for arm_a 1 eligible, 1 ineligible, 0 undetermined; for b 2 eligible, 0 ineligible"
    assert counts in " ".join(text.split())


def test_scopes_of_one_patient_are_lines() -> None:
    a, b = scope("arm_a", "ineligible", ["adult_woman", "organ_function"]), scope("b", "eligible")
    lines = table([row("ann", THREE, "✓?✓", eligibility="eligible", scopes=[a, b])]).splitlines()
    assert lines[2:6] == [
        "ann: ✓ eligible",
        " arm_a  ✗ ineligible    Label of arm_a",
        " b      ✓ eligible      Label of b",
        "",
    ]
    assert "not met together for arm_a: adult_woman, organ_function" in lines


def test_what_is_asked_is_no_missing_data() -> None:
    gaps = {"organ_function": [("alt", "absent"), ("will_comply", "absent")]}
    one = row("ann", THREE, "✓?✓", gaps=gaps)
    question = {"id": "will_comply", "text": "will comply", "how": "judged", "because": ""}
    one["criteria"][1] |= {"basis": "judged", "asked": [question]}
    text = table([one])
    assert "       missing: alt; to be asked: will_comply\n" in text
    summary = " ".join(text.splitlines())
    assert "2 of 3 criteria decided (66 %): computed 2 of 2, judged 0 of 1; most" in summary


def test_one_patient_is_a_list() -> None:
    gaps = {"organ_function": [("alt", "absent"), ("plt", "imprecise")]}
    assert table([row("ann", THREE, "✓?✓", gaps=gaps)]).splitlines()[:9] == [
        "trial 2.1, 1 patient, as of 2026-01-15",
        "",
        "ann: ? undetermined",
        "",
        " ✓ 1  include  adult_woman          Some words",
        " ? 2  include  organ_function       Some words",
        "       missing: alt; imprecise: plt",
        " ✓ 3  exclude  no_brain_metastasis  Some words",
        "",
    ]


def test_criteria_that_fail_only_together_are_named() -> None:
    joint = {"eligibility": "ineligible", "decided_jointly": ["adult_woman", "organ_function"]}
    gaps = {name: [("gender", "absent")] for name in THREE[:2]}
    rows = [row(name, THREE, "??✓", gaps=gaps, **joint) for name in ("ann", "bea")]
    said = "not met together: adult_woman, organ_function"
    assert f"{said}; missing: gender" in table(rows, width=78)
    assert said in table(rows[:1])


def test_each_as_of_date_is_shown_where_they_differ() -> None:
    rows = [row("ann", THREE, "✓✓✓"), row("bea", THREE, "✓✓✓", as_of="2025-12-31")]
    lines = table(rows).splitlines()
    assert lines[0] == "trial 2.1, 2 patients"
    assert lines[4] == "bea      2025-12-31  ✓ eligible       ✓  ✓  ✓"


@pytest.mark.parametrize("width", [78, 80, 100, 120, 200])
@pytest.mark.parametrize("number", [1, 3, 10, 25, 40, 100])
@pytest.mark.parametrize("patients", [1, 2, 500 if "MANY" in os.environ else 30])
def test_no_line_is_wider_than_asked(width: int, number: int, patients: int) -> None:
    criteria = [f"criterion_number_{n}" for n in range(number)]
    signs = ("✓✗?–✓" * number)[:number]
    gaps = {name: [(f"element_{name}", "absent")] for name in criteria}
    ids = ["p", "0fe43a9b-9a3b-4b54-8c9d-8f31dd1f5d3e", "很" * 20]
    rows = [row(f"{ids[n % 3]}", criteria, signs, gaps=gaps) for n in range(patients)]
    text = table(rows, criteria, width, sentence="many words that go on " * 20)
    assert max(map(text_width, text.splitlines())) <= width


def test_no_line_of_many_patients_is_wider_than_asked() -> None:
    test_no_line_is_wider_than_asked(80, 3, 500)


@pytest.mark.parametrize("width", [80, 200])
@pytest.mark.parametrize("number", [1, 9, 10, 11, 25, 40, 100])
def test_every_sign_is_there_and_in_order(width: int, number: int) -> None:
    criteria = [f"c{n}" for n in range(number)]
    signs = ("✓✗?–" * number)[:number]
    lines = table([row("ann", criteria, signs)] * 2, criteria, width).splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("ann"))
    second = next(i for i, line in enumerate(lines) if i > first and line.startswith("ann"))
    block = "".join(lines[first:second]).split("ligible", 1)[1].split("not met")[0]
    assert "".join(c for c in block if c in "✓✗?–") == signs


def test_signs_stand_under_their_numbers() -> None:
    criteria = [f"c{n}" for n in range(1, 13)]
    lines = table([row("ann", criteria, "✗" + "✓" * 11)] * 2, criteria).splitlines()
    header, first = lines[2], lines[3]
    for number in range(1, 13):
        at = header.index(f" {number} " if number < 12 else " 12") + len(str(number))
        assert first[at] == ("✗" if number == 1 else "✓")


def test_an_id_cannot_draw() -> None:
    evil = '[red]x[/red]\x1b[2J\n"). :-\u202e'
    text = table([row(evil, THREE, "✓✓✓"), row("ann", THREE, "✓✓✓")])
    assert '[red]x[/red]\\x1b[2J\\n"). :-\\u202e  ✓ eligible' in text
    assert "\x1b" not in text


def test_a_long_id_has_a_line_of_its_own() -> None:
    name = "x" * 64
    lines = table([row(name, THREE, "✓✓✓"), row("ann", THREE, "✓✓✓")]).splitlines()
    assert lines[3:6] == [
        name,
        "         ✓ eligible       ✓  ✓  ✓",
        "ann      ✓ eligible       ✓  ✓  ✓",
    ]


def test_many_criteria_stand_in_groups_of_five() -> None:
    criteria = [f"c{n}" for n in range(1, 25)]
    lines = table([row("ann", criteria, "✓" * 23 + "?")] * 2, criteria).splitlines()
    assert lines[2:4] == [
        "patient  eligibility     1     6     11    16    21",
        "ann      ? undetermined  ✓✓✓✓✓ ✓✓✓✓✓ ✓✓✓✓✓ ✓✓✓✓✓ ✓✓✓?",
    ]


def test_each_sign_has_its_number_and_a_long_id_its_own_line() -> None:
    criteria = [f"c{n}" for n in range(1, 11)]
    name = "0fe43a9b-9a3b-4b54-8c9d-8f31dd1f5d3e"
    lines = table([row(name, criteria, "✓" * 10)] * 2, criteria, 80).splitlines()
    assert lines[2].endswith("eligibility      1  2  3  4  5  6  7  8  9 10")
    assert lines[3] == name
    assert lines[4].endswith("  ✓" * 10)


@pytest.mark.parametrize(
    ("missing", "end"),
    [
        (["y" * 60] * 5, ["y" * 60 + "; to be asked:", "LONG,", "… and 3 more"]),
        # The head itself is broken, so none of it is left.
        (["y" * 70] * 4, ["y" * 70 + ",", "y" * 70 + ";", "… and 4 more"]),
    ],
)
def test_a_name_too_long_for_its_line_is_still_named(missing: list[str], end: list[str]) -> None:
    long = [f"statement_{n}_" + "x" * 58 for n in range(4)]
    words = words_of([("missing", missing), ("to be asked", long)])
    lines = [" ".join(word for word, _ in line) for line in capped(words, 76, "…")]
    assert lines[-3:] == [line.replace("LONG", long[0]) for line in end]


def test_the_number_of_the_last_group_is_whole() -> None:
    criteria = [f"c{n}" for n in range(1, 22)]
    name = "0fe43a9b-9a3b-4b54-8c9d-8f31dd1f5d3e"
    lines = table([row(name, criteria, "✓" * 21)] * 2, criteria, 90).splitlines()
    assert lines[2].endswith("eligibility     1     6     11    16    21")
    assert lines[3] == f"{name}  ✓ eligible      ✓✓✓✓✓ ✓✓✓✓✓ ✓✓✓✓✓ ✓✓✓✓✓ ✓"


def test_each_line_of_signs_has_the_number_of_its_first() -> None:
    criteria = [f"c{n}" for n in range(1, 61)]
    lines = table([row("ann", criteria, "✓" * 60)] * 2, criteria, 80).splitlines()
    assert lines[2:5] == [
        "patient  eligibility     1     6     11    16    21    26    31    36    41",
        f"ann      ✓ eligible      {' '.join(['✓✓✓✓✓'] * 9)}",
        f"                     46  {' '.join(['✓✓✓✓✓'] * 3)}",
    ]


def test_colour_changes_no_character() -> None:
    import re

    rows = [row("ann", THREE, "✓✗?"), row("eligible", THREE, "✓✓✓")]
    for width in (80, 200):
        coloured = table(rows, width=width, colour=True)
        assert "\x1b[" in coloured
        assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == table(rows, width=width)


def test_another_encoding_has_other_signs() -> None:
    rows = [row("ann", THREE, "✓✗–"), row("béa", THREE, "✓?✓")]
    text = table(rows, encoding="ascii", sentence="≥ 90 and more than fits in here " * 4)
    assert "ann      x ineligible     +  x  -" in text
    assert "b\\xe9a" in text
    assert text.isascii()


def test_withheld_patients_are_not_counted() -> None:
    rows = [row("ann", THREE, "✓✓✓"), row("bea", THREE, "✓✓✓"), row("bea", THREE, "✗✓✓")]
    text = table(rows, withheld={"bea"})
    assert "bea" not in text
    assert "1 patient: 1 eligible, 0 ineligible, 0 undetermined" in text


def test_nobody() -> None:
    assert table([]) == "trial 2.1, 0 patients\n\n"
