"""From the losses on several tasks to one score."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotapretrain.errors import InputError
from iotapretrain.rules.competition.task_score import (
    Method,
    Task,
    aggregate,
    normalise,
    task_mean,
    weigh,
)

NAMES = ["FINEWEB", "FINEWEB_EDU2", "STACKV2_DEDUP", "PES2OX", "FINEMATH_3P", "INFIWEBMATH_3P"]
WEIGHTS = [0.30, 0.25, 0.35, 0.05, 0.03, 0.02]
LAST_TASKS = [Task(name, weight) for name, weight in zip(NAMES, WEIGHTS, strict=True)]
RAW = [2.60, 2.40, 1.10, 2.20, 1.70, 1.80]
LOSSES: dict[str, float | None] = dict(zip(NAMES, RAW, strict=True))
CURVE = Method.INVERSE_EXPONENTIAL


def value(losses: dict[str, float | None], failed: list[str]) -> float:
    score = aggregate(LAST_TASKS, losses, failed)
    assert score is not None
    return score.value


def test_worked_example_six_tasks() -> None:
    assert value(LOSSES, []) == pytest.approx(1.962, abs=1e-12)


def test_worked_example_without_the_code_task() -> None:
    assert value(LOSSES, ["STACKV2_DEDUP"]) == pytest.approx(2.426154, abs=5e-7)


def test_worked_example_inverse_exponential() -> None:
    assert normalise(5.0, CURVE, 10.0) == pytest.approx(0.622459, abs=5e-7)


@pytest.mark.parametrize("score", [10.0, 10.1, math.inf])
def test_from_the_ceiling_on_the_score_is_one(score: float) -> None:
    assert normalise(score, CURVE, 10.0) == 1.0


def test_far_below_zero_nothing_overflows() -> None:
    assert normalise(-1e6, CURVE, 1.0) == -math.inf


@given(st.floats(0, 50), st.floats(0, 50), st.floats(0.1, 20))
def test_normalising_keeps_the_order(one: float, other: float, ceiling: float) -> None:
    low, high = sorted([one, other])
    assert normalise(low, CURVE, ceiling) <= normalise(high, CURVE, ceiling) <= 1


def test_every_task_shows_what_it_adds() -> None:
    tasks = [Task("a", 3.0), Task("b", 1.0, CURVE, 10.0)]
    first, second = weigh(tasks, {"a": 2.0, "b": 5.0})
    assert (first.raw, first.normalised, first.weighted) == (2.0, 2.0, 1.5)
    assert second.weighted == pytest.approx(0.25 * 0.622459, abs=1e-6)


@pytest.mark.parametrize("raw", [None, math.nan, math.inf, -math.inf])
def test_one_unusable_raw_score_makes_the_models_score_infinite(raw: float | None) -> None:
    assert value({**LOSSES, "PES2OX": raw}, []) == math.inf


def test_a_raw_score_that_was_never_given_is_the_models_failure() -> None:
    assert value({"FINEWEB": 2.0}, []) == math.inf


def test_what_a_model_has_on_a_failed_task_does_not_matter() -> None:
    assert value({**LOSSES, "STACKV2_DEDUP": None}, ["STACKV2_DEDUP"]) < math.inf


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: Task("t", 0.0), "weight"),
        (lambda: Task("t", -1.0), "weight"),
        (lambda: Task("t", math.nan), "weight"),
        (lambda: Task("t", math.inf), "weight"),
        (lambda: Task("t", 1.0, Method.NONE, 10.0), "ceiling"),
        (lambda: Task("t", 1.0, CURVE), "ceiling"),
        (lambda: Task("t", 1.0, CURVE, 0.0), "ceiling"),
        (lambda: Task("t", 1.0, CURVE, math.inf), "ceiling"),
        (lambda: normalise(1.0, CURVE), "ceiling"),
        (lambda: weigh([Task("t", 1.0)], {"u": 1.0}), "u unknown"),
        (lambda: weigh([Task("t", 1.0)], {}, ["u"]), "u unknown"),
        (lambda: weigh([Task("t", 1.0), Task("t", 2.0)], {}), "twice"),
    ],
)
def test_bad_tasks_are_refused(build: Callable[[], object], says: str) -> None:
    with pytest.raises(InputError, match=says):
        build()


def test_a_tasks_mean_is_over_sequences_and_needs_every_page_that_has_some() -> None:
    assert task_mean((1.0, None, 4.0), (2, 0, 1)) == 2.0
    assert task_mean((1.0, None), (2, 1)) is None
    assert task_mean((1.0, math.nan), (2, 1)) is None
    assert task_mean((None,), (0,)) is None


def test_every_sequence_of_a_task_counts_the_same() -> None:
    assert task_mean([2.0, 3.0], [1, 3]) == 2.75
    assert task_mean([2.0, None], [1, 0]) == 2.0


@pytest.mark.parametrize(("losses", "sequences"), [([2.0, None], [1, 3]), ([None], [0]), ([], [])])
def test_a_task_of_which_pages_are_unknown_has_no_mean(
    losses: list[float | None], sequences: list[int]
) -> None:
    assert task_mean(losses, sequences) is None
