"""How models are scored here: on workers of this machine or of a cluster, raced or in full."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from iotapretrain.competition.evaluation.contender import Contender, Evaluated, Terms
from iotapretrain.competition.evaluation.evaluate import evaluate
from iotapretrain.competition.validator.score_field import Score
from iotapretrain.data.outcome import RoundText
from iotapretrain.models.worker import Budget
from iotapretrain.rules.competition.race import Race
from iotapretrain.scoring.jobs import Executor
from iotapretrain.scoring.local_pool import LocalPool
from iotapretrain.scoring.loss_cache import LossCache
from iotapretrain.scoring.ray_pool import RayPool

LOSSES = "losses.sqlite"


@dataclass(frozen=True)
class Scoring:
    """Where scoring runs, how wide, and within which limits for a model."""

    workers: int = 1
    race: bool = True
    ray: str | None = None
    budget: Budget = field(default_factory=Budget)


@contextmanager
def open_score(state: Path, scoring: Scoring) -> Iterator[Score]:
    """A way to score that lasts for many rounds; its workers end with the block."""
    with ExitStack() as opened:
        losses = opened.enter_context(LossCache(state / LOSSES))
        executor: Executor
        if scoring.ray is None:
            executor = opened.enter_context(LocalPool(scoring.workers, scoring.budget))
        else:
            executor = opened.enter_context(RayPool(scoring.ray, scoring.workers, scoring.budget))
        race = Race() if scoring.race else None

        def score(contenders: Sequence[Contender], text: RoundText, terms: Terms) -> Evaluated:
            probe = terms.competition.constraints.trainable
            return evaluate(contenders, text, terms, executor, losses, race, probe)

        yield score
