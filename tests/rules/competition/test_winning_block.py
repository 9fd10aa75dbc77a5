"""The block from which a model wins, against trying every block."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from iotapretrain.errors import InputError
from iotapretrain.rules.competition.epsilon import Epsilon, Fixed, LinearDecay, Table
from iotapretrain.rules.competition.field import Field
from iotapretrain.rules.competition.tournament import (
    CHAMPION,
    PER_PAGE,
    REQUIRED,
    Mode,
    RoundRules,
    play,
)
from iotapretrain.rules.competition.winning_block import (
    DatedLoss,
    first_crowned_block,
    first_winning_block,
    needed_loss,
    wins_at,
)

HORIZON = 80
fractions = st.floats(0, 0.02)
ages = st.lists(st.integers(1, 60), max_size=4, unique=True).map(lambda a: (0, *sorted(a)))
tables = ages.flatmap(
    lambda found: st.tuples(*(st.tuples(st.just(age), fractions) for age in found)).map(Table)
)
linear = st.builds(LinearDecay, fractions, fractions, st.integers(1, 60))
epsilons = st.one_of(linear, linear, tables, st.builds(Fixed, fractions))
decaying = st.one_of(
    linear.filter(lambda rule: rule.start >= rule.end),
    tables.filter(lambda rule: all(b <= a for (_, a), (_, b) in pairwise(rule.steps))),
)
entries = st.builds(DatedLoss, st.floats(2.48, 2.52), st.integers(0, 12))


@given(epsilons, entries, entries, st.integers(0, 40))
@example(LinearDecay(0.005, 0.0005, 60), DatedLoss(2.495, 5), DatedLoss(2.5, 0), 5)
def test_it_is_the_first_block_at_which_the_model_wins(
    epsilon: Epsilon, model: DatedLoss, other: DatedLoss, start: int
) -> None:
    tried = (block for block in range(start, HORIZON) if wins_at(epsilon, model, other, block))
    assert first_winning_block(epsilon, model, other, start) == next(tried, None)


@given(
    decaying,
    st.lists(entries, min_size=1, max_size=4),
    st.sampled_from([REQUIRED, CHAMPION, PER_PAGE]),
    st.integers(0, 40),
)
def test_a_crown_comes_at_the_first_block_of_the_rounds_own_choosing(
    epsilon: Epsilon, models: list[DatedLoss], mode: Mode, start: int
) -> None:
    uids = list(range(len(models)))
    losses = [[model.loss, 4.99 - model.loss] for model in models]
    field = Field.of(uids, [model.block for model in models], losses=losses)
    rules = RoundRules(epsilon, mode)
    tried = (b for b in range(start, HORIZON) if play(field, rules, b).winner == uids[-1])  # type: ignore[union-attr]
    assert first_crowned_block(field, rules, uids[-1], start) == next(tried, None)


def test_the_example_of_the_specification() -> None:
    """8.2: at age 5,289 the earlier one still wins, at 5,290 no longer."""
    epsilon = LinearDecay(0.005, 0.0001, 14_400)
    champion, model = DatedLoss(2.5, 5_000_000), DatedLoss(2.492, 5_001_000)
    assert first_winning_block(epsilon, model, champion, 5_001_000) == 5_005_290
    assert first_winning_block(epsilon, DatedLoss(2.4999, 5_001_000), champion, 5_001_000) is None


@given(epsilons, entries, st.integers(12, 100))
def test_just_below_the_needed_loss_wins_and_the_loss_itself_does_not(
    epsilon: Epsilon, champion: DatedLoss, now: int
) -> None:
    needed = needed_loss(epsilon, champion, now)
    assert not wins_at(epsilon, DatedLoss(needed, now + 1), champion, now)
    assert wins_at(epsilon, DatedLoss(needed - 1e-12, now + 1), champion, now)


@given(epsilons, entries)
def test_what_is_needed_in_the_end_is_by_the_epsilon_that_never_goes_away(
    epsilon: Epsilon, champion: DatedLoss
) -> None:
    assert needed_loss(epsilon, champion, math.inf) == (1 - epsilon.floor) * champion.loss


def test_a_model_outside_the_field_is_an_error() -> None:
    with pytest.raises(InputError, match="uid 7"):
        first_crowned_block(Field.of([1], [0], scores=[2.0]), RoundRules(Fixed(0.1)), 7, 0)
