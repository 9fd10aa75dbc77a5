"""What a miner's strategy may know and do: see what is public, and commit models.

A strategy can publish the model that it has trained so far, or a copy of a public one, and it can
damage what it publishes; it cannot invent a better model than it has.
"""

from __future__ import annotations

import math
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from iotapretrain.errors import InputError


@dataclass(frozen=True, slots=True)
class Commit:
    """Publish on a hotkey the own trained model, or (`of`) a copy of what another hotkey has.

    `damage` is the share by which the published model is worse. A copy without damage is the same
    content, byte for byte.
    """

    hotkey: int
    of: int | None = None
    damage: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.damage < math.inf:
            raise InputError(f"commit: the damage is {self.damage}; give a number of 0 or more")


@dataclass(frozen=True, slots=True)
class Hand:
    """What one miner alone knows: its hotkeys, and the loss of the model that it has trained."""

    hotkeys: tuple[int, ...]
    trained: float


@dataclass(frozen=True, slots=True)
class View:
    """What everybody knows between two rounds, by hotkey; models are public, so losses are too.

    `bars` holds what a new model's loss must be below to beat each model in the next round, and
    `ranking` the hotkeys from the lowest bar on. A hotkey without a model has an infinite loss, an
    infinite bar and the content -1. `champion` won the last round.
    """

    losses: Sequence[float]
    bars: Sequence[float]
    ranking: Sequence[int]
    contents: Sequence[int]
    origins: Sequence[int]
    champion: int | None

    def bar(self, but: Container[int] = ()) -> float:
        """What a new model's loss must be below to beat every model but those of some hotkeys."""
        for key in self.ranking:
            if key not in but:
                return self.bars[key]
        return math.inf


class Strategy(Protocol):
    """Decides after every round; the order of its commits is their order on chain."""

    def commits(self, view: View, hand: Hand, rng: np.random.Generator) -> Sequence[Commit]:
        """What to publish before the next round."""
        ...
