"""The saboteur: a good model, changed so that it scores the same and nobody can train on from it.

The whitepaper names two kinds (3.4.3): gradients that vanish, and gradients that explode.
"""

from __future__ import annotations

from pathlib import Path

import torch

from iotapretrain.arena.actors.attacks import ATTACKS
from iotapretrain.arena.actors.opened_model import Weights
from iotapretrain.errors import InputError
from iotapretrain.models.trainable.parts import parts_of
from iotapretrain.models.trainable.traces import trace
from iotapretrain.training.start import read_model

VANISHING = ("stream", 1e4)
"""Everything written to the residual stream is so large that no step changes it any more."""
EXPLODING = ("norms", 1e-4)
"""Gains so large, and matrices behind them so small, that a usual step is many times their size."""


def sabotage(source: Path, target: Path, kind: tuple[str, float], pages: torch.Tensor) -> Path:
    """The attacked model; `pages` are ordinary text, as token ids of shape (rows, length)."""
    given = Weights.read(source)
    network = read_model(source)[1].float()
    state = network.state_dict()
    parts = parts_of(network.config, state)
    if parts is None:
        raise InputError(f"{source}: no attack is known for {type(network).__name__}")
    attack, strength = kind
    changed = ATTACKS[attack](state, parts, trace(network, parts, pages), strength)
    kept = {name: changed[name].to(tensor.dtype) for name, tensor in given.tensors.items()}
    return Weights(given.config, kept).write(target)
