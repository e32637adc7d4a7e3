"""The tables of OMOP CDM that are read, and which of their columns.

Source: docs/omop.md; OMOP CDM 5.3 and 5.4, https://ohdsi.github.io/CommonDataModel/.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from protocol_logic.records.json_text import Object
from protocol_logic.records.omop import resources

OmopRow: TypeAlias = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of which each row is about one person.

    `identity`: its first column, which numbers rows; None: there is one row a person. `needed`: the
    columns without which nothing can be read. `more`: those that may be missing. `concepts`:
    those of both that hold concepts, whose vocabulary, code, name and class are looked up.
    """

    name: str
    identity: str | None
    needed: tuple[str, ...]
    more: tuple[str, ...]
    concepts: tuple[str, ...]
    resource: Callable[[OmopRow], Object]

    @property
    def columns(self) -> tuple[str, ...]:
        own = () if self.identity is None else (self.identity,)
        return ("person_id", *own, *self.needed, *self.more)


CONCEPT = ("concept_id", "vocabulary_id", "concept_code", "concept_name", "concept_class_id")
PERSON = (
    "gender_concept_id",
    "gender_source_value",
    "year_of_birth",
    "month_of_birth",
    "day_of_birth",
    "birth_datetime",
)


def _event(
    name: str,
    stem: str,
    resource: Callable[[OmopRow], Object],
    needed: tuple[str, ...],
    more: tuple[str, ...],
    coded: tuple[str, ...] = (),
) -> Table:
    concept, source = f"{stem}_concept_id", f"{stem}_source_concept_id"
    return Table(
        name,
        f"{name}_id",
        (concept, *needed),
        (source, f"{stem}_source_value", *more),
        (concept, source, *coded),
        resource,
    )


_VALUES = (
    "value_as_number",
    "value_as_concept_id",
    "value_source_value",
    "unit_concept_id",
    "unit_source_value",
)

TABLES: tuple[Table, ...] = (
    _event(
        "condition_occurrence",
        "condition",
        resources.condition,
        ("condition_start_date",),
        (
            "condition_start_datetime",
            "condition_end_date",
            "condition_end_datetime",
            "condition_status_concept_id",
        ),
    ),
    _event(
        "drug_exposure",
        "drug",
        resources.drug,
        ("drug_exposure_start_date",),
        (
            "drug_exposure_start_datetime",
            "drug_exposure_end_date",
            "drug_exposure_end_datetime",
            "verbatim_end_date",
            "drug_type_concept_id",
        ),
    ),
    _event(
        "procedure_occurrence",
        "procedure",
        resources.procedure,
        ("procedure_date",),
        ("procedure_datetime", "procedure_end_date", "procedure_end_datetime"),
    ),
    _event(
        "measurement",
        "measurement",
        resources.measurement,
        ("measurement_date",),
        ("measurement_datetime", "operator_concept_id", *_VALUES, "range_low", "range_high"),
        ("value_as_concept_id", "unit_concept_id"),
    ),
    _event(
        "observation",
        "observation",
        resources.observation,
        ("observation_date",),
        ("observation_datetime", "value_as_string", *_VALUES),
        ("value_as_concept_id", "unit_concept_id"),
    ),
    _event(
        "visit_occurrence",
        "visit",
        resources.visit,
        ("visit_start_date",),
        ("visit_start_datetime", "visit_end_date", "visit_end_datetime"),
    ),
    Table("death", None, (), ("death_date", "death_datetime"), (), resources.death),
)
