"""Whether a record could ever decide a criterion.

Not recorded is not absent: a test that is false only where a list is complete stays unknown where
no list can close it. What is found here holds whatever a record says, since the tests are taken
to be independent: what they could be alone, they could be together at most.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from protocol_logic.compiling import core
from protocol_logic.compiling.planner import deniers
from protocol_logic.knowledge import vocabulary as voc


class Stuck(NamedTuple):
    """A test that no record can make `value`."""

    test: core.Test
    value: bool


class Deciding:
    """Answers for one checked protocol.

    `by_lists`: what a record could do by its lists and denials, were no condition recorded as one
    that the patient does not have. Few records say so of a class. Nor do
    they say what a person is asked.
    """

    def __init__(self, protocol: core.Protocol, by_lists: bool = False) -> None:
        self.protocol = protocol
        self.by_lists = by_lists
        self.entries = protocol.vocabulary.entries

    def never_passes(self, criterion: core.Criterion) -> tuple[Stuck, ...]:
        """Why no record can show that a patient passes a criterion; empty where one can."""
        wanted = criterion.polarity == "inclusion"
        if self.can(criterion.condition, wanted):
            return ()
        if criterion.applies is not None and self.can(criterion.applies, False):
            return ()
        return tuple(dict.fromkeys(self._stuck(criterion.condition, wanted)))

    def can(self, condition: core.Condition, value: bool) -> bool:
        """Whether some record makes a condition certainly true, or certainly false."""
        match condition:
            case core.All(parts=parts):
                return (all if value else any)(self.can(p, value) for p in parts)
            case core.Any(parts=parts):
                return (any if value else all)(self.can(p, value) for p in parts)
            case core.AtLeast(number=number, parts=parts):
                needed = number if value else len(parts) - number + 1
                return sum(self.can(p, value) for p in parts) >= needed
            case core.Not(part=part):
                return self.can(part, not value)
            case core.Defined(name=name):
                body = self.protocol.definitions[name].body
                return isinstance(body, core.Decision | core.Score) or self.can(body, value)
            case _:
                return self._test_can(condition, value)

    def _test_can(self, test: core.Test, value: bool) -> bool:
        if isinstance(test, core.Reading) and test.missing == ("true" if value else "false"):
            return True  # where nothing is recorded
        match test:
            case core.Evidenced():
                return value
            case core.Asked():
                return not self.by_lists
            case core.InEffect(concept=concept) | core.OnBothSides(concept=concept):
                return value or self._closed(concept)
            case core.LinesOf(op=op) | core.NumberOf(op=op):
                # An open history can only have more of them.
                return value == (op in (">=", ">")) or self._closed(test.concept)
            case core.Occurred(concept=concept):
                return value or self._closed(concept)
            case core.Pattern(concept=concept):
                # Where a closed history holds no course, no event can fit one.
                return value or self._closed(concept)
            case core.Present(concept=concept) | core.PresentAs(concept=concept):
                if value or not self.by_lists or self._closed(concept):
                    return True
                return any(deniers(self.protocol, concept))
            case _:
                return True

    def _closed(self, name: str) -> bool:
        entry = self.entries[name]
        return isinstance(entry, voc.Concept | voc.Event) and entry.closed_by is not None

    def _stuck(self, condition: core.Condition, value: bool) -> Iterator[Stuck]:
        """The tests that keep a condition from being `value`."""
        match condition:
            case core.All(parts=parts) | core.Any(parts=parts) | core.AtLeast(parts=parts):
                for part in parts:
                    yield from self._stuck(part, value)
            case core.Not(part=part):
                yield from self._stuck(part, not value)
            case core.Defined(name=name):
                body = self.protocol.definitions[name].body
                if not isinstance(body, core.Decision | core.Score):
                    yield from self._stuck(body, value)
            case _ if not self._test_can(condition, value):
                yield Stuck(condition, value)
