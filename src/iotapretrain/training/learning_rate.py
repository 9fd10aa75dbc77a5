"""The learning rate over a run: warm-up, then a cosine, or a plateau and a decay (WSD)."""

from __future__ import annotations

import math
from typing import Literal

import msgspec

from iotapretrain.errors import ConfigError

Shape = Literal["cosine", "wsd"]


class RateSchedule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Shares of the highest rate by step; `warmup` and `decay` are shares of all steps."""

    shape: Shape = "cosine"
    warmup: float = 0.02
    """Long enough for Adam's second moments to settle, which takes 1 / (1 - 0.95) = 20 steps."""
    decay: float = 0.2
    """The last part of a WSD run, from the plateau down to `floor` (Hu et al. 2024)."""
    floor: float = 0.05

    def __post_init__(self) -> None:
        if self.shape not in ("cosine", "wsd"):
            raise ConfigError("schedule", "shape", repr(self.shape), "cosine, wsd")
        for key in ("warmup", "decay", "floor"):
            if not 0 <= getattr(self, key) < 1:
                raise ConfigError(
                    "schedule", key, f"{getattr(self, key)}", "a share from 0 up to but not 1"
                )
        if self.warmup + self.decay > 1 and self.shape == "wsd":
            raise ConfigError(
                "schedule", "decay", f"{self.decay} beside warmup {self.warmup}", "at most 1 in all"
            )

    def share(self, step: int, steps: int) -> float:
        """What step `step` of 0 to `steps` - 1 takes of the highest rate; never 0."""
        warm = math.ceil(self.warmup * steps)
        if step < warm:
            return (step + 1) / (warm + 1)
        start = warm if self.shape == "cosine" else steps - math.ceil(self.decay * steps)
        if step < start:
            return 1.0
        done = (step - start + 1) / (max(steps, step + 1) - start + 1)
        left = (1 + math.cos(math.pi * done)) / 2 if self.shape == "cosine" else 1 - done
        return self.floor + (1 - self.floor) * left
