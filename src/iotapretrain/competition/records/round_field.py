"""A round's record as numbers: its losses by page, the field that met, and how far two are apart.

Whoever decides a round, or repeats how it was decided, takes the field from here: what validators
play with and what auditors find are the same by construction.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from iotapretrain.competition.records.round_record import ModelRecord, RoundRecord, TaskRecord
from iotapretrain.rules.competition.attempts import Outcome
from iotapretrain.rules.competition.epsilon import FloatArray
from iotapretrain.rules.competition.field import Field
from iotapretrain.rules.competition.race import PagePlan
from iotapretrain.rules.competition.task_score import ModelScore, Task, aggregate, task_mean
from iotapretrain.rules.competition.wins import Margin, margins

REFUSED = (Outcome.BAD_HASH, Outcome.INADMISSIBLE)
OURS = (Outcome.EVALUATED, Outcome.INFRASTRUCTURE)
"""Without a score of such an outcome no model is to blame."""


def field_of(tasks: Sequence[TaskRecord], models: Sequence[ModelRecord]) -> Field:
    """What the tournament of a round decides on; no part of the decision is read.

    A model that failed by its own fault has an infinite score; one that left the race, or that the
    validator could not score, has none. Losses are there for modes that compare page by page.
    """
    plan = plan_of(tasks)
    return Field.of(
        [model.uid for model in models],
        [model.block for model in models],
        scores=[_played(model) for model in models],
        losses=None if plan is None else loss_matrix(tasks, models) * (plan.shares * len(plan)),
        digests=[model.digest for model in models],
    )


def entrants(record: RoundRecord) -> list[ModelRecord]:
    """The models of a decided round's field: not those that were refused before it, which have no
    epsilon.
    """
    return [
        model
        for model in record.models
        if model.outcome not in REFUSED or model.epsilon is not None
    ]


def plan_of(tasks: Sequence[TaskRecord], seed: int = 0, competition: int = 0) -> PagePlan | None:
    """The pages that hold sequences, task after task; None without text. Seed and competition draw
    the order of a race, and nothing else.
    """
    told = [
        (task.name, task.weight, [page.sequences for page in task.pages if page.sequences])
        for task in _with_text(tasks)
    ]
    return PagePlan.of(seed, competition, told) if told else None


def loss_matrix(tasks: Sequence[TaskRecord], models: Sequence[ModelRecord]) -> FloatArray:
    """A row a model: its loss on each page of the plan, NaN where it was not scored."""
    pages = [
        (task, place)
        for task in _with_text(tasks)
        for place, page in enumerate(task.pages)
        if page.sequences
    ]
    rows = [[_loss(model, *page) for page in pages] for model in models]
    return np.array(rows, dtype=np.float64).reshape(len(models), len(pages))


def score_of(
    tasks: Sequence[TaskRecord],
    losses: Mapping[str, Sequence[float | None]],
    weighed: Sequence[Task],
    without: Collection[str],
) -> ModelScore | None:
    """What a model's losses add up to; the tasks `without` text do not count."""
    raw = {
        task.name: task_mean(losses[task.name], [page.sequences for page in task.pages])
        for task in tasks
        if task.name not in without and len(losses.get(task.name, ())) == len(task.pages) > 0
    }
    return aggregate(weighed, raw, without)


def apart(record: RoundRecord, model: ModelRecord, other: ModelRecord) -> Margin | None:
    """By how much a model's loss is below the other's, and the error of that; no epsilon is in it.

    None where not both were scored on every page.
    """
    if model.uid == other.uid or plan_of(record.tasks) is None:
        return None
    field = field_of(record.tasks, (model, other))
    return next(iter(margins(field, np.zeros(2), 0, [1])), None)


def _played(model: ModelRecord) -> float:
    """Only a score that follows from losses on every page counts, whatever else a record says."""
    if model.outcome not in OURS:
        return math.inf
    scored = model.outcome == Outcome.EVALUATED and not model.raced_out
    return model.score if scored and model.score is not None else math.nan


def _with_text(tasks: Sequence[TaskRecord]) -> list[TaskRecord]:
    return [
        task
        for task in tasks
        if task.missing is None and any(page.sequences for page in task.pages)
    ]


def _loss(model: ModelRecord, task: TaskRecord, place: int) -> float:
    """A list of another length than that of the pages says nothing."""
    losses = model.losses.get(task.name, ())
    loss = losses[place] if len(losses) == len(task.pages) else None
    return math.nan if loss is None else loss
