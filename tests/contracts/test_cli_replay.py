"""`audit replay`: the same inputs give the same decisions; whatever else is given is named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.contracts.command import (
    ANSWERS_HEADER,
    DEMO,
    PROTOCOL,
    REPOSITORY,
    SEED_CASES,
    Json,
    run,
    written,
)  # fmt: skip

HANNE = DEMO / "hanne_haemoglobin_mmol.json"
TRIAL = """protocol trial
  title Trial
  version 1
  uses demographics, labs

parameter least
  value 90 g/L
  source the sponsor

timepoint first_dose
  label first dose

include blood
  > Blood
  hemoglobin >= least within 28 days before first_dose

include adult
  > Adult
  age >= 18 years
"""


def screened(tmp_path: Path, *args: str | Path, protocol: str | Path = PROTOCOL) -> Path:
    record = tmp_path / "record.jsonl"
    done = run("screen", protocol, *args, "--record", record, "-o", tmp_path / "rows")
    assert done.returncode == 0, done.stderr
    return record


@pytest.fixture
def patients(tmp_path: Path) -> Path:
    folder = tmp_path / "patients"
    folder.mkdir()
    for file in (HANNE, DEMO / "ines_all_met.json", DEMO / "robin_sex_unknown.json"):
        shutil.copy(file, folder)
    return folder


def test_the_seed_cases_come_out_the_same(tmp_path: Path) -> None:
    cases = SEED_CASES / "cases"
    if not cases.exists():
        pytest.skip("needs the seed cases")
    record = screened(tmp_path, cases)
    done = run("audit", "replay", record, cases)
    assert done.returncode == 0, done.stdout
    assert ": " in done.stdout
    assert done.stdout.strip().endswith(" the same, 0 not")
    assert len(done.stdout.splitlines()) == 1


def test_a_changed_fact_is_named_with_what_it_changed(patients: Path, tmp_path: Path) -> None:
    record = screened(tmp_path, patients)
    file = patients / HANNE.name
    file.write_text(file.read_text("utf-8").replace("5.58", "6.2"), "utf-8")
    done = run("audit", "replay", record, patients)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "line 2, hanne on 2026-10-30:",
        "  other facts were read (the source has other bytes)",
        "  eligibility: was ineligible, and is eligible",
        "  organ_function: its outcome was not_met, and is met",
        "  organ_function: its verdict was fail, and is pass",
        "  the justification is another",
        "3 decisions: 2 the same, 1 not",
    ]
    data = json.loads(run("audit", "replay", record, patients, "--format", "json").stdout)
    assert [each["same"] for each in data] == [False, True, True]
    assert data[0]["differences"][1] == {
        "what": "eligibility", "text": "was ineligible, and is eligible",
        "before": "ineligible", "now": "eligible", "counts": True,
    }  # fmt: skip


def test_other_bytes_with_the_same_facts_are_told_and_do_not_count(
    patients: Path, tmp_path: Path
) -> None:
    record = screened(tmp_path, patients)
    file = patients / HANNE.name
    file.write_text(json.dumps(json.loads(file.read_text("utf-8")), indent=7), "utf-8")
    done = run("audit", "replay", record, patients)
    assert done.returncode == 0
    assert "the source has other bytes; the same facts were read" in done.stdout


def test_a_bundle_that_is_missing_moved_or_dated_anew(patients: Path, tmp_path: Path) -> None:
    record = screened(tmp_path, patients)
    (patients / HANNE.name).rename(patients / "moved.json")
    done = run("audit", "replay", record, patients)
    assert done.returncode == 0
    assert f"it stood in `{patients / HANNE.name}`, and stands in `{patients / 'moved.json'}`" in (
        done.stdout
    )
    (patients / "moved.json").unlink()
    done = run("audit", "replay", record, patients)
    assert done.returncode == 1
    assert "line 2, hanne on 2026-10-30:\n  the sources hold no such patient\n" in done.stdout
    file = patients / "ines_all_met.json"
    bundle: Json = json.loads(file.read_text("utf-8"))
    bundle["timestamp"] = "2026-11-01T10:00:00Z"
    file.write_text(json.dumps(bundle), "utf-8")
    done = run("audit", "replay", record, patients)
    assert "as_of: the record says 2026-11-01 now, and not 2026-10-30" in done.stdout


def test_a_protocol_that_was_changed_says_which_part(patients: Path, tmp_path: Path) -> None:
    protocol = written(tmp_path / "trial.elig", TRIAL)
    record = screened(tmp_path, patients, protocol=protocol)
    assert run("audit", "replay", record, patients).returncode == 0
    # Layout and comments are no change.
    written(protocol, TRIAL.replace("include adult", "# people\n\ninclude adult"))
    assert run("audit", "replay", record, patients).returncode == 0
    written(protocol, TRIAL.replace("age >= 18", "age >= 90").replace("version 1", "version 2"))
    done = run("audit", "replay", record, patients)
    assert done.returncode == 1
    assert (
        "lines 2 to 4: the protocol's own text was changed: its version was 1, and is 2\n"
        in done.stdout
    )
    assert "adult: its outcome was met, and is not_met" in done.stdout
    assert "knowledge" not in done.stdout
    written(protocol, TRIAL.replace("90 g/L", "80 g/L"))
    done = run("audit", "replay", record, patients)
    assert "the parameters have other values, or other defaults" in done.stdout
    written(protocol, TRIAL.replace("include adult", "include older"))
    done = run("audit", "replay", record, patients)
    assert "adult: it is not there any more" in done.stdout
    assert "older: it was not there" in done.stdout


def test_a_protocol_that_is_gone_is_given_by_an_option(patients: Path, tmp_path: Path) -> None:
    protocol = written(tmp_path / "trial.elig", TRIAL)
    record = screened(tmp_path, patients, protocol=protocol)
    moved = tmp_path / "moved.elig"
    protocol.rename(moved)
    done = run("audit", "replay", record, patients)
    assert done.returncode == 1
    assert f"the protocol's file `{protocol}` is missing; give it by --protocol FILE" in done.stdout
    assert run("audit", "replay", record, patients, "--protocol", moved).returncode == 0
    done = run("audit", "replay", record, patients, "--protocol", PROTOCOL)
    assert done.returncode == 2
    assert "is none of the protocols of the record; it has `trial`" in done.stderr
    written(moved, "protocol trial\n  title T\n  version 1\n\ninclude a\n  > A\n  nonsense\n")
    done = run("audit", "replay", record, patients, "--protocol", moved)
    assert done.returncode == 2
    assert "nonsense" in done.stderr


def test_knowledge_that_was_changed_is_told_from_the_protocol(
    patients: Path, tmp_path: Path
) -> None:
    """A copy of the program with other knowledge and other rules."""
    protocol = written(tmp_path / "trial.elig", TRIAL)
    record = screened(tmp_path, patients, protocol=protocol)
    copy = tmp_path / "copy"
    for name in ("src", "kb", "grammar"):
        shutil.copytree(REPOSITORY / name, copy / name)
    labs = copy / "kb" / "knowledge" / "labs.elig"
    labs.write_text(labs.read_text("utf-8").replace("title", "title ", 1), "utf-8")
    env = {"PYTHONPATH": str(copy / "src")}
    assert run("audit", "replay", record, patients, env=env).returncode == 0
    text = labs.read_text("utf-8")
    assert "element hgb" in text
    labs.write_text(text.replace("element hgb", "element hb"), "utf-8")
    logic = copy / "kb" / "logic" / "verdict.lp"
    logic.write_text(logic.read_text("utf-8") + "% more\n", "utf-8")
    module = copy / "src" / "protocol_logic" / "__main__.py"
    module.write_text("# other\n", "utf-8")
    done = run("audit", "replay", record, patients, env=env)
    assert done.returncode == 1
    assert "lines 2 to 4: the knowledge that the protocol rests on was changed" in done.stdout
    assert "lines 2 to 4: kb/logic was changed" in done.stdout
    assert "lines 2 to 4: the program was changed" in done.stdout
    assert "own text" not in done.stdout
    # A protocol that is pinned to its knowledge says so itself.
    record.unlink()
    done = run("audit", "replay", screened(tmp_path, patients), patients, env=env)
    assert done.returncode == 2
    assert "error[knowledge-changed]" in done.stderr


def test_another_version_is_told_and_does_not_count(patients: Path, tmp_path: Path) -> None:
    from protocol_logic.answering.audit.chain import Head, appended

    record = screened(tmp_path, patients)
    head, lines = Head(), []
    for text in record.read_text("utf-8").splitlines():
        body = json.loads(text)
        for key in ("number", "previous", "hash"):
            del body[key]
        if body["kind"] == "decision":
            body["versions"]["clingo"] = "5.7.1"
        line, head = appended(head, body)
        lines.append(line)
    record.write_bytes(b"".join(lines))
    done = run("audit", "replay", record, patients)
    assert done.returncode == 0
    assert done.stdout.startswith("lines 2 to 4: clingo was 5.7.1, and is ")


def test_policies_parameters_dates_and_answers_are_taken_from_the_record(
    patients: Path, tmp_path: Path
) -> None:
    protocol = written(tmp_path / "trial.elig", TRIAL)
    policies = written(
        tmp_path / "site.elig",
        "policies site\n  version 2\n\npolicy labs within 28 days\n"
        "policy hemoglobin within 2 months\n\nparameter least is 95 g/L\n",
    )
    answers = written(
        tmp_path / "answers.csv", f"{ANSWERS_HEADER}\nhanne,hgb,8.8 g/dL,Dr Ito,2026-10-30,seen\n"
    )
    for more in (
        (),
        ("--parameter", "least is 85 g/L"),
        ("--date", "first_dose=2026-11-05", "--as-of", "2026-10-31"),
        ("--answers", answers),
    ):
        record = screened(tmp_path, patients, "--policies", policies, *more, protocol=protocol)
    policies.unlink()
    done = run("audit", "replay", record, patients, "--answers", answers)
    assert (done.returncode, done.stdout) == (0, "12 decisions: 12 the same, 0 not\n")
    done = run("audit", "replay", record, patients)
    assert done.returncode == 1
    assert (
        "lines 11 to 13: answers were used, and are not given now (--answers FILE)" in done.stdout
    )
    answers.write_text(answers.read_text().replace("8.8", "9.8"))
    done = run("audit", "replay", record, patients, "--answers", answers)
    assert "lines 11 to 13: the file of answers is another" in done.stdout
    assert "line 11, hanne on 2026-10-30:\n  eligibility: was ineligible" in done.stdout


def test_each_decision_finds_the_file_of_answers_that_it_was_made_with(
    patients: Path, tmp_path: Path
) -> None:
    protocol = written(tmp_path / "trial.elig", TRIAL)
    first, second = (
        written(
            tmp_path / f"{value}.csv",
            f"{ANSWERS_HEADER}\nhanne,hgb,{value} g/dL,Dr Ito,2026-10-30,seen\n",
        )
        for value in ("8.8", "9.8")
    )
    for answers in (first, second):
        record = screened(tmp_path, patients, "--answers", answers, protocol=protocol)
    both = ("--answers", first, "--answers", second)
    done = run("audit", "replay", record, patients, *both)
    assert (done.returncode, done.stdout) == (0, "6 decisions: 6 the same, 0 not\n")
    done = run("audit", "replay", record, patients, "--answers", second)
    assert "the file of answers is another" in done.stdout


def test_tables_and_merged_records_come_out_the_same(tmp_path: Path) -> None:
    halves = []
    bundle: Json = json.loads(HANNE.read_text("utf-8"))
    for number in range(2):
        entries = bundle["entry"][:1] + bundle["entry"][1:][number::2]
        halves.append(written(tmp_path / f"{number}.json", {**bundle, "entry": entries}))
    record = screened(tmp_path, *halves, "--merge-patients")
    assert run("audit", "replay", record, *halves).returncode == 0
    assert json.loads(record.read_text("utf-8").splitlines()[1])["source"]["digest"] is None


def test_masks_are_told_again_by_their_key_alone(patients: Path, tmp_path: Path) -> None:
    key, other = tmp_path / "site.key", tmp_path / "other.key"
    for name in (key, other):
        assert run("audit", "key", name).returncode == 0
    assert run("audit", "key", key).returncode == 2
    record = screened(tmp_path, patients, "--mask", key)
    text = record.read_text("utf-8")
    for word in ("hanne", "ines", "robin", str(tmp_path), "Observation/"):
        assert word not in text, word
    assert run("audit", "verify", record).returncode == 0
    assert run("audit", "replay", record, patients, "--mask", key).returncode == 0
    assert "give its key" in run("audit", "replay", record, patients).stderr
    done = run("audit", "replay", record, patients, "--mask", other)
    assert done.returncode == 2
    assert "made with another key" in done.stderr
    # What is masked stays so, and what is not as well.
    for args in ((), ("--mask", other)):
        assert run("screen", PROTOCOL, HANNE, "--record", record, *args).returncode == 2
    plain = tmp_path / "plain.jsonl"
    assert run("screen", PROTOCOL, HANNE, "--record", plain).returncode == 0
    done = run("screen", PROTOCOL, HANNE, "--record", plain, "--mask", key)
    assert "does not mask identifiers" in done.stderr
    short = written(tmp_path / "short.key", "secret\n")
    done = run("screen", PROTOCOL, HANNE, "--record", tmp_path / "new", "--mask", short)
    assert "too short for a key" in done.stderr
    assert run("screen", PROTOCOL, HANNE, "--mask", key).returncode == 2


def test_two_records_of_one_patient_have_one_mask_and_digests_that_need_the_key(
    tmp_path: Path,
) -> None:
    """Whoever knows a patient's id and record, and not the key, can make nothing that stands in a
    masked record."""
    keys = [tmp_path / "1.key", tmp_path / "2.key"]
    found = []
    for number, key in enumerate(keys):
        run("audit", "key", key)
        record = tmp_path / f"{number}.jsonl"
        for _ in range(2):
            run("screen", PROTOCOL, HANNE, "--record", record, "--mask", key)
        lines: list[Json] = [json.loads(line) for line in record.read_text().splitlines()[1:]]
        found.append([(e["patient"], e["facts"], e["source"], e["justification"]) for e in lines])
    plain = tmp_path / "plain.jsonl"
    run("screen", PROTOCOL, HANNE, "--record", plain)
    clear = json.loads(plain.read_text().splitlines()[1])
    assert found[0][0] == found[0][1]
    assert found[0][0] != found[1][0]
    for values in (found[0][0], found[1][0]):
        for text in (clear["facts"], clear["source"]["digest"], clear["justification"]):
            assert text not in json.dumps(values)


def test_a_tampered_record_is_not_replayed(patients: Path, tmp_path: Path) -> None:
    record = screened(tmp_path, patients)
    record.write_text(record.read_text("utf-8").replace('"not_met"', '"met"', 1), "utf-8")
    done = run("audit", "replay", record, patients)
    assert done.returncode == 2
    assert "nothing is done with" in done.stderr
    assert "line 2: altered" in done.stderr
    empty = written(tmp_path / "empty", "")
    assert run("audit", "replay", empty, patients).returncode == 2
