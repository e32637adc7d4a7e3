"""Knowledge entries of the text tree to vocabulary entries and derived quantities.

Codes get their system's URL, units become exact factors to the entry's canonical unit, and what an
entry of its kind needs but does not have is a problem each.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fractions import Fraction

from protocol_logic.compiling import core
from protocol_logic.compiling.library import Unit
from protocol_logic.foundation.interval import Interval
from protocol_logic.foundation.operators import COMPARISONS
from protocol_logic.foundation.problems import Problem, Problems, did_you_mean
from protocol_logic.foundation.source import Source, Span
from protocol_logic.foundation.units import UNIT_WORDS, UnitError, conversion_factor, unit
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.language import tree

_PROPERTIES = {
    "field": {"label", "source", "field", "values"},
    "age": {"label", "source", "of", "unit"},
    "quantity": {
        "label", "source", "code", "unlike", "unit", "accepts", "accepts where", "plausible",
        "value", "attested",
    },
    "status": {"label", "source", "code", "unlike", "unit", "value"},
    "condition": {
        "label", "source", "code", "unlike", "is a", "closed by", "denied by", "evidence",
    },
    "procedure": {"label", "source", "code", "unlike", "is a", "closed by"},
    "medication": {"label", "source", "code", "unlike", "is a", "closed by"},
    "event": {"label", "source", "from conditions", "from status", "closed by"},
    "lesion": {
        "label", "source", "code", "unit", "accepts", "axis", "site", "method", "measurable",
        "counted by",
    },
    "consent": {"label", "source", "scope"},
    "history": {"label", "source", "code"},
    "derived": {"label", "source", "unit", "formula", "times", "else reported"},
}  # fmt: skip
_NEEDED = {
    "field": {"field"},
    "age": {"of"},
    "quantity": {"code", "unit"},
    "status": {"code", "value"},
    "event": set(),
    "lesion": {"code", "unit", "axis", "measurable"},
    "consent": {"scope"},
    "history": {"code"},
    "derived": {"unit", "formula"},
}
# Lines of which a second one would be dropped in silence.
_ONCE = {
    "label", "field", "of", "unit", "plausible", "closed by", "denied by", "from conditions",
    "from status", "measurable", "counted by", "scope", "formula", "else reported",
}  # fmt: skip
_FIELDS = {"gender": "gender", "birth_date": "birthDate"}


def unit_problem(code: str) -> str:
    """Which problem a refused unit is: no unit at all, or one of another dimension."""
    try:
        unit(code)
    except UnitError:
        return "unknown-unit"
    return "wrong-unit"


@dataclass(slots=True)
class Entries:
    """What the knowledge statements declare, by name."""

    problems: Problems
    systems: dict[str, str] = field(default_factory=dict)
    entries: dict[str, voc.Entry] = field(default_factory=dict)
    derived: dict[str, core.Derived] = field(default_factory=dict)
    denials: dict[str, tuple[tree.Condition, Source]] = field(default_factory=dict)
    places: dict[str, tuple[Source, Span]] = field(default_factory=dict)


def read_entries(units: Iterable[Unit], problems: Problems) -> Entries:
    """Read all systems and entries; of two with one name the first counts."""
    found = Entries(problems)
    units = list(units)
    for file in units:
        for statement in file.statements:
            if isinstance(statement, tree.System):
                found.systems[statement.name.text] = statement.url
    derived: list[tuple[tree.Entry, Source]] = []
    for file in units:
        for statement in file.statements:
            if isinstance(statement, tree.Entry) and _claim(found, statement.name, file.source):
                reader = _Reader(found, file.source, statement)
                if statement.kind == "derived":
                    derived.append((statement, file.source))
                elif reader.complete():
                    entry = _BUILD[statement.kind](reader)
                    if entry is not None:
                        found.entries[entry.name] = entry
    for statement, source in derived:
        reader = _Reader(found, source, statement)
        if reader.complete():
            made = _derived(reader)
            if made is not None:
                found.derived[made.name] = made
    _code_clashes(found)
    return found


def _claim(found: Entries, name: tree.Word, source: Source) -> bool:
    if name.text in found.places:
        report_duplicate(found, name, source)
        return False
    found.places[name.text] = (source, name.span)
    return True


def report_duplicate(found: Entries, name: tree.Word, source: Source) -> None:
    """Two statements claim one name."""
    other, span = found.places[name.text]
    line = other.line_column(span.start)[0]
    found.problems.add(
        Problem(
            code="duplicate-name",
            message=f"`{name.text}` is already defined in {other.name}, line {line}",
            source=source,
            span=name.span,
            hint="give one of the two another name",
        )
    )


def _code_clashes(found: Entries) -> None:
    """One code must lead to one entry of a kind, else a fact would count twice."""
    seen: dict[tuple[str, str, str], str] = {}
    for entry in found.entries.values():
        kind = entry.kind if isinstance(entry, voc.Concept) else type(entry).__name__
        for code in getattr(entry, "codes", ()):
            other = seen.setdefault((kind, *code.key), entry.name)
            if other != entry.name:
                source, span = found.places[entry.name]
                found.problems.add(
                    Problem(
                        code="code-clash",
                        message=f"code `{code.code}` already belongs to `{other}`",
                        source=source,
                        span=span,
                        hint="one code leads to one entry; use `is a` for a narrower concept",
                    )
                )


class _Reader:
    """The properties of one entry, with what its problems need."""

    def __init__(self, found: Entries, source: Source, entry: tree.Entry) -> None:
        self.found = found
        self.source = source
        self.entry = entry
        self.name = entry.name.text
        self.element = entry.element.text if entry.element else entry.name.text

    def problem(self, code: str, message: str, span: Span, hint: str | None = None) -> None:
        self.found.problems.add(
            Problem(code=code, message=message, source=self.source, span=span, hint=hint)
        )

    def complete(self) -> bool:
        """Whether the entry has all it needs and nothing it cannot have."""
        kind, ok = self.entry.kind, True
        seen: set[str] = set()
        for prop in self.entry.properties:
            if prop.key in _ONCE and prop.key in seen:
                message = f"`{self.name}` has a second `{prop.key}` line"
                self.problem("duplicate-name", message, prop.span, "keep one of them")
                ok = False
            seen.add(prop.key)
            if prop.key not in _PROPERTIES[kind]:
                allowed = ", ".join(f"`{k}`" for k in sorted(_PROPERTIES[kind]))
                hint = f"it can have {allowed}"
                self.problem("wrong-kind", f"a {kind} has no `{prop.key}`", prop.span, hint)
                ok = False
        have = {p.key for p in self.entry.properties}
        for key in sorted(_NEEDED.get(kind, set()) - have):
            message = f"`{self.name}` is a {kind} without `{key}`"
            self.problem("missing-property", message, self.entry.name.span, f"add a `{key}` line")
            ok = False
        return ok

    def all(self, key: str) -> list[tree.Property]:
        return [p for p in self.entry.properties if p.key == key]

    def one(self, key: str) -> tree.Property | None:
        return next(iter(self.all(key)), None)

    def label(self) -> str:
        prop = self.one("label")
        return prop.text if prop else self.name.replace("_", " ")

    def code(self, ref: tree.CodeRef) -> voc.Code | None:
        url = self.found.systems.get(ref.system.text)
        if url is None:
            message = f"the code system `{ref.system.text}` is not declared"
            hint = did_you_mean(ref.system.text, self.found.systems) or (
                "declare it with `system NAME URL`, or add `systems` to `uses`"
            )
            self.problem("unknown-system", message, ref.system.span, hint)
            return None
        return voc.Code(url, ref.code.text, ref.display)

    def codes(self, props: Iterable[tree.Property]) -> tuple[voc.Code, ...]:
        found = (self.code(ref) for prop in props for ref in prop.codes)
        return tuple(code for code in found if code is not None)

    def unlike(self) -> tuple[voc.Unlike, ...]:
        """The codes that may be taken for those of the entry; none of them may be one."""
        own = {ref.code.text for prop in self.all("code") for ref in prop.codes}
        found = []
        for prop in self.all("unlike"):
            ref = prop.codes[0]
            code = self.code(ref)
            if ref.code.text in own:
                message = f"`{ref.code.text}` is a code of `{self.name}`, and said to be unlike it"
                self.problem("code-clash", message, ref.code.span)
            elif code is not None:
                found.append(voc.Unlike(code, prop.text))
        return tuple(found)

    def number(self, amount: tree.Amount, unit_code: str) -> Fraction | None:
        """An amount in `unit_code`; without a unit it is taken to be in it already."""
        if amount.unit is None:
            return Fraction(amount.number)
        factor = self.factor(amount.unit, unit_code)
        return None if factor is None else Fraction(amount.number) * factor

    def factor(self, word: tree.Word, to: str) -> Fraction | None:
        code = UNIT_WORDS.get(word.text, word.text)
        try:
            return conversion_factor(code, to)
        except UnitError as error:
            self.problem(unit_problem(code), error.message, word.span, error.hint)
            return None

    def unit(self) -> str:
        prop = self.one("unit")
        if prop is None:
            return "1"
        word = prop.words[0]
        try:
            unit(word.text)
        except UnitError as error:
            self.problem("unknown-unit", error.message, word.span, error.hint)
        return word.text

    def accepted(self) -> dict[str, Fraction]:
        """UCUM code -> factor to the canonical unit, the canonical unit first."""
        to = self.unit()
        accepts = {to: Fraction(1)}
        if unit_problem(to) == "unknown-unit":
            return accepts  # the unit has had its problem; no other can be compared with it
        for prop in self.all("accepts"):
            for word in prop.words:
                factor = self.factor(word, to)
                if factor is not None:
                    accepts[word.text] = factor
        for prop in self.all("accepts where"):
            left, right = prop.amounts
            factor = self._declared(prop.words[0], left, right, to)
            if factor is not None:
                accepts[prop.words[0].text] = factor
        return accepts

    def _declared(
        self, word: tree.Word, left: tree.Amount, right: tree.Amount, to: str
    ) -> Fraction | None:
        """The factor that `1 mmol/L = 16.114 g/L` gives, written either way round."""
        for here, there in ((left, right), (right, left)):
            if here.unit is not None and here.unit.text == word.text:
                value = self.number(there, to)
                if not Fraction(here.number) or value == 0:
                    message = "an equation between units cannot say zero"
                    self.problem("wrong-unit", message, here.span, "write `1 unit = number unit`")
                    return None
                return None if value is None else value / Fraction(here.number)
        message = f"the equation does not name `{word.text}`"
        self.problem("wrong-unit", message, word.span, "write it as `1 unit = number unit`")
        return None


def _field(r: _Reader) -> voc.Entry | None:
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


def _age(r: _Reader) -> voc.Entry:
    of = r.one("of")
    assert of is not None
    unit = "a"
    if (prop := r.one("unit")) is not None:
        unit = UNIT_WORDS.get(prop.words[0].text, prop.words[0].text)
        if unit not in ("a", "d"):
            message = f"an age is told in years or days, not in `{prop.words[0].text}`"
            r.problem("wrong-unit", message, prop.words[0].span)
    return voc.Age(name=r.name, element=r.element, label=r.label(), of=of.words[0].text, unit=unit)


def _quantity(r: _Reader) -> voc.Entry:
    to = r.unit()
    plausible = None
    if (prop := r.one("plausible")) is not None:
        low, high = (r.number(a, to) for a in prop.amounts)
        if low is not None and high is not None:
            plausible = Interval.at_least(low).intersection(Interval.at_most(high))
            if plausible is None:
                message = "no number lies in this range"
                r.problem("implausible-limit", message, prop.span, "write the lower number first")
    coded = {}
    for prop in r.all("value"):
        number = prop.words[0]
        if not re.fullmatch(r"[0-9]+", number.text):
            message = f"a value of the quantity `{r.name}` is a number, not `{number.text}`"
            r.problem("unknown-value", message, number.span, "a `status` has named values")
            continue
        for ref in (m for m in prop.meanings if isinstance(m, tree.CodeRef)):
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
        unit=to,
        accepts=r.accepted(),
        plausible=plausible,
        coded=coded,
        attested=attested,
    )


def _status(r: _Reader) -> voc.Entry:
    to = r.unit() if r.one("unit") else None
    meanings: dict[tuple[str, str], str] = {}
    ranges: list[tuple[Interval, str]] = []
    for prop in r.all("value"):
        for meaning in prop.meanings:
            if isinstance(meaning, tree.CodeRef):
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
        values=tuple(dict.fromkeys(p.words[0].text for p in r.all("value"))),
        meanings=meanings,
        unit=to,
        ranges=tuple(ranges),
    )


def _concept(r: _Reader) -> voc.Entry:
    closed = r.one("closed by")
    denied = r.one("denied by")
    if denied is not None and denied.condition is not None:
        r.found.denials[r.name] = (denied.condition, r.source)
    return voc.Concept(
        name=r.name,
        element=r.element,
        label=r.label(),
        kind=r.entry.kind,
        codes=r.codes(r.all("code")),
        unlike=r.unlike(),
        parents=tuple(w.text for p in r.all("is a") for w in p.words),
        closed_by=closed.words[0].text if closed else None,
        evidence={p.words[0].text: r.codes([p]) for p in r.all("evidence")},
    )


def _event(r: _Reader) -> voc.Entry | None:
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


def _lesion(r: _Reader) -> voc.Entry:
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


def _consent(r: _Reader) -> voc.Entry | None:
    scope = r.codes(r.all("scope"))
    if not scope:
        return None
    return voc.Consent(name=r.name, element=r.element, label=r.label(), scope=scope[0])


def _history(r: _Reader) -> voc.Entry:
    codes = r.codes(r.all("code"))
    return voc.History(name=r.name, element=r.element, label=r.label(), codes=codes)


_BUILD: dict[str, Callable[[_Reader], voc.Entry | None]] = {
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
}


def _derived(r: _Reader) -> core.Derived | None:
    prop = r.one("formula")
    assert prop is not None and prop.formula is not None
    formula = _formula(r, prop.formula)
    if formula is None:
        return None
    factors = []
    for times in r.all("times"):
        name, value = times.words
        factors.append((name.text, value.text, Fraction(times.amounts[0].number)))
    reported = r.one("else reported")
    return core.Derived(
        name=r.name,
        element=r.element,
        label=r.label(),
        unit=r.unit(),
        formula=formula,
        factors=tuple(factors),
        reported=reported.words[0].text if reported else None,
    )


def _formula(r: _Reader, node: tree.Formula) -> core.Formula | None:
    if isinstance(node, tree.Number):
        return core.Constant(Fraction(node.text))
    if isinstance(node, tree.Binary):
        left, right = _formula(r, node.left), _formula(r, node.right)
        if left is None or right is None:
            return None
        return core.Operation(node.op, left, right)
    entry = r.found.entries.get(node.name.text)
    if isinstance(entry, voc.Age | voc.Quantity):
        canonical = entry.unit
    else:
        hint = did_you_mean(node.name.text, r.found.entries)
        if hint == f"did you mean `{node.name.text}`?":
            hint = None
        message = f"`{node.name.text}` is not a quantity or an age"
        r.problem("unknown-name" if entry is None else "wrong-kind", message, node.name.span, hint)
        return None
    if isinstance(entry, voc.Quantity) and node.unit.text in entry.accepts:
        return core.Input(entry.name, 1 / entry.accepts[node.unit.text])
    try:
        factor = conversion_factor(canonical, UNIT_WORDS.get(node.unit.text, node.unit.text))
    except UnitError as error:
        r.problem("wrong-unit", error.message, node.unit.span, error.hint)
        return None
    return core.Input(entry.name, factor)
