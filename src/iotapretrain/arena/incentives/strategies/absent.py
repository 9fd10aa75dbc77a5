"""The absent miner: registered, and never publishes anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from iotapretrain.arena.incentives.strategy import Commit, Hand, View


@dataclass(frozen=True)
class Absent:
    """Whatever it is paid, it is not paid for a model."""

    def commits(self, view: View, hand: Hand, rng: np.random.Generator) -> Sequence[Commit]:
        return ()
