"""What rounds add up to."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotapretrain.errors import InputError
from iotapretrain.rules.competition.standings import Standings

EMPTY = Standings()
hotkeys = st.sampled_from("abcdef")
weights = st.dictionaries(hotkeys, st.sampled_from([0.0, 1e-9]) | st.floats(1e-3, 10), min_size=1)


def test_worked_example_two_competitions() -> None:
    standings = EMPTY.record(1, {"a": 1, "b": 1}).record(2, {"c": 5, "d": 5})
    assert standings.merge({1: 0.6, 2: 0.4}) == pytest.approx(
        {"a": 0.3, "b": 0.3, "c": 0.2, "d": 0.2}
    )


def test_a_new_winner_holds_half_then_three_quarters() -> None:
    standings = EMPTY.record(1, {"old": 1.0})
    held = []
    for _ in range(4):
        standings = standings.record(1, {"new": 1.0})
        held.append(standings.averages(1, ["new"])[0])
    assert held == [0.5, 0.75, 0.875, 0.9375]


def test_a_model_not_evaluated_enters_with_zero() -> None:
    standings = EMPTY.record(1, {"a": 1.0, "b": 1.0}).record(1, {"b": 1.0}, alpha=0.9)
    assert standings.averages(1, ["a", "b"]) == pytest.approx([0.45, 0.55])


def test_recording_zeros_fades_everybody_and_a_first_zero_round_still_counts_as_one() -> None:
    assert EMPTY.record(1, {"a": 1.0}).record(1, {"a": 0.0}).averages(1, ["a"]) == [0.5]
    assert EMPTY.record(1, {"a": 0.0}).record(1, {"a": 1.0}).averages(1, ["a"]) == [0.5]


def test_a_newcomers_vector_reads_zero_everywhere() -> None:
    standings = EMPTY.record(1, {"a": 1.0})
    assert standings.averages(1, ["a", "new"]) == [1.0, 0.0]
    assert standings.averages(2, ["a", "new"]) == [0.0, 0.0]


def test_competitions_that_ended_are_forgotten() -> None:
    standings = EMPTY.record(1, {"a": 1.0}).record(2, {"b": 1.0}).keep([1, 3])
    assert sorted(standings.competitions) == [1]


def test_a_competition_without_averages_leaves_its_share_to_the_others() -> None:
    assert EMPTY.record(1, {"a": 1.0}).merge({1: 0.3, 2: 0.7}) == {"a": 1.0}


def test_a_threshold_cuts_each_competition_before_merging() -> None:
    standings = EMPTY.record(1, {"a": 1, "b": 2}).record(2, {"c": 5, "d": 5})
    merged = standings.merge({1: 0.6, 2: 0.4}, threshold=0.4)
    assert merged == pytest.approx({"b": 0.6, "c": 0.2, "d": 0.2})


def test_a_threshold_above_everybody_leaves_nobody() -> None:
    assert EMPTY.record(1, {"a": 1, "b": 1}).merge({1: 1.0}, threshold=0.6) == {}


@pytest.mark.parametrize("shares", [{}, {1: 0.0}, {7: 1.0}])
def test_nobody_has_weight_and_merging_gives_nothing(shares: dict[int, float]) -> None:
    assert EMPTY.record(1, {"a": 1.0}).merge(shares) == {}


@given(st.lists(st.tuples(st.integers(0, 2), weights), min_size=1), st.floats(0, 1))
def test_merged_weights_are_shares_of_one(
    rounds: list[tuple[int, dict[str, float]]], alpha: float
) -> None:
    standings = EMPTY
    for competition, step in rounds:
        standings = standings.record(competition, step, alpha)
    merged = standings.merge({0: 0.2, 1: 0.3, 2: 0.5})
    if merged:
        assert math.fsum(merged.values()) == pytest.approx(1)
        assert min(merged.values()) > 0


@given(st.lists(weights, min_size=1), st.permutations(list("abcdef")))
def test_renaming_hotkeys_renames_results(rounds: list[dict[str, float]], names: list[str]) -> None:
    rename = dict(zip("abcdef", names, strict=True))
    one = other = EMPTY
    for step in rounds:
        one = one.record(1, step)
        other = other.record(1, {rename[h]: w for h, w in reversed(step.items())})
    assert other.merge({1: 1.0}) == {rename[h]: w for h, w in one.merge({1: 1.0}).items()}


@given(weights, st.floats(0.1, 100))
def test_scaling_the_weights_of_a_round_changes_nothing(
    step: dict[str, float], scale: float
) -> None:
    scaled = {hotkey: weight * scale for hotkey, weight in step.items()}
    assert EMPTY.record(1, scaled).merge({1: 1.0}) == pytest.approx(
        EMPTY.record(1, step).merge({1: 1.0})
    )


def test_standings_never_change_in_place() -> None:
    stored = {1: {"a": 1.0}}
    standings = Standings(stored)
    stored[1]["a"] = 0.0
    standings.record(1, {"b": 1.0})
    assert standings.averages(1, ["a", "b"]) == [1.0, 0.0]
    with pytest.raises(TypeError):
        standings.competitions[1]["a"] = 0.0  # type: ignore[index]


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: EMPTY.record(1, {"a": math.nan}), "a has nan"),
        (lambda: EMPTY.record(1, {"a": math.inf}), "a has inf"),
        (lambda: EMPTY.record(1, {"a": -0.1}), "a has -0.1"),
        (lambda: EMPTY.record(1, {"a": 1.0}, alpha=-0.1), "alpha"),
        (lambda: EMPTY.record(1, {"a": 1.0}, alpha=1.1), "alpha"),
        (lambda: EMPTY.record(1, {"a": 1.0}, alpha=math.nan), "alpha"),
        (lambda: EMPTY.merge({1: -1.0}), "shares"),
        (lambda: EMPTY.merge({1: math.nan}), "shares"),
        (lambda: EMPTY.merge({1: 1.0}, threshold=-0.1), "threshold"),
        (lambda: EMPTY.merge({1: 1.0}, threshold=math.nan), "threshold"),
        (lambda: Standings({1: {"a": math.nan}}), "competition 1"),
    ],
)
def test_bad_numbers_are_refused(build: Callable[[], object], says: str) -> None:
    with pytest.raises(InputError, match=says):
        build()
