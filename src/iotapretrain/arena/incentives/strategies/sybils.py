"""Sybils: one steady improver behind several hotkeys, which help the first or replace it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from iotapretrain.arena.incentives.strategy import Commit, Hand, View


@dataclass(frozen=True)
class Spoilers:
    """With each model the other hotkeys publish worse versions of it, which exist only to lose.

    Every one of them is a win more for the first hotkey. `step` is how much worse each is than the
    one before; 0 publishes the very same content on every hotkey. Only the first `count` hotkeys
    are used.
    """

    count: int
    step: float = 0.001

    def commits(self, view: View, hand: Hand, rng: np.random.Generator) -> Sequence[Commit]:
        if not hand.trained < view.bar():
            return ()
        return tuple(
            Commit(key, damage=place * self.step)
            for place, key in enumerate(hand.hotkeys[: self.count])
        )


@dataclass(frozen=True)
class Ladder:
    """Publishes each new model on the hotkey whose model is worst, so that the older ones stay.

    They keep their dates, and take the places below the champion. Only the first `count` hotkeys
    are used.
    """

    count: int

    def commits(self, view: View, hand: Hand, rng: np.random.Generator) -> Sequence[Commit]:
        if not hand.trained < view.bar():
            return ()
        return (Commit(max(hand.hotkeys[: self.count], key=view.losses.__getitem__)),)
