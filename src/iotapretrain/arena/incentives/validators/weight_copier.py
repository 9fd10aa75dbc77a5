"""The lazy weight copier: evaluates nothing, and repeats the median of what others have set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from iotapretrain.arena.incentives.behaviour import Posted
from iotapretrain.rules.chain.fixed_point import nearest, normalise, real
from iotapretrain.rules.chain.hyperparameters import Hyperparameters
from iotapretrain.rules.chain.yuma import consensus
from iotapretrain.rules.competition.epsilon import FloatArray


@dataclass(frozen=True)
class WeightCopier:
    """Sets the consensus of the weights that it can read, `lag` rounds old.

    Where weights are set in the open it reads those of this very round, lag 0. Commit-reveal hides
    them for as many rounds as the reveal period has.
    """

    lag: int = 0

    waits = True

    def weigh(self, own: FloatArray, past: Sequence[Posted]) -> FloatArray:
        if len(past) <= self.lag:
            return np.zeros_like(own)
        seen = past[-1 - self.lag]
        stakes = normalise(nearest(seen.stakes / seen.stakes.sum()))
        return real(normalise(consensus(nearest(seen.weights), stakes, Hyperparameters().kappa)))
