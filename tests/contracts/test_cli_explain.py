"""`explain`: what it writes, its errors and exit codes. Whether it is right is asked in
tests/differential/test_explained.py."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from protocol_logic.knowledge.resources import protocol_path
from tests.contracts.command import ANSWERS_HEADER, DEMO, PROTOCOL, bundle, renamed, run, written

HANNE = DEMO / "hanne_haemoglobin_mmol.json"
ROBIN = DEMO / "robin_sex_unknown.json"


def test_json_is_node_link_data_as_documented() -> None:
    done = run("explain", PROTOCOL, HANNE, "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    data = json.loads(done.stdout)
    assert (data["directed"], data["multigraph"]) == (True, False)
    assert data["graph"]["patient"] == "hanne"
    nodes = {node["id"]: node for node in data["nodes"]}
    assert nodes["eligibility"]["outcome"] == "ineligible"
    assert {node["kind"] for node in nodes.values()} == {
        "eligibility", "criterion", "condition", "finding", "fact", "gap", "assumption"
    }  # fmt: skip
    assert nodes["criterion:organ_function"]["verdict"] == "fail"
    fact = nodes["fact:Observation/hanne-hgb-2026-10-27:hemoglobin"]
    assert fact["resource"] == "Observation/hanne-hgb-2026-10-27"
    assert (fact["date"], fact["recorded"], fact["read_as"]) == (
        "2026-10-27", "5.58 mmol/L", "89.91612 g/L"
    )  # fmt: skip
    assert {edge["role"] for edge in data["edges"]} == {"supports", "defeats", "missing"}
    assert all(edge["source"] in nodes and edge["target"] in nodes for edge in data["edges"])


def test_each_depth_says_what_decides() -> None:
    for depth in ("sentence", "tree"):
        text = run("explain", PROTOCOL, HANNE, "--depth", depth).stdout
        assert "hemoglobin 5.58 mmol/L = 89.91612 g/L on 2026-10-27 is below 90 g/L" in text
        assert "0.08388 g/L below the limit" in text
    graph = run("explain", PROTOCOL, HANNE, "--depth", "graph").stdout
    assert "defeats condition:criterion/organ_function/condition/0 (0)" in graph


def test_one_criterion_is_told_in_full() -> None:
    text = run("explain", PROTOCOL, HANNE, "--criterion", "organ_function").stdout
    assert "body weight 71 kg" in text
    assert "performance" not in text
    said = run("explain", PROTOCOL, HANNE, "--criterion", "consented", "--depth", "sentence").stdout
    assert said.startswith("consented passes: ")


def test_what_passes_whether_or_not_it_applies_is_told_by_its_condition(tmp_path: Path) -> None:
    """Not by cases of what is open in `applies if`, which change nothing."""
    (tmp_path / "p.elig").write_text(
        "protocol p\n  title P\n  uses pregnancy, demographics, oncology.breast\n\n"
        "include tested\n  > Negative test\n"
        "  applies if menopausal_status is premenopausal\n  pregnancy_test is negative\n"
    )
    said = {"coding": [{"system": "http://snomed.info/sct", "code": "260385009"}]}
    test = {
        "resourceType": "Observation",
        "id": "o",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "2106-3"}]},
        "effectiveDateTime": "2026-01-02",
        "valueCodeableConcept": said,
    }
    patient = {"resourceType": "Patient", "id": "p"}
    record = {"resourceType": "Bundle", "entry": [{"resource": r} for r in (patient, test)]}
    (tmp_path / "p.json").write_text(json.dumps(record))
    args = ("--as-of", "2026-01-03", "--criterion", "tested")
    done = run("explain", tmp_path / "p.elig", tmp_path / "p.json", *args)
    assert done.stdout.splitlines()[3:] == [
        "    met: pregnancy_test is negative",
        "      finding: pregnancy test: negative",
        "        fact: pregnancy test negative on 2026-01-02 [Observation/o]",
    ]


def test_a_joint_decision_is_told_by_its_cases() -> None:
    text = run("explain", PROTOCOL, ROBIN).stdout
    assert "not met together: adult_woman, ovarian_suppressed" in text
    assert "suppose sex: female" in text
    assert "suppose sex: male" in text


def test_minimal_names_what_forces_the_outcome() -> None:
    text = run("explain", PROTOCOL, HANNE, "--minimal").stdout
    assert text.count("finding: ") == 1
    assert "finding: hemoglobin: below 90 g/L" in text
    # By cases, which the scenarios settle.
    text = run("explain", PROTOCOL, ROBIN, "--minimal").stdout
    assert text.startswith("these force it, whatever all else is: ineligible\n")
    assert text.count("  finding: ") == 3


def test_all_minimal_sets() -> None:
    args = ("explain", PROTOCOL, DEMO, "--patient", "dorota", "--all")
    text = run(*args).stdout
    assert text.startswith("1 of 2: these force it, whatever all else is: eligible\n")
    assert ("finding: er: positive" in text, "finding: pr: positive" in text) == (True, True)
    data = json.loads(run(*args, "--format", "json").stdout)["graph"]
    assert (data["forced"], data["complete"], len(data["forcing"])) == ("eligible", True, 2)
    alone = run("explain", PROTOCOL, HANNE, "--all").stdout
    assert "(no other findings do)" in alone


def test_nothing_forces_what_is_open() -> None:
    done = run("explain", PROTOCOL, DEMO, "--patient", "petra", "--minimal")
    assert (done.returncode, done.stdout) == (0, "nothing forces an outcome: undetermined\n")


def test_an_answer_is_told_with_who_gave_it(tmp_path: Path) -> None:
    row = "petra_labs,ecog,1,Dr. Lind,2026-10-30,phone call"
    patient = json.loads((DEMO / "petra_labs_only.json").read_text("utf-8"))
    name = next(e["resource"]["id"] for e in patient["entry"]
                if e["resource"]["resourceType"] == "Patient")  # fmt: skip
    answers = written(tmp_path / "a.csv", f"{ANSWERS_HEADER}\n{row.replace('petra_labs', name)}\n")
    file = DEMO / "petra_labs_only.json"
    args = ("explain", PROTOCOL, file, "--answers", answers, "--criterion", "performance")
    assert "attested by Dr. Lind on 2026-10-30, from phone call" in run(*args).stdout


def test_a_written_graph_is_accepted_and_a_changed_one_refused(tmp_path: Path) -> None:
    graph = tmp_path / "graph.json"
    assert run("explain", PROTOCOL, HANNE, "--format", "json", "-o", graph).returncode == 0
    done = run("explain", PROTOCOL, HANNE, "--check", graph)
    assert (done.returncode, done.stdout[:8]) == (0, "accepted")
    changed = graph.read_text("utf-8").replace(
        '"recorded": "5.58 mmol/L"', '"recorded": "6 mmol/L"'
    )
    done = run("explain", PROTOCOL, HANNE, "--check", written(tmp_path / "changed.json", changed))
    assert done.returncode == 1
    assert "fact:Observation/hanne-hgb-2026-10-27:hemoglobin: its recorded is" in done.stdout
    for text in ("[]", "{}", "nothing", '{"nodes": [], "edges": []}', "[" * 100_000):
        done = run("explain", PROTOCOL, HANNE, "--check", written(tmp_path / "no.json", text))
        assert done.returncode in (1, 2), text[:20]


def test_a_changed_record_refuses_the_graph(tmp_path: Path) -> None:
    graph = tmp_path / "graph.json"
    run("explain", PROTOCOL, HANNE, "--format", "json", "-o", graph)
    other = json.dumps(bundle(HANNE.name)).replace("5.58", "5.57")
    file = written(tmp_path / HANNE.name, other)
    done = run("explain", PROTOCOL, file, "--check", graph)
    assert done.returncode == 1
    assert "89.91612 g/L" in done.stdout


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ([DEMO], "name one with `--patient ID`"),
        ([DEMO, "--patient", "hane"], "did you mean `hanne`"),
        ([HANNE, "--criterion", "organ_functions"], "did you mean `organ_function`"),
        ([HANNE, "--depth", "deep"], "'deep' is not one of"),
        ([HANNE, "--check", "nowhere.json"], "there is no file `nowhere.json`"),
    ],
)
def test_a_wrong_command_line_is_told(args: list[str | Path], said: str) -> None:
    done = run("explain", PROTOCOL, *args)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_patient_is_chosen_and_text_of_records_is_made_safe(tmp_path: Path) -> None:
    assert run("explain", PROTOCOL, DEMO, "--patient", "hanne").stdout.startswith("hanne on ")
    content = renamed(bundle(HANNE.name), "han-1")
    text = json.dumps(content).replace('"mmol/L"', '"mmol/L\\u001b[31m"')
    done = run("explain", PROTOCOL, written(tmp_path / "h.json", text))
    assert "\x1b" not in done.stdout + done.stderr
    assert done.returncode == 0


def test_an_input_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    done = run("explain", PROTOCOL, written(tmp_path / "broken.json", "{"))
    assert done.returncode == 1
    assert "broken.json" in done.stderr


def test_the_page_shows_the_graph_the_protocol_and_the_record(tmp_path: Path) -> None:
    file = tmp_path / "why.html"
    assert run("explain", PROTOCOL, HANNE, "--format", "html", "-o", file).stdout == ""
    text = file.read_text("utf-8")
    (island,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
    graph = written(tmp_path / "graph.json", json.loads(island)["graph"])
    assert run("explain", PROTOCOL, HANNE, "--check", graph).returncode == 0
    assert "hemoglobin 5.58 mmol/L = 89.91612 g/L on 2026-10-27 is below 90 g/L" in text
    # The line of the protocol, a definition of the knowledge base, and the resource as recorded.
    assert re.search(r'id="l60"[^>]*><span class="no">60</span>.*<code>    hemoglobin', text)
    assert "her2, as kb/knowledge/oncology.breast defines it" in text
    assert "&#34;value&#34;: 5.58," in text


def test_the_page_shows_all_sets_that_force_the_outcome() -> None:
    text = run("explain", PROTOCOL, DEMO, "--patient", "ines", "--all", "--format", "html").stdout
    assert "4 sets of findings force it, whatever all else is: eligible" in text
    sets = re.findall(r"<dt>(In each|\d of 4)</dt><dd>(.*?)</dd>", text)
    assert [title for title, _ in sets] == ["In each", "1 of 4", "2 of 4", "3 of 4", "4 of 4"]
    assert "hemoglobin: at least 90 g/L</a>" in sets[0][1]
    assert "creatinine clearance" in sets[2][1]
    assert "hemoglobin" not in sets[1][1]
    # Each leads to its row.
    for anchor in re.findall(r'href="#(n\d+)"', "".join(links for _, links in sets)):
        assert f'id="{anchor}"' in text


def test_the_page_shows_rows_of_tables_and_of_answers(tmp_path: Path) -> None:
    study = tmp_path / "study"
    study.mkdir()
    written(study / "labs.csv", "id,day,test,result,site\np1,2026-10-26,PLT,74,<b>North</b>\n")
    mapping = """[[table]]
file     = "labs.csv"
columns  = { patient = "id", element = "test", value = "result", date = "day" }
elements = { PLT = "platelets" }
unit     = "10*3/uL"
"""
    written(study / "mapping.toml", mapping)
    answers = f"{ANSWERS_HEADER}\np1,ecog,1,Dr. Lind,2026-10-28,phone call\n"
    file = written(tmp_path / "answers.csv", answers)
    args = ("--answers", file, "--as-of", "2026-10-30", "--format", "html")
    shown = run("explain", PROTOCOL, study, *args).stdout
    assert '<a class="go" href="#r0">answers.csv:2</a>' in shown
    assert "<dt>who</dt><dd>Dr. Lind</dd>" in shown
    assert re.search(r'<a class="go" href="#r\d+">labs.csv:2</a>', shown)
    # Also a column that nothing maps.
    assert "<dt>site</dt><dd>&lt;b&gt;North&lt;/b&gt;</dd>" in shown


def test_what_changed_since_a_graph(tmp_path: Path) -> None:
    before = tmp_path / "before.json"
    run("explain", PROTOCOL, HANNE, "--format", "json", "-o", before)
    same = run("explain", PROTOCOL, HANNE, "--against", before).stdout.splitlines()
    assert same[0] == "hanne: ineligible, as before"
    assert len(same) == 2
    later = written(tmp_path / "later.json", HANNE.read_text("utf-8").replace("5.58", "6.02"))
    args = ("explain", PROTOCOL, later, "--as-of", "2026-11-03", "--against", before)
    text = run(*args).stdout
    assert "hanne: ineligible -> eligible" in text
    assert "organ_function: fails -> passes" in text
    assert "- hemoglobin 5.58 mmol/L" in text
    assert "+ hemoglobin 6.02 mmol/L" in text
    change = json.loads(run(*args, "--format", "json").stdout)
    assert [each["id"] for each in change["criteria"]] == ["organ_function"]
    assert change["eligibility"] == {"before": "ineligible", "after": "eligible"}
    assert {each["name"] for each in change["about"]} == {"as_of", "as_of_source", "source"}
    assert [each["id"] for each in change["facts"]] == [
        "fact:Observation/hanne-hgb-2026-10-27:hemoglobin"
    ]


def test_what_changed_by_an_amendment(tmp_path: Path) -> None:
    before = tmp_path / "before.json"
    run("explain", PROTOCOL, HANNE, "--format", "json", "-o", before)
    path = protocol_path("anlotinib_fulvestrant")
    assert path is not None
    text = path.read_text("utf-8").replace("hemoglobin >= 90 g/L", "hemoglobin >= 85 g/L")
    amended = written(tmp_path / "anlotinib_fulvestrant.elig", text)
    said = run("explain", amended, HANNE, "--against", before).stdout
    assert "protocol anlotinib_fulvestrant 1.0: its text or knowledge changed" in said
    assert "`hemoglobin >= 85 g/L`: not there -> met" in said
    assert "`hemoglobin >= 90 g/L`: not met (89.91612 g/L, 0.08388 g/L below the limit)" in said


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"nodes": [1], "graph": {"patient": "x"}}',
                                     '{"nodes": [], "graph": {"patient": "x"}}'])  # fmt: skip
@pytest.mark.parametrize("option", ["--against", "--check"])
def test_a_file_that_is_no_justification_is_refused(
    tmp_path: Path, option: str, content: str
) -> None:
    done = run("explain", PROTOCOL, HANNE, option, written(tmp_path / "bad.json", content))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_graph_of_another_patient_is_not_compared(tmp_path: Path) -> None:
    before = tmp_path / "before.json"
    run("explain", PROTOCOL, HANNE, "--format", "json", "-o", before)
    done = run("explain", PROTOCOL, ROBIN, "--against", before)
    assert done.returncode == 2
    assert "is about `hanne`, not about `robin`" in done.stderr
    done = run("explain", PROTOCOL, HANNE, "--against", before, "--minimal")
    assert done.returncode == 2


NEAR = """protocol near
  title "Near misses"
  version 1.0
  language 1
  uses drugs.antineoplastic
  uses labs
  uses histories

exclude recent
  > Chemotherapy within 6 months
  chemotherapy within 6 months

include hb
  > Hemoglobin of the last 14 days
  hemoglobin >= 90 g/L within 14 days
"""


def test_what_lies_just_outside_a_window_is_told(tmp_path: Path) -> None:
    platinum = {"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "2555"}
    subject = {"reference": "Patient/x"}
    taken = {"resourceType": "MedicationStatement", "id": "m1", "status": "completed",
             "subject": subject, "medicationCodeableConcept": {"coding": [platinum]},
             "effectivePeriod": {"start": "2025-11-01", "end": "2026-02-25"}}  # fmt: skip
    value = {"value": 100, "unit": "g/L", "system": "http://unitsofmeasure.org", "code": "g/L"}
    lab = {"resourceType": "Observation", "id": "hb", "status": "final", "subject": subject,
           "code": {"coding": [{"system": "http://loinc.org", "code": "718-7"}]},
           "effectiveDateTime": "2026-10-01", "valueQuantity": value}  # fmt: skip
    patient = {"resourceType": "Patient", "id": "x"}
    whole = {"resourceType": "Bundle", "type": "collection",
             "entry": [{"resource": each} for each in (patient, taken, lab)]}  # fmt: skip
    file = written(tmp_path / "x.json", json.dumps(whole))
    protocol = written(tmp_path / "near.elig", NEAR)
    args = ("explain", protocol, file, "--as-of", "2026-10-30")
    text = run(*args).stdout
    assert "to 2026-02-25, intent not recorded, and the window begins on 2026-04-30)" in text
    assert "hemoglobin 100 g/L on 2026-10-01, and the window begins on 2026-10-16)" in text
    graph = tmp_path / "graph.json"
    run(*args, "--format", "json", "-o", graph)
    assert run(*args, "--check", graph).stdout.startswith("accepted")
    wrong = graph.read_text("utf-8").replace("begins on 2026-10-16", "begins on 2026-10-06")
    assert run(*args, "--check", written(tmp_path / "w.json", wrong)).returncode == 1


def test_a_computed_number_is_told() -> None:
    text = run("explain", PROTOCOL, HANNE, "--criterion", "organ_function").stdout
    assert "creatinine clearance about 69.285 mL/min is at least 60 mL/min" in text
    text = run("explain", PROTOCOL, HANNE, "--criterion", "adult_woman").stdout
    assert "age 68 years is at least 18 years (50 years above the limit)" in text
