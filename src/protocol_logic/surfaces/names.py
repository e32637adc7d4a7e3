"""`names`: what the knowledge base calls a thing, and how a protocol tests it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import click

from protocol_logic.compiling.catalogue import Known, catalogue, words_of
from protocol_logic.foundation.problems import misspelt
from protocol_logic.foundation.text import shown
from protocol_logic.surfaces.name_search import search
from protocol_logic.surfaces.outputs import opened_output, written

MOST_BY_CODE = 8


def find_names(words: Sequence[str], form: str) -> int:
    """Print the names that all the words fit; the exit code: 1 where there is none, else 0."""
    known = catalogue()
    hits = search(words, known)
    found = hits.found or tuple(each for each, _ in hits.by_code)
    by_code = hits.by_code if hits.found else ()
    wanted = " ".join(map(shown, words))
    proofs = [] if form == "json" else [*_proofs(words, known)]
    if not found:
        proofs = proofs[1:]  # nothing stands above it
    if hits.meant:
        click.echo(f"no name fits `{wanted}`; these fit `{hits.meant}`", err=True)
    elif hits.found and hits.partly:
        click.echo(f"no name fits all of `{wanted}`; these stand in it", err=True)
    elif found and not hits.found:
        click.echo(f"no name fits `{wanted}`; it stands in codes of these", err=True)
    if form == "json":
        content = [_json(each) for each in (*found, *(each for each, _ in by_code))]
        with opened_output(None) as out:
            out.write(written(json.dumps(content, ensure_ascii=False, indent=1) + "\n"))
    else:
        codes = {each.name: code for each, code in hits.by_code}
        for each in found:
            click.echo("\n".join(_lines(each, codes.get(each.name))))
            if each.codes and each.name == "_".join(words):
                click.echo("\n".join(_codes(each)))
        for line in (*_by_code(by_code), *_ways(found, known), *proofs):
            click.echo(line)
    if not found and not proofs:
        near = misspelt("_".join(words).casefold(), [each.name for each in known])
        hint = (
            f"{near or 'look for a part of a word or for a wider word;'} what the knowledge base "
            "lacks can be an entry of the protocol itself, or be asked of a person"
        )
        click.echo(f"no name of the knowledge base fits `{wanted}`; {hint}", err=True)
    if proofs and not found:
        return 0
    return 0 if found and not hits.partly and not hits.meant else 1


_PROOFS = {
    "histology": ("biops", "histolog", "histopathol", "patholog"),
    "cytology": ("cytolog",),
}
"""How people write what confirms a condition."""


def _proofs(words: Sequence[str], known: Sequence[Known]) -> Iterator[str]:
    """The conditions that what is looked for can confirm: `biopsy`, `histologically confirmed`."""
    text = " ".join(words).casefold()
    for proof, beginnings in _PROOFS.items():
        names = [each.name for each in known if proof in each.evidence]
        if names and any(beginning in text for beginning in beginnings):
            yield from ("", f"{proof} confirms these", f"    {', '.join(names)}")
            yield from ("", "tested by", f"    {names[0]} confirmed by {proof}")


def _by_code(hits: Sequence[tuple[Known, tuple[str, str, str]]]) -> Iterator[str]:
    """Names that only a code fits, beside those that fit themselves: one line each, not all."""
    if not hits:
        return
    yield from ("", "only a code has it")
    for known, (system, code, display) in hits[:MOST_BY_CODE]:
        yield f"    {known.name} (uses {known.home}): {system} {code} {display}".rstrip()
    if len(hits) > MOST_BY_CODE:
        yield f"    and {len(hits) - MOST_BY_CODE} more"


def _lines(known: Known, code: tuple[str, str, str] | None = None) -> list[str]:
    """What is known of a name; `code`: the one that fits, where nothing else does."""
    about = [known.kind, f"uses {known.home}"]
    if known.unit not in (None, "1"):
        about.insert(1, f"in {', '.join(known.units)}")
    if known.parents:
        about.append("is a " + ", ".join(known.parents))
    if known.recurs:
        about.append("recurs")
    if known.closed_by:
        about.append(f"closed by {known.closed_by}")
    if known.element != known.name:
        about.append(f"gaps and answers say {known.element}")
    lines = [known.name, f"    {known.label} ({'; '.join(about)})"]
    if code is not None:
        lines.append(f"    its code {' '.join(code)}".rstrip())
    told = {
        "also": known.also,
        "covers": known.below,
        "values": known.values,
        "adds up": known.adds,
        "evidence": known.evidence,
        "sites": known.sites,
        "methods": known.methods,
    }
    lines += [f"    {what}: {', '.join(words)}" for what, words in told.items() if words]
    return lines


def _codes(known: Known) -> Iterator[str]:
    """The codes of a name that was asked for as it is written, each with what it is called."""
    yield "    codes:"
    yield from (f"      {' '.join(code)}".rstrip() for code in known.codes)


def _ways(found: Sequence[Known], known: Sequence[Known]) -> Iterator[str]:
    """How they are tested: of one name with the name, of several once for all that are alike."""
    if len(found) == 1 and found[0].ways:
        yield from ("", "tested by", *(f"    {way}" for way in found[0].ways))
    else:
        yield from _forms(found)
    words = words_of(found, known)
    if words:
        yield from ("", "words in capitals", *(f"    {word}: {words[word]}" for word in words))


def _forms(found: Sequence[Known]) -> Iterator[str]:
    by_forms: dict[tuple[str, ...], list[Known]] = {}
    for known in found:
        by_forms.setdefault(known.forms, []).append(known)
    for forms, alike in by_forms.items():
        if not forms:
            continue
        kinds = " or ".join(dict.fromkeys(known.kind for known in alike))
        yield from ("", f"a {kinds} is tested by", *(f"    {form}" for form in forms))


def _json(known: Known) -> dict[str, object]:
    return {
        "name": known.name,
        "element": known.element,
        "kind": known.kind,
        "uses": known.home,
        "label": known.label,
        "also": list(known.also),
        "unit": known.unit,
        "units": list(known.units),
        "values": list(known.values),
        "evidence": list(known.evidence),
        "sites": list(known.sites),
        "methods": list(known.methods),
        "is_a": list(known.parents),
        "covers": list(known.below),
        "recurs": known.recurs,
        "closed_by": known.closed_by,
        "codes": [{"system": s, "code": c, "display": d} for s, c, d in known.codes],
        "ways": list(known.ways),
        "source": known.source,
    }
