"""Elements of which one is a kind of another, folded: what says that there is none of a class says
it of all its kinds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from protocol_logic.knowledge.vocabulary import Concept, Vocabulary


def folded(elements: Iterable[str], vocabulary: Vocabulary) -> dict[str, tuple[str, ...]]:
    """The elements that are no kind of another one, in order, each with its kinds among them."""
    given = sorted(set(elements))
    named: dict[str, list[str]] = {}
    for concept in vocabulary.of(Concept):
        named.setdefault(concept.element, []).append(concept.name)
    # An element of several entries is no single class.
    concepts = {e: named[e][0] for e in given if len(named.get(e, ())) == 1}
    classes = {name: element for element, name in concepts.items()}
    found: dict[str, list[str]] = {}
    for element in given:
        above = vocabulary.above(concepts[element]) if element in concepts else ()
        wider = [name for name in above if name in classes and name != concepts[element]]
        tops = [name for name in wider if not set(vocabulary.above(name)) & set(wider)]
        found.setdefault(classes[tops[0]] if tops else element, [])
        if tops:
            found[classes[tops[0]]].append(element)
    return {element: tuple(found[element]) for element in sorted(found)}


def with_kinds(name: str, kinds: Sequence[str]) -> str:
    """`malignancy (and 33 kinds)`."""
    if not kinds:
        return name
    return f"{name} (and {len(kinds):,} {'kind' if len(kinds) == 1 else 'kinds'})"
