"""The sizes that a lesion can be set to, where there is no count of measurable ones: one that makes
it measurable and one that does not, at a site and by a method that leave no doubt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from protocol_logic.foundation.interval import Interval, decimal_text
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.records.facts import Fact, LesionSize

_OTHER = "other"


def sizes_of(entry: voc.Lesion) -> Iterator[tuple[str, LesionSize]]:
    """A measurable lesion and one that is too small, each as `--set` takes it."""
    limit = next((x for x in reversed(entry.limits) if x.axis and x.at_least is not None), None)
    if limit is None or limit.axis is None or limit.at_least is None:
        return
    places = {"site": _OTHER, "method": _OTHER}
    if limit.attribute is not None and limit.value is not None:
        places[limit.attribute] = limit.value
    for sign, size in (
        (">=", Interval.at_least(limit.at_least)),
        ("<", Interval(None, False, limit.at_least, False)),
    ):
        reading = LesionSize(((limit.axis, size),), places["site"], places["method"])
        words = f"{limit.axis} {sign} {decimal_text(limit.at_least)} {entry.unit}"
        yield words + _at(entry, reading), reading


def lesion_text(entry: voc.Lesion, facts: Iterable[Fact]) -> str:
    """What lesions are recorded, as `--set` takes each."""
    each = (f.reading for f in facts if isinstance(f.reading, LesionSize))
    return " or ".join(
        ", ".join(f"{axis} {decimal_text(size.lo)} {entry.unit}" for axis, size in lesion.sizes
                  if size is not None and size.lo is not None) + _at(entry, lesion)
        for lesion in each
    )  # fmt: skip


def _at(entry: voc.Lesion, lesion: LesionSize) -> str:
    """Where and how it was measured, as far as the entry tells places and methods apart."""
    told = ""
    if lesion.site and entry.sites:
        told += f" at {lesion.site}"
    if lesion.method and entry.methods:
        told += f" by {lesion.method}"
    return told
