"""How the command ends, whatever it meets, and what it says to an unknown command."""

from __future__ import annotations

import errno
import os
import sys
from typing import Any, NoReturn

import click

_OUTPUT_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Group(click.Group):
    """Says what was meant by an unknown command, and ends well whatever a command meets."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            from protocol_logic.foundation.problems import did_you_mean
            from protocol_logic.foundation.text import shown

            known = self.list_commands(ctx)
            hint = did_you_mean(name, known) or "commands are " + ", ".join(f"`{c}`" for c in known)
            ctx.fail(f"there is no command `{shown(name)}`; {hint}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
            return result
        except (click.ClickException, click.exceptions.Exit):
            raise
        except (KeyboardInterrupt, click.Abort):
            click.echo("stopped", err=True)
            ctx.exit(130)
        except BrokenPipeError:
            _forget_stdout()
            ctx.exit(141)
        except Exception as error:
            if isinstance(error, OSError) and error.errno in _OUTPUT_FULL:
                _forget_stdout()
                raise click.UsageError(f"the output cannot be written: {error.strerror}") from error
            _internal_error(ctx, error)


def _forget_stdout() -> None:
    """Let what is still to be flushed at exit go nowhere, without a message."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _internal_error(ctx: click.Context, error: Exception) -> NoReturn:
    from protocol_logic.foundation.text import shown

    if os.environ.get("PROTOCOL_LOGIC_TRACEBACK") == "1":
        import traceback

        traceback.print_exception(error)
    what = shown(f"{type(error).__name__}: {error}")
    cure = "please report it with the command and, if you may, its inputs"
    more = "PROTOCOL_LOGIC_TRACEBACK=1 shows where"
    click.echo(f"internal error: {what}; {cure} ({more})", err=True)
    ctx.exit(3)
