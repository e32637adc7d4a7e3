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
