"""The losses of a record as numbers over its pages, and how far two of its models are apart."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from iotapretrain.competition.records.round_record import ModelRecord, RoundRecord
from iotapretrain.rules.competition.epsilon import FloatArray
from iotapretrain.rules.competition.field import Field
from iotapretrain.rules.competition.race import PagePlan
from iotapretrain.rules.competition.wins import Margin, margins


def plan_of(record: RoundRecord, seed: int = 0) -> PagePlan | None:
    """The pages that hold sequences, task after task; None of a round without text."""
    tasks = [
        (task.name, task.weight, [page.sequences for page in task.pages if page.sequences])
        for task in record.tasks
        if task.missing is None and any(page.sequences for page in task.pages)
    ]
    return PagePlan.of(seed, record.competition, tasks) if tasks else None


def losses_of(record: RoundRecord, model: ModelRecord) -> FloatArray:
    """A model's loss on each page of the plan; NaN where it was not scored."""
    found: list[float] = []
    for task in record.tasks:
        if task.missing is None and any(page.sequences for page in task.pages):
            losses = model.losses.get(task.name, ())
            known = losses if len(losses) == len(task.pages) else (None,) * len(task.pages)
            found += [
                math.nan if loss is None else loss
                for page, loss in zip(task.pages, known, strict=True)
                if page.sequences
            ]
    return np.array(found, dtype=np.float64)


def weighed_losses(
    record: RoundRecord, plan: PagePlan, models: Sequence[ModelRecord]
) -> FloatArray:
    """A row a model, each page times its part of the score: what rounds compare page by page."""
    return np.array([losses_of(record, each) for each in models]) * (plan.shares * len(plan))


def apart(record: RoundRecord, model: ModelRecord, other: ModelRecord) -> Margin | None:
    """By how much a model's loss is below the other's, and the error of that; no epsilon is in it.

    None where not both were scored on every page.
    """
    plan = plan_of(record)
    if plan is None or model.hotkey == other.hotkey:
        return None
    rows = weighed_losses(record, plan, (model, other))
    field = Field.of([0, 1], [0, 0], losses=rows)
    return next(iter(margins(field, np.zeros(2), 0, [1])), None)
