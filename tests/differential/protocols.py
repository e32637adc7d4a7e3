"""Random valid protocols over the shipped knowledge, for differential tests.

`random_protocol(rng)` gives the text of a protocol with one to four criteria and now and then a
definition of its own. Every kind of test occurs, in blocks of every kind. The same state of `rng`
gives the same text.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable

HEADER = """\
protocol random_protocol
  title A random protocol
  version 1.0
  registry NCT00000000
  language 1
  uses demographics, performance, oncology.breast, labs, renal, consent, qualifiers, allergy
"""
SENTENCE = "  > What a patient must be or must not be;\n"

VALUES = {
    "sex": ["female", "male"],
    "stage": ["0", "1", "1A", "1B", "2A", "2B", "3", "3A", "3B", "3C", "4"],
    "m_category": ["M0", "M1"],
    "er": ["positive", "negative"],
    "pr": ["positive", "negative"],
    "her2_ihc": ["negative", "1+", "2+", "3+", "positive", "equivocal"],
    "her2_fish": ["positive", "negative", "equivocal"],
    "her2_interpretation": ["positive", "negative", "equivocal"],
    "menopausal_status": ["premenopausal", "postmenopausal"],
    "disease_trend": ["worsened", "stable", "improved"],
    "measured_lesion": ["measurable", "none", "contradictory", "not_measurable"],
    "informed_consent": ["signed", "refused"],
    "her2": ["positive", "negative"],
    "measurable_lesion": ["yes", "no"],
}
STATUSES = [
    name
    for name in VALUES
    if name not in ("sex", "measured_lesion", "informed_consent", "her2", "measurable_lesion")
]
SITES = ["liver_metastasis", "lung_metastasis", "bone_metastasis", "brain_metastasis"]
CONDITIONS = ["breast_cancer", "metastasis", "metastasis", *SITES, "liver_metastasis"]
OCCURRING = [*SITES, "metastasis", "breast_cancer", "oophorectomy", "oophorectomy"]
OCCURRING += ["chemotherapy", "chemotherapy", "chemotherapy", "endocrine_therapy", "gnrh_analogue"]
QUALIFIERS = ["severity severe", "severity mild, moderate", "grade >= 2", "grade 1, 4", "grade < 3"]
TAKEN = ["chemotherapy", "endocrine_therapy", "gnrh_analogue"]
DRUGS = ["paclitaxel", "docetaxel", "taxane", "platinum_chemotherapy", "carboplatin"]
KINDS = {"metastasis": SITES, "chemotherapy": DRUGS}
ALLERGENS = ["chemotherapy", "gnrh_analogue", *DRUGS]
SPANS = ["30 days", "72 hours", "6 months", "12 weeks", "2 years", "5 years", "10 years"]
RECORDED = [*SITES, "metastasis", "oophorectomy", "chemotherapy", "problem_list"]
DERIVED = ["creatinine_clearance", "egfr_ckd_epi_2021", "egfr_mdrd"]
NOT_RECORDED = ["sex", "age", "her2", "measurable_lesion", *DERIVED]
"""What no fact can state by itself."""
# Measured lesions have windows too, but the reference reads sites and sizes once for all of them.
UNTIMED = ["sex", "age", "her2", "measurable_lesion", "measured_lesion"]
HOLDING = ["metastatic", "locally_advanced", "ovarian_suppression"]
SCOPES = ["arm_a", "arm_b", "extension"]
ASKED = [
    'attested "agrees to two forms of contraception"',
    'judged "visceral crisis"',
    'opaque "adequate organ function, as the site sees it"',
]
INTENTS = ["adjuvant", "palliative", "adjuvant", "palliative", "neoadjuvant", "curative"]
# Round limits near which the records of `bundles` lie, with their units.
LIMITS = {
    "hemoglobin": ["90 g/L", "9 g/dL", "100 g/L", "120 g/L", "5.5 mmol/L"],
    "neutrophils": ["1.5 10*9/L", "1500 /uL", "1 10*3/uL", "2 10*9/L"],
    "platelets": ["80 10*9/L", "100 10*9/L", "75000 {cells}/uL"],
    "bilirubin": ["1.5 mg/dL", "20 umol/L", "30 umol/L"],
    "alt": ["40 U/L", "100 U/L", "80 U/L"],
    "ast": ["40 U/L", "100 U/L", "30 U/L"],
    "creatinine": ["1 mg/dL", "1.5 mg/dL", "100 umol/L", "0.1 mmol/L"],
    "body_weight": ["60 kg", "70 kg", "100 kg", "150 [lb_av]"],
    "reported_clearance": ["60 mL/min", "50 mL/min", "90 mL/min"],
    "creatinine_clearance": ["60 mL/min", "50 mL/min", "60 mL/min", "90 mL/min"],
    "egfr_ckd_epi_2021": ["60 mL/min/{1.73_m2}", "90 mL/min/{1.73_m2}", "75 mL/min/{1.73_m2}"],
    "egfr_mdrd": ["60 mL/min/{1.73_m2}", "90 mL/min/{1.73_m2}"],
    "ecog": ["0", "1", "2"],
    "life_expectancy": ["12 weeks", "84 days", "3 months", "1 years"],
    "age": ["18 years", "18 years", "65 years", "40 years", "50 years"],
    "lesion_count": ["1", "2", "0"],
}
WITH_LIMITS = ["bilirubin", "alt", "ast", "creatinine"]
RATIOS = ["1", "1.5", "2.5", "3", "5"]
MONTHS = ["1 months", "3 months", "6 months", "12 months", "24 months", "1 years", "2 years"]
OPERATORS = ["<=", ">=", "<", ">"]
DECIDED = re.compile(r"\b(?:her2|measurable_lesion) (?:is|in)\b|\bown_[0-9]")


class Writer:
    """Writes conditions; `own` are definitions of the protocol with the values of each."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.own: dict[str, list[str]] = {}
        self.scores: list[str] = []
        self.parameters: dict[str, str] = {}
        self.timed = False
        self.scopes = SCOPES[: rng.choice([0, 0, 0, 1, 2, 3])]
        # A few names only, so that tests of one protocol often read the same things.
        self.numbers = rng.sample(sorted(LIMITS), k=rng.choice([2, 4, 8, len(LIMITS)]))
        self.named = rng.sample(sorted(VALUES), k=rng.choice([2, 4, 8, len(VALUES)]))

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def number(self, text: str) -> str:
        """A number with its unit, or now and then the name of a parameter that has it."""
        if self.chance(0.9):
            return text
        same = [name for name, value in self.parameters.items() if value == text]
        name = same[0] if same and self.chance(0.5) else f"number_{len(self.parameters) + 1}"
        self.parameters[name] = text
        return name

    # ---- one test in a line ------------------------------------------------------------------

    def atom(self) -> str:
        kinds: dict[Callable[[], str], int] = {
            self._comparison: 10,
            self._named_value: 8,
            self._recorded_as: 4,
            self._recorded: 3,
            self._condition: 5,
            self._confirmed: 1,
            self._in_effect: 3,
            self._both_sides: 2,
            self._lines: 4,
            self._occurrence: 5,
            self._allergy: 1,
            self._defined: 3,
            **({self._scored: 4} if self.scores else {}),
            self._attested: 1,
            self._todo: 1,
            self._asked: 3,
        }
        return self.rng.choices(list(kinds), weights=list(kinds.values()))[0]()

    def literal(self) -> str:
        return f"not {self.atom()}" if self.chance(0.15) else self.atom()

    def _limit(self, name: str, per: str) -> str:
        amount = self.number(self.rng.choice(RATIOS if per else LIMITS[name.split(" ")[-1]]))
        # No number that a computer writes gives an eGFR that is just a limit, so each is cut on one
        # side only: else the reference would never meet the number on the limit itself.
        signs = [">=", "<"] if name.startswith(("egfr", "mean")) else OPERATORS
        return f"{self.rng.choice(signs)} {amount}{per}"

    def _per(self, name: str, plain: float) -> str:
        """What a limit is a multiple of, if anything; `plain`: how likely it is a number."""
        if name not in WITH_LIMITS or self.chance(plain):
            return ""
        return " x ULN" if self.chance(0.7) else " x LLN"

    def _taken(self, name: str) -> str:
        """A name, or the highest, the lowest or the mean of it."""
        if name in DERIVED or name == "age" or self.chance(0.85):
            return name
        return f"{self.rng.choice(['highest', 'lowest', 'mean'])} {name}"

    def _within(self, name: str) -> str:
        """A window, now and then."""
        if name in UNTIMED or self.chance(0.75):
            return ""
        if self.chance(0.8):
            return f" within {self.rng.choice([*AGES, *SPANS])}"
        self.timed = True
        return f" within {self.rng.choice([*AGES, *SPANS])} before first_dose"

    def _comparison(self) -> str:
        name = self.rng.choice(self.numbers)
        per, taken = self._per(name, 0.3), self._taken(name)
        return f"{taken} {self._limit(taken, per)}{self._within(name)}"

    def excepted(self) -> str:
        """A comparison with other limits under conditions."""
        name = self.rng.choice(self.numbers)
        per, taken = self._per(name, 0.3), self._taken(name)
        text = f"{taken} {self._limit(taken, per)}{self._within(name)}"
        for _ in range(self.rng.choice([1, 1, 2])):
            other = per if self.chance(0.8) else self._per(name, 0.5 if per else 0)
            text += f", but {self._limit(taken, other)} if {self.literal()}"
        return text

    def _named_value(self) -> str:
        name = self.rng.choice(self.named)
        if self.chance(0.7):
            return f"{name} is {self.rng.choice(VALUES[name])}{self._within(name)}"
        count = self.rng.randint(1, len(VALUES[name]))
        values = ", ".join(self.rng.sample(VALUES[name], k=count))
        return f"{name} in {values}{self._within(name)}"

    def _recorded(self) -> str:
        names = [*self.numbers, *self.named, *RECORDED]
        name = self.rng.choice([n for n in names if n not in NOT_RECORDED])
        window = "" if name in RECORDED else self._within(name)
        return f"{name} is {self.rng.choice(['', 'not '])}recorded{window}"

    def _recorded_as(self) -> str:
        names = [name for name in self.named if name in STATUSES] or STATUSES
        name = self.rng.choice(names)
        if self.chance(0.25):
            return f"{name} recorded{self._within(name)}"
        values = ", ".join(self.rng.sample(VALUES[name], k=self.rng.choice([1, 1, 2])))
        return f"{name} recorded as {values}{self._within(name)}"

    def _condition(self) -> str:
        return self.rng.choice(CONDITIONS)

    def _confirmed(self) -> str:
        return (
            f"breast_cancer confirmed by {self.rng.choice(['histology', 'histology', 'cytology'])}"
        )

    def _in_effect(self) -> str:
        classes = ["gnrh_analogue", "gnrh_analogue", "endocrine_therapy", "chemotherapy"]
        return f"{self.rng.choice(classes)} in effect"

    def _both_sides(self) -> str:
        return "oophorectomy on both sides"

    def _lines(self) -> str:
        name = self.rng.choice(["chemotherapy", "chemotherapy", "endocrine_therapy"])
        return (
            f"lines of {name}{self._intent()} "
            f"{self.rng.choice(OPERATORS)} {self.number(str(self.rng.choice([0, 1, 1, 2, 3])))}"
        )

    def _intent(self) -> str:
        return f" with intent {self.rng.choice(INTENTS)}" if self.chance(0.75) else ""

    def _occurrence(self) -> str:
        if self.chance(0.15):
            return self._subject(self.rng.choice(["metastasis", *SITES]), of_some=True)
        subject = self._subject(self.rng.choice(OCCURRING))
        how = self.rng.random()
        if how < 0.35:
            return f"history of {subject}{self._before()}"
        window = f" within {self.rng.choice([*AGES, *SPANS])}"
        if self.chance(0.25):
            self.timed, window = True, f"{window} before first_dose"
        if how < 0.75:
            return f"{subject}{window}"
        number = f"{self.rng.choice(OPERATORS)} {self.rng.choice([0, 1, 1, 2, 3])}"
        return f"number of {subject}{window if self.chance(0.7) else self._before()} {number}"

    def _before(self) -> str:
        if self.chance(0.8):
            return ""
        self.timed = True
        return " before first_dose"

    def _allergy(self) -> str:
        return f"allergy to {self.rng.choice(ALLERGENS)}"

    def _subject(self, name: str, of_some: bool = False) -> str:
        others = KINDS.get(name, [])
        if others and self.chance(0.9 if of_some else 0.3):
            count = self.rng.choice([1, 1, 2])
            return f"{name} other than {', '.join(self.rng.sample(others, k=count))}"
        if name in TAKEN and self.chance(0.4):
            intents = self.rng.sample(sorted(set(INTENTS)), k=self.rng.choice([1, 1, 2]))
            return f"{name} with intent {', '.join(intents)}"
        if name not in TAKEN and name != "oophorectomy" and self.chance(0.9 if of_some else 0.25):
            return f"{name} with {self.rng.choice(QUALIFIERS)}"
        return name if not of_some else f"metastasis other than {self.rng.choice(SITES)}"

    def _defined(self) -> str:
        if self.own and self.chance(0.7):
            name = self.rng.choice(sorted(self.own))
            values = self.own[name]
            return f"{name} is {self.rng.choice(values)}" if values else name
        return self.rng.choice(HOLDING)

    def _scored(self) -> str:
        return (
            f"{self.rng.choice(self.scores)} {self.rng.choice(OPERATORS)} {self.rng.randint(0, 5)}"
        )

    def _attested(self) -> str:
        return "attested informed_consent"

    def _todo(self) -> str:
        return "todo"

    def _asked(self) -> str:
        return self.rng.choice(ASKED)

    # ---- lines and blocks --------------------------------------------------------------------

    def line(self) -> str:
        if self.chance(0.15):
            text = self.excepted()
            return f"{text}, because it is open" if "opaque" in text else text
        word = self.rng.choice([" and ", " or "])
        text = word.join(self.literal() for _ in range(self.rng.choice([1, 1, 1, 2, 3])))
        if "opaque" in text or (self.chance(0.5) and '"' in text):
            text += ", because nobody has coded it"
        return text

    def block(self, depth: int, margin: str) -> str:
        """A block that starts at `margin`, with `depth` levels of blocks in it at most."""
        if self.chance(0.14):
            return self.pattern(margin)
        if depth == 0 or self.chance(0.35):
            return f"{margin}{self.line()}\n"
        count = self.rng.randint(2, 4)
        heads = ["all of", "any of", "none of", f"at least {self.rng.randint(1, count)} of"]
        head = self.rng.choices(heads, weights=[4, 4, 1, 2])[0]
        return f"{margin}{head}\n" + "".join(
            self.block(depth - 1, margin + "  ") for _ in range(count)
        )

    def pattern(self, margin: str) -> str:
        """A course of therapy and an event."""
        rng, inner = self.rng, margin + "  "
        event = rng.choice(["relapse", "progression"])
        name = rng.choice(["endocrine_therapy", "endocrine_therapy", "chemotherapy"])
        clauses = [self._timing(event) for _ in range(rng.choice([0, 1, 1, 1, 2]))]
        if self.chance(0.6) or not clauses:
            clauses.append(f"course lasted >= {self.number(rng.choice(MONTHS))} at {event}")
        rng.shuffle(clauses)
        course = f"course of {name}{self._intent()}, called course"
        return f"{margin}there is\n{inner}{course}\n" + "".join(
            f"{inner}{clause}\n" for clause in clauses
        )

    def _timing(self, event: str) -> str:
        how = self.rng.choice(["between", "between", "after", "before"])
        if how == "between":
            return f"{event} from {self._point()} to {self._point()}"
        return f"{event} on or {how} {self._point()}"

    def _point(self) -> str:
        edge = self.rng.choice(["start of course", "end of course"])
        if self.chance(0.6):
            return edge
        return f"{self.number(self.rng.choice(MONTHS))} after {edge}"

    # ---- statements --------------------------------------------------------------------------

    def definition(self, number: int) -> str:
        name = f"own_{number}"
        if self.chance(0.4):
            return self.score(name)
        if self.chance(0.5):
            text = f"define {name}\n{self.block(1, '  ')}"
            self.own[name] = []
            return text
        values = ["high", "low", "middle"][: self.rng.choice([2, 3])]
        lines = [f"define {name}", f"  values {', '.join(values)}", "  decide"]
        for _ in range(self.rng.choice([1, 2, 3])):
            lines.append(f"    {self._case(self.rng.choice([*values, 'unknown']))}".rstrip())
        lines.append(f"    otherwise {self.rng.choice([*values, 'unknown'])}")
        self.own[name] = values
        return "\n".join(lines) + "\n"

    def guard(self, words: str, in_line: bool) -> str:
        """When a criterion applies, or does not."""
        if not in_line:
            return f"  {words}\n{self.block(1, '    ')}"
        line = f"  {words} {' and '.join(self.literal() for _ in range(self.rng.choice([1, 2])))}"
        return f"{line}, because it is open\n" if "opaque" in line else f"{line}\n"

    def _case(self, value: object) -> str:
        case = f"{value} if {self.literal()}"
        return f"{case}, because it is open\n" if "opaque" in case else f"{case}\n"

    def score(self, name: str) -> str:
        text = f"score {name}\n"
        for _ in range(self.rng.choice([1, 2, 2, 3])):
            cases = [self._case(self.rng.randint(0, 3)) for _ in range(self.rng.choice([1, 2]))]
            if len(cases) == 1 and self.chance(0.7):
                text += f"  add {cases[0]}"
                continue
            lines = [*cases, f"otherwise {self.rng.randint(0, 2)}\n"]
            text += "".join(["  add\n", *(f"    {line}" for line in lines)])
        self.scores.append(name)
        return text

    def criterion(self, number: int) -> str:
        polarity = self.rng.choice(["include", "include", "exclude"])
        text = f"{polarity} criterion_{number}\n"
        if self.scopes and self.chance(0.6):
            count = self.rng.randint(1, len(self.scopes))
            text += f"  for {', '.join(self.rng.sample(self.scopes, k=count))}\n"
        text += SENTENCE
        if self.chance(0.25):
            text += self.guard("applies if", self.chance(0.7))
        if self.chance(0.2):
            text += self.guard("except if", self.chance(0.7))
        text += self.block(2, "  ")
        if self.chance(0.2) and not DECIDED.search(text) and re.search(r"\w [<>]=? ", text):
            # Something in it can be missing, and nothing in it decides by cases.
            outcome = self.rng.choice(["met", "not met"])
            text = text.replace(SENTENCE, f"{SENTENCE}  missing counts as {outcome}\n")
        return text


def random_protocol(rng: random.Random) -> str:
    """The text of a valid protocol."""
    writer = Writer(rng)
    own = [writer.definition(n) for n in range(rng.choice([0, 0, 0, 1, 2]))]
    criteria = [writer.criterion(n) for n in range(1, rng.randint(1, 4) + 1)]
    parameters = [
        f"parameter {name}\n  value {value}\n  source A random choice\n"
        for name, value in writer.parameters.items()
    ]
    times = ["timepoint first_dose\n  label first dose\n"] if writer.timed else []
    scopes = [f"scope {name}\n  label Scope {name}\n" for name in writer.scopes]
    text = "\n".join([HEADER, *scopes, *times, *parameters, *own, *criteria])
    # Of the text alone, so that what a case is does not rest on what can change in it.
    return text + random_changes(random.Random(f"changes {text}"), text)


CHANGING = {
    **{name: ["up", "down"] for name in LIMITS if name not in ("age", "lesion_count", *DERIVED)},
    **{name: [f"to {value}" for value in VALUES[name]] for name in STATUSES},
    **{name: ["to present", "to absent"] for name in [*SITES, "breast_cancer", *TAKEN]},
    "oophorectomy": ["to present", "to absent"],
    "informed_consent": ["to signed"],
}
"""Names of which it can be said how they change, with the directions in which they can go."""


def random_changes(rng: random.Random, text: str) -> str:
    """Statements of how things that a protocol tests can change, and what it costs to have them;
    often none."""
    tested = [name for name in sorted(CHANGING) if re.search(rf"\b{name}\b", text)]
    lines = []
    for name in rng.sample(tested, k=rng.choice([0, min(2, len(tested)), len(tested)])):
        kind, direction = (
            rng.choice(["treat", "treat", "correct", "correct", "never"]),
            rng.choice(CHANGING[name]),
        )
        cost = f" cost {rng.randint(1, 20)}" if rng.random() < 0.7 else ""
        more = "" if kind == "never" else cost + (f" {direction}" if rng.random() < 0.4 else "")
        if rng.random() < 0.7:
            lines.append(f"change {name} {kind}{more}\n")
        if rng.random() < 0.5:
            how = "never" if rng.random() < 0.2 else f"cost {rng.randint(1, 20)}"
            lines.append(f"obtain {name} {how}\n")
    return "\n" + "".join(lines) if lines else ""


# Names of all kinds that can grow too old, and knowledge files; ages near those of the records.
AGEING = [*STATUSES, *(n for n in LIMITS if n not in ("age", *DERIVED))]
AGEING += ["measured_lesion", "informed_consent", "problem_list", "medication_history"]
FILES = ["labs", "performance", "oncology.breast", "consent", "histories"]
AGES = ["0 days", "7 days", "14 days", "28 days", "40 days", "1 months", "2 months", "1 years"]


def random_policies(rng: random.Random) -> str:
    """The text of a valid file of policies."""
    targets = [*rng.sample(FILES, k=rng.choice([0, 1, 2, 5])), *rng.sample(AGEING, k=6)]
    lines = [f"policy {target} within {rng.choice(AGES)}\n" for target in targets]
    return "policies random_site\n  title A site\n\n" + "".join(lines)
