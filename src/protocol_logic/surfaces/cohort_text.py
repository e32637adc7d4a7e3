"""A cohort as text, as wide as the terminal; nothing is said by colour alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from protocol_logic.surfaces import cohort_words as words
from protocol_logic.surfaces.report_text import ReportText
from protocol_logic.surfaces.terminal import cut, pad, text_width, visible

if TYPE_CHECKING:
    from protocol_logic.answering.cohort.report import Report

_LEAST_NAME = 12


class CohortText(ReportText):
    """Draws a report."""

    def __init__(self, report: Report, *, width: int, colour: bool, encoding: str) -> None:
        super().__init__(width=width, colour=colour, encoding=encoding)
        self.report = report

    def lines(self) -> Iterator[str]:
        """All lines, each at most as wide as asked, where words allow it."""
        yield from self.head(words.heading(self.report), words.summary(self.report))
        if not self.report["patients"]:
            return
        for part in self.report["parts"]:
            title = words.title_of(part)
            if title:
                yield from self._title(title)
            yield from self.attrition(part)
            yield from self.influence(part)
            yield from self.missing(part)
            yield from self.curves(part)
            yield from self.relaxations(part)
        for number in range(len(self.report["strata"])):
            yield from self.stratum(number)
        yield from self.ranked(self.report.get("ranked") or [])

    def _title(self, text: str) -> Iterator[str]:
        yield ""
        for line in self.wrapped(text):
            yield self.paint(line, "bold")

    def _table(self, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
        """A table: names to the left, numbers to the right, both as wide as they are."""
        cells = [[head, *(row[i] for row in rows)] for i, head in enumerate(heads)]
        widths = [max(map(text_width, column)) for column in cells]
        room = self.width - sum(width + 2 for width in widths[1:])
        widths[0] = min(widths[0], max(room, _LEAST_NAME))
        for row in (heads, *rows):
            name = pad(cut(row[0], widths[0], self.ellipsis), widths[0])
            numbers = zip(row[1:], widths[1:], strict=True)
            yield name + "".join(f"  {' ' * (w - text_width(n))}{n}" for n, w in numbers)

    # ---- of one part -----------------------------------------------------------------------------

    def attrition(self, part: dict[str, Any]) -> Iterator[str]:
        """Who is left, criterion by criterion."""
        yield from self._title(words.ATTRITION)
        steps = part["attrition"]
        jointly = any(step["jointly"] for step in steps)
        heads = ["", "failed", "open", "possibly left", "certainly left"]
        if jointly:
            heads.insert(2, "with others")
        everybody = sum(part["eligibility"].values())
        rows = [["", *([""] * (len(heads) - 3)), f"{everybody:,}", f"{everybody:,}"]]
        for number, step in enumerate(steps, 1):
            keys = ["failed", "open", "possibly", "certainly"]
            if jointly:
                keys.insert(1, "jointly")
            name = f"{number:>2} {visible(step['criterion'])}"
            rows.append([name, *(f"{step[key]:,}" for key in keys)])
        yield from self._table(heads, rows)
        if jointly:
            yield from self.wrapped("With others: no scenario lets it and those before it pass.")

    def influence(self, part: dict[str, Any]) -> Iterator[str]:
        """What each criterion does, whatever its place."""
        yield from self._title(words.INFLUENCE)
        now = part["eligibility"]
        heads = ["", "failed", "only by it", "excludes", "eligible", "undetermined"]
        rows = [["", "", "", "", f"{now['eligible']:,}", f"{now['undetermined']:,}"]]
        for number, each in enumerate(part["influence"], 1):
            without = each["without"]
            rows.append(
                [
                    f"{number:>2} {visible(each['criterion'])}",
                    f"{each['failed']:,}",
                    f"{each['lost_only']:,}",
                    words.share(each["excludes"]),
                    f"{without['eligible']:,}",
                    f"{without['undetermined']:,}",
                ]
            )
        yield from self._table(heads, rows)
        for sentence in words.COLUMNS:
            yield from self.wrapped(sentence, "", "  ")

    def missing(self, part: dict[str, Any]) -> Iterator[str]:
        """What missing data cost."""
        if not part["missing_data"]["sets"]:
            return
        yield from self._title(words.MISSING)
        for sentence in words.missing(part):
            yield from self.wrapped(sentence, "", "  ")

    def curves(self, part: dict[str, Any]) -> Iterator[str]:
        """How many more would be eligible under other limits."""
        curves = [(curve, words.gains(curve)) for curve in part["curves"]]
        if any(gains for _, gains in curves):
            yield from self._title(words.LIMITS)
            for curve, gains in curves:
                if gains:
                    yield from self.wrapped(visible(curve["condition"]))
                    yield from self.wrapped(gains, "    ", "    ")

    def relaxations(self, part: dict[str, Any]) -> Iterator[str]:
        """The limits to ease next."""
        if part["relaxations"]:
            yield from self._title(words.EASED)
            for sentence in words.eased(part["relaxations"]):
                yield from self.wrapped(sentence, "", "    ")

    # ---- patients --------------------------------------------------------------------------------

    def ranked(self, ranked: Sequence[dict[str, Any]]) -> Iterator[str]:
        """The undetermined patients, the cheapest to settle first."""
        if not ranked:
            return
        yield from self._title(words.RANKED)
        yield from self.wrapped(words.RANKED_SAID)
        for number, each in enumerate(ranked, 1):
            lead = " ".join([f"{number:>3}", visible(each["patient"]), words.cost(each)])
            yield from self.wrapped(f"{lead.rstrip()}: {words.to_obtain(each)}", "", "    ")

    # ---- strata ----------------------------------------------------------------------------------

    def stratum(self, number: int) -> Iterator[str]:
        """What became of the patients of each value, and what each criterion does to them."""
        stratum = self.report["strata"][number]
        yield from self._title(f"By {visible(stratum['by'])}")
        heads = ["", "patients", "eligible", "undetermined", "ineligible"]
        rows = [
            [visible(each["value"]), f"{each['patients']:,}"]
            + [f"{each['eligibility'][word]:,}" for word in heads[2:]]
            for each in stratum["values"]
        ]
        yield from self._table(heads, rows)
        for place, part in enumerate(self.report["parts"]):
            yield ""
            title = words.title_of(part)
            if title:
                yield from self.wrapped(title)
            yield from self.wrapped("Failed, of the patients of each:")
            yield from self._by_criterion(stratum["values"], place)

    def _by_criterion(self, values: Sequence[dict[str, Any]], place: int) -> Iterator[str]:
        """The share of each value's patients who fail each criterion."""
        names = [each["criterion"] for each in self.report["parts"][place]["influence"]]
        columns = [each["parts"][place]["influence"] for each in values]
        rows = [
            [f"{number:>2} {visible(name)}"]
            + [
                words.percent(column[number - 1]["failed"], each["patients"])
                for each, column in zip(values, columns, strict=True)
            ]
            for number, name in enumerate(names, 1)
        ]
        yield from self._table(["", *(visible(each["value"]) for each in values)], rows)
