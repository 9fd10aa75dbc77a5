"""Pages come in an order of the seed in which every task keeps step."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotapretrain.errors import InputError
from iotapretrain.rules.competition.race import FIRST_SHARE, PagePlan

TASKS = st.lists(
    st.tuples(st.floats(0.01, 1), st.lists(st.integers(1, 9), min_size=1, max_size=40)),
    min_size=1,
    max_size=5,
)


def plan_of(tasks: list[tuple[float, list[int]]], seed: int = 1) -> PagePlan:
    return PagePlan.of(seed, 1, [(str(n), w, pages) for n, (w, pages) in enumerate(tasks)])


@given(TASKS)
def test_every_page_once_and_every_task_in_step(tasks: list[tuple[float, list[int]]]) -> None:
    plan = plan_of(tasks)
    assert sorted(plan.order) == list(range(len(plan)))
    assert plan.shares.sum() == pytest.approx(1)
    sizes = np.bincount(plan.tasks)
    for seen in range(len(tasks), len(plan) + 1):
        counts = np.bincount(plan.tasks[plan.order[:seen]], minlength=len(sizes))
        assert counts.min() >= 1
        later = (counts - 0.5) / sizes
        ahead = later[counts > 1].max(initial=0)
        behind = ((counts + 0.5) / sizes)[counts < sizes].min(initial=1)
        assert ahead <= behind + 1e-9


@given(TASKS)
def test_looks_grow_to_the_end(tasks: list[tuple[float, list[int]]]) -> None:
    plan = plan_of(tasks)
    assert list(plan.looks) == sorted(set(plan.looks))
    assert plan.looks[-1] == len(plan)
    assert plan.looks[0] >= FIRST_SHARE * len(plan)


@given(TASKS)
def test_the_score_is_the_weighted_mean_over_tasks_of_the_mean_over_sequences(
    tasks: list[tuple[float, list[int]]],
) -> None:
    plan = plan_of(tasks)
    losses = np.random.default_rng(0).normal(3, 1, len(plan))
    total = sum(weight for weight, _ in tasks)
    expected, first = 0.0, 0
    for weight, pages in tasks:
        own = losses[first : first + len(pages)]
        expected += weight / total * float(np.average(own, weights=pages))
        first += len(pages)
    assert plan.task_means(losses, plan.order) @ plan.weights == pytest.approx(expected)
    assert plan.shares @ losses == pytest.approx(expected)


def test_the_order_is_the_seeds() -> None:
    """The same for all who know the seed; another for another seed, task or competition."""
    tasks = [(1.0, [1] * 40)]
    assert plan_of(tasks).order.tolist() == plan_of(tasks).order.tolist()
    assert plan_of(tasks).order.tolist() != plan_of(tasks, seed=2).order.tolist()
    other = PagePlan.of(1, 2, [("0", 1.0, [1] * 40)])
    assert other.order.tolist() != plan_of(tasks).order.tolist()
    assert plan_of([(1.0, [1] * 6)]).order.tolist() == [0, 2, 4, 1, 5, 3]


@pytest.mark.parametrize("tasks", [[], [("a", 1.0, [])], [("a", 1.0, [1, 0])]])
def test_nothing_to_score(tasks: list[tuple[str, float, list[int]]]) -> None:
    with pytest.raises(InputError, match="without"):
        PagePlan.of(1, 1, tasks)
