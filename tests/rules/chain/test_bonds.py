"""Bonds: what decays, what is dropped, and how fast liquid alpha follows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.plain import yuma as plain
from iotapretrain.rules.chain.bonds import (
    dividends,
    liquid_alpha,
    moving_average,
    renewed,
    weights_for_bonds,
)
from iotapretrain.rules.chain.fixed_point import ONE, fractions, nearest, real
from iotapretrain.rules.chain.hyperparameters import Hyperparameters

parts = st.one_of(st.sampled_from([0, 1, ONE // 2, ONE - 1, ONE]), st.integers(0, ONE))
STAKE = nearest([0.5, 0.5])


def matrix(rows: list[list[float]]) -> np.ndarray:
    return nearest(rows)


@given(parts, parts, parts)
def test_the_penalty_mixes_as_the_formula_floors(weight: int, limit: int, beta: int) -> None:
    clipped = min(weight, limit)
    present = np.ones((1, 1), bool)
    ours, _ = weights_for_bonds(np.array([[weight]]), np.array([[clipped]]), present, beta)
    assert ours[0, 0] == weight + (beta * (clipped - weight) >> 32)


def test_an_entry_clipped_to_nothing_is_gone_and_a_zero_stays() -> None:
    weights, present = matrix([[0.5, 0.0, 0.0]]), np.array([[True, True, False]])
    clipped = np.zeros_like(weights)
    assert weights_for_bonds(weights, clipped, present, ONE)[1].tolist() == [[False, True, False]]
    assert weights_for_bonds(weights, clipped, present, 0)[1].tolist() == [[True, True, False]]
    assert not weights_for_bonds(weights, clipped, present, ONE // 2)[1][0, 1:].any()


@given(
    parts,
    parts,
    parts,
    st.integers(0, 65535),
    st.integers(0, 65535),
    st.integers(-32768, 32767),
)
def test_liquid_alpha_is_that_of_the_plain_reading(
    weight: int, bond: int, consensus: int, one: int, other: int, steepness: int
) -> None:
    low, high = sorted((one, other))
    subnet = plain.Subnet(
        *(0, [], [], [], [], [], [], 0),
        alpha_low_u16=low,
        alpha_high_u16=high,
        alpha_sigmoid_steepness=steepness,
    )
    ours = liquid_alpha(
        *(np.array([value]) for value in (weight, bond, consensus)),
        (low << 32) // 65535,
        (high << 32) // 65535,
        Hyperparameters(alpha_sigmoid_steepness=steepness).steepness,
    )
    assert ours.tolist() == [plain.liquid_alpha(weight, bond, consensus, subnet)]


def test_buying_far_above_consensus_is_faster_than_near_it() -> None:
    weights, old = matrix([[0.1, 0.5, 0.9]]), matrix([[0.0, 0.0, 0.0]])
    consensus = nearest([0.1, 0.1, 0.1])
    alpha = liquid_alpha(weights, old, consensus, ONE // 10, 3 * ONE // 10, 10 * ONE)[0]
    assert alpha[0] < alpha[1] < alpha[2]


def renew(old: list[list[int]], **options: object) -> np.ndarray:
    """Two validators, three miners; the second has no weight on the last, not even 0."""
    weights = matrix([[0.5, 0.5, 0.0], [0.5, 0.5, 0.0]])
    present = np.array([[True, True, True], [True, True, False]])
    hyperparameters = Hyperparameters(bonds_penalty_u16=0, **options)  # type: ignore[arg-type]
    consensus = nearest([0.5, 0.5, 0.0])
    return renewed(
        hyperparameters, weights, weights, present, consensus, np.array(old, np.int64), STAKE
    ).average


def test_with_liquid_alpha_a_bond_without_a_weight_is_dropped_and_one_with_zero_decays() -> None:
    old = [[0, 0, 30000], [0, 0, 30000]]
    average = renew(old, yuma3=True, liquid_alpha=True)
    assert 0 < average[0, 2] < 30000 * ONE // 65535
    assert average[1, 2] == 0
    fixed = renew(old, yuma3=True)
    assert fixed[0, 2] == fixed[1, 2] > 0


def test_without_consensus_liquid_alpha_is_the_fixed_one() -> None:
    weights, old = matrix([[0.5, 0.5]]), np.array([[100, 200]])
    nothing = np.zeros(2, np.int64)
    present = np.ones((1, 2), bool)
    averages = [
        renewed(
            Hyperparameters(yuma3=True, liquid_alpha=liquid, bonds_penalty_u16=0),
            *(weights, weights, present, nothing, old, STAKE[:1]),
        ).average.tolist()
        for liquid in (False, True)
    ]
    assert averages[0] == averages[1]


def test_a_column_without_new_bonds_keeps_its_shape() -> None:
    old = [[10000, 10000, 20000], [10000, 10000, 60000]]
    average = renew(old)
    assert real(average[:, 2]) == pytest.approx([0.25, 0.75], abs=1e-8)


def test_a_column_without_old_bonds_starts_from_the_new_ones() -> None:
    average = renew([[0, 0, 0], [0, 0, 0]])
    assert real(average[:, 0]) == pytest.approx([0.5, 0.5], abs=1e-8)


def test_stored_classic_bonds_have_a_full_one_in_every_column() -> None:
    weights = matrix([[0.25, 0.75], [0.5, 0.5]])
    new = renewed(
        Hyperparameters(),
        *(weights, weights, np.ones((2, 2), bool), nearest([1.0, 1.0])),
        np.zeros((2, 2), np.int64),
        STAKE,
    )
    assert new.to_store.max(axis=0).tolist() == [ONE, ONE]


@given(st.lists(parts, min_size=2, max_size=2), parts)
def test_a_moving_average_floors_each_product(values: list[int], alpha: int) -> None:
    new, old = values
    ours = moving_average(np.array([new]), np.array([old]), alpha).tolist()
    assert ours == [(alpha * new >> 32) + ((ONE - alpha) * old >> 32)]


def test_stake_counts_once_in_either_model() -> None:
    average = fractions(np.array([[3], [1]]), 4)
    stake = nearest([0.25, 0.75])
    incentive = nearest([1.0])
    classic = dividends(Hyperparameters(), average, incentive, stake)
    yuma3 = dividends(Hyperparameters(yuma3=True), average, incentive, stake)
    assert real(classic) == pytest.approx([0.75, 0.25], abs=1e-8)
    assert real(yuma3) == pytest.approx([0.5, 0.5], abs=1e-8)
