"""Softmax at a temperature, and what it gives the best of a field."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotapretrain.errors import InputError
from iotapretrain.rules.competition.epsilon import Fixed
from iotapretrain.rules.competition.tournament import RoundRules, best_share, softmax

rates = st.lists(st.floats(0, 1), min_size=1, max_size=50)


@pytest.mark.parametrize(
    ("models", "share"),
    [(1, 1.0), (2, 1.0), (10, 1.0), (20, 0.995), (30, 0.968), (31, 0.964),
     (50, 0.870), (100, 0.636), (256, 0.324)],
)  # fmt: skip
def test_the_best_ones_share_falls_with_the_field(models: int, share: float) -> None:
    assert best_share(models, 0.01) == pytest.approx(share, abs=5e-4)


@pytest.mark.parametrize("models", [31, 100, 256])
def test_a_temperature_in_ranks_gives_the_same_share_to_any_field(models: int) -> None:
    rules = RoundRules(Fixed(0.005), temperature=0.3, temperature_in_ranks=True)
    assert best_share(models, rules.temperature_for(models)) == pytest.approx(0.964, abs=5e-4)


@given(rates, st.floats(1e-4, 10))
def test_softmax_is_a_distribution_that_keeps_the_order(values: list[float], t: float) -> None:
    weights = softmax(values, t)
    assert weights.sum() == pytest.approx(1)
    assert weights.min() >= 0
    ranked = weights[sorted(range(len(values)), key=values.__getitem__)]
    assert all(ranked[:-1] <= ranked[1:])


def test_the_smallest_temperature_overflows_nothing() -> None:
    assert softmax([0.0, 1.0, 1.0], 5e-324).tolist() == [0.0, 0.5, 0.5]


def test_nobody_has_no_weights() -> None:
    assert softmax([], 0.01).tolist() == []


@pytest.mark.parametrize("temperature", [0.0, -0.01, math.nan, math.inf])
def test_a_bad_temperature_is_refused(temperature: float) -> None:
    with pytest.raises(InputError, match="temperature"):
        softmax([0.5], temperature)
    with pytest.raises(InputError, match="temperature"):
        RoundRules(Fixed(0.005), temperature=temperature)


@pytest.mark.parametrize("rate", [math.nan, math.inf])
def test_a_bad_win_rate_is_refused(rate: float) -> None:
    with pytest.raises(InputError, match="win rate"):
        softmax([0.5, rate], 0.01)


def test_an_empty_field_has_no_best_model() -> None:
    with pytest.raises(InputError, match="0 models"):
        best_share(0, 0.01)
