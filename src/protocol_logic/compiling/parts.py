"""Values that have parts, such as stage 1 with 1A and 1B, where a condition names none of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from protocol_logic.foundation.source import Source
from protocol_logic.knowledge.vocabulary import Status
from protocol_logic.language import condition_tree, tree

Definitions = Mapping[str, tuple[tree.Definition, Source]]


def parts_of(value: str, values: Iterable[str]) -> tuple[str, ...]:
    """The values that are parts of one: `1A` and `1A1` of `1`, `1A1` of `1A`."""
    return tuple(v for v in values if v.startswith(value) and _goes_on(value, v[len(value) :]))


def _goes_on(value: str, rest: str) -> bool:
    """Whether letters follow a number, or a number follows letters."""
    if value[-1:].isdigit():
        return rest[:1].isalpha()
    return any(c.isdigit() for c in value) and rest[:1].isdigit()


def left_out(
    entry: Status, chosen: Iterable[str], definitions: Definitions, dated: bool
) -> tuple[str, str] | None:
    """What is said, with its cure, of values whose parts are all left out; None without any.

    `dated`: the test has a window, which no class can have.
    """
    listed = list(dict.fromkeys(chosen))
    parted = {v: parts for v in listed if (parts := parts_of(v, entry.values))}
    bare = {v: parts for v, parts in parted.items() if not set(parts) & set(listed)}
    if not bare:
        return None
    parts = tuple(p for found in bare.values() for p in found)
    message = f"of {_named(bare)} there are parts, which are values of their own: {_named(parts)}"
    every = ", ".join(v for value in listed for v in (value, *bare.get(value, ())))
    classes = [_class_of(entry.name, (v, *bare[v]), definitions) for v in bare]
    cure = f"`{entry.name} in {every}`"
    if not dated and all(classes) and len(bare) == len(listed):
        lines = [f"`{name}`" for name in classes]
        one = lines[0] if len(lines) == 1 else f"`any of` with the lines {', '.join(lines)}"
        cure = f"{one}, or {cure}"
    return message, f"where the parts count too, write {cure}"


def _named(values: Iterable[str]) -> str:
    quoted = [f"`{v}`" for v in values]
    return " and ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)


def _class_of(name: str, values: tuple[str, ...], definitions: Definitions) -> str:
    """The first definition that holds of just these values of an entry; empty if none does."""
    for defined, (definition, _) in definitions.items():
        body = definition.body
        if isinstance(body, condition_tree.IsIn) and body.name.text == name:
            if body.window is None and {w.text for w in body.values} == set(values):
                return defined
    return ""
