"""What a person can say of a protocol: its entries, and what is decided or computed from them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from protocol_logic.compiling import core, formulas
from protocol_logic.knowledge.vocabulary import Age, Lesion
from protocol_logic.records.elements import Elements


def elements_of(protocol: core.Protocol) -> Elements:
    """What can be answered for a protocol."""
    composed: dict[str, dict[str, None]] = {}
    for definition in protocol.definitions.values():
        names = dict.fromkeys(_entries_in(protocol, core.conditions_in(definition.body)))
        for name in filter(None, (definition.name, definition.element)):
            composed.setdefault(name, {}).update(names)
    for derived in protocol.derived.values():
        names = dict.fromkeys(_inputs(protocol, derived))
        for name in (derived.name, derived.element):
            composed.setdefault(name, {}).update(names)
    return Elements(
        protocol.vocabulary,
        {name: tuple(each) for name, each in composed.items()},
        {each.id: tuple(dict.fromkeys(_asked_by(protocol, each))) for each in protocol.criteria},
    )


def _asked_by(protocol: core.Protocol, criterion: core.Criterion) -> Iterator[str]:
    """The entries that a criterion rests on."""
    if criterion.applies is not None:
        yield from _entries_in(protocol, [criterion.applies])
    yield from _entries_in(protocol, [criterion.condition])


def _entries_in(protocol: core.Protocol, conditions: Iterable[core.Condition]) -> Iterator[str]:
    """The entries that conditions rest on, definitions opened."""
    for test in (test for condition in conditions for test in core.tests_in(condition)):
        match test:
            case core.Defined(name=name):
                body = protocol.definitions[name].body
                yield from _entries_in(protocol, core.conditions_in(body))
            case core.Within(entry=name) if name in protocol.derived:
                yield from _inputs(protocol, protocol.derived[name])
            case core.Pattern(concept=concept, event=event):
                yield concept
                yield event
            case core.Todo():
                pass
            case (
                core.HasValue() | core.RecordedAs() | core.Recorded() | core.Asked() | core.Within()
            ):
                yield from _answerable(protocol, test.entry)
            case _:
                yield test.concept


def _inputs(protocol: core.Protocol, derived: formulas.Derived) -> Iterator[str]:
    for name in (*derived.inputs, *derived.fields, *filter(None, [derived.reported])):
        yield from _answerable(protocol, name)


def _answerable(protocol: core.Protocol, name: str) -> Iterator[str]:
    """What a person can say instead of an age, and beside a measured lesion."""
    entry = protocol.vocabulary.entries[name]
    yield entry.of if isinstance(entry, Age) else name
    if isinstance(entry, Lesion) and entry.counted is not None:
        yield entry.counted
