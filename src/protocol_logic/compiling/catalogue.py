"""All that protocols can name: every entry and definition of the knowledge base, as data.

For people who look for a name, and for the reference page. Read from the text tree, so that it
says what the files say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from protocol_logic.compiling import core
from protocol_logic.compiling.conditions import LESION_VALUES
from protocol_logic.compiling.library import knowledge_unit
from protocol_logic.foundation.operators import COMPARISONS, OPERATORS
from protocol_logic.foundation.text import listed
from protocol_logic.knowledge.resources import knowledge_names
from protocol_logic.language import knowledge_tree, tree
from protocol_logic.language.nodes import Word

_WINDOW = " within NUMBER UNIT"
_FIXED_VALUES = {"lesion": LESION_VALUES, "consent": OPERATORS["attested"].cells}
"""The values of kinds whose entries do not list them."""


@dataclass(frozen=True, slots=True)
class Known:
    """A name of the knowledge base.

    `kind`: the word that declares it. `home`: the knowledge file, as `uses` names it. `unit`: the
    unit of its limits, `units` all in which it is read. `values`: those that it can have.
    `parents`: what it is a kind of. `below`: what is a kind of it, at once or by others.
    `closed_by`: the list whose record makes it absent where it is not mentioned. `codes`: system,
    code and display. `source`: its own, else that of its file. `element`: its id in gaps and
    answers. `also`: other words for it. `recurs`: it, or a class of it, comes again. `evidence`:
    what can confirm it. `sites`, `methods`: those of a lesion that have names.
    `adds`: what the parts of a score ask for.
    """

    name: str
    kind: str
    home: str
    label: str
    source: str
    unit: str | None
    values: tuple[str, ...]
    parents: tuple[str, ...]
    below: tuple[str, ...]
    closed_by: str | None
    codes: tuple[tuple[str, str, str], ...]
    element: str
    also: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    recurs: bool = False
    adds: tuple[str, ...] = ()

    @property
    def ways(self) -> tuple[str, ...]:
        """How it is tested, each as a line of a protocol with the words to fill in in capitals."""
        return tuple(re.sub(r"\bNAME\b", self.name, way, count=1) for way in self.forms)

    @property
    def forms(self) -> tuple[str, ...]:
        """The same with `NAME` for the name, plain forms first."""
        if self.kind == "definition":
            return ("NAME is VALUE",) if self.values else ("NAME",)
        taken = [
            form
            for operator in OPERATORS.values()
            if re.search(rf"\b{self.kind}\b", operator.takes) and "..." not in operator.syntax
            for form in operator.syntax.split(" / ")
        ]
        if not self.evidence:
            taken = [form for form in taken if "EVIDENCE" not in form]
        if self.kind == "field" and not self.values:  # a date
            taken = [form for form in taken if "VALUE" not in form]
        # A window goes with what can be said without it.
        plain = {"NAME", *taken}
        taken = [form for form in taken if form.removesuffix(_WINDOW) in plain]
        if self.unit == "1":  # a score or a count has no limit of normal
            limit = "COMPARISON NUMBER"
            taken = [form.replace(f"{limit} UNIT", limit) for form in taken if " x " not in form]
        return tuple(sorted(taken, key=lambda form: ("recorded" in form, " with" in form)))


def words_of(asked: Sequence[Known], known: Sequence[Known]) -> dict[str, str]:
    """What can stand for the words in capitals in the ways to test some of all names."""
    evidence = dict.fromkeys(word for each in asked for word in each.evidence)
    qualifiers = (
        f"{each.name} {'/'.join(each.values)} (uses {each.home})"
        for each in known
        if each.kind == "qualifier"
    )
    words = {
        "COMPARISON": " ".join(COMPARISONS),
        "EVIDENCE": ", ".join(evidence),
        "QUALIFIER VALUE": ", ".join(qualifiers),
        "INTENT": ", ".join(core.INTENTS),
        "within NUMBER UNIT": "a whole number of days, weeks, months or years",
        "TIMEPOINT": "a time point that the protocol declares",
    }
    forms = [form for each in asked for form in each.forms]
    return {word: text for word, text in words.items() if any(word in form for form in forms)}


def catalogue() -> list[Known]:
    """Every name of the knowledge base, by file and in the order of declaration."""
    known = []
    for home in knowledge_names():
        cited = ""
        for node in knowledge_unit(home).statements:
            if isinstance(node, tree.Heading):
                cited = next((t.text for t in node.texts if t.key == "source"), "")
            elif isinstance(node, knowledge_tree.Entry):
                known.append(_entry(node, home, cited))
            elif isinstance(node, tree.Definition):
                known.append(_definition(node, home, cited))
    return _related(known)


def _related(known: Sequence[Known]) -> list[Known]:
    """The same with every parent, and all that is below, whichever of the two says so, and what
    they recur by."""
    parents = {each.name: list(each.parents) for each in known}
    for each in known:
        for kind in each.below:
            if each.name not in parents[kind]:
                parents[kind].append(each.name)
    children: dict[str, list[str]] = {}
    for name, above in parents.items():
        for parent in above:
            children.setdefault(parent, []).append(name)

    def below(name: str) -> dict[str, None]:
        found: dict[str, None] = {}
        for child in children.get(name, ()):
            found |= {child: None, **below(child)}
        return found

    recurs = {name for each in known if each.recurs for name in (each.name, *below(each.name))}
    return [
        replace(
            each,
            parents=tuple(parents[each.name]),
            below=tuple(below(each.name)),
            recurs=each.name in recurs,
        )
        for each in known
    ]


def _entry(node: knowledge_tree.Entry, home: str, source: str) -> Known:
    properties = list(node.properties)
    return Known(
        name=node.name.text,
        kind=node.kind,
        home=home,
        label=_text(properties, "label") or node.name.text.replace("_", " "),
        source=_text(properties, "source") or source,
        unit=next(iter(_words(properties, "unit")), None),
        values=tuple(
            dict.fromkeys((*_words(properties, "value", 1), *_words(properties, "values")))
        )
        or _FIXED_VALUES.get(node.kind, ()),
        parents=tuple(_words(properties, "is a")),
        below=tuple(_words(properties, "includes")),
        closed_by=next(iter(_words(properties, "closed by")), None),
        codes=tuple(
            (code.system.text, code.code.text, code.display)
            for prop in properties
            if prop.key in ("code", "history code", "shared code")
            for code in prop.codes
        ),
        element=node.element.text if node.element else node.name.text,
        also=listed(_text(properties, "also")),
        units=tuple(
            word
            for key, most in (("unit", None), ("accepts", None), ("accepts where", 1))
            for word in _words(properties, key, most)
        ),
        evidence=tuple(_words(properties, "evidence", 1)),
        sites=tuple(_words(properties, "site", 1)),
        methods=tuple(_words(properties, "method", 1)),
        recurs=any(prop.key == "recurs" for prop in properties),
    )


def _definition(node: tree.Definition, home: str, source: str) -> Known:
    texts = {t.key: t.text for t in node.texts}
    return Known(
        name=node.name.text,
        kind="score" if isinstance(node.body, tree.Score) else "definition",
        home=home,
        label=texts.get("label", node.name.text.replace("_", " ")),
        source=texts.get("source", source),
        unit=None,
        values=tuple(word.text for word in node.values),
        parents=(),
        below=(),
        closed_by=None,
        codes=(),
        element=node.element.text if node.element else node.name.text,
        also=listed(texts.get("also", "")),
        adds=tuple(_asked(node.body)) if isinstance(node.body, tree.Score) else (),
    )


def _asked(score: tree.Score) -> Iterator[str]:
    """What the parts of a score ask for, each once, where each case asks for one thing."""
    conditions = [case.condition for part in score.parts for case in part.cases]
    names = [getattr(condition, "name", None) for condition in conditions]
    words = [name.text for name in names if isinstance(name, Word)]
    if len(words) == len(names):
        yield from dict.fromkeys(words)


def _text(properties: Sequence[knowledge_tree.Property], key: str) -> str:
    return next((prop.text for prop in properties if prop.key == key), "")


def _words(
    properties: Sequence[knowledge_tree.Property], key: str, most: int | None = None
) -> Iterator[str]:
    for prop in properties:
        if prop.key == key:
            yield from (word.text for word in prop.words[:most])
