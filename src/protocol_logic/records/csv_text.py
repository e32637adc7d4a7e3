"""CSV files: a header and rows of as many cells, read strictly.

UTF-8, with or without a byte order mark; commas; cells with a comma, quote or line end in double
quotes (RFC 4180). Source: docs/answers.md and docs/tables.md.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from protocol_logic.foundation.text import shown

SAVE_AS = "save it as CSV in UTF-8, with commas"


class NotCsv(ValueError):
    """Text that is not CSV: why (safe to show), how to cure it, and on which line."""

    def __init__(self, message: str, hint: str | None = None, line: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.line = line


class CsvRow(NamedTuple):
    """The cells of a row, without blanks around them, and the line on which it begins."""

    line: int
    cells: list[str]


def csv_rows(lines: Iterable[str]) -> Iterator[CsvRow]:
    """The rows of CSV text, given in lines with their ends; the first is the header.

    Empty lines are passed over. Raises NotCsv at the row that cannot be read, with its line, and
    for a header that cannot name columns. Whether a row has as many cells as the header is left to
    the caller.
    """
    reader = csv.reader(lines, strict=True)
    first = True
    while True:
        line = reader.line_num + 1
        try:
            cells = [cell.strip(" ") for cell in next(reader)]
        except StopIteration:
            break
        except csv.Error as error:
            raise NotCsv(f"it is not CSV: {shown(str(error))}", SAVE_AS, line) from error
        except UnicodeDecodeError as error:
            raise NotCsv("it is not UTF-8 text", SAVE_AS, line) from error
        if not cells:
            continue
        if first:
            _refuse_header(cells, line)
            first = False
        yield CsvRow(line, cells)
    if first:
        raise NotCsv("it is empty", "the first line names the columns")


def _refuse_header(cells: Sequence[str], line: int) -> None:
    if len(cells) == 1:
        for sign, name in ((";", "`;`"), ("\t", "tabs")):
            if sign in cells[0]:
                message = f"its cells are separated by {name}, not by commas"
                raise NotCsv(message, SAVE_AS, line)
    for number, cell in enumerate(cells):
        if cell and cell in cells[:number]:
            raise NotCsv(f"two columns are called `{shown(cell)}`", None, line)
