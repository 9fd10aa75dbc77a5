"""A run with every number decided: what is written down, and what a resumed run obeys."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Literal

import msgspec

from iotapretrain.errors import ConfigError, InputError

CHECKPOINTS = "checkpoints"
"""The folder of a run's checkpoints, `step-N`."""

Precision = Literal["float32", "bfloat16"]
RateShape = Literal["cosine", "wsd"]
OptimiserName = Literal["adamw", "muon"]


class SourcePlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    dataset: str
    config: str | None
    weight: float
    page_rows: int
    held_out: int
    """Pages that training never sees."""


class DataPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is read. `lanes` streams run side by side, shared out over the ranks, so that the same
    batches are made however many ranks there are.
    """

    sources: tuple[SourcePlan, ...]
    tokenizer: str
    sequence_length: int
    lanes: int
    held_out_sequences: int


class OptimiserPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """AdamW for everything, or Muon for the matrices of the layers and AdamW for the rest."""

    learning_rate: float
    name: OptimiserName = "adamw"
    weight_decay: float = 0.1
    beta1: float = 0.9
    beta2: float = 0.95
    """Shorter than Adam's 0.999: batches are large, and a spike is forgotten in 20 steps."""
    clip: float = 1.0

    def __post_init__(self) -> None:
        _positive("optimiser", self, "learning_rate", "clip")
        _shares("optimiser", self, "beta1", "beta2")
        if self.name not in ("adamw", "muon"):
            raise ConfigError("optimiser", "name", repr(self.name), "adamw, muon")
        if not 0 <= self.weight_decay < math.inf:
            raise ConfigError("optimiser", "weight_decay", f"{self.weight_decay}", "0 or more")


class RateSchedule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The learning rate over a run, as shares of the highest one: warm-up, then a cosine, or a
    plateau and a decay (WSD). `warmup` and `decay` are shares of all steps.
    """

    shape: RateShape = "cosine"
    warmup: float = 0.02
    """Long enough for Adam's second moments to settle, which takes 1 / (1 - 0.95) = 20 steps."""
    decay: float = 0.2
    """The last part of a WSD run, from the plateau down to `floor` (Hu et al. 2024)."""
    floor: float = 0.05

    def __post_init__(self) -> None:
        if self.shape not in ("cosine", "wsd"):
            raise ConfigError("schedule", "shape", repr(self.shape), "cosine, wsd")
        _shares("schedule", self, "warmup", "decay", "floor")
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


class RunPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that the losses of a run depend on, and how it is run."""

    competition: str
    model: dict[str, Any]
    """`config.json`."""
    parameters: int
    dtype: str
    """What the competition loads models as, and so what is exported."""
    origin: str
    """`scratch`, a folder, or `hub:NAMESPACE/NAME@COMMIT`."""
    data: DataPlan
    optimiser: OptimiserPlan
    schedule: RateSchedule
    tokens: int
    batch: int
    """Sequences a step, over all ranks."""
    at_once: int
    """Sequences that go through the model together; a step adds up as many as it needs."""
    precision: Precision
    recompute: bool
    """Activations are computed again in the backward pass instead of being kept."""
    compile: bool
    seconds: float | None
    loss: float | None
    evaluate_steps: int
    report_steps: int
    checkpoint_seconds: float
    keep: int
    """Checkpoints that stay."""
    seed: int

    def __post_init__(self) -> None:
        _positive("run", self, "tokens", "batch", "at_once", "evaluate_steps", "report_steps")
        _positive("run", self, "keep")
        _positive("run", self.data, "lanes", "held_out_sequences")
        if self.precision not in ("float32", "bfloat16"):
            raise ConfigError("run", "precision", repr(self.precision), "float32, bfloat16")
        if self.batch % self.data.lanes:
            raise ConfigError(
                "run", "batch", f"{self.batch} sequences for {self.data.lanes} lanes", "a multiple"
            )
        if not 0 <= self.seed < 2**63:
            raise ConfigError("run", "seed", f"{self.seed}", "0 to 2^63 - 1")
        if not 0 <= self.checkpoint_seconds < math.inf:
            raise ConfigError("run", "checkpoint_seconds", f"{self.checkpoint_seconds}", "0 on")

    @property
    def step_tokens(self) -> int:
        return self.batch * self.data.sequence_length

    @property
    def steps(self) -> int:
        """Steps that the schedule is made for."""
        return max(1, round(self.tokens / self.step_tokens))

    def rate(self, step: int) -> float:
        return self.optimiser.learning_rate * self.schedule.share(step, self.steps)


def _positive(table: str, values: msgspec.Struct, *keys: str) -> None:
    for key in keys:
        if not 0 < getattr(values, key) < math.inf:
            raise ConfigError(table, key, f"{getattr(values, key)}", "a finite number above 0")


def _shares(table: str, values: msgspec.Struct, *keys: str) -> None:
    for key in keys:
        if not 0 <= getattr(values, key) < 1:
            raise ConfigError(table, key, f"{getattr(values, key)}", "a share from 0, below 1")


def has_begun(run: Path) -> bool:
    """Whether a checkpoint was ever finished there."""
    return any((run / CHECKPOINTS).glob("step-*"))


def check_unbegun(run: Path) -> None:
    """Refuse to begin where a run has begun."""
    if has_begun(run):
        raise InputError(
            f"{run}: holds a run already; --resume goes on with it, another --out begins a new one"
        )
