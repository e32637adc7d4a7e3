"""Text to tree: places, words, a problem for each bad statement, and a grammar without clashes."""

from __future__ import annotations

import dataclasses
import random
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import lark
import lark.lexer
import pytest

from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.foundation.source import Source
from protocol_logic.knowledge.resources import grammar_root, kb_root
from protocol_logic.language import condition_tree, knowledge_tree, tree, words
from protocol_logic.language.build import TreeBuilder
from protocol_logic.language.nodes import Amount, Limit, Node, Text, Word
from protocol_logic.language.parse import DEEPEST, criteria, parse, read_piece
from protocol_logic.language.parser import Layout, build_parser
from protocol_logic.language.pieces import pieces
from tests.differential.protocols import random_protocol

SHIPPED = sorted(kb_root().rglob("*.elig"))
# What the shipped files have no use for.
CORPUS = """\
policies city
  title City

policy labs within 28 days
parameter biopsy.least is 100 10*9/L
extend creatinine
  code loinc 38483-4 "Creatinine [Mass/volume] in Blood"

change hemoglobin treat cost 5 up
obtain hemoglobin cost 2

parameter least
  label lowest count
  value 80 10*9/L
  source Amendment 2
  date 2024-05-01

protocol biopsy
  title Biopsy
  knowledge 0123456789ab

define old
  none of
    not age < 65 years
    at least 2 of
      age < 65 years
      stage recorded
      stage is not recorded
      sex is male
      history of chemotherapy
      chemotherapy within 28 days before first_dose or history of chemotherapy before first_dose
      metastasis other than bone_metastasis with severity mild, severe
      number of metastasis with grade >= 2 within 2 years >= 2
      history of chemotherapy with intent palliative, curative
      lines of chemotherapy <= 1
      allergy to paclitaxel

note heading
  > Exclusion criteria:
  > of all patients

examples for city

example on the limit
  as of 2026-01-15
  given age is 65 years
  given stage is unknown
  expect old_people not met because age
  expect "age < 65 years" not met

examples of ages
  given sex is male
  | age      | expect old_people |
  | 64 years | met               |

exclude old_people
  > Old people.
  missing counts as met
  applies if
    any of
      stage in 1A, 1B
      stage recorded as 2A, 2B and sex is female
      highest alt > 3 x ULN within 1 year
  except if sex is male
  there is
    course of endocrine_therapy with intent adjuvant, called adjuvant
    relapse from 3 months after start of adjuvant to 2 years after end of adjuvant
    relapse on or before end of adjuvant
    relapse on or after least after start of adjuvant
    adjuvant lasted >= 24 months at relapse

timepoint first_dose
  label first dose

include dosed
  at first_dose
  > At the first dose.
  chemotherapy within 28 days before first_dose

scope phase_2
  label Phase 2 only

include unfinished
  for phase_2
  > To be written.
  missing counts as not met
  todo

define risk
  values low, high
  decide
    low if
      all of
        hemoglobin >= 90 g/L
        alt <= 1 x ULN
        platelets >= 0.9 x LLN
    otherwise high

score burden
  add 1 if sex is male
  add
    2 if age >= 75 years
    1 if
      all of
        age >= 65 years
        sex is female
    otherwise 0

exclude jaundiced
  > Jaundice, unless somebody says that it is known
  except if
    judged "known jaundice"
  jaundice

condition jaundice
  code snomed 18165001
  includes liver_failure, cholestasis
  denied by judged "no jaundice" or opaque "sclerae as usual", because nobody measures it
  doubted by bilirubin > 3 mg/dL within 1 month or sclerae is yellow

lesion spot
  code loinc 21889-1
  unit mm
  axis longest loinc 33728-7
  measurable longest >= 10 mm, but never if site is bone

derived ratio
  unit 1
  formula (2 * age in a + 1 - 3) / age in a
"""


def parsed(text: str) -> tuple[list[tree.Statement], list[Problem]]:
    problems = Problems()
    return parse(Source("text", text), problems), problems.sorted()


def good(text: str) -> list[tree.Statement]:
    statements, problems = parsed(text)
    assert problems == []
    return statements


def condition(line: str) -> condition_tree.Condition:
    (criterion,) = criteria(good(f"include a\n  > S;\n  {line}\n"))
    return criterion.condition


def underlined(problem: Problem) -> str:
    assert problem.source is not None and problem.span is not None
    return problem.source.text[problem.span.start : problem.span.end]


# ---- places --------------------------------------------------------------------------------------


def nodes(node: object) -> Iterator[Node]:
    """A node and all below it, each before what it holds."""
    if isinstance(node, Node):
        yield node
        for item in dataclasses.fields(node):
            yield from nodes(getattr(node, item.name))
    elif isinstance(node, tuple | list):
        for each in node:
            yield from nodes(each)


def one_line(text: str) -> str:
    return " ".join(text.split())


def check_places(text: str) -> int:
    """Every node's place is its own text; gives the number of nodes."""
    count = 0
    for node in nodes(good(text)):
        here = text[node.span.start : node.span.end]
        if isinstance(node, Word) and not node.text:
            continue  # an empty cell of a table
        assert here and here == here.strip(), node
        for inner in nodes([getattr(node, item.name) for item in dataclasses.fields(node)]):
            if isinstance(node, knowledge_tree.Size) and inner is node.value:
                continue  # `10 mm if site is bone`: the place is that of the size alone
            assert node.span.start <= inner.span.start <= inner.span.end <= node.span.end
        if isinstance(node, Word):
            assert here == node.text
        elif isinstance(node, Text):
            assert one_line(here) == one_line(f"{node.key} {node.text}")
        elif isinstance(node, Amount):
            unit = f" {node.unit.text}" if node.unit else ""
            name = node.parameter.text if node.parameter else ""
            assert one_line(here) == node.number + name + unit
        elif isinstance(node, Limit):
            multiple = here[-3:] if here.endswith(("ULN", "LLN")) else ""
            assert here.startswith(node.op) and multiple == node.per
        elif isinstance(node, knowledge_tree.CodeRef):
            display = f' "{node.display}"' if node.display else ""
            assert one_line(here) == one_line(f"{node.system.text} {node.code.text}{display}")
        elif isinstance(node, knowledge_tree.Property):
            assert here.split()[0] == node.key.split()[0]
        elif isinstance(node, condition_tree.Condition) and "\n" not in here:
            assert condition(here) == node
        count += 1
    return count


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_places_in_shipped_files(path: Path) -> None:
    assert check_places(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("seed", range(20))
def test_places_in_random_protocols(seed: int) -> None:
    text = random_protocol(random.Random(seed))
    plain = good(text)
    for other in (text, text.replace("\n", "\r\n"), "\ufeff" + text, "# first\n\n" + text.rstrip()):
        assert good(other) == plain
        assert check_places(other)


def test_places_in_the_corpus() -> None:
    assert check_places(CORPUS)


def test_places_are_those_of_the_whole_file() -> None:
    text = "# a comment\n\ninclude a\n  > S;\n  x\n\ninclude b\n  > S;\n  y = 1\n"
    _, (problem,) = parsed(text)
    assert problem.source is not None and problem.span is not None
    assert problem.source.line_column(problem.span.start) == (9, 5)
    assert underlined(problem) == "="
    assert problem.sentence == "S;"


# ---- words ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    "is_active order android inhaler notable iffy of_interest attested_by all_of anyone in_effect "
    "there_is lines code unit value at least from recorded_value not_applicable include exclude "
    "define protocol age status x uln butter course".split(),
)
def test_a_name_may_begin_with_a_keyword(name: str) -> None:
    assert condition(f"{name} is positive") == condition_tree.IsIn(
        name=Word(text=name), values=(Word(text="positive"),)
    )


@pytest.mark.parametrize(
    "text",
    [
        "includeage\n  > S;\n  x\n",
        "include a\n  > S;\n  allof\n    x\n",
        "include a\n  > S;\n  x ispositive\n",
        "include a\n  > S;\n  notx y\n",
        "include a\n  > S;\n  x is positive andy\n",
        "include a\n  > S;\n  lines ofx with intent palliative <= 1\n",
        "quantity a\n  codeloinc 1\n",
    ],
)
def test_a_keyword_ends_where_a_word_ends(text: str) -> None:
    statements, problems = parsed(text)
    assert statements == [] and len(problems) == 1


def test_spaces_between_words_are_free() -> None:
    assert condition("alt<=1.5x ULN") == condition("alt  <=\t1.5   x  ULN")
    assert condition("hemoglobin>=90g/L") == condition("hemoglobin >= 90 g/L")
    assert condition("lines \t of  chemotherapy with\tintent palliative<=1") == condition(
        "lines of chemotherapy with intent palliative <= 1"
    )


def test_a_limit_with_an_exception_stands_alone_on_its_line() -> None:
    text = "alt <= 2 x ULN, but <= 5 x ULN if stage in 3, 4, but <= 9 x ULN if not metastatic"
    found = condition(text)
    assert isinstance(found, condition_tree.Compares)
    stages, other = found.exceptions
    assert isinstance(stages.condition, condition_tree.IsIn) and len(stages.condition.values) == 2
    assert isinstance(other.condition, condition_tree.Not)
    for line in (f"{text} and x", f"x or {text}", f"not {text}"):
        _, problems = parsed(f"include a\n  > S;\n  {line}\n")
        assert len(problems) == 1


def test_codes_stand_on_one_line_or_in_a_block() -> None:
    line = 'quantity q\n  code loinc 1-1 "one", loinc 2-2\n  unit 1\n'
    block = 'quantity q\n  code\n    loinc 1-1 "one"\n    # and\n    loinc 2-2\n  unit 1\n'
    assert good(line) == good(block)


def test_exceptions_of_measurable_stand_on_one_line_or_in_a_block() -> None:
    head = "lesion l\n  measurable longest >= 10 mm"
    line = f"{head}, but never if site is bone, but short >= 15 mm if site is node\n"
    block = f"{head}\n    but never if site is bone\n    but short >= 15 mm if site is node\n"
    assert good(line) == good(block)


# ---- problems ------------------------------------------------------------------------------------


def test_one_problem_for_each_bad_statement() -> None:
    text = "\n".join(
        f"include c{n}\n  > S;\n  {line}\n"
        for n, line in enumerate(["x = 1", "y", "x y z = ( 1", "z is", "", "all of\n    x\n   y"])
    )
    statements, problems = parsed(text)
    assert [c.name.text for c in criteria(statements)] == ["c1"]
    assert len(problems) == 5
    assert {p.code for p in problems} == {"syntax"}


def test_a_heading_with_a_mistake_still_tells_what_is_used() -> None:
    for bad in ("titel T", "title", "version 1.0 = x\n  title: T"):
        (heading,), (problem,) = parsed(f"protocol p\n  {bad}\n  uses labs, oncology.breast\n")
        assert isinstance(heading, tree.Heading)
        assert problem.code == "syntax"
        assert [word.text for word in heading.uses] == ["labs", "oncology.breast"]


def test_blocks_nest_to_a_limit() -> None:
    def nested(depth: int) -> str:
        blocks = "".join(f"{' ' * n}all of\n" for n in range(1, depth))
        return f"include a\n > S;\n{blocks}{' ' * depth}x\n"

    assert len(good(nested(DEEPEST))) == 1
    for depth in (DEEPEST + 1, 1000):
        _, (problem,) = parsed(nested(depth))
        assert "levels deep" in problem.message


def test_formulas_nest_to_a_limit() -> None:
    def sums(number: int) -> str:
        return f"derived d\n  formula 1{' + 1' * number}\n"

    assert len(good(sums(DEEPEST))) == 1
    for text in (sums(10_000), f"derived d\n  formula {'(' * 10_000}1{')' * 10_000}\n"):
        _, problems = parsed(text)
        assert [p.code for p in problems] in ([], ["syntax"])
    _, (problem,) = parsed(sums(10_000))
    assert problem.message == "the formula is too long"


@pytest.mark.parametrize(
    "line",
    [
        "x" * 1_000_000 + " y",
        "x" + " " * 1_000_000 + "y z",
        "age >= " + "9" * 1_000_000 + " years",
        "age is " + '"' * 1_000_000,
        "age " + "=" * 1_000_000,
        "a-" * 500_000,
        "Abc def " * 100_000,
        "age >= " + "10 " * 300_000,
        "age >= 1 " + "a / " * 250_000,
    ],
    ids=lambda line: line[:9],
)
def test_a_line_of_a_million_characters_has_one_short_problem(line: str) -> None:
    _, (problem,) = parsed(f"include a\n  > S;\n  {line}\n")
    assert len(problem.message) < 200 and len(problem.hint or "") < 300


def test_parsing_in_threads() -> None:
    texts = [random_protocol(random.Random(seed)) for seed in range(24)]
    expected = [good(text) for text in texts]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(good, texts)) == expected


# ---- the grammar ---------------------------------------------------------------------------------


def test_every_rule_has_an_example() -> None:
    parser, _ = build_parser()
    seen: set[str] = set()
    for text in [CORPUS, *(path.read_text(encoding="utf-8") for path in SHIPPED)]:
        source = Source("text", text)
        for piece in pieces(text):
            read = read_piece(source, piece)
            assert isinstance(read, lark.Tree), read
            seen |= {str(each.data) for each in read.iter_subtrees()}
    rules = {
        str(rule.alias or rule.origin.name)
        for rule in parser.rules
        if rule.alias or not (rule.options.expand1 or str(rule.origin.name).startswith("_"))
    }
    inlined = {str(rule.origin.name) for rule in parser.rules if rule.options.expand1}
    assert rules <= seen <= rules | inlined
    assert rules <= set(dir(TreeBuilder)), "a rule that nothing makes a node of"


def test_every_terminal_is_used() -> None:
    grammar = (grammar_root() / "eligibility.lark").read_text(encoding="utf-8")
    rules = re.sub(r"^(?://|%import).*$", "", grammar, flags=re.MULTILINE)
    terminals = (grammar_root() / "terminals.lark").read_text(encoding="utf-8")
    for name in re.findall(r"^([A-Z_]+)(?:\.\d+)?:", terminals, re.MULTILINE):
        assert re.search(rf"\b{name}\b", rules), name


def test_keywords_are_spelt_in_hints_as_in_texts() -> None:
    parser, _ = build_parser()
    for terminal in parser.terminals:
        word = words.keyword(terminal.name)
        free = terminal.pattern.to_regexp().endswith("[^\\s][^\r\n]*")
        if word is not None and not terminal.name.startswith("__"):
            assert re.fullmatch(terminal.pattern.to_regexp(), f"{word} x" if free else word)
    (kind,) = (t for t in parser.terminals if t.name == "KIND")
    assert kind.pattern.value == rf"({'|'.join(words.KINDS)})\b"


def test_no_two_terminals_match_the_same_text(tmp_path: Path) -> None:
    """lark's strict mode: no conflict between rules, and none between terminals in any state.

    The interegular package, which it needs, knows no `\\b`: here the end of a word is spelt out.
    So the parser itself is not built strict, nor could it be where interegular is not installed.
    """
    for path in grammar_root().glob("*.lark"):
        text = path.read_text(encoding="utf-8").replace(r"\b", "(?![A-Za-z0-9_])")
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    options = {"start": "statement", "parser": "lalr", "lexer": "contextual", "strict": True}
    grammar = (tmp_path / "eligibility.lark").read_text(encoding="utf-8")
    layout = Layout()
    lark.Lark(grammar, postlex=layout, import_paths=[str(tmp_path)], **options)
    clash = (tmp_path / "terminals.lark").read_text(encoding="utf-8") + "NEVER: /never/\n"
    clash = clash.replace("NEVER.2: /never(?![A-Za-z0-9_])/\n", "")
    (tmp_path / "terminals.lark").write_text(clash, encoding="utf-8")
    with pytest.raises(lark.exceptions.LexError, match=r"NEVER|NAME"):
        lark.Lark(grammar, postlex=layout, import_paths=[str(tmp_path)], **options)
