"""Lark's parse tree to the nodes of `tree.py`: one method per grammar rule or alias."""

from __future__ import annotations

from typing import Any, NamedTuple

from lark import v_args
from lark.tree import Meta

from protocol_logic.foundation.source import Source
from protocol_logic.language import condition_tree, knowledge_tree, tree
from protocol_logic.language.build_changes import ChangeBuilder
from protocol_logic.language.build_conditions import ConditionBuilder
from protocol_logic.language.build_examples import ExampleBuilder
from protocol_logic.language.build_formulas import FormulaBuilder
from protocol_logic.language.build_parts import (
    amount_of,
    amounts_in,
    parted,
    quotes_in,
    span_of,
    text_of,
    word_of,
)
from protocol_logic.language.nodes import Amount, Text, Word


@v_args(meta=True)
class TreeBuilder(ConditionBuilder, ExampleBuilder, FormulaBuilder, ChangeBuilder):
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
        target, number, unit = parted(children)[0]
        return tree.Policy(
            target=word_of(target), within=amount_of(number, unit), span=span_of(meta)
        )

    def parameter(self, meta: Meta, children: list[Any]) -> tree.Parameter:
        tokens, nodes = parted(children)
        return tree.Parameter(
            name=word_of(tokens[0]),
            texts=tuple(
                Text(key=n.key, text=n.text, span=n.span)
                for n in nodes
                if isinstance(n, knowledge_tree.Property)
            ),
            values=tuple(n for n in nodes if isinstance(n, Amount)),
            span=span_of(meta),
        )

    def parameter_value(self, _meta: Meta, children: list[Any]) -> Any:
        return parted(children)[1][0]

    def parameter_date(self, meta: Meta, children: list[Any]) -> knowledge_tree.Property:
        day = parted(children)[0][0]
        return knowledge_tree.Property(key="date", text=str(day), span=span_of(meta))

    def setting(self, meta: Meta, children: list[Any]) -> tree.Setting:
        [name], [value] = parted(children)
        return tree.Setting(name=word_of(name), value=value, span=span_of(meta))

    def amount(self, _meta: Meta, children: list[Any]) -> Amount:
        return amount_of(*parted(children)[0])

    duration = amount

    def _heading(self, kind: str, meta: Meta, children: list[Any]) -> tree.Heading:
        tokens, nodes = parted(children)
        return tree.Heading(
            kind=kind,
            name=word_of(tokens[0]),
            texts=tuple(n for n in nodes if isinstance(n, Text)),
            uses=tuple(w for n in nodes if isinstance(n, list) for w in n),
            span=span_of(meta),
        )

    def header_text(self, _meta: Meta, children: list[Any]) -> Text:
        return text_of(children[0])

    def header_pin(self, meta: Meta, children: list[Any]) -> Text:
        return Text(key="knowledge", text=str(parted(children)[0][0]), span=span_of(meta))

    def header_uses(self, _meta: Meta, children: list[Any]) -> list[Word]:
        return [word_of(t) for t in parted(children)[0]]

    def system(self, meta: Meta, children: list[Any]) -> tree.System:
        name, url = parted(children)[0]
        return tree.System(name=word_of(name), url=str(url), span=span_of(meta))

    def scope(self, meta: Meta, children: list[Any]) -> tree.Scope:
        name, *texts = parted(children)[0]
        return tree.Scope(
            name=word_of(name), texts=tuple(text_of(t) for t in texts), span=span_of(meta)
        )

    def for_scopes(self, _meta: Meta, children: list[Any]) -> list[Word]:
        return [word_of(t) for t in parted(children)[0]]

    def timepoint(self, meta: Meta, children: list[Any]) -> tree.Timepoint:
        name, *texts = parted(children)[0]
        return tree.Timepoint(
            name=word_of(name), texts=tuple(text_of(t) for t in texts), span=span_of(meta)
        )

    def at_timepoint(self, _meta: Meta, children: list[Any]) -> Word:
        return word_of(parted(children)[0][0])

    def polarity(self, _meta: Meta, children: list[Any]) -> str:
        return "inclusion" if children[0].type == "INCLUDE" else "exclusion"

    def criterion(self, meta: Meta, children: list[Any]) -> tree.Criterion:
        tokens, nodes = parted(children)
        polarity, *others, condition = nodes
        guard = {each.word: each.node for each in others if isinstance(each, _Guard)}
        scopes = [word for each in others if isinstance(each, list) for word in each]
        return tree.Criterion(
            polarity=polarity,
            name=word_of(next(t for t in tokens if t.type == "NAME")),
            scopes=tuple(scopes),
            at=next((each for each in others if isinstance(each, Word)), None),
            quotes=quotes_in(tokens),
            missing=next((each for each in others if isinstance(each, tree.Missing)), None),
            applies=guard.get("applies"),
            excepted=guard.get("except"),
            condition=condition,
            span=span_of(meta),
        )

    def missing(self, meta: Meta, children: list[Any]) -> tree.Missing:
        return tree.Missing(met=parted(children)[0][0].type == "MET", span=span_of(meta))

    def note(self, meta: Meta, children: list[Any]) -> tree.Note:
        name, *quotes = parted(children)[0]
        return tree.Note(name=word_of(name), quotes=quotes_in(quotes), span=span_of(meta))

    def applies_line(self, _meta: Meta, children: list[Any]) -> _Guard:
        return _Guard("applies", parted(children)[1][0])

    applies_block = applies_line

    def except_line(self, _meta: Meta, children: list[Any]) -> _Guard:
        return _Guard("except", parted(children)[1][0])

    except_block = except_line

    def definition(self, meta: Meta, children: list[Any]) -> tree.Definition:
        tokens, nodes = parted(children)
        properties = [n for n in nodes if isinstance(n, knowledge_tree.Property)]
        return tree.Definition(
            name=word_of(tokens[0]),
            element=next((n.word for n in nodes if isinstance(n, _Element)), None),
            texts=tuple(
                Text(key=p.key, text=p.text, span=p.span) for p in properties if p.key != "values"
            ),
            values=tuple(w for p in properties if p.key == "values" for w in p.words),
            body=nodes[-1],
            span=span_of(meta),
        )

    def element(self, _meta: Meta, children: list[Any]) -> _Element:
        return _Element(word_of(parted(children)[0][0]))

    def decision(self, meta: Meta, children: list[Any]) -> tree.Decide:
        *cases, otherwise = parted(children)[1]
        return tree.Decide(cases=tuple(cases), otherwise=otherwise, span=span_of(meta))

    def case_line(self, meta: Meta, children: list[Any]) -> tree.Case:
        tokens, nodes = parted(children)
        return tree.Case(value=word_of(tokens[0]), condition=nodes[0], span=span_of(meta))

    case_block = case_line

    def otherwise(self, _meta: Meta, children: list[Any]) -> Word:
        return word_of(parted(children)[0][0])

    def score(self, meta: Meta, children: list[Any]) -> tree.Definition:
        tokens, nodes = parted(children)
        properties = [n for n in nodes if isinstance(n, knowledge_tree.Property)]
        parts = tuple(n for n in nodes if isinstance(n, tree.Addend))
        return tree.Definition(
            name=word_of(tokens[0]),
            element=next((n.word for n in nodes if isinstance(n, _Element)), None),
            texts=tuple(Text(key=p.key, text=p.text, span=p.span) for p in properties),
            values=(),
            body=tree.Score(parts=parts, span=span_of(meta)),
            span=span_of(meta),
        )

    def add_cases(self, meta: Meta, children: list[Any]) -> tree.Addend:
        tokens, cases = parted(children)
        return tree.Addend(cases=tuple(cases), otherwise=word_of(tokens[0]), span=span_of(meta))

    def add_if(self, meta: Meta, children: list[Any]) -> tree.Addend:
        case = self.case_line(meta, children)
        return tree.Addend(cases=(case,), otherwise=None, span=span_of(meta))

    # ---- knowledge entries -------------------------------------------------------------------

    def entry(self, meta: Meta, children: list[Any]) -> knowledge_tree.Entry:
        tokens, nodes = parted(children)
        return knowledge_tree.Entry(
            kind=str(tokens[0]),
            name=word_of(tokens[1]),
            element=next((n.word for n in nodes if isinstance(n, _Element)), None),
            properties=tuple(n for n in nodes if isinstance(n, knowledge_tree.Property)),
            span=span_of(meta),
        )

    def extend(self, meta: Meta, children: list[Any]) -> tree.Extend:
        tokens, nodes = parted(children)
        return tree.Extend(
            name=word_of(tokens[0]),
            properties=tuple(n for n in nodes if isinstance(n, knowledge_tree.Property)),
            span=span_of(meta),
        )

    def text_property(self, meta: Meta, children: list[Any]) -> knowledge_tree.Property:
        text = text_of(children[0])
        return knowledge_tree.Property(key=text.key, text=text.text, span=span_of(meta))

    def code(self, meta: Meta, children: list[Any]) -> knowledge_tree.CodeRef:
        system, code, *display = parted(children)[0]
        return knowledge_tree.CodeRef(
            system=word_of(system),
            code=word_of(code),
            display=str(display[0])[1:-1] if display else "",
            span=span_of(meta),
        )

    def code_meaning(self, _meta: Meta, children: list[Any]) -> Any:
        return children[0]

    def range_meaning(self, meta: Meta, children: list[Any]) -> knowledge_tree.Range:
        op, number, *unit = parted(children)[0]
        amount = amount_of(number, unit[0] if unit else None)
        return knowledge_tree.Range(op=str(op), amount=amount, span=span_of(meta))

    def size(self, meta: Meta, children: list[Any]) -> knowledge_tree.Size:
        tokens = parted(children)[0]
        if tokens[0].type == "NEVER":
            return knowledge_tree.Size(axis=None, limit=None, span=span_of(meta))
        axis, op, number, unit = tokens
        return knowledge_tree.Size(
            axis=word_of(axis), op=str(op), limit=amount_of(number, unit), span=span_of(meta)
        )

    def measurable_property(self, meta: Meta, children: list[Any]) -> knowledge_tree.Property:
        tokens, sizes = parted(children)
        guards = zip(tokens[::2], tokens[1::2], strict=True)
        main, *exceptions = sizes
        guarded = [
            knowledge_tree.Size(
                axis=size.axis,
                op=size.op,
                limit=size.limit,
                attribute=str(attribute),
                value=word_of(value),
                span=size.span,
            )
            for size, (attribute, value) in zip(exceptions, guards, strict=True)
        ]
        return knowledge_tree.Property(key="measurable", sizes=(*guarded, main), span=span_of(meta))

    def _property(self, key: str, meta: Meta, children: list[Any]) -> knowledge_tree.Property:
        tokens, nodes = parted(children)
        words = tuple(word_of(t) for t in tokens if t.type in {"NAME", "VALUE", "UNIT", "COMPARE"})
        return knowledge_tree.Property(
            key=key,
            words=words,
            codes=tuple(n for n in nodes if isinstance(n, knowledge_tree.CodeRef)),
            amounts=amounts_in(tokens),
            span=span_of(meta),
        )

    def code_property(self, meta: Meta, children: list[Any]) -> knowledge_tree.Property:
        return self._property("code", meta, children)

    def past_property(self, meta: Meta, children: list[Any]) -> knowledge_tree.Property:
        return self._property("history code", meta, children)

    def shared_property(self, meta: Meta, children: list[Any]) -> knowledge_tree.Property:
        return self._property("shared code", meta, children)

    def unlike_property(self, meta: Meta, children: list[Any]) -> knowledge_tree.Property:
        return self._other_code("unlike", meta, children)

    def near_property(self, meta: Meta, children: list[Any]) -> knowledge_tree.Property:
        return self._other_code("near", meta, children)

    def _other_code(self, key: str, meta: Meta, children: list[Any]) -> knowledge_tree.Property:
        tokens, codes = parted(children)
        reason = str(tokens[0]).removeprefix("because").strip()
        return knowledge_tree.Property(key=key, codes=tuple(codes), text=reason, span=span_of(meta))

    def unit_property(self, meta: Meta, children: list[Any]) -> knowledge_tree.Property:
        return self._property("unit", meta, children)

    def accepts_property(self, meta: Meta, children: list[Any]) -> knowledge_tree.Property:
        return self._property("accepts", meta, children)

    def accepts_where_property(self, meta: Meta, children: list[Any]) -> knowledge_tree.Property:
        found = self._property("accepts where", meta, children)
        return knowledge_tree.Property(
            key="accepts where", words=found.words[:1], amounts=found.amounts, span=found.span
        )

    def plausible_property(self, meta: Meta, children: list[Any]) -> knowledge_tree.Property:
        return self._property("plausible", meta, children)

    def limits_property(self, meta: Meta, children: list[Any]) -> knowledge_tree.Property:
        return self._property("limits", meta, children)

    def whole_property(self, meta: Meta, children: list[Any]) -> knowledge_tree.Property:
        return self._property("whole numbers", meta, children)

    def meaning_property(self, meta: Meta, children: list[Any]) -> knowledge_tree.Property:
        tokens, meanings = parted(children)
        return knowledge_tree.Property(
            key="value", words=(word_of(tokens[0]),), meanings=tuple(meanings), span=span_of(meta)
        )

    def values_property(self, meta: Meta, children: list[Any]) -> knowledge_tree.Property:
        return self._property("values", meta, children)

    def attested_property(self, meta: Meta, children: list[Any]) -> knowledge_tree.Property:
        return self._property("attested", meta, children)

    def parents_property(self, meta: Meta, children: list[Any]) -> knowledge_tree.Property:
        return self._property("is a", meta, children)

    def kinds_property(self, meta: Meta, children: list[Any]) -> knowledge_tree.Property:
        return self._property("includes", meta, children)

    def recurs_property(self, meta: Meta, children: list[Any]) -> knowledge_tree.Property:
        return self._property("recurs", meta, children)

    def closed_property(self, meta: Meta, children: list[Any]) -> knowledge_tree.Property:
        return self._property("closed by", meta, children)

    def denied_line(self, meta: Meta, children: list[Any]) -> knowledge_tree.Property:
        condition = parted(children)[1][0]
        return knowledge_tree.Property(key="denied by", condition=condition, span=span_of(meta))

    denied_block = denied_line

    def doubted_line(self, meta: Meta, children: list[Any]) -> knowledge_tree.Property:
        condition = parted(children)[1][0]
        return knowledge_tree.Property(key="doubted by", condition=condition, span=span_of(meta))

    def evidence_property(self, meta: Meta, children: list[Any]) -> knowledge_tree.Property:
        return self._property("evidence", meta, children)

    def field_property(self, meta: Meta, children: list[Any]) -> knowledge_tree.Property:
        return self._property("field", meta, children)

    def of_property(self, meta: Meta, children: list[Any]) -> knowledge_tree.Property:
        return self._property("of", meta, children)

    def from_conditions(self, meta: Meta, children: list[Any]) -> knowledge_tree.Property:
        return self._typed("from conditions", meta, children)

    def from_status(self, meta: Meta, children: list[Any]) -> knowledge_tree.Property:
        return self._typed("from status", meta, children)

    def _typed(self, key: str, meta: Meta, children: list[Any]) -> knowledge_tree.Property:
        """Names as words, values as ranges' place: told apart by where they stand."""
        tokens = parted(children)[0]
        names = tuple(word_of(t) for t in tokens if t.type == "NAME")
        values = tuple(
            Amount(number=str(t), span=word_of(t).span) for t in tokens if t.type == "VALUE"
        )
        return knowledge_tree.Property(key=key, words=names, amounts=values, span=span_of(meta))

    def axis_property(self, meta: Meta, children: list[Any]) -> knowledge_tree.Property:
        return self._property("axis", meta, children)

    def site_property(self, meta: Meta, children: list[Any]) -> knowledge_tree.Property:
        return self._property("site", meta, children)

    def method_property(self, meta: Meta, children: list[Any]) -> knowledge_tree.Property:
        return self._property("method", meta, children)

    def counted_property(self, meta: Meta, children: list[Any]) -> knowledge_tree.Property:
        return self._property("counted by", meta, children)

    def scope_property(self, meta: Meta, children: list[Any]) -> knowledge_tree.Property:
        return self._property("scope", meta, children)

    def formula_property(self, meta: Meta, children: list[Any]) -> knowledge_tree.Property:
        tokens, nodes = parted(children)
        whom = tuple(word_of(t) for t in tokens)
        return knowledge_tree.Property(
            key="formula", words=whom, formula=nodes[0], span=span_of(meta)
        )

    def times_property(self, meta: Meta, children: list[Any]) -> knowledge_tree.Property:
        return self._property("times", meta, children)

    def reported_property(self, meta: Meta, children: list[Any]) -> knowledge_tree.Property:
        return self._property("else reported", meta, children)


class _Guard(NamedTuple):
    """The condition of `applies if` or `except if`, told apart from the criterion's own."""

    word: str
    node: condition_tree.Condition


class _Element:
    """The id after `element`."""

    def __init__(self, word: Word) -> None:
        self.word = word
