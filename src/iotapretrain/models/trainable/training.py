"""A short probe of continued training, as a reasonable person would begin it: does the model
learn a few pages by heart?

Any healthy model, trained or not, lowers its loss on a few thousand tokens that it sees several
times. One that hardly does has been stalled; one whose loss rises first and stays up is thrown
off by the first steps.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from iotapretrain.models.layout import Model
from iotapretrain.models.trainable.sign import Check, Sign

LEAST_GAIN = 0.005
"""Share of its loss that a model must lose in the probe; honest ones lost at least 0.0148."""
MOST_RISE = 1.5
"""How far above its own loss a step may find it; honest ones stayed under 1.02."""


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
    """Losses: on the probe's rows before and after, and the greatest ratio of a batch's loss to
    that before.
    """

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
        return Sign(Check.TRAINING, "loss", self._excess, sentence)

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
