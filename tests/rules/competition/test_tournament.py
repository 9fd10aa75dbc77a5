"""A whole round: the worked examples, what must always hold, and what bad input comes to."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotapretrain.conformance.round_vectors import Blend, blended
from iotapretrain.errors import InputError
from iotapretrain.rules.competition.eligibility import Filter, Ineligibility
from iotapretrain.rules.competition.epsilon import Epsilon, Fixed, Table
from iotapretrain.rules.competition.field import Field
from iotapretrain.rules.competition.tournament import (
    CHAMPION,
    MODES,
    PER_PAGE,
    RELEASE_4_5_0,
    RELEASE_4_5_3,
    REQUIRED,
    WHITEPAPER,
    Comparison,
    DecidedRound,
    Mode,
    NoResult,
    RoundRules,
    best_share,
    play,
    softmax,
)
from tests.rules.rounds import (
    DECAY,
    NOW,
    Entry,
    broken,
    by_uid,
    decided,
    entries,
    field_of,
    round_of,
    rules_of_age,
    scored,
    usable,
)

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


every_mode = st.sampled_from(list(MODES.values()))
strict_modes = st.sampled_from([REQUIRED, PER_PAGE, CHAMPION])

# --- worked examples ------------------------------------------------------------------------------


def test_paper_example() -> None:
    outcome = round_of("paper.json")
    assert outcome.mode == WHITEPAPER
    assert outcome.wins.tolist() == [6, 5, 1]
    assert outcome.win_rates.tolist() == [0.75, 0.625, 0.125]
    assert outcome.weights == pytest.approx([1, 3.7e-6, 7e-28], rel=0.05)
    assert outcome.field.scores == pytest.approx([2.5125, 2.5, 2.5075])


def test_score_level_example() -> None:
    outcome = round_of("round.json")
    assert outcome.mode == REQUIRED
    assert outcome.epsilons[[0, 1, 2, 4]] == pytest.approx(
        [0.0001, 0.00044, 0.000781, 0.004524], abs=5e-7
    )
    assert outcome.adjusted_scores[[0, 1, 2, 4]] == pytest.approx(
        [2.49975, 2.4979, 2.488056, 2.448872], abs=1e-6
    )
    assert outcome.left_out == (None, None, None, Ineligibility.NEVER_BETTER, None)
    assert outcome.wins.tolist() == [0, 1, 2, 0, 3]
    assert outcome.win_rates == pytest.approx([0, 1 / 3, 2 / 3, 0, 1])
    assert outcome.weights == pytest.approx([0, 1.1e-29, 3.3e-15, 0, 1], rel=0.05)
    assert outcome.weights[3] == 0
    assert outcome.winner == 15


def test_score_level_example_as_released_leaves_a_trace_outside_the_filter() -> None:
    outcome = round_of("round.json", RELEASE_4_5_3)
    assert outcome.wins.tolist() == [0, 1, 2, 0, 3]
    assert outcome.weights[3] == pytest.approx(4e-44, rel=0.1)


def test_score_level_example_earlier_in_time() -> None:
    field = round_of("round.json").field
    before = decided(field, RoundRules(DECAY), 5_013_250)
    assert before.wins[0] == 1  # 11 still beats 12


# --- what must always hold ------------------------------------------------------------------------


@given(entries(losses=usable | broken), rules_of_age, every_mode, st.randoms())
def test_permuting_models_permutes_results(
    models: list[Entry], rule: Epsilon, mode: Mode, random: object
) -> None:
    shuffled = models.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    rules = RoundRules(rule, mode)
    one, other = play(field_of(models), rules, NOW), play(field_of(shuffled), rules, NOW)
    assert by_uid(one) == pytest.approx(by_uid(other))
    if isinstance(one, DecidedRound) and isinstance(other, DecidedRound):
        back = [models.index(model) for model in shuffled]
        assert one.wins[back].tolist() == other.wins.tolist()
        assert [one.left_out[row] for row in back] == list(other.left_out)
        assert one.winner == other.winner


@given(entries(losses=usable), rules_of_age, every_mode, st.integers(-30, 30))
def test_scaling_all_losses_changes_nothing(
    models: list[Entry], rule: Epsilon, mode: Mode, power: int
) -> None:
    scale = 2.0**power  # powers of two scale without rounding
    scaled = [replace(m, losses=tuple(loss * scale for loss in m.losses)) for m in models]
    rules = RoundRules(rule, mode)
    assert by_uid(play(field_of(models), rules, NOW)) == by_uid(play(field_of(scaled), rules, NOW))


@given(entries(losses=usable | broken), rules_of_age, every_mode)
def test_weights_are_shares_of_one(models: list[Entry], rule: Epsilon, mode: Mode) -> None:
    outcome = play(field_of(models), RoundRules(rule, mode), NOW)
    if isinstance(outcome, DecidedRound):
        assert outcome.weights.sum() == pytest.approx(1)
        assert outcome.weights.min() >= 0
        assert outcome.winner_share == outcome.weights.max()


@given(entries(losses=usable | broken), rules_of_age, strict_modes)
def test_outside_the_strict_filter_weights_are_exactly_zero(
    models: list[Entry], rule: Epsilon, mode: Mode
) -> None:
    outcome = play(field_of(models), RoundRules(rule, mode), NOW)
    if isinstance(outcome, DecidedRound):
        assert not outcome.weights[~outcome.kept].any()
        assert not outcome.wins[~outcome.kept].any()


@given(entries(losses=usable), rules_of_age, strict_modes, st.data())
def test_a_later_copy_gets_nothing_and_changes_nothing(
    models: list[Entry], rule: Epsilon, mode: Mode, data: st.DataObject
) -> None:
    models = [replace(model, digest=None) for model in models]
    model = data.draw(st.sampled_from(models))
    copy = replace(model, uid=999, block=model.block + data.draw(st.integers(1, NOW)))
    rules = RoundRules(rule, mode)
    before = by_uid(play(field_of(models), rules, NOW))
    after = by_uid(play(field_of([*models, copy]), rules, NOW))
    assert after == {**before, 999: 0.0}


@given(
    entries(losses=usable),
    rules_of_age,
    st.sampled_from([REQUIRED, PER_PAGE, CHAMPION, WHITEPAPER]),
    st.integers(0, NOW),
)
def test_a_hopeless_model_does_not_change_the_winner(
    models: list[Entry], rule: Epsilon, mode: Mode, block: int
) -> None:
    rules = RoundRules(rule, mode)
    hopeless = Entry(999, block, tuple(100.0 for _ in models[0].losses))
    before = decided(field_of(models), rules)
    assert decided(field_of([*models, hopeless]), rules).winner == before.winner


@given(entries(losses=usable), rules_of_age, strict_modes, st.data())
def test_models_without_usable_losses_might_as_well_not_be_there(
    models: list[Entry], rule: Epsilon, mode: Mode, data: st.DataObject
) -> None:
    pages = len(models[0].losses)
    row = data.draw(st.tuples(*[broken] * pages))
    failed = Entry(999, data.draw(st.integers(0, NOW)), row)
    rules = RoundRules(rule, mode)
    before = by_uid(play(field_of(models), rules, NOW))
    after = by_uid(play(field_of([*models, failed]), rules, NOW))
    assert after == {**before, 999: 0.0}


# --- modes ----------------------------------------------------------------------------------------


def test_the_required_round_is_the_default() -> None:
    assert RoundRules(DECAY).mode == REQUIRED == MODES["score-level"]


@pytest.mark.parametrize(
    ("mode", "rate"),
    [
        (REQUIRED, 1),
        (PER_PAGE, 1),
        (CHAMPION, 1),
        (RELEASE_4_5_3, 1),
        (WHITEPAPER, 0),
        (RELEASE_4_5_0, 0),
    ],
)
def test_a_single_model_gets_all_weight_whatever_its_win_rate(mode: Mode, rate: float) -> None:
    outcome = decided(Field.of([7], [10], losses=[[2.2, 2.3]]), RoundRules(DECAY, mode))
    assert outcome.win_rates.tolist() == [rate]
    assert outcome.weights.tolist() == [1.0]


def test_per_page_and_score_level_can_disagree() -> None:
    field = Field.of([1, 2], [1, 2], losses=[[2.0, 2.0, 3.9], [2.1, 2.1, 2.1]])
    assert decided(field, RoundRules(DECAY, PER_PAGE)).winner == 1
    assert decided(field, RoundRules(DECAY)).winner == 2


def test_when_adjusted_losses_are_equal_the_earlier_wins_where_the_original_has_no_winner() -> None:
    field = scored(2.0, (1 - 0.005) * 2.0)
    passing = Table(((0, 0.005), (10 * NOW, 0.0)))  # the filter keeps both: in time it is gone
    assert decided(field, RoundRules(passing, RELEASE_4_5_0)).wins.tolist() == [0, 0]
    assert decided(field, RoundRules(passing, REQUIRED)).wins.tolist() == [1, 0]


def test_an_infinite_block_number_means_everything_has_decayed() -> None:
    field = scored(2.5, 2.499)
    assert decided(field, RoundRules(DECAY), math.inf).epsilons.tolist() == [DECAY.floor] * 2
    assert decided(field, RoundRules(DECAY), math.inf).winner == 1


def test_a_model_that_lost_its_commitment_has_no_age() -> None:
    field = Field.of([1, 2], [5, math.inf], scores=[2.0, math.inf])
    assert field.ages(math.inf).tolist() == [math.inf, 0.0]
    assert decided(field, RoundRules(DECAY)).winner == 1


# --- two epsilons at once -------------------------------------------------------------------------


def test_a_blend_has_two_first_places() -> None:
    field = Field.of([1, 2], [1, 2], losses=[[2.5, 2.5], [2.495, 2.495]])
    blend = blended(field, RoundRules(Fixed(0.005), WHITEPAPER), Fixed(0.001), 0.123, NOW)
    assert isinstance(blend, Blend)
    assert (blend.first.winner, blend.second.winner) == (1, 2)
    assert blend.weights == pytest.approx([0.877, 0.123])


def test_a_blend_of_nothing_has_no_result() -> None:
    assert isinstance(blended(scored(None), RoundRules(DECAY), DECAY, 0.1, NOW), NoResult)


@pytest.mark.parametrize("share", [-0.1, 1.1, math.nan])
def test_a_blend_refuses_a_share_outside_zero_to_one(share: float) -> None:
    with pytest.raises(InputError, match="share"):
        blended(scored(2.0), RoundRules(DECAY), DECAY, share, NOW)


# --- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES.values(), ids=list(MODES))
def test_an_empty_round_has_no_result(mode: Mode) -> None:
    assert play(Field.of([], [], losses=[]), RoundRules(DECAY, mode), NOW) == NoResult(())


def test_rounds_without_pages_have_no_result() -> None:
    nothing = Field.of([1, 2], [1, 2], losses=[[], []])
    outcome = play(nothing, RoundRules(DECAY, PER_PAGE), NOW)
    assert outcome == NoResult(((1, Ineligibility.NO_SCORE), (2, Ineligibility.NO_SCORE)))
    assert decided(nothing, RoundRules(DECAY, WHITEPAPER)).weights.tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: Field.of([1, 1], [1, 2], scores=[2.0, 2.1]), "uid occurs twice"),
        (lambda: Field.of([1, 2], [1, 2], losses=[[2.0], [2.1, 2.2]]), "1 to 2 losses"),
        (lambda: Field.of([1, 2], [1, 2], scores=[2.0]), "1 scores for 2 models"),
        (lambda: Field.of([1, 2], [1], scores=[2.0, 2.1]), "1 blocks for 2 models"),
        (lambda: Field.of([1, 2], [1, 2], losses=[[2.0]]), "1 scores for 2 models"),
        (lambda: Field.of([1], [1], scores=[2.0], losses=[[2.0], [2.1]]), "2 rows of losses"),
        (lambda: Field.of([1], [1], scores=["good"]), "scores"),
        (lambda: Field.of([1], [1], losses=[["good"]]), "losses"),
        (lambda: Field.of([1], [1], scores=[[2.0]]), "flat list"),
        (lambda: Field.of([1, 2], [1, 2], losses=[2.0, 2.1]), "losses"),  # type: ignore[list-item]
        (lambda: Field.of([1], [1], losses=[[[2.0, 2.1]]]), "losses"),  # type: ignore[list-item]
        (lambda: Field.of([1], [1]), "neither scores nor losses"),
        (lambda: Field.of([1.5], [1], scores=[2.0]), "uids"),
        (lambda: Field.of([-1], [1], scores=[2.0]), "uids"),
        (lambda: Field.of([10**400], [1], scores=[2.0]), "uids"),
        (lambda: Field.of([1], [1.5], scores=[2.0]), "whole number"),
        (lambda: Field.of([1], [-1], scores=[2.0]), "whole number"),
        (lambda: Field.of([1], [math.nan], scores=[2.0]), "whole number"),
        (lambda: Field.of([1], [1], scores=[2.0], digests=[7]), "digest"),  # type: ignore[list-item]
        (lambda: play(scored(2.0), RoundRules(DECAY), math.nan), "current block"),
        (lambda: play(scored(2.0), RoundRules(DECAY, PER_PAGE), NOW), "every page"),
        (lambda: Mode(alone=0.5), "single model"),
        (lambda: Mode(Comparison.CHAMPION, Filter.ORIGINAL), "champion"),
    ],
)
def test_bad_input_is_refused_in_one_line(build: Callable[[], object], says: str) -> None:
    with pytest.raises(InputError, match=says) as refused:
        build()
    assert "\n" not in str(refused.value)


def test_losses_beyond_all_measure_are_no_score() -> None:
    assert play(Field.of([1], [1], losses=[[1e308, 1e308]]), RoundRules(DECAY), NOW) == NoResult(
        ((1, Ineligibility.NO_SCORE),)
    )


def test_a_field_cannot_be_changed() -> None:
    field = Field.of([1], [1], losses=[[2.0]])
    assert field.losses is not None
    for column in (field.uids, field.blocks, field.scores, field.losses):
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 3


def test_a_field_does_not_freeze_the_callers_array() -> None:
    losses = np.array([[2.0]])
    Field.of([1], [1], losses=losses)
    losses[0, 0] = 3.0
