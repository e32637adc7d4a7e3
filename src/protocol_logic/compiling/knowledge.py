"""Knowledge entries of the text tree to vocabulary entries and derived quantities, kind by kind."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from fractions import Fraction

from protocol_logic.compiling.allergies import ALLERGIES
from protocol_logic.compiling.cues import AGE_UNITS
from protocol_logic.compiling.derived import derived_of
from protocol_logic.compiling.entries import Entries, claim, report_code_clashes
from protocol_logic.compiling.library import Read, Unit
from protocol_logic.compiling.properties import Properties
from protocol_logic.foundation.interval import Interval
from protocol_logic.foundation.operators import COMPARISONS
from protocol_logic.foundation.problems import Problems, did_you_mean
from protocol_logic.foundation.source import Source
from protocol_logic.foundation.units import UNIT_WORDS
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.language import knowledge_tree, tree

_FIELDS = {"gender": "gender", "birth_date": "birthDate"}


def read_entries(units: Iterable[Unit], problems: Problems) -> Entries:
    """Read all systems and entries; of two with one name the first counts."""
    found = Entries(problems)
    units = list(units)
    for file in units:
        for statement in file.statements:
            if isinstance(statement, tree.System):
                found.systems[statement.name.text] = statement.url
    systems = tuple(found.systems.items())
    derived: list[tuple[knowledge_tree.Entry, Source]] = []
    kinds: dict[str, list[str]] = {}
    for file in units:
        read = file.read.setdefault(systems, {})
        for statement in file.statements:
            if isinstance(statement, knowledge_tree.Entry) and claim(
                found, statement.name, file.source
            ):
                name = statement.name.text
                if statement.kind == "derived":
                    derived.append((statement, file.source))
                    continue
                told = len(problems.items)
                made = read.get(name) or _read(found, file, statement)
                if len(problems.items) == told:
                    read[name] = made  # each protocol of a process reads the same files
                entry, denial, doubts, included = made
                if entry is not None:
                    found.entries[name] = entry
                if denial is not None:
                    found.denials[name] = denial
                if doubts:
                    found.doubts[name] = doubts
                for other in included:
                    kinds.setdefault(other, []).append(name)
    for kind, parents in kinds.items():
        _make_kind(found, kind, parents)
    _pass_on_recurring(found)
    for statement, source in derived:
        reader = Properties(found, source, statement)
        if reader.complete():
            formula = derived_of(reader)
            if formula is not None:
                found.derived[formula.name] = formula
    report_code_clashes(found)
    return found


def _read(found: Entries, file: Unit, statement: knowledge_tree.Entry) -> Read:
    """An entry, from its statement and the code systems that there are."""
    reader = Properties(found, file.source, statement)
    if not reader.complete():
        return None, None, (), ()
    entry = _BUILD[statement.kind](reader)
    denied, doubted = (
        [(p.condition, file.source) for p in reader.all(key) if p.condition is not None]
        for key in ("denied by", "doubted by")
    )
    included = (word.text for p in reader.all("includes") for word in p.words)
    return entry, next(iter(denied), None), tuple(doubted), tuple(included)


def _make_kind(found: Entries, name: str, parents: Iterable[str]) -> None:
    """Make a concept a kind of those that `include` it; a name that is no concept is told later."""
    entry = found.entries.get(name)
    if isinstance(entry, voc.Concept):
        more = [parent for parent in dict.fromkeys(parents) if parent not in entry.parents]
        if more:
            found.entries[name] = replace(entry, parents=(*entry.parents, *more))


def _pass_on_recurring(found: Entries) -> None:
    """Make what is a kind of something that recurs recur."""
    recurring = [e.name for e in found.entries.values() if isinstance(e, voc.Concept) and e.recurs]
    vocabulary = voc.Vocabulary(dict(found.entries))
    for name in {kind for each in recurring for kind in vocabulary.below(each)}:
        entry = found.entries[name]
        if isinstance(entry, voc.Concept) and not entry.recurs:
            found.entries[name] = replace(entry, recurs=True)


def _field(r: Properties) -> voc.Entry | None:
    prop = r.one("field")
    assert prop is not None
    name = _FIELDS.get(prop.words[0].text)
    if name is None:
        hint = did_you_mean(prop.words[0].text, _FIELDS) or "known are " + ", ".join(_FIELDS)
        message = f"`{prop.words[0].text}` is not a field that is read"
        r.problem("unknown-name", message, prop.words[0].span, hint)
        return None
    values = tuple(w.text for p in r.all("values") for w in p.words)
    return voc.PatientField(
        name=r.name, element=r.element, label=r.label(), field=name, values=values
    )


def _age(r: Properties) -> voc.Entry:
    of = r.one("of")
    assert of is not None
    unit = "a"
    if (prop := r.one("unit")) is not None:
        unit = UNIT_WORDS.get(prop.words[0].text, prop.words[0].text)
        if unit not in AGE_UNITS:
            message = f"an age is told in years, months or days, not in `{prop.words[0].text}`"
            r.problem("wrong-unit", message, prop.words[0].span)
    return voc.Age(name=r.name, element=r.element, label=r.label(), of=of.words[0].text, unit=unit)


def _quantity(r: Properties) -> voc.Entry:
    to = r.unit()
    coded = {}
    for prop in r.all("value"):
        number = prop.words[0]
        if not re.fullmatch(r"[0-9]+", number.text):
            message = f"a value of the quantity `{r.name}` is a number, not `{number.text}`"
            r.problem("unknown-value", message, number.span, "a `status` has named values")
            continue
        for ref in (m for m in prop.meanings if isinstance(m, knowledge_tree.CodeRef)):
            code = r.code(ref)
            if code is not None:
                coded[code.key] = Fraction(prop.words[0].text)
    attested = {}
    for prop in r.all("attested"):
        code = r.code(prop.codes[0])
        limit = r.number(prop.amounts[0], to)
        if code is not None and limit is not None:
            attested[code.key] = COMPARISONS[prop.words[0].text].inside(limit)
    return voc.Quantity(
        name=r.name,
        element=r.element,
        label=r.label(),
        codes=r.codes(r.all("code")),
        unlike=r.unlike(),
        also=r.also(),
        unit=to,
        accepts=r.accepted(),
        plausible=r.range("plausible", to),
        usual=r.range("limits", to),
        coded=coded,
        attested=attested,
        whole=r.one("whole numbers") is not None or _are_whole(coded.values()),
    )


def _are_whole(grades: Collection[Fraction]) -> bool:
    return bool(grades) and all(each.denominator == 1 for each in grades)


def _status(r: Properties) -> voc.Entry:
    to = r.unit() if r.one("unit") else None
    meanings: dict[tuple[str, str], str] = {}
    ranges: list[tuple[Interval, str]] = []
    for prop in r.all("value"):
        for meaning in prop.meanings:
            if isinstance(meaning, knowledge_tree.CodeRef):
                code = r.code(meaning)
                if code is not None:
                    meanings[code.key] = prop.words[0].text
            else:
                limit = r.number(meaning.amount, to or "1")
                if limit is not None:
                    ranges.append((COMPARISONS[meaning.op].inside(limit), prop.words[0].text))
    return voc.Status(
        name=r.name,
        element=r.element,
        label=r.label(),
        codes=r.codes(r.all("code")),
        unlike=r.unlike(),
        also=r.also(),
        values=tuple(dict.fromkeys(p.words[0].text for p in r.all("value"))),
        meanings=meanings,
        unit=to,
        ranges=tuple(ranges),
    )


def _concept(r: Properties) -> voc.Entry:
    closed = r.one("closed by")
    if r.entry.kind == "procedure":
        r.no_diagnoses()
    shared = r.codes(r.all("shared code"))
    return voc.Concept(
        name=r.name,
        element=r.element,
        label=r.label(),
        kind=r.entry.kind,
        codes=(*r.codes(r.all("code")), *shared),
        unlike=r.unlike(),
        also=r.also(),
        parents=tuple(w.text for p in r.all("is a") for w in p.words),
        closed_by=closed.words[0].text if closed else None,
        evidence={p.words[0].text: r.codes([p]) for p in r.all("evidence")},
        past=r.past(),
        shared=shared,
        recurs=r.one("recurs") is not None,
    )


def _event(r: Properties) -> voc.Entry | None:
    conditions, status = r.one("from conditions"), r.one("from status")
    if (conditions is None) == (status is None):
        message = f"`{r.name}` is an event without one `from` line"
        hint = "add `from CONDITION with clinical status STATUS` or `from STATUS is VALUE`"
        r.problem("missing-property", message, r.entry.name.span, hint)
        return None
    closed = r.one("closed by")
    return voc.Event(
        name=r.name,
        element=r.element,
        label=r.label(),
        concepts=tuple(w.text for w in conditions.words) if conditions else (),
        statuses=tuple(a.number for a in conditions.amounts) if conditions else (),
        status=status.words[0].text if status else None,
        value=status.amounts[0].number if status else None,
        closed_by=closed.words[0].text if closed else None,
    )


def _lesion(r: Properties) -> voc.Entry:
    to = r.unit()
    measurable, counted = r.one("measurable"), r.one("counted by")
    assert measurable is not None
    known = {key: tuple(p.words[0].text for p in r.all(key)) for key in ("axis", "site", "method")}
    limits = []
    for size in measurable.sizes:
        words = [("axis", size.axis)] if size.axis else []
        words += [(size.attribute, size.value)] if size.attribute and size.value else []
        for key, word in words:
            if word.text not in known[key]:
                message = f"`{r.name}` has no {key} `{word.text}`"
                hint = did_you_mean(word.text, known[key]) or f"declare it with a `{key}` line"
                r.problem("unknown-value", message, word.span, hint)
        if size.axis and size.op != ">=":
            message = f"a lesion is measurable from a size on: `{size.op}` cannot stand here"
            r.problem("wrong-kind", message, size.span, "write `>=`")
        at_least = r.number(size.limit, to) if size.limit else None
        axis = size.axis.text if size.axis else None
        value = size.value.text if size.value else None
        limits.append(voc.SizeLimit(axis, at_least, size.attribute, value))
    return voc.Lesion(
        name=r.name,
        element=r.element,
        label=r.label(),
        codes=r.codes(r.all("code")),
        unit=to,
        accepts=r.accepted(),
        axes={p.words[0].text: r.codes([p]) for p in r.all("axis")},
        sites={p.words[0].text: r.codes([p]) for p in r.all("site")},
        methods={p.words[0].text: r.codes([p]) for p in r.all("method")},
        limits=tuple(limits),
        counted=counted.words[0].text if counted else None,
    )


def _consent(r: Properties) -> voc.Entry | None:
    scope = r.codes(r.all("scope"))
    if not scope:
        return None
    return voc.Consent(name=r.name, element=r.element, label=r.label(), scope=scope[0])


def _history(r: Properties) -> voc.Entry:
    codes = r.codes(r.all("code"))
    of = r.one("of")
    if of is not None and of.words[0].text != ALLERGIES:
        message = f"a history cannot be of `{of.words[0].text}`"
        hint = f"it can be of `{ALLERGIES}`; other entries say themselves what closes them"
        r.problem("unknown-value", message, of.words[0].span, hint)
    what = of.words[0].text if of is not None else ""
    return voc.History(name=r.name, element=r.element, label=r.label(), codes=codes, of=what)


def _qualifier(r: Properties) -> voc.Entry | None:
    of = r.one("of")
    assert of is not None
    if of.words[0].text not in voc.QUALIFIED:
        message = f"a qualifier cannot be of `{of.words[0].text}`"
        listed = ", ".join(f"`{name}`" for name in voc.QUALIFIED)
        r.problem("unknown-value", message, of.words[0].span, f"it can be of {listed}")
        return None
    meanings: dict[tuple[str, str], str] = {}
    for prop in r.all("value"):
        for meaning in prop.meanings:
            if isinstance(meaning, knowledge_tree.Range):
                message = "a value of a qualifier means codes, not numbers"
                r.problem("wrong-kind", message, meaning.span, "write `means SYSTEM CODE`")
            elif (code := r.code(meaning)) is not None:
                meanings[code.key] = prop.words[0].text
    return voc.Qualifier(
        name=r.name,
        element=r.element,
        label=r.label(),
        of=of.words[0].text,
        values=tuple(dict.fromkeys(p.words[0].text for p in r.all("value"))),
        meanings=meanings,
    )


_BUILD: dict[str, Callable[[Properties], voc.Entry | None]] = {
    "field": _field,
    "age": _age,
    "quantity": _quantity,
    "status": _status,
    "condition": _concept,
    "procedure": _concept,
    "medication": _concept,
    "event": _event,
    "lesion": _lesion,
    "consent": _consent,
    "history": _history,
    "qualifier": _qualifier,
}
