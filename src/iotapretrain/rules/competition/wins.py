"""Who beats whom, and how often (competition, 8.2 to 8.4)."""

from __future__ import annotations

import numpy as np

from iotapretrain.rules.competition.epsilon import FloatArray, adjusted
from iotapretrain.rules.competition.field import IntArray

PAGES_AT_ONCE = 256
"""Keeps the working set in a processor's cache, and memory small for any number of pages."""


def beats(
    loss: float,
    other: float,
    block: float,
    other_block: float,
    epsilon: float,
    other_epsilon: float,
) -> bool:
    """Whether the first model beats the other on one page, or by one score.

    The strictly earlier one has its loss multiplied by (1 - its own epsilon); then strict
    less-than. In one block there is no epsilon, and of equal losses neither wins.
    """
    if block < other_block:
        loss = adjusted(loss, epsilon)
    elif other_block < block:
        other = adjusted(other, other_epsilon)
    return loss < other


def count_wins(
    losses: FloatArray, blocks: FloatArray, epsilons: FloatArray, *, ties_to_earlier: bool = False
) -> IntArray:
    """W_i: each model's wins over all others, summed over the pages (eq. 3 to 5).

    `losses` is models x pages; scores are one page. With `ties_to_earlier` the earlier model also
    wins where adjusted losses are equal. Sorted by block, everybody before a model is earlier and
    everybody after it later, so each model needs two comparisons with whole slices.
    """
    order = np.argsort(blocks, kind="stable")
    begins = np.searchsorted(blocks[order], blocks[order], side="left")
    ends = np.searchsorted(blocks[order], blocks[order], side="right")
    places = list(zip(order.tolist(), begins.tolist(), ends.tolist(), strict=True))
    count = np.count_nonzero
    below = np.less_equal if ties_to_earlier else np.less
    wins = np.zeros(len(blocks), dtype=np.int64)
    for start in range(0, losses.shape[1], PAGES_AT_ONCE):
        plain = losses[order, start : start + PAGES_AT_ONCE]
        lowered = adjusted(plain, epsilons[order][:, np.newaxis])
        for row, (model, begin, end) in enumerate(places):
            mine = plain[row]
            wins[model] += count(below(lowered[row], plain[end:])) + count(mine < lowered[:begin])
            if end - begin > 1:  # others are in its block
                wins[model] += count(mine < plain[begin:end])
    return wins


def win_rates(wins: IntArray, pages: int, alone: float) -> FloatArray:
    """R_i = W_i / ((n - 1) pages); `alone` for a model that meets nobody, 0 without pages."""
    models = len(wins)
    if models == 1:
        return np.array([alone])
    return wins / max((models - 1) * pages, 1)
