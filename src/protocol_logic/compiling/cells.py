"""The cells of findings: just the parts that the tests of a protocol can tell apart, in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor

from protocol_logic.compiling import core
from protocol_logic.compiling.conditions import values_of
from protocol_logic.compiling.cues import AGE_UNITS
from protocol_logic.compiling.occurrence_cells import (
    count_finding,
    last_finding,
    occurred_in,
    occurrence_id,
    present_finding,
)
from protocol_logic.compiling.plan import NOT_RECORDED, Finding, Kind, slug
from protocol_logic.compiling.windows import Window
from protocol_logic.foundation.interval import Interval, decimal_text
from protocol_logic.foundation.operators import COMPARISONS, OPERATORS
from protocol_logic.knowledge import vocabulary as voc


def finding_id(test: core.Test) -> str | None:
    """The finding that a test reads; None for those that rules put together."""
    name = _finding_id(test)
    return None if name is None else variant_id(name, core.variant_of(test))


def variant_id(name: str, variant: core.Variant) -> str:
    """A finding as it is read for tests that say what is missing counts as."""
    return f"{variant}({name})" if variant else name


def _finding_id(test: core.Test) -> str | None:
    match test:
        case core.HasValue(entry=entry, window=window):
            return _timed(entry, window)
        case core.RecordedAs(entry=entry, window=window):
            return _timed(f"{entry}_as_recorded", window)
        case core.Asked(entry=entry):
            return f"asked({entry})"
        case core.Recorded(entry=entry, window=None):
            return f"recorded({entry})"
        case core.Recorded(entry=entry, window=window):
            return f"recorded({entry},{_timed('', window)})"
        case core.Within(entry=entry, per=per, window=window, taken=taken):
            of = f"{taken}_{entry}" if taken else entry
            return _timed(f"{of}_per_{per.lower()}" if per else of, window)
        case core.Evidenced(concept=concept, by=by):
            return f"{concept}_confirmed_by_{by}"
        case core.InEffect(concept=concept):
            return f"{concept}_in_effect"
        case core.OnBothSides(concept=concept):
            return f"{concept}_on_both_sides"
        case core.LinesOf(concept=concept, intent=intent):
            return f"lines_of_{concept}" + (f"_with_intent_{intent}" if intent else "")
        case core.Todo(home=home, number=number):
            return f"todo({home})" if number == 1 else f"todo({home},{number})"
        case core.Occurred() | core.NumberOf() | core.PresentAs():
            return occurrence_id(test)
        case _:
            return None


def _timed(name: str, window: Window | None) -> str:
    """A name with the words of a window."""
    if window is None:
        return name
    return "_".join(filter(None, [name, slug(window.all_words)]))


class Cells:
    """Makes findings of all tests that the criteria reach.

    `unrecorded`: the findings of unrecorded events and courses -> their entries, and how they are
    read.
    """

    def __init__(
        self,
        protocol: core.Protocol,
        tests: Sequence[core.Test],
        unrecorded: Mapping[str, tuple[str, core.Variant]],
    ) -> None:
        self.protocol = protocol
        self.voc = protocol.vocabulary
        self.tests = tests
        self.unrecorded = unrecorded
        self.kinds: dict[str, tuple[str, core.Variant]] = {
            variant_id(kind, variant): (kind, variant)
            for test in tests
            if isinstance(test, core.Present) and (variant := core.variant_of(test))
            for kind in self.voc.below(test.concept)
        }
        self._of: dict[str | None, list[core.Test]] = {}
        for test in tests:
            self._of.setdefault(finding_id(test), []).append(test)

    def finding(self, name: str) -> Finding:
        """A finding by its id, with its cells."""
        tests = self._of.get(name)
        if not tests:
            return self._plain(name)
        found, variant = self._read(name, tests), core.variant_of(tests[0])
        if variant == "or_missing":
            values = (*found.values, ()) if found.values else ()
            found = replace(found, cells=(*found.cells, NOT_RECORDED), values=values)
        return replace(found, variant=variant) if variant else found

    def _read(self, name: str, tests: list[core.Test]) -> Finding:
        """The finding that some tests read."""
        first = tests[0]
        match first:
            case core.HasValue(entry=entry, window=window):
                return replace(self._named_values(name, "value", entry, tests), window=window)
            case core.RecordedAs(entry=entry, window=window):
                return replace(self._named_values(name, "recorded", entry, tests), window=window)
            case core.Recorded(entry=entry, window=window):
                found = self._fixed(name, "in_record", entry, "recorded")
                return replace(found, window=window)
            case core.Asked(entry=entry):
                found = self._fixed(name, "value", entry, "asked")
                return replace(found, values=tuple((cell,) for cell in found.cells))
            case core.Within(entry=entry, window=window, taken=taken):
                return replace(self._numbers(name, entry, tests), window=window, taken=taken)
            case core.LinesOf(concept=concept, intent=intent):
                limits = [(t.op, Fraction(t.number)) for t in tests if isinstance(t, core.LinesOf)]
                cells, ranges = _cut(limits, "lines", whole=True)
                element = self.voc.entries[concept].element
                return Finding(
                    id=name, kind="lines", entry=concept, element=element, cells=cells,
                    ranges=ranges, detail=intent or "",
                )  # fmt: skip
            case core.Occurred():
                return last_finding(
                    name, [t for t in tests if isinstance(t, core.Occurred)], self.voc
                )
            case core.NumberOf():
                counts = [t for t in tests if isinstance(t, core.NumberOf)]
                cut = _cut([(t.op, Fraction(t.number)) for t in counts], "", whole=True)
                return count_finding(name, first, cut, self.voc)
            case core.PresentAs():
                return present_finding(name, first, self.voc)
            case core.Evidenced(concept=concept, by=by):
                return Finding(
                    id=name, kind="evidence", entry=concept, element=by,
                    cells=OPERATORS["confirmed by"].cells, detail=by,
                )  # fmt: skip
            case core.InEffect(concept=concept):
                return self._fixed(name, "in_effect", concept, "in effect")
            case core.OnBothSides(concept=concept):
                return self._fixed(name, "both_sides", concept, "on both sides")
            case core.Todo(home=home):
                return Finding(
                    id=name, kind="todo", entry=home, element=f"todo:{home}",
                    cells=OPERATORS["todo"].cells,
                )  # fmt: skip
            case _:
                raise AssertionError(first)

    def _fixed(self, name: str, kind: Kind, concept: str, operator: str) -> Finding:
        """A finding whose cells stand in the operator table."""
        element = self.voc.entries[concept].element
        cells = OPERATORS[operator].cells
        return Finding(id=name, kind=kind, entry=concept, element=element, cells=cells)

    def _plain(self, name: str) -> Finding:
        """Findings without a limit of their own: concepts, completeness, undetermined values."""
        if name in self.voc.entries:
            return self._fixed(name, "presence", name, "present")
        if name in self.kinds:
            kind, variant = self.kinds[name]
            return replace(self._plain(kind), id=name, variant=variant)
        if name in self.unrecorded:
            entry_name, variant = self.unrecorded[name]
            entry = self.voc.entries[entry_name]
            # An unrecorded event is a gap of the event; an unrecorded course, of its history.
            closed_by = entry.closed_by if isinstance(entry, voc.Concept) else None
            element = self.voc.entries[closed_by].element if closed_by else entry.element
            return Finding(
                id=name, kind="unrecorded", entry=entry.name, element=element,
                cells=("none", "some"), variant=variant,
            )  # fmt: skip
        definition = self.protocol.definitions[name.removesuffix("_if_undetermined")]
        assert isinstance(definition.body, core.Decision)
        values = definition.body.values
        return Finding(
            id=name, kind="undetermined", entry=definition.name,
            element=definition.element or definition.name,
            cells=tuple(slug(v) for v in values), values=tuple((v,) for v in values),
        )  # fmt: skip

    def _named_values(
        self, name: str, kind: Kind, entry_name: str, tests: list[core.Test]
    ) -> Finding:
        """Values that no test tells apart share a cell."""
        entry = self.voc.entries[entry_name]
        sets = [set(t.values) for t in tests if isinstance(t, core.HasValue | core.RecordedAs)]
        classes: dict[tuple[bool, ...], list[str]] = {}
        for value in values_of(entry):
            classes.setdefault(tuple(value in s for s in sets), []).append(value)
        cells, values = [], []
        for told, members in classes.items():
            # Of many values only those that no test names go unnamed: that is one cell at most.
            unnamed = len(members) > 4 and not any(told)
            cells.append("another_value" if unnamed else slug("_or_".join(members)))
            values.append(tuple(members))
        if kind == "recorded":
            cells.append(NOT_RECORDED)
            values.append(())
        return Finding(
            id=name, kind=kind, entry=entry_name, element=entry.element,
            cells=tuple(cells), values=tuple(values),
        )  # fmt: skip

    def _numbers(self, name: str, entry_name: str, tests: list[core.Test]) -> Finding:
        within = [t for t in tests if isinstance(t, core.Within)]
        limits = [(t.op, t.limit) for t in within]
        entry: voc.Named
        if entry_name in self.protocol.derived:
            entry = self.protocol.derived[entry_name]
            kind: Kind = "derived"
        else:
            entry = self.voc.entries[entry_name]
            kind = "age" if isinstance(entry, voc.Age) else "number"
        unit = str(getattr(entry, "unit", ""))
        if kind == "age":
            unit = AGE_UNITS[unit]
        per = within[0].per
        if per:
            kind, unit = "ratio", f"x {per}"
        cells, ranges = _cut(limits, "" if unit == "1" else unit, whole=kind == "age")
        return Finding(
            id=name, kind=kind, entry=entry_name, element=entry.element, cells=cells,
            ranges=ranges, detail=per,
        )  # fmt: skip

    def true(self, findings: Mapping[str, Finding]) -> dict[core.Test, tuple[str, tuple[str, ...]]]:
        """Test -> (finding id, cells in which it is true)."""
        true: dict[core.Test, tuple[str, tuple[str, ...]]] = {}
        for test in self.tests:
            name = finding_id(test)
            if name is None:
                continue
            finding = findings[name]
            match test:
                case core.HasValue(values=values) | core.RecordedAs(values=values):
                    wanted = set(values)
                    cells = tuple(
                        cell
                        for cell, members in zip(finding.cells, finding.values, strict=True)
                        if members and wanted.issuperset(members)
                    )
                case core.Within(op=op, limit=limit):
                    cells = _satisfying(finding, op, limit)
                case core.LinesOf(op=op, number=number) | core.NumberOf(op=op, number=number):
                    cells = _satisfying(finding, op, Fraction(number))
                case core.Occurred(window=window):
                    cells = occurred_in(finding, window)
                case core.PresentAs():
                    cells = OPERATORS["present as"].true
                case core.Recorded():
                    cells = OPERATORS["recorded"].true
                case core.Asked():
                    cells = OPERATORS["asked"].true
                case core.InEffect():
                    cells = OPERATORS["in effect"].true
                case core.OnBothSides():
                    cells = OPERATORS["on both sides"].true
                case core.Todo():
                    cells = OPERATORS["todo"].true
                case _:
                    cells = OPERATORS["confirmed by"].true
            if isinstance(test, core.Reading) and finding.variant == "or_missing":
                cells = (*cells, NOT_RECORDED) if test.missing == "true" else cells
            true[test] = (name, cells)
        return true


def _satisfying(finding: Finding, op: str, limit: Fraction) -> tuple[str, ...]:
    inside = COMPARISONS[op].inside(limit)
    return tuple(cell for cell, part in finding.parts if inside.contains_interval(part))


def _cut(
    limits: list[tuple[str, Fraction]], unit: str, whole: bool = False
) -> tuple[tuple[str, ...], tuple[Interval, ...]]:
    """The cells that limits cut the numbers into, lowest first, with their names.

    `whole`: numbers are whole and not below zero, and a cell without any of them is left out.
    """
    # A cut lies just below its number (`>=`, `<`: False) or just above it (`<=`, `>`: True).
    cuts = sorted({(limit, above) for op, limit in limits for above in COMPARISONS[op].cuts})
    names: list[str] = []
    ranges: list[Interval] = []
    edges: list[tuple[Fraction, bool] | None] = [None, *cuts, None]
    for low, high in pairwise(edges):
        lo, lo_closed = (low[0], not low[1]) if low else (None, False)
        hi, hi_closed = (high[0], high[1]) if high else (None, False)
        part = Interval(lo, lo_closed, hi, hi_closed)
        if whole and not _holds_whole(part):
            continue
        ranges.append(part)
        words = []
        if lo is not None:
            words.append(("at least " if lo_closed else "above ") + decimal_text(lo))
        if hi is not None:
            words.append(("at most " if hi_closed else "below ") + decimal_text(hi))
        names.append(slug(" ".join([*words, unit])))
    return tuple(names), tuple(ranges)


def _holds_whole(part: Interval) -> bool:
    """Whether a whole number from zero up lies in an interval."""
    least = 0
    if part.lo is not None and part.lo >= 0:
        least = ceil(part.lo) if part.lo_closed else floor(part.lo) + 1
    return part.contains(least)
