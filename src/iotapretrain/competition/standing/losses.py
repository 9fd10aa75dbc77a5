"""Losses of one model, page by page, and what they add up to."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from iotapretrain.data.batches import Batch, PackedPage
from iotapretrain.models.claims import Limits
from iotapretrain.models.inspect import score
from iotapretrain.models.verdict import Verdict
from iotapretrain.models.worker import Worker

Losses = dict[str, tuple[float | None, ...]]
"""By task, in the order of its pages; None of a page without sequences."""


def score_pages(
    folder: Path, limits: Limits, worker: Worker, pages: Sequence[PackedPage], sane: bool = False
) -> tuple[Verdict, list[float | None]]:
    """The mean loss of each page's sequences; no losses where the output is refused."""
    rows = [row for page in pages for row in page.sequences.tolist()]
    scores = score(folder, limits, worker, rows, sane)
    if not scores.losses:
        return scores.verdict, []
    sequences = iter(scores.losses)
    return scores.verdict, [
        _mean([next(sequences) for _ in range(len(page.sequences))]) for page in pages
    ]


def score_batches(
    folder: Path, limits: Limits, worker: Worker, batches: Mapping[str, Batch]
) -> tuple[Verdict, Losses]:
    """All pages of all tasks, after a look at the output."""
    pages = [page for batch in batches.values() for page in batch.pages]
    verdict, means = score_pages(folder, limits, worker, pages, sane=True)
    found = iter(means)
    losses = {
        name: tuple(next(found) for _ in batch.pages) for name, batch in batches.items() if means
    }
    return verdict, losses


def task_loss(losses: Sequence[float | None], sequences: Sequence[int]) -> float | None:
    """The mean over all sequences of a task; None where a page that has some was not scored."""
    counted = [(loss, count) for loss, count in zip(losses, sequences, strict=True) if count]
    if not counted or any(loss is None for loss, _ in counted):
        return None
    total = math.fsum(loss * count for loss, count in counted if loss is not None)
    return total / sum(count for _, count in counted)


def _mean(losses: Sequence[float]) -> float | None:
    return math.fsum(losses) / len(losses) if losses else None
