"""The SARIF log says what was found, in the shape that SARIF 2.1.0 lays down."""

from __future__ import annotations

import json
import re
from typing import Any

from protocol_logic.foundation.problems import Label, Problem
from protocol_logic.foundation.source import Source, Span
from protocol_logic.knowledge.resources import problem_page
from protocol_logic.surfaces.sarif import sarif
from tests.unit.surfaces.test_diagnostics import problem

# OASIS, SARIF Version 2.1.0: of each object that we write its properties, those with ! required
# (sections 3.13, 3.14, 3.18, 3.19, 3.27, 3.28, 3.29, 3.30, 3.4, 3.49, 3.50).
TEXT = {"text!": str}
MULTIFORMAT = {"text!": str, "markdown": str}
REGION = {"startLine!": int, "startColumn!": int, "endLine!": int, "endColumn!": int}
LOCATION = {
    "physicalLocation!": {"artifactLocation!": {"uri!": str}, "region": REGION},
    "message": TEXT,
}
FIX = {
    "artifactChanges!": [
        {
            "artifactLocation!": {"uri!": str},
            "replacements!": [{"deletedRegion!": REGION, "insertedContent!": TEXT}],
        }
    ]
}
LEVEL = re.compile("none|note|warning|error")
LOG = {
    "$schema!": re.compile(r"https://.*sarif-2\.1\.0.*\.json"),
    "version!": re.compile(r"2\.1\.0"),
    "runs!": [
        {
            "tool!": {
                "driver!": {
                    "name!": str,
                    "version!": str,
                    "rules!": [
                        {
                            "id!": re.compile(r"[a-z-]+"),
                            "shortDescription!": TEXT,
                            "help!": MULTIFORMAT,
                            "defaultConfiguration!": {"level!": LEVEL},
                        }
                    ],
                }
            },
            "columnKind!": re.compile("unicodeCodePoints|utf16CodeUnits"),
            "results!": [
                {
                    "ruleId!": str,
                    "ruleIndex!": int,
                    "level!": LEVEL,
                    "message!": TEXT,
                    "locations": [LOCATION],
                    "relatedLocations": [LOCATION],
                    "fixes": [FIX],
                }
            ],
        }
    ],
}


def conforms(value: object, shape: Any, place: str = "log") -> None:
    """Fail where a value has not the shape: no more and no less than it names."""
    if isinstance(shape, dict):
        assert isinstance(value, dict), place
        known = {key.rstrip("!"): (key, inner) for key, inner in shape.items()}
        assert value.keys() <= known.keys(), (place, value.keys() - known.keys())
        missing = [name for name, (key, _) in known.items() if key[-1] == "!" and name not in value]
        assert not missing, (place, missing)
        for name, inner in value.items():
            conforms(inner, known[name][1], f"{place}.{name}")
    elif isinstance(shape, list):
        assert isinstance(value, list), place
        for number, each in enumerate(value):
            conforms(each, shape[0], f"{place}[{number}]")
    elif isinstance(shape, re.Pattern):
        assert isinstance(value, str) and shape.fullmatch(value), (place, value)
    else:
        assert type(value) is shape, (place, value)


def test_sarif() -> None:
    label = Label(Source("/kb/b.elig", "b"), Span(0, 1), "here")
    found = problem("a\nbad\n", "bad", name="some folder/t.elig", labels=(label,), hint="h")
    notice = Problem(code="not-usable", message="m")
    log = sarif([found, notice], "1.2.3")
    conforms(json.loads(json.dumps(log)), LOG)
    run = log["runs"][0]
    assert run["tool"]["driver"]["version"] == "1.2.3"
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["not-usable", "unknown-name"]
    assert rules[1]["help"]["markdown"] == problem_page("unknown-name")
    first, second = run["results"]
    assert first["ruleIndex"] == 1
    assert first["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "some%20folder/t.elig"},
                "region": {"startLine": 2, "startColumn": 1, "endLine": 2, "endColumn": 4},
            }
        }
    ]
    related = first["relatedLocations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert related == "file:///kb/b.elig"
    assert second["level"] == "note"
    assert "locations" not in second
    conforms(sarif([], "1.2.3"), LOG)


def test_a_cure_is_a_fix() -> None:
    found = problem("age ≥ 18", "≥", code="syntax", hint="write `>=`")
    log = sarif([found], "1")
    conforms(json.loads(json.dumps(log)), LOG)
    [fix] = log["runs"][0]["results"][0]["fixes"]
    [change] = fix["artifactChanges"]
    region = {"startLine": 1, "startColumn": 5, "endLine": 1, "endColumn": 6}
    assert change["replacements"] == [{"deletedRegion": region, "insertedContent": {"text": ">="}}]


def test_the_shape_is_held() -> None:
    log = sarif([problem("bad", "bad")], "1")
    for spoil in ("version", "runs"):
        try:
            conforms({key: value for key, value in log.items() if key != spoil}, LOG)
        except AssertionError:
            continue
        raise AssertionError(f"nobody missed `{spoil}`")
