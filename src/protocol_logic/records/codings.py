"""Which vocabulary entries the codes of a record speak of, by the resource they are read from."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeAlias, TypeVar

from protocol_logic.foundation.interval import Interval
from protocol_logic.knowledge.resources import known_codes
from protocol_logic.knowledge.results_alike import Alike
from protocol_logic.knowledge.same_thing import SameThing
from protocol_logic.knowledge.vocabulary import (
    Code,
    Concept,
    Consent,
    History,
    Lesion,
    Named,
    PatientField,
    Qualifier,
    Quantity,
    Status,
    Unlike,
    Vocabulary,
)

Key: TypeAlias = tuple[str, str]
"""(system, code)"""

Observed: TypeAlias = Quantity | Status | Concept | Lesion
"""What an Observation can be read as; a concept is a condition."""

_E = TypeVar("_E", bound=Named)
Table: TypeAlias = Mapping[Key, tuple[_E, ...]]


class Said(NamedTuple):
    """What a Quantity says of an entry: its number and its text as recorded.

    `number` is None where it cannot be read; `code` and `why` are then those of the problem.
    """

    number: Interval | None
    recorded: str
    code: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Codings:
    """The entries of a vocabulary by code. `evidence`: concept -> code -> name of the evidence.

    `fields`: field of the Patient resource -> entries. `unlike`: code -> the entries for which it
    may be taken, and why it is none of theirs. `closed`: history -> the kinds of concept that it
    closes. `systems`: URLs of the code systems.
    """

    fields: Mapping[str, tuple[PatientField, ...]]
    observations: Table[Observed]
    conditions: Table[Concept]
    evidence: Mapping[str, Mapping[Key, str]]
    procedures: Table[Concept]
    medications: Table[Concept]
    allergies: Table[Concept]
    lists: Table[History]
    consents: Table[Consent]
    unlike: Mapping[Key, tuple[tuple[Named, Unlike], ...]]
    closed: Mapping[str, frozenset[str]]
    named: Mapping[str, Table[Concept]] = field(compare=False)
    """Kind of concept -> all concepts of the vocabulary, reached or not."""
    systems: frozenset[str]
    qualifiers: Mapping[str, tuple[Qualifier, ...]]
    """What a qualifier can be of -> those that are of it."""
    qualifying: frozenset[Key]
    """The codes of all qualifiers of the vocabulary."""
    whole: Vocabulary = field(compare=False, repr=False)
    """The vocabulary, reached or not: what tables are read for."""
    valued: Table[Status | Quantity] = field(default_factory=dict, compare=False, repr=False)
    """Statuses and quantities by the codes of their values."""
    stating: frozenset[Key] | None = field(default=frozenset(), compare=False, repr=False)
    """The codes and values of all of these in the vocabulary; None: not known."""
    said: dict[tuple[object, ...], Said] = field(default_factory=dict, compare=False, repr=False)
    """What quantities were read as (see records/quantities.py), to read the same only once."""
    naming: dict[Key, tuple[Concept, ...]] = field(default_factory=dict, compare=False, repr=False)
    """What codes were found to name, whatever they stand for, to find it only once."""
    near: Mapping[Key, frozenset[str]] = field(default_factory=dict, compare=False, repr=False)
    """Code -> the entries that measure the same, but otherwise."""
    alike: Alike = field(default_factory=lambda: Alike(()), compare=False, repr=False)
    """Which of the entries a result resembles that none of them reads."""
    same: SameThing = field(
        default_factory=lambda: SameThing(Vocabulary({})), compare=False, repr=False
    )
    """Which names say the same as the codes beside them."""

    @classmethod
    def of(cls, whole: Vocabulary, reached: Collection[str] | None = None) -> Codings:
        """The codings of a vocabulary, or of those of its entries that are reached; all its code
        systems are known in either case. Built once for all records."""
        vocabulary = whole
        if reached is not None:
            vocabulary = Vocabulary({n: e for n, e in whole.entries.items() if n in reached})
        concepts = tuple(vocabulary.of(Concept))
        conditions = [c for c in concepts if c.kind == "condition"]
        observed: list[tuple[Observed, Iterable[Key]]] = [
            *((q, [*_keys(q.codes), *q.attested]) for q in vocabulary.of(Quantity)),
            *((s, _keys(s.codes)) for s in vocabulary.of(Status)),
            *((c, _keys((*c.codes, *c.past))) for c in conditions),
            *((e, _keys(e.codes)) for e in vocabulary.of(Lesion)),
        ]
        fields: dict[str, tuple[PatientField, ...]] = {}
        for entry in vocabulary.of(PatientField):
            fields[entry.field] = (*fields.get(entry.field, ()), entry)
        unlike: dict[Key, tuple[tuple[Named, Unlike], ...]] = {}
        for each in vocabulary.entries.values():
            for other in each.unlike:
                unlike[other.code.key] = (*unlike.get(other.code.key, ()), (each, other))
        lists = _table((h, _keys(h.codes)) for h in vocabulary.of(History))
        consents = _table((c, [c.scope.key]) for c in vocabulary.of(Consent))
        return cls(
            fields=fields,
            observations=_table(observed),
            conditions=_table(
                [
                    *((c, _keys((*c.codes, *c.past))) for c in conditions),
                    *((c, _keys(c.past)) for c in concepts if c.kind == "procedure"),
                ]
            ),
            evidence={
                c.name: {k: name for name, codes in c.evidence.items() for k in _keys(codes)}
                for c in conditions
            },
            procedures=_table(
                (c, _keys((*c.codes, *c.past))) for c in concepts if c.kind == "procedure"
            ),
            medications=_table((c, _keys(c.codes)) for c in concepts if c.kind == "medication"),
            allergies=_table((c, _keys(c.codes)) for c in concepts if c.kind == "allergy"),
            lists=lists,
            consents=consents,
            unlike=unlike,
            closed=closed_kinds(vocabulary),
            named=_ByKind(whole),
            systems=code_systems(whole),
            qualifiers=_by_element(vocabulary.of(Qualifier)),
            qualifying=frozenset(key for q in whole.of(Qualifier) for key in q.meanings),
            whole=whole,
            valued=_valued(vocabulary),
            stating=frozenset(
                [*_valued(whole), *(key for s in whole.of(Status) for key in _keys(s.codes))]
            ),
            near={
                key: found
                for key, its in unlike.items()
                if (found := frozenset(entry.name for entry, other in its if other.near))
            },
            alike=Alike(e for e in vocabulary.entries.values() if isinstance(e, Quantity | Status)),
            same=SameThing(whole),
        )

    def concepts(self, key: Key) -> tuple[Concept, ...]:
        """The conditions, procedures and medications that a code names, wherever it stands."""
        found = self.naming.get(key)
        if found is None:
            if len(self.naming) >= _MOST_NAMING:
                self.naming.clear()
            coded = {"coding": [{"system": key[0], "code": key[1]}]}
            tables = (self.conditions, self.procedures, self.medications)
            its = {e.name: e for table in tables for e in entries_of(coded, table)}
            found = self.naming[key] = tuple(its.values())
        return found


class _ByKind(dict[str, Table[Concept]]):
    """Kind of resource -> all concepts that its code is one of; made of those that are met."""

    def __init__(self, whole: Vocabulary) -> None:
        super().__init__()
        self._whole = whole

    def __missing__(self, kind: str) -> Table[Concept]:
        kinds = _FOUND_AS[kind]
        self[kind] = found = _table(
            (c, _keys((*(c.codes if c.kind in kinds else ()), *c.past)))
            for c in self._whole.of(Concept)
        )
        return found

    def __reduce__(self) -> tuple[type[_ByKind], tuple[Vocabulary]]:
        return _ByKind, (self._whole,)


_MOST_NAMING = 100_000
_FOUND_AS = {
    "condition": ("condition",),
    "procedure": ("procedure",),
    "medication": ("medication",),
    "allergy": ("allergy", "condition", "medication"),
}
"""Kind of resource -> the kinds of concepts that its code is one of."""


def closed_kinds(vocabulary: Vocabulary) -> dict[str, frozenset[str]]:
    """List -> the kinds of concepts that it closes."""
    kinds: dict[str, set[str]] = {history.name: set() for history in vocabulary.of(History)}
    for concept in vocabulary.of(Concept):
        if concept.closed_by in kinds:
            kinds[concept.closed_by].add(concept.kind)
    return {name: frozenset(each) for name, each in kinds.items()}


def code_systems(whole: Vocabulary) -> frozenset[str]:
    """The code systems of all codes that a resource can be found by."""
    return frozenset(code.system for entry in whole.entries.values() for code in _codes(entry))


def _codes(entry: Named) -> Iterator[Code]:
    """The codes that a resource can be found by as a fact of the entry."""
    yield from getattr(entry, "codes", ())
    yield from getattr(entry, "past", ())
    if isinstance(entry, Quantity):
        yield from (Code(*key) for key in entry.attested)
    elif isinstance(entry, Consent):
        yield entry.scope


def _by_element(qualifiers: Iterable[Qualifier]) -> dict[str, tuple[Qualifier, ...]]:
    found: dict[str, tuple[Qualifier, ...]] = {}
    for qualifier in qualifiers:
        found[qualifier.of] = (*found.get(qualifier.of, ()), qualifier)
    return found


def _valued(vocabulary: Vocabulary) -> dict[Key, tuple[Status | Quantity, ...]]:
    found: dict[Key, tuple[Status | Quantity, ...]] = {}
    for entry in vocabulary.entries.values():
        if isinstance(entry, Status | Quantity):
            for key in entry.meanings if isinstance(entry, Status) else entry.coded:
                found[key] = (*found.get(key, ()), entry)
    return found


def _keys(codes: Iterable[Code]) -> list[Key]:
    return [code.key for code in codes]


def _table(entries: Iterable[tuple[_E, Iterable[Key]]]) -> dict[Key, tuple[_E, ...]]:
    """The entries by key. Shared and history codes say something beside what the codes of others
    do, be these wider or narrower."""
    table: dict[Key, tuple[_E, ...]] = {}
    beside: list[tuple[Key, _E]] = []
    for entry, keys in entries:
        said = (*entry.shared, *entry.past) if isinstance(entry, Concept) else ()
        apart = {code.key for code in said}
        for key in dict.fromkeys(keys):
            if key in apart:
                beside.append((key, entry))
            else:
                table[key] = (*table.get(key, ()), entry)
    below: dict[str, list[Key]] = {}
    for key in table if beside else ():
        if key[0] == ICD_10_CM:
            below.setdefault(key[1][:3], []).append(key)
    for key, entry in sorted(beside, key=lambda each: len(each[0][1])):
        near = below.setdefault(key[1][:3], []) if key[0] == ICD_10_CM else [key]
        if key not in table:
            table[key] = _by_category(key, table)
            if key not in near:
                near.append(key)
        for other in near:
            if _lies_in(other, key) and entry not in table[other]:
                table[other] = (*table[other], entry)
    return table


def _lies_in(key: Key, category: Key) -> bool:
    """Whether a code of ICD-10-CM is a category or lies in it."""
    return key[0] == category[0] and key[1].startswith(category[1])


def keys_of(concept: object) -> list[Key]:
    """The (system, code) pairs of a CodeableConcept, in order; codings without either are left
    out, and anything that is not a CodeableConcept has none."""
    codings = concept.get("coding") if isinstance(concept, dict) else None
    if not isinstance(codings, list):
        return []
    return [
        (system, code)
        for coding in codings
        if isinstance(coding, dict)
        and isinstance(system := coding.get("system"), str)
        and isinstance(code := coding.get("code"), str)
    ]


def entries_of(concept: object, table: Table[_E]) -> tuple[_E, ...]:
    """The entries that the codings of a CodeableConcept stand for, each once."""
    found: tuple[_E, ...] = ()
    for key in keys_of(concept):
        named = table.get(key) or _by_category(key, table)
        # Nearly always there is one code, of one entry.
        found = (*found, *(e for e in named if e not in found)) if found else named
    return found


def is_of_the_past(concept: object, entry: Named) -> bool:
    """Whether the codings of a CodeableConcept say of an entry only that it was."""
    if not isinstance(entry, Concept) or not entry.past:
        return False
    now = replace(entry, past=())
    table = dict.fromkeys(_keys(entry.codes), (now,))
    table |= dict.fromkeys(_keys(entry.past), (entry,))
    return entries_of(concept, table) == (entry,)


def is_known(key: Key) -> bool:
    """Whether a code, or a category of ICD-10-CM that it lies in, stands in the knowledge base."""
    system, code = key
    known = known_codes()
    if system != ICD_10_CM:
        return key in known
    return any((system, code[:n].removesuffix(".")) in known for n in range(3, len(code) + 1))


ICD_10_CM = "http://hl7.org/fhir/sid/icd-10-cm"


def _by_category(key: Key, table: Table[_E]) -> tuple[_E, ...]:
    """The entries of the narrowest category of ICD-10-CM that a code lies in: `I21` has `I21.4`.

    Source: ICD-10-CM Official Guidelines, I.A.2: codes are longer than the categories they are in.
    """
    system, code = key
    if system != ICD_10_CM:
        return ()
    while len(code) > 3:
        code = code[:-1].removesuffix(".")
        if named := table.get((system, code)):
            return named
    return ()
