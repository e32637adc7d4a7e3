"""What is wrong with what a caller gave, in one exception."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from protocol_logic.surfaces.diagnostics import plain_line
from protocol_logic.surfaces.inputs import SourceErrors

if TYPE_CHECKING:
    from protocol_logic.foundation.problems import Problem


class InputError(ValueError):
    """What was given cannot be used: a file with errors, a name that is not known, a wrong day.

    `problems`: all that is wrong inside a file or a text, each with `code`, `message`, `hint` and
    its place; empty where the argument itself is wrong. The message lists them, one on a line.
    """

    def __init__(self, message: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__("\n".join([message, *map(plain_line, problems)]))
        self.problems = tuple(problems)


@contextmanager
def input_errors() -> Iterator[None]:
    """What a command would refuse, as an `InputError`."""
    try:
        yield
    except SourceErrors as error:
        raise InputError(error.message, error.problems) from None
    except click.ClickException as error:
        raise InputError(error.message) from None
