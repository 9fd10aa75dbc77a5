"""The cabal: validators who pay a hotkey of their own, whatever it has published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from iotapretrain.arena.incentives.behaviour import Posted
from iotapretrain.rules.competition.epsilon import FloatArray


@dataclass(frozen=True)
class Cabal:
    """Gives `greed` of its weight to one hotkey, and leaves the rest as it measured it."""

    hotkey: int
    greed: float = 1.0

    waits = False

    def weigh(self, own: FloatArray, past: Sequence[Posted]) -> FloatArray:
        weights = (1 - self.greed) * own
        weights[self.hotkey] += self.greed
        return np.asarray(weights)
