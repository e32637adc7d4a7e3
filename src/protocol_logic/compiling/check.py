"""The text tree to the checked protocol: names resolved, values known, limits exact.

Takes: the source of a protocol (or of a knowledge file). Gives: `core.Protocol`, or None where a
problem of severity error stands in the way; all problems go to the sink.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from protocol_logic.compiling import core
from protocol_logic.compiling.allergies import allergies
from protocol_logic.compiling.change_lines import Names, said_in
from protocol_logic.compiling.changing import Said
from protocol_logic.compiling.circles import report_circles
from protocol_logic.compiling.collisions import report_collisions
from protocol_logic.compiling.conditions import Conditions
from protocol_logic.compiling.definitions import definition_of
from protocol_logic.compiling.doubts import add_doubts
from protocol_logic.compiling.entries import Entries, report_duplicate
from protocol_logic.compiling.examples import Example, check_examples, head_of
from protocol_logic.compiling.examples_file import (
    FindProtocol,
    are_examples,
    examples_in,
    protocol_in_kb,
)
from protocol_logic.compiling.extending import extended, extension_of
from protocol_logic.compiling.hygiene import look_over
from protocol_logic.compiling.knowledge import read_entries
from protocol_logic.compiling.library import Unit, gather
from protocol_logic.compiling.missing import Missing
from protocol_logic.compiling.parameters import Setting, settle
from protocol_logic.compiling.pins import check_language, check_pin, knowledge_digest
from protocol_logic.compiling.policies import are_policies, check_unit, report_misplaced
from protocol_logic.compiling.scopes import Scopes
from protocol_logic.compiling.timepoints import declare_timepoints
from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.foundation.source import Source, Span
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.language import condition_tree, knowledge_tree, tree
from protocol_logic.language.nodes import Word


def check(
    source: Source, problems: Problems, settings: Iterable[Setting] = ()
) -> core.Protocol | None:
    """Check a protocol with all knowledge it uses, and its examples.

    `settings`: the values that a site and a run give to its parameters.
    """
    return _check(gather(source, problems), problems, settings)[0]


def pin_of(source: Source, problems: Problems) -> str | None:
    """The digest that a protocol is to be pinned to; None where it has another error."""
    *knowledge, main = gather(source, problems)
    statements = tuple(
        replace(node, texts=tuple(line for line in node.texts if line.key != "knowledge"))
        if isinstance(node, tree.Heading)
        else node
        for node in main.statements
    )
    protocol, _ = _check([*knowledge, replace(main, statements=statements)], problems)
    return None if protocol is None else knowledge_digest(protocol)


def check_with_examples(
    source: Source, problems: Problems
) -> tuple[core.Protocol | None, list[Example]]:
    """Check a protocol with all knowledge it uses; gives its examples too."""
    return _check(gather(source, problems), problems)


def check_file(source: Source, problems: Problems, find: FindProtocol = protocol_in_kb) -> None:
    """Check a file of any kind: a protocol, knowledge, policies, or examples of a protocol, which
    is found by its name."""
    units = gather(source, problems)
    if are_policies(units[-1]):
        check_unit(units[-1], problems)
    elif are_examples(units[-1]):
        examples_in(units[-1], problems, find, check)
    else:
        protocol, _ = _check(units, problems)
        look_over(units[-1], protocol, problems)


def _check(
    units: list[Unit], problems: Problems, settings: Iterable[Setting] = ()
) -> tuple[core.Protocol | None, list[Example]]:
    checker = _Checker(units, problems, settings)
    protocol = checker.protocol()
    main = units[-1]
    examples: list[Example] = []
    if main.heading is not None and main.heading.kind == "protocol":
        declared = {
            node.name.text
            for unit in units
            for node in unit.statements
            if not isinstance(node, tree.Heading | tree.Policy | tree.Example | tree.Changing)
        }
        examples = check_examples(protocol, main.source, main.statements, problems, declared)
    return None if problems.has_errors else protocol, examples


class _Checker:
    def __init__(self, units: list[Unit], problems: Problems, settings: Iterable[Setting]) -> None:
        self.units, settled = settle(units, settings, problems)
        self.settled = settled
        self.main = self.units[-1]
        self.problems = problems
        self.found: Entries = read_entries(self.units, problems)
        self._extend()
        self.definitions: dict[str, tuple[tree.Definition, Source]] = {}
        self.conditions = Conditions(self.found, self.definitions, settled, problems)

    def _extend(self) -> None:
        """Add what the protocol says to the entries of the knowledge base."""
        for unit in self.units:
            for node in unit.statements:
                if not isinstance(node, tree.Extend):
                    continue
                if unit.is_knowledge:
                    message = "a knowledge file does not extend entries: they name their codes"
                    hint = "put it into a protocol, or into the policies of a site"
                    self.problems.add(
                        Problem(
                            code="misplaced",
                            message=message,
                            source=unit.source,
                            span=node.name.span,
                            hint=hint,
                        )
                    )
                    continue
                found = self.found
                added = extension_of(
                    node, unit.source, found.entries, found.systems, found.derived, self.problems
                )
                if added is not None:
                    found.entries = extended(found.entries, [added], self.problems)

    def protocol(self) -> core.Protocol:
        self._policies()
        self._collect_definitions()
        declare_timepoints(self.units, self.conditions)
        self._cross_references()
        add_doubts(self.conditions)
        definitions = {
            name: definition_of(self.conditions, node, source)
            for name, (node, source) in self.definitions.items()
        }
        denials = {
            name: self._denial(name, node, source)
            for name, (node, source) in self.found.denials.items()
        }
        checked = {name: d for name, d in definitions.items() if d is not None}
        missing = Missing(checked)
        self.scopes = Scopes(self.units, self.conditions)
        criteria = self._criteria(missing)
        report_circles(self.conditions, definitions, denials)
        heading = self.main.heading
        texts = {t.key: t.text for t in heading.texts} if heading else {}
        self.conditions.begin("", self.main.source)
        if heading is None:
            self.conditions.problem(
                "missing-property",
                "the file does not say what it is",
                Span(0, min(1, len(self.main.source.text))),
                "start it with `protocol NAME`, or `knowledge NAME`",
            )
        elif heading.kind == "policies":
            message = f"`{heading.name.text}` is a file of policies, not a protocol"
            hint = "give it to `screen` with `--policies`, beside a protocol"
            self.conditions.problem("misplaced", message, heading.name.span, hint)
        elif heading.kind == "examples":
            message = f"these are examples for `{heading.name.text}`, not a protocol"
            hint = "give them to `test`, and the protocol to other commands"
            self.conditions.problem("misplaced", message, heading.name.span, hint)
        elif heading.kind == "protocol" and not criteria and not self.problems.has_errors:
            self.conditions.problem(
                "no-criterion",
                "the protocol has no criterion that can be read",
                heading.name.span,
                "add `include NAME` or `exclude NAME`",
            )
        protocol = core.Protocol(
            id=heading.name.text if heading else "",
            version=texts.get("version", ""),
            title=texts.get("title", ""),
            registry=texts.get("registry", ""),
            criteria=criteria,
            definitions={**checked, **missing.added},
            derived=self.found.derived,
            denials={name: c for name, c in denials.items() if c is not None},
            vocabulary=voc.Vocabulary(self._entries()),
            source=self.main.source,
            homes=self._homes(),
            parameters=self.settled.parameters,
            scopes=tuple(self.scopes.declared.values()),
            timepoints=tuple(self.conditions.timepoints.values()),
            changes=self._changes(),
        )
        self._headings(protocol)
        if not self.problems.has_errors:
            report_collisions(protocol, self.problems)
        return protocol

    def _headings(self, protocol: core.Protocol) -> None:
        """What the files say of the language, and the protocol of its knowledge."""
        for unit in self.units:
            if unit.heading is not None:
                check_language(unit.heading, unit.source, self.problems)
        heading = self.main.heading
        if heading is None or not any(line.key == "knowledge" for line in heading.texts):
            return
        if heading.kind == "knowledge":
            message = "a knowledge file has no pin: the protocols that use it have"
            span = next(line.span for line in heading.texts if line.key == "knowledge")
            self.conditions.begin("", self.main.source)
            self.conditions.problem("misplaced", message, span, "take the line away")
        elif not self.problems.has_errors:
            check_pin(heading, protocol, self.problems)

    def _entries(self) -> dict[str, voc.Entry]:
        """The knowledge entries, allergies that are made of them, what is asked, time points."""
        asked = {name: entry for name, (entry, _, _) in self.found.asked.items()}
        return {
            **self.found.entries,
            **allergies(self.found),
            **asked,
            **self.conditions.timepoints,
        }

    def _changes(self) -> tuple[Said, ...]:
        """What the files say of how entries can change."""
        names = Names(self._entries(), self.found.derived, self.definitions)
        units = [u for u in self.units if u.heading is None or u.heading.kind != "policies"]
        return said_in(units, names, self.problems)

    def _policies(self) -> None:
        """Policies belong into files of their own, and examples to a protocol."""
        for unit in self.units:
            kind = unit.heading.kind if unit.heading is not None else ""
            for node in unit.statements:
                if isinstance(node, tree.Policy) and kind != "policies":
                    report_misplaced(node, unit.source, self.problems)
                elif isinstance(node, tree.Example) and kind not in ("protocol", ""):
                    self.conditions.begin("", unit.source)
                    message = f"an example does not belong to {kind}"
                    hint = "examples stand in a protocol, or beside it in a file `examples for ID`"
                    self.conditions.problem("misplaced", message, head_of(unit.source, node), hint)

    def _homes(self) -> dict[str, str]:
        """Entry -> the knowledge file that declares it."""
        return {
            node.name.text: heading.name.text
            for unit in self.units
            if (heading := unit.heading) is not None and heading.kind == "knowledge"
            for node in unit.statements
            if isinstance(node, knowledge_tree.Entry)
        }

    def _collect_definitions(self) -> None:
        for unit in self.units:
            for node in unit.statements:
                if isinstance(node, tree.Definition | tree.Parameter):
                    if node.name.text in self.found.places:
                        report_duplicate(self.found, node.name, unit.source)
                    else:
                        self.found.places[node.name.text] = (unit.source, node.name.span)
                        if isinstance(node, tree.Definition):
                            self.definitions[node.name.text] = (node, unit.source)

    def _criteria(self, missing: Missing) -> tuple[core.Criterion, ...]:
        criteria: list[core.Criterion] = []
        seen: set[str] = set()
        for node in self.main.statements:
            if not isinstance(node, tree.Criterion | tree.Note):
                continue
            self.conditions.begin(node.name.text, self.main.source, node.sentence or None)
            if node.name.text in seen or self._stands_for_a_condition(node.name.text):
                message = f"`{node.name.text}` is already used for something else"
                self.conditions.problem(
                    "duplicate-name", message, node.name.span, "choose another name"
                )
            seen.add(node.name.text)
            if not node.sentence:
                kind = "note" if isinstance(node, tree.Note) else "criterion"
                message = f"{kind} `{node.name.text}` does not quote the protocol's sentence"
                hint = "add it verbatim on a line that starts with `>`"
                self.conditions.problem("missing-sentence", message, node.name.span, hint)
            if isinstance(node, tree.Note):
                continue
            if node.at is not None and self.conditions.is_timepoint(node.at):
                self.conditions.at = node.at.text
            applies = self._applies(node)
            condition = self.conditions.condition(node.condition)
            if condition is None:
                continue
            criterion = core.Criterion(
                id=node.name.text,
                polarity=node.polarity,
                sentence=node.sentence,
                applies=applies,
                condition=condition,
                scopes=self.scopes.of(node),
                span=node.span,
            )
            if node.missing is not None:
                criterion = self._counting(criterion, node.missing, missing)
            criteria.append(criterion)
        return tuple(criteria)

    def _counting(
        self, criterion: core.Criterion, node: tree.Missing, missing: Missing
    ) -> core.Criterion:
        """The criterion with what is missing counting as it says."""
        missing.deciding.clear()
        counted = missing.criterion(criterion, node.met)
        for name in missing.deciding:
            said = self.conditions.line(node.span)
            message = f"`{name}` decides by cases, so `{said}` cannot be said of it"
            hint = "say in the cases of a `define` what `is not recorded` means, or test what "
            hint += f"`{name}` is made of"
            self.conditions.problem("wrong-kind", message, node.span, hint)
        if counted == replace(criterion, missing=counted.missing) and not missing.deciding:
            message = "nothing in this criterion can be missing"
            self.conditions.problem("wrong-kind", message, node.span, "take the line away")
        return counted

    def _applies(self, node: tree.Criterion) -> core.Condition | None:
        """When a criterion applies: if the one condition holds and the other does not."""
        parts: list[core.Condition] = []
        if node.applies is not None:
            condition = self.conditions.condition(node.applies)
            parts += [condition] if condition is not None else []
        if node.excepted is not None:
            exception = self.conditions.condition(node.excepted)
            if exception is not None:
                text, span = f"except if {exception.text}", node.excepted.span
                parts.append(core.Not(part=exception, text=text, span=span))
        if len(parts) < 2:
            return parts[0] if parts else None
        return core.All(parts=tuple(parts), text="all of", span=parts[0].span.merge(parts[1].span))

    def _stands_for_a_condition(self, name: str) -> bool:
        """Whether a criterion may not have a name; that of an entry it may: `exclude pregnancy`."""
        entries = self.found.entries.keys() | self.found.derived.keys()
        return name in self.found.places and name not in entries

    def _denial(
        self, name: str, node: condition_tree.Condition, source: Source
    ) -> core.Condition | None:
        self.conditions.begin(f"denial_of_{name}", source)
        return self.conditions.condition(node)

    def _entry_values(self, node: knowledge_tree.Entry) -> None:
        """Values that an entry names of another are among the other's."""
        for prop in node.properties:
            if prop.key in ("times", "formula") and prop.words:
                field, value = prop.words
                found = self.found.entries.get(field.text)
                if isinstance(found, voc.PatientField) and value.text not in found.values:
                    self.conditions.unknown_value(field.text, value, found.values)
            elif prop.key == "from status":
                status = self.found.entries.get(prop.words[0].text)
                amount = prop.amounts[0]
                value = Word(text=amount.number, span=amount.span)
                if isinstance(status, voc.Status) and value.text not in status.values:
                    self.conditions.unknown_value(status.name, value, status.values)
            elif prop.key == "from conditions":
                for amount in prop.amounts:
                    value = Word(text=amount.number, span=amount.span)
                    if value.text not in _CLINICAL_STATUSES:
                        self.conditions.unknown_value("clinical status", value, _CLINICAL_STATUSES)

    def _cross_references(self) -> None:
        """Names that entries use in their properties exist and are of the right kind."""
        for unit in self.units:
            self.conditions.begin("", unit.source)
            for node in unit.statements:
                if not isinstance(node, knowledge_tree.Entry):
                    continue
                self._entry_values(node)
                for prop in node.properties:
                    wanted = _REFERENCES.get(prop.key)
                    if prop.key == "of" and node.kind != "age":
                        continue  # what it is of is no entry
                    words: Iterable[Word] = prop.words
                    if prop.key in ("times", "formula"):
                        words = prop.words[:1]
                    for word in words if wanted else ():
                        self.conditions.entry_of(word, wanted or (), tested=False)


# FHIR R4, value set condition-clinical.
_CLINICAL_STATUSES = ("active", "recurrence", "relapse", "inactive", "remission", "resolved")
_REFERENCES: dict[str, tuple[type[voc.Named], ...]] = {
    "of": (voc.PatientField,),
    "is a": (voc.Concept,),
    "includes": (voc.Concept,),
    "closed by": (voc.History,),
    "from conditions": (voc.Concept,),
    "from status": (voc.Status,),
    "counted by": (voc.Quantity,),
    "times": (voc.PatientField,),
    "formula": (voc.PatientField,),
    "else reported": (voc.Quantity,),
}
