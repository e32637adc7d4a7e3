"""Where there are more minimal changes than are wanted, the cheapest are given."""

from __future__ import annotations

from hypothesis import given, settings, strategies as st

from protocol_logic.reasoning.repairing import Fit, Level, Region, Shape, State, minimal_regions

SHAPES = st.lists(
    st.tuples(st.integers(1, 9), st.integers(1, 3), st.sampled_from(["one", "any", "range"])),
    min_size=2,
    max_size=5,
).map(
    lambda each: [
        Shape(joined, (0,) * options, (cost,) * options) for cost, options, joined in each
    ]
)


@st.composite
def searches(draw: st.DrawFn) -> tuple[list[Shape], list[tuple[Fit, ...]]]:
    """Levers, and nogoods of one to three of them, each in some of its states."""
    shapes = draw(SHAPES)
    nogoods = []
    for _ in range(draw(st.integers(1, 6))):
        levers = draw(
            st.lists(st.integers(0, len(shapes) - 1), min_size=1, max_size=3, unique=True)
        )
        parts: list[Fit] = []
        for lever in levers:
            options = range(-1, len(shapes[lever].families))
            chosen = draw(st.sets(st.sampled_from(list(options)), min_size=1))
            states: list[State] = [((lever, option),) for option in sorted(chosen)]
            parts.append(tuple(states))
        nogoods.append(tuple(parts))
    return shapes, nogoods


def cost_of(shapes: list[Shape], region: Region) -> int:
    return sum(shapes[lever].costs[kept[0]] for lever, kept in region)


@settings(max_examples=60, deadline=None)
@given(searches(), st.integers(1, 4), st.none() | st.integers(-1, 30))
def test_the_cheapest_are_given(
    search: tuple[list[Shape], list[tuple[Fit, ...]]], most: int, near: int | None
) -> None:
    """Wherever the search begins."""
    shapes, nogoods = search
    every, whole = minimal_regions(shapes, nogoods, 10_000)
    assert whole
    some, complete = minimal_regions(shapes, nogoods, most, Level(near))
    assert complete is (len(every) <= most)
    assert set(some) <= set(every)
    costs = sorted(cost_of(shapes, region) for region in every)
    assert sorted(cost_of(shapes, region) for region in some) == costs[:most]
