"""Who beats whom on how many pages, among the best of a round (competition, 8.2)."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from iotapretrain.competition.records.round_record import ModelRecord, RoundRecord

FIELD = 16
"""Models in the matrix: more cannot be read on a screen."""


class Duels(msgspec.Struct, frozen=True):
    """`shares[i][j]`: on which share of the pages that both were scored on model i beats j, its
    handicap or advantage counted; null where there is no such page."""

    hotkeys: tuple[str, ...] = ()
    uids: tuple[int, ...] = ()
    pages: int = 0
    shares: tuple[tuple[float | None, ...], ...] = ()


def duels_of(record: RoundRecord) -> Duels:
    """The best models of a round, by score, against each other."""
    best = sorted(
        (model for model in record.models if model.score is not None and model.losses),
        key=lambda model: (model.score, model.block),
    )[:FIELD]
    if not best:
        return Duels()
    losses = _matrix(record, best)
    adjusted = losses * (1 - np.array([[model.epsilon or 0.0] for model in best]))
    shares = tuple(
        tuple(_share(losses, adjusted, best, i, j) if i != j else None for j in range(len(best)))
        for i in range(len(best))
    )
    hotkeys, uids = zip(*((model.hotkey, model.uid) for model in best), strict=True)
    return Duels(hotkeys, uids, losses.shape[1], shares)


def _matrix(record: RoundRecord, models: list[ModelRecord]) -> NDArray[np.float64]:
    """Losses by model and page of all tasks; NaN where a page was not scored."""
    pages = {task.name: len(task.pages) for task in record.tasks}
    rows = [
        [
            np.nan if loss is None else loss
            for task, count in pages.items()
            for loss in (*model.losses.get(task, ()), *[None] * count)[:count]
        ]
        for model in models
    ]
    return np.array(rows, dtype=np.float64).reshape(len(models), -1)


def _share(
    losses: NDArray[np.float64],
    adjusted: NDArray[np.float64],
    models: list[ModelRecord],
    i: int,
    j: int,
) -> float | None:
    both = ~(np.isnan(losses[i]) | np.isnan(losses[j]))
    if not both.any():
        return None
    left = adjusted[i] if models[i].block < models[j].block else losses[i]
    right = adjusted[j] if models[j].block < models[i].block else losses[j]
    return float((left[both] < right[both]).mean())
