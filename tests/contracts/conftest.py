"""Fixtures of several tests of the command."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contracts.command import DEMO, PROTOCOL, run


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The audit record of all demo patients."""
    record = tmp_path_factory.mktemp("record") / "record.jsonl"
    assert run("screen", PROTOCOL, DEMO, "--record", record).returncode == 0
    return record


@pytest.fixture
def record(whole: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change."""
    path = tmp_path / "record.jsonl"
    path.write_bytes(whole.read_bytes())
    return path
