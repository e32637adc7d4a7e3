"""Lines of a heading, written into a text that is otherwise left as it is."""

from __future__ import annotations

from protocol_logic.language import tree


def with_line(text: str, heading: tree.Heading, key: str, value: str) -> str:
    """A canonical text whose heading says `key value`: in the place of what it says, else before
    the names of the files that it uses."""
    line = f"{key} {value}"
    for each in heading.texts:
        if each.key == key:
            return text[: each.span.start] + line + text[each.span.end :]
    if heading.uses:
        start = text.rfind("\n", 0, heading.uses[0].span.start) + 1
        return f"{text[:start]}  {line}\n{text[start:]}"
    end = heading.span.end
    return f"{text[:end]}\n  {line}{text[end:]}"
