"""Attrition, leave-one-out and Shapley values, against what they mean, on any verdicts at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from itertools import permutations

from hypothesis import given, strategies as st

from protocol_logic.answering.cohort.influence import attrition, eligibilities, influence
from protocol_logic.answering.cohort.patterns import Standing, Together

MATRICES = st.integers(1, 5).flatmap(
    lambda criteria: st.lists(st.text("pfo", min_size=criteria, max_size=criteria), max_size=12)
)


def standing(verdicts: Sequence[str]) -> str:
    """Eligibility, patient by patient, where no criteria fail together."""
    if "f" in verdicts:
        return "ineligible"
    return "undetermined" if "o" in verdicts else "eligible"


def shapley(matrix: Sequence[str], stops: str) -> list[Fraction]:
    """How many more are stopped when a criterion is added, over all orders of the criteria."""
    criteria = len(matrix[0])
    orders = list(permutations(range(criteria)))
    totals = [0] * criteria
    for order in orders:
        left = list(matrix)
        for place in order:
            kept = [each for each in left if each[place] not in stops]
            totals[place] += len(left) - len(kept)
            left = kept
    return [Fraction(total, len(orders)) for total in totals]


@given(MATRICES)
def test_each_count_is_what_it_says(matrix: list[str]) -> None:
    counts = Counter(map(Standing, matrix))
    criteria = len(matrix[0]) if matrix else 2
    found = influence(counts, criteria)
    assert eligibilities(counts) == {
        word: sum(standing(each) == word for each in matrix)
        for word in ("eligible", "ineligible", "undetermined")
    }
    for place, each in enumerate(found):
        assert each.passed == sum(v[place] == "p" for v in matrix)
        assert each.failed == sum(v[place] == "f" for v in matrix)
        assert each.open == sum(v[place] == "o" for v in matrix)
        others = [(v, v[:place] + v[place + 1 :]) for v in matrix]
        assert each.lost_only == sum(v[place] == "f" and set(o) <= {"p"} for v, o in others)
        assert each.open_only == sum(v[place] == "o" and set(o) <= {"p"} for v, o in others)
        for word, number in each.without.items():
            assert number == sum(standing(o) == word for _, o in others)


@given(MATRICES)
def test_steps_count_those_left_so_far(matrix: list[str]) -> None:
    criteria = len(matrix[0]) if matrix else 2
    for place, step in enumerate(attrition(Counter(map(Standing, matrix)), criteria)):
        before = [each for each in matrix if "f" not in each[:place]]
        assert step.entering == len(before)
        assert step.passed == sum(each[place] == "p" for each in before)
        assert step.failed == sum(each[place] == "f" for each in before)
        assert step.open == sum(each[place] == "o" for each in before)
        assert step.possibly == sum("f" not in each[: place + 1] for each in matrix)
        assert step.certainly == sum(set(each[: place + 1]) <= {"p"} for each in matrix)
        assert step.jointly == 0


@given(MATRICES.filter(bool))
def test_shares_are_the_shapley_values(matrix: list[str]) -> None:
    found = influence(Counter(map(Standing, matrix)), len(matrix[0]))
    assert [each.excludes for each in found] == shapley(matrix, "f")
    assert [each.holds_back for each in found] == shapley(matrix, "fo")


def test_who_fails_two_together_is_shared_and_lost_at_the_second() -> None:
    together = Standing("opop", Together(lost_at=2, names=(0, 2), needed=(0, 2)))
    counts = {together: 3}
    assert together.eligibility() == "ineligible"
    found = influence(counts, 4)
    assert [each.excludes for each in found] == [Fraction(3, 2), 0, Fraction(3, 2), 0]
    assert [each.without["undetermined"] for each in found] == [3, 0, 3, 0]
    steps = attrition(counts, 4)
    assert [step.possibly for step in steps] == [3, 3, 0, 0]
    assert [step.jointly for step in steps] == [0, 0, 3, 0]


def test_one_that_fails_beside_two_that_fail_together() -> None:
    # Without the one that fails, the two others still cannot pass together.
    standing = Standing("ofo", Together(lost_at=None, names=(0, 2)))
    found = influence({standing: 1}, 3)
    assert [each.without["ineligible"] for each in found] == [1, 1, 1]
    assert [each.excludes for each in found] == [0, 1, 0]
