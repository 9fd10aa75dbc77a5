"""Consensus: the stake-weighted median of each column (Yuma, section 6)."""

from __future__ import annotations

import numpy as np

from iotapretrain.rules.chain.fixed_point import Ticks, normalise


def consensus(weights: Ticks, active_stake: Ticks, kappa: int) -> Ticks:
    """For each column the largest weight that at least `kappa` of the active stake supports.

    Only rows with active stake take part; a row without an entry takes part with the weight 0.
    """
    voting = active_stake > 0
    stake = normalise(active_stake[voting])
    return weighted_medians(weights[voting], stake, int(stake.sum()) - kappa)


def weighted_medians(scores: Ticks, stake: Ticks, minority: int) -> Ticks:
    """For each column the lowest score such that stake on scores up to it exceeds `minority`.

    Where none does, the highest.
    """
    count, columns = scores.shape
    if count == 0:
        return np.zeros(columns, np.int64)
    bits = count.bit_length()
    keys = scores.T.copy()  # a sort then orders scores together with their rows
    keys <<= bits
    keys |= np.arange(count)
    keys.sort(axis=1)
    reached = stake[keys & ((1 << bits) - 1)].cumsum(axis=1)
    place = (reached > minority).argmax(axis=1) if stake.sum() > minority else count - 1
    found: Ticks = keys[np.arange(columns), place] >> bits
    return found
