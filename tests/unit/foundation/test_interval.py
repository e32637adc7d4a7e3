from fractions import Fraction as F

import pytest
from hypothesis import assume, given, strategies as st

from protocol_logic.foundation.interval import Interval, decimal_text, parse_decimal

numbers = st.fractions(min_value=-4, max_value=4, max_denominator=3)


@st.composite
def intervals(draw: st.DrawFn) -> Interval:
    lo, hi = sorted((draw(numbers), draw(numbers)))
    if lo == hi:
        return Interval.point(lo)
    low_open, high_open = draw(st.booleans()), draw(st.booleans())
    return Interval(
        *((lo, not low_open) if draw(st.integers(0, 3)) else (None, False)),
        *((hi, not high_open) if draw(st.integers(0, 3)) else (None, False)),
    )


def closed(lo: int | F, hi: int | F) -> Interval:
    return Interval(F(lo), True, F(hi), True)


def opened(lo: int | F, hi: int | F) -> Interval:
    return Interval(F(lo), False, F(hi), False)


# --- construction and membership --------------------------------------------------------------


@pytest.mark.parametrize(
    ("interval", "members", "others"),
    [
        (Interval.point(2), [2], [1, 3]),
        (Interval.at_least(2), [2, 3], [1]),
        (Interval.above(2), [F(201, 100)], [2, 1]),
        (Interval.at_most(2), [2, -9], [3]),
        (Interval.below(2), [F(199, 100)], [2, 3]),
        (Interval.everything(), [-(10**60), 0, 10**60], []),
    ],
)
def test_members(interval: Interval, members: list[F | int], others: list[F | int]) -> None:
    assert all(interval.contains(x) for x in members)
    assert not any(interval.contains(x) for x in others)
    assert interval.is_point == (interval == Interval.point(2))


@pytest.mark.parametrize(
    ("lo", "lo_closed", "hi", "hi_closed"),
    [
        (F(2), True, F(1), True),
        (F(2), True, F(2), False),
        (F(2), False, F(2), False),
        (None, True, F(2), False),
        (F(2), True, None, True),
    ],
)
def test_no_empty_interval(lo: F | None, lo_closed: bool, hi: F | None, hi_closed: bool) -> None:
    with pytest.raises(ValueError, match="interval"):
        Interval(lo, lo_closed, hi, hi_closed)


def test_floats_are_refused() -> None:
    with pytest.raises(TypeError, match="float"):
        Interval.point(0.1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="float"):
        Interval(0.1, True, None, False)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="float"):
        Interval.everything().contains(0.1)  # type: ignore[arg-type]


@given(intervals(), intervals(), numbers)
def test_intersection_has_the_common_members(a: Interval, b: Interval, x: F) -> None:
    common = a.intersection(b)
    assert a.intersects(b) == b.intersects(a) == (common is not None)
    assert (common is not None and common.contains(x)) == (a.contains(x) and b.contains(x))
    assert a.contains_interval(b) == (common == b)


def test_touching_ends() -> None:
    assert closed(1, 2).intersection(closed(2, 3)) == Interval.point(2)
    assert Interval.below(2).intersection(Interval.at_least(2)) is None
    assert closed(1, 2).contains_interval(opened(1, 2))
    assert not opened(1, 2).contains_interval(closed(1, 2))


# --- arithmetic -------------------------------------------------------------------------------


@given(intervals(), intervals(), numbers, numbers)
def test_results_of_members_are_members(a: Interval, b: Interval, x: F, y: F) -> None:
    assume(a.contains(x) and b.contains(y))
    assert (a + b).contains(x + y)
    assert (a - b).contains(x - y)
    assert (a * b).contains(x * y)
    assert a.scale(y) == a * Interval.point(y)
    assert (-a).contains(-x)
    if y != 0:
        assert (a / b).contains(x / y)


@given(intervals(), intervals(), numbers)
def test_sums_and_products_have_no_other_members(a: Interval, b: Interval, z: F) -> None:
    if (a + b).contains(z):
        assert (Interval.point(z) - b).intersects(a)
    zero_inside = b.contains(0) and b.lo != 0 and b.hi != 0
    if (a * b).contains(z) and z != 0 and not zero_inside:
        assert (Interval.point(z) / b).intersects(a)
    if (a * b).contains(0):
        assert a.contains(0) or b.contains(0)


@pytest.mark.parametrize(
    ("a", "b", "product"),
    [
        (Interval.point(0), Interval.everything(), Interval.point(0)),
        (Interval(F(0), False, F(1), True), Interval.at_least(1), Interval.above(0)),
        (closed(0, 1), Interval.above(1), Interval.at_least(0)),
        (closed(0, 1), opened(-1, 0), Interval(F(-1), False, F(0), True)),
        (Interval.at_most(-1), Interval.at_most(-2), Interval.at_least(2)),
        (closed(-1, 2), closed(-3, 1), closed(-6, 3)),
    ],
)
def test_products_at_zero_and_infinity(a: Interval, b: Interval, product: Interval) -> None:
    assert a * b == b * a == product


@pytest.mark.parametrize(
    ("divisor", "quotient"),
    [
        (closed(2, 4), closed(F(1, 4), F(1, 2))),
        (Interval.below(-2), opened(F(-1, 2), 0)),
        (closed(0, 2), Interval.at_least(F(1, 2))),
        (Interval.above(0), Interval.above(0)),
        (Interval.at_least(0), Interval.above(0)),
        (Interval(F(-2), False, F(0), True), Interval.below(F(-1, 2))),
        (Interval.at_most(0), Interval.below(0)),
        (closed(-1, 1), Interval.everything()),
        (Interval.everything(), Interval.everything()),
        (Interval.point(0), Interval.everything()),
    ],
)
def test_one_divided(divisor: Interval, quotient: Interval) -> None:
    assert Interval.point(1) / divisor == quotient


# --- decimals ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", F(0)),
        ("-0", F(0)),
        ("90", F(90)),
        ("0.10", F(1, 10)),
        ("-.5", F(-1, 2)),
        ("+3", F(3)),
        ("1.5e-3", F(3, 2000)),
        ("1E+6", F(10**6)),
        ("9" * 60, F(10**60 - 1)),
        ("1e60", F(10**60)),
        ("1e" + "0" * 5000 + "1", F(10)),
    ],
)
def test_parse_decimal(text: str, value: F) -> None:
    assert parse_decimal(text) == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        *(
            (text, "not a decimal number")
            for text in ("", ".", "-", "5.", "e5", " 5", "5\n", "1,5")
        ),
        *((text, "not a decimal number") for text in ("NaN", "Infinity", "-inf", "0x1F", "1_000")),
        *(
            (text, "not a decimal number")
            for text in ("1/2", "5 g", "\u0665", "--5", "1e", "1e1.5")
        ),
        ("1" * 61, "more than 60 digits"),
        ("0." + "0" * 60, "more than 60 digits"),
        ("1e61", "exponent"),
        ("1e-61", "exponent"),
        ("1e" + "9" * 5000, "exponent"),
    ],
)
def test_parse_decimal_refuses(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_decimal(text)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (F(0), "0"),
        (F(1000), "1000"),
        (F(-1, 2), "-0.5"),
        (F(884, 10), "88.4"),
        (F(1, 8), "0.125"),
        (F(1, 10**6), "0.000001"),
        (F(-123, 40), "-3.075"),
        (F(1, 3), "1/3"),
        (F(-22, 7), "-22/7"),
    ],
)
def test_decimal_text(value: F, text: str) -> None:
    assert decimal_text(value) == text


@given(st.fractions())
def test_decimal_text_is_exact(value: F) -> None:
    assert F(decimal_text(value)) == value


@given(st.decimals(allow_nan=False, allow_infinity=False, places=5, min_value=-(10**9)))
def test_decimals_survive_a_round_trip(value: object) -> None:
    exact = F(str(value))
    assert parse_decimal(decimal_text(exact)) == exact
