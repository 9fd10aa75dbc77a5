"""The one who hopes that no comparison with NaN is ever true: a model with a hole in it."""

from __future__ import annotations

from pathlib import Path

import torch

from iotapretrain.arena.actors.opened_model import Weights


def punch_hole(source: Path, target: Path) -> Path:
    """The same model, with one weight that is no number."""
    given = Weights.read(source)
    name, tensor = next(iter(given.tensors.items()))
    holed = tensor.clone()
    holed.view(-1)[0] = torch.nan
    return Weights(given.config, given.tensors | {name: holed}).write(target)
