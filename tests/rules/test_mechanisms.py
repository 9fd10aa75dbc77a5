"""Several mechanisms on one subnet."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.yuma import drawn, taken
from iotapretrain.errors import InputError
from iotapretrain.rules.mechanisms import combine, split
from iotapretrain.rules.yuma import EpochOutcome, epoch


def outcomes(emissions: list[int]) -> list[EpochOutcome]:
    return [
        epoch(*taken(replace(drawn(80, seed), emission=part)))
        for seed, part in enumerate(emissions)
    ]


@given(st.integers(0, 2**62), st.integers(1, 6))
def test_an_even_split_gives_the_rest_to_the_first(emission: int, count: int) -> None:
    parts = split(emission, count)
    assert sum(parts) == emission
    assert parts[0] - parts[-1] == emission % count
    assert len(set(parts[1:])) <= 1


def test_a_split_by_shares() -> None:
    assert split(65535, 2, [65535 - 100, 100]) == [65435, 100]
    assert split(1000, 2, [32767, 32768]) == [500, 500]


@pytest.mark.parametrize("shares", [[65535], [1, 2], []])
def test_shares_that_are_not_a_whole_are_refused(shares: list[int]) -> None:
    with pytest.raises(InputError, match="not 2 parts that sum to 65535"):
        split(10, 2, shares)


def test_amounts_add_up_and_the_rest_is_averaged() -> None:
    parts = split(10**9, 2, [49151, 16384])
    first, second = outcomes(parts)
    both = combine([first, second], parts)
    assert (both.server_emission == first.server_emission + second.server_emission).all()
    assert both.server_emission.sum() + both.validator_emission.sum() <= 10**9
    for name in ("consensus", "dividends", "validator_trust", "stake_weight", "emission"):
        columns = (getattr(outcome, name).tolist() for outcome in (first, second))
        exact = [
            sum(
                value * ((part << 64) // 10**9) >> 64
                for value, part in zip(row, parts, strict=True)
            )
            for row in zip(*columns, strict=True)
        ]
        assert getattr(both, name).tolist() == exact
    assert (both.validator_permit == (first.validator_permit | second.validator_permit)).all()
    assert both.bonds is first.bonds


def test_one_mechanism_is_itself_and_without_emission_the_first_counts() -> None:
    first, second = outcomes([0, 0])
    both = combine([first, second], [0, 0])
    assert (both.consensus == first.consensus).all()
    [alone] = outcomes([10**9])
    assert (combine([alone], [10**9]).dividends == alone.dividends).all()
