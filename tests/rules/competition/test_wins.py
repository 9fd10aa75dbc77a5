"""Who beats whom, and how often."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.plain import tournament as plain
from iotapretrain.rules.competition.epsilon import Epsilon
from iotapretrain.rules.competition.wins import PAGES_AT_ONCE, beats, count_wins, win_rates
from tests.rules.rounds import DECAY, NOW, Entry, broken, entries, field_of, rules_of_age, usable


@pytest.mark.parametrize(("age", "earlier_wins"), [(3_600, True), (5_289, True), (5_290, False)])
def test_worked_example_the_later_model_wins_at_age_5290(age: int, earlier_wins: bool) -> None:
    epsilon = float(DECAY.at(age))
    assert beats(2.5, 2.492, 5_000_000, 5_001_000, epsilon, 0.005) is earlier_wins
    assert beats(2.492, 2.5, 5_001_000, 5_000_000, 0.005, epsilon) is not earlier_wins
    if age == 3_600:
        assert (1 - epsilon) * 2.5 == pytest.approx(2.490563, abs=5e-7)


def test_equal_adjusted_losses_are_won_by_nobody() -> None:
    exactly = (1 - 0.005) * 2.5
    assert not beats(exactly, 2.5, 2, 1, 0.0, 0.005)
    assert not beats(2.5, exactly, 1, 2, 0.005, 0.0)


def test_in_one_block_there_is_no_epsilon() -> None:
    assert beats(2.4999, 2.5, 7, 7, 0.005, 0.005)
    assert not beats(2.5, 2.5, 7, 7, 0.005, 0.005)


@given(st.floats(0.01, 100), rules_of_age, st.integers(0, 10**6), st.integers(1, 10**6))
def test_a_copy_never_beats_its_original_within_epsilon(
    loss: float, rule: Epsilon, age: int, younger: int
) -> None:
    epsilon = float(rule.at(age))
    copied = (1 - epsilon) * loss  # as good as a copy may get
    for better in (loss, copied):
        assert not beats(better, loss, 1 + younger, 1, 0.0, epsilon)


@given(entries(losses=usable | broken), rules_of_age)
def test_counting_equals_comparing_every_pair_on_every_page(
    models: list[Entry], rule: Epsilon
) -> None:
    field = field_of(models)
    assert field.losses is not None
    epsilons = rule.at(field.ages(NOW))
    expected = [
        sum(
            beats(mine, theirs, i.block, j.block, epsilons[a], epsilons[b])
            for b, j in enumerate(models)
            if a != b
            for mine, theirs in zip(i.losses, j.losses, strict=True)
        )
        for a, i in enumerate(models)
    ]
    assert count_wins(field.losses, field.blocks, epsilons).tolist() == expected


@given(entries(losses=usable), rules_of_age)
def test_with_ties_to_the_earlier_every_pair_of_blocks_has_a_winner(
    models: list[Entry], rule: Epsilon
) -> None:
    apart = list({model.block: model for model in models}.values())
    field = field_of(apart)
    assert field.losses is not None
    epsilons = rule.at(field.ages(NOW))
    wins = count_wins(field.losses, field.blocks, epsilons, ties_to_earlier=True)
    assert wins.sum() == field.pages * len(apart) * (len(apart) - 1) // 2


def test_pages_beyond_one_batch_are_counted_too() -> None:
    pages = 2 * PAGES_AT_ONCE + 3
    losses = np.vstack([np.full(pages, 2.0), np.full(pages, 1.0)])
    assert count_wins(losses, np.array([1.0, 2.0]), np.zeros(2)).tolist() == [0, pages]


def test_a_large_field_counts_as_the_plain_transcription_does() -> None:
    rng = np.random.default_rng(3)
    losses = rng.normal(2.5, 0.01, (40, 30))
    losses[1::4] = losses[::4]
    blocks = NOW - rng.integers(0, 30, 40) * 700
    epsilons = DECAY.at(NOW - blocks)
    decay = plain.Decay(DECAY.start, DECAY.end, DECAY.decay_blocks)
    counted = count_wins(losses, blocks.astype(float), epsilons).tolist()
    assert counted == plain.wins(losses.tolist(), blocks.tolist(), decay, NOW)
    assert counted == plain.frugal_wins(losses.tolist(), blocks.tolist(), decay, NOW)


def test_no_models_and_no_pages_count_nothing() -> None:
    assert count_wins(np.zeros((0, 3)), np.zeros(0), np.zeros(0)).tolist() == []
    assert count_wins(np.zeros((2, 0)), np.arange(2.0), np.zeros(2)).tolist() == [0, 0]


@pytest.mark.parametrize(
    ("wins", "pages", "alone", "rates"),
    [
        ([6, 5, 1], 4, 0.0, [0.75, 0.625, 0.125]),
        ([0], 4, 0.0, [0.0]),
        ([0], 4, 1.0, [1.0]),
        ([0, 0], 0, 1.0, [0.0, 0.0]),
        ([], 4, 1.0, []),
    ],
)
def test_win_rates(wins: list[int], pages: int, alone: float, rates: list[float]) -> None:
    assert win_rates(np.array(wins, dtype=np.int64), pages, alone).tolist() == rates


@given(usable)
def test_an_infinite_loss_beats_nothing(loss: float) -> None:
    assert beats(loss, math.inf, 2, 1, 0.0, 0.005)
    assert not beats(math.inf, loss, 1, 2, 0.005, 0.0)
    assert not beats(math.inf, math.inf, 1, 2, 0.005, 0.0)
