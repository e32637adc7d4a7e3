"""The checked protocol to ASP rules in words.

Takes: a checked protocol and its plan. Gives: `Program`, for each criterion its rules, and the
rules of each definition and denial, printed with the author's text as comments. No number, no
patient data and no free text enters a rule: cells have names, texts stand in comments only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field

from protocol_logic.compiling import core
from protocol_logic.compiling.cells import variant_id
from protocol_logic.compiling.plan import Plan, slug
from protocol_logic.compiling.planner import deniers, present
from protocol_logic.foundation.dataclass import dataclass
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.knowledge.resources import logic_text

LOGIC = ("scenario", "absence", "verdict")
_WIDTH = 98


@dataclass(frozen=True, slots=True)
class Program:
    """ASP text by part.

    `criteria`: criterion id -> its rules. `shared`: name of a definition, concept, denial or test
    -> its rules. `needs`: criterion id, or name in `shared`, -> names in `shared` that it rests
    on directly. `literals`: criterion id -> for each condition of its `all of` the literals that
    say it.
    """

    header: str
    criteria: dict[str, str]
    shared: dict[str, str]
    needs: dict[str, tuple[str, ...]]
    literals: dict[str, tuple[tuple[str, ...], ...]]

    def text(self) -> str:
        """The whole program, as `compile --to asp` prints it."""
        logic = "\n".join(logic_text(name) for name in LOGIC)
        parts = [self.header, *self.criteria.values(), *self.shared.values(), logic]
        return "\n".join(part.rstrip("\n") + "\n" for part in parts)

    def rules_of(self, names: Iterable[str], without: Iterable[str] = ()) -> str:
        """The rules of criteria or shared names and all that they rest on, without kb/logic.

        What is named in `without`, and what only it rests on, is left out.
        """
        found: dict[str, str] = {}
        queue = list(names)
        left_out = set(without)
        while queue:
            name = queue.pop(0)
            if name not in found and name not in left_out:
                found[name] = self.criteria[name] if name in self.criteria else self.shared[name]
                queue.extend(self.needs[name])
        return "\n".join(found.values())


def lower(protocol: core.Protocol, plan: Plan) -> Program:
    """Compile every criterion, and the definitions and denials they reach."""
    return _Lowering(protocol, plan).program()


def literals_of(protocol: core.Protocol, plan: Plan) -> dict[int, tuple[str, ...]]:
    """`id` of a condition -> the literals of the program that say it, together.

    Conditions that share the head of an `any of` have none of their own, and are not in it.
    """
    lowering = _Lowering(protocol, plan)
    lowering.program()
    return lowering.said


@dataclass(slots=True)
class _Block:
    """The rules of one condition tree being written."""

    name: str
    lines: list[str] = field(default_factory=list)
    needs: dict[str, None] = field(default_factory=dict)
    helpers: int = 0

    def helper(self) -> str:
        self.helpers += 1
        return f"part({self.name},{self.helpers})"


class _Lowering:
    def __init__(self, protocol: core.Protocol, plan: Plan) -> None:
        self.protocol = protocol
        self.plan = plan
        self.shared: dict[str, str] = {}
        self.needs: dict[str, dict[str, None]] = {}
        self.literals: dict[str, tuple[tuple[str, ...], ...]] = {}
        self.said: dict[int, tuple[str, ...]] = {}

    def program(self) -> Program:
        p = self.protocol
        header = _comment(f"protocol {p.id} {p.version}: {p.title}")
        for scope in p.scopes:
            header += _comment(f"---- {scope.label}") + f"scope({scope.id}).\n"
        criteria = {}
        for criterion in p.criteria:
            block = _Block(criterion.id)
            criteria[criterion.id] = self._criterion(criterion, block)
            self.needs[criterion.id] = block.needs
        # What is shared stands in the order in which criteria first rest on it.
        order: dict[str, None] = {}
        for criterion in p.criteria:
            queue = list(self.needs[criterion.id])
            while queue:
                name = queue.pop(0)
                if name not in order:
                    order[name] = None
                    queue.extend(self.needs[name])
        shared = {name: self.shared[name] for name in order}
        needs = {name: tuple(self.needs[name]) for name in (*criteria, *shared)}
        return Program(header, criteria, shared, needs, self.literals)

    # ---- statements --------------------------------------------------------------------------

    def _criterion(self, criterion: core.Criterion, block: _Block) -> str:
        line = self.protocol.source.line_column(criterion.span.start)[0]
        verb = "include" if criterion.polarity == "inclusion" else "exclude"
        head = [
            _comment(f"---- {verb} {criterion.id}, line {line}"),
            *(_comment(f"> {s}") for s in criterion.sentence.split("\n")),
        ]
        block.lines.append(f"criterion({criterion.id},{criterion.polarity}).\n")
        block.lines += [f"only({criterion.id},{scope}).\n" for scope in criterion.scopes]
        if criterion.applies is None:
            block.lines.append(f"applies({criterion.id}).\n")
        else:
            self._define(block, f"applies({criterion.id})", criterion.applies)
        self._define(block, f"holds({criterion.id})", criterion.condition)
        return "".join([*head, *block.lines])

    def _share_definition(self, name: str) -> None:
        if name in self.shared:
            return
        self.shared[name] = ""  # holds the place; definitions do not rest on themselves
        definition = self.protocol.definitions[name]
        block = _Block(name)
        line = definition.source.line_column(definition.span.start)[0]
        own = definition.source is self.protocol.source
        where = f"line {line}" if own else f"{definition.source.name}, line {line}"
        word = "score" if isinstance(definition.body, core.Score) else "define"
        head = _comment(f"---- {word} {name} ({definition.label}), {where}")
        if isinstance(definition.body, core.Decision):
            self._decision(block, name, definition.body)
        elif isinstance(definition.body, core.Score):
            self._score(block, name, definition.body)
        else:
            self._define(block, f"holds({name})", definition.body)
        self.shared[name] = head + "".join(block.lines)
        self.needs[name] = block.needs

    def _decision(self, block: _Block, name: str, decision: core.Decision) -> None:
        undetermined = f"{name}_if_undetermined"
        earlier: list[str] = []
        for index, case in enumerate(decision.cases, 1):
            atom = f"case({name},{index})"
            self._define(block, atom, case.condition)
            self._conclude(block, name, case.value, [atom, *earlier], undetermined, decision)
            earlier.append(f"not {atom}")
        self._conclude(block, name, decision.otherwise, earlier, undetermined, decision)

    def _score(self, block: _Block, name: str, score: core.Score) -> None:
        for number, part in enumerate(score.parts, 1):
            earlier: list[str] = []
            for index, (points, condition) in enumerate(part.cases, 1):
                atom = f"case({name},{number},{index})"
                self._define(block, atom, condition)
                self._points(block, name, number, points, [atom, *earlier])
                earlier.append(f"not {atom}")
            self._points(block, name, number, part.otherwise, earlier)

    def _points(self, block: _Block, name: str, number: int, points: int, body: list[str]) -> None:
        """That a part has so many points; none add nothing."""
        if points:
            block.lines.append(_rule(f"points({name},{number},{points})", body))

    def _conclude(
        self,
        block: _Block,
        name: str,
        value: str | None,
        body: list[str],
        undetermined: str,
        decision: core.Decision,
    ) -> None:
        if value is not None:
            block.lines.append(_rule(f"value({name},{slug(value)})", body))
            return
        for choice in decision.values:
            cell = f"cell({undetermined},{slug(choice)})"
            block.lines.append(_rule(f"value({name},{slug(choice)})", [*body, cell]))

    def _share_concept(self, concept: str) -> str:
        """Facts of the concept's hierarchy, and the denials that touch it."""
        key = f"concept {concept}"
        if key in self.shared:
            return key
        self.shared[key] = ""
        block = _Block(concept)
        below = self.protocol.vocabulary.below(concept)
        lines = [_comment(f"---- condition {concept} and all that is a kind of it")]
        for name in below:
            lines.append(f"condition({name}).\n")
            entry = self.protocol.vocabulary.entries[name]
            for parent in entry.parents if isinstance(entry, voc.Concept) else ():
                lines.append(f"is_a({name},{parent}).\n")
        for denier in deniers(self.protocol, concept):
            block.needs[self._share_denial(denier)] = None
        self.shared[key] = "".join(dict.fromkeys(lines))
        self.needs[key] = block.needs
        return key

    def _share_presence(self, test: core.Present) -> str:
        """The rules of a condition: those of its hierarchy, or what missing data count as."""
        concept, variant = test.concept, core.variant_of(test)
        hierarchy = self._share_concept(concept)
        if not variant:
            return hierarchy
        key = f"concept {concept} {variant}"
        if key not in self.shared:
            said = "absent" if variant == "as_recorded" else "present"
            lines = [_comment(f"---- {concept}, where what is not recorded counts as {said}")]
            needs = {hierarchy: None}
            for kind in self.protocol.vocabulary.below(concept):
                finding = variant_id(kind, variant)
                denied = [f"not denied({d})" for d in deniers(self.protocol, kind)]
                lines.append(_rule(present(test), [f"cell({finding},present)"]))
                lines.append(_rule(present(test), [f"cell({finding},unrecorded)", *denied]))
            self.shared[key] = "".join(lines)
            self.needs[key] = needs
        return key

    def _share_denial(self, denier: str) -> str:
        key = f"denial {denier}"
        if key in self.shared:
            return key
        self.shared[key] = ""
        block = _Block(f"denial_of_{denier}")
        condition = self.protocol.denials[denier]
        head = _comment(
            f"---- where no kind of {denier} is stated, kinds that nobody mentions are absent if"
        )
        block.needs[self._share_concept(denier)] = None
        self._define(block, f"denial({denier})", condition)
        block.lines.append(
            _rule(f"denied({denier})", [f"denial({denier})", f"not stated({denier})"])
        )
        self.shared[key] = "".join([head, *block.lines])
        self.needs[key] = block.needs
        return key

    # ---- conditions --------------------------------------------------------------------------

    def _define(self, block: _Block, head: str, condition: core.Condition) -> None:
        """Rules by which `head` holds just when the condition does."""
        self.said[id(condition)] = (head,)
        if isinstance(condition, core.Any):
            # Helpers of the parts come first, so that a reader meets them before their use.
            rules = [self._alternative(block, head, part) for part in condition.parts]
            block.lines.extend(rule for group in rules for rule in group)
        else:
            block.lines.extend(self._alternative(block, head, condition))

    def _alternative(self, block: _Block, head: str, condition: core.Condition) -> list[str]:
        if isinstance(condition, core.Pattern):
            return self._pattern(block, head, condition)
        if isinstance(condition, core.Scored):
            name = condition.name
            self._share_definition(name)
            block.needs[name] = None
            total = f"#sum {{ Points,Part : points({name},Part,Points) }}"
            text = _comment(condition.text)
            return [text + f"{head} :- {total} {condition.op} {condition.number}.\n"]
        if isinstance(condition, core.AtLeast):
            literals = [self._literal(block, part) for part in condition.parts]
            for part, literal in zip(condition.parts, literals, strict=True):
                self.said.setdefault(id(part), (literal,))
            elements = "; ".join(f"{i} : {lit}" for i, lit in enumerate(literals, 1))
            text = _comment(condition.text)
            return [text + f"{head} :- #count {{ {elements} }} >= {condition.number}.\n"]
        test_cells = self.plan.tests.get(condition)  # type: ignore[arg-type]
        if test_cells is not None:
            finding, cells = test_cells
            text = _comment(condition.text)
            return [text, *(_rule(head, [f"cell({finding},{cell})"]) for cell in cells)]
        parts = condition.parts if isinstance(condition, core.All) else (condition,)
        said = tuple(tuple(self._conjuncts(block, part)) for part in parts)
        if head == f"holds({block.name})":
            self.literals[block.name] = said
        literals = [literal for each in said for literal in each]
        if condition.text.startswith("all of"):
            texts = [_comment("all of"), *(_comment(f"  {part.text}") for part in parts)]
        else:
            texts = [_comment(condition.text)]
        return [*texts, _rule(head, literals)]

    def _conjuncts(self, block: _Block, condition: core.Condition) -> list[str]:
        """Literals that together say the condition."""
        if isinstance(condition, core.All):
            said = [lit for part in condition.parts for lit in self._conjuncts(block, part)]
        else:
            said = [self._literal(block, condition)]
        self.said.setdefault(id(condition), tuple(said))
        return said

    def _literal(self, block: _Block, condition: core.Condition) -> str:
        """One literal that says the condition; a helper atom where it takes several rules."""
        match condition:
            case core.Present():
                block.needs[self._share_presence(condition)] = None
                return present(condition)
            case core.Scored():
                pass  # a helper
            case core.Defined(name=name, value=value):
                self._share_definition(name)
                block.needs[name] = None
                return f"holds({name})" if value is None else f"value({name},{slug(value)})"
            case core.Not(part=part):
                literal = self._literal(block, part)
                self.said.setdefault(id(part), (literal,))
                return literal[4:] if literal.startswith("not ") else f"not {literal}"
            case _:
                cells = self.plan.tests.get(condition, ("", ()))  # type: ignore[arg-type]
                if len(cells[1]) == 1:
                    return f"cell({cells[0]},{cells[1][0]})"
                if len(cells[1]) > 1:
                    return self._share_test(block, condition, *cells)
        helper = block.helper()
        self._define(block, helper, condition)
        return helper

    def _share_test(
        self, block: _Block, condition: core.Condition, finding: str, cells: tuple[str, ...]
    ) -> str:
        """`test(alt_per_uln,at_most_5_x_uln)`: a test that is true in several cells."""
        name = getattr(condition, "entry", None) or getattr(condition, "concept", "")
        text = condition.text.removeprefix(f"{name} ")
        atom = f"test({finding},{slug(text)})"
        rules = "".join(_rule(atom, [f"cell({finding},{cell})"]) for cell in cells)
        key = f"test {atom} {cells}"
        self.shared[key] = _comment(f"---- {finding}: {text}") + rules
        self.needs[key] = {}
        block.needs[key] = None
        return atom

    def _pattern(self, block: _Block, head: str, pattern: core.Pattern) -> list[str]:
        names = self.plan.courses[pattern.concept].names[pattern.name]
        course = f"cell(course({pattern.concept},Course),{pattern.intent or core.ANY_INTENT})"
        body = [course, f"cell(event({pattern.event},Event),recorded)"]
        texts = [_comment("there is"), _comment(f"  {pattern.course_text}")]
        for index, clause in enumerate(pattern.clauses):
            texts.append(_comment(f"  {clause.text}"))
            body.append(f"cell({names.clauses[index]}(Course,Event),yes)")
        room = f"cell({names.room}(Course),yes)"
        return [
            *texts,
            _rule(head, body),
            _comment(f"  an unrecorded {pattern.event} may fit a recorded course"),
            _rule(head, [course, room, f"cell({names.unrecorded_event},some)"]),
            _comment(f"  and an unrecorded course of {pattern.concept} may fit whatever else"),
            _rule(head, [f"cell({names.unrecorded_course},some)"]),
        ]


def _comment(text: str) -> str:
    # INVARIANT: comments are single lines, so free text cannot leave them.
    clean = " ".join(text.split())
    return f"%{' ' * (len(text) - len(text.lstrip()))} {clean}\n"


def _rule(head: str, body: list[str]) -> str:
    if not body:
        return f"{head}.\n"
    line = f"{head} :- {', '.join(body)}."
    if len(line) <= _WIDTH:
        return line + "\n"
    return f"{head} :-\n    " + ",\n    ".join(body) + ".\n"
