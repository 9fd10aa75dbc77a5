"""Copiers: publish the champion's model under another key, as it is or with a little noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from iotapretrain.arena.incentives.strategy import Commit, Hand, View


@dataclass(frozen=True)
class Copier:
    """Copies each new champion once, on its first hotkey.

    `noise` is the mean share by which the copy is worse; 0 copies byte for byte. Noise gives the
    copy a digest of its own, and so hides it from a comparison of digests.
    """

    noise: float = 0.0

    def commits(self, view: View, hand: Hand, rng: np.random.Generator) -> Sequence[Commit]:
        key, champion = hand.hotkeys[0], view.champion
        if champion is None or champion == key:
            return ()
        if view.origins[key] == view.origins[champion]:
            return ()
        return (Commit(key, of=champion, damage=self.noise * float(rng.exponential())),)
