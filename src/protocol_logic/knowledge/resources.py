"""Names to the files that hold them: where grammar/, kb/ and docs/problems/ lie; the core knows
paths only here.

A wheel carries them inside the package as `_grammar`, `_kb` and `_problems`; a checkout, and so an
editable install, has them beside `src/`. Names come from protocol text and from command lines, so a
name that is not lower-case words joined by dots has no file, whatever lies on the disk.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path

from protocol_logic.foundation.codes import CODES

_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*")
_PACKAGE = "protocol_logic"


@cache
def kb_root() -> Path:
    """The folder with `protocols/`, `knowledge/` and `logic/`."""
    return _root("kb")


@cache
def grammar_root() -> Path:
    """The folder of the `.lark` files, which import one another from here."""
    return _root("grammar")


def grammar_text(name: str) -> str:
    """The text of `grammar/<name>.lark`; `eligibility` and `eligibility.lark` are the same name."""
    return _text(grammar_root(), name, ".lark")


def grammar_files() -> list[Path]:
    """All files of the grammar, sorted."""
    return sorted(grammar_root().glob("*.lark"))


@cache
def logic_text(name: str) -> str:
    """The text of `kb/logic/<name>.lp`; `screen` and `screen.lp` are the same name."""
    return _text(kb_root() / "logic", name, ".lp")


def logic_names() -> list[str]:
    """The names of all files of `kb/logic`, sorted."""
    return sorted(path.stem for path in (kb_root() / "logic").glob("*.lp"))


def program_files() -> Iterator[tuple[str, bytes]]:
    """This program's own modules and grammar, each by a name and its bytes, sorted by name."""
    package = Path(str(files(_PACKAGE)))
    found = {f"src/{path.relative_to(package).as_posix()}": path for path in package.rglob("*.py")}
    found |= {f"grammar/{path.name}": path for path in grammar_files()}
    for name in sorted(found):
        yield name, found[name].read_bytes()


def installed_files() -> Iterator[tuple[str, bytes]]:
    """All that this program decides by: its package, the grammar, `kb/knowledge` and `kb/logic`,
    each by a name and its bytes, sorted by name."""
    roots = {
        "src": Path(str(files(_PACKAGE))),
        "grammar": grammar_root(),
        "knowledge": kb_root() / "knowledge",
        "logic": kb_root() / "logic",
    }
    for root, folder in roots.items():
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield f"{root}/{path.relative_to(folder).as_posix()}", path.read_bytes()


def protocol_ids() -> list[str]:
    """The ids of the protocols in the knowledge base, sorted."""
    folders = (kb_root() / "protocols").glob("*")
    return sorted(folder.name for folder in folders if protocol_path(folder.name))


def protocol_path(protocol_id: str) -> Path | None:
    """`kb/protocols/<id>/<id>.elig`, or None if there is no such protocol."""
    folder = kb_root() / "protocols" / protocol_id
    return _file(folder / f"{protocol_id}.elig") if _is_name(protocol_id) else None


def knowledge_names() -> list[str]:
    """The names that `uses` may say, sorted: `oncology.breast` for `oncology/breast.elig`."""
    root = kb_root() / "knowledge"
    paths = (path.relative_to(root).with_suffix("") for path in root.rglob("*.elig"))
    return sorted(name for name in map(_dotted, paths) if knowledge_path(name))


@cache
def problem_page(code: str) -> str:
    """The page of a problem's code, in Markdown; `code` is a row of `foundation/codes.py`."""
    root = _root("problems", "docs/problems")
    return (root / f"{CODES[code].slug}.md").read_text(encoding="utf-8")


def knowledge_path(name: str) -> Path | None:
    """`kb/knowledge/<name>.elig`, a dot in the name being a folder, or None if there is none."""
    root = kb_root() / "knowledge"
    return _file(root / f"{name.replace('.', '/')}.elig") if _is_name(name) else None


SYSTEM = re.compile(r"^system[ \t]+(\w+)[ \t]+(\S+)", re.M)
CODE = re.compile(r"\b([a-z][a-z0-9_]*)[ \t]+(?=([A-Za-z0-9][A-Za-z0-9.\-]*))")


@cache
def known_codes() -> frozenset[tuple[str, str]]:
    """The (system URL, code) pairs that stand anywhere in the knowledge base, for what entries do
    not decide: its files are not read as knowledge for it."""
    paths = filter(None, map(knowledge_path, knowledge_names()))
    texts = [path.read_text(encoding="utf-8") for path in paths]
    systems = {name: url for text in texts for name, url in SYSTEM.findall(text)}
    return frozenset(
        (systems[name], code)
        for text in texts
        for name, code in CODE.findall(text)
        if name in systems
    )


def _root(name: str, beside: str = "") -> Path:
    package = Path(str(files(_PACKAGE)))
    for folder in (package / f"_{name}", package.parents[1] / (beside or name)):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"{_PACKAGE} is installed without its {name} folder")


def _text(root: Path, name: str, suffix: str) -> str:
    stem = name.removesuffix(suffix)
    path = root / f"{stem}{suffix}"
    if not _is_name(stem) or not path.is_file():
        raise FileNotFoundError(f"no {suffix} file is named `{name}`")
    return path.read_text(encoding="utf-8")


def _is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def _file(path: Path) -> Path | None:
    return path if path.is_file() else None


def _dotted(path: Path) -> str:
    return ".".join(path.parts)
