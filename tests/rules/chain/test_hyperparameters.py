"""Parameters are checked when they are given, and derived as the chain derives them."""

from __future__ import annotations

from typing import Any

import pytest

from iotapretrain.errors import InputError
from iotapretrain.rules.chain.fixed_point import ONE
from iotapretrain.rules.chain.hyperparameters import Hyperparameters


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tempo", -1),
        ("tempo", 65536),
        ("kappa_u16", 65536),
        ("kappa_u16", 0.5),
        ("kappa_u16", True),
        ("bonds_penalty_u16", -1),
        ("bonds_moving_average_ppm", 1_000_001),
        ("max_allowed_validators", None),
        ("stake_threshold", 2**64),
        ("alpha_sigmoid_steepness", 32768),
        ("owner_uid", -1),
        ("yuma3", 1),
        ("commit_reveal", None),
    ],
)
def test_what_the_chain_cannot_hold_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(InputError, match=f"{name}: {value!r}"):
        Hyperparameters(**{name: value})


def test_bounds_of_liquid_alpha_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(InputError, match="alpha_low_u16: 9 is above alpha_high_u16 8"):
        Hyperparameters(alpha_low_u16=9, alpha_high_u16=8)


def test_the_defaults_are_the_chains() -> None:
    given = Hyperparameters()
    assert given.kappa == 32767 * ONE // 65535
    assert given.beta == ONE
    assert given.bonds_alpha / ONE == pytest.approx(0.1, abs=2e-10)
    assert given.bonds_alpha > ONE // 10
    assert given.steepness == 10 * ONE


@pytest.mark.parametrize("stored", [1, 150, 32767])
def test_steepness_is_cut_towards_zero(stored: int) -> None:
    size = stored * ONE // 100
    assert Hyperparameters(alpha_sigmoid_steepness=stored).steepness == size
    assert Hyperparameters(alpha_sigmoid_steepness=-stored).steepness == -size
