"""A short probe of continued training: does the model learn a few pages by heart, as any healthy
one does? And before it, how fast each tensor would learn (docs/trainability.md).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from iotapretrain.models.layout import Model
from iotapretrain.models.trainable.scales import FLOOR, scale
from iotapretrain.models.verdict import ProbeCheck, Sign

LEAST_GAIN = 0.005
"""Share of its loss that a model must lose in the probe; honest ones lost at least 0.0148."""
MOST_RISE = 1.5
"""How far above its own loss a step may find it; honest ones stayed under 1.02."""
HEAVY_MATRIX, HEAVY_EMBEDDING = 1.8, 3.0
"""Decades over the median matrix. Honest ones were up to 1.34 over it, and embeddings of unit
variance 2.37, both where queries and writers had begun near zero.
"""
EXPLODING = 8.0
"""Decades of a gradient over the median; 5.2 honest, where writers had begun at zero two steps
before and hardly any gradient passed them yet. For the same reason a small one is no sign.
"""


@dataclass(frozen=True)
class Recipe:
    """AdamW with a short warm-up and clipping, on `rows` sequences cut to `length`, drawn `batch`
    at a time.
    """

    rate: float = 3e-4
    steps: int = 24
    warmup: int = 4
    batch: int = 2
    rows: int = 8
    length: int = 256
    clip: float = 1.0

    def tokens(self, rows: torch.Tensor) -> int:
        """What a probe sends forward: for activity, for gradients, in training, and after it."""
        passes = 3 if self.steps else 2
        return passes * rows.numel() + self.steps * self.batch * rows.shape[1]


@dataclass(frozen=True)
class Training:
    """Losses on the probe's rows, and the greatest ratio of a batch's loss to that before."""

    before: float
    after: float
    rise: float

    @property
    def gain(self) -> float:
        return (self.before - self.after) / self.before if self.before > 0 else 0.0

    @property
    def sign(self) -> Sign:
        sentence = (
            f"continued training takes its loss from {self.before:.4g} to {self.after:.4g}, "
            f"at worst to {self.rise:.3g} x what it was"
        )
        return Sign(ProbeCheck.TRAINING, "loss", self._excess, sentence)

    @property
    def _excess(self) -> float:
        if not (math.isfinite(self.after) and math.isfinite(self.rise)):
            return math.inf
        stalled = math.log10(LEAST_GAIN / max(self.gain, 1e-6))
        return max(stalled, math.log10(max(self.rise, 1e-6) / MOST_RISE))


def losses_and_gradients(model: Model, rows: torch.Tensor, batch: int) -> list[float]:
    """Each row's mean loss; the gradients of their mean are left in the parameters."""
    model.zero_grad(set_to_none=True)
    losses: list[float] = []
    for start in range(0, len(rows), batch):
        part = _row_losses(model, rows[start : start + batch])
        torch.autograd.backward(part.sum() / len(rows))
        losses.extend(part.tolist())
    return losses


def continue_training(
    model: Model, rows: torch.Tensor, before: Sequence[float], recipe: Recipe, seed: int
) -> Training:
    """Train the model in place on the rows, whose losses were `before`."""
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=recipe.rate, betas=(0.9, 0.95), weight_decay=0.0
    )
    rise = 0.0
    for step, chosen in enumerate(_draws(len(rows), recipe, seed)):
        loss = _row_losses(model, rows[chosen]).mean()
        rise = max(rise, _over(loss.item(), statistics.fmean(before[row] for row in chosen)))
        if not math.isfinite(rise):
            break
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.clip)
        optimiser.param_groups[0]["lr"] = recipe.rate * min(1.0, (step + 1) / recipe.warmup)
        optimiser.step()
    return Training(statistics.fmean(before), statistics.fmean(_losses(model, rows, recipe)), rise)


@torch.no_grad()
def _losses(model: Model, rows: torch.Tensor, recipe: Recipe) -> list[float]:
    """By the formula of the losses before: another one could be made to tell another tale."""
    parts = [_row_losses(model, part) for part in rows.split(recipe.batch)]
    return torch.cat(parts).tolist()


def _row_losses(model: Model, ids: torch.Tensor) -> torch.Tensor:
    """Mean losses of the rows by the plain formula, which gradients pass."""
    logits = model(input_ids=ids, use_cache=False).logits[:, :-1].float()
    losses = torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), ids[:, 1:].flatten(), reduction="none"
    )
    return losses.view(len(ids), -1).mean(dim=1)


def _draws(rows: int, recipe: Recipe, seed: int) -> Iterator[list[int]]:
    """Batches of row numbers: shuffled passes over all rows, cut to the number of steps."""
    generator = torch.Generator().manual_seed(seed)
    waiting: list[int] = []
    for _ in range(recipe.steps):
        while len(waiting) < recipe.batch:
            waiting += torch.randperm(rows, generator=generator).tolist()
        yield waiting[: recipe.batch]
        del waiting[: recipe.batch]


def _over(loss: float, usual: float) -> float:
    if not math.isfinite(loss):
        return math.inf
    return loss / usual if usual > 0 else 1.0


@dataclass(frozen=True)
class TensorStatistics:
    """Root mean squares of a tensor's weights and gradient, and one step's relative size."""

    name: str
    dimensions: int
    weight: float
    gradient: float
    step: float


def tensor_statistics(model: torch.nn.Module, rate: float) -> tuple[TensorStatistics, ...]:
    """Of all parameters, after a backward pass."""
    return tuple(_statistics(name, parameter, rate) for name, parameter in model.named_parameters())


def _statistics(name: str, parameter: torch.Tensor, rate: float) -> TensorStatistics:
    weight = 10 ** scale(parameter.detach())
    gradient = 10 ** (FLOOR if parameter.grad is None else scale(parameter.grad))
    return TensorStatistics(name, parameter.ndim, weight, gradient, rate / weight)


def statistics_signs(tensors: Sequence[TensorStatistics], embedding: str) -> Iterator[Sign]:
    """A matrix too heavy to learn with the others, and a gradient out of all proportion."""
    matrices = [tensor for tensor in tensors if tensor.dimensions >= 2]
    weights = [math.log10(tensor.weight) for tensor in matrices]
    gradients = [
        math.log10(tensor.gradient)
        for tensor in matrices
        if math.log10(tensor.gradient) > FLOOR / 2
    ]
    if not gradients:
        yield Sign(ProbeCheck.GRADIENT, embedding, math.inf, "no gradient reaches any matrix")
        return
    weight, gradient = statistics.median(weights), statistics.median(gradients)
    for tensor, decades in zip(matrices, weights, strict=True):
        limit = HEAVY_EMBEDDING if tensor.name == embedding else HEAVY_MATRIX
        yield _heavy(tensor, decades - weight, limit)
        yield _gradient(tensor, math.log10(tensor.gradient) - gradient)


def _heavy(tensor: TensorStatistics, over: float, limit: float) -> Sign:
    sentence = (
        f"{tensor.name} is {10**over:.3g} x the median matrix, so that a step of the reference "
        f"rate changes it by {tensor.step:.2g} of itself"
    )
    return Sign(ProbeCheck.MATRIX, tensor.name, over - limit, sentence)


def _gradient(tensor: TensorStatistics, over: float) -> Sign:
    sentence = f"the gradient of {tensor.name} is {10 ** max(over, FLOOR):.3g} x the median"
    return Sign(ProbeCheck.GRADIENT, tensor.name, over - EXPLODING, sentence)
