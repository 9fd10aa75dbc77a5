"""Everything that a stage's next step depends on, beside its inputs: one run of float32.

    weights | gradients' momentum of the matrices | AdamW's two moments of the rest

Hashing, comparing and sending a state are one pass over it. Gradients lie in a second run like the
weights; they are nothing between two steps.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from blake3 import blake3
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from iotapretrain.errors import RunError
from iotapretrain.training.plan import OptimiserName

ANCHORS = "anchors.weight"
KEY, STEPS = "state", "steps"


class StateLayout:
    """Where each parameter lies: matrices that Muon moves, then others that decay, then gains.

    Within a group in the order of names, so that all who hold a stage agree.
    """

    def __init__(self, shapes: Mapping[str, torch.Size], optimiser: OptimiserName) -> None:
        groups: tuple[list[str], ...] = ([], [], [])
        for name in sorted(shapes):
            groups[_group(name, len(shapes[name]), optimiser)].append(name)
        self.shapes = {name: shapes[name] for group in groups for name in group}
        self.matrices = tuple(groups[0])
        sizes = [sum(math.prod(shapes[name]) for name in group) for group in groups]
        self.rest = (slice(sizes[0], sizes[0] + sizes[1]), slice(sizes[0] + sizes[1], sum(sizes)))
        """AdamW's parameters among the weights: those that decay, those that do not."""
        self.parameters = sum(sizes)
        self.by_momentum = sizes[0]
        self.numbers = 3 * self.parameters - self.by_momentum
        """In the whole state."""

    def views(
        self, flat: torch.Tensor, names: Iterable[str] | None = None
    ) -> dict[str, torch.Tensor]:
        """By name, parts of a run that begins as the weights do."""
        found, first = {}, 0
        for name in self.shapes if names is None else names:
            shape = self.shapes[name]
            found[name] = flat[first : first + math.prod(shape)].view(shape)
            first += math.prod(shape)
        return found


class StageState:
    """Weights, moments and the count of steps of one stage."""

    def __init__(self, layout: StateLayout, device: torch.device | str = "cpu") -> None:
        self.layout = layout
        self.flat = torch.zeros(layout.numbers, device=device)
        self.steps = 0
        count, matrices = layout.parameters, layout.by_momentum
        self.weights = layout.views(self.flat)
        self.momentum = self.flat[count : count + matrices]
        self.moments = self.flat[count + matrices :].view(2, count - matrices)

    def begin(self, weights: Mapping[str, torch.Tensor]) -> None:
        """A run's first weights, or a merged base; moments begin anew."""
        self.flat.zero_()
        self.steps = 0
        for name, view in self.weights.items():
            view.copy_(weights[name])

    def copy(self) -> StageState:
        """The same, in memory of its own."""
        other = StageState(self.layout, self.flat.device)
        other.flat.copy_(self.flat)
        other.steps = self.steps
        return other

    def digest(self) -> bytes:
        """BLAKE3 of the count and of every byte."""
        hasher = blake3(self.steps.to_bytes(8, "little"), max_threads=blake3.AUTO)
        hasher.update(self.flat.cpu().numpy().data.cast("B"))
        return hasher.digest()

    def save(self, path: Path) -> None:
        """Write it to a new file."""
        save_file({KEY: self.flat.cpu()}, path, {STEPS: str(self.steps)})

    def load(self, path: Path) -> None:
        """Take over what `save` wrote; RunError if that is of another stage, or damaged."""
        try:
            with safe_open(path, "pt") as file:
                steps, flat = int(file.metadata()[STEPS]), file.get_tensor(KEY)
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
            raise RunError(
                f"{path}: no state of a stage: {error}; fetch or write it anew"
            ) from error
        if flat.shape != self.flat.shape or flat.dtype != torch.float32:
            raise RunError(
                f"{path}: {flat.numel():,} numbers as {flat.dtype}, this stage has"
                f" {self.flat.numel():,} as float32; give the state of the same run and stage"
            )
        self.flat.copy_(flat)
        self.steps = steps


def _group(name: str, dimensions: int, optimiser: OptimiserName) -> int:
    if dimensions < 2:
        return 2
    inner = ".layers." in name or ".boundaries." in name
    return 0 if optimiser == "muon" and inner and not name.endswith(ANCHORS) else 1
