"""Write the pages that are made from tables of the code and from the knowledge base:
docs/operators.md, docs/knowledge.md, and part of records.md.

    python tools/make_docs.py            write them
    python tools/make_docs.py --check    exit 1 where one is stale (the tests ask this too)

Output is the same bytes for the same tables.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from protocol_logic.compiling.catalogue import Known, catalogue, words_of
from protocol_logic.foundation.operators import COMPARISONS, OPERATORS, Operator
from protocol_logic.records.resources import MEDICATION, ROWS

DOCS = Path(__file__).parents[1] / "docs"
BEGIN = "<!-- made by tools/make_docs.py: begin -->"
END = "<!-- made by tools/make_docs.py: end -->"

_BLANK = re.compile(r"\{([a-z ]+)\}")

# The section of docs/semantics.md that says what a test means when data are missing.
MEANING = {
    "compares": "numbers",
    "compares with ULN": "limits-of-normal",
    "compares with LLN": "limits-of-normal",
    "compares points": "scores",
    "value within": "windows-on-results",
    "highest": "the-highest-the-lowest-the-mean",
    "is": "named-values",
    "recorded as": "what-is-recorded",
    "recorded": "what-is-recorded",
    "present": "conditions",
    "confirmed by": "evidence",
    "in effect": "medications-in-effect",
    "on both sides": "procedures-on-both-sides",
    "present as": "occurrences",
    "allergy to": "allergies",
    "number of": "occurrences",
    "within": "occurrences",
    "history of": "occurrences",
    "lines of": "lines-of-therapy",
    "there is": "courses-and-events",
    "attested": "consent",
    "todo": "to-dos",
    "asked": "asked-of-a-person",
}

# What is read of a resource of each type, besides its codes, status and date.
READ = {
    "Patient": "`gender`, `birthDate`; `deceased[x]`, `active` and `link` are reported",
    "Observation": "`value[x]` (Quantity, CodeableConcept, integer, boolean), `dataAbsentReason`, "
    "`referenceRange` (`high`, `low`, `type`, `appliesTo`), `component`, `bodySite`, `method`",
    "Condition": "`verificationStatus`, `clinicalStatus`, `onset[x]` and `abatement[x]` (dateTime, "
    "Period, Age), `evidence.code`, `severity`, `stage.summary`, `stage.type`, `bodySite`",
    "AllergyIntolerance": "`type`, `clinicalStatus`, `verificationStatus`, `onset[x]`",
    "Procedure": "`bodySite`, with the extension `mcode-laterality-qualifier`",
    "Encounter": "`class`, `type`",
    "MedicationStatement": "the extension `mcode-procedure-intent` or `mcode-treatment-intent`",
    "MedicationAdministration": "the extension `mcode-procedure-intent` or "
    "`mcode-treatment-intent`",
    "MedicationRequest": "`intent` (must be an order), `doNotPerform`",
    "MedicationDispense": "–",
    "List": "`mode` (must be `snapshot`), `emptyReason`",
    "Consent": "`status`, `provision.type`",
}
# The dates of courses are read with their starts and ends, so they are no `dates` of the row.
COURSES = {
    "MedicationStatement": "`effectivePeriod`, else `effectiveDateTime` (a start)",
    "MedicationAdministration": "`effectivePeriod`, else `effectiveDateTime` (start and end)",
}


def operators_page() -> str:
    """The text of docs/operators.md."""
    return "\n".join(
        [
            "# Operators",
            "",
            "Made by `tools/make_docs.py` from `src/protocol_logic/foundation/operators.py`: do "
            "not edit.",
            "The language with all its blocks is in [language.md](language.md), what a test means "
            "when data are missing in [semantics.md](semantics.md).",
            "“Seed README” among the sources is the reference reading handed over with the seed "
            "protocol; it is not in this repository, and semantics.md says what it says.",
            "",
            "## Comparison signs",
            "",
            "A sign compares a number with a limit. It cuts the numbers there, and the parts get "
            "names in words.",
            "",
            *_table(
                ("sign", "in a cell's name", "said", "denied", "example"),
                (
                    (f"`{c.sign}`", c.slug, _said(c.says), _said(c.denies), f"`{c.example}`")
                    for c in COMPARISONS.values()
                ),
            ),
            "",
            "## Tests",
            "",
            *_table(
                ("test", "written", "stands after", "when nothing is recorded"),
                (
                    (f"[{o.name}](#{anchor(o.name)})", _written(o), o.takes, o.absent)
                    for o in OPERATORS.values()
                ),
            ),
            *(line for o in OPERATORS.values() for line in _section(o)),
            "",
        ]
    )


def _section(o: Operator) -> list[str]:
    cells = ", ".join(f"`{c}`" for c in o.cells) or "those that the protocol's tests tell apart"
    true = ", ".join(f"`{c}`" for c in o.true) or "those inside the limit or among the values"
    return [
        "",
        f"## {o.name}",
        "",
        "```elig",
        o.example,
        "```",
        "",
        f"- written: {_written(o)}",
        f"- stands after: {o.takes}",
        f"- unit: {o.unit}",
        f"- when nothing is recorded: {o.absent}",
        f"- cells: {cells}; true in {true}",
        f"- said: {_said(o.says)}; denied: {_said(o.denies)}",
        f"- source: {o.source}",
        f"- meaning: [semantics.md](semantics.md#{MEANING[o.name]})",
    ]


def _written(o: Operator) -> str:
    # The parts of a block stand between slashes too, but one goes on with dots.
    if o.syntax.endswith("..."):
        return f"`{o.syntax}`"
    return " or ".join(f"`{form}`" for form in o.syntax.split(" / "))


def _said(template: str) -> str:
    words = template.replace("{}", "LIMIT").replace("{by}", "EVIDENCE")
    return f"“{_BLANK.sub(lambda match: match[1].upper(), words)}”"


def knowledge_page() -> str:
    """The text of docs/knowledge.md."""
    known = catalogue()
    lines = [
        "# The knowledge base",
        "",
        "Made by `tools/make_docs.py` from `kb/knowledge/`: do not edit.",
        f"{len(known)} names that a protocol can say once it `uses` their file. "
        "`protocol-logic names WORD` finds one and says how it is tested. What each kind of entry "
        "is stands in [language.md](language.md#knowledge). `protocol-logic names NAME`, with a "
        "name as it stands here, shows the codes by which it is read. A name covers its kinds: a "
        "patient with one of them has it. Where nothing closes a name, no complete list makes it "
        "absent. What `recurs` comes again, as all that is of it does: that it ended denies "
        "nothing. Behind a name stands the element that gaps, answers and rows call it by, where "
        "it is another.",
        "",
        "## Words beside names",
        "",
        "What stands for the words in capitals in the tests that `names` shows "
        "([operators.md](operators.md) has them all).",
        "",
        *_table(("word", "can be", "of"), _beside(known)),
    ]
    for home in dict.fromkeys(each.home for each in known):
        inside = [each for each in known if each.home == home]
        told = ("name", "what it is", "also", "kind", "units or values", "kind of", "covers")
        head = (*told, "closed by", "source")
        lines += ["", f"## {home}", "", *_table(head, map(_known_row, inside))]
    return "\n".join([*lines, ""])


def _beside(known: Sequence[Known]) -> Iterable[tuple[str, str, str]]:
    """What can stand for a word in capitals, and of which names."""
    for word, text in words_of(known, known).items():
        if word not in ("EVIDENCE", "QUALIFIER VALUE"):
            listed = word in ("COMPARISON", "INTENT")
            yield (f"`{word}`", _code(text.replace(",", "").split()) if listed else text, "")
    yield ("`UNIT` of a limit", "those in the column “units or values”", "")
    yield ("`VALUE`", "those in the column “units or values”", "")
    for each in known:
        if each.kind == "qualifier":
            yield ("`QUALIFIER VALUE`", f"{_code([each.name])} and {_code(each.values)}", each.home)
    lists: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for each in known:
        told = {"EVIDENCE": each.evidence, "SITE": each.sites, "METHOD": each.methods}
        for word, values in told.items():
            if values:
                more = ("other",) if word != "EVIDENCE" else ()
                lists.setdefault((word, (*values, *more)), []).append(each.name)
    for (word, values), names in lists.items():
        yield (f"`{word}`", _code(values), _code(names))


def _code(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _known_row(known: Known) -> tuple[str, ...]:
    units = [] if known.unit in (None, "1") or known.values else known.units
    element = f" ({_code([known.element])})" if known.element != known.name else ""
    return (
        f"{_code([known.name])}{element}",
        known.label,
        ", ".join(known.also),
        f"{known.kind}, recurs" if known.recurs else known.kind,
        _code(known.values or units),
        _code(known.parents),
        _code(known.below),
        _code([known.closed_by] if known.closed_by else ()),
        known.source,
    )


def records_table() -> str:
    """The table of docs/records.md: what is read of each resource type."""
    rows = []
    for kind, row in ROWS.items():
        statuses = "any" if row.statuses is None else ", ".join(sorted(row.statuses))
        if kind == "Condition":
            statuses = "any but verificationStatus `entered-in-error`"
        elif kind == "Patient":
            statuses = "–"
        dates = ", else ".join(f"`{path}`" for path in row.dates) or COURSES.get(kind, "–")
        undated = "–"
        if kind in COURSES or row.any_day:
            undated = "counts as of any day"
        elif row.dates:
            undated = "does not count"
        code = "–" if row.code is None else f"`{row.code}`"
        if row.code == MEDICATION:
            code += ", `medicationReference`"
        rows.append((kind, code, statuses, dates, undated, READ[kind]))
    head = ("resource", "found by", "statuses that count", "date", "without a date", "also read")
    return "\n".join(_table(head, rows))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]


def anchor(heading: str) -> str:
    """The anchor that a Markdown viewer gives to a heading."""
    kept = "".join(c for c in heading.lower() if c.isalnum() or c in " -_")
    return kept.replace(" ", "-")


def records_page() -> str:
    """The text of docs/records.md: what stands there, with a new table."""
    records = DOCS / "records.md"
    before, begin, rest = records.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    assert begin and end, f"{records} has no place for the table"
    return f"{before}{BEGIN}\n{records_table()}\n{END}{after}"


PAGES = {
    DOCS / "operators.md": operators_page,
    DOCS / "knowledge.md": knowledge_page,
    DOCS / "records.md": records_page,
}
"""Each page with what gives the text that it should have."""


def main(arguments: Sequence[str]) -> int:
    stale = 0
    for path, made in PAGES.items():
        text = made()
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale += 1
        if "--check" in arguments:
            print(f"{path.name} is stale: run python tools/make_docs.py")
        else:
            path.write_text(text, encoding="utf-8", newline="\n")
            print(f"wrote {path.name}")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
