"""The mistakes that people make in examples, each with its cure."""

from __future__ import annotations

from protocol_logic.language.mistake import row

_RECORDED = "give what is recorded, as in `given {x} is from 2025-01-01 to 2025-06-01`"

EXAMPLES = (
    row(
        r"^(?P<k>examples?)$",
        "say in a few words what it shows: `{k} TITLE`",
        "`{k}` has no title after it",
    ),
    row(
        r"^examples\s+for\s+\w+\s+\S.*",
        "choose another title: `examples for NAME` begins a file of examples",
    ),
    row(
        r"^\w+\s+(?:attested|judged|opaque)\s+\"(?P<t>[^\"]*)\"?",
        lambda match: f"write `given {_slug(match['t'])} is yes`: its words joined with `_`",
        needs="IS",
        unless="COMPARE",
    ),
    row(
        r"^given\s+allergy\s+to\s+(?P<x>[a-z]\w*)",
        "write `given allergy_to_{x} ...`: its name is one word",
        needs="IS",
        unless="COMPARE",
    ),
    row(r"^given\s+(?:history|number|lines)\s+of\s+(?P<x>[a-z]\w*)", _RECORDED, needs="IS"),
    row(r"^given\s+(?:no|not|without)\s+(?P<x>[a-z]\w*)", "write `given {x} is absent`"),
    row(
        r"^given\s+(?P<x>[a-z]\w*)\s*(?:[=:<>]=?|≥|≤)+\s*(?P<v>\S.*)",
        "give one value: `given {x} is {v}`",
        needs="IS",
    ),
    row(r"^given\s+(?P<x>[a-z]\w*)\s+(?P<v>[\w.].*)", "write `given {x} is {v}`", needs="IS"),
    row(r"^given\s*\|.*", "start the row with its bar, and leave out `given`"),
    row(r"^(?:then|and\s+expect)\b", "write `expect`", needs="EXPECT"),
    row(r"^(?:when|and|with)\b", "write `given`", needs="GIVEN"),
    row(r"^as\s+of\b.*", "put it first, above what is given", needs="GIVEN", unless="AS_OF"),
    row(
        r"^[a-z]\w*\s*\|.*",
        "start the row with a bar, and end it with one",
        "this line is no row of a table",
        needs="ROW",
    ),
)
UNENDED_EXAMPLES = (
    row(
        r"^given\s+(?P<x>[a-z]\w*)$",
        "say its value, as in `given {x} is present`",
        needs="IS",
    ),
    row(
        r"^expect\s+(?P<x>[a-z]\w*)$",
        "say the outcome, as in `expect {x} met`",
        needs="REST",
    ),
)


def _slug(text: str) -> str:
    words = "".join(c if c.isalnum() else " " for c in text.lower()).split()
    return "_".join(words[:12])
