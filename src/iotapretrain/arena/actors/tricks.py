"""Tricks with somebody's published model: opened, changed, and written down again as one's own."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from iotapretrain.arena.actors.attacks import ATTACKS
from iotapretrain.errors import InputError
from iotapretrain.models.layout import Model
from iotapretrain.models.trainable.parts import Parts, State, parts_of
from iotapretrain.models.trainable.traces import trace
from iotapretrain.training.network import fresh
from iotapretrain.training.start import read_model

CONFIG, WEIGHTS = "config.json", "model.safetensors"
NOISE = 1e-4
"""Of a tensor's own size: far less than an optimiser step moves it."""

VANISHING = ("stream", 1e4)
"""Everything written to the residual stream is so large that no step changes it any more."""
EXPLODING = ("norms", 1e-4)
"""Gains so large, and matrices behind them so small, that a usual step is many times their size."""


@dataclass(frozen=True)
class Weights:
    """A model's configuration and its tensors by the names of its file."""

    config: dict[str, Any]
    tensors: dict[str, torch.Tensor]

    @classmethod
    def read(cls, folder: Path) -> Weights:
        """A model of one weights file."""
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        return cls(config, load_file(folder / WEIGHTS))

    def write(self, folder: Path) -> Path:
        """A folder that can be published."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / CONFIG).write_text(json.dumps(self.config, indent=2) + "\n", encoding="utf-8")
        contiguous = {name: tensor.contiguous() for name, tensor in self.tensors.items()}
        save_file(contiguous, folder / WEIGHTS, metadata={"format": "pt"})
        return folder

    def with_some(self, changed: dict[str, torch.Tensor]) -> Weights:
        """The same model with some tensors in the place of its own."""
        return Weights(self.config, self.tensors | changed)

    def with_all(self, state: State) -> Weights:
        """The same model with a network's tensors, in the precision of its own."""
        return self.with_some(
            {name: state[name].to(tensor.dtype) for name, tensor in self.tensors.items()}
        )


def known_parts(folder: Path, network: Model, state: State) -> Parts:
    """What a trick needs to know of a network, or that nobody knows it."""
    parts = parts_of(network.config, state)
    if parts is None:
        raise InputError(f"{folder}: no trick is known for {type(network).__name__}")
    return parts


def copy(source: Path, target: Path) -> Path:
    """The same model, byte for byte in everything that a score depends on."""
    target.mkdir(parents=True, exist_ok=True)
    for name in (CONFIG, WEIGHTS):
        shutil.copyfile(source / name, target / name)
    return target


def copy_with_noise(source: Path, target: Path, seed: int) -> Path:
    """Every weight moved a little, so that the digest is another one."""
    given = Weights.read(source)
    generator = torch.Generator().manual_seed(seed)
    moved = {
        name: tensor + NOISE * tensor.std() * torch.randn(tensor.shape, generator=generator)
        for name, tensor in given.tensors.items()
        if tensor.numel() > 1
    }
    return given.with_some(moved).write(target)


def punch_hole(source: Path, target: Path) -> Path:
    """One weight that is no number, in the hope that no comparison with it is ever true."""
    given = Weights.read(source)
    name, tensor = next(iter(given.tensors.items()))
    holed = tensor.clone()
    holed.view(-1)[0] = torch.nan
    return given.with_some({name: holed}).write(target)


def babble(shape: Path, target: Path, seed: int) -> Path:
    """Fresh weights in the shape of another model, which say their last word for ever: its layers
    add nothing to what they read.
    """
    network = fresh(read_model(shape)[0], seed)
    state = network.state_dict()
    for block in known_parts(shape, network, state).blocks:
        for writer in block.writers:
            writer.matrix(state).zero_()
    return Weights.read(shape).with_all(state).write(target)


def sabotage(source: Path, target: Path, kind: tuple[str, float], pages: torch.Tensor) -> Path:
    """A good model that scores the same, and that nobody can train on from.

    The whitepaper names two kinds (3.4.3): gradients that vanish, and gradients that explode.
    `pages` are ordinary text, as token ids of shape (rows, length).
    """
    network = read_model(source)[1].float()
    state = network.state_dict()
    parts = known_parts(source, network, state)
    attack, strength = kind
    changed = ATTACKS[attack](state, parts, trace(network, parts, pages), strength)
    return Weights.read(source).with_all(changed).write(target)
