"""What part of the pages says about all of them: never surer than it may be."""

from __future__ import annotations

import math

import numpy as np
import pytest

from iotapretrain.rules.competition.race import Evidence, PagePlan, tail


def student(quantile: float, freedom: int) -> float:
    """P(T > quantile), by adding up the density."""
    norm = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)
    norm -= math.log(freedom * math.pi) / 2
    u = np.geomspace(quantile, 1e9, 400_001)
    density = np.exp(norm - (freedom + 1) / 2 * np.log1p(u**2 / freedom))
    return float(np.trapezoid(density, u))


@pytest.mark.parametrize("freedom", [2, 5, 12, 40])
@pytest.mark.parametrize("quantile", [0.5, 2.0, 6.0, 15.0])
def test_the_tail_is_a_bound_and_a_close_one(freedom: int, quantile: float) -> None:
    bound, exact = float(tail(np.array([quantile]), freedom)[0]), student(quantile, freedom)
    assert bound >= min(exact * (1 - 1e-6), 0.5)
    if quantile >= 6:
        assert bound <= exact * 1.05 * freedom / (freedom - 1)


def test_no_lead_says_nothing() -> None:
    assert tail(np.zeros(1), 5).tolist() == [0.5]


SHAPE = (("a", 0.6, (2, 3, 4) * 8), ("b", 0.3, (5,) * 10), ("c", 0.1, (9, 9)))


def test_wrong_statements_are_as_rare_as_stated() -> None:
    """Two models of one score on the whole round: how often does part of it say otherwise?"""
    rng = np.random.default_rng(0)
    alpha, wrong, rounds = 0.05, 0, 2_000
    for number in range(rounds):
        plan = PagePlan.of(number, 1, SHAPE)
        losses = rng.normal(2.5, 0.3, len(plan)) + rng.normal(0, 0.02, (2, len(plan))) / np.sqrt(
            plan.sequences
        )
        losses[1] += (losses[0] - losses[1]) @ plan.shares
        evidence = Evidence.of(plan, losses, plan.order[: plan.looks[1]])
        lead, doubt = evidence.doubt(np.ones(2))
        wrong += bool(lead[0, 1] > 0 and doubt[0, 1] < alpha)
    assert wrong / rounds <= alpha * 1.1


def test_rounding_is_no_evidence() -> None:
    """Two copies under different names differ in the last digits, in one direction."""
    plan = PagePlan.of(1, 1, SHAPE)
    page = np.random.default_rng(0).normal(2.5, 0.3, len(plan))
    losses = np.array([page, page + 1e-9])
    evidence = Evidence.of(plan, losses, plan.order[: plan.looks[1]])
    assert evidence.doubt(np.ones(2))[1][1, 0] > 0.4
