"""The empty form of answers: a CSV row for each question that would close a gap.

Filled in, it is what `--answers` reads; the columns after `source` are for the person who fills
it in.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import TYPE_CHECKING

from protocol_logic.answering.questions import Question
from protocol_logic.foundation.text import guarded
from protocol_logic.records.answers_file import COLUMNS
from protocol_logic.surfaces.outputs import written

if TYPE_CHECKING:
    from protocol_logic.pipeline import Compiled, Screened
    from protocol_logic.records.elements import Elements

HEADER = (*COLUMNS, "label", "reason", "expected", "criterion")


def form_header() -> bytes:
    """The first line of a form."""
    return _lines([HEADER])


def form_lines(patient: str, questions: Iterable[Question]) -> bytes:
    """The lines of one patient, in the order of the questions; nothing where nothing is open."""
    return _lines(
        (patient, q.element, "", "", "", "", q.label, q.reason, q.expected, q.sentence)
        for q in questions
    )


def questions_asked(elements: Elements | None, compiled: Compiled, done: Screened) -> bytes:
    """The lines about a patient who was screened; nothing where nothing is to be asked."""
    from protocol_logic.answering.questions import questions

    if elements is None or done.record is None or done.row is None:
        return b""
    asked = questions(elements, compiled.plan, done.record, done.row)
    return form_lines(done.record.patient, asked)


def _lines(rows: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in rows:
        # A lone carriage return would end a line for some readers.
        writer.writerow([guarded(cell).replace("\r", " ") for cell in row])
    return written(text.getvalue())
