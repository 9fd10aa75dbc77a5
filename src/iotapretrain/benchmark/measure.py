"""What a task gives for a model: metrics with their standard errors, and what they rest on."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from iotapretrain.benchmark.subject import Opened

Progress = Callable[[int, int], None]
"""Called with what is done and what there is to do."""


class Metric(msgspec.Struct, frozen=True):
    """A number, and the standard error of it where one is known."""

    value: float
    stderr: float | None = None


class Measured(msgspec.Struct, frozen=True):
    """The metrics of one model on one task; `basis` says how many of what they rest on."""

    metrics: dict[str, Metric]
    basis: dict[str, int]


class Task(Protocol):
    """Something that a model can be measured by."""

    @property
    def name(self) -> str:
        """What tables call it."""
        ...

    def fingerprint(self) -> str:
        """All that its results depend on, but for the model."""
        ...

    def measure(self, opened: Opened, progress: Progress) -> Measured:
        """The model's metrics."""
        ...


def mean(values: Sequence[float]) -> Metric:
    """The mean and its standard error, s / √n."""
    count = len(values)
    average = math.fsum(values) / count
    if count == 1:
        return Metric(average)
    variance = math.fsum((value - average) ** 2 for value in values) / (count - 1)
    return Metric(average, math.sqrt(variance / count))
