"""Which models meet again in the next round."""

from __future__ import annotations

import math

import pytest

from iotapretrain.errors import InputError
from iotapretrain.rules.competition.retention import (
    high_stake_validators,
    priority,
    retained,
    top_miners,
)


@pytest.mark.parametrize(
    ("standing", "rate", "expected"), [(0.001, 0.2, 1.001), (0.0009, 0.2, 0.2), (0.0, 1.0, 1.0)]
)
def test_an_established_model_comes_before_any_win_rate(
    standing: float, rate: float, expected: float
) -> None:
    assert priority(standing, rate) == expected


def test_the_highest_priorities_stay() -> None:
    scores = dict.fromkeys(range(6), 2.0)
    rates = {0: 0.0, 1: 0.2, 2: 0.4, 3: 0.6, 4: 0.8, 5: 1.0}
    assert retained(scores, rates, {0: 0.3, 1: 0.0001}, sample_min=3) == [0, 4, 5]


def test_places_are_filled_with_the_lowest_scores() -> None:
    scores = {1: 2.3, 2: 2.1, 3: math.inf, 4: math.nan, 5: 2.2}
    assert retained(scores, {1: 1.0}, {}, sample_min=3) == [1, 2, 5]
    assert retained(scores, {1: 1.0}, {}, sample_min=4) == [1, 2, 3, 5]


def test_ties_go_to_the_lower_score_and_then_to_the_lower_uid() -> None:
    rates = {1: 0.5, 2: 0.5, 3: 0.5}
    assert retained({1: 2.2, 2: 2.1, 3: 2.1}, rates, {}, sample_min=1) == [2]


def test_few_models_all_stay_and_none_is_none() -> None:
    assert retained({4: 2.0, 2: 2.1}, {4: 1.0}, {}) == [2, 4]
    assert retained({}, {}, {}) == []


def test_a_negative_number_of_places_is_refused() -> None:
    with pytest.raises(InputError, match="sample_min"):
        retained({}, {}, {}, sample_min=-1)


def test_validators_need_both_stake_and_permit() -> None:
    assert high_stake_validators([10, 10, 9, 0], [True, False, True, True], 10) == [0]


def test_a_miner_is_on_top_from_exactly_the_share_on() -> None:
    weights = {0: [(1, 1.0), (2, 19.1)], 1: [(4, 1.0)]}
    assert top_miners([5, 0], [True, True], weights, 5, 0.05) == [2]
    assert top_miners([5, 0], [True, True], {0: [(1, 1.0), (2, 19.0)]}, 5, 0.05) == [1, 2]


def test_a_validator_without_weights_rewards_nobody() -> None:
    assert top_miners([5], [True], {}, 5, 0.05) == []
    assert top_miners([5], [True], {0: []}, 5, 0.05) == []
