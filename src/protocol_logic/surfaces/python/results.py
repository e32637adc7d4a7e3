"""What an analysis gives back: data, text, a table of Arrow, and what a notebook shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from protocol_logic.surfaces.python.arrow import Columns, arrow_table

if TYPE_CHECKING:
    import pyarrow


class Result:
    """The answer to a question.

    `data`: as the command writes it with `--format json`. `print` gives what it writes as text; a
    notebook shows tables and pictures.
    """

    def __init__(
        self,
        data: Any,
        lines: Callable[[], Iterable[str]],
        html: Callable[[], str],
        columns: Columns,
        rows: Callable[[], Iterable[Sequence[Any]]],
    ) -> None:
        self.data = data
        self._lines = lines
        self._html = html
        self._columns = columns
        self._rows = rows

    def __str__(self) -> str:
        lines = [line.rstrip() for line in self._lines()]
        return "\n".join(lines).strip("\n")

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """Tables and pictures without scripts, so that many can stand in one notebook."""
        return self._html()

    def to_arrow(self) -> pyarrow.Table:
        """The answer as one flat table (docs/python.md says of which rows); needs pyarrow.

        Raises ImportError where pyarrow is not installed.
        """
        return arrow_table(self._columns, self._rows())


class Report(Result):
    """A result with all that a command says, which has a page of its own."""

    def __init__(
        self,
        data: Any,
        lines: Callable[[], Iterable[str]],
        html: Callable[[], str],
        columns: Columns,
        rows: Callable[[], Iterable[Sequence[Any]]],
        page: Callable[[], str],
    ) -> None:
        super().__init__(data, lines, html, columns, rows)
        self._page = page

    def html(self) -> str:
        """The page that the command writes with `--format html`: one file, no network."""
        return self._page()
