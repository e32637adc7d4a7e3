"""`check` and `format`: an author's files, with every problem told once."""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.foundation.source import Source
from protocol_logic.foundation.text import shown
from protocol_logic.language.cures import cure_of
from protocol_logic.surfaces import diagnostics
from protocol_logic.surfaces.inputs import original_named, source_named
from protocol_logic.surfaces.outputs import opened_output, print_problems, written
from protocol_logic.surfaces.terminal import colour_wanted, count, terminal_width, visible

if TYPE_CHECKING:
    from protocol_logic.language.original.record import Original


_EXAMPLES = ".examples.elig"
_LINES = {"plain": diagnostics.plain_line, "github": diagnostics.github_line}


def check_files(
    names: Sequence[str], form: str, original: str | None, *, fix: bool, diff: bool
) -> int:
    """Check files together; the exit code: 1 on any error, else 0.

    `original`: the file with the text of the protocol, of which there is then one, perhaps with
    files of examples. With `fix` the
    files are mended first, or with `diff` only what would change is shown, and the code is 1.
    """
    from protocol_logic.compiling.check import check_file
    from protocol_logic.surfaces.suites import protocol_beside

    names = [each for name in names for each in _in_folder(name)]
    texts = [name for name in names if not name.endswith(_EXAMPLES)]
    if original is not None and len(texts) != 1 and len(names) > 1:
        raise click.UsageError(
            f"--source is the text of one protocol: run `check {visible(names[0])} --source "
            f"{visible(original)}` for it, and `check` for the other files without --source"
        )
    if diff and not fix:
        raise click.UsageError("--diff goes with --fix; alone it is an option of `format`")

    def look(source: Source, problems: Problems) -> None:
        check_file(source, problems, partial(protocol_beside, source.name))

    sources = [source_named(name, knowledge=True) for name in (_files(names) if fix else names)]
    text = None if original is None else original_named(original)
    changed = 0
    if fix:
        sources, changed = _mended(sources, look, diff)
    found = Problems()
    for source in sources:
        # Each by itself: an error in one is none in the next.
        problems = Problems()
        look(source, problems)
        found.extend(problems.items)
    whose = names.index(texts[0]) if texts else 0
    covered = None if text is None else _compare(sources[whose], text, found)
    listed = found.sorted()
    if not diff:
        _print(listed, form)
    click.echo(diagnostics.summary_line(listed, [source.name for source in sources]), err=True)
    if curable := sum(cure_of(problem) is not None for problem in listed):
        click.echo(f"{curable} of them can be mended: `check --fix`", err=True)
    if covered is not None:
        click.echo(covered, err=True)
    return 1 if found.has_errors or (diff and changed) else 0


def _in_folder(name: str) -> list[str]:
    """The .elig files of a folder and of those inside it, by name; of anything else the name."""
    path = Path(name)
    if not path.is_dir():
        return [name]
    found = [each for each in path.rglob("*.elig") if each.is_file() and not _is_hidden(each, path)]
    if not found:
        raise click.UsageError(f"there is no .elig file in the folder `{visible(name)}`")
    return [str(each) for each in sorted(found)]


def _is_hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def _mended(
    sources: Sequence[Source], look: Callable[[Source, Problems], None], diff: bool
) -> tuple[list[Source], int]:
    """The sources with the mistakes mended that have one cure, written back or shown; and how many
    of them changed."""
    from protocol_logic.compiling.fixing import fix

    mended, changed, cures = [], 0, 0
    for source in sources:
        fixed = fix(source, look)
        mended.append(fixed.source)
        if fixed.source.text == source.text:
            continue
        changed, cures = changed + 1, cures + fixed.cures
        if diff:
            click.echo(_diff(source, fixed.source.text, "mended"), nl=False)
        else:
            with opened_output(source.name) as out:
                out.write(fixed.source.text.encode())
    said = "would be mended" if diff else "mended"
    where = count(changed, "file")
    click.echo(f"{count(cures, 'mistake')} {said} in {where}", err=True)
    return mended, changed


def _compare(source: Source, text: Original, problems: Problems) -> str:
    """Compare a protocol with its text; gives a line that says how much of it is covered."""
    from protocol_logic.language.original.coverage import compare

    coverage = compare(source, text, problems)
    sentences = count(coverage.sentences, "sentence")
    return f"{coverage.covered} of {sentences} of the text covered"


def _print(problems: Sequence[Problem], form: str) -> None:
    if form == "text":
        if problems:
            colour, width = colour_wanted(sys.stdout), terminal_width(sys.stdout)
            click.echo(diagnostics.render(problems, colour=colour, width=width), color=colour)
    elif form in _LINES:
        for problem in problems:
            click.echo(_LINES[form](problem))
    else:
        content: object = [diagnostics.problem_json(p) for p in problems]
        if form == "sarif":
            from protocol_logic import __version__
            from protocol_logic.surfaces.sarif import sarif

            content = sarif(problems, __version__)
        with opened_output(None) as out:
            out.write(written(json.dumps(content, ensure_ascii=False, indent=1) + "\n"))


def print_page(code: str | None) -> int:
    """Print the page of a problem's code, or without one what codes there are."""
    from protocol_logic.foundation.codes import CODES
    from protocol_logic.foundation.problems import did_you_mean
    from protocol_logic.knowledge.resources import problem_page

    if code is None:
        width = max(map(len, CODES))
        for row in CODES.values():
            click.echo(f"{row.slug:{width}}  {row.severity:7}  {row.summary}")
        return 0
    if code not in CODES:
        hint = did_you_mean(code, CODES) or "`protocol-logic problem` lists them"
        raise click.UsageError(f"there is no problem `{shown(code)}`; {hint}")
    click.echo(problem_page(code), nl=False)
    return 0


def format_files(names: Sequence[str], *, check: bool, diff: bool, upgrade: bool = False) -> int:
    """Write files in canonical form, or say what would change.

    `upgrade`: with the language, and protocols with the pin of their knowledge. The exit code: 1
    where a statement cannot be read (it stays as it is) or, with `check` or `diff`, where a file is
    not in canonical form; else 0.
    """
    from protocol_logic.language.format import format_text
    from protocol_logic.language.parse import parse

    sources = [source_named(name) for name in _files(names)]
    problems = Problems()
    changed = 0
    for source in sources:
        unread = Problems()
        parse(source, unread)
        problems.extend(unread.items)
        canonical = format_text(source)
        if upgrade and not unread.has_errors:
            canonical = _upgraded(Source(source.name, canonical), problems)
        if canonical == source.text:
            continue
        changed += 1
        if diff:
            click.echo(_diff(source, canonical, "canonical"), nl=False)
        elif check:
            click.echo(f"{visible(source.name)} is not in canonical form")
        else:
            with opened_output(source.name) as out:
                out.write(canonical.encode())
    print_problems(problems.sorted())
    said = "would change" if check or diff else "changed"
    text = f"{count(changed, 'file')} {said}, {len(sources) - changed} in canonical form"
    click.echo(text, err=True)
    return 1 if problems.has_errors or (changed and (check or diff)) else 0


def _upgraded(source: Source, problems: Problems) -> str:
    """A canonical text that says its language, and if it is a protocol, the knowledge it knows."""
    from protocol_logic.compiling.check import pin_of
    from protocol_logic.compiling.pins import LANGUAGE
    from protocol_logic.language.headers import with_line
    from protocol_logic.language.parse import parse
    from protocol_logic.language.tree import Heading

    def heading_of(source: Source) -> Heading | None:
        statements = parse(source, Problems())
        return next((s for s in statements if isinstance(s, Heading)), None)

    heading = heading_of(source)
    if heading is None or heading.kind not in ("protocol", "knowledge"):
        return source.text
    found, said = source, {line.key for line in heading.texts}
    if "language" not in said:
        found = Source(source.name, with_line(source.text, heading, "language", LANGUAGE))
    if heading.kind == "knowledge":
        return found.text
    wrong = Problems()
    pin, heading = pin_of(found, wrong), heading_of(found)
    if pin is None or heading is None:
        problems.extend(wrong.items)
        return source.text
    return with_line(found.text, heading, "knowledge", pin)


def _files(names: Sequence[str]) -> Sequence[str]:
    for name in names:
        if Path(name).is_dir():
            raise click.UsageError(f"`{visible(name)}` is a folder; name the files in it")
        if not Path(name).is_file():
            raise click.UsageError(f"there is no file `{visible(name)}`")
    return names


def _diff(source: Source, changed: str, how: str) -> str:
    name = visible(source.name)
    lines = difflib.unified_diff(
        source.text.splitlines(keepends=True),
        changed.splitlines(keepends=True),
        name,
        f"{name} ({how})",
    )
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )
