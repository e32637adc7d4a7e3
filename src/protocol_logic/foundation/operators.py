"""The operator table: one row for each way to test a finding, and for each comparison sign.

Rows are data. The checker reads which kind of name a test takes, the plan which cells it cuts and
in which it is true, the compiler and the hints how it is said, the reference page all of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from protocol_logic.foundation.interval import Interval


@dataclass(frozen=True, slots=True)
class Comparison:
    """A sign that compares a number with a limit.

    `inside`: the numbers that satisfy it. `cuts`: at the limit, whether the axis is cut just
    below it (False), just above it (True), or both. `slug`: its words in a cell's name.
    """

    sign: str
    inside: Callable[[Fraction], Interval]
    cuts: tuple[bool, ...]
    slug: str
    says: str
    denies: str
    example: str


COMPARISONS: dict[str, Comparison] = {
    row.sign: row
    for row in (
        Comparison(
            "<=", Interval.at_most, (True,), "at most", "is at most {}", "is above {}",
            "bilirubin <= 1.5 x ULN",
        ),
        Comparison(
            ">=", Interval.at_least, (False,), "at least", "is at least {}", "is below {}",
            "hemoglobin >= 90 g/L",
        ),
        Comparison(
            "<", Interval.below, (False,), "below", "is below {}", "is at least {}",
            "age < 75 years",
        ),
        Comparison(
            ">", Interval.above, (True,), "above", "is above {}", "is at most {}",
            "platelets > 100 10*9/L",
        ),
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Operator:
    """A way to test a finding.

    `takes`: the kind of name it stands after. `cells`: the finding's cells in order, where they
    do not depend on limits or values; `true`: those in which the test is true. `unit`: what is
    asked of a limit's unit. `absent`: what no record means. `says`, `denies`: its sentence.
    """

    name: str
    syntax: str
    takes: str
    cells: tuple[str, ...]
    true: tuple[str, ...]
    unit: str
    absent: str
    says: str
    denies: str
    example: str
    source: str


OPERATORS: dict[str, Operator] = {
    row.name: row
    for row in (
        Operator(
            "compares", "NAME COMPARISON NUMBER UNIT", "quantity, age or derived quantity", (), (),
            "one that the quantity accepts, or one of its dimension", "unknown",
            "{name} {comparison}", "{name} {denied comparison}",
            "hemoglobin >= 90 g/L", "FHIR R4 Observation.valueQuantity; UCUM",
        ),
        Operator(
            "compares with ULN", "NAME COMPARISON NUMBER x ULN", "quantity", (), (),
            "none: a multiple of the upper limit of normal of the same result", "unknown",
            "{name} {comparison} times the upper limit of normal",
            "{name} {denied comparison} times the upper limit of normal",
            "bilirubin <= 1.5 x ULN", "FHIR R4 Observation.referenceRange.high",
        ),
        Operator(
            "compares with LLN", "NAME COMPARISON NUMBER x LLN", "quantity", (), (),
            "none: a multiple of the lower limit of normal of the same result", "unknown",
            "{name} {comparison} times the lower limit of normal",
            "{name} {denied comparison} times the lower limit of normal",
            "platelets >= 1 x LLN", "FHIR R4 Observation.referenceRange.low",
        ),
        Operator(
            "compares points", "NAME COMPARISON NUMBER", "score", (), (), "none",
            "unknown, as far as the parts of which nothing is recorded can change it",
            "{name} {comparison}", "{name} {denied comparison}", "child_pugh <= 6",
            "docs/semantics.md",
        ),
        Operator(
            "is", "NAME is VALUE / NAME in VALUE, VALUE",
            "status, patient field, consent, lesion or decided definition", (), (), "none",
            "unknown", "{name} is {values}", "{name} is not {values}",
            "er is positive", "FHIR R4 Observation.value[x]",
        ),
        Operator(
            "recorded as", "NAME recorded as VALUE, VALUE", "status", (), (), "none",
            "false: it asks what the record says", "{name} is recorded as {values}",
            "{name} is not recorded as {values}", "her2_fish recorded as positive",
            "docs/semantics.md",
        ),
        Operator(
            "recorded", "NAME is recorded / NAME is not recorded",
            "quantity, status, condition, procedure, medication, lesion, consent or history",
            ("yes", "no"), ("yes",), "none", "false: it asks what the record holds",
            "{name} is recorded", "{name} is not recorded", "platelets is not recorded",
            "docs/semantics.md",
        ),
        Operator(
            "present", "NAME", "condition", ("present", "absent", "unrecorded"), ("present",),
            "none", "absent where its list is closed, else unknown", "{name} is present",
            "{name} is absent", "liver_metastasis", "docs/semantics.md",
        ),
        Operator(
            "present as", "NAME other than NAME / NAME with QUALIFIER VALUE",
            "condition", ("present", "absent", "unrecorded"), ("present", "unrecorded"), "none",
            "absent where its list is closed, else unknown", "{subject} is present",
            "{subject} is absent", "metastasis other than bone_metastasis", "docs/semantics.md",
        ),
        Operator(
            "allergy to", "allergy to NAME", "medication", ("present", "absent", "unrecorded"),
            ("present",), "none", "absent where its list is closed, else unknown",
            "there is an allergy to {name}", "there is no allergy to {name}",
            "allergy to chemotherapy", "FHIR R4 AllergyIntolerance",
        ),
        Operator(
            "confirmed by", "NAME confirmed by EVIDENCE", "condition",
            ("confirmed", "not_confirmed"), ("confirmed",), "none", "unknown, never false",
            "{name} is confirmed by {by}", "{name} is not confirmed by {by}",
            "breast_cancer confirmed by histology", "FHIR R4 Condition.evidence.code",
        ),
        Operator(
            "in effect", "NAME in effect", "medication",
            ("in_effect", "not_in_effect", "unrecorded"), ("in_effect", "unrecorded"), "none",
            "false where its list is closed, else unknown", "{name} is in effect",
            "{name} is not in effect", "gnrh_analogue in effect", "docs/semantics.md",
        ),
        Operator(
            "on both sides", "NAME on both sides", "procedure",
            ("both", "not_both", "unrecorded"), ("both", "unrecorded"), "none",
            "false where its list is closed, else unknown", "{name} was done on both sides",
            "{name} was not done on both sides", "oophorectomy on both sides",
            "docs/semantics.md",
        ),
        Operator(
            "within", "NAME within NUMBER UNIT / NAME within NUMBER UNIT before TIMEPOINT",
            "condition, procedure or medication", (), (),
            "whole days or weeks, months or years in anniversaries",
            "false where its list is closed, else unknown", "{name} occurred {window}",
            "{name} did not occur {window}", "chemotherapy within 28 days", "docs/semantics.md",
        ),
        Operator(
            "value within", "NAME COMPARISON NUMBER UNIT within NUMBER UNIT / "
            "NAME is VALUE within NUMBER UNIT / NAME is recorded within NUMBER UNIT",
            "quantity, derived quantity, status, consent or lesion", (), (),
            "whole days or weeks, months or years in anniversaries",
            "as without a window, of what is in it", "{name} {test} {window}",
            "{name} {denied test} {window}", "hemoglobin >= 90 g/L within 28 days",
            "docs/semantics.md",
        ),
        Operator(
            "highest", "highest NAME COMPARISON NUMBER UNIT / "
            "lowest NAME COMPARISON NUMBER UNIT / mean NAME COMPARISON NUMBER UNIT",
            "quantity", (), (), "as of other comparisons", "unknown",
            "the highest {name} {comparison}", "the highest {name} {denied comparison}",
            "highest systolic_pressure > 180 mm[Hg] within 6 months", "docs/semantics.md",
        ),
        Operator(
            "history of", "history of NAME / history of NAME before TIMEPOINT",
            "condition, procedure or medication", (), (), "none",
            "false where its list is closed, else unknown", "there is a history of {name}",
            "there is no history of {name}", "history of chemotherapy", "docs/semantics.md",
        ),
        Operator(
            "number of", "number of NAME COMPARISON NUMBER / number of NAME within NUMBER UNIT "
            "COMPARISON NUMBER", "condition, procedure or medication", (), (), "a whole number",
            "what is unrecorded can only raise the number", "the number of {name} {comparison}",
            "the number of {name} {denied comparison}",
            "number of brain_metastasis within 12 months >= 2", "docs/semantics.md",
        ),
        Operator(
            "lines of", "lines of NAME COMPARISON NUMBER / "
            "lines of NAME with intent INTENT COMPARISON NUMBER", "medication", (), (),
            "a whole number", "what is unrecorded can only raise the number",
            "the number of lines of {name} with intent {intent} {comparison}",
            "the number of lines of {name} with intent {intent} {denied comparison}",
            "lines of chemotherapy with intent palliative <= 1", "docs/semantics.md",
        ),
        Operator(
            "there is", "there is / course of NAME, called X / ...",
            "medication and event", (), (), "whole months or years, counted in anniversaries",
            "an unrecorded event or course may fit where its list is open",
            "there is such a course and event", "there is no such course and event",
            "adjuvant lasted >= 24 months at relapse", "docs/semantics.md",
        ),
        Operator(
            "attested", "attested NAME", "consent", ("signed", "refused"), ("signed",), "none",
            "unknown", "{name} is attested", "{name} is refused", "attested informed_consent",
            "FHIR R4 Consent.status and provision.type",
        ),
        Operator(
            "todo", "todo", "nothing", ("yes", "no"), ("yes",), "none",
            "unknown, whatever is recorded", "this is still to be written",
            "this is still to be written", "todo", "docs/semantics.md",
        ),
        Operator(
            "asked", 'attested "TEXT" / judged "TEXT" / opaque "TEXT"',
            "nothing: the text follows", ("yes", "no"),
            ("yes",), "none", "unknown: only a person's answer says it", "{name}: yes",
            "{name}: no", 'judged "visceral crisis"', "docs/answers.md",
        ),
    )
}  # fmt: skip
