"""Losses of one model, page by page, and what they add up to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from iotapretrain.data.batches import PackedPage
from iotapretrain.models.claims import Limits
from iotapretrain.models.inspect import score
from iotapretrain.models.worker import Worker


def score_pages(
    folder: Path, limits: Limits, worker: Worker, pages: Sequence[PackedPage]
) -> list[float | None]:
    """The mean loss of each page's sequences; None of a page without any, or of a bad model."""
    rows = [row for page in pages for row in page.sequences.tolist()]
    scores = score(folder, limits, worker, rows, sane=False)
    if not scores.losses:
        return [None] * len(pages)
    sequences = iter(scores.losses)
    return [_mean([next(sequences) for _ in range(len(page.sequences))]) for page in pages]


def task_loss(losses: Sequence[float | None], sequences: Sequence[int]) -> float | None:
    """The mean over all sequences of a task; None where a page that has some was not scored."""
    counted = [(loss, count) for loss, count in zip(losses, sequences, strict=True) if count]
    if not counted or any(loss is None for loss, _ in counted):
        return None
    total = math.fsum(loss * count for loss, count in counted if loss is not None)
    return total / sum(count for _, count in counted)


def _mean(losses: Sequence[float]) -> float | None:
    return math.fsum(losses) / len(losses) if losses else None
