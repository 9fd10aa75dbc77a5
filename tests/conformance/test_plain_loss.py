"""The reference loss."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotapretrain.conformance.plain_loss import batch_loss, counted_labels, task_score
from iotapretrain.errors import InputError
from iotapretrain.rules.packing import flatten, pad


def test_uniform_logits_cost_the_logarithm_of_the_vocabulary() -> None:
    tokens = np.array([[0, 1, 2, 3]])
    assert batch_loss(tokens, np.zeros((1, 4, 50))) == pytest.approx(math.log(50), abs=1e-15)


def test_the_last_position_predicts_nothing() -> None:
    tokens, logits = np.array([[0, 1, 2]]), np.zeros((1, 3, 4))
    before = batch_loss(tokens, logits)
    logits[0, 2] = 1000.0, 0, 0, 0
    assert batch_loss(tokens, logits) == before


@given(st.floats(-1e6, 1e6), st.integers(0, 2**32 - 1))
def test_a_constant_added_to_logits_changes_nothing(shift: float, seed: int) -> None:
    """A sum of exponentials without its maximum taken out overflows beyond 709."""
    generator = np.random.default_rng(seed)
    tokens, logits = generator.integers(0, 7, (2, 5)), generator.normal(size=(2, 5, 7))
    shifted = batch_loss(tokens, logits + shift)
    assert shifted == pytest.approx(batch_loss(tokens, logits), abs=1e-9)


def test_what_is_impossible_costs_infinity_and_broken_logits_give_no_number() -> None:
    tokens = np.array([[0, 1]])
    assert batch_loss(tokens, [[[0.0, -math.inf], [0.0, 0.0]]]) == math.inf
    assert math.isnan(batch_loss(tokens, [[[0.0, math.nan], [0.0, 0.0]]]))
    assert math.isnan(batch_loss(tokens, [[[math.inf, 0.0], [0.0, 0.0]]]))


@given(st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=12), min_size=1, max_size=5))
def test_padding_is_not_scored(documents: list[list[int]]) -> None:
    """From tokens alone, as the original finds out, and from lengths, as packing knows it."""
    padded = pad(*flatten(documents), 5, 0)
    from_tokens = counted_labels(padded.sequences, 0)
    assert np.array_equal(from_tokens, padded.counted[:, 1:])


def test_a_loss_over_counted_labels_is_their_mean() -> None:
    tokens = np.array([[1, 2, 0, 0]])
    logits = np.random.default_rng(0).normal(size=(1, 4, 3))
    one_by_one = [batch_loss(tokens[:, i : i + 2], logits[:, i : i + 2]) for i in range(3)]
    counted = batch_loss(tokens, logits, counted_labels(tokens, 0))
    assert counted == pytest.approx((one_by_one[0] + one_by_one[1]) / 2)


def test_a_score_is_the_mean_over_batches() -> None:
    assert task_score([1.0, 2.0, 6.0]) == 3.0
    assert task_score([1.0, math.inf]) == math.inf
    with pytest.raises(InputError, match="no batches"):
        task_score([])


@pytest.mark.parametrize(
    ("tokens", "shape"),
    [
        ([[0]], (1, 1, 3)),
        ([[0, 1]], (1, 3, 3)),
        ([[0, 1]], (2, 2, 3)),
        ([[0, 3]], (1, 2, 3)),
        ([[0, -1]], (1, 2, 3)),
    ],
)
def test_tokens_that_do_not_fit_are_refused(
    tokens: list[list[int]], shape: tuple[int, ...]
) -> None:
    with pytest.raises(InputError):
        batch_loss(np.array(tokens), np.zeros(shape))


def test_a_batch_in_which_nothing_counts_is_refused() -> None:
    with pytest.raises(InputError, match="none of them counts"):
        batch_loss(np.array([[0, 1]]), np.zeros((1, 2, 3)), np.array([[False]]))
