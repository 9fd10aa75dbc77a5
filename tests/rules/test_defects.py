"""The original's defects in the rules of a round, by their numbers in docs/rules.md.

Each test shows the defect where a configuration reaches it, and that the default does better.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from iotapretrain.errors import InputError
from iotapretrain.rules.competition.eligibility import Ineligibility
from iotapretrain.rules.competition.field import Field
from iotapretrain.rules.competition.standings import Standings
from iotapretrain.rules.competition.task_score import Task, aggregate, weigh
from iotapretrain.rules.competition.tournament import (
    CHAMPION,
    RELEASE_4_5_0,
    RELEASE_4_5_3,
    WHITEPAPER,
    NoResult,
    RoundRules,
    best_share,
    play,
)
from tests.rules.rounds import DECAY, NOW, decided, round_of, scored

OURS = RoundRules(DECAY)
THEIRS = RoundRules(DECAY, RELEASE_4_5_3)


def test_1_a_nan_in_the_earliest_model_does_not_win_the_round() -> None:
    field = scored(None, 2.0, 1.9)
    assert decided(field, THEIRS).weights[0] == 1
    assert decided(field, OURS).weights == pytest.approx([0, 0, 1])


def test_2_a_round_in_which_every_model_failed_has_no_result() -> None:
    field = scored(math.inf, math.inf)
    assert decided(field, THEIRS).winner == 0
    failed = NoResult(((0, Ineligibility.NO_SCORE), (1, Ineligibility.NO_SCORE)))
    assert play(field, OURS, NOW) == failed


def test_3_models_outside_the_filter_get_exactly_nothing() -> None:
    field = scored(2.0, 2.0, 2.1, blocks=[5, 5, 6])
    assert decided(field, THEIRS).weights == pytest.approx([1 / 3] * 3)
    assert decided(field, OURS).weights.tolist() == [1, 0, 0]


def test_4_of_nearly_equal_models_in_one_block_the_best_stays() -> None:
    field = scored(2.0, 1.99999, blocks=[5, 5])
    assert not decided(field, THEIRS).kept.any()
    assert decided(field, OURS).left_out == (Ineligibility.SECOND_OF_BLOCK, None)


def test_5_without_any_data_there_is_no_perfect_score() -> None:
    tasks = [Task("a", 0.5), Task("b", 0.5)]
    down = {"raw": {"a": 2.0, "b": 2.0}, "failed": ["a", "b"]}
    assert sum(part.weighted for part in weigh(tasks, **down)) == 0
    assert aggregate(tasks, **down) is None


def test_6_a_cycle_of_wins_has_a_champion_all_the_same() -> None:
    """0 beats 1, 1 beats 2 and 2 beats 0, each under the earlier one's own epsilon."""
    field = Field.of(
        [0, 1, 2],
        [17544, 19615, 13691],
        scores=[2.5097708985148106, 2.4994664068919774, 2.508731206351273],
    )
    pairwise = decided(field, RoundRules(DECAY, RELEASE_4_5_0), NOW)
    assert pairwise.wins.tolist() == [1, 1, 1]
    assert decided(field, RoundRules(DECAY, CHAMPION), NOW).winner == 1


def test_7_a_lead_within_the_noise_is_said_to_be_one() -> None:
    outcome = round_of("paper.json", WHITEPAPER)
    runner_up = outcome.margins[0]
    assert runner_up.standard_error is not None
    assert 0 < runner_up.ahead < runner_up.standard_error
    assert not runner_up.decided


def test_8_a_newcomer_on_a_recycled_uid_inherits_nothing() -> None:
    by_uid = Standings().record(1, {"0": 1.0})
    assert by_uid.averages(1, ["0"]) == [1.0]  # whoever has uid 0 by now
    by_hotkey = Standings().record(1, {"left": 1.0, "stays": 1.0}).retain(["came", "stays"])
    assert by_hotkey.averages(1, ["came", "stays"]) == [0.0, 0.5]
    assert by_hotkey.merge({1: 1.0}) == {"stays": 1.0}


def test_8_a_round_without_outcome_halves_nobody() -> None:
    standings = Standings().record(1, {"a": 1.0})
    assert isinstance(play(scored(None, math.inf), OURS, NOW), NoResult)
    assert standings.record(1, {"a": 0.0}).averages(1, ["a"]) == [0.5]  # if it were recorded
    assert standings.averages(1, ["a"]) == [1.0]


def test_9_a_model_that_was_not_evaluated_is_owed_a_retry_and_one_that_failed_is_not() -> None:
    scores = scored(None, 2.0, math.inf, math.nan).scores
    assert np.flatnonzero(np.isnan(scores)).tolist() == [0, 3]


def test_10_a_negative_loss_takes_no_part() -> None:
    field = scored(-1.0, 2.0)
    assert decided(field, THEIRS).winner == 0
    assert decided(field, OURS).weights.tolist() == [0, 1]


def test_10_a_perfect_loss_of_zero_cannot_be_beaten_and_stays_with_the_earliest() -> None:
    field = scored(0.0, 0.0, 1.0)
    assert decided(field, RoundRules(DECAY, RELEASE_4_5_0)).wins.tolist() == [1, 1, 0]
    assert decided(field, OURS).weights.tolist() == [1, 0, 0]


def test_11_the_winners_share_is_reported_and_can_be_kept_for_any_field() -> None:
    size = 100
    ordered = scored(*[3 * 0.99**place for place in range(size)])
    outcome = decided(ordered, OURS)
    assert outcome.winner_share == pytest.approx(best_share(size, 0.01))
    assert outcome.winner_share == pytest.approx(0.636, abs=5e-4)
    ranks = RoundRules(DECAY, temperature=0.3, temperature_in_ranks=True)
    assert decided(ordered, ranks).winner_share == pytest.approx(0.964, abs=5e-4)


def test_22_no_weight_that_is_not_a_number_reaches_the_standings() -> None:
    standings = Standings().record(1, {"a": 1.0})
    with pytest.raises(InputError, match="a has nan"):
        standings.record(1, {"a": math.nan})
    assert standings.merge({1: 1.0}) == {"a": 1.0}
