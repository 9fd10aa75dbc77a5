"""The price of a place: halves in a half-life, jumps with a registration, stays in its bounds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotapretrain.rules.chain.registration import MULTIPLIER_BITS, decay_factor, decayed, raised

NO_LIMIT = 2**64 - 1


@pytest.mark.parametrize("half_life", [1, 2, 7, 360, 65535])
def test_the_factor_is_the_largest_that_halves_in_time(half_life: int) -> None:
    def power(factor: int) -> int:
        result = 2**32
        for bit in f"{half_life:b}":
            result = result * result >> 32
            if bit == "1":
                result = result * factor >> 32
        return result

    factor = decay_factor(half_life)
    assert 2**31 * 0.999_9 < power(factor) <= 2**31 * 1.000_01
    assert (factor / 2**32) ** half_life == pytest.approx(0.5, rel=1e-4)


def test_a_price_halves_in_its_half_life() -> None:
    price = 10**12
    for _ in range(360):
        price = decayed(price, 360, 0, NO_LIMIT)
    assert price == pytest.approx(5 * 10**11, rel=1e-6)


@given(st.integers(0, 10**15), st.integers(0, 1000), st.integers(0, 10**6))
def test_a_price_never_rises_by_itself_above_its_floor(price: int, half: int, lowest: int) -> None:
    after = decayed(price, half, lowest, NO_LIMIT)
    assert lowest <= after <= max(price, lowest)


def test_a_half_life_of_nothing_means_no_decay() -> None:
    assert decayed(1000, 0, 0, NO_LIMIT) == 1000


def test_a_registration_multiplies_and_never_makes_it_cheaper() -> None:
    one = 1 << MULTIPLIER_BITS
    assert raised(1000, one * 126 // 100, 0, NO_LIMIT) == 1259
    assert raised(1000, 2 * one, 0, NO_LIMIT) == 2000
    assert raised(1000, one // 2, 0, NO_LIMIT) == 1000
    assert raised(1000, 2 * one, 0, 1500) == 1500
