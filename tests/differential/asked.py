"""Random answers of people, for differential tests: to what a protocol asks, and results that are
told as multiples of a limit of normal."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta

from protocol_logic.compiling import core
from protocol_logic.compiling.answerable import elements_of
from protocol_logic.compiling.reach import reached
from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.knowledge.vocabulary import Asked, Concept, Event
from protocol_logic.records.answers_file import COLUMNS, read_answers
from protocol_logic.records.facts import PatientRecord

_MULTIPLES = ("1 x ULN", "1.5 x ULN", "2.6 x ULN", "< 3 x ULN", "> 1 x ULN", "6 x ULN", "0.9 x LLN")


def answered(
    rng: random.Random, protocol: core.Protocol, record: PatientRecord, as_of: date
) -> PatientRecord:
    """The record with answers: none, one or several, of days before and after, or of a month."""
    lines = {",".join(COLUMNS): None}
    for entry in protocol.vocabulary.of(Asked):
        for _ in range(rng.choice([0, 1, 1, 2, 3])):
            day = as_of + timedelta(days=rng.choice([-40, -3, -3, 0, 0, 2]))
            when = rng.choice([f"{day}", f"{day}", f"{day:%Y-%m}"])
            line = f"{record.patient},{entry.element},{rng.choice(['yes', 'no'])},w,{when},"
            lines[line] = None
    for name in ("alt", "bilirubin", "creatinine", "platelets"):
        for _ in range(rng.choice([0, 0, 1, 1, 2]) if name in protocol.vocabulary.entries else 0):
            day = as_of + timedelta(days=rng.choice([-40, 0, 0, 1]))
            lines[f"{record.patient},{name},{rng.choice(_MULTIPLES)},w,{day},"] = None
    lines.update(dict.fromkeys(_said_of_the_past(rng, protocol, record, as_of)))
    for point in protocol.timepoints:
        said = sorted(rng.sample(range(-30, 4), rng.choice([0, 1, 2])))
        for days in said:
            day = as_of + timedelta(days=rng.choice([-300, -14, 0, 9, 40]))
            said_on = as_of + timedelta(days=days)
            lines[f"{record.patient},{point.name},{day},w,{said_on},"] = None
    problems = Problems()
    text = "\n".join(lines)
    answers = read_answers(Source("answers.csv", text), elements_of(protocol), problems)
    assert answers is not None and not problems.items, problems.items
    return answers.apply(record, as_of)


def _said_of_the_past(
    rng: random.Random, protocol: core.Protocol, record: PatientRecord, as_of: date
) -> Iterator[str]:
    """That some things never were, and since when some conditions are."""
    entries, used = protocol.vocabulary.entries, reached(protocol)
    sayable = [
        entry
        for name, entry in entries.items()
        if name in used
        and ((isinstance(entry, Concept) and entry.kind != "allergy") or isinstance(entry, Event))
    ]
    for entry in rng.sample(sayable, min(len(sayable), rng.choice([0, 0, 1, 2, 4]))):
        day = as_of + timedelta(days=rng.choice([-400, -3, 0, 0, 2]))
        said = rng.choice(["never", "complete"])
        if isinstance(entry, Concept) and entry.kind == "condition" and rng.random() < 0.4:
            onset = as_of - timedelta(days=rng.choice([0, 3, 20, 100, 400, 3000]))
            said = f"present since {rng.choice([f'{onset}', f'{onset:%Y-%m}', f'{onset:%Y}'])}"
        yield f"{record.patient},{entry.name},{said},w,{rng.choice([f'{day}', f'{day:%Y-%m}'])},"
