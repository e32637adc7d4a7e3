"""Changes to the bundle of a demo patient, and how the seed protocol reads the result.

Paths are of keys and numbers: `valueQuantity.code`, `code.coding.0`. A value `"EXACTLY 1e400"`
stands for a number that is written so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from typing import Any

from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.knowledge.resources import protocol_path
from protocol_logic.pipeline import Compiled, compile_source
from protocol_logic.records.facts import PatientRecord
from protocol_logic.records.fhir import read_record
from protocol_logic.records.json_text import parse
from protocol_logic.records.sources import Document
from tests.contracts.command import PROTOCOL, Json, bundle, renamed

Change = Callable[[Any], None]
"""What is done to a resource, or to a bundle."""


def put(path: str, value: object) -> Change:
    """A change that puts a value at a path."""

    def change(content: Any) -> None:
        holder, key = _place(content, path)
        holder[key] = value

    return change


def drop(*paths: str) -> Change:
    def change(content: Any) -> None:
        for path in paths:
            holder, key = _place(content, path)
            del holder[key]

    return change


def _place(content: Any, path: str) -> tuple[Any, str | int]:
    *steps, last = (int(step) if step.isdigit() else step for step in path.split("."))
    for step in steps:
        content = content[step]
    return content, last


def both(*changes: Change) -> Change:
    def change(content: Any) -> None:
        for each in changes:
            each(content)

    return change


def on(name: str, change: Change) -> Change:
    """The change of a bundle that changes one resource: `Type/id`, or `Patient` alone."""

    def changed_bundle(content: Json) -> None:
        kind, _, identity = name.partition("/")
        [found] = [
            entry["resource"]
            for entry in content["entry"]
            if entry["resource"]["resourceType"] == kind
            and (kind == "Patient" or entry["resource"]["id"] == identity)
        ]
        change(found)

    return changed_bundle


def add(entry: object) -> Change:
    """The change of a bundle that has one more entry."""
    return lambda content: content["entry"].append(entry)


def changed(change: Change, patient: str) -> str:
    """The text of the bundle of Ines, renamed and changed."""
    content = renamed(bundle(), patient)
    change(content)
    return re.sub(r'"EXACTLY ([^"]*)"', r"\1", json.dumps(content))


@cache
def compiled() -> Compiled:
    path = protocol_path(PROTOCOL)
    assert path is not None
    found = compile_source(Source("test", path.read_text(encoding="utf-8")), Problems())
    assert found is not None
    return found


def record_of(text: str) -> PatientRecord:
    content = parse(text.encode())
    assert isinstance(content, dict)
    problems = Problems()
    record = read_record(Document("test", content), compiled().codings, problems)
    assert record is not None, problems.items
    return record
