"""Walking over miners, and following large validators."""

from __future__ import annotations

from iotapretrain.rules.competition.retention import (
    high_stake_validators,
    top_miners,
)


def test_validators_need_both_stake_and_permit() -> None:
    assert high_stake_validators([10, 10, 9, 0], [True, False, True, True], 10) == [0]


def test_a_miner_is_on_top_from_exactly_the_share_on() -> None:
    weights = {0: [(1, 1.0), (2, 19.1)], 1: [(4, 1.0)]}
    assert top_miners([5, 0], [True, True], weights, 5, 0.05) == [2]
    assert top_miners([5, 0], [True, True], {0: [(1, 1.0), (2, 19.0)]}, 5, 0.05) == [1, 2]


def test_a_validator_without_weights_rewards_nobody() -> None:
    assert top_miners([5], [True], {}, 5, 0.05) == []
    assert top_miners([5], [True], {0: []}, 5, 0.05) == []
