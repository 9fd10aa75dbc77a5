"""Validators before Yuma: agreement, cabals by stake, and lazy copiers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from iotapretrain.arena.incentives.strategies import absent
from iotapretrain.arena.incentives.validator_behaviours import Cabal, Posted, WeightCopier
from iotapretrain.arena.incentives.world import Miner, SimulatedValidator, SimulatedWorld
from iotapretrain.errors import InputError
from tests.arena.incentives.worlds import HONEST, STEADY, beside, played

ABSENT = 5
"""The hotkey of the cabal's own miner."""


def against(stake: int) -> SimulatedWorld:
    """A cabal with a stake against honest validators with 1,000."""
    return replace(
        beside(absent, ABSENT), validators=(HONEST, SimulatedValidator(Cabal(ABSENT), stake))
    )


def test_honest_validators_on_the_same_pages_agree_and_pay_their_standings() -> None:
    world = SimulatedWorld((STEADY,) * 6)
    directly, by_yuma = played(world), played(replace(world, validators=(HONEST,) * 3))
    assert np.allclose(by_yuma.trusts, 1, atol=1e-6)
    assert np.allclose(by_yuma.dividends, 1 / 3, atol=1e-6)
    assert np.allclose(directly.pay, by_yuma.pay, atol=1e-4)


def test_on_their_own_pages_they_do_not() -> None:
    world = replace(SimulatedWorld((STEADY,) * 6), validators=(HONEST,) * 3, own_pages=True)
    assert played(world, 120).trusts.mean() < 0.99


@pytest.mark.parametrize("stake", [10, 500, 990])
def test_a_cabal_below_half_gets_nothing_for_its_miner(stake: int) -> None:
    history = played(against(stake))
    assert history.earned([ABSENT]) == 0
    assert history.dividends[:, 1].max() == 0


def test_a_cabal_above_half_gets_everything() -> None:
    assert played(against(1_010)).earned([ABSENT]) == 1


def test_a_copier_of_what_is_set_in_the_open_is_as_good_as_honest() -> None:
    world = SimulatedWorld(
        (STEADY,) * 6, validators=(HONEST, HONEST, SimulatedValidator(WeightCopier(0)))
    )
    history = played(world)
    assert np.allclose(history.dividends, 1 / 3, atol=1e-4)


def test_a_late_copier_earns_less_the_later_it_is() -> None:
    world = SimulatedWorld(
        (STEADY,) * 6, validators=(HONEST, HONEST, SimulatedValidator(WeightCopier(1)))
    )
    one = played(world, 150).dividends[:, 2].mean()
    ten = (
        played(
            replace(world, validators=(HONEST, HONEST, SimulatedValidator(WeightCopier(10)))), 150
        )
        .dividends[:, 2]
        .mean()
    )
    assert 1 / 3 > one > ten > 0


def test_a_copier_repeats_the_median_of_its_lag() -> None:
    old, new = ([[0.0, 1.0], [0.5, 0.5], [1.0, 0.0]], [[1.0, 0.0]] * 3)
    past = [Posted(np.array(weights), np.array([1.0, 5.0, 1.0])) for weights in (old, new)]
    nothing = np.zeros(2)
    assert WeightCopier(0).weigh(nothing, past).tolist() == [1.0, 0.0]
    assert np.allclose(WeightCopier(1).weigh(nothing, past), 0.5)
    assert WeightCopier(2).weigh(nothing, past).tolist() == [0.0, 0.0]


def test_a_validator_without_stake_is_refused() -> None:
    with pytest.raises(InputError, match="stake"):
        SimulatedValidator(Cabal(0), 0)


def test_the_panel_takes_a_miner_with_many_hotkeys() -> None:
    world = SimulatedWorld((Miner(STEADY.strategy, hotkeys=3), STEADY), validators=(HONEST,))
    assert played(world, 5).pay.shape == (5, 4)
