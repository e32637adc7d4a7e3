"""The plots of a cohort, as data: where their bars and lines stand. `plots.html` draws them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

from protocol_logic.surfaces.terminal import cut, visible

Json: TypeAlias = Mapping[str, Any]

_NAMES, _LENGTH, _ROW, _SAID = 230, 420, 24, 160
_NAME_MOST = 34
_LEFT, _WIDTH, _TOP, _HEIGHT, _FOOT = 46, 520, 14, 190, 40
_TICKS = 5


@dataclass(frozen=True, slots=True)
class Bar:
    """A row of bars: parts one after the other, each with its x, width and kind."""

    label: str
    y: int
    parts: tuple[tuple[float, float, str], ...]
    said: str
    said_at: float


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars one below the other; `key`: kind -> what it is."""

    width: int
    height: int
    names: int
    bars: tuple[Bar, ...]
    key: tuple[tuple[str, str], ...]


def bars(
    rows: Iterable[tuple[str, Sequence[tuple[str, float]], str]], key: Mapping[str, str]
) -> Bars:
    """Bars of rows: label, parts with their kind and size, and what stands behind them."""
    listed = list(rows)
    most = max((sum(size for _, size in parts) for _, parts, _ in listed), default=0) or 1
    found = []
    for number, (label, parts, said) in enumerate(listed):
        at, placed = float(_NAMES), []
        for kind, size in parts:
            width = size / most * _LENGTH
            placed.append((round(at, 1), round(width, 1), kind))
            at += width
        name = cut(visible(label), _NAME_MOST)
        found.append(Bar(name, number * _ROW, tuple(placed), said, round(at + 6, 1)))
    return Bars(
        _NAMES + _LENGTH + _SAID, max(len(found), 1) * _ROW, _NAMES - 8, tuple(found),
        tuple(key.items()),
    )  # fmt: skip


def attrition_plot(part: Json) -> Bars:
    """Who is left after each criterion: certainly, and besides them possibly."""
    everybody = sum(part["eligibility"].values())
    rows: list[tuple[str, Sequence[tuple[str, float]], str]] = [
        ("all", [("sure", everybody)], f"{everybody:,}")
    ]
    for step in part["attrition"]:
        sure, maybe = step["certainly"], step["possibly"]
        said = f"{maybe:,}" if sure == maybe else f"{sure:,} to {maybe:,}"
        rows.append((step["criterion"], [("sure", sure), ("maybe", maybe - sure)], said))
    return bars(rows, {"sure": "certainly left", "maybe": "possibly left"})


def influence_plot(part: Json) -> Bars:
    """The exclusions by criterion: those by it alone, and its share in the others."""
    rows = []
    for each in part["influence"]:
        share = Fraction(each["excludes"]["exact"])
        alone = min(Fraction(each["lost_only"]), share)
        rows.append(
            (
                each["criterion"],
                [("sure", float(alone)), ("maybe", float(share - alone))],
                f"{float(share):,.1f}",
            )
        )
    return bars(rows, {"sure": "lost only because of it", "maybe": "its share in the others"})


def stratum_plot(stratum: Json) -> Bars:
    """What became of the patients of each value, in percent of them."""
    words = ("eligible", "undetermined", "ineligible")
    rows = []
    for each in stratum["values"]:
        parts = [(w, 100 * each["eligibility"][w] / each["patients"]) for w in words]
        rows.append((each["value"], parts, f"of {each['patients']:,}"))
    return bars(rows, {word: word for word in words})


@dataclass(frozen=True, slots=True)
class Line:
    """How many are eligible against a limit: the steps, the own limit, and the ticks."""

    width: int
    height: int
    path: str
    own: float
    bottom: int
    left: int
    right: int
    top: int
    across: tuple[tuple[float, str], ...]
    up: tuple[tuple[float, str], ...]


def curve_plot(curve: Json) -> Line:
    """The plot of one curve, over the limits that were tried."""
    tried: list[tuple[Fraction, int]] = [
        (Fraction(each["limit"]), each["eligible"]) for each in curve["tried"]
    ]
    low, high = tried[0][0], tried[-1][0]
    inside = [v for v in curve["values"] if low < Fraction(v["value"]) < high]
    levels = [n for _, n in tried] + [v[side] for v in inside for side in ("at", "above")]
    most: int = max(*levels, 1)
    bottom = _TOP + _HEIGHT

    def across(number: Fraction) -> float:
        return round(_LEFT + float((number - low) / (high - low or 1)) * _WIDTH, 1)

    def up(level: int) -> float:
        return round(bottom - level / most * _HEIGHT, 1)

    level, path = tried[0][1], [f"M{_LEFT} {up(tried[0][1])}"]
    for value in inside:
        if value["above"] != level:
            level = value["above"]
            path.append(f"H{across(Fraction(value['value']))}V{up(level)}")
    path.append(f"H{_LEFT + _WIDTH}")
    every = max(1, (len(tried) - 1) // _TICKS)
    own = next(i for i, (n, _) in enumerate(tried) if n == Fraction(curve["limit"]))
    marked = {own, *range(own % every, len(tried), every)}
    ticks = tuple((across(tried[i][0]), curve["tried"][i]["limit"]) for i in sorted(marked))
    heights = sorted({0, curve["eligible"], most})
    return Line(
        _LEFT + _WIDTH + 40, bottom + _FOOT, "".join(path), across(Fraction(curve["limit"])),
        bottom, _LEFT, _LEFT + _WIDTH, _TOP, ticks, tuple((up(n), f"{n:,}") for n in heights),
    )  # fmt: skip
