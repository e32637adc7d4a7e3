"""Problems as SARIF 2.1.0, for code scanning. Source: OASIS, SARIF Version 2.1.0, 27 March 2020."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from protocol_logic.foundation.codes import CODES
from protocol_logic.foundation.problems import Problem
from protocol_logic.knowledge.resources import problem_page
from protocol_logic.language.cures import cure_of
from protocol_logic.surfaces.diagnostics import Place, file_of, place_in, place_of

_LEVELS = {"error": "error", "warning": "warning", "notice": "note"}


def sarif(problems: Sequence[Problem], version: str) -> dict[str, Any]:
    """The problems as a SARIF 2.1.0 log, for code scanning."""
    rules = sorted({p.code for p in problems})
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "protocol-logic",
                        "version": version,
                        "rules": [_sarif_rule(code) for code in rules],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [_sarif_result(p, rules.index(p.code)) for p in problems],
            }
        ],
    }


def _sarif_rule(code: str) -> dict[str, Any]:
    page = problem_page(code)
    return {
        "id": code,
        "shortDescription": {"text": CODES[code].summary},
        "help": {"text": page, "markdown": page},
        "defaultConfiguration": {"level": _LEVELS[CODES[code].severity]},
    }


def _sarif_result(problem: Problem, rule: int) -> dict[str, Any]:
    text = problem.message + (f"; {problem.hint}" if problem.hint else "")
    result: dict[str, Any] = {
        "ruleId": problem.code,
        "ruleIndex": rule,
        "level": _LEVELS[problem.severity],
        "message": {"text": text},
    }
    file = file_of(problem)
    if file is not None:
        result["locations"] = [_sarif_location(file, place_in(problem))]
    edit = cure_of(problem)
    if edit is not None and file is not None and problem.source is not None:
        place = place_of(problem.source, edit.span)
        replacement = {"deletedRegion": _region(place), "insertedContent": {"text": edit.text}}
        change = {"artifactLocation": _artifact(file), "replacements": [replacement]}
        result["fixes"] = [{"artifactChanges": [change]}]
    if problem.labels:
        result["relatedLocations"] = [
            {
                **_sarif_location(label.source.name, place_of(label.source, label.span)),
                "message": {"text": label.text},
            }
            for label in problem.labels
        ]
    return result


def _sarif_location(file: str, place: Place | None) -> dict[str, Any]:
    location: dict[str, Any] = {"artifactLocation": _artifact(file)}
    if place is not None:
        location["region"] = _region(place)
    return {"physicalLocation": location}


def _artifact(file: str) -> dict[str, Any]:
    path = Path(file)
    absolute = path.is_absolute()
    return {"uri": path.as_uri() if absolute else quote(path.as_posix(), errors="replace")}


def _region(place: Place) -> dict[str, Any]:
    return {
        "startLine": place.line,
        "startColumn": place.column,
        "endLine": place.end_line,
        "endColumn": place.end_column,
    }
