"""What the probe's checks give: one number each, measured against how far honest models go."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ProbeCheck(StrEnum):
    """The checks, by the name that records use."""

    NOT_FINITE = "not-finite"
    EPSILON = "epsilon"
    STREAM = "stream"
    PAIR = "pair"
    NORM = "norm"
    MATRIX = "matrix"
    ROW = "row"
    RARE_NEURON = "rare-neuron"
    DEAD_CHANNELS = "dead-channels"
    CONSTANT = "constant"
    GRADIENT = "gradient"
    TRAINING = "training"


@dataclass(frozen=True)
class Sign:
    """One relation in a model; `excess` is in decades beyond its limit, above 0 is sabotage."""

    check: ProbeCheck
    item: str
    excess: float
    sentence: str

    @property
    def suspicious(self) -> bool:
        return self.excess > 0
