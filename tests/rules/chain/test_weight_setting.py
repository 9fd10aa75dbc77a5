"""Setting weights: the first check that fails decides, in the chain's order."""

from __future__ import annotations

from typing import Any

import pytest

from iotapretrain.rules.chain.weight_setting import (
    AlphaOutcome,
    RevealOutcome,
    WeightsCall,
    WeightsOutcome,
    judge_alpha_bounds,
    judge_weights,
    reveal_status,
    upscaled,
)


def judge(**changes: Any) -> WeightsOutcome:
    return judge_weights(
        WeightsCall(
            **{
                "uids": [1, 2],
                "values": [1, 2],
                "n": 4,
                "uid": 0,
                "block": 500,
                "last_update": 100,
                "stake": 10,
                **changes,
            }
        )
    )


# Each in the chain's order, with a change that makes it fail.
FAILURES: list[tuple[WeightsOutcome, dict[str, Any]]] = [
    (WeightsOutcome.COMMIT_REVEAL_ENABLED, {"commit_reveal": True}),
    (WeightsOutcome.ROOT_NOT_ALLOWED, {"root": True}),
    (WeightsOutcome.LENGTH_MISMATCH, {"values": [1] * 9}),
    (WeightsOutcome.NO_MECHANISM, {"mechanism_exists": False}),
    (WeightsOutcome.TOO_MANY_UIDS, {"uids": [1, 1, 2, 3, 9], "values": [1] * 5}),
    (WeightsOutcome.NOT_REGISTERED, {"registered": False}),
    (WeightsOutcome.NOT_ENOUGH_STAKE, {"stake_threshold": 11}),
    (WeightsOutcome.WRONG_VERSION_KEY, {"network_version_key": 3, "version_key": 2}),
    (WeightsOutcome.TOO_FAST, {"last_update": 401}),
    (WeightsOutcome.NO_PERMIT, {"permit": False}),
    (WeightsOutcome.DUPLICATE_UIDS, {"uids": [9, 9]}),
    (WeightsOutcome.UNKNOWN_UID, {"uids": [1, 4]}),
    (WeightsOutcome.TOO_FEW_WEIGHTS, {"min_allowed_weights": 3}),
]


def test_a_sound_call_is_accepted() -> None:
    assert judge() is WeightsOutcome.OK


@pytest.mark.parametrize(("outcome", "change"), FAILURES)
def test_each_check_can_fail(outcome: WeightsOutcome, change: dict[str, Any]) -> None:
    assert judge(**change) is outcome


@pytest.mark.parametrize("first", range(len(FAILURES) - 1))
def test_the_earlier_check_decides(first: int) -> None:
    outcome, change = FAILURES[first]
    for _, later in FAILURES[first + 1 :]:
        assert judge(**{**later, **change}) is outcome


def test_every_outcome_is_reached() -> None:
    assert {outcome for outcome, _ in FAILURES} == set(WeightsOutcome) - {WeightsOutcome.OK}


def test_a_weight_on_oneself_needs_neither_permit_nor_company() -> None:
    own = {"uids": [0], "values": [7], "min_allowed_weights": 3}
    assert judge(**own, permit=False) is WeightsOutcome.OK
    assert judge(**own, uid=1, permit=False) is WeightsOutcome.NO_PERMIT


def test_the_owner_needs_neither_permit_nor_stake() -> None:
    assert judge(is_owner=True, permit=False, stake=0, stake_threshold=5) is WeightsOutcome.OK


def test_a_reveal_passes_commit_reveal_and_the_rate_limit_only() -> None:
    late = {"reveal": True, "commit_reveal": True, "last_update": 499}
    assert judge(**late) is WeightsOutcome.OK
    assert judge(**late, permit=False) is WeightsOutcome.NO_PERMIT


def test_the_rate_limit_is_met_exactly_and_never_set_is_never_too_fast() -> None:
    assert judge(last_update=400) is WeightsOutcome.OK
    assert judge(last_update=0, block=1) is WeightsOutcome.OK


def test_a_small_subnet_needs_no_more_weights_than_it_has_neurons() -> None:
    assert judge(n=3, min_allowed_weights=9, uids=[0, 1, 2], values=[1] * 3) is WeightsOutcome.OK


def test_a_commit_is_revealed_in_one_epoch_only() -> None:
    statuses = [reveal_status(5, 3, epoch) for epoch in (7, 8, 9)]
    assert statuses == [RevealOutcome.TOO_EARLY, RevealOutcome.OK, RevealOutcome.EXPIRED]


def test_bounds_of_liquid_alpha() -> None:
    def bounds(low: int, high: int) -> AlphaOutcome:
        return judge_alpha_bounds(
            is_owner=True, liquid_alpha=True, alpha_low_u16=low, alpha_high_u16=high
        )

    assert bounds(1638, 1638) is AlphaOutcome.OK
    assert bounds(1637, 1638) is AlphaOutcome.ALPHA_LOW_OUT_OF_RANGE
    assert bounds(1638, 1637) is AlphaOutcome.ALPHA_HIGH_TOO_LOW


def test_stored_values_have_a_full_one_and_keep_zeros() -> None:
    assert upscaled([0, 1, 2]) == [0, 32768, 65535]
    assert upscaled([32767, 65534]) == [32767, 65535]
    assert upscaled([0, 0]) == [0, 0]
