"""The hoarder: keeps better models back while it holds the crown (whitepaper, 3.4.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from iotapretrain.arena.incentives.strategy import Commit, Hand, View


@dataclass(frozen=True)
class Hoarder:
    """Publishes only when somebody else is champion and what it has trained would win."""

    def commits(self, view: View, hand: Hand, rng: np.random.Generator) -> Sequence[Commit]:
        if view.champion in hand.hotkeys or not hand.trained < view.bar(hand.hotkeys):
            return ()
        return (Commit(hand.hotkeys[0]),)
