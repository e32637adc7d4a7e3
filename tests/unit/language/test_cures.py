"""Mistakes with one cure are mended, all else stays as it is."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings

from protocol_logic.compiling.check import check_file
from protocol_logic.compiling.fixing import Fixed, fix
from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.foundation.source import Source
from protocol_logic.language.parse import parse, read_piece
from protocol_logic.language.pieces import INVISIBLE, Line, pieces
from protocol_logic.language.tree import Heading, Statement
from tests.differential.protocols import random_protocol
from tests.properties.test_format import AS_FOUND, broken

HEAD = "protocol p\n  title P\n  uses demographics, labs, performance, oncology.breast\n\n"
CRITERION = "include a\n  > Sentence\n  {}\n"


def fixed(text: str) -> Fixed:
    return fix(Source("text", text), check_file)


def syntax_alone(source: Source, problems: Problems) -> None:
    parse(source, problems)


@pytest.mark.parametrize(
    ("line", "mended"),
    [
        ("hemoglobin ≥ 90 g/L", "hemoglobin >= 90 g/L"),
        ("hemoglobin => 90 g/L", "hemoglobin >= 90 g/L"),
        ("creatinine ≤ 100 µmol/L", "creatinine <= 100 umol/L"),
        ("platelets at least 100 x10^9/L", "platelets >= 100 10*9/L"),
        ("platelets >= 100 × 10⁹/L", "platelets >= 100 10*9/L"),
        ("platelets >= 100 109/L", "platelets >= 100 10*9/L"),
        ("platelets >= 100 K/uL", "platelets >= 100 10*3/uL"),
        ("hemoglobin >= 9 g / dL", "hemoglobin >= 9 g/dL"),
        ("hemoglobin >= 9 g/DL", "hemoglobin >= 9 g/dL"),
        ("bilirubin <= 1.5X ULN", "bilirubin <= 1.5 x ULN"),
        ("bilirubin <= .5 mg/dL", "bilirubin <= 0.5 mg/dL"),
        ("age >= 18 yrs;", "age >= 18 years"),
        ("age is >= 18\u00a0years", "age >= 18 years"),
        ("- age >= 18 years", "age >= 18 years"),
        ("1) age >= 18 years", "age >= 18 years"),
        ("ag\u200be >= 18 years", "age >= 18 years"),
        ("judged “visceral crisis”", 'judged "visceral crisis"'),
        (
            "number of breast_cancer with grade ≥ 2 ≥ 1",
            "number of breast_cancer with grade >= 2 >= 1",
        ),
    ],
)
def test_cures(line: str, mended: str) -> None:
    found = fixed(HEAD + CRITERION.format(line))
    assert found.source.text == HEAD + CRITERION.format(mended)
    assert fixed(found.source.text).cures == 0


@pytest.mark.parametrize(
    "line",
    [
        "hemoglobin = 90 g/L",
        "hemoglobin >= 1,000 g/L",
        "hemoglobin > ULN",
        "hemoglobine >= 90 g/L",
        "prior breast_cancer",
        "hemoglobin >= 90 g/L and age >= 18 years or age < 12 years",
        "age.years >= 18 years",
        "\u0430ge >= 18 years",
        "alt <= 5-6 x ULN",
    ],
)
def test_what_can_be_meant_in_two_ways_stays(line: str) -> None:
    text = HEAD + CRITERION.format(line)
    assert fixed(text) == Fixed(Source("text", text), 0)


def test_a_sentence_stays_word_for_word() -> None:
    text = HEAD + "include a\n  > Platelets ≥ 100 × 109/L, “µ”;\n  age >= 18 years\n"
    assert fixed(text).cures == 0


def test_a_heading_and_a_comment() -> None:
    text = "protocol p\n  title: P\n\ninclude a\n  > S\n  // why\n  age >= 18 years\n"
    mended = "protocol p\n  title  P\n\ninclude a\n  > S\n  # why\n  age >= 18 years\n"
    assert fix(Source("text", text), syntax_alone).source.text == mended


SLIPS = {">=": "≥", "<=": "≤", "10*9/L": "x 10^9/L", "umol": "µmol", " x ULN": "×ULN"}


def test_protocols_with_slips_become_what_they_were() -> None:
    changed = 0
    for case in range(25):
        rng = random.Random(case)
        text = random_protocol(rng)
        slipped = re.sub(
            r"(?<=[a-z\d] )(?:>=|<=)|10\*9/L|umol|(?<=[ .]\d) x ULN",
            lambda match, rng=rng: SLIPS[match[0]] if rng.random() < 0.4 else match[0],  # type: ignore[misc]
            text,
        )
        found = fix(Source("text", slipped), syntax_alone)
        assert found.source.text == text
        changed += found.cures
    assert changed > 50


def test_a_line_that_becomes_one_of_a_statement_above_stays() -> None:
    text = "define a\n  age >= 18 years\n{0}  or_so\n{1}  or_so\n\ninclude b\n  > S{1}\n  a\n"
    found = fix(Source("text", text.format("\u202e", "\u200b")), syntax_alone)
    assert found.source.text == text.format("\u202e", "")


@settings(
    max_examples=100 if "MANY" in os.environ else 40,
    phases=AS_FOUND,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(broken())
def test_nothing_is_lost(text: str) -> None:
    before = Source("text", text)
    found = fix(before, syntax_alone)
    after = found.source
    assert fix(after, syntax_alone) == Fixed(after, 0)
    assert len(list(pieces(after.text))) >= len(list(pieces(text)))
    kept = {_lines(piece) for piece in pieces(after.text)}
    statements = parse(after, Problems())
    for piece in pieces(text):
        if isinstance(read_piece(before, piece), Problem):
            continue
        assert _lines(piece) in kept
        own = Source("text", "\n".join(line.indent + line.text for line in piece))
        if INVISIBLE.search(own.text) is None:
            assert all(_stands(statement, statements) for statement in parse(own, Problems()))
    quotes = partial(re.findall, r"^[ \t]*>([^\r\n]*)", flags=re.MULTILINE)
    for quote in quotes(text):
        assert any(_seen(quote) == _seen(other) for other in quotes(after.text))


def _stands(statement: Statement, statements: Sequence[Statement]) -> bool:
    """Whether a statement is among others; a heading may have taken `uses` that stands below it
    without an indent, which is told as an error and still counts."""
    if isinstance(statement, Heading) and not statement.uses:
        return any(isinstance(s, Heading) and replace(s, uses=()) == statement for s in statements)
    return statement in statements


def _lines(piece: Sequence[Line]) -> tuple[str, ...]:
    return tuple(_seen(line.text) for line in piece)


def _seen(text: str) -> str:
    """A text without what nobody sees, which is mended in sentences too."""
    return re.sub(r"[^ -~\u00a1-\u1fff\u2100-\ud7ff]|\s", "", text)
