"""What part of a round's pages says about the whole of it, when two models are compared.

Of a difference x with x_p on page p, the round's value is D = sum over tasks h of w_h times the
mean of x over the N_h sequences of the task. After M_h of them the estimate is D' = sum w_h r_h,
r_h being the means so far. If the x_p of one task scatter normally about that task's mean, a page
of n sequences with variance s^2 / n, then D' - D has variance s^2 sum w_h^2 (1 / M_h - 1 / N_h),
and over its estimate it follows Student's distribution with as many degrees of freedom as there are
pages beyond one a task. Nothing is unknown once all pages are seen: then D' = D.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from iotapretrain.rules.competition.epsilon import FloatArray
from iotapretrain.rules.competition.field import IntArray
from iotapretrain.rules.competition.page_plan import PagePlan

LEAST_SPREAD = 1e-6
"""Smaller differences between losses are those of arithmetic, and evidence of nothing."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """Estimated scores of all models after some pages, and how pages scatter together.

    `products` holds, weighted for the variance above, the sums of products of two models' residuals
    about their task means.
    """

    scores: FloatArray
    products: FloatArray
    variance: float
    freedom: int

    @classmethod
    def of(cls, plan: PagePlan, losses: FloatArray, seen: IntArray) -> Evidence:
        """From the losses [model, page], of which those on the pages `seen` are known."""
        tasks, counts = plan.tasks[seen], plan.sequences[seen]
        means = plan.task_means(losses, seen)
        residuals = (losses[:, seen] - means[:, tasks]) * np.sqrt(counts)
        pages = np.bincount(tasks, minlength=len(plan.weights))
        known = np.bincount(tasks, counts, len(plan.weights))
        parts = plan.weights**2 * (1 / known - 1 / plan.totals)
        freedom = int((pages - 1).sum())
        variance = float(parts.sum())
        shared = residuals @ residuals.T * (variance / freedom)
        each = np.where(pages > 1, parts / np.maximum(pages - 1, 1), 0.0)
        own = (residuals * each[tasks]) @ residuals.T
        return cls(means @ plan.weights, np.stack([shared, own]), variance, freedom)

    def doubt(self, factors: FloatArray) -> tuple[FloatArray, FloatArray]:
        """For x = loss of i - factors[j] * loss of j: D' of all pairs [i, j], and a bound on the
        probability that D has the other sign.

        The spread is pooled over the tasks, or told from each task alone where that is larger.
        """
        lead = self.scores[:, np.newaxis] - factors * self.scores
        own = np.diagonal(self.products, axis1=1, axis2=2)
        spread = own[:, :, np.newaxis] + own[:, np.newaxis] * factors**2
        spread = (spread - 2 * self.products * factors).max(axis=0)
        error = np.sqrt(np.maximum(spread, LEAST_SPREAD**2 * self.variance))
        return lead, tail(np.abs(lead) / error, self.freedom)


def tail(quantile: FloatArray, freedom: int) -> FloatArray:
    """A bound on P(T > quantile) of Student's distribution, too large by freedom / (freedom - 1) at
    most in the far tail: the integral of u / quantile times the density.
    """
    norm = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)
    norm -= math.log(math.pi * freedom) / 2 + math.log((freedom - 1) / freedom)
    body = norm - (freedom - 1) / 2 * np.log1p(quantile**2 / freedom)
    with np.errstate(divide="ignore"):
        return np.minimum(np.exp(body) / quantile, 0.5)
