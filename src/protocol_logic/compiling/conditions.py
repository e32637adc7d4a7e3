"""Conditions of the text tree to checked conditions: each test gets its entry, kind and values.

Takes: a condition with the source it stands in. Gives: a `core.Condition`, or None where a problem
stands in the way; the problems go to the sink.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from protocol_logic.compiling import core
from protocol_logic.compiling.asked import Asking
from protocol_logic.compiling.comparisons import Comparisons
from protocol_logic.compiling.cues import how_tested, instead_of_values
from protocol_logic.compiling.formulas import Derived
from protocol_logic.compiling.parts import left_out
from protocol_logic.foundation.operators import OPERATORS
from protocol_logic.foundation.units import UNIT_WORDS
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.language import condition_tree, tree
from protocol_logic.language.nodes import Amount, Word

CONSENT_VALUES = OPERATORS["attested"].cells
LESION_VALUES = ("measurable", "none", "contradictory", "not_measurable")


class Conditions(Comparisons, Asking):
    """Checks conditions against the entries and definitions that they can name."""

    def condition(self, node: condition_tree.Condition) -> core.Condition | None:
        text = self.line(node.span)
        if isinstance(
            node,
            condition_tree.AllOf
            | condition_tree.AnyOf
            | condition_tree.NoneOf
            | condition_tree.AtLeast,
        ):
            checked = [
                None if self._is_further_value(before, part) else self.condition(part)
                for before, part in zip((None, *node.parts), node.parts, strict=False)
            ]
            parts = tuple(c for c in checked if c is not None)
            if len(parts) < len(node.parts):
                return None
            text = _in_one_line(self.source.text[node.span.start : node.span.end], parts)
            if isinstance(node, condition_tree.AllOf):
                return core.All(parts=parts, text=text, span=node.span)
            if isinstance(node, condition_tree.AnyOf):
                return core.Any(parts=parts, text=text, span=node.span)
            if isinstance(node, condition_tree.NoneOf):
                any_of = text.replace("none of", "any of", 1)
                inner = core.Any(parts=parts, text=any_of, span=node.span)
                return core.Not(part=inner, text=text, span=node.span)
            return self._at_least(node, parts, text)
        if isinstance(node, condition_tree.Not):
            part = self.condition(node.part)
            return None if part is None else core.Not(part=part, text=text, span=node.span)
        if isinstance(node, condition_tree.Because):
            part = self.condition(self.because(node))
            self._because = ""
            return part
        if isinstance(node, condition_tree.Compares):
            return self.compares(node, text)
        if isinstance(node, condition_tree.ThereIs):
            return self._pattern(node, text)
        if isinstance(node, condition_tree.Broken):
            return None
        return self._test(node, text)

    def _is_further_value(
        self, before: condition_tree.Condition | None, part: condition_tree.Condition
    ) -> bool:
        """Whether a name is but another value: `female` in `sex is male or female`."""
        if not isinstance(before, condition_tree.IsIn) or not isinstance(
            part, condition_tree.Named
        ):
            return False
        name, value = before.name.text, part.name.text
        values: tuple[str, ...] = getattr(self.found.entries.get(name), "values", ())
        if name in self.definitions:
            values = tuple(w.text for w in self.definitions[name][0].values)
        if value in self.found.places or value not in values:
            return False
        both = ", ".join(w.text for w in (*before.values, part.name))
        message = f"`{value}` is a value of `{name}`, no name"
        self.problem("unknown-name", message, part.name.span, f"write `{name} in {both}`")
        return True

    def _at_least(
        self, node: condition_tree.AtLeast, parts: tuple[core.Condition, ...], text: str
    ) -> core.Condition | None:
        if not node.number.text.isdigit() or not 1 <= int(node.number.text) <= len(parts):
            message = f"at least {node.number.text} of {len(parts)} conditions cannot be asked"
            hint = f"write a whole number from 1 to {len(parts)}"
            self.problem("unknown-value", message, node.number.span, hint)
            return None
        number = int(node.number.text)
        return core.AtLeast(number=number, parts=parts, text=text, span=node.span)

    def _test(self, node: condition_tree.Condition, text: str) -> core.Condition | None:
        span = node.span
        if isinstance(node, condition_tree.Named):
            return self._named(node, text)
        if isinstance(node, condition_tree.IsIn):
            return self._has_value(node, text)
        if isinstance(node, condition_tree.Recorded):
            return self._recorded(node, text)
        if isinstance(node, condition_tree.Confirmed):
            concept = self.concept(node.name, "condition")
            if concept is None:
                return None
            if not concept.evidence:
                message = f"nothing in a record confirms `{concept.name}`"
                said = f"{concept.label} confirmed by {node.by.text}"
                hint = f'ask a person beside it: `attested "{said}", because no record says it`'
                self.problem("unknown-value", message, node.by.span, hint)
                return None
            if node.by.text not in concept.evidence:
                self.unknown_value(concept.name, node.by, tuple(concept.evidence))
                return None
            return core.Evidenced(concept=concept.name, by=node.by.text, text=text, span=span)
        if isinstance(node, condition_tree.InEffect):
            concept = self.concept(node.name, "medication")
            if concept is None:
                return None
            return core.InEffect(concept=concept.name, text=text, span=span)
        if isinstance(node, condition_tree.BothSides):
            concept = self.concept(node.name, "procedure")
            if concept is None:
                return None
            return core.OnBothSides(concept=concept.name, text=text, span=span)
        if isinstance(node, condition_tree.Lines):
            return self._lines(node, text)
        if isinstance(node, condition_tree.Todo):
            self.todo_count += 1
            message = f"`{self.pattern_home}` is still to be written"
            self.problem("to-do", message, span, "write its condition in the place of `todo`")
            return core.Todo(home=self.pattern_home, number=self.todo_count, text=text, span=span)
        if isinstance(node, condition_tree.Occurs | condition_tree.NumberOf | condition_tree.Now):
            return self.occurs(node, text)
        if isinstance(node, condition_tree.Allergy):
            return self.allergy(node, text)
        if isinstance(node, condition_tree.Asked):
            return self.asked(node, text)
        assert isinstance(node, condition_tree.Attested)
        consent = self.entry(node.name, voc.Consent)
        if consent is None:
            return None
        return core.HasValue(
            entry=consent.name, values=OPERATORS["attested"].true, text=text, span=span
        )

    def _named(self, node: condition_tree.Named, text: str) -> core.Condition | None:
        name = node.name.text
        if name in self.definitions:
            definition, _ = self.definitions[name]
            if isinstance(definition.body, tree.Decide):
                message = f"`{name}` has values, so it cannot stand alone"
                self.problem("wrong-kind", message, node.name.span, self.how_defined(name))
                return None
            if isinstance(definition.body, tree.Score):
                message = f"`{name}` is a score, so it cannot stand alone"
                self.problem("wrong-kind", message, node.name.span, self.how_defined(name))
                return None
            return core.Defined(name=name, text=text, span=node.span)
        entry = self.entry(node.name, voc.Concept)
        if entry is None:
            return None
        if entry.kind != "condition":
            message = f"`{name}` is a {entry.kind}, so it cannot stand alone"
            self.problem("wrong-kind", message, node.name.span, how_tested(entry))
            return None
        return core.Present(concept=name, text=text, span=node.span)

    def _has_value(self, node: condition_tree.IsIn, text: str) -> core.Condition | None:
        name = node.name.text
        if name in self.definitions:
            definition, _ = self.definitions[name]
            values = tuple(w.text for w in definition.values)
            if not isinstance(definition.body, tree.Decide):
                message = f"`{name}` holds or not; it has no values"
                if isinstance(definition.body, tree.Score):
                    message = f"`{name}` is a score"
                self.problem("wrong-kind", message, node.name.span, self.how_defined(name))
                return None
            if not self.are_values(name, node.values, values):
                return None
            if node.window is not None:
                message = f"`{name}` is made of other things, so it has no window"
                self.problem("wrong-kind", message, node.window.span, _ASK_PARTS)
                return None
            tests = tuple(
                core.Defined(name=name, value=w.text, text=text, span=node.span)
                for w in node.values
            )
            return tests[0] if len(tests) == 1 else core.Any(parts=tests, text=text, span=node.span)
        kinds = (voc.Status, voc.PatientField, voc.Consent, voc.Lesion)
        entry = self.found.entries.get(name)
        values = values_of(entry) if isinstance(entry, kinds) else ()
        missing = [w for w in node.values if w.text in _MISSING and w.text not in values]
        if isinstance(entry, voc.Concept) and all(w.text == "absent" for w in missing):
            missing = []
        if missing and isinstance(entry, _RECORDED):
            message = f"`{name}` cannot be `{missing[0].text}`"
            hint = f"write `{name} is not recorded`"
            self.problem("unknown-value", message, missing[0].span, hint)
            return None
        without = self.found.derived.get(name) or entry
        if isinstance(without, voc.Concept | voc.Quantity | voc.Age | Derived):
            kind = without.kind if isinstance(without, voc.Concept) else "number"
            cue = instead_of_values(without, [w.text for w in node.values])
            message = f"`{name}` is a {kind}, which has no values"
            self.problem("wrong-kind", message, node.name.span, cue)
            return None
        entry = self.entry_of(node.name, kinds)
        if entry is None:
            return None
        window, can_have_one = self.dated_window(node, entry)
        if not self.are_values(name, node.values, values) or not can_have_one:
            return None
        chosen = _in_order((w.text for w in node.values), values)
        if isinstance(entry, voc.Status):
            said = left_out(entry, chosen, self.definitions, node.window is not None)
            if said is not None:
                self.problem("parts-left-out", said[0], node.span, said[1])
        return core.HasValue(entry=name, values=chosen, window=window, text=text, span=node.span)

    def _recorded(self, node: condition_tree.Recorded, text: str) -> core.Condition | None:
        name, span = node.name.text, node.span
        if node.values:
            status = self.entry(node.name, voc.Status)
            if status is None or not self.are_values(name, node.values, status.values):
                return None
            window, can_have_one = self.dated_window(node, status)
            if not can_have_one:
                return None
            values = _in_order((w.text for w in node.values), status.values)
            return core.RecordedAs(entry=name, values=values, window=window, text=text, span=span)
        if name in self.found.derived or name in self.definitions:
            message = f"`{name}` is made of other things, so it cannot be recorded itself"
            self.problem("wrong-kind", message, node.name.span, _ASK_PARTS)
            return None
        entry = self.entry_of(node.name, _RECORDED)
        if entry is None:
            return None
        window, can_have_one = self.dated_window(node, entry)
        if not can_have_one:
            return None
        said = f"{name} is recorded" if node.denied else text
        if node.denied and node.window is not None:
            said += f" {self.line(node.window.span)}"
        test: core.Condition = core.Recorded(entry=name, window=window, text=said, span=span)
        if isinstance(entry, voc.Status):  # the finding of its recorded values says it too
            test = core.RecordedAs(
                entry=name, values=entry.values, window=window, text=said, span=span
            )
        return core.Not(part=test, text=text, span=span) if node.denied else test

    def _lines(self, node: condition_tree.Lines, text: str) -> core.Condition | None:
        concept = self.concept(node.name, "medication")
        if concept is None or (node.intent is not None and not self.is_intent(node.intent)):
            return None
        number = self.whole(node.number, "lines")
        if number is None:
            return None
        return core.LinesOf(
            concept=concept.name,
            intent=node.intent.text if node.intent is not None else None,
            op=node.op,
            number=number,
            text=text,
            span=node.span,
        )

    def _pattern(self, node: condition_tree.ThereIs, text: str) -> core.Condition | None:
        self.pattern_count += 1
        name = f"{self.pattern_home}_pattern_{self.pattern_count}"
        concept = self.concept(node.course.name, "medication")
        intent = node.course.intent
        ok = (intent is None or self.is_intent(intent)) and concept is not None
        called = node.course.called.text
        events: dict[str, voc.Event] = {}
        clauses: list[core.Timing | core.Duration] = []
        for clause in node.clauses:
            event = self.entry(clause.event, voc.Event)
            if event is None:
                ok = False
            else:
                events[event.name] = event
            if isinstance(clause, condition_tree.When):
                points = [p for p in (clause.earliest, clause.latest) if p is not None]
                for point in points:
                    ok = self._called(point.of, called) and ok
                instants = [
                    self._instant(p) if p else None for p in (clause.earliest, clause.latest)
                ]
                clauses.append(
                    core.Timing(
                        text=self.line(clause.span), earliest=instants[0], latest=instants[1]
                    )
                )
            else:
                ok = self._called(clause.course, called) and ok
                if clause.op != ">=":
                    message = f"`lasted` compares with `>=`, not with `{clause.op}`"
                    self.problem("wrong-kind", message, clause.span)
                    ok = False
                months = self._months(clause.amount)
                clauses.append(core.Duration(text=self.line(clause.span), months=months))
        if len(events) > 1:
            message = "the lines of one `there is` speak of more than one event"
            self.problem("wrong-kind", message, node.span, "use one `there is` for each event")
            ok = False
        if not ok or concept is None:
            return None
        return core.Pattern(
            name=name,
            concept=concept.name,
            intent=intent.text if intent is not None else None,
            event=next(iter(events)),
            clauses=tuple(clauses),
            called=called,
            course_text=self.line(node.course.span),
            text=text,
            span=node.span,
        )

    def _called(self, word: Word, called: str) -> bool:
        if word.text != called:
            message = f"`{word.text}` is not the course of this `there is`"
            self.problem("unknown-name", message, word.span, f"the course is called `{called}`")
        return word.text == called

    def _instant(self, point: condition_tree.Point) -> core.Instant:
        return core.Instant(point.edge, self._months(point.offset) if point.offset else 0)

    def _months(self, amount: Amount) -> int:
        per = {"mo": 1, "a": 12}
        unit = amount.unit.text if amount.unit else ""
        code = UNIT_WORDS.get(unit, unit)
        months = Fraction(amount.number) * per.get(code, 0)
        if code not in per or months.denominator != 1:
            message = f"`{self.line(amount.span)}` is not a whole number of months or years"
            hint = "an interval between dates is counted in anniversaries"
            self.problem("wrong-unit", message, amount.span, hint)
            return 0
        return int(months)


def values_of(entry: voc.Named) -> tuple[str, ...]:
    """The values that the latest statement of an entry can have."""
    if isinstance(entry, voc.Status | voc.PatientField):
        return entry.values
    if isinstance(entry, voc.Asked):
        return voc.ASKED_VALUES
    return CONSENT_VALUES if isinstance(entry, voc.Consent) else LESION_VALUES


def _in_order(values: Iterable[str], order: tuple[str, ...]) -> tuple[str, ...]:
    chosen = set(values)
    return tuple(v for v in order if v in chosen)


_ASK_PARTS = "ask it of what goes into it"
_MISSING = ("missing", "unknown", "unrecorded", "absent", "unavailable", "empty", "null")
"""How people write that nothing is recorded."""
# What a record states by facts with a date. Of events and ages the things that they are read from
# are recorded, and of the patient's fields nothing tells "not stated" from "stated otherwise".
_RECORDED: tuple[type[voc.Named], ...] = (
    voc.Quantity,
    voc.Status,
    voc.Concept,
    voc.Lesion,
    voc.Consent,
    voc.History,
)


def _in_one_line(block: str, parts: Sequence[core.Condition]) -> str:
    """A block in one line: its head, a colon, and its conditions with commas between them."""
    head, *rest = block.splitlines()
    if not rest:  # the head of a statement, or a sentence that is no block
        return " ".join(block.split())
    blocks = core.All | core.Any | core.Not
    inside = [
        f"({part.text})" if isinstance(part, blocks) and ": " in part.text else part.text
        for part in parts
    ]
    return f"{' '.join(head.split())}: {', '.join(inside)}"
