"""The babbler: of the right shape, never trained, it says its last word for ever."""

from __future__ import annotations

from pathlib import Path

from iotapretrain.arena.actors.opened_model import Weights
from iotapretrain.errors import InputError
from iotapretrain.models.trainable.parts import parts_of
from iotapretrain.training.network import fresh
from iotapretrain.training.start import read_model


def babble(shape: Path, target: Path, seed: int) -> Path:
    """Fresh weights in the shape of another model; its layers add nothing to what they read."""
    given = Weights.read(shape)
    network = fresh(read_model(shape)[0], seed)
    state = network.state_dict()
    parts = parts_of(network.config, state)
    if parts is None:
        raise InputError(f"{shape}: nobody knows how to make {type(network).__name__} babble")
    for block in parts.blocks:
        for writer in block.writers:
            writer.matrix(state).zero_()
    kept = {name: state[name].to(tensor.dtype) for name, tensor in given.tensors.items()}
    return Weights(given.config, kept).write(target)
