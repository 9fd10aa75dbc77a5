"""Losses of one model, page by page, just as validators compute them; and what they add up to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from iotapretrain.data.batches import PackedPage
from iotapretrain.errors import WorkerError
from iotapretrain.models.header_checks import Limits
from iotapretrain.models.worker import Worker
from iotapretrain.rules.competition.attempts import Outcome
from iotapretrain.scoring.jobs import Failure, Job, perform


def score_pages(
    folder: Path, limits: Limits, worker: Worker, pages: Sequence[PackedPage]
) -> list[float | None]:
    """The loss of each page; None of one without sequences, and of a model that cannot be scored.

    What this machine is to blame for is an error: it says nothing about the model.
    """
    whole = [place for place, page in enumerate(pages) if len(page.sequences)]
    rows = [pages[place].sequences.tolist() for place in whole]
    masks = [pages[place].counted for place in whole]
    counted = [None if mask is None else mask.tolist() for mask in masks]
    result = perform(Job(0, folder, limits, rows, counted), worker).result
    losses: list[float | None] = [None] * len(pages)
    if isinstance(result, Failure):
        if result.outcome is Outcome.INFRASTRUCTURE:
            raise WorkerError(f"{folder}: not scored: {result.finding.sentence}; try again")
        return losses
    for place, loss in zip(whole, result.losses, strict=True):
        losses[place] = loss
    return losses


def task_loss(losses: Sequence[float | None], sequences: Sequence[int]) -> float | None:
    """The mean over all sequences of a task; None where a page that has some was not scored."""
    counted = [(loss, count) for loss, count in zip(losses, sequences, strict=True) if count]
    if not counted or any(loss is None for loss, _ in counted):
        return None
    total = math.fsum(loss * count for loss, count in counted if loss is not None)
    return total / sum(count for _, count in counted)
