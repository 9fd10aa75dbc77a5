"""The experiments: a file each, with a claim, the worlds that test it, and a figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from iotapretrain.arena.incentives.experiment import Experiment
from iotapretrain.arena.incentives.experiments.average import AVERAGE
from iotapretrain.arena.incentives.experiments.cabal_share import CABAL
from iotapretrain.arena.incentives.experiments.comparison import COMPARISON
from iotapretrain.arena.incentives.experiments.copy_filters import COPIES
from iotapretrain.arena.incentives.experiments.epsilon_decay import EPSILON
from iotapretrain.arena.incentives.experiments.hoarding import HOARDING
from iotapretrain.arena.incentives.experiments.lazy_copier import WEIGHT_COPIER
from iotapretrain.arena.incentives.experiments.sybil_gain import SYBILS
from iotapretrain.arena.incentives.experiments.temperature import TEMPERATURE
from iotapretrain.errors import InputError

EXPERIMENTS: tuple[Experiment[Any], ...] = (
    TEMPERATURE,
    EPSILON,
    HOARDING,
    COMPARISON,
    COPIES,
    SYBILS,
    AVERAGE,
    CABAL,
    WEIGHT_COPIER,
)
"""In the order in which the page tells them."""


def chosen(names: Sequence[str]) -> list[Experiment[Any]]:
    """The experiments of these names, in their order; all of them for no name."""
    known = {each.name: each for each in EXPERIMENTS}
    for name in names:
        if name not in known:
            raise InputError(f"experiment: no {name!r}; there are {', '.join(known)}")
    return [known[name] for name in names or known]
