"""What an author should look at in a file that can be used as it stands."""

from __future__ import annotations

from collections.abc import Iterable

from protocol_logic.compiling import core
from protocol_logic.compiling.deciding import Deciding, Stuck
from protocol_logic.compiling.library import Unit
from protocol_logic.foundation.problems import Label, Problem, Problems, one_of
from protocol_logic.foundation.source import Source, Span
from protocol_logic.knowledge.vocabulary import Concept
from protocol_logic.language import tree
from protocol_logic.language.knowledge_tree import Entry
from protocol_logic.language.original.defects import lost_signs, mixed_scripts


def look_over(unit: Unit, protocol: core.Protocol | None, problems: Problems) -> None:
    """Look over one file; `protocol`: what it was checked to, where it has no error."""
    _texts(unit, problems)
    if protocol is not None and unit.heading is not None and unit.heading.kind == "protocol":
        _unused(unit, protocol, problems)
        _undecided(unit, protocol, problems)


# ---- texts ---------------------------------------------------------------------------------------


def _texts(unit: Unit, problems: Problems) -> None:
    source = unit.source
    for node in unit.statements:
        if isinstance(node, tree.Criterion | tree.Note):
            for quote in node.quotes:
                for defect in lost_signs(quote.text):
                    start = quote.span.start
                    span = Span(start + defect.start, start + defect.end)
                    _add(problems, "text-defect", defect.message, source, span, defect.hint)
    unread = {
        source.line_column(p.span.start)[0]
        for p in problems.items
        if p.code == "syntax" and p.source is source and p.span is not None
    }
    for odd in mixed_scripts(source.text):
        if source.line_column(odd.start)[0] not in unread:
            span = Span(odd.start, odd.end)
            _add(problems, "mixed-scripts", odd.message, source, span, odd.hint)


# ---- definitions that nothing uses ---------------------------------------------------------------


def _unused(unit: Unit, protocol: core.Protocol, problems: Problems) -> None:
    reached = _reached(protocol)
    for node in unit.statements:
        if isinstance(node, tree.Definition) and node.name.text not in reached:
            message = f"no criterion uses `{node.name.text}`"
            hint = "use it in a criterion, or take it away"
            _add(problems, "unused-definition", message, unit.source, node.name.span, hint)


def _reached(protocol: core.Protocol) -> set[str]:
    """The definitions that criteria use, and those that these use."""
    conditions: list[core.Condition] = list(protocol.denials.values())
    for criterion in protocol.criteria:
        conditions += [c for c in (criterion.applies, criterion.condition) if c is not None]
    reached: set[str] = set()
    while conditions:
        for test in core.tests_in(conditions.pop()):
            if isinstance(test, core.Defined) and test.name not in reached:
                reached.add(test.name)
                conditions += core.conditions_in(protocol.definitions[test.name].body)
    return reached


# ---- criteria that nothing can decide ------------------------------------------------------------


def _undecided(unit: Unit, protocol: core.Protocol, problems: Problems) -> None:
    deciding, by_lists = Deciding(protocol), Deciding(protocol, by_lists=True)
    names = {n.name.text: n.name.span for n in unit.statements if isinstance(n, tree.Criterion)}
    for criterion in protocol.criteria:
        stuck = deciding.never_passes(criterion)
        if stuck:
            verb = "meets" if criterion.polarity == "inclusion" else "is not excluded by"
            message = f"no record can show that a patient {verb} `{criterion.id}`"
            labels = tuple(
                Label(unit.source, each.test.span, _why(each))
                for each in stuck
                if _stands_in(each.test, criterion)
            )
            span = names[criterion.id]
            cure = _cure(unit, protocol, stuck)
            _add(problems, "never-decided", message, unit.source, span, cure, labels)
        elif stuck := _of_classes(by_lists.never_passes(criterion)):
            _open_class(unit, protocol, criterion, stuck, names[criterion.id], problems)


def _of_classes(stuck: Iterable[Stuck]) -> tuple[Stuck, ...]:
    """Those that ask for a class, and not a person."""
    return tuple(each for each in stuck if not isinstance(each.test, core.Asked))


def _open_class(
    unit: Unit,
    protocol: core.Protocol,
    criterion: core.Criterion,
    stuck: tuple[Stuck, ...],
    span: Span,
    problems: Problems,
) -> None:
    """A criterion that passes only where a record says itself that there is none of a class."""
    entries = protocol.vocabulary.entries
    classes = list(dict.fromkeys(str(getattr(each.test, "concept", "")) for each in stuck))
    kinds = [kind for each in stuck for kind in _closed_kinds(protocol, each.test)]
    kinds = list(dict.fromkeys(kinds))
    cures = _closings(unit, protocol, classes)
    cures.append("patients of whom nothing is recorded stay open until a person says `never`")
    if any(isinstance(e := entries[n], Concept) and e.kind == "allergy" for n in classes):
        cures[:0] = ["`uses allergy` has the list that closes allergies"]
    if kinds:
        cures.append(f"test kinds that a list closes, such as {one_of(kinds[:_MOST_KINDS])}")
    message = f"no list closes {one_of(classes)}, which `{criterion.id}` wants to be absent"
    labels = tuple(
        Label(unit.source, each.test.span, "absent only where a record or a person says so")
        for each in stuck
        if _stands_in(each.test, criterion)
    )
    _add(problems, "open-class", message, unit.source, span, "; ".join(cures), labels)


_MOST_KINDS = 3


def _closed_kinds(protocol: core.Protocol, test: core.Test) -> list[str]:
    """The kinds of the class of a test that a list closes, those next to it first, without those
    that are left out."""
    voc, name = protocol.vocabulary, str(getattr(test, "concept", ""))
    subject = getattr(test, "subject", None)
    others = subject.others if isinstance(subject, core.Subject) else ()
    left_out = {kind for other in others for kind in voc.below(other)}
    found = []
    for kind in voc.below(name)[1:]:
        entry = voc.entries[kind]
        if isinstance(entry, Concept) and entry.closed_by is not None and kind not in left_out:
            found.append((name not in entry.parents, kind))
    return [kind for _, kind in sorted(found, key=lambda each: each[0])]


def _why(stuck: Stuck) -> str:
    return "never certainly true" if stuck.value else "never certainly false"


_LISTS = {
    "condition": "problem_list",
    "procedure": "procedure_history",
    "medication": "medication_history",
}
"""The list of the knowledge base that closes what is of a kind."""


def _cure(unit: Unit, protocol: core.Protocol, stuck: Iterable[Stuck]) -> str:
    """What the author of a file can do: to an entry of its own, and otherwise."""
    unclosed = [s.test for s in stuck if not isinstance(s.test, core.Evidenced)]
    names = list(dict.fromkeys(str(getattr(test, "concept", "")) for test in unclosed))
    if not names:
        return 'no record says that something was not examined; ask a person: `judged "..."`'
    cures = _closings(unit, protocol, names)
    answered = " and ".join(f"`{name}`" for name in names)
    by_person = f"a person answers {answered} by `never` or `complete` (`--answers`)"
    written = f"{' and '.join(cures)}, or " if cures else ""
    return f"no list closes it: {written}{by_person}"


def _closings(unit: Unit, protocol: core.Protocol, names: list[str]) -> list[str]:
    """What to write in the entries of a file so that a list closes them."""
    own = {node.name.text for node in unit.statements if isinstance(node, Entry)}
    entries, closings = protocol.vocabulary.entries, []
    for name in names:
        entry = entries.get(name)
        if name in own and isinstance(entry, Concept):
            by = _LISTS[entry.kind]
            uses = "" if by in entries else ", with `uses histories`"
            closings.append(f"`closed by {by}` in the entry `{name}`{uses}")
    return [f"write {' and '.join(closings)}"] if closings else []


def _stands_in(test: core.Test, criterion: core.Criterion) -> bool:
    return criterion.span.start <= test.span.start < criterion.span.end


def _add(
    problems: Problems,
    code: str,
    message: str,
    source: Source,
    span: Span,
    hint: str,
    labels: tuple[Label, ...] = (),
) -> None:
    problems.add(
        Problem(code=code, message=message, source=source, span=span, hint=hint, labels=labels)
    )
