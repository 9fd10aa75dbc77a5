"""Reasonable continuations: the exact edges."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotapretrain.errors import InputError
from iotapretrain.rules.competition.sensible_output import reasonable

tokens = st.lists(st.integers(0, 3), min_size=20, max_size=20)
VARIED = list(range(20))
OTHER = list(range(100, 120))


def test_nine_agreeing_positions_are_fine_and_ten_are_not() -> None:
    assert reasonable(VARIED, VARIED[:9] + OTHER[9:])
    assert not reasonable(VARIED, VARIED[:10] + OTHER[10:])


def test_stuttering_counts_only_in_both() -> None:
    stuttering = [7] * 11 + VARIED[11:]
    assert reasonable(stuttering, OTHER)
    assert not reasonable(stuttering, [8] * 11 + OTHER[11:])
    assert reasonable(stuttering, [8] * 10 + OTHER[10:])


@given(tokens, tokens)
def test_the_order_of_the_two_does_not_matter(first: list[int], second: list[int]) -> None:
    assert reasonable(first, second) == reasonable(second, first)


@pytest.mark.parametrize("length", [0, 19, 21])
def test_only_twenty_tokens_can_be_judged(length: int) -> None:
    with pytest.raises(InputError, match="exactly 20"):
        reasonable(VARIED, [1] * length)
