"""Consensus: exactly the weight that enough stake supports."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from iotapretrain.rules.chain.fixed_point import ONE, nearest, normalise
from iotapretrain.rules.chain.yuma import consensus, weighted_medians

HALF = 32767 * ONE // 65535


def by_definition(scores: list[int], stake: list[int], minority: int) -> int:
    """The lowest score such that the stake on scores up to it exceeds the minority."""
    for candidate in sorted(set(scores)):
        if sum(s for v, s in zip(scores, stake, strict=True) if v <= candidate) > minority:
            return candidate
    return max(scores)


few = st.sampled_from([0, 1, ONE // 2, ONE - 1, ONE])


@given(
    st.lists(
        st.tuples(few, few, few, st.integers(0, 4) | st.integers(0, ONE)), min_size=1, max_size=12
    ),
    st.integers(-5, 20) | st.integers(-ONE, 2 * ONE),
)
def test_medians_follow_the_definition(rows: list[tuple[int, ...]], minority: int) -> None:
    scores = np.array([row[:3] for row in rows], np.int64)
    stake = np.array([row[3] for row in rows], np.int64)
    ours = weighted_medians(scores, stake, minority).tolist()
    assert ours == [
        by_definition(scores[:, c].tolist(), stake.tolist(), minority) for c in range(3)
    ]


def column(weights: list[float], stake: list[float], kappa: int = HALF) -> int:
    return int(consensus(nearest(weights)[:, None], normalise(nearest(stake)), kappa)[0])


def test_of_two_equal_halves_the_higher_weight_wins() -> None:
    assert column([0.25, 0.75], [1, 1]) == 3 * ONE // 4


def test_a_column_that_too_few_support_has_none() -> None:
    assert column([0.0, 0.9], [0.6, 0.4]) == 0


def test_stake_without_weights_still_counts() -> None:
    assert column([0.5, 0.0, 0.0], [0.4, 0.3, 0.3]) == 0


def test_the_bounds_of_kappa_give_the_lowest_and_the_highest() -> None:
    assert column([0.125, 0.5, 0.75], [1, 1, 1], kappa=ONE) == ONE // 8
    assert column([0.125, 0.5, 0.75], [1, 1, 1], kappa=0) == 3 * ONE // 4


def test_without_stake_there_is_no_consensus() -> None:
    assert column([0.5, 0.5], [0, 0]) == 0


def test_many_columns_are_as_many_medians() -> None:
    rng = np.random.default_rng(0)
    scores = rng.integers(0, ONE, (33, 200))
    stake = normalise(rng.integers(0, ONE, 33))
    minority = int(stake.sum()) - HALF
    single = [int(weighted_medians(scores[:, [c]], stake, minority)[0]) for c in range(200)]
    assert weighted_medians(scores, stake, minority).tolist() == single
