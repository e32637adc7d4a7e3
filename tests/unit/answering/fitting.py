"""Small protocols and records whose fit can be counted by hand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from protocol_logic.answering.fit.report import Report
from protocol_logic.compiling.policies import Policies, check_policies
from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.pipeline import Compiled, Fitting, compile_source, read_records
from protocol_logic.records.sources import Document
from tests.unit.records.build import Json, bundle

AS_OF = date(2026, 11, 1)


def compiled(text: str, policies: Policies | None = None) -> Compiled:
    """A protocol named `trial` with these statements, under the policies of a site."""
    problems = Problems()
    found = compile_source(Source("trial.elig", f"protocol trial\n{text}"), problems, policies)
    assert found is not None, [problem.message for problem in problems.items]
    return found


def fit(
    text: str,
    records: Iterable[Sequence[Json]],
    as_of: date | None = AS_OF,
    policies: str | None = None,
) -> Report:
    """The fit of records, each a list of resources of one patient; `policies`: lines of a site."""
    protocol = compiled(text)
    if policies is not None:
        problems = Problems()
        found = check_policies(
            Source("site.elig", f"policies site\n  title Site\n\n{policies}\n"), problems
        )
        assert found is not None, [problem.message for problem in problems.items]
        protocol = compiled(text, found)
    fitting = Fitting(protocol)
    for number, resources in enumerate(records):
        patient = next((r for r in resources if r["resourceType"] == "Patient"), None)
        others = [r for r in resources if r["resourceType"] != "Patient"]
        content = bundle(
            *others, patient=patient or {"resourceType": "Patient", "id": f"p{number}"}
        )
        problems = Problems()
        document = Document(f"p{number}.json", content)
        for record in read_records(protocol, [document], problems, fitting.meet):
            fitting.add(record, as_of)
        assert problems.items == []
    return fitting.report()


def element(report: Report, name: str, part: str | None = None) -> dict[str, Any]:
    """What a report says of an entry or a part of it."""
    (found,) = [e for e in report["elements"] if (e["name"], e["part"]) == (name, part)]
    return dict(found)
