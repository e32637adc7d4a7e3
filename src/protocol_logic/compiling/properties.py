"""The properties of a knowledge entry: which it can and must have, and what each of them says.

Codes get their system's URL, units become exact factors to the entry's canonical unit, and what an
entry of its kind needs but does not have is a problem each.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from protocol_logic.compiling.entries import Entries
from protocol_logic.foundation.interval import Interval
from protocol_logic.foundation.problems import Problem, did_you_mean
from protocol_logic.foundation.source import Source, Span
from protocol_logic.foundation.text import listed
from protocol_logic.foundation.units import SCALES, UNIT_WORDS, UnitError, conversion_factor, unit
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.language import knowledge_tree
from protocol_logic.language.nodes import Amount, Word
from protocol_logic.records.codings import ICD_10_CM

_TEXTS = ("label", "also", "source")
_SAID = (*_TEXTS, "change", "obtain")
_PROPERTIES = {
    "field": {*_SAID, "field", "values"},
    "age": {*_TEXTS, "of", "unit"},
    "quantity": {
        *_SAID, "code", "unlike", "near", "unit", "accepts", "accepts where", "plausible", "limits",
        "whole numbers", "value", "attested",
    },
    "status": {*_SAID, "code", "unlike", "near", "unit", "value"},
    "condition": {
        *_SAID, "code", "history code", "shared code", "unlike", "is a", "includes", "recurs",
        "closed by", "denied by", "doubted by", "evidence",
    },
    "procedure": {
        *_SAID, "code", "history code", "unlike", "is a", "includes", "closed by", "doubted by",
    },
    "medication": {
        *_SAID, "code", "shared code", "unlike", "is a", "includes", "closed by", "doubted by",
    },
    "event": {*_SAID, "from conditions", "from status", "closed by"},
    "lesion": {
        *_SAID, "code", "unit", "accepts", "axis", "site", "method", "measurable",
        "counted by",
    },
    "consent": {*_SAID, "scope"},
    "history": {*_SAID, "code", "of"},
    "qualifier": {*_SAID, "of", "value"},
    "derived": {*_TEXTS, "unit", "formula", "times", "else reported"},
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
    "qualifier": {"of", "value"},
    "derived": {"unit", "formula"},
}
# Lines of which a second one would be dropped in silence.
_ONCE = {
    "label", "field", "of", "unit", "plausible", "limits", "whole numbers", "recurs",
    "closed by", "denied by", "from conditions", "from status", "measurable", "counted by", "scope",
    "else reported", "change", "obtain",
}  # fmt: skip


def unit_problem(code: str) -> str:
    """Which problem a refused unit is: no unit at all, or one of another dimension."""
    try:
        unit(code)
    except UnitError:
        return "unknown-unit"
    return "wrong-unit"


class Properties:
    """The properties of one entry, with what its problems need."""

    def __init__(self, found: Entries, source: Source, entry: knowledge_tree.Entry) -> None:
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

    def all(self, key: str) -> list[knowledge_tree.Property]:
        return [p for p in self.entry.properties if p.key == key]

    def one(self, key: str) -> knowledge_tree.Property | None:
        return next(iter(self.all(key)), None)

    def label(self) -> str:
        prop = self.one("label")
        return prop.text if prop else self.name.replace("_", " ")

    def also(self) -> tuple[str, ...]:
        return listed(prop.text if (prop := self.one("also")) else "")

    def code(self, ref: knowledge_tree.CodeRef) -> voc.Code | None:
        url = self.found.systems.get(ref.system.text)
        if url is None:
            message = f"the code system `{ref.system.text}` is not declared"
            hint = did_you_mean(ref.system.text, self.found.systems) or (
                "declare it with `system NAME URL`, or add `systems` to `uses`"
            )
            self.problem("unknown-system", message, ref.system.span, hint)
            return None
        return voc.Code(url, ref.code.text, ref.display)

    def codes(self, props: Iterable[knowledge_tree.Property]) -> tuple[voc.Code, ...]:
        found = (self.code(ref) for prop in props for ref in prop.codes)
        return tuple(code for code in found if code is not None)

    def past(self) -> tuple[voc.Code, ...]:
        """The codes that say that it was; none of them may say that it is."""
        own = {c.key for c in self.codes([*self.all("code"), *self.all("shared code")])}
        found = []
        for ref in (ref for prop in self.all("history code") for ref in prop.codes):
            code = self.code(ref)
            if code is not None and code.key in own:
                message = f"`{ref.code.text}` is both a code and a history code of `{self.name}`"
                self.problem("code-clash", message, ref.code.span, "keep one of the two")
            elif code is not None:
                found.append(code)
        return tuple(found)

    def no_diagnoses(self) -> None:
        """Tell of codes of diagnoses by which a procedure is to be found."""
        for ref in (ref for prop in self.all("code") for ref in prop.codes):
            if self.found.systems.get(ref.system.text) == ICD_10_CM:
                message = f"`{ref.code.text}` is a diagnosis, which no record of a procedure has"
                hint = f"write `history code {ref.system.text} {ref.code.text}`: it was done before"
                self.problem("wrong-kind", message, ref.code.span, hint)

    def unlike(self) -> tuple[voc.Unlike, ...]:
        """The codes that may be taken for those of the entry; none of them may be one."""
        props = [*self.all("code"), *self.all("shared code"), *self.all("history code")]
        own = {ref.code.text for prop in props for ref in prop.codes}
        found = []
        for prop in (p for p in self.entry.properties if p.key in ("unlike", "near")):
            ref = prop.codes[0]
            code = self.code(ref)
            if ref.code.text in own:
                message = f"`{ref.code.text}` is a code of `{self.name}`, and said to be unlike it"
                self.problem("code-clash", message, ref.code.span)
            elif code is not None:
                found.append(voc.Unlike(code, prop.text, prop.key == "near"))
        return tuple(found)

    def number(self, amount: Amount, unit_code: str) -> Fraction | None:
        """An amount in `unit_code`; without a unit it is taken to be in it already."""
        if amount.unit is None:
            return Fraction(amount.number)
        factor = self.factor(amount.unit, unit_code)
        return None if factor is None else Fraction(amount.number) * factor

    def range(self, key: str, unit_code: str) -> Interval | None:
        """The numbers from one to another, as in `plausible 5 g/L to 300 g/L`."""
        prop = self.one(key)
        if prop is None:
            return None
        low, high = (self.number(amount, unit_code) for amount in prop.amounts)
        if low is None or high is None:
            return None
        found = Interval.at_least(low).intersection(Interval.at_most(high))
        if found is None:
            message = "no number lies in this range"
            self.problem("implausible-limit", message, prop.span, "write the lower number first")
        return found

    def factor(self, word: Word, to: str) -> Fraction | None:
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
                if word.text in SCALES and to == "Cel":
                    accepts[word.text] = SCALES[word.text][0]
                    continue
                factor = self.factor(word, to)
                if factor is not None:
                    accepts[word.text] = factor
        for prop in self.all("accepts where"):
            left, right = prop.amounts
            factor = self._declared(prop.words[0], left, right, to)
            if factor is not None:
                accepts[prop.words[0].text] = factor
        return accepts

    def _declared(self, word: Word, left: Amount, right: Amount, to: str) -> Fraction | None:
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
