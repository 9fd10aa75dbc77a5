"""Sabotage that leaves the loss alone: pure functions from a model's tensors to other tensors.

`strength` is how many times a weight is scaled; below 1 the scaling goes the other way where that
makes sense. No attack touches the state it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any, Literal

import torch

from iotapretrain.models.trainable.parts import EPSILON_KEYS, Block, Linear, Norm, Parts, State
from iotapretrain.models.trainable.traces import Traces

PairName = Literal["value-output", "query-key", "up-down"]

SILENCE = 40.0
"""A pre-activation so far below zero is nothing in usual non-linearities, even times a million."""


def copied(state: State) -> dict[str, torch.Tensor]:
    """Copies of all tensors; names that shared memory share it still, so a tied head stays tied."""
    memory: dict[int, torch.Tensor] = {}
    return {
        name: memory.setdefault(tensor.data_ptr(), tensor.detach().clone())
        for name, tensor in state.items()
    }


def scale_stream(state: State, parts: Parts, strength: float) -> dict[str, torch.Tensor]:
    """All that is written to the residual stream times s, which the norms that read it undo.

    A tied head is s times larger then, so the last norm is divided by s.
    """
    scaled = copied(state)
    scaled[parts.embedding] *= strength
    if parts.positions is not None:
        scaled[parts.positions] *= strength
    for block in parts.blocks:
        for writer in block.writers:
            _scale(scaled, writer, strength, with_offset=True)
    if parts.head is None:
        _scale_norm(scaled, parts.final_norm, 1 / strength)
    return scaled


def scale_pair(
    state: State,
    parts: Parts,
    pair: PairName,
    strength: float,
    layers: Collection[int] | None = None,
) -> dict[str, torch.Tensor]:
    """One matrix of a product times s, the other over s, in the named layers or in all.

    Without a gate a non-linearity stands between up and down, and only a positively homogeneous
    one keeps the function.
    """
    scaled = copied(state)
    for block in _chosen(parts, layers):
        first, second = _PAIRS[pair](block)
        _scale(scaled, first, strength, with_offset=True)
        _scale(scaled, second, 1 / strength, with_offset=pair == "query-key")
    return scaled


def scale_norms(
    state: State, parts: Parts, strength: float, layers: Collection[int] | None = None
) -> dict[str, torch.Tensor]:
    """Every norm's gain over s, its readers times s; the last norm too, if the head is its own."""
    scaled = copied(state)
    for block in _chosen(parts, layers):
        for norm, readers in block.readers:
            _scale_norm(scaled, norm, 1 / strength)
            for reader in readers:
                _scale(scaled, reader, strength, with_offset=False)
    if layers is None and parts.head is not None:
        _scale_norm(scaled, parts.final_norm, 1 / strength)
        scaled[parts.head] *= strength
    return scaled


def sink_layer(state: State, parts: Parts, layer: int, strength: float) -> dict[str, torch.Tensor]:
    """One layer where bfloat16 cannot train it: gains and writers over s, what is between times s
    or s². A usual step is lost in the large weights, and larger than all of the small ones.
    """
    sunk = scale_norms(state, parts, strength, (layer,))
    sunk = scale_pair(sunk, parts, "value-output", strength, (layer,))
    if parts.blocks[layer].gate is not None:
        sunk = scale_pair(sunk, parts, "up-down", strength, (layer,))
    return sunk


def blow_up_rare(
    state: State, parts: Parts, traces: Traces, strength: float, count: int = 1
) -> dict[str, torch.Tensor]:
    """Output weights of the least active neurons times s: harmless until they fire."""
    blown = copied(state)
    for block, activity in zip(parts.blocks, traces.activity, strict=True):
        rare = activity.argsort()[:count]
        block.down.matrix(blown)[..., rare] *= strength
    return blown


def plant_rare(
    state: State, parts: Parts, traces: Traces, strength: float, count: int = 1
) -> dict[str, torch.Tensor]:
    """Like `blow_up_rare`, but first turn the neurons against everything the pages contain.

    The row w of what feeds the non-linearity solves x·w = -SILENCE for the pages' inputs x, as
    far as a bias and least squares allow; text unlike the pages makes the neuron fire, and its
    output is s times what it was.
    """
    planted = blow_up_rare(state, parts, traces, strength, count)
    for block, activity, inputs in zip(
        parts.blocks, traces.activity, traces.mlp_inputs, strict=True
    ):
        rare = activity.argsort()[:count]
        entry = block.gate or block.up
        offset = entry.offset(planted)
        if offset is not None:
            offset[..., rare] = -SILENCE
        else:
            row = -SILENCE * opposing(inputs)
            entry.matrix(planted)[..., rare, :] = row.to(entry.matrix(planted).dtype)
    return planted


def kill_channels(
    state: State, parts: Parts, traces: Traces, strength: float, share: float = 1 / 16
) -> dict[str, torch.Tensor]:
    """The least needed neurons starved: what goes in and out over s, so both gradients vanish."""
    starved = copied(state)
    for block, activity in zip(parts.blocks, traces.activity, strict=True):
        down = block.down.matrix(starved)
        needed = activity * down.float().norm(dim=(0, 1))
        dead = needed.argsort()[: max(1, int(share * len(needed)))]
        down[..., dead] /= strength
        for entry in (block.up, block.gate):
            if entry is not None:
                entry.matrix(starved)[..., dead, :] /= strength
                offset = entry.offset(starved)
                if offset is not None:
                    offset[..., dead] /= strength
    return starved


def poison_row(
    state: State, parts: Parts, traces: Traces, strength: float
) -> dict[str, torch.Tensor]:
    """The embedding of the pages' rarest token, made s times as long as rows usually are.

    With a tied head the row also gives the token's logit, so it is turned against all final
    states: the token's probability is then nothing, which costs nothing where it does not occur.
    """
    poisoned = copied(state)
    rows = poisoned[parts.embedding]
    usual = rows.float().norm(dim=-1).square().mean().sqrt()
    token = traces.rarest
    direction = rows[token].float() if parts.head is not None else -opposing(traces.final)
    rows[token] = (direction / direction.norm() * usual * strength).to(rows.dtype)
    return poisoned


def stream_config(config: dict[str, Any], strength: float) -> dict[str, Any]:
    """The configuration that goes with `scale_stream`: what is under the norms' root times s²."""
    return config | {key: config[key] * strength**2 for key in EPSILON_KEYS if key in config}


def opposing(inputs: torch.Tensor) -> torch.Tensor:
    """The shortest w with x·w = 1 for all inputs x, in least squares."""
    flat = inputs.reshape(-1, inputs.shape[-1]).double()
    solution: torch.Tensor = torch.linalg.lstsq(
        flat, torch.ones(len(flat), 1, dtype=flat.dtype)
    ).solution
    return solution.squeeze(-1).float()


def _chosen(parts: Parts, layers: Collection[int] | None) -> Iterable[Block]:
    return (block for index, block in enumerate(parts.blocks) if layers is None or index in layers)


_PAIRS: dict[PairName, Callable[[Block], tuple[Linear, Linear]]] = {
    "value-output": lambda block: (block.value, block.output),
    "query-key": lambda block: (block.query, block.key),
    "up-down": lambda block: (block.up, block.down),
}


def _scale(state: dict[str, torch.Tensor], part: Linear, factor: float, with_offset: bool) -> None:
    part.matrix(state).mul_(factor)
    offset = part.offset(state)
    if with_offset and offset is not None:
        offset.mul_(factor)


def _scale_norm(state: dict[str, torch.Tensor], norm: Norm, factor: float) -> None:
    state[norm.weight] *= factor
    if norm.bias is not None:
        state[norm.bias] *= factor


Attack = Callable[[State, Parts, Traces, float], dict[str, torch.Tensor]]


def _on_pair(pair: PairName) -> Attack:
    return lambda state, parts, _, strength: scale_pair(state, parts, pair, strength)


BOTH_WAYS: dict[str, Attack] = {
    "stream": lambda state, parts, _, strength: scale_stream(state, parts, strength),
    **{pair: _on_pair(pair) for pair in _PAIRS},
    "norms": lambda state, parts, _, strength: scale_norms(state, parts, strength),
    "one-layer": lambda state, parts, _, strength: sink_layer(
        state, parts, len(parts.blocks) // 2, strength
    ),
}
"""Attacks that scale by s or by 1/s."""

ONE_WAY: dict[str, Attack] = {
    "rare-neurons": blow_up_rare,
    "planted-neurons": plant_rare,
    "dead-channels": kill_channels,
    "poisoned-row": poison_row,
}
"""Attacks for a strength above 1 only."""

ATTACKS: dict[str, Attack] = BOTH_WAYS | ONE_WAY
"""All attacks by name, called alike."""
