"""The data fit as text, as wide as the terminal; nothing is said by colour alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from protocol_logic.surfaces import fit_words as words
from protocol_logic.surfaces.report_text import ReportText
from protocol_logic.surfaces.terminal import cut, pad, text_width, visible

if TYPE_CHECKING:
    from protocol_logic.answering.fit.report import Report

_MOST_SUGGESTIONS = 5
_MOST_ENTRIES = 20
_GAPS = 5
_AGES = 34  # as wide as their heading


class FitText(ReportText):
    """Draws a report."""

    def __init__(self, report: Report, *, width: int, colour: bool, encoding: str) -> None:
        super().__init__(width=width, colour=colour, encoding=encoding)
        self.report = report
        self.plus, self.minus = "+", self.signs.vacuous
        self.arrow = "→" if self.ellipsis == "…" else "->"

    def lines(self) -> Iterator[str]:
        """All lines, each at most as wide as asked, where words allow it."""
        yield from self.head(words.heading(self.report), words.summary(self.report))
        if self.report["summary"]["patients"]:
            yield from self._criteria()
            yield from self._elements()
            yield from self._suggestions()
            yield from self._look_alikes()
            yield from self._lists_open()
            yield from self._never()
            yield from self._asked()
            yield from self._resources()
        yield ""
        yield from self.wrapped(words.LAST_LINE)

    def _title(self, text: str) -> Iterator[str]:
        yield ""
        # A heading of columns fits as it is.
        for line in [text] if text_width(text) <= self.width else self.wrapped(text):
            yield self.paint(line, "bold")

    # ---- criteria --------------------------------------------------------------------------------

    def _criteria(self) -> Iterator[str]:
        criteria = self.report["criteria"]
        if criteria is None:
            return
        name = min(max(len(c["id"]) for c in criteria), max(12, self.width // 3))
        header = pad("Criteria", name + 4) + "   decided"
        beside = self.width >= text_width(header) + 26
        yield from self._title(header + ("  what keeps the others open" if beside else ""))
        for number, criterion in enumerate(criteria, 1):
            lead = f"{number:>3} {pad(cut(criterion['id'], name, self.ellipsis), name)}"
            lead += f"  {criterion['decided']:>8,}  "
            gaps = words.gaps(criterion, _GAPS)
            if not beside:
                yield lead
                yield from self.wrapped(gaps, "    ")
                continue
            lines = list(self.wrapped(gaps, " " * text_width(lead)))
            yield lead + lines[0].strip() if lines else lead
            yield from lines[1:]

    # ---- elements --------------------------------------------------------------------------------

    def _elements(self) -> Iterator[str]:
        recorded = [e for e in self.report["elements"] if e["patients"]["recorded"]]
        if not recorded:
            return
        names = [words.called(e) for e in recorded]
        name = min(max([8, *map(text_width, names)]), max(16, self.width - 18 - _AGES))
        beside = self.width >= name + 18 + _AGES
        header = f"{'Elements':<{name}}  recorded  usable"
        yield from self._title(header + ("  age in days: least, median, most" if beside else ""))
        for element, called in zip(recorded, names, strict=True):
            patients, ages = element["patients"], element["age_days"]
            lead = pad(cut(called, name, self.ellipsis), name)
            line = f"{lead}  {patients['recorded']:>8,}  {patients['usable']:>6,}"
            days = [f"{ages[key]:,}" for key in ("min", "median", "max")] if ages else []
            yield line + ("  " + "".join(f"{each:>8}" for each in days) if beside else "")
            if days and not beside:
                ages_said = f"age in days: {', '.join(days)} (least, median, most)"
                yield from self.wrapped(ages_said, "    ", "      ")
            for detail in words.details(element):
                yield from self.wrapped(detail, "    ", "      ")

    # ---- suggestions -----------------------------------------------------------------------------

    def _suggestions(self) -> Iterator[str]:
        found = [e for e in self.report["elements"] if e["suggestions"]]
        if not found:
            return
        yield from self._title(
            "Codes that no entry of the files in use has, and that look like a wanted element"
        )
        key = f"{self.plus} nothing speaks against it  {self.minus} something does"
        yield from self.wrapped(key)
        for element in found:
            each = element["suggestions"]
            yield f"{visible(element['element'])}: {visible(element['label'])}"
            for suggestion in each[:_MOST_SUGGESTIONS]:
                yield from self._suggestion(suggestion)
            if len(each) > _MOST_SUGGESTIONS:
                more = len(each) - _MOST_SUGGESTIONS
                yield from self.wrapped(f"and {more:,} more: --format json has all", "  ")

    def _suggestion(self, suggestion: dict[str, Any]) -> Iterator[str]:
        sign = self.plus if suggestion["likely"] else self.minus
        name = words.coded(suggestion, "display")
        yield from self.wrapped(f"{sign} {name}", "  ", "    ")
        yield from self.wrapped(words.where(suggestion), "    ", "      ")
        for what in ("for", "against", "remarks"):
            if suggestion[what]:
                said = {"remarks": "note"}.get(what, what)
                yield from self.wrapped(f"{said}: {'; '.join(suggestion[what])}", "    ", "      ")

    def _look_alikes(self) -> Iterator[str]:
        found = [(e, alike) for e in self.report["elements"] for alike in e["look_alikes"]]
        if not found:
            return
        yield from self._title("Known look-alikes, rightly not used")
        for element, alike in found:
            text = f"{visible(element['element'])} is not {words.coded(alike, 'display')}: "
            text += f"{visible(alike['why'])} ({words.where(alike)})"
            yield from self.wrapped(text, "", "    ")

    def _lists_open(self) -> Iterator[str]:
        found = self.report["lists_open"]
        if not found["entries"]:
            return
        yield from self._title(words.LISTS_OPEN)
        yield from self.wrapped(words.lists_open(found))
        for each in found["entries"][:_MOST_ENTRIES]:
            yield ""
            yield from map(visible, each["entry"].split("\n"))
        more = len(found["entries"]) - _MOST_ENTRIES
        if more > 0:
            yield ""
            yield from self.wrapped(f"and {more:,} more: --format json has all")

    # ---- what is never there ---------------------------------------------------------------------

    def _never(self) -> Iterator[str]:
        found = words.never(self.report)
        if not found:
            return
        decided = self.report["criteria"] is not None
        yield from self._title(words.NEVER)
        key = words.NEVER_CRITERIA if decided else words.NEVER_ASKED
        yield from self.wrapped(f"{self.arrow} {key}")
        for each in found:
            yield from self.wrapped(", ".join(each.elements), "", "  ")
            text = visible(each.why)
            if each.criteria:
                text += f" {self.arrow} {', '.join(map(visible, each.criteria))}"
            yield from self.wrapped(text, "    ", "    ")

    # ---- what is asked of a person ---------------------------------------------------------------

    def _asked(self) -> Iterator[str]:
        found = self.report["asked"]
        if not found:
            return
        yield from self._title(words.ASKED)
        for each in found:
            yield from self.wrapped(f"{visible(each['element'])} ({each['how']})", "", "  ")
            criteria = ", ".join(map(visible, each["criteria"]))
            text = f"{visible(each['text'])} {self.arrow} {criteria}"
            if each["answered"]:
                text += f" ({words.answered(each)})"
            yield from self.wrapped(text, "    ", "    ")

    # ---- resources -------------------------------------------------------------------------------

    def _resources(self) -> Iterator[str]:
        rows: Sequence[dict[str, Any]] = self.report["resources"]
        if not rows:
            return
        heads = ("total", "facts", "irrelevant", "problems")
        name = max([9, *(text_width(visible(r["type"])) for r in rows)])
        if self.width < name + 12 * len(heads):
            yield from self._title("Resources")
            for row in rows:
                numbers = ", ".join(f"{row[head]:,} {head}" for head in heads)
                yield from self.wrapped(f"{visible(row['type'])}: {numbers}", "", "  ")
        else:
            yield from self._title(pad("Resources", name) + "".join(f"{h:>12}" for h in heads))
            for row in rows:
                numbers = "".join(f"{row[head]:>12,}" for head in heads)
                yield pad(visible(row["type"]), name) + numbers
        if any(row["problems"] for row in rows):
            yield from self.wrapped(words.PROBLEMS)
        unmapped = self.report["unmapped"]
        if unmapped["capped"]:
            yield from self.wrapped(words.CAPPED.format(unmapped["most_codes"]))
