"""How far one model is ahead of another, and whether the pages can tell (competition, 15.7)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from iotapretrain.rules.competition.epsilon import FloatArray, adjusted
from iotapretrain.rules.competition.field import Field


@dataclass(frozen=True)
class Margin:
    """The lead of a round's winner over the model `uid`, over the same pages.

    `ahead` is the mean over pages of the other's loss minus the winner's, the earlier one's lowered
    by its epsilon. `standard_error` is that of this paired mean, every page counting alike; None
    where one page leaves it unknown.
    """

    uid: int
    ahead: float
    standard_error: float | None

    @property
    def decided(self) -> bool:
        """Whether the lead exceeds its error; if not, other pages might name another winner."""
        return self.standard_error is not None and self.ahead > self.standard_error


def margins(
    field: Field, epsilons: FloatArray, winner: int, others: Iterable[int]
) -> tuple[Margin, ...]:
    """The winner's margin over each other row; none where the losses by page are not known."""
    losses = field.losses
    if losses is None or field.pages == 0 or not np.isfinite(losses[winner]).all():
        return ()
    finite = np.asarray(np.isfinite(losses).all(axis=1))
    rows = [other for other in others if other != winner and finite[other]]
    leads = _leads(field, losses, epsilons, winner, rows)
    ahead = leads.mean(axis=1).tolist()
    errors: list[float | None] = [None] * len(rows)
    if field.pages > 1:
        errors = (leads.std(axis=1, ddof=1) / math.sqrt(field.pages)).tolist()
    uids = field.uids[rows].tolist()
    return tuple(map(Margin, uids, ahead, errors))


def _leads(
    field: Field, losses: FloatArray, epsilons: FloatArray, winner: int, rows: list[int]
) -> FloatArray:
    """Page by page, what the winner's loss is below each other's; a line a row."""
    earlier = field.blocks[winner] < field.blocks[rows]
    later = field.blocks[rows] < field.blocks[winner]
    ours = adjusted(losses[winner], np.where(earlier, epsilons[winner], 0.0)[:, np.newaxis])
    theirs = adjusted(losses[rows], np.where(later, epsilons[rows], 0.0)[:, np.newaxis])
    return np.asarray(theirs - ours)
