"""All experiments, and those of given names."""

from __future__ import annotations

from collections.abc import Sequence

from iotapretrain.arena.incentives.experiment import Experiment
from iotapretrain.arena.incentives.experiments import (
    average,
    cabal_share,
    comparison,
    copy_filters,
    epsilon_decay,
    hoarding,
    lazy_copier,
    sybil_gain,
    temperature,
)
from iotapretrain.errors import InputError

EXPERIMENTS: tuple[Experiment, ...] = (
    temperature,
    epsilon_decay,
    hoarding,
    comparison,
    copy_filters,
    sybil_gain,
    average,
    cabal_share,
    lazy_copier,
)
"""In the order in which the page tells them."""


def chosen(names: Sequence[str]) -> list[Experiment]:
    """The experiments of these names, in their order; all of them for no name."""
    known = {each.NAME: each for each in EXPERIMENTS}
    for name in names:
        if name not in known:
            raise InputError(f"experiment: no {name!r}; there are {', '.join(known)}")
    return [known[name] for name in names or known]
