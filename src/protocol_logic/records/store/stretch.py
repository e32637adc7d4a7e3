"""Many patients of a store, as something to do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from protocol_logic.foundation.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Stretch:
    """The patients at some positions of a store, in the order of the sources, with what stands
    between them of documents that gave none. `store`: where it is, and what it was."""

    store: tuple[str, tuple[int, ...]]
    start: int
    stop: int
    size: int
    """The bytes of the store that belong to it, roughly."""
    named: str = ""
    """How the store is told, where that is not where it is."""

    @property
    def source(self) -> str:
        return self.named or self.store[0]

    def anywhere(self) -> Stretch:
        """The same for processes of any working directory."""
        path, state = self.store
        return replace(self, store=(str(Path(path).absolute()), state), named=self.source)
