"""What a model does on pages: which neurons fire, and what its MLPs and its head read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from iotapretrain.models.trainable.parts import Parts


@dataclass(frozen=True)
class Traces:
    """What somebody sees who runs the model on pages; a tuple has one tensor a layer.

    `activity`: see below. `mlp_inputs`: the normalised streams that the MLPs read, (tokens,
    width). `final`: what the head reads, likewise. `rarest`: the token that the pages hold least.
    """

    activity: tuple[torch.Tensor, ...]
    mlp_inputs: tuple[torch.Tensor, ...]
    final: torch.Tensor
    rarest: int


@torch.no_grad()
def activity(model: torch.nn.Module, parts: Parts, pages: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Mean magnitude of what each column of every down-projection is multiplied by."""
    with ExitStack() as stack:
        seen = [
            stack.enter_context(_watched(model, block.down.weight, _mean)) for block in parts.blocks
        ]
        model(input_ids=pages, use_cache=False)
    return tuple(record[0] for record in seen)


@torch.no_grad()
def trace(model: torch.nn.Module, parts: Parts, pages: torch.Tensor) -> Traces:
    """Run the model on pages of shape (rows, length) and keep all that attacks are built from."""
    head = "lm_head.weight" if parts.head is None else parts.head
    entries = [(block.gate or block.up).weight for block in parts.blocks]
    with ExitStack() as stack:
        seen = [stack.enter_context(_watched(model, name, _all)) for name in (*entries, head)]
        active = activity(model, parts, pages)
    inputs = tuple(record[0] for record in seen)
    counts = torch.bincount(
        pages.flatten(), minlength=model.get_parameter(parts.embedding).shape[0]
    )
    return Traces(active, inputs[:-1], inputs[-1], int(counts.argmin()))


def _mean(given: torch.Tensor) -> torch.Tensor:
    return given.abs().float().flatten(0, -2).mean(dim=0)


def _all(given: torch.Tensor) -> torch.Tensor:
    return given.float().flatten(0, -2)


@contextmanager
def _watched(
    model: torch.nn.Module, weight: str, keep: Callable[[torch.Tensor], torch.Tensor]
) -> Iterator[list[torch.Tensor]]:
    """A list of all that the module with this weight is given, as far as `keep` keeps it."""
    seen: list[torch.Tensor] = []

    def hook(_: Any, given: tuple[torch.Tensor, ...]) -> None:
        seen.append(keep(given[0].detach()))

    handle = model.get_submodule(weight.removesuffix(".weight")).register_forward_pre_hook(hook)
    try:
        yield seen
    finally:
        handle.remove()
