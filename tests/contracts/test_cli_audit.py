"""`screen --record` and `audit verify`, `repair`, `key`: what is recorded, and what is found."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import signal
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.contracts.command import (
    ANSWERS_HEADER,
    COMMAND,
    DEMO,
    PROTOCOL,
    Json,
    bundle,
    environment,
    renamed,
    run,
    written,
)  # fmt: skip

HANNE = DEMO / "hanne_haemoglobin_mmol.json"
INES = DEMO / "ines_all_met.json"
OWN = ("at", "hash", "id", "previous")


def lines(record: Path) -> list[Json]:
    return [json.loads(line) for line in record.read_bytes().splitlines()]


def said(record: Path) -> list[Json]:
    """The lines without what no two runs share."""
    return [{k: v for k, v in line.items() if k not in OWN} for line in lines(record)]


def test_a_line_says_what_the_row_says_and_by_what_it_was_made(whole: Path) -> None:
    start, *decisions = lines(whole)
    assert (start["kind"], start["number"], start["mask"]) == ("start", 1, None)
    rows = json.loads(run("screen", PROTOCOL, DEMO, "--format", "json").stdout)
    assert [line["patient"] for line in decisions] == [row["patient"] for row in rows]
    for line, row in zip(decisions, rows, strict=True):
        for key in ("source", "as_of", "as_of_source", "eligibility", "policies", "parameters"):
            expected = {"file": row[key]} if key == "source" else row[key]
            found = {"file": line[key]["file"]} if key == "source" else line[key]
            assert found == expected
        assert line["protocol"]["digest"] == row["protocol"]["digest"]
        for found, criterion in zip(line["criteria"], row["criteria"], strict=True):
            assert [found[k] for k in ("id", "outcome", "verdict")] == [
                criterion[k] for k in ("id", "outcome", "verdict")
            ]
            assert [gap["element"] for gap in found["gaps"]] == criterion["gaps"]
        data = Path(row["source"]).read_bytes()
        assert line["source"]["digest"] == f"sha256:{hashlib.sha256(data).hexdigest()}"
    assert len({line["id"] for line in decisions}) == len(decisions)


def test_the_justification_digest_is_that_of_explain(whole: Path) -> None:
    done = run("explain", PROTOCOL, HANNE, "--format", "json")
    graph = json.loads(done.stdout)
    nodes = [{k: v for k, v in n.items() if k not in ("line", "span")} for n in graph["nodes"]]
    text = json.dumps(
        {"edges": graph["edges"], "nodes": nodes},
        ensure_ascii=False, sort_keys=True, separators=(",", ":"),
    )  # fmt: skip
    line = next(line for line in lines(whole) if line.get("patient") == "hanne")
    assert line["justification"] == f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def test_the_rows_are_the_same_with_a_record_and_only_the_owner_reads_it(tmp_path: Path) -> None:
    record = tmp_path / "r.jsonl"
    with_record = run("screen", PROTOCOL, HANNE, "--format", "ndjson", "--record", record)
    assert with_record.stdout == run("screen", PROTOCOL, HANNE, "--format", "ndjson").stdout
    assert stat.S_IMODE(record.stat().st_mode) == 0o600


def test_the_same_is_recorded_whatever_the_order_in_memory(tmp_path: Path) -> None:
    many = tmp_path / "many.ndjson"
    texts = [json.dumps(bundle(file.name)) for file in sorted(DEMO.glob("*.json"))]
    ids = [json.loads(text)["entry"][0]["resource"]["id"] for text in texts]
    with many.open("w") as stream:
        for number in range(30):
            text, old = texts[number % 15], ids[number % 15]
            new = text.replace(f'"{old}"', f'"p{number}"').replace(f"/{old}", f"/p{number}")
            stream.write(new + "\n")
        stream.write(new + "\n")  # the last patient stands there twice, and so has no row
    records = []
    for seed in "12":
        record = tmp_path / f"r{seed}.jsonl"
        done = run(
            "screen", PROTOCOL, many, "--record", record, "-o", tmp_path / "rows",
            env={"PYTHONHASHSEED": seed},
        )  # fmt: skip
        assert done.returncode == 1
        records.append(said(record))
        assert run("audit", "verify", record).returncode == 0
    assert records[0] == records[1]
    assert [line["patient"] for line in records[0][1:]] == [f"p{n}" for n in range(29)]


def test_policies_parameters_dates_and_answers_are_recorded(tmp_path: Path) -> None:
    protocol = written(tmp_path / "p.elig", """protocol p
  title P
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
""")  # fmt: skip
    policies = written(
        tmp_path / "s.elig", "policies site\n  version 2\n\npolicy labs within 28 days\n"
    )
    answers = written(
        tmp_path / "a.csv", f"{ANSWERS_HEADER}\nhanne,hgb,8.8 g/dL,Dr Ito,2026-10-30,seen\n"
    )
    record = tmp_path / "r.jsonl"
    done = run(
        "screen", protocol, HANNE, "--record", record, "--policies", policies,
        "--answers", answers, "--parameter", "least is 85 g/L", "--date", "first_dose=2026-11-05",
        "--as-of", "2026-10-30",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    line = lines(record)[1]
    assert line["policies"]["lines"] == ["labs within 28 days"]
    assert line["parameters"] == [
        {"name": "least", "value": "85 g/L", "from": "run", "default": "90 g/L"}
    ]
    assert line["dates"] == {"first_dose": "2026-11-05"}
    assert line["answers"]["file"] == str(answers)
    assert line["answers"]["digest"] == f"sha256:{hashlib.sha256(answers.read_bytes()).hexdigest()}"
    assert line["digests"]["answers"] == line["answers"]["digest"]
    assert line["digests"]["policies"] == line["policies"]["digest"]
    assert line["as_of_source"] == "option"


# ---- verify --------------------------------------------------------------------------------------


def test_a_whole_record_tells_its_head(record: Path) -> None:
    done = run("audit", "verify", record)
    head = lines(record)[-1]["hash"]
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"whole: 16 lines (15 decisions)\nhead: line 16, {head}\n"


def test_a_head_that_was_filed_tells_what_was_cut_off(record: Path, tmp_path: Path) -> None:
    head = lines(record)[-1]["hash"]
    assert run("screen", PROTOCOL, HANNE, "--record", record).returncode == 0
    done = run("audit", "verify", record, "--head", head)
    assert done.returncode == 0
    assert "the head that was given is line 16; 1 line appended since" in done.stdout
    assert run("audit", "verify", record, "--head", head.partition(":")[2].upper()).returncode == 0
    kept = record.read_bytes().splitlines(keepends=True)[:15]
    cut = tmp_path / "cut.jsonl"
    cut.write_bytes(b"".join(kept))
    assert run("audit", "verify", cut).returncode == 0  # nothing in it says that there was more
    done = run("audit", "verify", cut, "--head", head)
    assert done.returncode == 1
    assert done.stdout.startswith("cut off or replaced: ")
    assert run("audit", "verify", cut, "--head", "12").returncode == 2


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('"outcome":"not_met"', '"outcome":"met"', "altered: its content does not give its hash"),
        (
            '"patient":"hanne"',
            '"patient": "hanne"',
            "altered: it says the same in other characters",
        ),
        ('"kind":"decision"', '"kind":', "altered: it is not JSON"),
    ],
)
def test_a_tampered_line_is_named(record: Path, old: str, new: str, fault: str) -> None:
    texts = record.read_text("utf-8").splitlines(keepends=True)
    at = next(i for i, text in enumerate(texts) if '"patient":"hanne"' in text)
    texts[at] = texts[at].replace(old, new, 1)
    record.write_text("".join(texts), "utf-8")
    done = run("audit", "verify", record)
    assert done.returncode == 1
    assert done.stdout == f"line {at + 1}: {fault}\nnot whole: 1 fault\n"
    # Nothing is appended to it, and nobody is screened for it.
    before = record.read_bytes()
    done = run("screen", PROTOCOL, INES, "--record", record)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"is not whole: line {at + 1}: {fault}; `protocol-logic audit verify" in done.stderr
    assert record.read_bytes() == before


@pytest.mark.parametrize(
    "text", ["", "{}\n", "patient,eligibility\n", "\x00\x1b[2J\n", "[" * 50_000]
)
def test_what_is_no_record_is_told(text: str, tmp_path: Path) -> None:
    file = written(tmp_path / "r.jsonl", text)
    done = run("audit", "verify", file)
    assert done.returncode == 1
    assert done.stdout.startswith("line 1: ")
    assert "\x1b" not in done.stdout
    if text:
        assert run("screen", PROTOCOL, HANNE, "--record", file).returncode == 2
        assert file.read_text() == text


def test_files_that_cannot_be_records(tmp_path: Path) -> None:
    assert "there is no file" in run("audit", "verify", tmp_path / "none").stderr
    for place in (tmp_path, Path("/dev/null"), tmp_path / "no" / "folder", Path("-")):
        done = run("screen", PROTOCOL, HANNE, "--record", place)
        assert (done.returncode, done.stdout) == (2, ""), place
    os.mkfifo(tmp_path / "pipe")
    for args in (("audit", "verify"), ("audit", "repair"), ("screen", PROTOCOL, HANNE, "--record")):
        done = run(*args, tmp_path / "pipe")
        assert done.returncode == 2
        assert "is no regular file" in done.stderr
    done = run("screen", PROTOCOL, HANNE, "--record", tmp_path / "r", "-o", tmp_path / "r")
    assert "name the same" in done.stderr


def test_a_record_of_another_version_is_left_alone(tmp_path: Path) -> None:
    from protocol_logic.answering.audit.chain import Head, appended, start

    line = appended(Head(), {**start(None), "version": 7, "at": "x"})[0]
    file = tmp_path / "r.jsonl"
    file.write_bytes(line)
    for args in (("audit", "verify", file), ("screen", PROTOCOL, HANNE, "--record", file)):
        done = run(*args)
        assert done.returncode == 2
        assert "is an audit record of version 7, which this program does not read" in done.stderr


def test_a_record_that_is_replaced_while_patients_are_judged(tmp_path: Path) -> None:
    """What was read before is not what stands there; both are whole."""
    from click import UsageError

    from protocol_logic.answering.audit.digests import Masks
    from protocol_logic.surfaces.audit_file import AuditFile

    record, other = tmp_path / "r.jsonl", tmp_path / "other.jsonl"
    for path, number in ((record, 2), (other, 9)):
        AuditFile(str(path), Masks()).append(
            {"kind": "repair", "bytes": n, "torn": str(path)} for n in range(number)
        )
    file = AuditFile(str(record), Masks())
    record.write_bytes(other.read_bytes())
    with pytest.raises(UsageError, match="was replaced meanwhile"):
        file.append([{"kind": "repair", "bytes": 1, "torn": "x"}])
    assert record.read_bytes() == other.read_bytes()


# ---- what happens to a process -------------------------------------------------------------------


def test_two_processes_append_at_once(tmp_path: Path) -> None:
    record = tmp_path / "r.jsonl"

    def once(number: int) -> int:
        file = written(tmp_path / f"{number}.json", renamed(bundle(INES.name), f"p{number}"))
        return run("screen", PROTOCOL, file, "--record", record).returncode

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(once, range(6))) == [0] * 6
    assert run("audit", "verify", record).stdout.startswith("whole: 7 lines (6 decisions)")
    assert {line["patient"] for line in lines(record)[1:]} == {f"p{n}" for n in range(6)}


_KILLED = """
import os, signal, sys
from protocol_logic.surfaces.cli import group
real = os.write

def write(handle, data):
    if b'"kind":"decision"' in data:
        real(handle, data[:int(sys.argv[1])])
        os.kill(os.getpid(), signal.SIGKILL)
    return real(handle, data)

os.write = write
group(sys.argv[2:])
"""


@pytest.mark.parametrize("length", [1, 700, 5_000])
def test_a_process_killed_while_it_appends_leaves_what_can_be_repaired(
    length: int, record: Path
) -> None:
    before = record.read_bytes()
    done = subprocess.run(
        [sys.executable, "-c", _KILLED, str(length), "screen", PROTOCOL, DEMO, "--record", record],
        env=environment(), capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL
    left = record.read_bytes()
    assert left == before + left[len(before) :]
    assert len(left) == len(before) + length
    torn = left.count(b"\n") + 1
    done2 = run("audit", "verify", record)
    assert done2.returncode == 1
    assert f"line {torn}: torn: it has no end, so it was not written whole\n" in done2.stdout
    refused = run("screen", PROTOCOL, INES, "--record", record)
    assert refused.returncode == 2
    assert "audit repair" in refused.stderr
    assert record.read_bytes() == left
    repaired = run("audit", "repair", record)
    assert repaired.returncode == 0
    line = lines(record)[-1]
    fragment = left[left.rfind(b"\n") + 1 :]
    assert (line["kind"], line["number"], line["bytes"]) == ("repair", torn, len(fragment))
    assert line["torn"].encode() == fragment
    assert run("screen", PROTOCOL, INES, "--record", record).returncode == 0
    assert run("audit", "verify", record).returncode == 0
    assert run("audit", "repair", record).returncode == 1
    assert record.read_bytes().startswith(before)


def test_nothing_else_is_repaired(record: Path) -> None:
    data = record.read_bytes()
    record.write_bytes(data.replace(b'"not_met"', b'"met"', 1) + b'{"torn')
    done = run("audit", "repair", record)
    assert done.returncode == 2
    assert "not whole" in done.stderr
    record.write_bytes(data[:20])
    assert "holds no decision; remove it" in run("audit", "repair", record).stderr


@pytest.mark.parametrize("more", [100, 3_000, 20_000])
def test_a_full_disk_takes_back_what_was_begun(more: int, record: Path, tmp_path: Path) -> None:
    before = record.read_bytes()
    limit = len(before) + more
    rows = tmp_path / "rows"
    done = subprocess.run(
        [*COMMAND, "screen", PROTOCOL, str(DEMO), "--record", str(record), "-o", str(rows)],
        env=environment(), capture_output=True, encoding="utf-8", check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )  # fmt: skip
    assert done.returncode == 2
    assert "cannot be written: File too large" in done.stderr
    assert record.read_bytes() == before
    assert not rows.exists()


def test_a_record_that_may_not_be_written_is_told_before_any_work(record: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everything")
    record.chmod(0o400)
    assert "cannot be written" in run("screen", PROTOCOL, DEMO, "--record", record).stderr
