"""`screen` as a stream: workers, progress, memory, and what is left when it is stopped."""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.contracts.command import COMMAND, DEMO, PROTOCOL, bundle, environment, renamed, run
from tests.contracts.test_cli_audit import said

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc")


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """700 bundle lines, more than one process does alone, with bad ones and a duplicate."""
    path = tmp_path_factory.mktemp("many") / "many.ndjson"
    texts = [json.dumps(bundle(file.name)) for file in sorted(DEMO.glob("*.json"))]
    ids = [json.loads(text)["entry"][0]["resource"]["id"] for text in texts]
    lines = []
    for number in range(700):
        patient, text = ids[number % 15], texts[number % 15]
        lines.append(
            text.replace(f'"{patient}"', f'"p{number}"').replace(f"/{patient}", f"/p{number}")
        )
    lines[300] = '{"resourceType": "Bundle", "entry": ['
    lines[301] = "[]"
    lines[320] = lines[3]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_the_same_bytes_however_many_workers(many: Path, tmp_path: Path) -> None:
    some = tmp_path / "some.ndjson"
    some.write_text("".join(many.read_text().splitlines(keepends=True)[:350]))
    outputs: list[tuple[int, str, bytes, bytes]] = []
    records = []
    for number in ("1", "2"):
        files = [tmp_path / f"{name}{number}" for name in ("rows", "notes", "record")]
        done = run(
            "screen", PROTOCOL, some, "--workers", number, "--format", "ndjson", "--why",
            "-o", files[0], "--problems", files[1], "--record", files[2],
        )  # fmt: skip
        rows, notes = (file.read_bytes() for file in files[:2])
        outputs.append((done.returncode, done.stderr, rows, notes))
        records.append(said(files[2]))
    assert outputs[0] == outputs[1]
    assert records[0] == records[1]
    code, stderr, rows, notes = outputs[0]
    assert code == 1
    patients = [json.loads(row)["patient"] for row in rows.splitlines()]
    gone = {3, 300, 301, 320}
    assert patients == [f"p{number}" for number in range(350) if number not in gone]
    assert [line["patient"] for line in records[0][1:]] == patients
    assert stderr.count("error[not-readable]: line 30") == 2
    assert "error[duplicate-patient]: patient `p3` stands in 2 bundles of this file" in stderr
    stopped = [note for note in map(json.loads, notes.splitlines()) if note["severity"] == "error"]
    assert [note["code"] for note in stopped] == [
        "not-readable",
        "not-readable",
        "duplicate-patient",
    ]


def children(process: subprocess.Popen[bytes]) -> list[int]:
    path = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return [int(child) for child in path.read_text().split()]


def both_workers(process: subprocess.Popen[bytes]) -> list[int]:
    """The workers of a command, when there are two."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        found = []
        for child in children(process):
            with suppress(OSError):
                if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                    found.append(child)
        if len(found) == 2:
            return found
        time.sleep(0.01)
    raise AssertionError("no workers were started")


def never_hears(process: int, sent: signal.Signals) -> bool:
    """Whether a process blocks a signal."""
    blocked = re.search(r"SigBlk:\s+(\w+)", Path(f"/proc/{process}/status").read_text())
    assert blocked is not None
    return bool(int(blocked[1], 16) >> (sent - 1) & 1)


def seen(terminal: int, pattern: str) -> str:
    """What a terminal shows, until it matches."""
    text = ""
    while not re.search(pattern, text):
        try:
            text += os.read(terminal, 4096).decode()
        except OSError:  # the other side is closed
            raise AssertionError(text) from None
    return text


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_all_at_once_and_leaves_nothing(
    many: Path, tmp_path: Path, sent: signal.Signals, code: int
) -> None:
    output = tmp_path / "rows.json"
    output.write_bytes(b"old")
    terminal, stderr = os.openpty()
    with subprocess.Popen(
        [*COMMAND, "screen", PROTOCOL, many, many, "--workers", "2", "-o", output],
        env=environment(),
        stderr=stderr,
        start_new_session=True,
    ) as process:
        os.close(stderr)
        shown = seen(terminal, r"[1-9]\d* patients?, [\d.]+/s, [\w ]+ left")
        started = both_workers(process)
        assert all(never_hears(worker, signal.SIGINT) for worker in started)
        before = time.monotonic()
        # As a terminal sends Ctrl-C: to the command and to all that it started.
        os.killpg(process.pid, sent)
        shown += seen(terminal, "stopped\r\n")
        process.wait(10)
        assert time.monotonic() - before < 5
    os.close(terminal)
    assert process.returncode == code
    assert shown.endswith("\r\x1b[2Kstopped\r\n")
    assert "Traceback" not in shown
    assert not any(Path(f"/proc/{worker}").exists() for worker in started)
    assert output.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [output]


def test_a_worker_that_is_killed_costs_nobody_the_row(many: Path, tmp_path: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "screen", PROTOCOL, many, "--workers", "2", "--format", "ndjson"],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        found = both_workers(process)
        time.sleep(0.4)
        os.kill(found[0], signal.SIGKILL)
        rows, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert len(rows.splitlines()) == 696


def peak(path: Path) -> int:
    """The most memory, in bytes, that it takes to screen a file in one process."""
    process = subprocess.Popen(
        [*COMMAND, "screen", PROTOCOL, path, "--workers", "1", "--format", "csv"],
        env=environment(),
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_maxrss * 1024


def test_memory_does_not_grow_with_the_number_of_lines(tmp_path: Path) -> None:
    """Each line holds a document of a million letters."""
    content = bundle()
    document = {"resourceType": "Binary", "id": "letter", "data": "x" * 1_000_000}
    content["entry"].append({"resource": document})
    peaks = []
    for number in (10, 80):
        path = tmp_path / f"{number}.ndjson.gz"
        with gzip.open(path, "wt", compresslevel=1) as out:
            for each in range(number):
                out.write(json.dumps(renamed(content, f"p{each}")) + "\n")
        peaks.append(peak(path))
    assert peaks[1] - peaks[0] < 10_000_000
