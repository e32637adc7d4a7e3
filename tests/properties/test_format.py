"""The formatter changes layout alone, and gives one text for all layouts of the same statements."""

from __future__ import annotations

import os
import random
import re
from collections import Counter
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings, strategies as st

from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.knowledge.resources import kb_root
from protocol_logic.language.format import WIDTH, format_text
from protocol_logic.language.parse import parse
from protocol_logic.language.tree import Statement
from tests.differential.protocols import random_policies, random_protocol
from tests.unit.language.test_parse import CORPUS

SHIPPED = sorted(kb_root().rglob("*.elig"))
COMMENTS = """\
# What this file is about.

# ---- first part ----

include woman
  # about the sentence
  > A woman;

  # about the block
  all of

    # about the condition
    sex is female
    any of
      age >= 18 years

      # a group of its own
      age < 12 years
      # the last word of the inner block
  # the last word of the criterion

# before the next
exclude man
  > A man,
  >
  >   who is old;
  sex is male
# after all

# the end
"""
TEXTS = [*(path.read_text(encoding="utf-8") for path in SHIPPED), COMMENTS, CORPUS]
IDS = [*(path.stem for path in SHIPPED), "comments", "every rule"]

LONG = "MANY" in os.environ
"""Whether many examples are wanted."""

# To make a failing text as long as these small takes minutes.
AS_FOUND = (Phase.explicit, Phase.reuse, Phase.generate)

Damage = Callable[[random.Random, str], str]


TABLE = """\
examples of limits
  given  alt is 3   x ULN
  |alt|  expect a |
  # above a row
  | 2.5  x ULN |met|

  |||
"""


def test_a_table_has_columns_of_one_width() -> None:
    assert (
        formatted(TABLE)
        == """\
examples of limits
  given alt is 3 x ULN
  | alt       | expect a |
  # above a row
  | 2.5 x ULN | met      |
  |           |          |
"""
    )
    assert parsed(formatted(TABLE)) == parsed(TABLE)


@pytest.mark.parametrize(
    ("rows", "laid_out"),
    [
        (["|", "| a | b |"], ["|   |", "| a | b |"]),
        (["| a | b", "| 1 |", "| 1 | 2 | 3"], ["| a | b |", "| 1 |", "| 1 | 2 | 3 |"]),
        (["||", "|a||", "| |x"], ["|   |", "| a |   |", "|   | x |"]),
    ],
)
def test_a_row_has_as_many_cells_as_before(rows: list[str], laid_out: list[str]) -> None:
    text, canonical = ("examples a\n  " + "\n  ".join(each) + "\n" for each in (rows, laid_out))
    assert formatted(text) == canonical
    assert parsed(canonical) == parsed(text)
    assert words(canonical) == words(text)


def formatted(text: str) -> str:
    return format_text(Source("text", text))


canonical_of = cache(formatted)


def parsed(text: str) -> tuple[list[Statement], list[str]]:
    """The statements, and what is wrong with those that cannot be read."""
    problems = Problems()
    statements = parse(Source("text", text), problems)
    return statements, [p.message for p in problems.sorted() if p.code == "syntax"]


def comments(text: str) -> Counter[str]:
    lines = (line.strip() for line in text.removeprefix("\ufeff").split("\n"))
    return Counter(line for line in lines if line.startswith("#"))


# ---- damage to the layout that changes nothing ---------------------------------------------------

TEXT_LINE = re.compile(
    r"\s*(?:[>#|]|(?:title|version|language|registry|label|also|source|unlike|examples?|given|expect)\b)"
)


def lines_changed(change: Callable[[random.Random, str], str]) -> Damage:
    """Damage of lines, of all but the protocol's sentences and other free text."""

    def damage(rng: random.Random, text: str) -> str:
        lines = text.split("\n")
        return "\n".join(line if TEXT_LINE.match(line) else change(rng, line) for line in lines)

    return damage


def outside_strings(change: Callable[[random.Random, str], str]) -> Damage:
    def damage(rng: random.Random, line: str) -> str:
        parts = re.split(r'("[^"]*"|(?<=\bbecause\b).+)', line)
        # Every second part is a text that stays as it is.
        return "".join(change(rng, part) if i % 2 == 0 else part for i, part in enumerate(parts))

    return damage


def wide(rng: random.Random, part: str) -> str:
    """More space between words."""
    blanks = ["  ", " \t", "\t", "     "]
    return re.sub(r"(?<=\S) ", lambda m: rng.choice([m[0], *blanks]), part)


def at_signs(rng: random.Random, part: str) -> str:
    """Space where none is wanted, and none where it is."""
    part = re.sub(r", ", lambda _: rng.choice([", ", " , ", ",", ",\t"]), part)
    part = re.sub(r"(?<=[<>=]) (?=\d)", lambda _: rng.choice([" ", ""]), part)
    part = re.sub(r"(?<=[a-z_]) (?=[<>])", lambda _: rng.choice([" ", ""]), part)
    # Not after a name, which may end in a digit.
    return re.sub(r"(?<=[ .]\d) (?=x )", lambda _: rng.choice([" ", ""]), part)


def indented(rng: random.Random, text: str) -> str:
    """Another unit of indentation, of comments too."""
    unit = rng.choice([" " * rng.randint(1, 8), "\t", "\t\t", " \t"])
    return re.sub(r"^( +)", lambda m: unit * (len(m[0]) // 2), text, flags=re.MULTILINE)


def each_indented(rng: random.Random, text: str) -> str:
    """Another unit of indentation in each statement."""
    out, unit = [], "  "
    for line in text.split("\n"):
        if line[:1] not in {"", " ", "#"}:
            unit = rng.choice([" " * rng.randint(1, 8), "\t"])
        out.append(unit * ((len(line) - len(line.lstrip(" "))) // 2) + line.lstrip(" "))
    return "\n".join(out)


def trailing(rng: random.Random, text: str) -> str:
    """Blanks at the ends of lines."""
    return "\n".join(line + rng.choice(["", "", " ", "\t", "   "]) for line in text.split("\n"))


def spread(rng: random.Random, text: str) -> str:
    """More blank lines, but not where one says to which statement a comment belongs."""
    lines = text.split("\n")
    out = lines[:1]
    for above, line in pairwise(lines):
        near = {above.strip()[:1], line.strip()[:1]}
        kept = "#" in near or re.match(r"(?:system|policy|parameter|change|obtain)\b", line)
        out += [rng.choice(["", " ", "\t"])] * rng.choice([0, 0, 1, 3]) if not kept else []
        out.append(line)
    return "\n".join(out)


def line_ends(rng: random.Random, text: str) -> str:
    """Line ends of Windows, and none or many at the end."""
    text = text.rstrip("\n") + "\n" * rng.randint(0, 3)
    return text.replace("\n", "\r\n") if rng.random() < 0.5 else text


def marked(rng: random.Random, text: str) -> str:
    """A byte order mark."""
    return "\ufeff" + text if rng.random() < 0.5 else text


HARMLESS: dict[str, Damage] = {
    "wide": lines_changed(outside_strings(wide)),
    "at_signs": lines_changed(outside_strings(at_signs)),
    "indented": indented,
    "each_indented": each_indented,
    "trailing": trailing,
    "spread": spread,
    "line_ends": line_ends,
    "marked": marked,
}


def damaged(rng: random.Random, text: str) -> str:
    left_out = rng.choice(["indented", "each_indented"])
    for name, damage in HARMLESS.items():
        if name != left_out and rng.random() < 0.6:
            text = damage(rng, text)
    return text


# ---- properties ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_files_are_canonical(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert parsed(text)[1] == []
    assert canonical_of(text) == text


def test_comments_stay_where_they_stand() -> None:
    assert formatted(COMMENTS) == COMMENTS.replace(
        "# after all", "\n# after all"
    )  # the one thing to change: a statement ends with a blank line


@pytest.mark.parametrize(
    ("text", "name"),
    [
        pytest.param(text, name, id=f"{IDS[n]}-{name}")
        for n, text in enumerate(TEXTS)
        for m, name in enumerate(HARMLESS)
        if LONG or (n + m) % 3 == 0 or n >= len(SHIPPED)
    ],
)
def test_each_damage_is_undone(text: str, name: str) -> None:
    canonical = canonical_of(text)
    for seed in range(3 if LONG else 1):
        damage = HARMLESS[name](random.Random(f"{name} {len(text)} {seed}"), canonical)
        assert formatted(damage) == canonical


def test_a_reason_is_not_damaged() -> None:
    line = '  judged "a, b", because c,  d < 1'
    for seed in range(30):
        rng = random.Random(seed)
        damage = HARMLESS["at_signs"](rng, HARMLESS["wide"](rng, line))
        assert damage.partition("because")[2] == " c,  d < 1"


@settings(
    max_examples=100 if LONG else 30,
    phases=AS_FOUND,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(st.sampled_from(TEXTS), st.randoms(use_true_random=False))
def test_all_damage_is_undone(text: str, rng: random.Random) -> None:
    canonical = canonical_of(text)
    damage = damaged(rng, canonical)
    assert parsed(damage) == parsed(canonical)
    assert formatted(damage) == canonical


@settings(max_examples=100 if LONG else 25, phases=AS_FOUND, deadline=None)
@given(st.randoms(use_true_random=False))
def test_random_protocols_and_policies(rng: random.Random) -> None:
    for text in (random_protocol(rng), random_policies(rng)):
        statements, problems = parsed(text)
        assert problems == []
        canonical = formatted(text)
        assert parsed(canonical)[0] == statements
        damage = damaged(rng, canonical)
        assert parsed(damage)[0] == statements
        assert formatted(damage) == canonical


@st.composite
def broken(draw: st.DrawFn) -> str:
    """A shipped text with lines moved, doubled, lost, cut, re-indented, or with odd signs."""
    lines = draw(st.sampled_from(TEXTS)).split("\n")
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(lines) - 1))
        kind = draw(st.sampled_from(["lose", "double", "move", "cut", "indent", "sign", "join"]))
        line = lines.pop(at)
        if kind == "double":
            lines[at:at] = [line, line]
        elif kind == "move":
            lines.insert(draw(st.integers(0, len(lines))), line)
        elif kind == "cut":
            lines.insert(at, line[: draw(st.integers(0, len(line)))])
        elif kind == "indent":
            lines.insert(at, draw(st.sampled_from(["", " ", "   ", "\t", " \t"])) + line.lstrip())
        elif kind == "sign":
            place = draw(st.integers(0, len(line)))
            sign = draw(st.sampled_from([*'#>"(,=≥\u00a0\ufeff\u202e\r\x0c\x00', "\r\n", " # x"]))
            lines.insert(at, line[:place] + sign + line[place:])
        elif kind == "join" and at < len(lines):
            lines[at] = line + lines[at]
    return draw(st.sampled_from(["\n", "\r\n"])).join(lines)


@settings(
    max_examples=300 if LONG else 40,
    phases=AS_FOUND,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(broken())
def test_nothing_is_lost(text: str) -> None:
    once = formatted(text)
    assert formatted(once) == once
    assert parsed(once) == parsed(text)
    assert comments(once) == comments(text)
    assert words(once) == words(text)


def words(text: str) -> list[str]:
    """All words and signs but those that a list has or has not as it is laid out, and the bar at
    the end of a row, which may be missing."""
    text = re.sub(r",\s*but\b", " but", text.removeprefix("\ufeff"))
    text = re.sub(r"(?m)^([ \t]*\|.*?)\|?[ \t\r]*$", lambda m: m[1].replace("|", " | "), text)
    text = re.sub(r"[<>=]+", r" \g<0> ", text)
    return re.sub(r"[,\s]+", " ", text).split()


@given(st.text(alphabet=st.sampled_from('ab>#\n\r\t \ufeff\x0c\u2028"(,')))
def test_any_text_at_all(text: str) -> None:
    once = formatted(text)
    assert formatted(once) == once
    assert parsed(once) == parsed(text)


def test_statements_that_cannot_be_read_stay_as_they_are() -> None:
    bad = "include  x\n   > Sentence;\n\tage   >=\t18 years \r\n  # why\n\n   all  of\n"
    good = "exclude  y\n    > Sentence;\n    metastatic\n"
    assert formatted(bad + good) == bad + "exclude y\n  > Sentence;\n  metastatic\n"


def test_an_empty_text_stays_empty() -> None:
    assert formatted("") == formatted(" \n\t\r\n") == ""


def test_long_lists_of_codes_stand_below_their_keyword() -> None:
    codes = [f'loinc {n}-1 "{"x" * 40}"' for n in range(3)]
    head = "quantity q\n  unit 1\n"
    line = f"  code {', '.join(codes)}\n"
    assert len(line) > WIDTH
    block = head + "  code\n" + "".join(f"    {code}\n" for code in codes)
    assert formatted(head + line) == block
    assert parsed(block)[0] == parsed(head + line)[0]
    assert formatted(block) == block
    short = head + "  code loinc 1-1, loinc 2-2\n"
    assert formatted(short) == short


def test_problem_places_are_those_of_the_text_as_it_is() -> None:
    problems = Problems()
    parse(Source("text", "\ufeffinclude a\r\n\t> S;\r\n\tx = 1\r\n"), problems)
    (problem,) = problems.sorted()
    assert problem.span is not None and problem.source is not None
    assert problem.source.line_column(problem.span.start) == (3, 4)
