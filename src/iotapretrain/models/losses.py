"""What a model loses on every token, without a matrix of all logits (competition, 7.2, 13-15).

-ln p(next token) = log-sum-exp of the logits - logit of the next token. The body runs once and
keeps no cache; the head is multiplied out a tile of positions and vocabulary at a time, into memory
that is used again, and its exponentials are added in float32. The logit of the next token is taken
from the same tile: two products that round in two ways could be made to differ at will.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from iotapretrain.errors import InputError
from iotapretrain.models.layout import Model

BODY_TOKENS = 1024
"""Tokens that go through the body at once: short sequences together, long ones one by one."""
SMALL_LOGIT = 40.0
"""Logits of a first tile within this need no shift before their exponentials."""
LARGEST_LOG = 80.0
"""e to this, and to its negative, is a normal number of float32: a sum within lost nothing."""
TILE_POSITIONS = 1024
TILE_IDS = 1024
"""A float32 tile takes 4 MiB, so that it is still in the cache when it is added up."""


@dataclass(frozen=True)
class OutputHead:
    """From the last hidden state to logits: weight, bias, and Gemma-2's soft bound."""

    weight: torch.Tensor
    bias: torch.Tensor | None
    bound: float | None

    @classmethod
    def of(cls, model: Model) -> OutputHead:
        head = model.get_output_embeddings()
        bound = getattr(model.config, "final_logit_softcapping", None)
        return cls(head.weight, getattr(head, "bias", None), bound)

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """All logits of a few positions."""
        return self.bound_(torch.nn.functional.linear(hidden, self.weight, self.bias).float())

    def bound_(self, logits: torch.Tensor) -> torch.Tensor:
        """Soften these logits, in place."""
        return logits if self.bound is None else logits.div_(self.bound).tanh_().mul_(self.bound)


class Tile:
    """Memory for the logits of some positions and ids, used again and again."""

    def __init__(self, like: torch.Tensor, positions: int, ids: int) -> None:
        self.products = like.new_empty(positions * ids)
        self.logits = self.products if like.dtype == torch.float32 else self.products.float()

    def fill(
        self, head: OutputHead, hidden: torch.Tensor, first: int, shift: torch.Tensor | None
    ) -> torch.Tensor:
        """Logits of the ids from `first` on, less a shift for each position, in float32."""
        weight = head.weight[first : first + TILE_IDS]
        shape = (len(hidden), len(weight))
        products = self.products[: shape[0] * shape[1]].view(shape)
        logits = self.logits[: shape[0] * shape[1]].view(shape)
        if head.bias is None:
            torch.mm(hidden, weight.T, out=products)
        else:
            torch.addmm(head.bias[first : first + TILE_IDS], hidden, weight.T, out=products)
        if logits.data_ptr() != products.data_ptr():
            logits.copy_(products)
        head.bound_(logits)
        return logits if shift is None else logits.sub_(shift[:, None])


@torch.inference_mode()
def token_losses(model: Model, ids: torch.Tensor) -> torch.Tensor:
    """-ln p(next token) in float32, of shape (rows, length - 1), for `ids` of shape (rows, length).

    In float32 the plain formula within 1e-5; in bfloat16 the same formula with logits rounded once,
    and everything behind them in float32.
    """
    check_ids(ids, model.get_output_embeddings().weight.shape[0])
    together = max(BODY_TOKENS // ids.shape[1], 1)
    return torch.cat([label_losses(model, rows, rows[:, 1:]) for rows in ids.split(together)])


def check_ids(ids: torch.Tensor, vocabulary: int) -> None:
    """Rows of two tokens or more that the model knows; else InputError."""
    if ids.ndim != 2 or ids.shape[1] < 2 or not len(ids):
        raise InputError(f"ids of shape {tuple(ids.shape)}; give rows of two tokens or more")
    if ids.min() < 0 or ids.max() >= vocabulary:
        raise InputError(f"ids: one is outside the model's vocabulary of {vocabulary:,}")


def mean_loss(losses: torch.Tensor, counted: torch.Tensor | None = None) -> float:
    """Mean over the tokens that count, or over all of them, summed in float64."""
    chosen = losses if counted is None else losses[counted]
    return float(chosen.mean(dtype=torch.float64))


@torch.inference_mode()
def label_losses(model: Model, ids: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """-ln p(label) behind each of the first of `ids`, as many a row as it has labels."""
    hidden = model.base_model(ids, use_cache=False)[0][:, : labels.shape[1]]
    return head_losses(OutputHead.of(model), hidden.flatten(0, 1), labels.flatten()).view(
        labels.shape
    )


def head_losses(head: OutputHead, hidden: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Losses of the labels, one a position; `hidden` is (positions, width)."""
    tile = Tile(hidden, min(TILE_POSITIONS, len(hidden)), min(TILE_IDS, len(head.weight)))
    chunks = zip(hidden.split(TILE_POSITIONS), labels.split(TILE_POSITIONS), strict=True)
    return torch.cat([_chunk_losses(head, tile, *chunk) for chunk in chunks])


def _chunk_losses(
    head: OutputHead, tile: Tile, hidden: torch.Tensor, labels: torch.Tensor
) -> torch.Tensor:
    """ln sum exp(logit) - logit of the label, in one pass and from one product.

    Where logits are not small, the greatest of the first tile is taken off all of them, so that
    only what exceeds it by 88 overflows.
    """
    logits = tile.fill(head, hidden, 0, None)
    if (shift := _first_shift(logits)) is not None:
        logits.sub_(shift[:, None])
    chosen = hidden.new_zeros(len(hidden), dtype=torch.float32)
    places = _by_tile(labels, len(head.weight))
    _choose(chosen, logits, labels, 0, places[0])
    total = logits.exp_().sum(1)
    for first in range(TILE_IDS, len(head.weight), TILE_IDS):
        logits = tile.fill(head, hidden, first, shift)
        _choose(chosen, logits, labels, first, places[first // TILE_IDS])
        total += logits.exp_().sum(1)
    total.log_()
    if (total.abs() < LARGEST_LOG).all():
        return total.sub_(chosen)
    return _great_losses(head, tile, hidden, labels)


def _first_shift(logits: torch.Tensor) -> torch.Tensor | None:
    """What to take off the logits of each position, judged by its first tile; None if nothing."""
    lowest, highest = logits.aminmax(dim=1)
    small = lowest.min() > -SMALL_LOGIT and highest.max() < SMALL_LOGIT
    return None if small else highest


def _by_tile(labels: torch.Tensor, ids: int) -> tuple[torch.Tensor, ...]:
    """For each tile of a vocabulary of so many ids, the positions whose label lies in it."""
    order = labels.argsort()
    edges = torch.arange(0, ids, TILE_IDS, device=labels.device)[1:]
    return order.tensor_split(torch.searchsorted(labels[order], edges).cpu())


def _choose(
    chosen: torch.Tensor, logits: torch.Tensor, labels: torch.Tensor, first: int, at: torch.Tensor
) -> None:
    """Keep the labels' logits of the positions whose label is in this tile."""
    if len(at):
        chosen[at] = logits[at, labels[at] - first]


def _great_losses(
    head: OutputHead, tile: Tile, hidden: torch.Tensor, labels: torch.Tensor
) -> torch.Tensor:
    """The same for logits of any size, more slowly. Labels' logits are read anew, without a shift:
    putting back what was taken off would lose those that are small beside it.
    """
    chosen = hidden.new_zeros(len(hidden), dtype=torch.float32)
    places = _by_tile(labels, len(head.weight))
    for first in range(0, len(head.weight), TILE_IDS):
        logits = tile.fill(head, hidden, first, None)
        _choose(chosen, logits, labels, first, places[first // TILE_IDS])
    losses = torch.full_like(chosen, -torch.inf)
    for first in range(0, len(head.weight), TILE_IDS):
        logits = tile.fill(head, hidden, first, chosen)
        losses = torch.logaddexp(losses, logits.logsumexp(1))
    return losses
