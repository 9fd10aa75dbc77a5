"""Rows, columns and neurons that stand out: poisoned tokens, neurons in wait, dead channels."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch

from iotapretrain.models.trainable.parts import Block, Parts, State
from iotapretrain.models.verdict import ProbeCheck, Sign

ROW_LIMIT = 8.0
"""The longest row over the root mean square of all others; 6.3 in the most uneven honest table,
after plain gradient descent.
"""
RARE_LIMIT, BUSY = 25.0, 0.5
"""The longest column of a down-projection over the neuron's activity, where that is at least BUSY,
both over their medians; honest ones went up to 12.8 (plain gradient descent at rate 0.3, from
writers of zero), 2 to 4 otherwise.
"""
DEAD_LIMIT = 1 / 4
"""A neuron is dead when all its rows and its column are this much shorter than the median; honest
ones stay over 0.4.
"""
DEAD_SHARE = 1 / 64
"""More dead neurons than this in a layer are sabotage."""


def row_signs(parts: Parts, state: State) -> Iterator[Sign]:
    """The longest row of the embedding, and of the head where it is a tensor of its own."""
    for name in (parts.embedding, parts.head):
        if name is not None:
            yield _longest_row(name, state[name])


def _longest_row(name: str, table: torch.Tensor) -> Sign:
    lengths = _lengths(table, dim=-1)
    longest = int(lengths.argmax())
    others = (
        ((lengths.square().sum() - lengths[longest].square()) / max(1, len(lengths) - 1))
        .clamp(min=0)
        .sqrt()
    )
    over = _ratio(lengths[longest], others)
    sentence = f"row {longest} of {name} is {over:.3g} x as long as its rows usually are"
    return Sign(ProbeCheck.ROW, f"{name}[{longest}]", math.log10(over / ROW_LIMIT), sentence)


def neuron_signs(parts: Parts, state: State, activity: Sequence[torch.Tensor]) -> Iterator[Sign]:
    """For every layer: the quiet neuron with the longest column, and the neurons that are dead."""
    for block, active in zip(parts.blocks, activity, strict=True):
        columns = _lengths(block.down.matrix(state), dim=(0, 1))
        if columns.median() > 0:
            yield _rare(block.down.weight, columns, active)
            yield _dead(block, columns, state)


def _rare(name: str, columns: torch.Tensor, activity: torch.Tensor) -> Sign:
    """A column may be long where its neuron is busy, so its length is divided by the activity."""
    busy = (activity.double() / activity.double().median().clamp(min=1e-30)).clamp(min=BUSY)
    over = columns / columns.median() / busy.to(columns.device)
    neuron = int(over.argmax())
    sentence = (
        f"column {neuron} of {name} is {columns[neuron] / columns.median():.3g} x as long as its "
        f"columns usually are, and its neuron fires {busy[neuron]:.2g} x as much (or less)"
    )
    excess = math.log10(max(over[neuron].item(), 1e-30) / RARE_LIMIT)
    return Sign(ProbeCheck.RARE_NEURON, f"{name}[:, {neuron}]", excess, sentence)


def _dead(block: Block, columns: torch.Tensor, state: State) -> Sign:
    longest = columns / columns.median()
    for entry in (block.up, block.gate):
        if entry is not None:
            rows = _lengths(entry.matrix(state), dim=-1).flatten()
            longest = torch.maximum(longest, rows / rows.median().clamp(min=1e-30))
    share = (longest < DEAD_LIMIT).double().mean().item()
    allowed = max(1, int(DEAD_SHARE * len(longest)))
    weakest = longest.sort().values[min(allowed, len(longest) - 1)].item()
    sentence = (
        f"{share:.1%} of the neurons of {block.up.weight} and {block.down.weight} are dead: "
        f"all their weights under {DEAD_LIMIT:g} of what is usual"
    )
    excess = math.log10(DEAD_LIMIT / max(weakest, 1e-30))
    return Sign(ProbeCheck.DEAD_CHANNELS, block.up.weight, excess, sentence)


def constant_signs(state: State) -> Iterator[Sign]:
    """Matrices of one number other than zero: their units can never become different."""
    for name, tensor in state.items():
        if tensor.ndim < 2 or tensor.numel() < 2:
            continue
        least, most = tensor.aminmax()
        if bool(least == most) and bool(most != 0):
            yield Sign(ProbeCheck.CONSTANT, name, math.inf, f"all elements of {name} are the same")


def _lengths(tensor: torch.Tensor, dim: int | tuple[int, ...]) -> torch.Tensor:
    lengths: torch.Tensor = torch.linalg.vector_norm(tensor, dim=dim, dtype=torch.float64)
    return lengths


def _ratio(above: torch.Tensor, below: torch.Tensor) -> float:
    if below == 0:
        return 1.0 if above == 0 else math.inf
    return (above / below).item()
