"""From the arguments of `test` to what there is to test: protocols with their examples and cases.

Beside a protocol stand files of examples (`*.examples.elig`, which begin with `examples for ID`)
and an `expected.json` with worked cases.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click

from protocol_logic.foundation.problems import did_you_mean
from protocol_logic.foundation.source import Source
from protocol_logic.knowledge.resources import protocol_ids, protocol_path
from protocol_logic.language.pieces import pieces
from protocol_logic.surfaces.inputs import near_path, source_at
from protocol_logic.surfaces.terminal import visible

CASES = "expected.json"
_SUFFIX = ".elig"
_HEADING = re.compile(r"(protocol|examples[ \t]+for)[ \t]+([a-z][a-z0-9_]*)[ \t]*")


@dataclass(slots=True)
class Suite:
    """A protocol and what tests it.

    `own`: the examples of its own file are run too. `examples`: files of examples; `cases`: files
    of worked cases.
    """

    source: Source
    own: bool = False
    examples: list[Source] = field(default_factory=list)
    cases: list[Path] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _File:
    """An .elig file that begins as a protocol, or as examples for one."""

    path: Path
    source: Source
    kind: str
    name: str


def suites_of(names: Sequence[str]) -> list[Suite]:
    """What the arguments name, by protocol; a usage error where one names nothing."""
    finder = _Finder()
    for name in names:
        finder.argument(name)
    if not names:
        finder.folder(Path())
        if not finder.suites:
            for protocol in protocol_ids():
                finder.argument(protocol)
    return [suite for _, suite in sorted(finder.suites.items())]


def protocol_beside(file: str, name: str) -> Source | None:
    """The text of the protocol of a name that stands beside a file, else of the knowledge base."""
    return _protocol_in(_elig_files(Path(file).parent), name) or _of_kb(name)


def _protocol_in(files: Iterable[_File], name: str) -> Source | None:
    return next((f.source for f in files if f.kind == "protocol" and f.name == name), None)


def _of_kb(name: str) -> Source | None:
    path = protocol_path(name)
    return source_at(path, f"kb/protocols/{name}/{path.name}") if path is not None else None


class _Finder:
    def __init__(self) -> None:
        self.suites: dict[str, Suite] = {}

    def argument(self, name: str) -> None:
        path = Path(name)
        if path.is_dir():
            self.folder(path)
        elif path.is_file():
            self._file(path)
        elif (found := protocol_path(name)) is not None:
            self._folder(found.parent, f"kb/protocols/{name}")
        else:
            hint = near_path(path) or _hint(name)
            raise click.UsageError(
                f"there is no file or folder `{visible(name)}`, and no protocol of that id in the "
                f"knowledge base{hint}"
            )

    def folder(self, path: Path) -> None:
        """All that stands in a folder and in those inside it, by name."""
        self._folder(path, None)
        for inner in sorted(path.iterdir()):
            if inner.is_dir() and not inner.is_symlink() and not inner.name.startswith("."):
                self.folder(inner)

    def _folder(self, path: Path, known_as: str | None) -> None:
        files = list(_elig_files(path, known_as))
        for file in files:
            if file.kind == "protocol":
                self._suite(file.source).own = True
        for file in files:
            if file.kind == "examples":
                self._examples(file, files)
        if (path / CASES).is_file():
            self._cases(path / CASES, files)

    def _file(self, path: Path) -> None:
        if path.name == CASES:
            if not self._cases(path, list(_elig_files(path.parent))):
                raise click.UsageError(
                    f"it is not known of which protocol `{visible(str(path))}` has cases: put it "
                    'beside the protocol, or name one in it by `"protocol": "ID"`'
                )
            return
        file = _elig_file(path, str(path))
        if file is None:
            raise click.UsageError(
                f"`{visible(str(path))}` is neither a protocol nor examples for one; begin it with "
                "`protocol ID` or `examples for ID`"
            )
        beside = list(_elig_files(path.parent))
        if file.kind == "examples":
            self._examples(file, beside)
            return
        suite = self._suite(file.source)
        suite.own = True
        for other in beside:
            if other.kind == "examples" and other.name == file.name:
                self._examples(other, [file])
        if (
            sum(other.kind == "protocol" for other in beside) == 1
            and (path.parent / CASES).exists()
        ):
            self._cases(path.parent / CASES, beside)

    def _examples(self, file: _File, beside: Sequence[_File]) -> None:
        source = _protocol_in(beside, file.name) or _of_kb(file.name)
        if source is None:
            raise click.UsageError(
                f"`{visible(file.source.name)}` has examples for `{file.name}`, but there is no "
                f"such protocol beside it or in the knowledge base{_hint(file.name)}"
            )
        suite = self._suite(source)
        if file.source not in suite.examples:
            suite.examples.append(file.source)

    def _cases(self, path: Path, beside: Sequence[_File]) -> bool:
        """Take a file of cases to its protocol; False where there is none."""
        from protocol_logic.answering.testing.cases import BadCases, protocol_of

        protocols = [file.source for file in beside if file.kind == "protocol"]
        source = protocols[0] if len(protocols) == 1 else None
        if source is None:
            try:
                name = protocol_of(path.read_bytes())
            except BadCases:
                name = None
            source = _of_kb(name) if name is not None else None
        if source is None:
            return False
        suite = self._suite(source)
        if path not in suite.cases:
            suite.cases.append(path)
        return True

    def _suite(self, source: Source) -> Suite:
        return self.suites.setdefault(source.name, Suite(source))


def _elig_files(folder: Path, known_as: str | None = None) -> Iterator[_File]:
    """The protocols and files of examples in a folder, by name."""
    for path in sorted(folder.glob(f"*{_SUFFIX}")):
        name = f"{known_as}/{path.name}" if known_as is not None else str(path)
        file = _elig_file(path, name) if path.is_file() else None
        if file is not None:
            yield file


def _elig_file(path: Path, name: str) -> _File | None:
    """A file as what it begins as; None for knowledge, policies and anything else."""
    source = source_at(path, name)
    first = next(iter(pieces(source.text)), None)
    match = _HEADING.fullmatch(first[0].text) if first is not None else None
    if match is None:
        return None
    return _File(path, source, "protocol" if match[1] == "protocol" else "examples", match[2])


def _hint(name: str) -> str:
    hint = did_you_mean(name, protocol_ids())
    return f"; {hint}" if hint else ""
