"""Lark's parse tree to the nodes of `tree.py`: one method per grammar rule or alias."""

from __future__ import annotations

from typing import Any

from lark import Token, Transformer, v_args
from lark.tree import Meta

from protocol_logic.foundation.source import Source, Span
from protocol_logic.language import tree

# Token types that only hold the grammar together; children keep what carries meaning.
_MEANINGFUL = {
    "NAME", "VALUE", "NUMBER", "UNIT", "DOTTED", "CODE_VALUE", "STRING", "URL", "QUOTE", "COMPARE",
    "KIND", "TITLE", "VERSION", "LANGUAGE", "REGISTRY", "LABEL", "SOURCE", "BECAUSE", "INCLUDE",
    "EXCLUDE", "NEVER", "SITE", "METHOD",
}  # fmt: skip


def _span(meta: Meta) -> Span:
    return Span(meta.start_pos, meta.end_pos) if not meta.empty else tree.NOWHERE


def _word(token: Token) -> tree.Word:
    start = token.start_pos or 0
    return tree.Word(text=str(token), span=Span(start, start + len(token)))


def _text(token: Token) -> tree.Text:
    key, _, text = str(token).partition(" ")
    if "\t" in key:
        key, _, text = str(token).partition("\t")
    start = token.start_pos or 0
    return tree.Text(key=key, text=text.strip(), span=Span(start, start + len(token)))


def _amount(number: Token, unit: Token | None) -> tree.Amount:
    word = _word(unit) if unit is not None else None
    span = _word(number).span
    return tree.Amount(number=str(number), unit=word, span=span.merge(word.span) if word else span)


def _split(children: list[Any]) -> tuple[list[Token], list[Any]]:
    """Tokens that mean something, and nodes, each in order."""
    tokens = [c for c in children if isinstance(c, Token) and c.type in _MEANINGFUL]
    return tokens, [c for c in children if not isinstance(c, Token)]


def _amounts(tokens: list[Token]) -> tuple[tree.Amount, ...]:
    """Each number with the unit that follows it, if any."""
    out = []
    for i, token in enumerate(tokens):
        if token.type == "NUMBER":
            follows = tokens[i + 1] if i + 1 < len(tokens) else None
            out.append(_amount(token, follows if follows and follows.type == "UNIT" else None))
    return tuple(out)


@v_args(meta=True)
class TreeBuilder(Transformer[Token, Any]):
    """Turns the parse tree of one statement of `source` into its node."""

    def __init__(self, source: Source) -> None:
        super().__init__(visit_tokens=False)
        self.source = source

    # ---- statements --------------------------------------------------------------------------

    def statement(self, _meta: Meta, children: list[Any]) -> Any:
        return children[0]

    def protocol(self, meta: Meta, children: list[Any]) -> tree.Heading:
        return self._heading("protocol", meta, children)

    def knowledge(self, meta: Meta, children: list[Any]) -> tree.Heading:
        return self._heading("knowledge", meta, children)

    def policies(self, meta: Meta, children: list[Any]) -> tree.Heading:
        return self._heading("policies", meta, children)

    def policy(self, meta: Meta, children: list[Any]) -> tree.Policy:
        target, number, unit = _split(children)[0]
        return tree.Policy(target=_word(target), within=_amount(number, unit), span=_span(meta))

    def _heading(self, kind: str, meta: Meta, children: list[Any]) -> tree.Heading:
        tokens, nodes = _split(children)
        return tree.Heading(
            kind=kind,
            name=_word(tokens[0]),
            texts=tuple(n for n in nodes if isinstance(n, tree.Text)),
            uses=tuple(w for n in nodes if isinstance(n, list) for w in n),
            span=_span(meta),
        )

    def header_text(self, _meta: Meta, children: list[Any]) -> tree.Text:
        return _text(children[0])

    def header_uses(self, _meta: Meta, children: list[Any]) -> list[tree.Word]:
        return [_word(t) for t in _split(children)[0]]

    def system(self, meta: Meta, children: list[Any]) -> tree.System:
        name, url = _split(children)[0]
        return tree.System(name=_word(name), url=str(url), span=_span(meta))

    def polarity(self, _meta: Meta, children: list[Any]) -> str:
        return "inclusion" if children[0].type == "INCLUDE" else "exclusion"

    def criterion(self, meta: Meta, children: list[Any]) -> tree.Criterion:
        tokens, nodes = _split(children)
        polarity, *rest = nodes
        applies = rest[0].node if isinstance(rest[0], _Applies) else None
        quotes = [str(t)[1:].removeprefix(" ").rstrip() for t in tokens if t.type == "QUOTE"]
        return tree.Criterion(
            polarity=polarity,
            name=_word(next(t for t in tokens if t.type == "NAME")),
            sentence="\n".join(quotes),
            applies=applies,
            condition=rest[-1],
            span=_span(meta),
        )

    def applies_line(self, _meta: Meta, children: list[Any]) -> _Applies:
        return _Applies(_split(children)[1][0])

    applies_block = applies_line

    def definition(self, meta: Meta, children: list[Any]) -> tree.Definition:
        tokens, nodes = _split(children)
        properties = [n for n in nodes if isinstance(n, tree.Property)]
        return tree.Definition(
            name=_word(tokens[0]),
            element=next((n.word for n in nodes if isinstance(n, _Element)), None),
            texts=tuple(
                tree.Text(key=p.key, text=p.text, span=p.span)
                for p in properties
                if p.key != "values"
            ),
            values=tuple(w for p in properties if p.key == "values" for w in p.words),
            body=nodes[-1],
            span=_span(meta),
        )

    def element(self, _meta: Meta, children: list[Any]) -> _Element:
        return _Element(_word(_split(children)[0][0]))

    def decision(self, meta: Meta, children: list[Any]) -> tree.Decide:
        *cases, otherwise = _split(children)[1]
        return tree.Decide(cases=tuple(cases), otherwise=otherwise, span=_span(meta))

    def case_line(self, meta: Meta, children: list[Any]) -> tree.Case:
        tokens, nodes = _split(children)
        return tree.Case(value=_word(tokens[0]), condition=nodes[0], span=_span(meta))

    case_block = case_line

    def otherwise(self, _meta: Meta, children: list[Any]) -> tree.Word:
        return _word(_split(children)[0][0])

    # ---- conditions --------------------------------------------------------------------------

    def all_of(self, meta: Meta, children: list[Any]) -> tree.AllOf:
        return tree.AllOf(parts=tuple(_split(children)[1]), span=_span(meta))

    def any_of(self, meta: Meta, children: list[Any]) -> tree.AnyOf:
        return tree.AnyOf(parts=tuple(_split(children)[1]), span=_span(meta))

    conjunction = all_of
    disjunction = any_of

    def none_of(self, meta: Meta, children: list[Any]) -> tree.NoneOf:
        return tree.NoneOf(parts=tuple(_split(children)[1]), span=_span(meta))

    def at_least(self, meta: Meta, children: list[Any]) -> tree.AtLeast:
        tokens, nodes = _split(children)
        return tree.AtLeast(number=_word(tokens[0]), parts=tuple(nodes), span=_span(meta))

    def line(self, _meta: Meta, children: list[Any]) -> Any:
        return _split(children)[1][0]

    def negation(self, meta: Meta, children: list[Any]) -> tree.Not:
        return tree.Not(part=_split(children)[1][0], span=_span(meta))

    def named(self, meta: Meta, children: list[Any]) -> tree.Named:
        return tree.Named(name=_word(children[0]), span=_span(meta))

    def is_value(self, meta: Meta, children: list[Any]) -> tree.IsIn:
        name, *values = _split(children)[0]
        return tree.IsIn(name=_word(name), values=tuple(_word(v) for v in values), span=_span(meta))

    in_values = is_value

    def recorded(self, meta: Meta, children: list[Any]) -> tree.Recorded:
        name, *values = _split(children)[0]
        return tree.Recorded(
            name=_word(name), values=tuple(_word(v) for v in values), span=_span(meta)
        )

    def not_recorded(self, meta: Meta, children: list[Any]) -> tree.Recorded:
        return tree.Recorded(name=_word(children[0]), denied=True, span=_span(meta))

    def compares(self, meta: Meta, children: list[Any]) -> tree.Compares:
        tokens, nodes = _split(children)
        limit, *exceptions = nodes
        return tree.Compares(
            name=_word(tokens[0]), limit=limit, exceptions=tuple(exceptions), span=_span(meta)
        )

    def plain_limit(self, meta: Meta, children: list[Any]) -> tree.Limit:
        op, number, *unit = _split(children)[0]
        amount = _amount(number, unit[0] if unit else None)
        return tree.Limit(op=str(op), amount=amount, span=_span(meta))

    def uln_limit(self, meta: Meta, children: list[Any]) -> tree.Limit:
        op, number = _split(children)[0]
        return tree.Limit(op=str(op), amount=_amount(number, None), per_uln=True, span=_span(meta))

    def exception(self, meta: Meta, children: list[Any]) -> tree.Exception_:
        limit, condition = _split(children)[1]
        return tree.Exception_(limit=limit, condition=condition, span=_span(meta))

    def confirmed(self, meta: Meta, children: list[Any]) -> tree.Confirmed:
        name, by = _split(children)[0]
        return tree.Confirmed(name=_word(name), by=_word(by), span=_span(meta))

    def in_effect(self, meta: Meta, children: list[Any]) -> tree.InEffect:
        return tree.InEffect(name=_word(children[0]), span=_span(meta))

    def both_sides(self, meta: Meta, children: list[Any]) -> tree.BothSides:
        return tree.BothSides(name=_word(children[0]), span=_span(meta))

    def lines(self, meta: Meta, children: list[Any]) -> tree.Lines:
        name, intent, op, number = _split(children)[0]
        return tree.Lines(
            name=_word(name),
            intent=_word(intent),
            op=str(op),
            number=_word(number),
            span=_span(meta),
        )

    def attested(self, meta: Meta, children: list[Any]) -> tree.Attested:
        return tree.Attested(name=_word(_split(children)[0][0]), span=_span(meta))

    def there_is(self, meta: Meta, children: list[Any]) -> tree.ThereIs:
        course, *clauses = _split(children)[1]
        return tree.ThereIs(course=course, clauses=tuple(clauses), span=_span(meta))

    def course(self, meta: Meta, children: list[Any]) -> tree.Course:
        name, intent, called = (_word(t) for t in _split(children)[0])
        return tree.Course(name=name, intent=intent, called=called, span=_span(meta))

    def between(self, meta: Meta, children: list[Any]) -> tree.When:
        tokens, points = _split(children)
        return tree.When(
            event=_word(tokens[0]), earliest=points[0], latest=points[1], span=_span(meta)
        )

    def not_before(self, meta: Meta, children: list[Any]) -> tree.When:
        tokens, points = _split(children)
        return tree.When(event=_word(tokens[0]), earliest=points[0], latest=None, span=_span(meta))

    def not_after(self, meta: Meta, children: list[Any]) -> tree.When:
        tokens, points = _split(children)
        return tree.When(event=_word(tokens[0]), earliest=None, latest=points[0], span=_span(meta))

    def lasted(self, meta: Meta, children: list[Any]) -> tree.Lasted:
        course, op, number, unit, event = _split(children)[0]
        return tree.Lasted(
            course=_word(course),
            op=str(op),
            amount=_amount(number, unit),
            event=_word(event),
            span=_span(meta),
        )

    def start_point(self, meta: Meta, children: list[Any]) -> tree.Point:
        return self._point("start", meta, children)

    def end_point(self, meta: Meta, children: list[Any]) -> tree.Point:
        return self._point("end", meta, children)

    after_start = start_point
    after_end = end_point

    def _point(self, edge: str, meta: Meta, children: list[Any]) -> tree.Point:
        *offset, of = _split(children)[0]
        amount = _amount(offset[0], offset[1]) if offset else None
        return tree.Point(offset=amount, edge=edge, of=_word(of), span=_span(meta))

    # ---- knowledge entries -------------------------------------------------------------------

    def entry(self, meta: Meta, children: list[Any]) -> tree.Entry:
        tokens, nodes = _split(children)
        return tree.Entry(
            kind=str(tokens[0]),
            name=_word(tokens[1]),
            element=next((n.word for n in nodes if isinstance(n, _Element)), None),
            properties=tuple(n for n in nodes if isinstance(n, tree.Property)),
            span=_span(meta),
        )

    def text_property(self, meta: Meta, children: list[Any]) -> tree.Property:
        text = _text(children[0])
        return tree.Property(key=text.key, text=text.text, span=_span(meta))

    def code(self, meta: Meta, children: list[Any]) -> tree.CodeRef:
        system, code, *display = _split(children)[0]
        return tree.CodeRef(
            system=_word(system),
            code=_word(code),
            display=str(display[0])[1:-1] if display else "",
            span=_span(meta),
        )

    def code_meaning(self, _meta: Meta, children: list[Any]) -> Any:
        return children[0]

    def range_meaning(self, meta: Meta, children: list[Any]) -> tree.Range:
        op, number, *unit = _split(children)[0]
        amount = _amount(number, unit[0] if unit else None)
        return tree.Range(op=str(op), amount=amount, span=_span(meta))

    def size(self, meta: Meta, children: list[Any]) -> tree.Size:
        tokens = _split(children)[0]
        if tokens[0].type == "NEVER":
            return tree.Size(axis=None, limit=None, span=_span(meta))
        axis, op, number, unit = tokens
        return tree.Size(
            axis=_word(axis), op=str(op), limit=_amount(number, unit), span=_span(meta)
        )

    def measurable_property(self, meta: Meta, children: list[Any]) -> tree.Property:
        tokens, sizes = _split(children)
        guards = zip(tokens[::2], tokens[1::2], strict=True)
        main, *exceptions = sizes
        guarded = [
            tree.Size(
                axis=size.axis,
                op=size.op,
                limit=size.limit,
                attribute=str(attribute),
                value=_word(value),
                span=size.span,
            )
            for size, (attribute, value) in zip(exceptions, guards, strict=True)
        ]
        return tree.Property(key="measurable", sizes=(*guarded, main), span=_span(meta))

    def _property(self, key: str, meta: Meta, children: list[Any]) -> tree.Property:
        tokens, nodes = _split(children)
        words = tuple(_word(t) for t in tokens if t.type in {"NAME", "VALUE", "UNIT", "COMPARE"})
        return tree.Property(
            key=key,
            words=words,
            codes=tuple(n for n in nodes if isinstance(n, tree.CodeRef)),
            amounts=_amounts(tokens),
            span=_span(meta),
        )

    def code_property(self, meta: Meta, children: list[Any]) -> tree.Property:
        return self._property("code", meta, children)

    def unlike_property(self, meta: Meta, children: list[Any]) -> tree.Property:
        tokens, codes = _split(children)
        reason = str(tokens[0]).removeprefix("because").strip()
        return tree.Property(key="unlike", codes=tuple(codes), text=reason, span=_span(meta))

    def unit_property(self, meta: Meta, children: list[Any]) -> tree.Property:
        return self._property("unit", meta, children)

    def accepts_property(self, meta: Meta, children: list[Any]) -> tree.Property:
        return self._property("accepts", meta, children)

    def accepts_where_property(self, meta: Meta, children: list[Any]) -> tree.Property:
        found = self._property("accepts where", meta, children)
        return tree.Property(
            key="accepts where", words=found.words[:1], amounts=found.amounts, span=found.span
        )

    def plausible_property(self, meta: Meta, children: list[Any]) -> tree.Property:
        return self._property("plausible", meta, children)

    def meaning_property(self, meta: Meta, children: list[Any]) -> tree.Property:
        tokens, meanings = _split(children)
        return tree.Property(
            key="value", words=(_word(tokens[0]),), meanings=tuple(meanings), span=_span(meta)
        )

    def values_property(self, meta: Meta, children: list[Any]) -> tree.Property:
        return self._property("values", meta, children)

    def attested_property(self, meta: Meta, children: list[Any]) -> tree.Property:
        return self._property("attested", meta, children)

    def parents_property(self, meta: Meta, children: list[Any]) -> tree.Property:
        return self._property("is a", meta, children)

    def closed_property(self, meta: Meta, children: list[Any]) -> tree.Property:
        return self._property("closed by", meta, children)

    def denied_line(self, meta: Meta, children: list[Any]) -> tree.Property:
        condition = _split(children)[1][0]
        return tree.Property(key="denied by", condition=condition, span=_span(meta))

    denied_block = denied_line

    def evidence_property(self, meta: Meta, children: list[Any]) -> tree.Property:
        return self._property("evidence", meta, children)

    def field_property(self, meta: Meta, children: list[Any]) -> tree.Property:
        return self._property("field", meta, children)

    def of_property(self, meta: Meta, children: list[Any]) -> tree.Property:
        return self._property("of", meta, children)

    def from_conditions(self, meta: Meta, children: list[Any]) -> tree.Property:
        return self._typed("from conditions", meta, children)

    def from_status(self, meta: Meta, children: list[Any]) -> tree.Property:
        return self._typed("from status", meta, children)

    def _typed(self, key: str, meta: Meta, children: list[Any]) -> tree.Property:
        """Names as words, values as ranges' place: told apart by where they stand."""
        tokens = _split(children)[0]
        names = tuple(_word(t) for t in tokens if t.type == "NAME")
        values = tuple(
            tree.Amount(number=str(t), span=_word(t).span) for t in tokens if t.type == "VALUE"
        )
        return tree.Property(key=key, words=names, amounts=values, span=_span(meta))

    def axis_property(self, meta: Meta, children: list[Any]) -> tree.Property:
        return self._property("axis", meta, children)

    def site_property(self, meta: Meta, children: list[Any]) -> tree.Property:
        return self._property("site", meta, children)

    def method_property(self, meta: Meta, children: list[Any]) -> tree.Property:
        return self._property("method", meta, children)

    def counted_property(self, meta: Meta, children: list[Any]) -> tree.Property:
        return self._property("counted by", meta, children)

    def scope_property(self, meta: Meta, children: list[Any]) -> tree.Property:
        return self._property("scope", meta, children)

    def formula_property(self, meta: Meta, children: list[Any]) -> tree.Property:
        formula = _split(children)[1][0]
        return tree.Property(key="formula", formula=formula, span=_span(meta))

    def times_property(self, meta: Meta, children: list[Any]) -> tree.Property:
        return self._property("times", meta, children)

    def reported_property(self, meta: Meta, children: list[Any]) -> tree.Property:
        return self._property("else reported", meta, children)

    # ---- formulas ----------------------------------------------------------------------------

    def number(self, meta: Meta, children: list[Any]) -> tree.Number:
        return tree.Number(text=str(children[0]), span=_span(meta))

    def input(self, meta: Meta, children: list[Any]) -> tree.Input:
        name, unit = _split(children)[0]
        return tree.Input(name=_word(name), unit=_word(unit), span=_span(meta))

    def factor(self, _meta: Meta, children: list[Any]) -> Any:
        return _split(children)[1][0]

    def add(self, meta: Meta, children: list[Any]) -> tree.Binary:
        return self._binary("+", meta, children)

    def subtract(self, meta: Meta, children: list[Any]) -> tree.Binary:
        return self._binary("-", meta, children)

    def multiply(self, meta: Meta, children: list[Any]) -> tree.Binary:
        return self._binary("*", meta, children)

    def divide(self, meta: Meta, children: list[Any]) -> tree.Binary:
        return self._binary("/", meta, children)

    def _binary(self, op: str, meta: Meta, children: list[Any]) -> tree.Binary:
        left, right = _split(children)[1]
        return tree.Binary(op=op, left=left, right=right, span=_span(meta))


class _Applies:
    """The condition of `applies if`, told apart from the criterion's own."""

    def __init__(self, node: tree.Condition) -> None:
        self.node = node


class _Element:
    """The id after `element`."""

    def __init__(self, word: tree.Word) -> None:
        self.word = word
