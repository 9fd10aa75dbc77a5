"""Wins of a round as the whitepaper writes them (eq. 3 to 5), one page of one pair at a time.

Nothing here is shared with the package, so that equal counts mean two independent readings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Rows = Sequence[Sequence[float]]


@dataclass(frozen=True)
class Decay:
    """An advantage that shrinks linearly with age."""

    start: float
    end: float
    blocks: int

    def at(self, block: int, now: int) -> float:
        age = max(now - block, 0)
        return self.start - min(age / self.blocks, 1) * (self.start - self.end)


def is_win(
    loss_i: float, loss_j: float, block_i: int, block_j: int, decay: Decay, now: int
) -> bool:
    """Whether i beats j on one page."""
    if block_i < block_j:
        loss_i = (1 - decay.at(block_i, now)) * loss_i
    elif block_j < block_i:
        loss_j = (1 - decay.at(block_j, now)) * loss_j
    return loss_i < loss_j


def wins(losses: Rows, blocks: Sequence[int], decay: Decay, now: int) -> list[int]:
    """W_i = the sum over j != i and pages k of is_win."""
    counts = [0] * len(losses)
    for i, row_i in enumerate(losses):
        for j, row_j in enumerate(losses):
            if i == j:
                continue
            for loss_i, loss_j in zip(row_i, row_j, strict=True):
                if is_win(loss_i, loss_j, blocks[i], blocks[j], decay, now):
                    counts[i] += 1
    return counts


def frugal_wins(losses: Rows, blocks: Sequence[int], decay: Decay, now: int) -> list[int]:
    """The same, with each model's adjusted losses computed once: the best that plain loops do."""
    adjusted = [
        [(1 - decay.at(block, now)) * loss for loss in row]
        for row, block in zip(losses, blocks, strict=True)
    ]
    counts = [0] * len(losses)
    for i in range(len(losses)):
        for j in range(len(losses)):
            if i != j:
                ours = adjusted[i] if blocks[i] < blocks[j] else losses[i]
                theirs = adjusted[j] if blocks[j] < blocks[i] else losses[j]
                counts[i] += sum(a < b for a, b in zip(ours, theirs, strict=True))
    return counts
