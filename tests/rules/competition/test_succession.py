"""The sequential comparison."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from iotapretrain.rules.competition.eligibility import Reason, taking_part
from iotapretrain.rules.competition.epsilon import Epsilon
from iotapretrain.rules.competition.field import Field
from iotapretrain.rules.competition.tournament import CHAMPION, RoundRules
from iotapretrain.rules.competition.wins import beats, succession
from tests.rules.rounds import (
    DECAY,
    NOW,
    Entry,
    broken,
    decided,
    entries,
    field_of,
    rules_of_age,
    scored,
    usable,
)


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
    assert outcome.left_out == (None, Reason.NEVER_CHAMPION, None, Reason.NO_SCORE)
    assert outcome.win_rates.tolist() == [0, 0, 1, 0]
