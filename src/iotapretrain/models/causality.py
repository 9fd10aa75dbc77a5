"""Does a model see only what came before? A sequence is cut at drawn places and everything behind
becomes other tokens: what is said before the cut must stay, whatever class the model is of.
"""

from __future__ import annotations

from itertools import pairwise

import torch

from iotapretrain.models.layout import Model
from iotapretrain.models.losses import label_losses
from iotapretrain.models.verdict import Code, Finding

CUTS = 3
CAUSAL_TOLERANCE = 1e-3
"""Honest models say the very same to the last bit: what is masked is multiplied by 0. This leaves
room for kernels that add in an order that depends on what they add."""


def check_causality(model: Model, rows: torch.Tensor, seed: int) -> Finding | None:
    """Compare what is said of the first tokens, the cut's own among them, under other later ones.

    Rows are sequences of two tokens or more; the same seed cuts and changes them in the same way.
    """
    generator = torch.Generator().manual_seed(seed)
    for row in rows:
        labels = row[None, 1:]
        said = label_losses(model, row[None], labels)
        if not said.isfinite().all():
            continue  # the page that it stands on is no number either, and says so
        for cut in _cuts(len(row), generator):
            other = _changed(row, cut, model.config.vocab_size, generator)
            now = label_losses(model, other[None], labels)
            off = float((now - said)[0, :cut].abs().max())
            if not off <= CAUSAL_TOLERANCE:
                sentence = (
                    f"sees what comes next: with other tokens from the {cut + 1}th on, what it"
                    f" says of earlier ones changes by {off:.3g}; at most {CAUSAL_TOLERANCE:g} is"
                    " allowed"
                )
                return Finding(Code.LOOKS_AHEAD, sentence, "losses")
    return None


def _cuts(length: int, generator: torch.Generator) -> list[int]:
    """The first tokens that change: one drawn from each part of the sequence."""
    bounds = [1 + (length - 1) * part // CUTS for part in range(CUTS + 1)]
    return [
        int(torch.randint(first, last, (), generator=generator))
        for first, last in pairwise(bounds)
        if first < last
    ]


def _changed(
    row: torch.Tensor, cut: int, vocabulary: int, generator: torch.Generator
) -> torch.Tensor:
    """No token from the cut on is what it was."""
    moved = torch.randint(1, max(vocabulary, 2), (len(row) - cut,), generator=generator)
    return torch.cat([row[:cut], (row[cut:] + moved) % vocabulary])
