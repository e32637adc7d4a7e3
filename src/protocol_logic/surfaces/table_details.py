"""What the table says of a patient beside the signs: what fails, what is open, in a few lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from protocol_logic.answering.kinds import folded, with_kinds
from protocol_logic.findings.unlisted import said_of
from protocol_logic.findings.unread import unread_said
from protocol_logic.surfaces.digits import rounded
from protocol_logic.surfaces.table_layout import Words, wrap
from protocol_logic.surfaces.terminal import text_width, visible

if TYPE_CHECKING:
    from protocol_logic.answering.rows import Row
    from protocol_logic.knowledge.vocabulary import Vocabulary

Parts: TypeAlias = list[tuple[str, list[str]]]
"""What is said of a patient: (`not met`, ids of criteria), (`missing`, ids of elements), ..."""

ELIGIBILITIES = ("eligible", "ineligible", "undetermined")
_MOST_LINES = 6
# How a gap is said, by its reason; the order is that of the line.
_GAPS = {
    "absent": "missing",
    "not_closed": "missing",
    "no_reference_range": "missing",
    "unreadable": "unreadable",
    "conflicting": "conflicting",
    "imprecise": "imprecise",
    "stale": "too old",
    "ordered": "only ordered",
    "ended": "ended once",
    "doubted": "in doubt",
}
_TO_ASK = "to be asked"
PASSED_OVER = "complete list passes over"
UNREAD = "new, but not read"
_MOST_PASSED = 3
DECEASED = "the patient is recorded as deceased"
"""How the status of a patient who died begins."""


def words_of(parts: Parts) -> Words:
    """`not met: a, b; missing: c` as words."""
    words: Words = []
    for index, (head, names) in enumerate(parts):
        style = "yellow" if head in (*_GAPS.values(), _TO_ASK, PASSED_OVER, UNREAD) else "red"
        words += [(word, style) for word in f"{head}:".split(" ")]
        ends = [","] * (len(names) - 1) + ["" if index == len(parts) - 1 else ";"]
        words += [(visible(name) + end, "") for name, end in zip(names, ends, strict=True)]
    return words


def words_of_why(criterion: Mapping[str, Any]) -> Words:
    """Why a criterion fails or is open, as words; none where that is not asked, or it passes."""
    return [(word, "") for word in rounded(visible(criterion.get("why") or "")).split()]


def why_lines(row: Row) -> list[Words]:
    """For each criterion of which a reason is given its id and the reason."""
    styles = {"fail": "red", "open": "yellow"}
    return [
        [(f"{criterion['id']}:", styles[criterion["verdict"]]), *words]
        for criterion in row["criteria"]
        if (words := words_of_why(criterion))
    ]


def details_parts(row: Row, vocabulary: Vocabulary) -> Parts:
    """What stands in a patient's way: failing criteria first, then what keeps others open.

    Not where the row says why, which says it all.
    """
    passed = [*passed_parts(row["criteria"]), *unknown_parts(row)]
    if why_lines(row):
        return [*_by_scope(row), *together(row), *passed]
    failing = [c for c in row["criteria"] if c["verdict"] == "fail"]
    parts = [
        ("not met", [c["id"] for c in failing if c["polarity"] == "inclusion"]),
        ("excluded by", [c["id"] for c in failing if c["polarity"] == "exclusion"]),
        *together(row),
    ]
    parts = [*_by_scope(row), *(part for part in parts if part[1])]
    # What may be wrong comes before what is to be asked, of which the end may be left out.
    return [*parts, *passed, *gap_parts(row["criteria"], vocabulary)]


def _by_scope(row: Row) -> Parts:
    """For which scopes a patient is eligible, and for which not, where they differ."""
    by = {
        kind: [s["id"] for s in row["scopes"] if s["eligibility"] == kind] for kind in ELIGIBILITIES
    }
    parts = [(f"{kind} for", names) for kind, names in by.items() if names]
    return parts if len(parts) > 1 else []


def together(row: Row) -> Parts:
    """Criteria that no scenario lets pass together, overall or in a scope."""
    parts = [("not met together", list(row["decided_jointly"]))]
    for scope in row["scopes"]:
        parts.append((f"not met together for {scope['id']}", list(scope["decided_jointly"])))
    return [part for part in parts if part[1]]


def gap_parts(criteria: Sequence[Mapping[str, Any]], vocabulary: Vocabulary) -> Parts:
    """The elements that keep criteria open, by what is wrong with them; kinds of a class that is
    among them are only counted."""
    found: dict[str, set[str]] = {words: set() for words in (*_GAPS.values(), _TO_ASK)}
    asked = {question["id"] for criterion in criteria for question in criterion["asked"]}
    for criterion in criteria:
        for gap in criterion["gap_details"]:
            words = _GAPS.get(gap["reason"], "missing")
            is_question = words == "missing" and gap["element"] in asked
            found[_TO_ASK if is_question else words].add(gap["element"])
    return [
        (words, [with_kinds(name, kinds) for name, kinds in folded(elements, vocabulary).items()])
        for words, elements in found.items()
        if elements
    ]


def passed_parts(criteria: Sequence[Mapping[str, Any]]) -> Parts:
    """What resembles a class that a complete list makes absent, or a result that is asked for and
    is as new as what counts, whatever came out."""
    said = [
        said_of(each["name"], each["resource"], each["resembles"], each["status"])
        for criterion in criteria
        for each in criterion["passed_over"]
    ]
    unread = [
        unread_said(each["name"], each["code"], each["day"], each["resembles"], each["why"])
        for criterion in criteria
        for each in criterion["unread"]
    ]
    parts = [(PASSED_OVER, _few(said)), (UNREAD, _few(unread))]
    return [(head, names) for head, names in parts if names]


def _few(said: Sequence[str]) -> list[str]:
    """The first of some texts, each once, and how many more there are."""
    names = list(dict.fromkeys(said))
    more = [f"{len(names) - _MOST_PASSED:,} more"] if len(names) > _MOST_PASSED else []
    return names[:_MOST_PASSED] + more


def status_of(row: Row) -> list[str]:
    """What the Patient says of the whole record: deceased, not active, replaced."""
    return [p["message"] for p in row["problems"] if p["code"] == "patient-status"]


def unknown_of(row: Row) -> list[str]:
    """What a complete list passes over because no entry knows it, counted by kind."""
    told = (p["message"] for p in row["problems"] if p["code"] == "unlisted-under-closed-list")
    said = (text.partition(" beside ")[2].partition(":")[0] for text in told)
    return [each for each in said if each.endswith("that no entry knows")]


def unknown_parts(row: Row) -> Parts:
    """The same of a row that is kept."""
    return [(PASSED_OVER, list(row["unknown"]))] if row["unknown"] else []


def status_words(row: Row, end: str = "") -> Words:
    """The status of a patient as words, if the row has any."""
    words = visible("; ".join(row["status"])).split()
    return [(word, "yellow") for word in [*words[:-1], *(last + end for last in words[-1:])]]


def capped(words: Words, width: int, ellipsis: str) -> list[Words]:
    """Words to a few lines; the last one says how many names are left out."""
    lines = wrap(words, width)
    if len(lines) <= _MOST_LINES:
        return lines
    kept, left = lines[:_MOST_LINES], lines[_MOST_LINES:]
    last = kept[-1]
    left_out = last[0]
    more = sum(not style for line in left for _, style in line)
    while last:
        said = f"{ellipsis} and {more:,} more"
        styled = bool(last[-1][1])  # a head without names
        if not styled and sum(text_width(w) + 1 for w, _ in last) + text_width(said) <= width:
            break
        last.pop()
        more += not styled
    if not last and kept[-2][-1][1] and not left_out[1]:
        # A head, and a name too long to have anything beside it.
        last.append(left_out)
        more -= 1
        kept.append([])
    while not last and kept[-2] and kept[-2][-1][1]:
        kept[-2].pop()  # the first words of a head without names
    kept[-1].append((f"{ellipsis} and {more:,} more", ""))
    return [line for line in kept if line]
