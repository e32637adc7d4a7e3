"""Site policies on the command line: what they open, and what the output says of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.contracts.command import DEMO, PROTOCOL, run, written

INES = DEMO / "ines_all_met.json"
SITE = """\
policies city_hospital
  title Age of evidence
  version 2026-01

policy labs within 28 days
policy ecog within 14 days
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return written(tmp_path / "city_hospital.elig", SITE)


def test_what_is_too_old_is_a_gap_that_names_the_resource(site: Path) -> None:
    args = ("screen", PROTOCOL, INES, "--as-of", "2026-11-20", "--format", "ndjson")
    lenient = json.loads(run(*args).stdout)
    done = run(*args, "--policies", site)
    assert done.returncode == 0
    strict = json.loads(done.stdout)
    assert lenient["policies"] is None
    policies = strict["policies"]
    assert list(policies) == ["id", "version", "digest", "lines"]
    assert (policies["id"], policies["version"]) == ("city_hospital", "2026-01")
    assert policies["digest"].startswith("sha256:")
    assert policies["lines"] == ["labs within 28 days", "ecog within 14 days"]
    assert strict["protocol"] == lenient["protocol"]
    performance = next(c for c in strict["criteria"] if c["id"] == "performance")
    assert performance["outcome"] == "unknown"
    (gap,) = performance["gap_details"]
    assert (gap["element"], gap["reason"]) == ("ecog", "stale")
    assert gap["resource"].startswith("Observation/")
    assert next(c for c in lenient["criteria"] if c["id"] == "performance")["outcome"] == "met"


def test_the_table_names_the_policies(site: Path) -> None:
    done = run("screen", PROTOCOL, INES, "--as-of", "2026-11-20", "--policies", site)
    assert "under city_hospital 2026-01: labs within 28 days, ecog within 14 days" in done.stdout
    assert "too old: ecog" in done.stdout


def test_facts_are_those_under_the_policies(site: Path) -> None:
    args = ("compile", PROTOCOL, "--to", "facts", INES, "--as-of", "2026-11-20")
    lenient, strict = run(*args).stdout, run(*args, "--policies", site).stdout
    assert "allow(ecog,1,ecog,above_1)" not in lenient
    assert "allow(ecog,1,ecog,above_1)" in strict
    assert strict.startswith("% under the policies city_hospital 2026-01\n")


def test_policies_with_errors_judge_nobody(tmp_path: Path) -> None:
    bad = written(tmp_path / "bad.elig", SITE + "policy lab within 28 days\n")
    done = run("screen", PROTOCOL, INES, "--policies", bad)
    assert (done.returncode, done.stdout) == (2, "")
    assert "did you mean `labs`?" in done.stderr


def test_policies_are_no_protocol_and_a_protocol_no_policies(site: Path) -> None:
    done = run("screen", site, INES)
    assert done.returncode == 2
    assert "error[misplaced]" in done.stderr
    protocol = "kb/protocols/anlotinib_fulvestrant/anlotinib_fulvestrant.elig"
    done = run("screen", PROTOCOL, INES, "--policies", protocol, cwd=DEMO.parents[1])
    assert done.returncode == 2
    assert "is a protocol, not a file of policies" in done.stderr


def test_check_and_format_take_policies(site: Path) -> None:
    done = run("check", site)
    assert (done.returncode, done.stderr) == (0, "no problems in 1 file\n")
    assert run("format", "--check", site).returncode == 0
    written(site, SITE.replace("policy labs", "policy   labs"))
    assert run("format", site).returncode == 0
    assert site.read_text(encoding="utf-8") == SITE


# ---- parameters ----------------------------------------------------------------------------------

WITH_PARAMETER = """\
protocol example
  title Example
  version 1
  uses performance

parameter worst
  value 0
  source Section 5.1

include performance
  > ECOG within the limit
  ecog < worst
"""


@pytest.fixture
def protocol(tmp_path: Path) -> Path:
    return written(tmp_path / "example.elig", WITH_PARAMETER)


def outcome_of(*args: str | Path) -> tuple[str, list[dict[str, str]]]:
    done = run("screen", *args, "--as-of", "2026-11-20", "--format", "ndjson")
    assert done.returncode == 0, done.stderr
    row = json.loads(done.stdout)
    return row["criteria"][0]["outcome"], row["parameters"]


def test_a_site_and_a_run_set_a_parameter(protocol: Path, tmp_path: Path) -> None:
    site = written(tmp_path / "site.elig", SITE.split("policy")[0] + "parameter worst is 2\n")
    own = {"name": "worst", "value": "0", "from": "protocol", "default": "0"}
    assert outcome_of(protocol, INES) == ("not_met", [own])
    of_site = {**own, "value": "2", "from": "site"}
    assert outcome_of(protocol, INES, "--policies", site) == ("met", [of_site])
    of_run = {**own, "from": "run"}
    args = (protocol, INES, "--policies", site, "--parameter", "worst is 0")
    assert outcome_of(*args) == ("not_met", [of_run])
    done = run("screen", *args, "--as-of", "2026-11-20")
    assert "under city_hospital 2026-01: parameter worst is 2\n" in done.stdout
    assert "set for this run: worst is 0\n" in done.stdout
    done = run("screen", *args, "--as-of", "2026-11-20", "--format", "csv")
    heading, line = done.stdout.splitlines()
    assert heading.endswith(",parameters") and line.endswith(",worst 0")


def test_the_program_and_the_fit_are_those_of_the_run(protocol: Path) -> None:
    args = (protocol, "--parameter", "worst is 1")
    done = run("compile", *args, "--to", "asp")
    assert "% ecog < worst (1)\n" in done.stdout and "cell(ecog,below_1)" in done.stdout
    told = json.loads(run("compile", *args, "--to", "json").stdout)["parameters"]
    assert told == [{"name": "worst", "value": "1", "from": "run", "default": "0"}]
    done = run("compile", *args, "--to", "facts", INES, "--as-of", "2026-11-20")
    assert "below_1" in done.stdout
    done = run("fit", *args, INES, "--as-of", "2026-11-20")
    assert "Set for this run: worst is 1." in done.stdout


def test_a_parameter_that_there_is_not_judges_nobody(protocol: Path) -> None:
    done = run("screen", protocol, INES, "--parameter", "wurst is 1")
    assert (done.returncode, done.stdout) == (2, "")
    assert "did you mean `worst`?" in done.stderr
