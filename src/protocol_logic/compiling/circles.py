"""What rests on itself: definitions, concepts that are kinds of themselves, and denials that ask
about what they deny."""

from __future__ import annotations

from collections.abc import Mapping

from protocol_logic.compiling import core
from protocol_logic.compiling.conditions import Conditions
from protocol_logic.knowledge import vocabulary as voc


def report_circles(
    conditions: Conditions,
    definitions: Mapping[str, core.Definition | None],
    denials: Mapping[str, core.Condition | None],
) -> None:
    """Report every circle, by way of `conditions`, which knows where each name is declared."""
    _definitions(conditions, definitions)
    _concepts(conditions)
    _denials(conditions, denials, definitions)


def _definitions(conditions: Conditions, definitions: Mapping[str, core.Definition | None]) -> None:
    """A definition may not rest on itself."""
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        definition = definitions.get(name)
        if name in path:
            if name == path[0]:
                node, source = conditions.definitions[name]
                conditions.begin(name, source)
                way = " -> ".join(f"`{n}`" for n in (*path, name))
                message = f"`{name}` rests on itself: {way}"
                hint = "say one of them without the other"
                conditions.problem("circular-definition", message, node.name.span, hint)
            return
        if definition is None or name in done:
            return
        for condition in core.conditions_in(definition.body):
            for test in core.tests_in(condition):
                if isinstance(test, core.Defined):
                    visit(test.name, (*path, name))
        done.add(name)

    for name in definitions:
        visit(name, ())


def _concepts(conditions: Conditions) -> None:
    """A concept is not a kind of itself, and only a kind of its own sort."""
    entries = conditions.found.entries
    concepts = {name: e for name, e in entries.items() if isinstance(e, voc.Concept)}
    for name, entry in concepts.items():
        source, span = conditions.found.places[name]
        conditions.begin(name, source)
        above, queue = set[str](), list(entry.parents)
        while queue:
            parent = queue.pop()
            if parent in concepts and parent not in above:
                above.add(parent)
                queue += concepts[parent].parents
        if name in above:
            hint = "take one of the `is a` or `includes` lines away"
            message = f"`{name}` is a kind of itself"
            conditions.problem("circular-definition", message, span, hint)
        for parent in entry.parents:
            if parent in concepts and concepts[parent].kind != entry.kind:
                message = f"`{name}` is a {entry.kind}, but `{parent}` a {concepts[parent].kind}"
                conditions.problem("wrong-kind", message, span)


def _denials(
    conditions: Conditions,
    denials: Mapping[str, core.Condition | None],
    definitions: Mapping[str, core.Definition | None],
) -> None:
    """What denies a concept may not ask about it or anything above or below it.

    Denials that ask about each other are told once, at the first.
    """
    vocabulary = voc.Vocabulary(conditions.found.entries)
    told: set[str] = set()
    for name, condition in denials.items():
        asked, others = _asked_about(name, condition, denials, definitions, vocabulary)
        if asked is not None and name not in told:
            told |= others
            source, span = conditions.found.places[name]
            conditions.begin(name, source)
            message = f"what denies `{name}` asks about `{asked}`"
            hint = "say it by other findings, such as a stage"
            conditions.problem("circular-definition", message, span, hint)


def _asked_about(
    denied: str,
    condition: core.Condition | None,
    denials: Mapping[str, core.Condition | None],
    definitions: Mapping[str, core.Definition | None],
    vocabulary: voc.Vocabulary,
) -> tuple[str | None, set[str]]:
    """The concept, akin to the denied one, that its denial rests on, if there is one; and the
    concepts whose denials it rests on."""
    family = set(vocabulary.below(denied))
    queue = [] if condition is None else [condition]
    seen, others = set[str](), set[str]()
    while queue:
        for test in core.tests_in(queue.pop()):
            if isinstance(test, core.Defined) and test.name not in seen:
                seen.add(test.name)
                found = definitions.get(test.name)
                queue += core.conditions_in(found.body) if found is not None else ()
            elif isinstance(test, core.Present):
                kinds = set(vocabulary.below(test.concept))
                if family & kinds:
                    return test.concept, others
                # Whether it is present may rest on a denial of its own.
                for other, denial in denials.items():
                    if denial and other not in others and kinds & set(vocabulary.below(other)):
                        others.add(other)
                        queue.append(denial)
    return None, others
