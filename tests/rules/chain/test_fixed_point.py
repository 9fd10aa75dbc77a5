"""Every operation against Python's whole numbers, which know no rounding."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bench.plain import yuma as plain
from iotapretrain.rules.chain import fixed_point as fixed
from iotapretrain.rules.chain.fixed_point import ONE

parts = st.one_of(
    st.sampled_from([0, 1, 2, ONE // 3, ONE // 2, ONE - 2, ONE - 1, ONE]),
    st.integers(0, ONE),
    st.integers(1, 32).flatmap(lambda bits: st.integers(0, 1 << bits)),
)


def ticks(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


@given(st.lists(st.tuples(parts, parts), min_size=1, max_size=50))
def test_a_product_is_the_floor_of_the_exact_one(pairs: list[tuple[int, int]]) -> None:
    left, right = np.array(pairs).T
    assert fixed.product(left, right).tolist() == [a * b // ONE for a, b in pairs]


@given(st.lists(parts, min_size=1, max_size=20), parts)
def test_a_product_with_one_number_is_the_product_with_each(values: list[int], by: int) -> None:
    assert fixed.product(ticks(*values), by).tolist() == [value * by // ONE for value in values]


def test_columns_and_rows_multiply_as_they_broadcast() -> None:
    matrix = ticks(ONE, ONE // 2, 3, 0).reshape(2, 2)
    assert fixed.product(matrix, ticks(ONE, ONE // 2)).tolist() == [[ONE, ONE // 4], [3, 0]]
    assert fixed.product(matrix, ticks(ONE, ONE // 2)[:, None]).tolist() == [
        [ONE, ONE // 2],
        [1, 0],
    ]


@st.composite
def near_whole(draw: st.DrawFn) -> tuple[int, int]:
    """A dividend and a divisor whose quotient lies next to a whole number of ticks."""
    divisor = draw(st.integers(1, 2**62))
    quotient = draw(st.integers(0, min(2**47, (2**62 << 32) // divisor)))
    dividend = (quotient * divisor >> 32) + draw(st.integers(-1, 1))
    return max(0, dividend), divisor


@given(st.lists(near_whole(), min_size=1, max_size=50))
@example([(ONE, ONE), (0, 1), (2**62, 2**62), (2**62 - 1, 2**62), (1, ONE - 1)])
def test_a_quotient_is_the_floor_of_the_exact_one(pairs: list[tuple[int, int]]) -> None:
    dividend, divisor = np.array(pairs).T
    assert fixed.quotient(dividend, divisor).tolist() == [(a << 32) // b for a, b in pairs]


@given(st.lists(st.tuples(parts, st.integers(1, 2**40)), min_size=1, max_size=50))
def test_a_quotient_of_anything_is_exact(pairs: list[tuple[int, int]]) -> None:
    dividend, divisor = (np.array(column) for column in zip(*pairs, strict=True))
    kept = dividend.astype(object) < divisor.astype(object) * 2**16
    ours = fixed.quotient(np.where(kept, dividend, 0), divisor)
    assert ours[kept].tolist() == [(a << 32) // b for a, b in pairs if a < b * 2**16]


def test_nothing_shared_by_nobody_is_nothing() -> None:
    assert fixed.quotient(ticks(0, 0), 0).tolist() == [0, 0]
    assert fixed.normalise(ticks(0, 0)).tolist() == [0, 0]
    assert fixed.upscale_columns(np.zeros((0, 3), np.int64)).shape == (0, 3)


@given(st.lists(st.tuples(st.integers(0, 2**21 - 1), st.integers(1, 2**40)), min_size=1))
@example([(65535, 65535), (65534, 65535), (0, 1), (2**21 - 1, 2**21 - 1)])
def test_a_fraction_of_small_numbers_is_exact(pairs: list[tuple[int, int]]) -> None:
    values, totals = np.array(pairs).T
    assert fixed.fractions(values, totals).tolist() == [(a << 32) // b for a, b in pairs]


def test_every_u16_has_its_exact_proportion() -> None:
    every = np.arange(65536)
    exact = [(value << 32) // 65535 for value in every.tolist()]
    assert fixed.fractions(every, 65535).tolist() == exact
    assert [fixed.proportion(value) for value in every.tolist()] == exact


@given(st.lists(parts, min_size=1, max_size=30))
def test_normalised_parts_never_sum_to_more_than_one(values: list[int]) -> None:
    normal = fixed.normalise(ticks(*values))
    assert ONE - len(values) < normal.sum() <= ONE or not any(values)


@given(st.integers(1, 64).flatmap(lambda b: st.lists(st.integers(0, (1 << b) - 1), min_size=1)))
def test_shares_of_any_u64_stake_are_exact(stake: list[int]) -> None:
    total = sum(stake)
    exact = [(each << 64) // total >> 32 if total else 0 for each in stake]
    assert fixed.shares(np.array(stake, np.uint64)).tolist() == exact


@given(st.lists(parts, min_size=1), st.integers(0, 2**63 - 1))
def test_amounts_are_floored(values: list[int], total: int) -> None:
    assert fixed.amounts(ticks(*values), total).tolist() == [v * total >> 32 for v in values]


@given(parts)
def test_storage_never_rounds_up(value: int) -> None:
    assert fixed.stored(ticks(value)).tolist() == [65535 * value >> 32]


def test_what_the_specification_says_of_storage() -> None:
    assert fixed.stored(ticks(ONE // 2, ONE - 1, ONE)).tolist() == [32767, 65534, 65535]


@settings(max_examples=200)
@given(st.lists(st.integers(-21 * ONE, 21 * ONE), min_size=1, max_size=20))
@example([0, ONE, -ONE, 20 * ONE, -20 * ONE, 1, -1])
def test_the_exponential_is_the_chains_series(exponents: list[int]) -> None:
    expected = [plain.exponential(exponent) for exponent in exponents]
    assert fixed.exponential(ticks(*exponents)).tolist() == expected


def test_the_exponential_is_the_exponential() -> None:
    exponents = np.linspace(-5, 5, 101)
    ours = fixed.real(fixed.exponential(fixed.nearest(exponents)))
    assert ours == pytest.approx(np.exp(exponents), rel=1e-7, abs=1e-8)


def test_long_blocks_are_worked_on_in_pieces_alike() -> None:
    exponents = fixed.nearest(np.linspace(-3, 3, 20_000))
    one_by_one = [int(fixed.exponential(exponents[k : k + 1])[0]) for k in range(0, 20_000, 997)]
    assert fixed.exponential(exponents)[::997].tolist() == one_by_one
    matrix = exponents.reshape(4, 5_000)
    assert (fixed.exponential(matrix).ravel() == fixed.exponential(exponents)).all()


def test_the_sigmoid_falls_from_one_to_nothing() -> None:
    falling = fixed.real(fixed.sigmoid(fixed.nearest([-20.0, -1.0, 0.0, 1.0, 20.0])))
    assert falling.tolist() == sorted(falling.tolist(), reverse=True)
    assert falling[2] == 0.5
    assert falling[0] > 0.999_999_99
    assert falling[-1] < 1e-8


def half_up(number: Fraction) -> int:
    return math.floor(number + Fraction(1, 2))


@given(st.lists(st.integers(0, 32768), min_size=1, max_size=30))
def test_small_values_are_scaled_to_the_nearest(values: list[int]) -> None:
    scaled = fixed.max_upscaled([value * ONE for value in values])
    largest = max(values)
    grid = [math.floor(Fraction(v * 65535 * ONE, largest)) if largest else 0 for v in values]
    assert scaled == [half_up(Fraction(cut, ONE)) for cut in grid]


@given(st.lists(st.integers(0, 65535), min_size=1, max_size=30))
def test_the_largest_value_becomes_the_largest_u16(values: list[int]) -> None:
    scaled = fixed.max_upscaled([value * ONE for value in values])
    assert max(scaled) == (65535 if any(values) else 0)
    order = sorted(range(len(values)), key=values.__getitem__)
    assert [scaled[k] for k in order] == sorted(scaled)


def test_real_constants_go_to_the_nearest_tick() -> None:
    assert fixed.nearest([0.1, -0.5, 1.0]).tolist() == [429496730, -ONE // 2, ONE]
    assert fixed.real(fixed.nearest([0.25])).tolist() == [0.25]
