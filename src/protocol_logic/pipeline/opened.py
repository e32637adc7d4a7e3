"""The store at hand, which the protocols of a process read together."""

from __future__ import annotations

from pathlib import Path

from protocol_logic.records.store.opening import StoreError
from protocol_logic.records.store.reading import Store
from protocol_logic.records.store.span import Span
from protocol_logic.records.store.stretch import Stretch


class Opened:
    """The store and the span of the stretch that was last asked for.

    `threads`: how many read a store; None: one a core. `texts`: the numbers of date texts that are
    no plain ones; None where there are no columns.
    """

    store: Store
    span: Span

    def __init__(self, threads: int | None = None) -> None:
        self.threads = threads
        self.name: tuple[str, tuple[int, ...]] | None = None
        self.texts: dict[str, int] | None = None

    def at(self, stretch: Stretch) -> None:
        """Have a stretch at hand. Raises StoreError."""
        if self.name != stretch.store:
            self.close()
            self.store = Store(Path(stretch.store[0]), self.threads)
            if self.store.name != stretch.store:
                self.store.connection.close()
                raise StoreError("it was changed while it was read", "run the command again")
            self.name, self.texts = stretch.store, None
            if self.store.is_by_entry():
                self.texts = {text: n for n, text in self.store.day_texts().items()}
        elif (self.span.start, self.span.stop) == (stretch.start, stretch.stop):
            return
        self.store.narrow(stretch.start, stretch.stop)
        self.span = Span(self.store.connection, stretch.start, stretch.stop)

    def close(self) -> None:
        """Let the store go."""
        if self.name is not None:
            self.store.connection.close()
            self.name = None
