"""A small protocol and rows of it, made by hand."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from protocol_logic.compiling import core
from protocol_logic.foundation.source import Source, Span
from protocol_logic.knowledge.vocabulary import Vocabulary
from protocol_logic.surfaces.row_formats import RowFormat, Spool

Json = dict[str, Any]

_OUTCOMES = {"✓": "pass", "✗": "fail", "?": "open", "–": "pass"}


def protocol(criteria: Sequence[str], *, sentence: str = "Some words;") -> core.Protocol:
    """Criteria by id; one that starts with `no_` is an exclusion."""
    nothing = core.Present(concept="anything")
    return core.Protocol(
        id="trial",
        version="2.1",
        title="A trial",
        registry="",
        criteria=tuple(
            core.Criterion(
                id=name,
                polarity=polarity(name),
                sentence=sentence,
                applies=None,
                condition=nothing,
                span=Span(0, 0),
            )
            for name in criteria
        ),
        definitions={},
        derived={},
        denials={},
        vocabulary=Vocabulary({}),
        source=Source("trial.elig", ""),
    )


def scope(name: str, eligibility: str, together: Sequence[str] = ()) -> Json:
    """What a row says of a scope."""
    return {
        "id": name,
        "label": f"Label of {name}",
        "eligibility": eligibility,
        "decided_jointly": list(together),
    }


def polarity(name: str) -> str:
    return "exclusion" if name.startswith("no_") else "inclusion"


def row(patient: str, criteria: Sequence[str], signs: str, **more: Any) -> Json:
    """A row by signs; `gaps`: criterion id -> (element, reason) pairs."""
    gaps = more.pop("gaps", {})
    verdicts = [_OUTCOMES[sign] for sign in signs]
    eligibility = (
        "ineligible" if "fail" in verdicts else "undetermined" if "open" in verdicts else "eligible"
    )
    return {
        "patient": patient,
        "source": "a.json",
        "as_of": "2026-01-15",
        "as_of_source": "bundle",
        "protocol": {"id": "trial", "version": "2.1", "digest": "sha256:0"},
        "policies": None,
        "parameters": [],
        "timepoints": [],
        "eligibility": eligibility,
        "decided_jointly": [],
        "scopes": [],
        "criteria": [
            {
                "id": name,
                "polarity": polarity(name),
                "text": "Some words;",
                "scopes": [],
                "basis": "computed",
                "asked": [],
                "outcome": _outcome(name, verdict),
                "verdict": verdict,
                "applies": sign != "–",
                "oldest_evidence": None,
                "gaps": [element for element, _ in gaps.get(name, ())],
                "passed_over": [],
                "unread": [],
                "gap_details": [
                    {"element": element, "reason": reason, "resource": None}
                    for element, reason in gaps.get(name, ())
                ],
            }
            for name, sign, verdict in zip(criteria, signs, verdicts, strict=True)
        ],
        "problems": [],
        **more,
    }


def _outcome(name: str, verdict: str) -> str:
    if verdict == "open":
        return "unknown"
    return "met" if (verdict == "pass") == (polarity(name) == "inclusion") else "not_met"


def output(form: RowFormat, rows: Sequence[Json], withheld: Sequence[str] = ()) -> bytes:
    """What a format writes of the rows, without those of withheld patients."""
    spool, out = Spool(), io.BytesIO()
    for each in rows:
        spool.add(each["patient"], form.piece(each))
    form.write(out, lambda: spool.pieces(lambda patient: patient in withheld))
    return out.getvalue()
