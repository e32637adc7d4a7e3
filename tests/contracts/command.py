"""The real command, run as a person runs it; `run` spares it the start (tests/warm.py)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.warm import run_warm, warm_command

Json = dict[str, Any]

REPOSITORY = Path(__file__).parents[2]
DEMO = REPOSITORY / "demo" / "patients"
SEED_CASES = REPOSITORY.parent / "shared" / "data" / "seed_cases"
PROTOCOL = "anlotinib_fulvestrant"
ANSWERS_HEADER = "patient,element,value,who,when,source"
COMMAND = [sys.executable, "-m", "protocol_logic.surfaces.cli"]

_UNSET = ("COLUMNS", "NO_COLOR", "PYTHONIOENCODING", "PROTOCOL_LOGIC_TRACEBACK")


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _UNSET}
    return {**kept, "PYTHONUTF8": "1", **more}


def run(
    *args: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `protocol-logic` with these arguments; with an environment, from a plain start."""
    warm = None if env else warm_command()
    if warm is not None:
        return run_warm(warm, [*map(str, args)], cwd, environment(), 120)
    return subprocess.run(
        [*COMMAND, *map(str, args)],
        cwd=cwd,
        env=environment(**(env or {})),
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


def bundle(name: str = "ines_all_met.json") -> Json:
    """A demo patient's bundle."""
    content: Json = json.loads((DEMO / name).read_text(encoding="utf-8"))
    return content


def renamed(content: Json, patient: str) -> Json:
    """The bundle as that of another patient."""
    old = next(
        entry["resource"]["id"]
        for entry in content["entry"]
        if entry["resource"]["resourceType"] == "Patient"
    )
    text = json.dumps(content)
    text = text.replace(json.dumps(f"Patient/{old}"), json.dumps(f"Patient/{patient}"))
    return dict(
        json.loads(text.replace(f'"id": {json.dumps(old)}', f'"id": {json.dumps(patient)}'))
    )


def written(path: Path, content: object) -> Path:
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_text(text, encoding="utf-8")
    return path
