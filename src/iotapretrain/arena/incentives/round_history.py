"""What a simulation leaves: one line a round, and the questions that experiments ask of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from iotapretrain.rules.competition.epsilon import FloatArray
from iotapretrain.rules.competition.field import IntArray


@dataclass(frozen=True, eq=False)
class RoundHistory:
    """A column a quantity, with an entry a round. Losses are true ones; a hotkey of -1 is none.

    `pay` are the miners' shares by hotkey. `winner` is who the first validator saw win, and
    `deserving`, where there is a referee, who would have won without noise. `public` is the lowest
    loss of any public model and `trained` that of any model, published or not. `inside` counts the
    models inside the filter, and `share` is what the winner got of the round.
    """

    pay: FloatArray
    winner: IntArray
    deserving: IntArray
    winner_loss: FloatArray
    public: FloatArray
    trained: FloatArray
    inside: IntArray
    share: FloatArray
    dividends: FloatArray
    trusts: FloatArray

    @classmethod
    def of(cls, rounds: Sequence[Mapping[str, Any]]) -> RoundHistory:
        return cls(**{name: np.array([each[name] for each in rounds]) for name in rounds[0]})

    def __len__(self) -> int:
        return len(self.winner)

    def earned(self, hotkeys: Sequence[int]) -> float:
        """The share of all pay that went to these hotkeys together; 0 where nobody was paid."""
        total = float(self.pay.sum())
        return float(self.pay[:, list(hotkeys)].sum()) / total if total > 0 else 0.0

    def crowns_per_1000(self) -> float:
        """How often in 1,000 rounds the winner was another than in the round before."""
        return 1000 * int(np.count_nonzero(self.winner[1:] != self.winner[:-1])) / len(self)

    def winners_share(self) -> float:
        """What the winner got of a round, on average."""
        return float(np.mean(self.share))

    def trust(self, validators: slice | int = slice(None)) -> float:
        """How far consensus is with these validators, on average; with all of them."""
        return float(np.mean(self.trusts[:, validators]))

    def undeserved(self) -> float:
        """The share of rounds won by somebody who would not have won without noise."""
        return float(np.mean(self.winner != self.deserving))

    def improvement(self) -> float:
        """How much lower the winner's loss is in the last round than in the first, as a share."""
        return float(1 - self.winner_loss[-1] / self.winner_loss[0])

    def kept_back(self) -> float:
        """By which share the best unpublished model is better than the public ones, on average."""
        return float(np.mean(1 - self.trained / self.public))
