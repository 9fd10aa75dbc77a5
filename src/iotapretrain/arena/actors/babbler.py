"""The babbler: a model of the right shape that was never trained; it repeats itself."""

from __future__ import annotations

from pathlib import Path

from iotapretrain.arena.actors.weights import Weights
from iotapretrain.competition.training.network import fresh
from iotapretrain.competition.training.start import read_model


def babble(shape: Path, target: Path, seed: int) -> Path:
    """Fresh weights in the shape of another model."""
    given = Weights.read(shape)
    state = fresh(read_model(shape)[0], seed).state_dict()
    kept = {name: state[name].to(tensor.dtype) for name, tensor in given.tensors.items()}
    return Weights(given.config, kept).write(target)
