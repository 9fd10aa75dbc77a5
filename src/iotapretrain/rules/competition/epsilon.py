"""Epsilon: the share by which a later model must be better than an earlier one (competition, 8.1).

Every rule is a function of the model's age in blocks. Ages below zero count as zero, and an
infinite age gives `floor`, the advantage that never goes away.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from iotapretrain.errors import InputError

FloatArray = npt.NDArray[np.float64]
N = TypeVar("N", float, FloatArray)


class Epsilon(ABC):
    """A rule for the advantage, in [0, 1)."""

    @property
    def floor(self) -> float:
        """The fully decayed advantage: not always the rule's last number to the last bit."""
        return float(self.at(np.inf))

    @abstractmethod
    def at(self, ages: npt.ArrayLike) -> FloatArray:
        """The advantage at each age in blocks, in the shape of `ages`."""


@dataclass(frozen=True)
class Fixed(Epsilon):
    """The same advantage for ever."""

    epsilon: float

    def __post_init__(self) -> None:
        _check_fraction("epsilon", self.epsilon)

    def at(self, ages: npt.ArrayLike) -> FloatArray:
        return np.full(np.shape(ages), self.epsilon, dtype=np.float64)


@dataclass(frozen=True)
class LinearDecay(Epsilon):
    """start - min(max(age, 0) / decay_blocks, 1) * (start - end), rounded in just this order."""

    start: float
    end: float
    decay_blocks: int

    def __post_init__(self) -> None:
        _check_fraction("start", self.start)
        _check_fraction("end", self.end)
        if not (self.decay_blocks > 0 and np.isfinite(self.decay_blocks)):
            raise InputError(f"epsilon: decay_blocks is {self.decay_blocks}; give a number above 0")

    def at(self, ages: npt.ArrayLike) -> FloatArray:
        decayed = np.minimum(np.maximum(_floats(ages), 0.0) / self.decay_blocks, 1.0)
        return _floats(self.start - decayed * (self.start - self.end))


@dataclass(frozen=True)
class Table(Epsilon):
    """Steps: (age, epsilon) says what the advantage is from that age on. The first age is 0."""

    steps: tuple[tuple[int, float], ...]

    def __post_init__(self) -> None:
        ages = [age for age, _ in self.steps]
        if not ages or ages[0] != 0 or any(b <= a for a, b in pairwise(ages)):
            raise InputError(f"epsilon: table ages are {ages}; start at 0 and let each be larger")
        for age, epsilon in self.steps:
            _check_fraction(f"table epsilon at age {age}", epsilon)

    def at(self, ages: npt.ArrayLike) -> FloatArray:
        starts, epsilons = (
            np.array(column, dtype=np.float64) for column in zip(*self.steps, strict=True)
        )
        row = np.searchsorted(starts, np.maximum(_floats(ages), 0.0), side="right") - 1
        return _floats(epsilons[row])


_KINDS: Mapping[str, type[Fixed] | type[LinearDecay] | type[Table]] = {
    "fixed": Fixed,
    "linear": LinearDecay,
    "table": Table,
}


def parse(document: Mapping[str, Any]) -> Epsilon:
    """The rule that a configuration or vector file writes down: a `type`, then numbers by name."""
    values = dict(document)
    name = values.pop("type", None)
    if name not in _KINDS:
        raise InputError(f"epsilon: type is {name!r}; give one of {', '.join(_KINDS)}")
    try:
        if name == "table":
            values["steps"] = tuple((age, epsilon) for age, epsilon in values["steps"])
        return _KINDS[name](**values)
    except (KeyError, TypeError, ValueError):
        wanted = ", ".join(part.name for part in fields(_KINDS[name]))
        raise InputError(f"epsilon: {values} is no {name} rule; give {wanted}") from None


def to_beat(loss: N, epsilon: N | float) -> N:
    """(1 - epsilon) x loss: what a later model must be strictly below."""
    return (1 - epsilon) * loss


def _floats(values: npt.ArrayLike) -> FloatArray:
    return np.asarray(values, dtype=np.float64)


def _check_fraction(name: str, value: float) -> None:
    if not 0.0 <= value < 1.0:
        raise InputError(
            f"epsilon: {name} is {value}; give a number from 0 up to but not including 1"
        )
