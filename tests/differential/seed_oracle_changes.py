"""Change sets of the seed by brute force, from ``seed_cases/README.md`` sections 6 to 8 alone.

Each criterion is a conjunction of clauses over the atoms of section 6. A record gives each clause
the assignments that its completions allow. A set of atoms is a change set if, made true with all
that it includes, every clause holds in every assignment, and no smaller set does. READING: a clause
that joint reading of one uncertain fact already decides needs no change, though its atoms are
unknown one by one (section 8, last ruling). With ``each_alone`` every unknown atom is false.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from fractions import Fraction
from itertools import chain, combinations, product

from tests.differential import seed_oracle as oracle
from tests.differential.seed_oracle_lab import kidney_pairs, within_limit
from tests.differential.seed_oracle_record import (
    BREAST_CANCER,
    SNOMED,
    Json,
    Record,
    codes_of,
    loinc,
)
from tests.differential.seed_oracle_time import chemotherapy_lines, endocrine_completions

ChangeSet = tuple[frozenset[str], frozenset[str]]
"""Atoms to flip, and atoms to resolve."""
INCLUDES = {
    "alt_le_2_5_uln": "alt_le_5_uln",
    "ast_le_2_5_uln": "ast_le_5_uln",
    "liver_metastasis": "metastatic",
}


class Clause:
    """Atoms, how they are put together, and the assignments that the record allows."""

    def __init__(
        self,
        atoms: tuple[str, ...],
        holds: Callable[..., bool],
        assignments: Iterable[tuple[bool, ...]],
    ) -> None:
        self.atoms = atoms
        self.holds = holds
        self.assignments = set(assignments)

    def satisfied(self, made: frozenset[str], each_alone: bool) -> bool:
        assignments: Iterable[tuple[bool, ...]] = self.assignments
        if each_alone:
            columns = zip(*self.assignments, strict=True)
            assignments = [tuple(all(column) for column in columns)]
        return all(
            self.holds(*(value or a in made for a, value in zip(self.atoms, row, strict=True)))
            for row in assignments
        )


def either(*values: bool) -> bool:
    return any(values)


def of(atom: str, values: Iterable[bool]) -> Clause:
    return Clause((atom,), either, [(value,) for value in values])


def clauses_of(record: Record) -> list[Clause]:
    """All clauses, for a woman."""
    extent = oracle.extent(record)
    livers = {liver for liver, _, _ in extent}
    choices = {"present": [True], "absent": [False], "unknown": [True, False]}
    silent = "absent" if record.closed("11450-4") else "unknown"
    proven = any(
        (SNOMED, "252416005") in codes_of(code)
        for condition in record.confirmed(BREAST_CANCER)
        for evidence in condition.get("evidence", [])
        for code in evidence.get("code", [])
    )
    endocrine = {pair for _, pair in endocrine_completions(record)}
    if not record.closed("10160-0"):
        endocrine = {
            (a or x, s or y) for (a, s), x, y in product(endocrine, [False, True], [False, True])
        }
    at_least = record.at_least
    return [
        of("age_ge_18", {age >= 18 for age in oracle.possible_ages(record)}),
        of("ecog_0_1", oracle.ecog_0_1(record)),
        of("life_expectancy_ge_12wk", oracle.life_expectancy(record)),
        of("breast_cancer", choices[record.statement(BREAST_CANCER) or silent]),
        of("histology_confirmed", [True] if proven else [True, False]),
        Clause(
            ("er_positive", "pr_positive"),
            either,
            product(
                oracle.receptor(record, "85337-4", "85329-1"),
                oracle.receptor(record, "85339-0", "85325-9"),
            ),
        ),
        of("her2_negative", oracle.her2_negative(record)),
        Clause(("metastatic", "locally_advanced"), either, [(m, a) for _, m, a in extent]),
        Clause(
            ("not_premenopausal", "ofs_in_effect"),
            either,
            product((not pre for pre in oracle.premenopausal(record)), oracle.suppression(record)),
        ),
        of("measurable_lesion", oracle.measurable_lesion(record)),
        of("chemo_lines_le_1", chemotherapy_lines(record).possible),
        Clause(("adjuvant_relapse", "salvage_progression"), either, endocrine),
        of("hgb_ge_90", at_least(loinc("718-7", "59260-0"), "hgb", Fraction(90))),
        of("anc_ge_1_5", at_least(loinc("751-8", "26499-4", "753-4"), "anc", Fraction(3, 2))),
        of("plt_ge_80", at_least(loinc("777-3", "26515-7"), "plt", Fraction(80))),
        of(
            "tbil_le_1_5_uln",
            within_limit(record, ("1975-2", "14631-6"), "tbil", []).rows.values(),
        ),
        liver(record, "alt", ("1742-6", "1743-4"), livers),
        liver(record, "ast", ("1920-8", "30239-8"), livers),
        Clause(("cr_le_1_5_uln", "crcl_ge_60"), either, kidney_pairs(record)[1].values()),
        of("consent_signed", oracle.consent(record)),
    ]


def liver(record: Record, name: str, lab: tuple[str, ...], livers: set[bool]) -> Clause:
    rows = within_limit(record, lab, name, [False, True]).rows
    pairs = {(held, rows[key[0], True, *key[2:]]) for key, held in rows.items() if key[1] is False}
    return Clause(
        (f"{name}_le_2_5_uln", f"{name}_le_5_uln", "liver_metastasis"),
        lambda low, high, present: low or (high and present),
        [(low, high, present) for (low, high), present in product(pairs, livers)],
    )


def change_sets(bundle: Json, as_of: date, each_alone: bool = False) -> set[ChangeSet]:
    """All change sets of a patient; none unless she is ineligible."""
    if oracle.judge(bundle, as_of).eligibility != "ineligible":
        return set()
    record = Record(bundle, as_of)
    if record.sexes != ["female"]:
        return set()  # `female` is never changed
    clauses = clauses_of(record)
    seen: dict[str, set[bool]] = {}
    for clause in clauses:
        for row in clause.assignments:
            for atom, value in zip(clause.atoms, row, strict=True):
                seen.setdefault(atom, set()).add(value)
    broken = [c for c in clauses if not c.satisfied(frozenset(), each_alone)]
    free = {a for c in broken for a in c.atoms if seen[a] != {True}}
    forced = {c.atoms[0] for c in broken if len(c.atoms) == 1}
    rest = sorted(free - forced)
    closed: set[frozenset[str]] = set()
    for more in chain.from_iterable(combinations(rest, n) for n in range(len(rest) + 1)):
        made = forced.union(more)
        made |= {INCLUDES[atom] for atom in made if atom in INCLUDES}
        new = frozenset(atom for atom in made if seen[atom] != {True})
        if all(clause.satisfied(new, each_alone) for clause in broken):
            closed.add(new)
    minimal = [one for one in closed if not any(other < one for other in closed)]
    found = set()
    for one in minimal:
        named = one - {INCLUDES[atom] for atom in one if atom in INCLUDES}
        flip = frozenset(atom for atom in named if seen[atom] == {False})
        found.add((flip, frozenset(named) - flip))
    return found
