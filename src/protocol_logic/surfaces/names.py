"""`names`: what the knowledge base calls a thing, and how a protocol tests it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

import click

from protocol_logic.compiling.catalogue import Known, catalogue
from protocol_logic.foundation.problems import did_you_mean
from protocol_logic.foundation.text import shown
from protocol_logic.surfaces.outputs import opened_output, written


def find_names(words: Sequence[str], form: str) -> int:
    """Print the names that all the words fit; the exit code: 1 where there is none, else 0."""
    known = catalogue()
    parts = [part for word in words for part in word.casefold().replace("_", " ").split()]
    found = [each for each in known if all(_fits(each, part) for part in parts)]
    found.sort(key=lambda each: _rank(each, parts))
    if form == "json":
        content = [_json(each) for each in found]
        with opened_output(None) as out:
            out.write(written(json.dumps(content, ensure_ascii=False, indent=1) + "\n"))
    else:
        for each in found:
            click.echo("\n".join(_lines(each)))
        for line in _ways(found):
            click.echo(line)
    if not found:
        wanted = " ".join(map(shown, words))
        near = did_you_mean("_".join(words).casefold(), [each.name for each in known])
        hint = near or "a part of a word is enough: `names creat`"
        click.echo(f"no name of the knowledge base fits `{wanted}`; {hint}", err=True)
    return 0 if found else 1


def _fits(known: Known, word: str) -> bool:
    texts = (known.name, known.label, *(f"{code} {display}" for _, code, display in known.codes))
    return any(word in text.casefold() for text in texts)


def _rank(known: Known, parts: Sequence[str]) -> tuple[int, ...]:
    """Whole words before beginnings of words, and these before what stands inside of one; then
    names before labels, and labels before what only a code says."""
    name = known.name.replace("_", " ")
    texts = (name, f"{name} {known.label}".casefold(), " ".join(d for *_, d in known.codes))
    ways = (r"\b{}\b", r"\b{}", "{}")
    for number, way in enumerate(ways):
        for place, text in enumerate(texts):
            if all(re.search(way.format(re.escape(part)), text.casefold()) for part in parts):
                return (number, place, len(name.split()))
    return (len(ways),)


def _lines(known: Known) -> list[str]:
    about = [known.kind, f"uses {known.home}"]
    if known.unit not in (None, "1"):
        about.insert(1, f"in {known.unit}")
    if known.parents:
        about.append("is a " + ", ".join(known.parents))
    if known.closed_by:
        about.append(f"closed by {known.closed_by}")
    lines = [known.name, f"    {known.label} ({'; '.join(about)})"]
    if known.below:
        lines.append(f"    covers: {', '.join(known.below)}")
    if known.values:
        lines.append(f"    values: {', '.join(known.values)}")
    return lines


def _ways(found: Sequence[Known]) -> Iterator[str]:
    """How they are tested: of one name with the name, of several once for all that are alike."""
    if len(found) == 1:
        yield from ("", "tested by", *(f"    {way}" for way in found[0].ways))
        return
    by_forms: dict[tuple[str, ...], list[Known]] = {}
    for known in found:
        by_forms.setdefault(known.forms, []).append(known)
    for forms, alike in by_forms.items():
        kinds = " or ".join(dict.fromkeys(known.kind for known in alike))
        yield from ("", f"a {kinds} is tested by", *(f"    {form}" for form in forms))


def _json(known: Known) -> dict[str, object]:
    return {
        "name": known.name,
        "kind": known.kind,
        "uses": known.home,
        "label": known.label,
        "unit": known.unit,
        "values": list(known.values),
        "is_a": list(known.parents),
        "covers": list(known.below),
        "closed_by": known.closed_by,
        "codes": [{"system": s, "code": c, "display": d} for s, c, d in known.codes],
        "ways": list(known.ways),
        "source": known.source,
    }
