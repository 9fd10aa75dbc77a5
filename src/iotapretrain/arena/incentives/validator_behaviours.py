"""Behaviours of validators: what each makes of its own measurements before an epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from iotapretrain.rules.chain.fixed_point import nearest, normalise, real
from iotapretrain.rules.chain.hyperparameters import Hyperparameters
from iotapretrain.rules.chain.yuma import consensus
from iotapretrain.rules.competition.epsilon import FloatArray


@dataclass(frozen=True, slots=True)
class Posted:
    """The weights that validators set for one epoch, a line a validator, and their stakes."""

    weights: FloatArray
    stakes: FloatArray


class WeightBehaviour(Protocol):
    """Turns what a validator measured into what it says; both sum to 1 over the hotkeys, or to 0.

    `waits` tells the panel to ask it last, after `past[-1]` shows what others have just set.
    """

    @property
    def waits(self) -> bool: ...

    def weigh(self, own: FloatArray, past: Sequence[Posted]) -> FloatArray:
        """The weights to set; `own` are the standings by what this validator evaluated itself."""
        ...


class Honest:
    """Sets its own standings: says what it measured."""

    waits = False

    def weigh(self, own: FloatArray, past: Sequence[Posted]) -> FloatArray:
        return own


@dataclass(frozen=True)
class Cabal:
    """Gives `greed` of its weight to a hotkey of its own, whatever that has published, and leaves
    the rest as it measured it.
    """

    hotkey: int
    greed: float = 1.0

    waits = False

    def weigh(self, own: FloatArray, past: Sequence[Posted]) -> FloatArray:
        weights = (1 - self.greed) * own
        weights[self.hotkey] += self.greed
        return np.asarray(weights)


@dataclass(frozen=True)
class WeightCopier:
    """Evaluates nothing, and sets the consensus of the weights that it can read, `lag` rounds old.

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
