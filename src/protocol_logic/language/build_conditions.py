"""Conditions: one method per grammar rule or alias, for the builder in `build.py`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lark import v_args
from lark.tree import Meta

from protocol_logic.foundation.source import Span
from protocol_logic.language import condition_tree
from protocol_logic.language.build_occurrences import OccurrenceBuilder
from protocol_logic.language.build_parts import amount_of, parted, span_of, word_of
from protocol_logic.language.nodes import Limit, Text, Word


@v_args(meta=True)
class ConditionBuilder(OccurrenceBuilder):
    """Parse trees of conditions to nodes."""

    def all_of(self, meta: Meta, children: list[Any]) -> condition_tree.AllOf:
        return condition_tree.AllOf(parts=tuple(parted(children)[1]), span=span_of(meta))

    def any_of(self, meta: Meta, children: list[Any]) -> condition_tree.AnyOf:
        return condition_tree.AnyOf(parts=tuple(parted(children)[1]), span=span_of(meta))

    conjunction = all_of
    disjunction = any_of

    def none_of(self, meta: Meta, children: list[Any]) -> condition_tree.NoneOf:
        return condition_tree.NoneOf(parts=tuple(parted(children)[1]), span=span_of(meta))

    def at_least(self, meta: Meta, children: list[Any]) -> condition_tree.AtLeast:
        tokens, nodes = parted(children)
        return condition_tree.AtLeast(
            number=word_of(tokens[0]), parts=tuple(nodes), span=span_of(meta)
        )

    def line(self, _meta: Meta, children: list[Any]) -> Any:
        return parted(children)[1][0]

    def negation(self, meta: Meta, children: list[Any]) -> condition_tree.Not:
        return condition_tree.Not(part=parted(children)[1][0], span=span_of(meta))

    def named(self, meta: Meta, children: list[Any]) -> condition_tree.Named:
        return condition_tree.Named(name=word_of(children[0]), span=span_of(meta))

    def is_value(self, meta: Meta, children: list[Any]) -> condition_tree.IsIn:
        (name, *values), windows = parted(children)
        return condition_tree.IsIn(
            name=word_of(name),
            values=tuple(word_of(v) for v in values),
            window=next(iter(windows), None),
            span=span_of(meta),
        )

    in_values = is_value

    def recorded(self, meta: Meta, children: list[Any]) -> condition_tree.Recorded:
        (name, *values), windows = parted(children)
        return condition_tree.Recorded(
            name=word_of(name),
            values=tuple(word_of(v) for v in values),
            window=next(iter(windows), None),
            span=span_of(meta),
        )

    def not_recorded(self, meta: Meta, children: list[Any]) -> condition_tree.Recorded:
        return replace(self.recorded(meta, children), denied=True)

    def compares(self, meta: Meta, children: list[Any]) -> condition_tree.Compares:
        tokens, nodes = parted(children)
        return condition_tree.Compares(
            name=word_of(tokens[0]),
            limit=next(n for n in nodes if isinstance(n, Limit)),
            exceptions=tuple(n for n in nodes if isinstance(n, condition_tree.Exception_)),
            window=next((n for n in nodes if isinstance(n, condition_tree.Window)), None),
            taken=next((n for n in nodes if isinstance(n, str)), ""),
            span=span_of(meta),
        )

    def taken(self, _meta: Meta, children: list[Any]) -> str:
        return str(children[0])

    def plain_limit(self, meta: Meta, children: list[Any]) -> Limit:
        op, number, *unit = parted(children)[0]
        amount = amount_of(number, unit[0] if unit else None)
        return Limit(op=str(op), amount=amount, span=span_of(meta))

    def uln_limit(self, meta: Meta, children: list[Any]) -> Limit:
        return self._multiple("ULN", meta, children)

    def lln_limit(self, meta: Meta, children: list[Any]) -> Limit:
        return self._multiple("LLN", meta, children)

    def _multiple(self, per: str, meta: Meta, children: list[Any]) -> Limit:
        op, number = parted(children)[0]
        return Limit(op=str(op), amount=amount_of(number), per=per, span=span_of(meta))

    def exception(self, meta: Meta, children: list[Any]) -> condition_tree.Exception_:
        limit, condition = parted(children)[1]
        return condition_tree.Exception_(limit=limit, condition=condition, span=span_of(meta))

    def confirmed(self, meta: Meta, children: list[Any]) -> condition_tree.Confirmed:
        name, by = parted(children)[0]
        return condition_tree.Confirmed(name=word_of(name), by=word_of(by), span=span_of(meta))

    def in_effect(self, meta: Meta, children: list[Any]) -> condition_tree.InEffect:
        return condition_tree.InEffect(name=word_of(children[0]), span=span_of(meta))

    def both_sides(self, meta: Meta, children: list[Any]) -> condition_tree.BothSides:
        return condition_tree.BothSides(name=word_of(children[0]), span=span_of(meta))

    def lines(self, meta: Meta, children: list[Any]) -> condition_tree.Lines:
        name, *intent, op, number = parted(children)[0]
        return condition_tree.Lines(
            name=word_of(name),
            intent=word_of(intent[0]) if intent else None,
            op=str(op),
            number=amount_of(number),
            span=span_of(meta),
        )

    def attested(self, meta: Meta, children: list[Any]) -> condition_tree.Attested:
        return condition_tree.Attested(name=word_of(parted(children)[0][-1]), span=span_of(meta))

    def asked(self, meta: Meta, children: list[Any]) -> condition_tree.Asked:
        how, statement = parted(children)[0]
        quoted = word_of(statement)
        inside = Span(quoted.span.start + 1, quoted.span.end - 1)
        word = Word(text=quoted.text[1:-1], span=inside)
        return condition_tree.Asked(how=str(how), statement=word, span=span_of(meta))

    def because(self, meta: Meta, children: list[Any]) -> condition_tree.Because:
        tokens, nodes = parted(children)
        word = word_of(tokens[0])
        comma, key, reason = word.text.partition("because")
        place = Span(word.span.start + len(comma), word.span.end)
        text = Text(key=key, text=reason.strip(), span=place)
        return condition_tree.Because(part=nodes[0], reason=text, span=span_of(meta))

    def todo(self, meta: Meta, _children: list[Any]) -> condition_tree.Todo:
        return condition_tree.Todo(span=span_of(meta))

    def there_is(self, meta: Meta, children: list[Any]) -> condition_tree.ThereIs:
        course, *clauses = parted(children)[1]
        return condition_tree.ThereIs(course=course, clauses=tuple(clauses), span=span_of(meta))

    def course(self, meta: Meta, children: list[Any]) -> condition_tree.Course:
        name, *intent, called = (word_of(t) for t in parted(children)[0])
        return condition_tree.Course(
            name=name,
            intent=intent[0] if intent else None,
            called=called,
            span=span_of(meta),
        )

    def between(self, meta: Meta, children: list[Any]) -> condition_tree.When:
        tokens, points = parted(children)
        return condition_tree.When(
            event=word_of(tokens[0]), earliest=points[0], latest=points[1], span=span_of(meta)
        )

    def not_before(self, meta: Meta, children: list[Any]) -> condition_tree.When:
        tokens, points = parted(children)
        return condition_tree.When(
            event=word_of(tokens[0]), earliest=points[0], latest=None, span=span_of(meta)
        )

    def not_after(self, meta: Meta, children: list[Any]) -> condition_tree.When:
        tokens, points = parted(children)
        return condition_tree.When(
            event=word_of(tokens[0]), earliest=None, latest=points[0], span=span_of(meta)
        )

    def lasted(self, meta: Meta, children: list[Any]) -> condition_tree.Lasted:
        [course, op, event], [duration] = parted(children)
        return condition_tree.Lasted(
            course=word_of(course),
            op=str(op),
            amount=duration,
            event=word_of(event),
            span=span_of(meta),
        )

    def start_point(self, meta: Meta, children: list[Any]) -> condition_tree.Point:
        return self._point("start", meta, children)

    def end_point(self, meta: Meta, children: list[Any]) -> condition_tree.Point:
        return self._point("end", meta, children)

    after_start = start_point
    after_end = end_point

    def _point(self, edge: str, meta: Meta, children: list[Any]) -> condition_tree.Point:
        [of], offset = parted(children)
        return condition_tree.Point(
            offset=offset[0] if offset else None, edge=edge, of=word_of(of), span=span_of(meta)
        )
