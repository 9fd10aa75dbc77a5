"""Which models are tried again, and what is remembered of them."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotapretrain.errors import InputError
from iotapretrain.rules.competition.attempts import (
    NEWEST,
    Action,
    Evaluation,
    History,
    Outcome,
    Sighting,
    action,
    should_retry,
    worth_another_try,
)
from iotapretrain.rules.competition.epsilon import Fixed, LinearDecay

NEW = Sighting(age=250, delay=250, scheduled_then=True, scheduled_now=True, tracked=False)


def test_none_is_misconfigured() -> None:
    assert action(None) is Action.MISCONFIGURED


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, Action.FETCH),
        ({"age": 249}, Action.TOO_EARLY),
        ({"age": 0, "delay": 0}, Action.FETCH),
        ({"scheduled_then": False}, Action.MISCONFIGURED),
        ({"scheduled_now": False, "age": 0}, Action.MISCONFIGURED),
        ({"tracked": True}, Action.UNCHANGED),
        ({"tracked": True, "forced": True}, Action.FETCH),
        ({"tracked": True, "forced": True, "age": 10}, Action.TOO_EARLY),
    ],
)
def test_the_first_that_applies_counts(change: dict[str, int], expected: Action) -> None:
    assert action(replace(NEW, **change)) is expected


@given(st.integers(0, 10_000), st.integers(0, 400), st.integers(1, 150))
def test_the_seed_of_a_first_evaluation_is_younger_than_the_commitment(
    commit: int, later: int, cadence: int
) -> None:
    """With a delay of cadence + 100 nobody can have trained on the pages he is judged on."""
    now = commit + later
    sighting = replace(NEW, age=now - commit, delay=cadence + 100)
    if action(sighting) is Action.FETCH:
        assert now // cadence * cadence > commit + 100


EPSILON = Fixed(0.005)
CRASH = Evaluation.failed(1, Outcome.MODEL)

outcomes = st.lists(st.sampled_from([*Outcome]), max_size=6)


# --- failures -------------------------------------------------------------------------------------


@given(outcomes)
def test_the_infrastructure_never_counts(seen: list[Outcome]) -> None:
    own = [outcome for outcome in seen if outcome is not Outcome.INFRASTRUCTURE]
    assert worth_another_try(seen) == worth_another_try(own)


@given(outcomes, outcomes)
def test_more_failures_never_bring_a_model_back(seen: list[Outcome], more: list[Outcome]) -> None:
    assert worth_another_try(seen) or not worth_another_try(seen + more)


def test_defect_24_our_own_slowness_does_not_put_a_model_out() -> None:
    """In the original a time limit on a slow validator was the model's failure; two were final."""
    assert worth_another_try([Outcome.INFRASTRUCTURE] * 10)
    assert worth_another_try([Outcome.MODEL])
    assert not worth_another_try([Outcome.MODEL] * 2)


@pytest.mark.parametrize("final", [Outcome.BAD_HASH, Outcome.INADMISSIBLE])
def test_what_pinned_bytes_decide_is_final_at_once(final: Outcome) -> None:
    assert not worth_another_try([final])
    assert not should_retry([Evaluation.failed(1, final)], EPSILON, 10)


def test_defect_23_failures_count_in_the_competition_that_was_named() -> None:
    """The original filed them under competition 0 and downloaded 29 GiB again on every pass."""
    history = History().committed("miner", 100, "commitment of competition 4")
    for block in (110, 120):
        history = history.tried("miner", 4, Evaluation.failed(block, Outcome.MODEL))
    assert not should_retry(history.of("miner", 4), EPSILON, 1000)
    assert history.of("miner", 0) == ()


# --- scores ---------------------------------------------------------------------------------------


def test_a_model_without_history_is_tried() -> None:
    assert should_retry([], EPSILON, 10)


@pytest.mark.parametrize(
    ("score", "again"), [(1.01, False), (1.0, False), (0.995, False), (0.9949, True)]
)
def test_a_model_is_tried_again_once_it_would_beat_the_winner(score: float, again: bool) -> None:
    assert should_retry([Evaluation.scored(1, score, 1, 1.0)], EPSILON, 10) is again


def test_the_winners_age_now_decides() -> None:
    tried = [Evaluation.scored(100, 0.998, 0, 1.0)]
    decaying = LinearDecay(0.005, 0.0, 1000)
    assert not should_retry(tried, decaying, 600)  # 0.002
    assert should_retry(tried, decaying, 601)


def test_the_last_score_counts_whatever_failed_since() -> None:
    good, bad = Evaluation.scored(1, 0.9, 1, 1.0), Evaluation.scored(2, 1.1, 1, 1.0)
    assert should_retry([CRASH, bad, good, CRASH, CRASH], EPSILON, 10)
    assert not should_retry([good, bad, CRASH], EPSILON, 10)


@pytest.mark.parametrize("score", [math.inf, -math.inf, math.nan])
def test_a_score_that_is_not_finite_is_a_failure(score: float) -> None:
    attempt = Evaluation.scored(1, score, 1, 1.0)
    assert attempt.outcome is Outcome.MODEL
    assert should_retry([attempt], EPSILON, 10)
    assert not should_retry([attempt, attempt], EPSILON, 10)
    with pytest.raises(InputError, match="say whose"):
        Evaluation(1, score, 1, 1.0)


# --- memory ---------------------------------------------------------------------------------------


def scored(block: int) -> Evaluation:
    return Evaluation.scored(block, 1.0, 1, 1.0)


@given(st.lists(st.integers(0, 99), max_size=8))
def test_the_newest_are_kept_in_order(blocks: list[int]) -> None:
    history = History()
    for block in blocks:
        history = history.tried("k", 1, scored(block))
    kept = [attempt.block for attempt in history.of("k", 1)]
    assert kept == sorted(blocks)[-NEWEST:]
    assert history.last_block("k") == max(blocks, default=None)


def test_only_a_new_commitment_starts_anew() -> None:
    history = History().committed("k", 1, "c").tried("k", 1, scored(5)).tried("j", 1, scored(6))
    assert history.committed("k", 1, "c") == history
    for block, commitment in ((2, "c"), (1, "d")):
        renewed = history.committed("k", block, commitment)
        assert renewed.last_block("k") is None
        assert renewed.last_block("j") == 6


def test_the_infrastructures_failures_push_nothing_out() -> None:
    history = History().tried("k", 1, scored(1))
    for block in range(2, 9):
        history = history.tried("k", 1, Evaluation.failed(block, Outcome.INFRASTRUCTURE))
    assert history.of("k", 1) == (scored(1),)


def test_who_left_is_forgotten_whole() -> None:
    history = History().committed("k", 1, "c").tried("k", 1, scored(5)).tried("j", 2, scored(6))
    kept = history.only(["j"])
    assert kept == History({}, {("j", 2): (scored(6),)})
    assert history.without(2).of("j", 2) == ()
    assert history.of("j", 2) == (scored(6),)  # the old value stays what it was
