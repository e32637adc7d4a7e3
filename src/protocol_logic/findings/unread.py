"""Results that nothing reads, beside those that a criterion rests on: newer ones of what resembles
an entry that it asks for.

What counts, counts: no verdict rests on how something is called. But an older result may decide
although a newer one is there, under a code that no entry has, or as what a laboratory computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date

from protocol_logic.compiling import core
from protocol_logic.compiling.plan import Finding, Plan
from protocol_logic.findings.latest import Visible
from protocol_logic.findings.rows import PatientFindings
from protocol_logic.foundation.text import shown
from protocol_logic.knowledge.likeness import spoken
from protocol_logic.knowledge.vocabulary import Concept
from protocol_logic.records.facts import Measured, Unlisted, Unread
from protocol_logic.records.unread import COMPUTED, NEAR, NO_STATUS, UNDATED

_READ = ("value", "recorded", "number", "ratio", "derived", "in_record")
"""The kinds of finding that are read from results."""


def look_at_unread(
    protocol: core.Protocol, plan: Plan, visible: Visible, found: PatientFindings
) -> None:
    """Note for each criterion the results that nothing reads and that resemble what it asks for,
    the newest of them if they are as new as the newest that counts, or where none does."""
    unread: dict[str, tuple[Unread, ...]] = {}
    for criterion in protocol.criteria:
        reach = plan.reach.get(criterion.id)
        told: dict[Unread, None] = {}
        for name in reach.findings if reach is not None else ():
            finding = plan.findings.get(name)  # a part of a plan has not all
            if finding is not None and finding.kind in _READ:
                told.update(dict.fromkeys(_beside(protocol, visible, finding)))
            if finding is not None and finding.kind == "derived":
                told.update(dict.fromkeys(_reported(protocol, visible, finding, found)))
        if told:
            unread[criterion.id] = tuple(told)
    found.unread = unread


def _beside(protocol: core.Protocol, visible: Visible, finding: Finding) -> Iterator[Unread]:
    derived = protocol.derived.get(finding.entry)
    names = (finding.entry,) if derived is None else (*derived.inputs, derived.reported)
    there = visible.within(finding.window)
    for name in filter(None, names):
        if name not in visible.vocabulary.entries:
            continue
        alike = there.alike(name, unusable=True)
        if not alike:
            continue
        days = [fact.date.first for fact in there.newest(name) if fact.date is not None]
        first = max(min(days, default=date.min), max(each.date.first for each in alike))
        for each in alike:
            if finding.taken or each.date.last >= first:
                yield each._replace(entries=(name,))


def _reported(
    protocol: core.Protocol, visible: Visible, finding: Finding, found: PatientFindings
) -> Iterator[Unread]:
    """The newest reported values that do not count, since the quantity is computed, and may be
    newer than a result from which it is."""
    name = protocol.derived[finding.entry].reported
    newest = visible.within(finding.window).newest(name) if name is not None else []
    if name is None or not newest:
        return
    rests = found.evidence.get(finding.id, ())
    days = [f.date.first for f in rests if isinstance(f.reading, Measured) and f.date is not None]
    if not days or any(fact.entry == name for fact in rests):
        return
    entry = protocol.vocabulary.entries[name]
    for fact in newest:
        if fact.date is not None and fact.date.last > min(days):
            yield Unread(fact.resource, "", entry.label, fact.date.text, (finding.entry,), COMPUTED)


def is_reported(protocol: core.Protocol, plan: Plan) -> bool:
    """Whether a plan computes what may be reported as well."""
    return any(
        finding.kind == "derived" and protocol.derived[finding.entry].reported is not None
        for finding in plan.findings.values()
    )


def open_to(protocol: core.Protocol, plan: Plan) -> Callable[[Unlisted], bool]:
    """Whether something by a code that no entry has leaves open if a concept is recorded."""
    voc = protocol.vocabulary
    asked = {f.entry for f in plan.findings.values() if f.kind == "in_record"}
    said = [
        (entry.kind, spoken(voc, name))
        for name in sorted(asked & voc.entries.keys())
        if isinstance(entry := voc.entries[name], Concept)
    ]

    def is_open(each: Unlisted) -> bool:
        return any(
            kind == each.kind and words.resembles(each.name, each.code, False)
            for kind, words in said
        )

    return is_open


def unread_said(name: str, code: str, day: str, like: str, why: str | None) -> str:
    """A result that is not read, in words."""
    about = ", ".join(filter(None, (shown(code), shown(day))))
    said = {
        None: f"which resembles `{like}`",
        NEAR: f"which is near `{like}`",
        UNDATED: f"`{like}` without a date that counts",
        NO_STATUS: f"`{like}` without a status",
        COMPUTED: f"newer than what `{like}` is computed from",
    }.get(why, f"`{like}` of status `{why}`")
    return f"{shown(name)}{f' ({about})' if about else ''}, {said}"


def unread_words(unread: Mapping[str, tuple[Unread, ...]], criterion: str) -> list[str]:
    """The results beside a criterion that are not read, each once."""
    return list(dict.fromkeys(map(_said, unread.get(criterion, ()))))


def _said(each: Unread) -> str:
    return unread_said(each.name, each.code, each.day, each.entries[0], each.why or None)
