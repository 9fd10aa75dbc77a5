"""The race: models are scored page by page, and those that can no longer win are dropped.

Everything is decided anew from the losses alone whenever some have arrived, so that the outcome
depends neither on who computed them nor on when. docs/rules.md has the bound and the proof.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from iotapretrain.errors import InputError
from iotapretrain.rules.competition.eligibility import Filter
from iotapretrain.rules.competition.epsilon import Epsilon, FloatArray
from iotapretrain.rules.competition.field import Field, IntArray
from iotapretrain.rules.competition.task_score import Method, Task
from iotapretrain.rules.competition.tournament import BoolArray, Comparison, RoundRules
from iotapretrain.rules.sampling import Stream, shuffled

FIRST_SHARE = 1 / 8
"""No model is judged on less of the round."""
LEAST_FREE = 5
"""Nor on fewer pages beyond the first of every task: they tell how pages scatter."""
GROWTH = 1.3
"""Each look sees so many times the pages of the one before."""
LEAST_SPREAD = 1e-6
"""Smaller differences between losses are those of arithmetic, and evidence of nothing."""
FINALISTS = 3
"""So many are scored on every page, the best so far, whatever the bound says: a model that is good
on most pages and hopeless on a few must not drive everybody out before those few come."""


@dataclass(frozen=True, eq=False)
class PagePlan:
    """The pages of a round, task after task: each one's task and its number of sequences.

    A model's score is the mean over tasks, weighted by `weights`, of its mean over sequences.
    `order` lists the pages as they are scored.
    """

    tasks: IntArray
    sequences: FloatArray
    weights: FloatArray
    order: IntArray

    @classmethod
    def of(
        cls,
        seed: int,
        competition: int,
        tasks: Sequence[tuple[str, float, Sequence[int]]],
    ) -> PagePlan:
        """From each task's name, weight and sequences by page; pages must not be empty."""
        if not tasks or not all(pages and min(pages) > 0 for _, _, pages in tasks):
            raise InputError(
                "race: a task without pages, or a page without sequences; leave it out"
            )
        total = math.fsum(weight for _, weight, _ in tasks)
        places: list[tuple[float, int, int]] = []
        first = 0
        for number, (name, _, pages) in enumerate(tasks):
            drawn = shuffled(Stream.of(seed, "race", competition, name), len(pages))
            for place, page in enumerate(drawn.tolist()):
                due = (place + 0.5) / len(pages) if place else 0.0
                places.append((due, number, first + page))
            first += len(pages)
        return cls(
            np.repeat(np.arange(len(tasks)), [len(pages) for _, _, pages in tasks]),
            np.array([count for _, _, pages in tasks for count in pages], dtype=np.float64),
            np.array([weight / total for _, weight, _ in tasks]),
            np.array([page for _, _, page in sorted(places)], dtype=np.int64),
        )

    def __len__(self) -> int:
        return len(self.tasks)

    @cached_property
    def looks(self) -> tuple[int, ...]:
        """How many pages have been scored each time the race is looked at; the last is all."""
        due = max(FIRST_SHARE * len(self), len(self.weights) + LEAST_FREE)
        looks: list[int] = []
        while (look := math.ceil(due)) < len(self):
            looks.append(look)
            due *= GROWTH
        return (*looks, len(self))

    @cached_property
    def totals(self) -> FloatArray:
        return np.bincount(self.tasks, self.sequences, len(self.weights)).astype(np.float64)

    @cached_property
    def shares(self) -> FloatArray:
        """What each page's loss counts in the score; they sum to 1."""
        return np.asarray((self.weights / self.totals)[self.tasks] * self.sequences)

    def task_means(self, losses: FloatArray, seen: IntArray) -> FloatArray:
        """Each model's mean loss over the sequences of the pages `seen`, task by task."""
        counts = self.sequences[seen]
        of_task = self.tasks[seen] == np.arange(len(self.weights))[:, np.newaxis]
        shares = of_task * counts
        shares /= shares.sum(axis=1, keepdims=True)
        return np.asarray(losses[..., seen] @ shares.T)


@dataclass(frozen=True, eq=False)
class Evidence:
    """Estimated scores of all models after some pages, and how pages scatter together.

    docs/rules.md derives how an estimate's error is distributed. `products` holds, weighted for its
    variance, the sums of products of two models' residuals about their task means.
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


@dataclass(frozen=True)
class Race:
    """`error_probability` bounds the share of rounds whose champion is not the exhaustive one."""

    error_probability: float = 0.001

    def __post_init__(self) -> None:
        if not 0 < self.error_probability < 1:
            raise InputError(
                f"race: error probability {self.error_probability}; give a number between 0 and 1"
            )


def raceable(rules: RoundRules, tasks: Sequence[Task]) -> bool:
    """Whether scores are sums over pages, and the best of them wins by pairs: the bound is for that
    alone.
    """
    mode = rules.mode
    pairs = mode.comparison is Comparison.SCORE_LEVEL and mode.filter is Filter.STRICT
    return pairs and all(task.method is Method.NONE for task in tasks)


def progress(race: Race, plan: PagePlan, field: Field, advantages: FloatArray) -> IntArray:
    """How far each model must be scored, in pages of the plan's order, given the field's losses by
    page, NaN where there are none yet.

    `advantages` is the share of its score by which a later model must surely beat each one: its
    epsilon now or when fully decayed, whichever is larger. Models that failed are no part of it.
    """
    models, losses = len(field), field.losses
    if losses is None or field.pages != len(plan):
        raise InputError(f"race: losses of {field.pages} pages; the round has {len(plan)}")
    alpha = race.error_probability / max((models - 1) * (len(plan.looks) - 1), 1)
    wanted = np.zeros(models, dtype=np.int64)
    active = np.ones(models, dtype=np.bool_)
    for look in plan.looks:
        deciding = np.count_nonzero(active) > FINALISTS
        wanted[active] = look if deciding else len(plan)
        seen = plan.order[:look]
        unknown = np.isnan(losses[np.ix_(active, seen if deciding else plan.order)]).any()
        if unknown or look == len(plan) or not deciding:
            break
        rows = np.flatnonzero(active)
        evidence = Evidence.of(plan, losses[rows], seen)
        active[rows] = survivors(evidence, field.blocks[rows], advantages[rows], alpha)
    return wanted


def wanted_pages(
    race: Race,
    plan: PagePlan,
    losses: FloatArray,
    blocks: Sequence[int],
    epsilon: Epsilon,
    now: int,
) -> IntArray:
    """How many pages of the plan's order each model must be scored on in a round of block `now`."""
    field = Field.of(range(len(blocks)), blocks, losses=losses)
    advantages = np.maximum(epsilon.at(field.ages(now)), epsilon.floor)
    return progress(race, plan, field, advantages)


def survivors(
    evidence: Evidence, blocks: FloatArray, advantages: FloatArray, alpha: float
) -> BoolArray:
    """Which models may still win, or matter to who wins; each statement errs with `alpha` at most.

    Two things can be sure of a pair: that one is *dominated*, worse than one that is not younger;
    and that one is *overtaken* by a younger one that beats it whatever its age.
    """
    lead, doubt = evidence.doubt(np.ones(len(blocks)))
    not_older = blocks[:, np.newaxis] >= blocks
    dominated = (not_older & (lead > 0) & (doubt < alpha)).any(axis=1)
    lead, doubt = evidence.doubt(1 - advantages)
    younger = blocks[:, np.newaxis] > blocks
    overtakes = younger & (lead < 0) & (doubt < alpha)

    needed = _may_win(np.logical_not(dominated), not_older, overtakes)
    needed[np.argsort(evidence.scores, kind="stable")[:FINALISTS]] = True
    while True:  # who may bar or replace one that is needed is needed too
        matters = (not_older & ~overtakes)[needed].any(axis=0) & ~dominated & ~needed
        if not matters.any():
            return needed
        needed |= matters


def _may_win(open_: BoolArray, not_older: BoolArray, overtakes: BoolArray) -> BoolArray:
    """Who may be in the top cycle of those that pass the filter: the winner by pairs is in it.

    Whoever is in it beats everybody else, directly or through others. So a model that cannot reach
    one that surely passes, by wins that are still possible, is not in it.
    """
    rivals = not_older & open_ & ~np.eye(len(open_), dtype=np.bool_)
    surely_passes = open_ & ~(rivals & ~overtakes).any(axis=1)
    possible = ~overtakes.T & open_ & open_[:, np.newaxis]
    np.fill_diagonal(possible, True)
    reaches = possible
    for _ in range(max(len(open_) - 1, 1).bit_length()):
        reaches = reaches @ reaches
    return open_ & reaches[:, surely_passes].all(axis=1)


def estimates(plan: PagePlan, losses: FloatArray, scored: IntArray, best: int) -> FloatArray:
    """What every model's score would probably be: that of the best, fully scored one, plus the mean
    difference from it on the first pages of the order, as many as were scored of each model.
    """
    every = plan.task_means(losses[best], plan.order) @ plan.weights
    return np.array(
        [
            every
            + (plan.task_means(losses[[row, best]], plan.order[:pages]) @ plan.weights) @ [1, -1]
            for row, pages in enumerate(scored.tolist())
        ]
    )
