"""`test`: what it runs, what it says of what fails, its forms and exit codes."""

from __future__ import annotations

import contextlib
import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner

from protocol_logic.surfaces.cli import group
from tests.contracts import command
from tests.contracts.command import PROTOCOL, REPOSITORY, written

SEED = REPOSITORY / "kb" / "protocols" / PROTOCOL
PROTOCOL_TEXT = """\
protocol small
  title Small
  version 2
  uses demographics, labs, oncology.breast

include adult
  > Aged 18 years or older
  age >= 18 years

include liver
  > ALT at most 2.5 x ULN (5 with liver metastases)
  alt <= 2.5 x ULN, but <= 5 x ULN if liver_metastasis

define strong
  hemoglobin >= 90 g/L

exclude weak
  > Weak
  applies if sex is female
  not strong
"""
EXAMPLES = """
example old enough
  given age is 18 years
  expect adult met because age

examples of the liver
  | alt     | liver_metastasis | expect liver                     |
  | 3 x ULN | present          | met because alt, liver_metastasis |
  | 3 x ULN |                  | unknown because liver_metastasis (absent) |
"""


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


def run(*args: str | Path, cwd: Path | None = None) -> Done:
    """Run the command in this process: most of the time of a process is to start."""
    with contextlib.chdir(cwd or Path.cwd()):
        done = CliRunner().invoke(group, [*map(str, args)])
    return Done(done.exit_code, done.stdout, done.stderr)


def small(folder: Path, examples: str = EXAMPLES) -> Path:
    return written(folder / "small.elig", PROTOCOL_TEXT + examples)


def checks(*args: str | Path) -> dict[str, tuple[str, str, bool]]:
    """About what -> expected, got, and whether it holds, of the only test."""
    content = json.loads(run("test", *args, "--format", "json").stdout)
    (test,) = content["protocols"][0]["tests"]
    assert test["passed"] == all(check["holds"] for check in test["checks"])
    return {c["about"]: (c["expected"], c["got"], c["holds"]) for c in test["checks"]}


def example(folder: Path, *lines: str) -> dict[str, tuple[str, str, bool]]:
    text = "".join(f"  {line}\n" for line in lines)
    return checks(small(folder, f"\nexample it\n{text}"))


# ---- the seed protocol ---------------------------------------------------------------------------


def test_the_seed_protocol_passes_with_every_condition_in_every_state() -> None:
    done = command.run("test", PROTOCOL, "--min-coverage", "100")
    assert (done.returncode, done.stderr) == (0, "118 tests of 1 protocol, all passed\n")
    examples = run("test", SEED / f"{PROTOCOL}.examples.elig", "--min-coverage", "100")
    assert examples.returncode == 0, examples.stdout


def test_every_limit_of_the_seed_protocol_decides_where_its_sign_says() -> None:
    done = run("test", PROTOCOL, "--boundaries", "--filter", "organ_function: ")
    assert done.returncode == 0, done.stdout
    assert "    not met  hemoglobin is 89.9 g/L\n    met      hemoglobin is 90 g/L\n" in done.stdout


# ---- what is run ---------------------------------------------------------------------------------


def test_examples_of_the_file_and_of_files_beside_it(tmp_path: Path) -> None:
    path = small(tmp_path)
    beside = (
        "examples for small\n\nexample young\n  given age is 17 years\n  expect adult not met\n"
    )
    written(tmp_path / "more.examples.elig", beside)
    written(tmp_path / "other.examples.elig", beside.replace("for small", f"for {PROTOCOL}"))
    assert run("test", path).stderr == "4 tests of 1 protocol, all passed\n"
    assert run("test", tmp_path / "more.examples.elig").stderr == (
        "1 test of 1 protocol, all passed\n"
    )
    # The last file is about a protocol that has no such criterion.
    done = run("test", tmp_path)
    assert done.returncode == 1
    assert "the protocol has no criterion `adult`" in done.stderr


def test_a_folder_and_those_in_it_and_the_folder_one_stands_in(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / ".hidden").mkdir()
    small(tmp_path / "inner")
    small(tmp_path / ".hidden", "\nexample bad\n  expect adult met\n")
    written(tmp_path / "facts.elig", "knowledge facts\n  title Facts\n")
    for done in (run("test", tmp_path), run("test", cwd=tmp_path)):
        assert (done.returncode, done.stderr) == (0, "3 tests of 1 protocol, all passed\n")


def test_without_a_protocol_here_those_of_the_knowledge_base(tmp_path: Path) -> None:
    done = run("test", "--filter", "examples of nothing that is there", cwd=tmp_path)
    assert f"{PROTOCOL} 1.0: no test ran" in done.stdout


def test_worked_cases(tmp_path: Path) -> None:
    (tmp_path / "cases").symlink_to(SEED / "cases")
    expected = json.loads((SEED / "expected.json").read_text(encoding="utf-8"))["cases"]
    case = {**expected["D06"], "gaps": {"organ_function": ["liver_metastasis"]}}
    case["file"] = str(Path(case["file"]).name)
    bundle = (SEED / "cases" / case["file"]).read_text(encoding="utf-8")
    written(tmp_path / case["file"], bundle)
    path = written(tmp_path / "expected.json", {"protocol": PROTOCOL, "cases": {"D06": case}})
    assert all(holds for _, _, holds in checks(path).values())
    case["criteria"]["9"], case["vacuous"], case["overall"] = "met", ["performance"], "eligible"
    case["gaps"], case["missing_data"] = {}, []
    written(path, {"protocol": PROTOCOL, "cases": {"D06": case}})
    wrong = {about: got for about, (_, got, holds) in checks(path).items() if not holds}
    assert wrong == {
        "performance": "met, applies",
        "ovarian_suppressed": "does not apply, does not apply",
        "organ_function": "unknown because liver_metastasis",
        "eligibility": "undetermined",
        "all gaps": "liver_metastasis",
    }


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ({"criteria": {"1": "met"}}, "names no `file`"),
        ({"file": "x.json"}, "expects nothing"),
        ({"file": "x.json", "criteria": {"11": "met"}}, "no criterion `11`"),
        ({"file": "x.json", "criteria": {"1": "not met"}}, "`not met` is no outcome"),
        ({"file": "x.json", "overall": "yes"}, "`yes` is no eligibility"),
        ({"file": "x.json", "overall": "eligible", "as_of": "soon"}, "`as_of` is no date"),
        ({"file": "x.json", "missing_data": "hgb"}, "`missing_data` is not a list of texts"),
        ([], "is not a JSON object"),
    ],
)
def test_cases_that_cannot_be_used(tmp_path: Path, case: object, message: str) -> None:
    path = written(tmp_path / "expected.json", {"protocol": PROTOCOL, "cases": {"a": case}})
    done = run("test", path)
    assert done.returncode == 1
    assert message in done.stderr


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("gone.json", "there is no file"),
        ("../outside.json", "is not in the folder of the cases"),
        ("empty.json", "it is not JSON"),
    ],
)
def test_a_case_without_a_record_fails(tmp_path: Path, file: str, message: str) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    written(tmp_path / "outside.json", "{}")
    written(inner / "empty.json", "{")
    case = {"file": file, "overall": "eligible"}
    path = written(inner / "expected.json", {"protocol": PROTOCOL, "cases": {"a": case}})
    done = run("test", path)
    assert done.returncode == 1
    assert message in done.stdout


# ---- what is said --------------------------------------------------------------------------------


def test_expected_against_got(tmp_path: Path) -> None:
    found = example(
        tmp_path,
        "given age is 17 years",
        "given alt is 3 x ULN",
        "given sex is male",
        "expect adult met",
        "expect liver unknown because alt",
        "expect weak does not apply because sex",
        "expect strong met",
        'expect "alt <= 5 x ULN" not met',
        "expect eligibility ineligible because adult",
    )
    assert found == {
        "adult": ("met", "not met", False),
        "liver": ("unknown because alt", "unknown because liver_metastasis", False),
        "weak": ("does not apply because sex", "does not apply", True),
        "strong": ("met", "unknown because hgb", False),
        "alt <= 5 x ULN": ("not met", "met", False),
        "eligibility": ("ineligible because adult", "ineligible because adult", True),
    }


def test_gaps_are_all_of_them_with_their_reasons(tmp_path: Path) -> None:
    given = ("given alt is unknown", "given liver_metastasis is unknown")
    for tail, holds in (
        ("because alt", False),
        ("because alt, liver_metastasis", True),
        ("because liver_metastasis, alt (unreadable)", True),
        ("because alt (absent), liver_metastasis", False),
        ("because alt, liver_metastasis, hgb", False),
    ):
        assert example(tmp_path, *given, f"expect liver unknown {tail}")["liver"][2] == holds


def test_a_class_stands_for_its_kinds_among_the_gaps(tmp_path: Path) -> None:
    text = "protocol x\n  title X\n  uses oncology.breast, labs\n\ninclude a\n  > A\n"
    text += "  metastasis or hemoglobin >= 90 g/L\n\nexample it\n  given hemoglobin is 80 g/L\n"
    kinds = "liver_metastasis, lung_metastasis, bone_metastasis, brain_metastasis"
    for because, holds in (
        ("metastasis", True),
        (f"metastasis, {kinds}", True),
        ("metastasis (absent)", True),
        ("metastasis (imprecise)", False),
        ("metastasis, hgb", False),
        ("liver_metastasis", False),
        ("breast_cancer", False),
    ):
        path = written(tmp_path / "x.elig", f"{text}  expect a unknown because {because}\n")
        assert checks(path)["a"][2] == holds, because


@pytest.mark.parametrize(
    ("because", "got"),
    [
        ("alt", "met, but with alt alone it is unknown because liver_metastasis"),
        ("alt, liver_metastasis", None),
        ("alt, liver_metastasis, hgb", "met, but it is so without hgb too"),
    ],
)
def test_what_decides_is_just_what_decides(tmp_path: Path, because: str, got: str | None) -> None:
    found = example(
        tmp_path,
        "given alt is 3 x ULN",
        "given liver_metastasis is present",
        "given hemoglobin is 90 g/L",
        f"expect liver met because {because}",
    )
    assert found["liver"][1:] == (got or "met", got is None)


def test_a_multiple_of_the_limit_does_not_tell_the_number(tmp_path: Path) -> None:
    path = written(
        tmp_path / "x.elig",
        "protocol x\n  title X\n  uses labs\n\ninclude a\n  > A\n  alt <= 100 U/L\n\n"
        "include b\n  > B\n  alt <= 3 x ULN\n\nexample it\n  given alt is < 3 x ULN\n"
        "  expect a unknown because alt (imprecise)\n  expect b met\n",
    )
    assert run("test", path).returncode == 0


def test_an_example_about_one_criterion_covers_no_other(tmp_path: Path) -> None:
    path = small(tmp_path, "\nexample it\n  given age is 18 years\n  expect adult met\n")
    content = json.loads(run("test", path, "--coverage", "--format", "json").stdout)
    clauses = content["protocols"][0]["coverage"]["clauses"]
    assert [(c["owner"], c["clause"], c["line"], c["missing"]) for c in clauses] == [
        ("adult", "age >= 18 years", 8, ["not_met", "unknown"]),
        ("liver", "alt <= 2.5 x ULN", 12, ["met", "not_met", "unknown"]),
        ("liver", "alt <= 5 x ULN", 12, ["met", "not_met", "unknown"]),
        ("liver", "liver_metastasis", 12, ["met", "not_met", "unknown"]),
        ("weak", "sex is female", 19, ["met", "not_met", "unknown"]),
        ("strong", "hemoglobin >= 90 g/L", 15, ["met", "not_met", "unknown"]),
    ]


def test_the_threshold_fails_and_says_what_is_missing(tmp_path: Path) -> None:
    path = small(tmp_path)
    assert run("test", path, "--min-coverage", "27").returncode == 0
    done = run("test", path, "--min-coverage", "28")
    assert done.returncode == 1
    assert "adult: age >= 18 years: not met, unknown (line 8)" in done.stdout
    assert "1 protocol below 28 % of coverage" in done.stderr


SCOPES = """\
protocol parts
  title Parts
  uses demographics, labs

scope phase_2
  label Phase 2

scope phase_3
  label Phase 3

include adult
  > Adult
  age >= 18 years

include blood
  for phase_3
  > Blood
  hemoglobin >= 90 g/L

include fit
  for phase_2
  > Fit
  judged "fit for treatment"

example it
  given age is 18 years
  given hemoglobin is 80 g/L
  given fit_for_treatment is no
  expect fit not met because fit_for_treatment
  expect eligibility ineligible because blood, fit
  expect phase_3 ineligible because blood
  expect phase_2 eligible

examples of parts
  given age is 18 years
  | fit_for_treatment | hemoglobin | expect phase_2 |
  | yes               | 80 g/L     | eligible                       |
  |                   | 90 g/L     | undetermined because fit       |
"""


def test_eligibility_for_a_scope_and_what_a_person_is_asked(tmp_path: Path) -> None:
    path = written(tmp_path / "parts.elig", SCOPES)
    done = run("test", path, "--format", "json", "--coverage")
    content = json.loads(done.stdout)
    wrong = [
        (c["about"], c["got"])
        for test in content["protocols"][0]["tests"]
        for c in test["checks"]
        if not c["holds"]
    ]
    assert wrong == [("phase_2", "ineligible because fit")]
    clauses = content["protocols"][0]["coverage"]["clauses"]
    assert [c["clause"] for c in clauses] == ["age >= 18 years", "hemoglobin >= 90 g/L"]


# ---- forms and exit codes ------------------------------------------------------------------------


def test_json_has_the_documented_keys(tmp_path: Path) -> None:
    done = run("test", small(tmp_path), "--format", "json", "--coverage")
    content = json.loads(done.stdout)
    assert list(content) == ["tests", "failed", "protocols"]
    (protocol,) = content["protocols"]
    assert list(protocol) == ["id", "version", "file", "tests", "coverage", "problems"]
    first, *rows = protocol["tests"]
    assert list(first) == [
        "kind", "title", "row", "file", "line", "given", "passed", "trouble", "checks",
    ]  # fmt: skip
    assert list(first["checks"][0]) == ["about", "expected", "got", "holds", "sentence", "gaps"]
    assert list(protocol["coverage"]) == ["percent", "seen", "states", "clauses"]
    assert list(protocol["coverage"]["clauses"][0]) == [
        "owner", "clause", "line", "seen", "missing", "unreachable",
    ]  # fmt: skip
    assert (first["title"], first["row"], first["line"]) == ("old enough", None, 22)
    assert [(row["title"], row["row"], row["line"]) for row in rows] == [
        ("of the liver", 1, 28),
        ("of the liver", 2, 29),
    ]


def test_junit_counts_failures_and_names_them(tmp_path: Path) -> None:
    path = small(tmp_path, EXAMPLES + '\nexample <bad> & "wrong"\n  expect adult met\n')
    done = run("test", path, "--format", "junit", "--min-coverage", "100")
    assert done.returncode == 1
    root = ET.fromstring(done.stdout)
    (suite,) = root
    assert dict(suite.attrib) == {"name": "small", "tests": "5", "failures": "2", "errors": "0"}
    failed = {case.attrib["name"] for case in suite if len(case)}
    assert failed == {'<bad> & "wrong"', "clause coverage"}
    (failure,) = suite[3]
    assert failure.attrib["message"] == ("adult: expected met, got unknown because birth_date")


def test_an_output_file_gets_the_results_and_stdout_nothing(tmp_path: Path) -> None:
    done = run("test", small(tmp_path), "-o", tmp_path / "out.txt")
    assert done.stdout == ""
    assert (tmp_path / "out.txt").read_text(encoding="utf-8") == "small 2: 3 tests, all passed\n"


def test_a_filter_picks_tests_by_name_and_by_what_they_are_about(tmp_path: Path) -> None:
    path = small(tmp_path)
    assert run("test", path, "--filter", "OLD").stderr == "1 test of 1 protocol, all passed\n"
    assert run("test", path, "--filter", "liver").stderr == "2 tests of 1 protocol, all passed\n"


def test_it_fails_if_nothing_ran(tmp_path: Path) -> None:
    path = small(tmp_path, "")
    for args in ([path], [path, "--filter", "x"], [tmp_path]):
        done = run("test", *args)
        assert done.returncode == 1
        assert done.stderr.startswith("no test ran")


def test_a_file_with_errors_fails_and_others_are_tested(tmp_path: Path) -> None:
    small(tmp_path)
    written(tmp_path / "bad.elig", "protocol bad\n  title Bad\n\ninclude a\n  > A\n  foo\n")
    done = run("test", tmp_path)
    assert done.returncode == 1
    assert "the name `foo` is not defined" in done.stderr
    assert "3 tests of 2 protocols, passed; 1 protocol with errors" in done.stderr
    content = json.loads(run("test", tmp_path, "--format", "json").stdout)
    assert [p["problems"] != [] for p in content["protocols"]] == [True, False]


def test_an_example_with_a_mistake_keeps_the_protocol_from_being_tested(tmp_path: Path) -> None:
    path = small(tmp_path, EXAMPLES + "\nexample bad\n  given age is 17\n  expect adult met\n")
    done = run("test", path)
    assert done.returncode == 1
    assert "`17` is no age" in done.stderr


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("nowhere.elig",), "there is no file or folder `nowhere.elig`"),
        (("anlotinib",), "did you mean `anlotinib_fulvestrant`?"),
        (("facts.elig",), "neither a protocol nor examples for one"),
        (("lost.examples.elig",), "has examples for `lost`, but there is no such protocol"),
        (("expected.json",), "it is not known of which protocol"),
        (("--write", "x.elig", PROTOCOL), "--write goes with --boundaries"),
    ],
)
def test_what_cannot_be_used(tmp_path: Path, args: tuple[str, ...], message: str) -> None:
    written(tmp_path / "facts.elig", "knowledge facts\n  title Facts\n")
    written(tmp_path / "lost.examples.elig", "examples for lost\n")
    written(tmp_path / "expected.json", "{}")
    done = run("test", *args, cwd=tmp_path)
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())


# ---- limits --------------------------------------------------------------------------------------

LIMITS = """\
protocol limits
  title Limits
  uses demographics, performance, labs, vital_signs, oncology.breast

include numbers
  > Numbers
  all of
    hemoglobin > 5.6 mmol/L
    platelets < 80 10*9/L
    platelets > 0 10*9/L
    ecog >= 1
    bilirubin <= 1.5 x ULN
    age_in_days >= 2 weeks
    lines of chemotherapy with intent palliative >= 2
    creatinine_clearance < 60 mL/min
    creatinine_clearance < 60 mL/min
    platelets >= 1 x LLN
    chemotherapy within 28 days
    not oophorectomy within 6 months
    liver_metastasis within 1 year
    number of chemotherapy within 2 weeks <= 2
    number of oophorectomy > 0
    corrected_calcium <= 10.5 mg/dL
    body_surface_area > 1.6 m2
"""


def test_an_error_beside_tests_that_passed_is_said_where_they_are(tmp_path: Path) -> None:
    path = small(tmp_path)
    text = "\nexamples ages\n  | age | expect adult |\n  | 17 years | not met |\n"
    beside = f"examples for small\n{text}  | 18 years | mett |\n"
    written(tmp_path / "more.examples.elig", beside)
    done = run("test", path)
    assert done.returncode == 1
    assert "all passed" not in done.stdout + done.stderr
    assert ", passed; 1 error, so not all ran\n" in done.stdout
    assert done.stderr.endswith(", passed; 1 protocol with errors\n")


def test_boundary_cases_do_not_count_for_the_coverage_and_it_is_said(tmp_path: Path) -> None:
    path = small(tmp_path, "")
    done = run("test", path, "--boundaries", "--coverage")
    assert "clause coverage: 0 %" in done.stdout
    assert "boundary cases are not counted: `--write FILE` makes examples of them" in done.stdout
    assert "not counted" not in run("test", path, "--coverage").stdout


def test_boundary_cases_of_every_kind_of_limit(tmp_path: Path) -> None:
    path = written(tmp_path / "limits.elig", LIMITS)
    done = run("test", path, "--boundaries", "--write", tmp_path / "made.examples.elig")
    assert (done.returncode, done.stderr) == (0, "61 tests of 1 protocol, all passed\n")
    assert "    not met  hemoglobin is 5.6 mmol/L\n    met      hemoglobin is 5.61" in done.stdout
    assert "    not met  age_in_days is 13 days\n    met      age_in_days is 14 days" in done.stdout
    assert "    met      reported_clearance is 59.9 mL/min\n" in done.stdout
    assert "  numbers: platelets > 0 10*9/L\n    not met  platelets is 0 10*9/L" in done.stdout
    assert "    fewer: no value just below can be recorded" in done.stdout
    assert (
        "    not met  chemotherapy is from 2025-12-17 to 2025-12-17, medication_history"
        in done.stdout
    )
    assert (
        "    met      chemotherapy is from 2025-12-18 to 2025-12-18, medication_history"
        in done.stdout
    )
    assert "    met      oophorectomy is done on 2025-07-15, procedure_history" in done.stdout
    assert "    met      liver_metastasis is present on 2025-01-15, problem_list" in done.stdout
    again = run("test", tmp_path / "made.examples.elig", "--min-coverage", "100")
    assert again.returncode == 0, again.stdout + again.stderr
    assert run("format", "--check", tmp_path / "made.examples.elig").returncode == 0


MISSING = """\
protocol missing
  title Missing
  uses labs, oncology.breast

timepoint first_dose
  label first dose

include a
  > A
  missing counts as met
  all of
    platelets >= 80 10*9/L
    not chemotherapy within 28 days
    lines of chemotherapy with intent palliative <= 1

include b
  at first_dose
  > B
  not oophorectomy within 28 days
"""


def test_boundary_cases_know_what_missing_data_count_as(tmp_path: Path) -> None:
    path = written(tmp_path / "missing.elig", MISSING)
    done = run("test", path, "--boundaries", "--write", tmp_path / "made.examples.elig")
    assert (done.returncode, done.stderr) == (0, "16 tests of 1 protocol, all passed\n")
    assert "    met      platelets is not recorded\n" in done.stdout
    assert run("test", tmp_path / "made.examples.elig").returncode == 0


def test_a_false_limit_is_found_where_the_program_is_wrong(tmp_path: Path) -> None:
    """The cases are told by the author's sign, so that a case written for another sign fails."""
    path = written(tmp_path / "limits.elig", LIMITS)
    run("test", path, "--boundaries", "--write", tmp_path / "made.examples.elig")
    written(path, LIMITS.replace("platelets < 80", "platelets <= 80"))
    done = run("test", tmp_path / "made.examples.elig")
    assert done.returncode == 1
    assert "the protocol has no condition `platelets < 80 10*9/L`" in done.stderr
