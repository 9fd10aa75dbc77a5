"""The babbler: a model of the right shape that was never trained; it repeats itself."""

from __future__ import annotations

from pathlib import Path

import torch

from iotapretrain.arena.actors.weights import Weights


def babble(shape: Path, target: Path, seed: int) -> Path:
    """Fresh weights in the shape of another model."""
    given = Weights.read(shape)
    torch.manual_seed(seed)
    fresh = given.of(given.network())
    dtypes = {name: tensor.dtype for name, tensor in given.tensors.items()}
    kept = {name: tensor.to(dtypes[name]) for name, tensor in fresh.tensors.items()}
    return Weights(given.config, kept).write(target)
