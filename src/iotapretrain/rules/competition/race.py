"""The race: models are scored page by page, and those that can no longer win are dropped.

Everything is decided anew from the losses alone whenever some have arrived, so that the outcome
depends neither on who computed them nor on when. docs/rules.md has the bound and the proof.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from iotapretrain.errors import InputError
from iotapretrain.rules.competition.eligibility import Filter
from iotapretrain.rules.competition.epsilon import Epsilon, FloatArray
from iotapretrain.rules.competition.field import Field, IntArray
from iotapretrain.rules.competition.page_plan import PagePlan
from iotapretrain.rules.competition.race_evidence import Evidence
from iotapretrain.rules.competition.task_score import Method, Task
from iotapretrain.rules.competition.tournament import BoolArray, Comparison, RoundRules

FINALISTS = 3
"""So many are scored on every page, the best so far, whatever the bound says: a model that is good
on most pages and hopeless on a few must not drive everybody out before those few come."""


@dataclass(frozen=True)
class Race:
    """`error_probability` bounds the share of rounds whose champion is not the exhaustive one."""

    error_probability: float = 0.001

    def __post_init__(self) -> None:
        if not 0 < self.error_probability < 1:
            raise InputError(
                f"race: error probability {self.error_probability}; give a number between 0 and 1"
            )


@dataclass(frozen=True, eq=False)
class Progress:
    """How far each model must be scored, in pages of the plan's order; `over` if all were."""

    wanted: IntArray
    over: bool


def raceable(rules: RoundRules, tasks: Sequence[Task]) -> bool:
    """Whether scores are sums over pages, and the best of them wins by pairs: the bound is for that
    alone.
    """
    mode = rules.mode
    pairs = mode.comparison is Comparison.SCORE_LEVEL and mode.filter is Filter.STRICT
    return pairs and all(task.method is Method.NONE for task in tasks)


def progress(race: Race, plan: PagePlan, field: Field, advantages: FloatArray) -> Progress:
    """What is wanted next, given the field's losses by page, NaN where there are none yet.

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
        if np.isnan(losses[np.ix_(active, seen if deciding else plan.order)]).any():
            return Progress(wanted, over=False)
        if look == len(plan) or not deciding:
            break
        rows = np.flatnonzero(active)
        evidence = Evidence.of(plan, losses[rows], seen)
        active[rows] = survivors(evidence, field.blocks[rows], advantages[rows], alpha)
    return Progress(wanted, over=True)


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
    return progress(race, plan, field, advantages).wanted


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
