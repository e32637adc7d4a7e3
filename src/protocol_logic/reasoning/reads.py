"""What a criterion reads of a patient: its findings and groups, and their joint rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from protocol_logic.compiling.plan import Module, Plan, Reach
from protocol_logic.findings.read import concept_group
from protocol_logic.findings.rows import Group, PatientFindings
from protocol_logic.reasoning.criteria import Key
from protocol_logic.reasoning.decision import Places


@dataclass(frozen=True, slots=True)
class Joint:
    """One joint row of a criterion: its cells by finding, and the labels that it was chosen by."""

    cells: Key
    labels: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Read:
    """What a criterion, or one part of it, reads, ready for look-up."""

    id: str
    inclusion: bool
    parts: tuple[Read, ...]
    """Its parts; the criterion itself where it has none."""
    names: tuple[str, ...]
    own: tuple[str, ...]
    """The findings outside its modules."""
    modules: tuple[tuple[Module, tuple[str, ...]], ...]
    """Each module with the names of its findings, sorted."""
    groups: tuple[str, ...]
    """The groups of therapies that it reads, whoever the patient is."""
    elements: dict[str, str | None]
    courses: dict[str, str | None]
    """Group name of a class's courses -> element that stands for it."""


@dataclass(frozen=True, slots=True)
class View:
    """A patient as one criterion sees it: its single findings, by name, and the groups it reads.

    `short`: the modules stand for their findings.
    """

    single: Key
    groups: tuple[Group, ...]
    short: bool


def read_of(
    name: str, inclusion: bool, reach: Reach, plan: Plan, parts: tuple[Read, ...] = ()
) -> Read:
    """What a criterion or part reads, by its reach."""
    inside = {n for m in reach.modules for n in m.findings}
    # The number of lines is read with the courses of its class, as one group.
    lines = {n: plan.findings[n].entry for n in reach.findings if plan.findings[n].kind == "lines"}
    return Read(
        id=name,
        inclusion=inclusion,
        parts=parts,
        names=tuple(reach.findings),
        own=tuple(n for n in reach.findings if n not in inside and n not in lines),
        modules=tuple((m, tuple(sorted(m.findings))) for m in reach.modules),
        groups=tuple(dict.fromkeys(map(concept_group, (*lines.values(), *reach.courses)))),
        elements=reach.findings,
        courses={concept_group(c): element for c, element in reach.courses.items()},
    )


def touches(read: Read, group: Group) -> bool:
    """Whether a criterion reads something of a group."""
    return group.name in read.courses or not group.findings.isdisjoint(read.elements)


def openers_of(
    elements: Sequence[str],
    read: Read,
    found: PatientFindings,
    view: View,
    stands: dict[tuple[str, str], str],
) -> tuple[tuple[str, Places], ...]:
    """For each deciding element, the openers that tell why it is open.

    Those in a module that is settled all the same tell nothing.
    """
    cells = dict(view.single)
    settled = {n for m, names in read.modules if len(cells.get(m.name, ())) == 1 for n in names}
    places: dict[str, dict[tuple[str, str], None]] = {element: {} for element in elements}
    for name in (*read.names, *(group.name for group in view.groups)):
        instead = read.elements.get(name)
        for opener in found.openers.get(name, ()) if name not in settled else ():
            element = instead or stands.get((name, opener.element)) or opener.element
            if element in places:
                places[element][name, opener.element] = None
    return tuple((element, tuple(places[element])) for element in elements)


def groups_of(reads: Sequence[Read], found: PatientFindings) -> list[Group]:
    """The groups that some of the criteria read."""
    return [g for g in found.groups if any(touches(read, g) for read in reads)]


def joint_rows(reads: Sequence[Read], view: View) -> Iterator[Joint]:
    """All combinations of the groups' rows, with the single cells of the view."""
    names = {n for r in reads for n in r.names}
    courses = {name for r in reads for name in r.courses}
    options: list[list[Joint]] = []
    for group in view.groups:
        everything = group.name in courses
        rows = {
            Joint(tuple(c for c in row.cells if everything or c[0] in names), row.labels)
            for row in group.rows
        }
        options.append(sorted(rows, key=lambda joint: joint.labels))
    for chosen in product(*options):
        cells = [*view.single, *(cell for joint in chosen for cell in joint.cells)]
        labels = tuple(label for joint in chosen for label in joint.labels)
        yield Joint(tuple(sorted(cells, key=lambda c: c[0])), labels)


def stands_for(read: Read, groups: Sequence[Group]) -> dict[tuple[str, str], str]:
    """(group, element of a label) -> the element that stands for it in this criterion."""
    instead: dict[tuple[str, str], str] = {}
    for group in groups:
        names = {read.elements[n] for n in group.findings if n in read.elements}
        if group.name in read.courses:
            names.add(read.courses[group.name])
        common = names.pop() if len(names) == 1 else None
        for row in group.rows if common else ():
            for element, _ in row.labels:
                instead[group.name, element] = common or element
    return instead
