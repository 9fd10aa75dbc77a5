"""The noisy copycat: every weight moved a little, so that the digest is another one."""

from __future__ import annotations

from pathlib import Path

import torch

from iotapretrain.arena.actors.opened_model import Weights

NOISE = 1e-4
"""Of a tensor's own size: far less than an optimiser step moves it."""


def copy_with_noise(source: Path, target: Path, seed: int) -> Path:
    """Every tensor plus noise."""
    given = Weights.read(source)
    generator = torch.Generator().manual_seed(seed)
    moved = {
        name: tensor + NOISE * tensor.std() * torch.randn(tensor.shape, generator=generator)
        for name, tensor in given.tensors.items()
        if tensor.numel() > 1
    }
    return Weights(given.config, given.tensors | moved).write(target)
