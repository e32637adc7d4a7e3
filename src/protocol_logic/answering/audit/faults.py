"""What is wrong with a chain: which lines were altered, removed, inserted or moved.

A line that is whole says its number and the line before it, so those that are whole are laid in
the order of their numbers first; what is left over or does not fit is named.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from protocol_logic.answering.audit.chain import NOTHING, Broken, Fault, opened


@dataclass(frozen=True, slots=True)
class _Seen:
    """A line of the file, and what it says of its place; `why`: not whole, and so it says nothing.

    `start`: whether it says that it is the first.
    """

    line: int
    number: int = 0
    previous: str = ""
    hash: str = ""
    start: bool = False
    why: str | None = None


def faults(lines: Iterable[bytes]) -> list[Fault]:
    """All that is wrong with the lines of a record, by line; none where it is whole."""
    seen = [_seen(line, raw) for line, raw in enumerate(lines, 1)]
    if not seen:
        return [Fault(1, "missing: the file is empty, so it is no audit record")]
    whole = [each for each in seen if each.why is None]
    found = [Fault(each.line, each.why) for each in seen if each.why is not None]
    genuine, strange = _one_of_each_number(whole)
    found += strange
    kept, moved = _in_order(genuine)
    found += moved
    elsewhere = {each.number for each in genuine}
    found += _gaps(seen, kept, elsewhere)
    found += _links(kept)
    return sorted(found, key=lambda fault: fault.line)


def _seen(line: int, raw: bytes) -> _Seen:
    try:
        body = opened(raw)
    except Broken as error:
        return _Seen(line, why=str(error))
    return _Seen(line, body["number"], body["previous"], body["hash"], body["kind"] == "start")


def _one_of_each_number(whole: Sequence[_Seen]) -> tuple[list[_Seen], list[Fault]]:
    """For each number the line that others follow; what else claims it was put in."""
    followed = {(each.number - 1, each.previous) for each in whole}
    hashes = {(each.number, each.hash) for each in whole}

    def standing(each: _Seen) -> tuple[bool, bool, int]:
        follows = (each.number - 1, each.previous) in hashes or each.previous == NOTHING
        return (each.number, each.hash) not in followed, not follows, each.line

    best: dict[int, _Seen] = {}
    for each in sorted(whole, key=standing):
        best.setdefault(each.number, each)
    strange = []
    for each in whole:
        other = best[each.number]
        if each is other:
            continue
        if each.hash == other.hash:
            text = f"inserted: it repeats line {other.line}"
        elif standing(each)[:2] == standing(other)[:2]:
            text = f"inserted: this or line {other.line}, since both say that they are line "
            text += f"{each.number} of the record"
        else:
            text = f"inserted: the line of its number ({each.number}) is line {other.line}"
        strange.append(Fault(each.line, text))
    return [each for each in whole if best[each.number] is each], strange


def _in_order(lines: Sequence[_Seen]) -> tuple[list[_Seen], list[Fault]]:
    """The longest run of lines in the order of their numbers; the others stand elsewhere."""
    ends: list[int] = []
    last: list[int] = []
    before: list[int | None] = []
    for index, each in enumerate(lines):
        place = bisect_left(ends, each.number)
        before.append(last[place - 1] if place else None)
        if place == len(ends):
            ends.append(each.number)
            last.append(index)
        else:
            ends[place], last[place] = each.number, index
    chosen: set[int] = set()
    at = last[-1] if last else None
    while at is not None:
        chosen.add(at)
        at = before[at]
    kept = [each for index, each in enumerate(lines) if index in chosen]
    in_place = [each for each in lines if each.line == each.number]
    if len(in_place) == len(kept):  # where others changed places, those that did not are kept
        kept = in_place
    left = {each.line for each in kept}
    moved = [each for each in lines if each.line not in left]
    return kept, [Fault(e.line, f"moved: it is line {e.number} of the record") for e in moved]


def _gaps(seen: Sequence[_Seen], kept: Sequence[_Seen], elsewhere: set[int]) -> Iterator[Fault]:
    """Numbers that no line has; altered lines stand for as many as lie at their place."""
    broken = [each.line for each in seen if each.why is not None]
    line, number = 0, 0
    for each in kept:
        missing = [n for n in range(number + 1, each.number) if n not in elsewhere]
        altered = sum(line < other < each.line for other in broken)
        if len(missing) > altered:
            yield Fault(each.line, _missing(missing, altered))
        line, number = each.line, each.number


def _missing(numbers: Sequence[int], altered: int) -> str:
    first, last, lost = numbers[0], numbers[-1], len(numbers) - altered
    if lost == 1 and not altered:
        return f"removed: line {first} of the record stood before it"
    which = f"{first}" if first == last else f"{first} to {last}"
    more = f" (of {which}, {altered} altered)" if altered else f" ({which})"
    return f"removed: {lost} lines of the record stood before it{more}"


def _links(kept: Sequence[_Seen]) -> Iterator[Fault]:
    """Lines that are whole and in order, and are not those that their neighbours knew."""
    anew = "altered: its hash was made anew"
    after = {each.number: each for each in kept}
    blamed: set[int] = set()
    for each in kept:
        if each.number == 1 and (each.previous != NOTHING or not each.start):
            blamed.add(1)
            yield Fault(each.line, "altered: it is no first line of an audit record")
        elif each.number != 1 and each.start:
            blamed.add(each.number)
            yield Fault(each.line, f"{anew}, as that of a first line")
        following = after.get(each.number + 1)
        if following is None or following.previous == each.hash:
            continue
        third = after.get(following.number + 1)
        if third is not None and third.previous != following.hash:
            each = following  # what stands after it does not know it either
        if each.number not in blamed:
            blamed.add(each.number)
            yield Fault(each.line, f"{anew}, and the lines beside it were made with another")
