"""Simulated fields: what the race costs, and whether it crowns whom the exhaustive round crowns.

A field has 30 models. Five are within a few tenths of a percent of the best, as those that a
validator keeps from round to round are; the others are new commitments, on average 5 % worse. Dates
have nothing to do with quality. A loss is the model's own level on the task, plus the page's
difficulty, plus noise of a page for this model alone. What trained models really scatter is
measured in `bench.round` beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from iotapretrain.rules.competition.epsilon import FloatArray, LinearDecay
from iotapretrain.rules.competition.field import Field
from iotapretrain.rules.competition.race import PagePlan, Race, progress
from iotapretrain.rules.competition.tournament import DecidedRound, RoundRules, play

MODELS, CLOSE = 30, 5
LEVEL = 2.5
NOW, OLDEST = 100_000, 100_000
RULES = RoundRules(LinearDecay(0.005, 0.0005, 50_400))

Shape = tuple[tuple[str, float, tuple[int, ...]], ...]
Noise = Callable[[np.random.Generator, tuple[int, int]], FloatArray]

TWO_TASKS: Shape = (("PROSE", 0.7, (4,) * 32), ("CODE", 0.3, (4,) * 32))
SIX_TASKS: Shape = tuple(
    (name, weight, tuple(50 // pages + (page < 50 % pages) for page in range(pages)))
    for name, weight, pages in (
        ("FINEWEB", 0.30, 15),
        ("FINEWEB_EDU2", 0.25, 15),
        ("STACKV2_DEDUP", 0.35, 30),
        ("PES2OX", 0.05, 2),
        ("FINEMATH_3P", 0.03, 6),
        ("INFIWEBMATH_3P", 0.02, 6),
    )
)
"""The last text competitions: at most 50 sequences a task."""


def normal(rng: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
    return rng.standard_normal(shape)


def heavy(rng: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
    """Student's distribution with 3 degrees of freedom, of variance 1."""
    return rng.standard_t(3, shape) / np.sqrt(3)


def skewed(rng: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
    """Few pages on which a model is much worse: exponential, of variance 1."""
    return rng.exponential(1, shape) - 1


@dataclass(frozen=True)
class World:
    """Where fields are drawn from. `spread` is the noise of a model on one sequence, `interest`
    how differently good models are at the tasks, `close` and `far` mean gaps as shares of the loss.
    """

    shape: Shape = TWO_TASKS
    noise: Noise = normal
    spread: float = 0.016
    interest: float = 0.01
    close: float = 0.003
    far: float = 0.05
    uneven: bool = False
    """Whether noise differs by task, from half to one and a half."""

    def drawn(self, rng: np.random.Generator, plan: PagePlan) -> tuple[FloatArray, FloatArray]:
        """Blocks, and losses of all models on all pages."""
        gaps = np.concatenate(
            [
                [0],
                rng.exponential(self.close, CLOSE - 1),
                self.close + rng.exponential(self.far, MODELS - CLOSE),
            ]
        )
        blocks = np.sort(NOW - rng.integers(0, OLDEST, MODELS)).astype(np.float64)
        tastes = rng.normal(0, self.interest, (MODELS, len(plan.weights)))
        tastes -= (tastes @ plan.weights)[:, np.newaxis]
        levels = LEVEL * (1 + rng.permutation(gaps))[:, np.newaxis] + tastes
        scales = self.spread / np.sqrt(plan.sequences)
        if self.uneven:
            scales = scales * rng.uniform(0.5, 1.5, len(plan.weights))[plan.tasks]
        noise = self.noise(rng, (MODELS, len(plan))) * scales
        return blocks, levels[:, plan.tasks] + rng.normal(0, 0.3, len(plan)) + noise


@dataclass(frozen=True)
class Races:
    """Of many rounds: how many crowned the exhaustive champion, and the share of pages scored."""

    rounds: int
    same: int
    scored: float

    @property
    def agreement(self) -> float:
        return self.same / self.rounds


def races(world: World, rounds: int, seed: int, race: Race) -> Races:
    """Rounds of fields drawn anew, each with an order of its own."""
    rng = np.random.default_rng(seed)
    same, scored = 0, 0.0
    for _ in range(rounds):
        plan = PagePlan.of(int(rng.integers(2**62)), 1, world.shape)
        blocks, losses = world.drawn(rng, plan)
        whole = scored_pages(race, plan, blocks, losses)
        scores = plan.task_means(losses, plan.order) @ plan.weights
        finished = np.where(whole == len(plan), scores, np.nan)
        same += champion(blocks, scores) == champion(blocks, finished)
        scored += float(whole.mean()) / len(plan)
    return Races(rounds, same, scored / rounds)


def scored_pages(
    race: Race, plan: PagePlan, blocks: FloatArray, losses: FloatArray
) -> npt.NDArray[np.int64]:
    """How many pages of each model the race asks for, being told the losses that it wants."""
    known, before = np.full_like(losses, np.nan), None
    while True:
        field = Field.of(range(len(blocks)), blocks, losses=known)
        advantages = np.maximum(RULES.epsilon.at(field.ages(NOW)), RULES.epsilon.floor)
        wanted = progress(race, plan, field, advantages)
        if before is not None and np.array_equal(wanted, before):
            return wanted
        for row, pages in enumerate(wanted):
            known[row, plan.order[:pages]] = losses[row, plan.order[:pages]]
        before = wanted


def champion(blocks: FloatArray, scores: FloatArray) -> int:
    outcome = play(Field.of(range(len(blocks)), blocks, scores=scores), RULES, NOW)
    assert isinstance(outcome, DecidedRound)
    return outcome.winner
