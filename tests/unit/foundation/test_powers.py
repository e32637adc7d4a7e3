"""Powers of intervals, held against whole-number arithmetic: no logarithm, no float."""

from fractions import Fraction as F

import pytest
from hypothesis import assume, given, strategies as st

from protocol_logic.foundation.interval import Interval
from protocol_logic.foundation.powers import power

bases = st.fractions(min_value=F(1, 50), max_value=200, max_denominator=50)
exponents = st.fractions(min_value=-4, max_value=4, max_denominator=12)


def point(x: F | int) -> Interval:
    return Interval.point(x)


def closed(lo: F | int, hi: F | int) -> Interval:
    return Interval(F(lo), True, F(hi), True)


def holds(found: Interval, x: F, y: F) -> bool:
    """Whether an interval of numbers above zero holds x to the y: asked of whole powers."""
    true = x**y.numerator  # the power to be compared, to the denominator
    below = found.lo is None or found.lo <= 0 or found.lo**y.denominator <= true
    return below and (found.hi is None or true <= found.hi**y.denominator)


# ---- single numbers ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base", "exponent", "result"),
    [
        (4, F(1, 2), 2),
        (F(9, 16), F(3, 2), F(27, 64)),
        (F(8, 27), F(1, 3), F(2, 3)),
        (F(8, 27), F(-2, 3), F(9, 4)),
        (2**64, F(1, 64), 2),
        (1, F(-241, 1000), 1),
        (0, F(1, 3), 0),
        (7, 0, 1),
        (F(3, 2), 3, F(27, 8)),
        (F(3, 2), -2, F(4, 9)),
        (-2, 3, -8),
        (-2, -2, F(1, 4)),
    ],
)
def test_what_is_exact_stays_exact(base: F | int, exponent: F | int, result: F | int) -> None:
    assert power(point(base), point(exponent)) == point(result)


def test_the_square_root_of_two_is_known_to_50_digits() -> None:
    found = power(point(2), point(F(1, 2)))
    assert found.lo is not None and found.hi is not None
    assert found.lo**2 < 2 < found.hi**2
    assert found.hi - found.lo < F(1, 10**50)


@given(bases, exponents)
def test_no_power_is_outside_its_bounds(x: F, y: F) -> None:
    found = power(point(x), point(y))
    assert found.lo is not None and found.hi is not None
    assert holds(found, x, y)
    assert found.hi - found.lo <= found.hi / 10**50


@given(bases, st.integers(1, 999))
def test_exponents_of_three_decimals_too(x: F, thousandths: int) -> None:
    y = F(thousandths, 1000)
    assert holds(power(point(x), point(y)), x, y)


@given(bases, exponents, exponents)
def test_exponents_add_up(x: F, y: F, z: F) -> None:
    product = power(point(x), point(y)) * power(point(x), point(z))
    assert product.intersects(power(point(x), point(y + z)))


def test_a_power_too_large_to_write_is_bounded_from_below() -> None:
    found = power(point(10**30), point(F(10**6) + F(1, 2)))
    assert found.lo is not None and found.lo > 10**800 and found.hi is None
    small = power(point(10**30), point(-(F(10**6) + F(1, 2))))
    assert small.lo is not None and small.lo >= 0
    assert small.hi is not None and 0 < small.hi < F(1, 10**800)


def test_a_whole_power_too_large_to_write_is_rounded() -> None:
    found = power(point(F("0.9938")), point(3000))
    assert found.lo is not None and found.hi is not None and found.lo < found.hi
    exact = F("0.9938") ** 3000
    assert found.contains(exact)


# ---- intervals -----------------------------------------------------------------------------------


@given(st.tuples(bases, bases), st.tuples(exponents, exponents), st.data())
def test_members_give_members(xs: tuple[F, F], ys: tuple[F, F], data: st.DataObject) -> None:
    found = power(closed(min(xs), max(xs)), closed(min(ys), max(ys)))
    x = data.draw(st.fractions(min(xs), max(xs), max_denominator=100))
    y = data.draw(st.fractions(min(ys), max(ys), max_denominator=12))
    assert holds(found, x, y)


@given(st.tuples(bases, bases), exponents)
def test_ends_are_those_of_members(xs: tuple[F, F], y: F) -> None:
    assume(xs[0] != xs[1])
    found = power(closed(min(xs), max(xs)), point(y))
    ends = [power(point(x), point(y)) for x in xs]
    assert found.lo == min(e.lo for e in ends if e.lo is not None)
    assert found.hi == max(e.hi for e in ends if e.hi is not None)


@pytest.mark.parametrize(
    ("base", "exponent", "result"),
    [
        # open and closed ends
        (Interval(F(0), False, F(4), False), F(1, 2), Interval(F(0), False, F(2), False)),
        (Interval(F(0), True, F(4), False), F(1, 2), Interval(F(0), True, F(2), False)),
        (Interval(F(1), False, F(4), True), F(-1, 2), Interval(F(1, 2), True, F(1), False)),
        # ends at zero and beyond all numbers
        (Interval.at_least(0), F(1, 2), Interval.at_least(0)),
        (Interval.at_least(4), F(1, 2), Interval.at_least(2)),
        (Interval.at_least(4), F(-1, 2), Interval(F(0), False, F(1, 2), True)),
        (Interval(F(0), True, F(4), True), F(-1, 2), Interval.at_least(F(1, 2))),
        # a base that may be negative
        (closed(-1, 4), F(1, 2), Interval.everything()),
        (closed(-1, 4), F(2), closed(0, 16)),
        (closed(-5, 4), F(2), closed(0, 25)),
        (Interval(F(-4), False, F(-2), True), F(2), Interval(F(4), True, F(16), False)),
        (closed(-2, 3), F(3), closed(-8, 27)),
        (Interval.everything(), F(2), Interval.at_least(0)),
        (closed(-1, 4), F(-2), Interval.at_least(F(1, 16))),
    ],
)
def test_ends(base: Interval, exponent: F, result: Interval) -> None:
    assert power(base, point(exponent)) == result


@pytest.mark.parametrize(
    ("base", "result"),
    [
        (point(1), point(1)),
        (point(4), Interval(F(2), False, F(4), False)),
        (closed(1, 4), Interval(F(1), True, F(4), False)),
        (closed(0, 4), Interval(F(0), True, F(4), False)),
    ],
)
def test_open_ends_of_an_exponent(base: Interval, result: Interval) -> None:
    assert power(base, Interval(F(1, 2), False, F(1), False)) == result


def test_an_exponent_without_an_end() -> None:
    assert power(point(2), Interval.at_least(1)) == Interval.at_least(0)


# ---- the smaller and the larger of two -----------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "lesser", "greater"),
    [
        (point(2), point(3), point(2), point(3)),
        (closed(1, 4), point(2), closed(1, 2), closed(2, 4)),
        (Interval.at_least(1), point(2), closed(1, 2), Interval.at_least(2)),
        (
            Interval(F(1), False, F(3), False),
            closed(1, 3),
            closed(1, 3).intersection(Interval.below(3)),
            closed(1, 3).intersection(Interval.above(1)),
        ),
    ],
)
def test_lesser_and_greater(
    one: Interval, other: Interval, lesser: Interval, greater: Interval
) -> None:
    assert (one.lesser(other), one.greater(other)) == (lesser, greater)
    assert (other.lesser(one), other.greater(one)) == (lesser, greater)
