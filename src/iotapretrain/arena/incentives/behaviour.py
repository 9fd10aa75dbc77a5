"""What a validator's behaviour may know and do: weigh the hotkeys of miners before an epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from iotapretrain.rules.competition.epsilon import FloatArray


@dataclass(frozen=True, slots=True)
class Posted:
    """The weights that validators set for one epoch, a line a validator, and their stakes."""

    weights: FloatArray
    stakes: FloatArray


class Behaviour(Protocol):
    """Turns what a validator measured into what it says; both sum to 1 over the hotkeys, or to 0.

    `waits` tells the panel to ask it last, after `past[-1]` shows what others have just set.
    """

    @property
    def waits(self) -> bool: ...

    def weigh(self, own: FloatArray, past: Sequence[Posted]) -> FloatArray:
        """The weights to set; `own` are the standings by what this validator evaluated itself."""
        ...
