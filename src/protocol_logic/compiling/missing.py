"""`missing counts as met`: a criterion rewritten so that what is not recorded counts towards it.

Each test gets what it is where nothing is recorded: what leads to the outcome that is wanted, so
under `not` the other way round. Definitions with a condition are rewritten too, as definitions of
their own; those that decide by cases already say what is not recorded means.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from protocol_logic.compiling import core

_NAMES = {True: "or_missing", False: "if_recorded"}


class Missing:
    """Rewrites criteria; `added` holds the definitions that they then rest on.

    `deciding`: definitions with values that were met, of which nothing can be said.
    """

    def __init__(self, definitions: Mapping[str, core.Definition]) -> None:
        self.definitions = definitions
        self.added: dict[str, core.Definition] = {}
        self.deciding: dict[str, None] = {}
        self._known: dict[tuple[str, bool], str] = {}

    def criterion(self, criterion: core.Criterion, met: bool) -> core.Criterion:
        """The criterion, where what is missing counts as `met`, or as not."""
        # What does not apply is met by an inclusion criterion, not by an exclusion criterion.
        applying = not met if criterion.polarity == "inclusion" else met
        applies = criterion.applies
        return replace(
            criterion,
            applies=None if applies is None else self.counted(applies, applying),
            condition=self.counted(criterion.condition, met),
            missing="met" if met else "not met",
        )

    def counted(self, condition: core.Condition, true: bool) -> core.Condition:
        """A condition of which each test counts as what makes it true, or makes it false."""
        match condition:
            case core.Not(part=part):
                return replace(condition, part=self.counted(part, not true))
            case core.All(parts=parts) | core.Any(parts=parts) | core.AtLeast(parts=parts):
                return replace(condition, parts=tuple(self.counted(p, true) for p in parts))
            case core.Defined(name=name):
                return replace(condition, name=self._definition(name, true))
            case core.Recorded() | core.RecordedAs() | core.Todo():  # asks of the record itself
                return condition
            case core.Pattern(name=name):
                condition = replace(condition, name=f"{name}_{_NAMES[true]}")
        said = f"{condition.text}, {'or not' if true else 'and'} recorded"
        return replace(condition, missing="true" if true else "false", text=said)

    def _definition(self, name: str, true: bool) -> str:
        """The name of the definition rewritten."""
        definition = self.definitions.get(name)
        if definition is None:  # it has mistakes of its own, which are told
            return name
        if isinstance(definition.body, core.Decision | core.Score):
            self.deciding[name] = None
            return name
        if (name, true) not in self._known:
            other = f"{name}_{_NAMES[true]}"
            while other in self.definitions or other in self.added:
                other += "_too"
            self._known[name, true] = other  # also ends what rests on itself
            self.added[other] = replace(
                definition,
                name=other,
                label=f"{definition.label}, {'or not' if true else 'and'} recorded",
                body=self.counted(definition.body, true),
            )
        return self._known[name, true]
