"""How far one model is ahead of another, and whether the pages can tell (competition, 15.7)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from iotapretrain.rules.epsilon import FloatArray
from iotapretrain.rules.field import Field


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
    return tuple(
        _margin(int(field.uids[other]), _leads(field, losses, epsilons, winner, other))
        for other in others
        if other != winner and np.isfinite(losses[other]).all()
    )


def _leads(
    field: Field, losses: FloatArray, epsilons: FloatArray, winner: int, other: int
) -> FloatArray:
    """Page by page, what the winner's loss is below the other's."""
    ours, theirs = losses[winner], losses[other]
    if field.blocks[winner] < field.blocks[other]:
        ours = (1 - epsilons[winner]) * ours
    elif field.blocks[other] < field.blocks[winner]:
        theirs = (1 - epsilons[other]) * theirs
    return np.asarray(theirs - ours)


def _margin(uid: int, leads: FloatArray) -> Margin:
    pages = len(leads)
    error = float(leads.std(ddof=1)) / math.sqrt(pages) if pages > 1 else None
    return Margin(uid, float(leads.mean()), error)
