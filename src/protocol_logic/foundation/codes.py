"""One row per problem: slug, severity, and the one-line summary of its page in docs/problems."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Code:
    """What a problem code stands for."""

    slug: str
    severity: Literal["error", "warning", "notice"]
    summary: str


_ROWS = (
    # syntax
    Code("syntax", "error", "a statement that cannot be read"),
    Code("missing-sentence", "error", "a criterion without the protocol's own sentence"),
    Code("duplicate-name", "error", "two statements of one name"),
    Code("missing-property", "error", "a knowledge entry without something it needs"),
    Code("bad-question", "error", "a question to a person that cannot be asked"),
    Code("misplaced", "error", "a statement in a file of another kind"),
    Code("wrong-language", "error", "a file in another language than the one that is read"),
    Code("no-criterion", "error", "a protocol without any criterion"),
    Code("invisible-character", "error", "an invisible or bidirectional character in the text"),
    Code("bad-example", "error", "an example that cannot be run"),
    # unfinished
    Code("to-do", "notice", "a condition that is still to be written"),
    # against the protocol's text
    Code("not-covered", "error", "a sentence of the protocol's text that nothing quotes"),
    Code("not-in-source", "error", "a quote that does not stand in the protocol's text"),
    Code("field-not-covered", "notice", "a sex or an age of the record that no criterion has"),
    Code("source-order", "warning", "a criterion that stands in another order than its text"),
    # what can be used, but should be looked at
    Code("text-defect", "notice", "a sentence that lost a sign or an exponent on its way"),
    Code("mixed-scripts", "warning", "a word with letters that only look like those of Latin"),
    Code("unused-definition", "warning", "a definition that no criterion uses"),
    Code("never-decided", "warning", "a criterion that no record can show to be passed"),
    Code("open-class", "notice", "a criterion that rests on a class which no list closes"),
    # names
    Code("unknown-name", "error", "a name that no knowledge file defines"),
    Code("unknown-knowledge", "error", "a knowledge file that does not exist"),
    Code("unknown-value", "error", "a value that the finding cannot have"),
    Code("unknown-system", "error", "a code system that is not declared"),
    Code("circular-definition", "error", "a definition that rests on itself"),
    Code("knowledge-changed", "error", "other knowledge than that which a protocol is pinned to"),
    Code("code-clash", "error", "one code under two entries"),
    # types and units
    Code("wrong-kind", "error", "a name used as something it is not"),
    Code("unknown-unit", "error", "text that is not a UCUM unit"),
    Code("wrong-unit", "error", "a unit of another dimension than the quantity's"),
    Code("implausible-limit", "warning", "a limit outside the plausible range"),
    Code("unusual-limit", "warning", "a limit that is far from those of trials"),
    Code("body-surface", "warning", "a limit for 1.73 m2 of a value that is not, or the reverse"),
    Code("unusual-window", "warning", "a window of one day, or one longer than a life"),
    Code("parts-left-out", "warning", "a value without its parts, which are values of their own"),
    Code("unused-parameter", "warning", "a parameter that no condition names"),
    # records
    Code("not-readable", "error", "a file that cannot be read or is not FHIR JSON"),
    Code("no-patient", "error", "a bundle or a folder without a Patient"),
    Code("two-patients", "error", "a bundle with more than one Patient"),
    Code("duplicate-patient", "error", "one patient id in two bundles"),
    Code("unclear-id", "error", "a patient id that a person cannot see as it is"),
    Code("not-a-fhir-id", "notice", "a patient id that FHIR does not allow"),
    Code("no-as-of", "error", "no as-of date for a patient"),
    Code("unreadable-value", "warning", "a value that cannot be interpreted"),
    Code("implausible-value", "warning", "a value outside the plausible range"),
    Code("unreadable-date", "warning", "a date that cannot be read"),
    Code("undated", "warning", "a fact without a date that can be read"),
    Code("unknown-code", "notice", "a coded value that the knowledge base does not know"),
    Code("unmapped-code", "notice", "a resource whose code cannot be known"),
    Code("look-alike", "notice", "a code that is easily taken for another"),
    Code("conflict", "warning", "different values of one element on its latest date"),
    Code("no-reference-range", "notice", "a result without the reference range that a limit needs"),
    Code("too-many-readings", "warning", "so many possible readings that they were widened"),
    Code("not-usable", "notice", "a fact whose status means that it does not count"),
    Code(
        "unlisted-under-closed-list",
        "warning",
        "a list that closes beside what resembles it",
    ),
    Code("list-not-closing", "notice", "a list that closes nothing of what no entry knows"),
    Code("patient-status", "notice", "a Patient who is dead, not active or replaced"),
    Code("foreign-subject", "warning", "a resource that is not about the bundle's patient"),
    Code("no-resource", "warning", "a bundle entry that holds no resource"),
    Code("not-read", "warning", "an element of a resource that this program does not read"),
    # answers and tables
    Code("bad-answer", "error", "a row of an answers file that cannot be used"),
    Code("unknown-patient", "error", "answers about nobody of the run"),
    Code("other-patients", "warning", "answers about patients who are not of the run"),
    Code("answer-not-used", "warning", "an answer that has no effect on the record"),
    Code("bad-mapping", "error", "a mapping of tables that cannot be used"),
    Code("mapping-not-used", "warning", "a text of a mapping that stands in no row"),
    Code("bad-row", "error", "a row of a table that belongs to no patient or cannot be read"),
)

CODES: dict[str, Code] = {row.slug: row for row in _ROWS}
