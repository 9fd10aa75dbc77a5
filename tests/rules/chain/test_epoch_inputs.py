"""Malformed state never reaches an epoch: it is refused, with the field and the uid."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from iotapretrain.errors import InputError
from iotapretrain.rules.chain.epoch_inputs import NO_COMMIT, EpochInputs
from iotapretrain.rules.chain.sparse_rows import Rows


def inputs(**changes: Any) -> EpochInputs:
    return EpochInputs(
        **{
            "block": 10,
            "last_step": 0,
            "stake": [1, 2],
            "permit": [True, False],
            "last_update": [1, 1],
            "registered": [0, 0],
            "weights": Rows.empty(2),
            "bonds": Rows.empty(2),
            "emission": 0,
            **changes,
        }
    )


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"stake": [1, -2]}, "stake: uid 1: -2 is not a whole number from 0 to"),
        ({"stake": [2**64, 0]}, "stake: uid 0: 18446744073709551616 is not"),
        ({"stake": [-1, 2**63]}, "stake: uid 0: -1 is not"),
        ({"stake": [0.5, 1]}, "stake: uid 0: 0.5 is not"),
        ({"stake": [1, math.nan]}, "stake: uid 1: nan is not"),
        ({"stake": [1, None]}, "stake: uid 1: None is not"),
        ({"stake": [True, False]}, "stake: uid 0: True is not"),
        ({"stake": np.array([1.0, 2.0])}, "stake: uid 0: 1.0 is not"),
        ({"permit": [True]}, "permit: 2 values are needed"),
        ({"permit": [1, 0]}, "permit: .* each true or false"),
        ({"registered": [0, 0, 0]}, "registered: 2 values are needed"),
        ({"registered": [0, 2**63]}, "registered: uid 1"),
        ({"last_update": [-1, 0]}, "last_update: uid 0: -1"),
        ({"commit_block": [None]}, "commit_block: 2 values are needed"),
        ({"commit_block": [-5, None]}, "commit_block: uid 0: -5"),
        ({"block": -1}, "block: -1 is not"),
        ({"last_step": 1.5}, "last_step: 1.5 is not"),
        ({"emission": 2**63}, "emission: 9223372036854775808 is not"),
        ({"emission": -1}, "emission: -1 is not"),
        ({"weights": Rows.empty(3)}, "weights: 3 rows for 2 neurons"),
        ({"bonds": Rows.empty(1)}, "bonds: 1 rows for 2 neurons"),
    ],
)
def test_malformed_state_is_refused(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        inputs(**change)


def test_the_whole_range_of_stake_is_kept() -> None:
    assert inputs(stake=[0, 2**64 - 1]).stake.tolist() == [0, 2**64 - 1]
    assert inputs(stake=np.array([1, 2], np.uint16)).stake.tolist() == [1, 2]


def test_no_commit_may_be_said_in_three_ways() -> None:
    assert inputs().commit_block.tolist() == [NO_COMMIT] * 2
    given = inputs(commit_block=[None, math.inf])
    assert given.commit_block.tolist() == [NO_COMMIT] * 2
    assert inputs(commit_block=[7, None]).commit_block.tolist() == [7, NO_COMMIT]
