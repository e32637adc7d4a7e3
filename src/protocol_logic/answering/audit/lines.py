"""What the lines of an audit record say, besides their place in the chain."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from protocol_logic.answering.audit.chain import Body, canonical
from protocol_logic.answering.audit.digests import Masks, digest, facts_bytes, graph_bytes
from protocol_logic.answering.rows import Row, parameters_of, policies_dict
from protocol_logic.compiling import core
from protocol_logic.compiling.digests import digest_of_knowledge, digest_of_text
from protocol_logic.compiling.policies import Policies
from protocol_logic.knowledge.resources import logic_names, logic_text, program_files
from protocol_logic.records.facts import PatientRecord


@dataclass(frozen=True, slots=True)
class AnswersFile:
    """A file of answers: its name and its bytes."""

    name: str
    data: bytes


def run_body(
    protocol: core.Protocol,
    policies: Policies | None,
    dates: Mapping[str, date],
    answers: AnswersFile | None,
    masks: Masks,
) -> Body:
    """What all decisions of a run share: by what they are made."""
    site = None if policies is None else policies_dict(policies)
    parameters = parameters_of(protocol)
    asked = None
    if answers is not None:
        asked = {"file": masks(answers.name), "digest": masks.digest(answers.data)}
    return {
        "policies": site,
        "parameters": parameters,
        "dates": {name: day.isoformat() for name, day in dates.items()},
        "answers": asked,
        "digests": {
            "protocol": digest_of_text(protocol),
            "knowledge": digest_of_knowledge(protocol),
            "logic": digest(canonical({name: logic_text(name) for name in logic_names()})),
            "program": _program_digest(),
            "policies": None if site is None else site["digest"],
            "parameters": digest(canonical(parameters)),
            "answers": None if asked is None else asked["digest"],
        },
    }


def decision_body(
    row: Row,
    read: PatientRecord,
    graph: Mapping[str, Any],
    source: bytes | None,
    masks: Masks,
    file: str,
) -> Body:
    """What is recorded of one decision.

    `read`: the record without answers; `graph`: the justification as node-link data; `source`: the
    bytes that the record was read from, where it was read from one text; `file`: that of the
    protocol.
    """
    return {
        "patient": masks(row["patient"]),
        "masked": masks.key is not None,
        "source": {
            "file": masks(row["source"]),
            "digest": None if source is None else masks.digest(source),
        },
        "facts": masks.digest(facts_bytes(read)),
        "as_of": row["as_of"],
        "as_of_source": row["as_of_source"],
        "protocol": {**row["protocol"], "file": file},
        "timepoints": row["timepoints"],
        "eligibility": row["eligibility"],
        "decided_jointly": row["decided_jointly"],
        "scopes": row["scopes"],
        "criteria": [
            {
                "id": criterion["id"],
                "polarity": criterion["polarity"],
                "outcome": criterion["outcome"],
                "verdict": criterion["verdict"],
                "applies": criterion["applies"],
                "gaps": [
                    {"element": gap["element"], "reason": gap["reason"]}
                    for gap in criterion["gap_details"]
                ],
            }
            for criterion in row["criteria"]
        ],
        "justification": masks.digest(graph_bytes(graph)),
    }


def _program_digest() -> str:
    found = hashlib.sha256()
    for name, data in program_files():
        found.update(f"{name}\n{len(data)}\n".encode() + data)
    return f"sha256:{found.hexdigest()}"
