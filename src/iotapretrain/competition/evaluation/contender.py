"""What goes into the evaluation of a round, and what comes out of it, model by model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from iotapretrain.models.verdict import Finding
from iotapretrain.rules.competition.attempts import Outcome
from iotapretrain.rules.competition.epsilon import FloatArray
from iotapretrain.rules.competition.field import Field
from iotapretrain.rules.competition.schedule import Competition


@dataclass(frozen=True)
class Contender:
    """An admitted model of the field: whose, from when, and where its bytes lie.

    `digest` is that of the bytes in `folder` (`OpenFolder.digest`): the caller has checked it.
    `order` is the place inside the commitment's block. `alone` is scored while no other model is.
    """

    uid: int
    hotkey: str
    block: int
    order: int
    digest: str
    folder: Path
    alone: bool = False


@dataclass(frozen=True)
class Terms:
    """What a round is scored under; `block` is the one at which the round was decided upon.

    `vocabulary` counts the ids of the competition's tokenizer, `end` is that of its end token.
    `behaviour` are rows of tokens on which models are told apart, if they are.
    """

    competition: Competition
    vocabulary: int
    seed: int
    block: int
    end: int | None = None
    behaviour: Sequence[Sequence[int]] | None = None


@dataclass(frozen=True)
class Judged:
    """What became of one contender.

    `losses` holds by task the mean loss of each page, in the order of the task's pages; None was
    not scored. `score` is known only where every page was; `estimate` is what the score would
    probably be of a model that left the race early: the best score plus the mean difference on the
    pages that both were scored on. `behaviour` is what it loses on each token of the rows of the
    terms, in float64.
    """

    contender: Contender
    outcome: Outcome
    findings: tuple[Finding, ...] = ()
    losses: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    task_scores: Mapping[str, float] = field(default_factory=dict)
    score: float | None = None
    estimate: float | None = None
    raced_out: bool = False
    pages_scored: int = 0
    seconds: float = 0.0
    behaviour: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class Evaluated:
    """A scored field, one entry a contender in the order in which they were given.

    `weighed` holds losses [contender, page], NaN where not scored, each page times its part of the
    round: a row's mean is the score. `error_probability` is that of the race; None where every
    model was scored on every page. A page counts once for all contenders of one digest.
    """

    models: tuple[Judged, ...]
    weighed: FloatArray
    error_probability: float | None
    pages_scored: int
    pages_of_full_round: int
    seconds: float

    def field(self) -> Field:
        """What `rules.tournament.play` decides on.

        A model that failed by its own fault has an infinite score; one that left the race, or that
        we could not score, has none.
        """
        contenders = [judged.contender for judged in self.models]
        return Field.of(
            [each.uid for each in contenders],
            [each.block for each in contenders],
            scores=[_played(judged) for judged in self.models],
            losses=self.weighed,
            orders=[each.order for each in contenders],
            digests=[each.digest for each in contenders],
        )


def _played(judged: Judged) -> float:
    if judged.score is not None:
        return judged.score
    blamed = judged.outcome not in (Outcome.EVALUATED, Outcome.INFRASTRUCTURE)
    return math.inf if blamed else math.nan
