"""The documents of tests/cases/behaviour: what a criterion says of a patient, and why.

Under a heading stand criteria (`elig`, with the definitions that they use) and one patient or more.
Each patient is a sentence that says why, a block `patient` (tests/patient_notation.py), and a block
`expect`. A block `everyone` holds facts of all patients under its heading, or of the whole document
where it stands above the first; a block `uses` there, names of more knowledge; a block `policies`,
the site's policies for those under its heading; a block `dates`, the days of time points. Every
patient goes the whole way: FHIR bundle, record, findings, engine, row. The row must be what the
document says, must not depend on the order of the record, must agree with the reference evaluator
(tests/differential), which shares no code with it, and under policies must decide nothing otherwise
than without.

    eligibility undetermined                    if left out: what the criteria give one by one
    in phase_2 eligible                         for each scope of the protocol
    blood unknown because hgb, anc              all gaps, by name
    blood unknown because hgb (absent)          with the reason of each
    ovarian_suppressed met, does not apply
    oldest evidence of blood 2026-10-26
    jointly adult_woman, ovarian_suppressed     criteria that no scenario lets pass together
    jointly in phase_2 adult, suppressed        the same of those that count for a scope
    problem conflict                            every code that the row reports, once

Every criterion must be named. What is expected is derived by hand from the rules
(docs/semantics.md), never copied from a run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, get_args

import pytest

from protocol_logic.answering.rows import AsOf, Row
from protocol_logic.compiling import core
from protocol_logic.compiling.answerable import elements_of
from protocol_logic.compiling.policies import check_policies
from protocol_logic.foundation.operators import COMPARISONS
from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.pipeline import Compiled, Screening, as_of_date, compile_source, read_records
from protocol_logic.records.answers_file import read_answers
from protocol_logic.records.facts import PatientRecord
from protocol_logic.records.json_text import parse
from protocol_logic.records.sources import Document
from tests.differential.bundles import dumps
from tests.differential.reference import TooLarge, evaluate
from tests.patient_notation import Json, answers_of, bundle_of

DOCUMENTS = sorted((Path(__file__).parent / "cases" / "behaviour").glob("*.md"))
HEADING = """\
protocol example
  title Example
  version 1.0
  language 1
  uses demographics, performance, oncology.breast, oncology.lung, labs, consent
  uses vital_signs, renal, cardiology, hepatic, qualifiers, allergy, encounters
"""
_BLOCK = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_TITLE = re.compile(r"^## (.+)$", re.MULTILINE)
_REASONS = re.compile(r"\([a-z ]+\)")


class Patient(NamedTuple):
    """A patient of a case: the facts, what is expected, the sentence why, and the line."""

    facts: str
    expected: list[str]
    why: str
    line: int


@dataclass(frozen=True, slots=True)
class Case:
    """What stands under one heading."""

    title: str
    elig: str
    policies: str
    dates: str
    patients: tuple[Patient, ...]


# ---- documents -----------------------------------------------------------------------------------


def cases_of(path: Path) -> Iterator[Case]:
    text = path.read_text(encoding="utf-8")
    titles = list(_TITLE.finditer(text))
    first = titles[0].start() if titles else len(text)
    above = list(_BLOCK.finditer(text, 0, first))
    everyone = "".join(b["text"] for b in above if b["info"] == "everyone")
    uses = "".join(f"  uses {b['text']}" for b in above if b["info"] == "uses")
    ends = [*(t.start() for t in titles[1:]), len(text)]
    for title, end in zip(titles, ends, strict=True):
        yield _case(title[1], text, title.end(), end, everyone, f"{HEADING}{uses}\n")


def _case(title: str, text: str, start: int, end: int, everyone: str, heading: str) -> Case:
    elig, policies, dates, facts, why = heading, "", "", None, ""
    patients: list[Patient] = []
    for block in _BLOCK.finditer(text, start, end):
        prose = text[start : block.start()].strip()
        line = text.count("\n", 0, block.start()) + 1
        start = block.end()
        match block["info"]:
            case "elig":
                elig += block["text"] + "\n"
            case "policies":
                policies += block["text"]
            case "dates":
                dates += block["text"]
            case "everyone":
                everyone += block["text"]
            case "patient":
                assert facts is None, f"line {line}: the patient before has no `expect`"
                assert prose, f"line {line}: no sentence says why"
                facts, why = everyone + block["text"], prose
            case "expect":
                assert facts is not None, f"line {line}: no patient before it"
                patients.append(Patient(facts, block["text"].splitlines(), why, line))
                facts = None
            case other:
                raise AssertionError(f"line {line}: what is a block `{other}`?")
    assert elig != heading and patients and facts is None, f"{title}: wants `elig`, `expect`"
    return Case(title, elig, policies, dates, tuple(patients))


# ---- rows ----------------------------------------------------------------------------------------


@cache
def compiled(elig: str) -> Compiled:
    problems = Problems()
    found = compile_source(Source("case.elig", elig), problems)
    assert found is not None, problems.items
    assert all(p.code in ("to-do", "parts-left-out") for p in problems.items), problems.items
    return found


def under(found: Compiled, policies: str) -> Compiled:
    """The protocol of a case under its policies."""
    problems = Problems()
    text = f"policies example\n  title Example\n\n{policies}"
    checked = check_policies(Source("policies.elig", text), problems)
    assert checked is not None, problems.items
    strict = compile_source(found.protocol.source, problems, checked)
    assert strict is not None, problems.items
    return strict


def record_of(found: Compiled, bundle: Json, answers: str) -> tuple[PatientRecord, AsOf]:
    """The record of a bundle, read from its text, with the answers of people."""
    content = parse(dumps(bundle).encode())
    assert isinstance(content, dict)
    problems = Problems()
    [record] = read_records(found, [Document("case.json", content)], problems)
    as_of = as_of_date(record, None)
    assert isinstance(as_of, AsOf)
    read = read_answers(Source("answers.csv", answers), elements_of(found.protocol), problems)
    assert read is not None and not problems.items, problems.items
    return read.apply(record, as_of.date), as_of


def said(row: Row, expected: Sequence[str]) -> list[str]:
    """A row in the words of `expect`, in the order of the lines expected and as fully as these."""
    told = {_key(line): line for line in expected}
    lines: dict[str, str] = {}
    eligibility = f"eligibility {row['eligibility']}"
    scopes = {scope["id"]: scope["eligibility"] for scope in row["scopes"]}
    plain = over_scopes(scopes) if scopes else one_by_one(row["criteria"])
    if "eligibility" in told or row["eligibility"] != plain:
        lines["eligibility"] = eligibility
    for scope in row["scopes"]:
        lines[f"in {scope['id']}"] = f"in {scope['id']} {scope['eligibility']}"
    for criterion in row["criteria"]:
        reasons = _REASONS.search(told.get(criterion["id"], "")) is not None
        lines[criterion["id"]] = _criterion_line(criterion, reasons)
        oldest = f"oldest evidence of {criterion['id']}"
        if oldest in told:
            lines[oldest] = f"{oldest} {criterion['oldest_evidence']}"
    if row["decided_jointly"]:
        lines["jointly"] = "jointly " + ", ".join(row["decided_jointly"])
    for scope in row["scopes"]:
        if scope["decided_jointly"]:
            key = f"jointly in {scope['id']}"
            lines[key] = f"{key} {', '.join(scope['decided_jointly'])}"
    for code in sorted({problem["code"] for problem in row["problems"]}):
        lines[f"problem {code}"] = f"problem {code}"
    order = [*(key for key in told if key in lines), *(key for key in lines if key not in told)]
    return [lines[key] for key in order]


def _key(line: str) -> str:
    """What a line of `expect` is about; no two lines may be about the same."""
    words = line.split()
    if words[0] == "oldest":
        return " ".join(words[:-1])
    if words[0] == "in":
        return " ".join(words[:2])
    if words[:2] == ["jointly", "in"]:
        return " ".join(words[:3])
    return line if words[0] == "problem" else words[0]


def _criterion_line(criterion: Mapping[str, Any], reasons: bool) -> str:
    line = f"{criterion['id']} {criterion['outcome'].replace('_', ' ')}"
    if criterion["gaps"]:
        line += " because " + ", ".join(
            f"{gap['element']} ({gap['reason'].replace('_', ' ')})" if reasons else gap["element"]
            for gap in criterion["gap_details"]
        )
    return line if criterion["applies"] else f"{line}, does not apply"


def one_by_one(criteria: Sequence[Mapping[str, Any]]) -> str:
    """Eligibility as far as the criteria decide it each for itself."""
    verdicts = {criterion["verdict"] for criterion in criteria}
    if "fail" in verdicts:
        return "ineligible"
    return "undetermined" if "open" in verdicts else "eligible"


def over_scopes(scopes: Mapping[str, str]) -> str:
    """Eligibility as the scopes give it: one that takes the patient is enough."""
    said = set(scopes.values())
    if "eligible" in said:
        return "eligible"
    return "ineligible" if said == {"ineligible"} else "undetermined"


def disagreement(found: Compiled, record: PatientRecord, as_of: AsOf, row: Row) -> str | None:
    """What the reference evaluator says otherwise; where readings were widened it may say more."""
    widened = any(problem["code"] == "too-many-readings" for problem in row["problems"])
    try:
        expected = evaluate(
            found.protocol,
            record,
            as_of.date,
            windows=found.windows,
            dates=found.dates,
            each_alone=True,
        )
    except TooLarge as error:
        return None if widened else f"the reference gives up: {error}"
    wanted = {k: (o.outcome, o.applies) for k, o in expected.criteria.items()}
    got = {c["id"]: (c["outcome"], c["applies"]) for c in row["criteria"]}
    if widened:
        wanted = {k: got[k] if got[k][0] == "unknown" else v for k, v in wanted.items()}
    eligibility = row["eligibility"] if widened else expected.eligibility
    scopes = {scope["id"]: scope["eligibility"] for scope in row["scopes"]}
    if (got, row["eligibility"]) == (wanted, eligibility) and (
        widened or scopes == expected.scopes
    ):
        return None
    return f"the reference says: {wanted}, {eligibility}, {expected.scopes}"


# ---- tests ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=f"{path.stem}: {case.title}")
        for path in DOCUMENTS
        for case in cases_of(path)
    ],
)
def test_case(case: Case) -> None:
    lenient = compiled(case.elig)
    found = under(lenient, case.policies) if case.policies else lenient
    days = (line.split() for line in case.dates.splitlines())
    found = replace(found, dates={name: date.fromisoformat(day) for name, day in days})
    screening = Screening(found)
    wrong: list[str] = []
    for patient in case.patients:
        bundle = bundle_of(patient.facts, found.protocol.vocabulary)
        answers = answers_of(patient.facts)
        record, as_of = record_of(found, bundle, answers)
        row = screening.row(record, as_of)
        expected = [line.strip() for line in patient.expected]
        got = said(row, expected)
        if got != expected:
            wrong.append(_difference(patient, expected, got))
        other = disagreement(found, record, as_of, row)
        if other is not None:
            wrong.append(f"line {patient.line}: {patient.why}\n  got: {got}\n  {other}")
        turned, _ = record_of(found, {**bundle, "entry": bundle["entry"][::-1]}, answers)
        if screening.row(turned, as_of) != row:
            wrong.append(f"line {patient.line}: the order of the record makes a difference")
        if case.policies and not opens_only(Screening(lenient).row(record, as_of), row):
            wrong.append(f"line {patient.line}: the policies have decided something otherwise")
    assert not wrong, "\n".join(["", *wrong])


def opens_only(lenient: Row, strict: Row) -> bool:
    """Whether each outcome under policies is that without them, or unknown."""
    outcomes = zip(lenient["criteria"], strict["criteria"], strict=True)
    return all(s["outcome"] in (w["outcome"], "unknown") for w, s in outcomes)


def _difference(patient: Patient, expected: Sequence[str], got: Sequence[str]) -> str:
    lines = [f"line {patient.line}: {patient.why}"]
    lines += [f"  expected: {line}" for line in expected if line not in got]
    lines += [f"  got:      {line}" for line in got if line not in expected]
    return "\n".join(lines)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_titles_differ(path: Path) -> None:
    titles = [case.title for case in cases_of(path)]
    assert titles
    assert len(titles) == len(set(titles))


def test_every_kind_of_test_has_a_case() -> None:
    kinds = set(get_args(core.Test))
    signs = {(sign, per) for sign in COMPARISONS for per in ("", "ULN", "LLN")}
    for case in (case for path in DOCUMENTS for case in cases_of(path)):
        if not kinds and not signs:
            break  # the rest need not be compiled for this
        for criterion in compiled(case.elig).protocol.criteria:
            for test in core.tests_in(criterion.condition):
                kinds.discard(type(test))
                if isinstance(test, core.Within):
                    signs.discard((test.op, test.per))
    assert (kinds, signs) == (set(), set())
