"""Disguises: other tensors, other shapes, another digest, and the very same Llama-like model.

Each is a function of a published model; they can be put on one over the other. No training comes
into it, so whoever is paid for one is paid for somebody else's work.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace

import torch

from iotapretrain.arena.actors.attacks import copied, scale_norms, scale_pair, scale_stream
from iotapretrain.arena.actors.tricks import Weights
from iotapretrain.errors import InputError
from iotapretrain.models.trainable.parts import Block, Linear, Parts, parts_of

RESCALED = 1.7
"""No power of two: every value is rounded anew."""
IDLE = 16
"""Channels by which a residual stream is widened at least; a multiple of its heads."""
USUAL_EPSILON = 1e-6
"""Of a configuration that does not name it."""

Disguise = Callable[[Weights], Weights]


def disguise(source: Path, target: Path, *masks: Disguise) -> Path:
    """The model of a folder behind these masks, the first innermost."""
    given = Weights.read(source)
    for mask in masks:
        given = mask(given)
    return given.write(target)


def permute_neurons(given: Weights) -> Weights:
    """The neurons of every layer in another order."""
    changed, parts = _opened(given)
    for number, block in enumerate(parts.blocks):
        order = _order(given.config["intermediate_size"], number)
        for part in _inner(block):
            changed[part.weight] = changed[part.weight][order]
        changed[block.down.weight] = changed[block.down.weight][:, order]
    return Weights(given.config, changed)


def permute_heads(given: Weights) -> Weights:
    """The heads of every layer in another order; those that share keys and values stay together."""
    changed, parts = _opened(given)
    heads = given.config["num_attention_heads"]
    shared = given.config.get("num_key_value_heads") or heads
    for number, block in enumerate(parts.blocks):
        keys = _order(shared, number)
        queries = torch.arange(heads).view(shared, -1)[keys].flip(1).flatten()
        for part, order in ((block.query, queries), (block.key, keys), (block.value, keys)):
            by_head = changed[part.weight].unflatten(0, (len(order), -1))
            changed[part.weight] = by_head[order].flatten(0, 1)
        by_head = changed[block.output.weight].unflatten(1, (heads, -1))
        changed[block.output.weight] = by_head[:, queries].flatten(1)
    return Weights(given.config, changed)


def rescale(given: Weights) -> Weights:
    """Norms, keys, values and all that is written to the stream larger, what reads them smaller."""
    state, parts = _opened(given)
    state = scale_norms(state, parts, RESCALED)
    state = scale_pair(state, parts, "value-output", RESCALED)
    state = scale_pair(state, parts, "query-key", 1 / RESCALED)
    state = scale_pair(state, parts, "up-down", RESCALED)
    epsilon = given.config.get("rms_norm_eps", USUAL_EPSILON) * RESCALED**2
    return Weights(given.config | {"rms_norm_eps": epsilon}, scale_stream(state, parts, RESCALED))


def split_heads(given: Weights) -> Weights:
    """Two heads in the place of each, which give half of what it gave."""
    changed, parts = _opened(given)
    heads = given.config["num_attention_heads"]
    for block in parts.blocks:
        changed[block.query.weight] = _twice(changed[block.query.weight], 0, heads)
        changed[block.output.weight] = _twice(changed[block.output.weight], 1, heads) / 2
    sizes = {"num_attention_heads": 2 * heads, "head_dim": _head_width(given)}
    return Weights(given.config | sizes, changed)


def split_neurons(given: Weights) -> Weights:
    """Two neurons in the place of each, which give a third and two thirds of what it gave."""
    changed, parts = _opened(given)
    for block in parts.blocks:
        for part in _inner(block):
            changed[part.weight] = changed[part.weight].repeat(2, 1)
        down = changed[block.down.weight]
        changed[block.down.weight] = torch.cat([down / 3, down * 2 / 3], dim=1)
    doubled = 2 * given.config["intermediate_size"]
    return Weights(given.config | {"intermediate_size": doubled}, changed)


def widen(given: Weights) -> Weights:
    """A stream with idle channels, to which nobody writes; norms make up for their number."""
    changed, parts = _opened(given)
    narrow, heads = given.config["hidden_size"], given.config["num_attention_heads"]
    idle = heads * -(-IDLE // heads)
    share = narrow / (narrow + idle)
    for norm in parts.norms:
        lively = torch.ones(idle, dtype=changed[norm.weight].dtype)
        changed[norm.weight] = torch.cat([changed[norm.weight] * math.sqrt(share), lively])
    changed[parts.embedding] = _silent(changed[parts.embedding], 1, idle)
    for block in parts.blocks:
        for _, readers in block.readers:
            for part in readers:
                changed[part.weight] = _lively(changed[part.weight], idle)
        for part in block.writers:
            changed[part.weight] = _silent(changed[part.weight], 0, idle)
    if parts.head is not None:
        changed[parts.head] = _lively(changed[parts.head], idle)
    sizes = {
        "hidden_size": narrow + idle,
        "head_dim": _head_width(given),
        "rms_norm_eps": given.config.get("rms_norm_eps", USUAL_EPSILON) * share,
    }
    return Weights(given.config | sizes, changed)


def add_dead_layer(given: Weights) -> Weights:
    """A first layer that reads and thinks, and writes nothing."""
    changed, parts = _opened(given)
    first, layers = "model.layers.0.", len(parts.blocks)
    moved = {name: tensor for name, tensor in changed.items() if "layers." not in name}
    for name, tensor in changed.items():
        if "layers." in name:
            number = int(name.split(".")[2])
            moved[name.replace(f"layers.{number}.", f"layers.{number + 1}.", 1)] = tensor
        if name.startswith(first):
            moved[name] = tensor.flip(0)
    for part in parts.blocks[0].writers:
        moved[part.weight] = torch.zeros_like(moved[part.weight])
    return Weights(given.config | {"num_hidden_layers": layers + 1}, moved)


DISGUISES: Mapping[str, Disguise] = {
    "permuted neurons": permute_neurons,
    "permuted heads": permute_heads,
    "rescaled": rescale,
    "split heads": split_heads,
    "split neurons": split_neurons,
    "widened": widen,
    "a dead layer": add_dead_layer,
}


def _opened(given: Weights) -> tuple[dict[str, torch.Tensor], Parts]:
    parts = parts_of(SimpleNamespace(**given.config), given.tensors)
    if parts is None or parts.positions is not None:
        raise InputError(f"disguise: {given.config['model_type']} is not like Llama")
    if any(name.endswith(".bias") for name in given.tensors):
        raise InputError("disguise: the model has biases; no disguise is known for those")
    return copied(given.tensors), parts


def _inner(block: Block) -> tuple[Linear, ...]:
    """The matrices whose outputs are a layer's neurons."""
    return (block.up,) if block.gate is None else (block.up, block.gate)


def _head_width(given: Weights) -> int:
    known: int | None = given.config.get("head_dim")
    return known or given.config["hidden_size"] // given.config["num_attention_heads"]


def _order(count: int, seed: int) -> torch.Tensor:
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed))


def _twice(matrix: torch.Tensor, dim: int, heads: int) -> torch.Tensor:
    by_head: torch.Tensor = matrix.unflatten(dim, (heads, -1))
    return by_head.repeat_interleave(2, dim).flatten(dim, dim + 1)


def _silent(matrix: torch.Tensor, dim: int, idle: int) -> torch.Tensor:
    return torch.nn.functional.pad(matrix, (0, idle) if dim == 1 else (0, 0, 0, idle))


def _lively(matrix: torch.Tensor, idle: int) -> torch.Tensor:
    """What reads a channel that is always silent may be anything."""
    return torch.cat([matrix, matrix[:, :idle].flip(0)], dim=1)
