"""Numbers that compare with limits: text tree to checked tests, limits exact in canonical units."""

from __future__ import annotations

from abc import abstractmethod
from fractions import Fraction

from protocol_logic.compiling import core
from protocol_logic.compiling.cues import AGE_UNITS
from protocol_logic.compiling.occurrences import Occurrences
from protocol_logic.compiling.properties import unit_problem
from protocol_logic.compiling.usual import Doubt, doubt_of, surface_doubt, whole_doubt
from protocol_logic.compiling.windows import Window
from protocol_logic.foundation.operators import COMPARISONS
from protocol_logic.foundation.problems import one_of
from protocol_logic.foundation.unit_slips import of_ifcc
from protocol_logic.foundation.units import UNIT_WORDS, UnitError, conversion_factor, zero_of
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.language import condition_tree, tree
from protocol_logic.language.nodes import Amount, Limit, Word

_TIMED = (voc.Quantity, voc.Status, voc.Lesion, voc.Consent)
"""What a record states by facts of a day, of which the latest counts."""


class Comparisons(Occurrences):
    """The part of `Conditions` that checks comparisons, and windows of what is compared."""

    @abstractmethod
    def condition(self, node: condition_tree.Condition) -> core.Condition | None:
        """A checked condition; None where a problem stands in the way."""

    def compares(self, node: condition_tree.Compares, text: str) -> core.Condition | None:
        main = self._within(node, node.limit, text)
        if main is None:
            return None
        result: core.Condition = main
        # The first exception whose condition holds gives the limit, so the last wraps first.
        for exception in reversed(node.exceptions):
            limit = self._within(node, exception.limit, self.line(exception.limit.span))
            condition = self.condition(exception.condition)
            if limit is None or condition is None:
                return None
            also = core.All(
                parts=(limit, condition), text=self.line(exception.span), span=node.span
            )
            if len(node.exceptions) == 1 and _implies(main, limit):
                result = core.Any(parts=(main, also), text=text, span=node.span)
            else:
                otherwise = core.All(
                    parts=(core.Not(part=condition, text=f"not {condition.text}"), result),
                    text=text,
                    span=node.span,
                )
                result = core.Any(parts=(also, otherwise), text=text, span=node.span)
        return result

    def _within(
        self, node: condition_tree.Compares, limit: Limit, text: str
    ) -> core.Within | core.Scored | None:
        name = node.name
        entry: voc.Named | None
        definition, _ = self.definitions.get(name.text, (None, None))
        if definition is not None and isinstance(definition.body, tree.Score):
            if node.window is not None or node.taken:
                self._not_timed(name, node, "is a score, which is of the day of judgement")
                return None
            return self._points(name, limit, text)
        if name.text in self.found.derived:
            entry = self.found.derived[name.text]
        else:
            entry = self.entry_of(name, (voc.Quantity, voc.Age))
        if entry is None:
            return None
        window = None
        if node.window is not None or node.taken:
            if isinstance(entry, voc.Age):
                self._not_timed(name, node, "is an age, which is of the day of judgement")
                return None
            if node.taken and not isinstance(entry, voc.Quantity):
                self._not_timed(name, node, "is computed, so its results are not recorded")
                return None
            window = self.window(node.window) if node.window is not None else None
            if window is None and node.window is not None:
                return None
        value = self._value(entry, name, limit, text)
        if value is None:
            return None
        if isinstance(entry, voc.Quantity) and not limit.per and node.taken != "mean":
            self._doubted(whole_doubt(entry, value, limit.op), limit.amount)
        return core.Within(
            entry=name.text,
            op=limit.op,
            limit=value,
            per=limit.per,
            window=window,
            taken=node.taken,
            text=text,
            span=limit.span,
        )

    def _not_timed(self, name: Word, node: condition_tree.Compares, why: str) -> None:
        """What has no results of its own has no window, and no highest one."""
        what = f"no {node.taken} value" if node.taken else "no window"
        hint = "ask it of what goes into it" if "computed" in why else None
        self.problem("wrong-kind", f"`{name.text}` {why}: it has {what}", node.span, hint)

    def _value(self, entry: voc.Named, name: Word, limit: Limit, text: str) -> Fraction | None:
        """The number of a limit: in the canonical unit, or a multiple of a limit of normal."""
        if not limit.per:
            return self._limit(entry, limit.amount)
        end = "lower" if limit.per == "LLN" else "upper"
        if not isinstance(entry, voc.Quantity):
            message = f"`{name.text}` has no {end} limit of normal"
            self.problem("wrong-kind", message, limit.span)
            return None
        if limit.amount.unit is not None:
            message = f"a multiple of the {end} limit of normal has no unit: {text}"
            self.problem("wrong-unit", message, limit.amount.span)
            return None
        return Fraction(limit.amount.number)

    def dated_window(
        self, node: condition_tree.IsIn | condition_tree.Recorded, entry: voc.Named
    ) -> tuple[Window | None, bool]:
        """The window of a test of what an entry says, and whether it can have one."""
        if node.window is None:
            return None, True
        if not isinstance(entry, _TIMED):
            message = f"`{node.name.text}` has no window"
            hint = None
            if isinstance(entry, voc.Concept):
                message = f"a window does not go with `is recorded` of `{node.name.text}`"
                hint = f"write `{node.name.text} {self.line(node.window.span)}`"
            self.problem("wrong-kind", message, node.window.span, hint)
            return None, False
        window = self.window(node.window)
        return window, window is not None

    def _points(self, name: Word, limit: Limit, text: str) -> core.Scored | None:
        """`child_pugh <= 6`"""
        number = limit.amount.number
        if limit.per or limit.amount.unit is not None or not number.isdigit():
            message = f"the points of `{name.text}` are a whole number"
            self.problem("unknown-value", message, limit.span, f"write `{name.text} {limit.op} 6`")
            return None
        return core.Scored(
            name=name.text, op=limit.op, number=int(number), text=text, span=limit.span
        )

    def _limit(self, entry: voc.Named, amount: Amount) -> Fraction | None:
        to = str(getattr(entry, "unit", "1"))
        number = Fraction(amount.number)
        if amount.unit is None:
            if to == "1":
                return self._plausible(entry, number, amount)
            spelt = AGE_UNITS[to] if isinstance(entry, voc.Age) else to
            message = f"{amount.number} of `{entry.name}` has no unit"
            units = list(entry.accepts) if isinstance(entry, voc.Quantity) else [spelt]
            hint = f"write `{amount.number} {spelt}`"
            if len(units) > 1:
                hint = f"say in which unit the protocol has it: {one_of(units)}"
            self.problem("unknown-unit", message, amount.span, hint)
            return None
        code = UNIT_WORDS.get(amount.unit.text, amount.unit.text)
        if isinstance(entry, voc.Quantity) and code in entry.accepts:
            self._doubted(surface_doubt(entry.name, to, amount), amount)
            number = (number - zero_of(code)) * entry.accepts[code]
            return self._plausible(entry, number, amount)
        ifcc = of_ifcc(code, to, number)
        if ifcc is not None:
            message = f"`{entry.name}` is told in `%`, and not in `{code}`"
            self.problem("wrong-unit", message, amount.unit.span, ifcc)
            return None
        try:
            factor = conversion_factor(code, to)
        except UnitError as error:
            self.problem(unit_problem(code), error.message, amount.unit.span, error.hint)
            return None
        self._doubted(surface_doubt(entry.name, to, amount), amount)
        if isinstance(entry, voc.Age) and (number * factor).denominator != 1:
            whole = f"whole {AGE_UNITS[entry.unit]}"
            message = f"an age is told in {whole}, not in {amount.number} {amount.unit.text}"
            others = [
                f"`{e.name}` is told in {AGE_UNITS[e.unit]}"
                for e in self.found.entries.values()
                if isinstance(e, voc.Age) and e.of == entry.of and e.unit != entry.unit
            ]
            self.problem("wrong-unit", message, amount.span, ", ".join(others) or None)
            return None
        return self._plausible(entry, number * factor, amount)

    def _plausible(self, entry: voc.Named, value: Fraction, amount: Amount) -> Fraction:
        if isinstance(entry, voc.Quantity):
            self._doubted(doubt_of(entry, value, amount, self.line(amount.span)), amount)
        return value

    def _doubted(self, doubt: Doubt | None, amount: Amount) -> None:
        if doubt is not None:
            self.problem(doubt.code, doubt.message, amount.span, doubt.hint)


def _implies(one: core.Within | core.Scored, other: core.Within | core.Scored) -> bool:
    """Whether every number within the one limit is within the other."""
    if getattr(one, "per", "") != getattr(other, "per", ""):
        return False
    inner, outer = (COMPARISONS[t.op].inside(_number(t)) for t in (one, other))
    return outer.contains_interval(inner)


def _number(test: core.Within | core.Scored) -> Fraction:
    return Fraction(test.number) if isinstance(test, core.Scored) else test.limit
