"""The squatter: publishes as soon as its last model is beaten, and then sits on its date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from iotapretrain.arena.incentives.strategy import Commit, Hand, View


@dataclass(frozen=True)
class Squatter:
    """Wants to be the earliest of those within epsilon of the best, not to be the best.

    It starts from the best public model, so that whatever little it adds keeps it in that company.
    """

    def commits(self, view: View, hand: Hand, rng: np.random.Generator) -> Sequence[Commit]:
        key = hand.hotkeys[0]
        return (Commit(key),) if min(view.losses) <= view.bars[key] else ()
