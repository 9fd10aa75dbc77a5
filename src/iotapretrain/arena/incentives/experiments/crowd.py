"""Crowds of miners that several experiments share."""

from __future__ import annotations

import numpy as np

from iotapretrain.arena.incentives.strategies.steady import Steady
from iotapretrain.arena.incentives.strategy import Strategy
from iotapretrain.arena.incentives.world import Miner


def improvers(count: int) -> tuple[Miner, ...]:
    """Steady improvers whose skills are spread evenly from a half to one and a half."""
    return tuple(Miner(Steady(), float(skill)) for skill in np.linspace(0.5, 1.5, count))


def alike(count: int, strategy: Strategy, skill: float = 1.0) -> tuple[Miner, ...]:
    """Miners who differ in nothing but their luck."""
    return (Miner(strategy, skill),) * count
