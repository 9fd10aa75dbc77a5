"""Who beats whom, and how often."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.plain import tournament as plain
from iotapretrain.rules.competition.eligibility import Ineligibility, taking_part
from iotapretrain.rules.competition.epsilon import Epsilon, Fixed
from iotapretrain.rules.competition.field import Field
from iotapretrain.rules.competition.tournament import (
    CHAMPION,
    PER_PAGE,
    REQUIRED,
    WHITEPAPER,
    RoundRules,
)
from iotapretrain.rules.competition.wins import (
    PAGES_AT_ONCE,
    beats,
    count_wins,
    succession,
    win_rates,
)
from tests.rules.rounds import (
    DECAY,
    NOW,
    Entry,
    broken,
    decided,
    entries,
    field_of,
    round_of,
    rules_of_age,
    scored,
    usable,
)


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


FREE = RoundRules(Fixed(0.0))


def test_papers_winner_leads_by_less_than_its_error() -> None:
    close, clear = round_of("paper.json").margins
    assert (close.uid, close.decided) == (2, False)
    assert close.ahead == pytest.approx(2.5 - 0.995 * 2.5125)
    assert (clear.uid, clear.decided) == (3, True)


def test_the_error_is_that_of_paired_differences() -> None:
    """Pages differ by far more than models do; paired, only the models' differences count."""
    losses = [[2.0, 9.0, 4.0, 6.0], [1.9, 8.8, 3.9, 5.9]]
    (margin,) = decided(Field.of([1, 2], [1, 2], losses=losses), FREE).margins
    leads = [earlier - later for earlier, later in zip(*losses, strict=True)]
    assert margin.ahead == pytest.approx(statistics.mean(leads))
    assert margin.standard_error == pytest.approx(statistics.stdev(leads) / math.sqrt(4))
    assert margin.decided


def test_one_page_decides_nothing() -> None:
    (margin,) = decided(Field.of([1, 2], [1, 2], losses=[[2.0], [1.0]]), FREE).margins
    assert margin.standard_error is None
    assert not margin.decided


def test_without_pages_there_are_no_margins() -> None:
    assert decided(scored(2.0, 1.0), FREE).margins == ()


def test_only_models_inside_the_filter_and_with_finite_losses_are_compared() -> None:
    losses = [[2.0, 2.0], [1.0, 1.1], [math.inf, 1.0], [1.5, 1.5]]
    field = Field.of([1, 2, 3, 4], [1, 2, 3, 4], losses=losses)
    rules = {mode: RoundRules(Fixed(0.005), mode) for mode in (REQUIRED, PER_PAGE, WHITEPAPER)}
    assert [m.uid for m in decided(field, rules[REQUIRED]).margins] == [1]
    assert [m.uid for m in decided(field, rules[PER_PAGE]).margins] == [1]
    assert [m.uid for m in decided(field, rules[WHITEPAPER], NOW).margins] == [1, 4]


def test_the_crown_passes_only_to_a_model_better_by_epsilon() -> None:
    field = scored(2.5, 2.4999, 2.4, 2.41, 2.3, blocks=[1, 2, 3, 4, 4])
    assert succession(field, DECAY.at(field.ages(NOW))) == (0, 2, 4)


def test_in_one_block_any_improvement_takes_the_crown() -> None:
    field = scored(2.5, 2.4999, 2.5, blocks=[7, 7, 7])
    assert succession(field, DECAY.at(field.ages(8))) == (0, 1)


def test_nobody_takes_part_and_nobody_is_champion() -> None:
    assert succession(scored(None), DECAY.at([0])) == ()


@given(entries(losses=usable | broken), rules_of_age, st.randoms())
def test_the_champion_was_beaten_by_nobody_who_came_later(
    models: list[Entry], rule: Epsilon, random: object
) -> None:
    random.shuffle(models)  # type: ignore[attr-defined]
    field = field_of(models)
    epsilons = rule.at(field.ages(NOW))
    line = succession(field, epsilons)
    if not line:
        return
    order = field.seniority.tolist()
    later = order[order.index(line[-1]) + 1 :]
    assert not any(
        _beats(field, epsilons.tolist(), row, line[-1])
        for row in later
        if taking_part(field)[row] is None
    )


def _beats(field: Field, epsilons: list[float], row: int, champion: int) -> bool:
    scores, blocks = field.scores.tolist(), field.blocks.tolist()
    return beats(
        scores[row],
        scores[champion],
        blocks[row],
        blocks[champion],
        epsilons[row],
        epsilons[champion],
    )


def test_as_a_mode_the_champion_takes_everything_and_the_others_know_why() -> None:
    outcome = decided(scored(2.5, 2.4999, 2.4, None), RoundRules(DECAY, CHAMPION))
    assert outcome.weights.tolist() == [0, 0, 1, 0]
    assert outcome.left_out == (None, Ineligibility.NEVER_CHAMPION, None, Ineligibility.NO_SCORE)
    assert outcome.win_rates.tolist() == [0, 0, 1, 0]
