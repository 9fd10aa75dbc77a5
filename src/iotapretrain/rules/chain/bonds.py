"""Bonds and dividends: the classic model and Yuma3, with liquid alpha (Yuma, sections 8 and 9).

Matrices have one line a validator. An entry is also *present* or not: the chain stores zeros too.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from iotapretrain.rules.chain.fixed_point import (
    BITS,
    ONE,
    U16,
    Ticks,
    fractions,
    normalise,
    product,
    proportion,
    sigmoid,
    upscale_columns,
)
from iotapretrain.rules.chain.hyperparameters import Hyperparameters

Mask = NDArray[np.bool_]


class Bonds(NamedTuple):
    """New bonds: the moving average, the same as it goes to storage, and which entries exist."""

    average: Ticks
    to_store: Ticks
    present: Mask


def renewed(
    hyperparameters: Hyperparameters,
    weights: Ticks,
    clipped: Ticks,
    present: Mask,
    consensus: Ticks,
    stored: Ticks,
    active_stake: Ticks,
) -> Bonds:
    """The bonds after an epoch; `stored` are the old ones, as u16."""
    new, held = weights_for_bonds(weights, clipped, present, hyperparameters.beta)
    if not hyperparameters.yuma3:
        return _classic(new, stored, active_stake, hyperparameters.bonds_alpha)
    old = fractions(stored, U16)
    if not (hyperparameters.liquid_alpha and consensus.any()):
        average = moving_average(new, old, hyperparameters.bonds_alpha)
    else:
        low = proportion(hyperparameters.alpha_low_u16)
        high = proportion(hyperparameters.alpha_high_u16)
        alpha = liquid_alpha(new, old, consensus, low, high, hyperparameters.steepness)
        average = np.where(held, np.minimum(moving_average(new, old, alpha), ONE), 0)
    return Bonds(average, average, average > 0)


def dividends(
    hyperparameters: Hyperparameters, average: Ticks, incentive: Ticks, active_stake: Ticks
) -> Ticks:
    """What each validator earns by its bonds on the neurons with incentive (sections 9.1 and 9.2).

    Classic bonds have stake in them; in Yuma3 it multiplies the validator's share of them.
    """
    owned = normalise(average, axis=0) if hyperparameters.yuma3 else average
    earned = product(owned, incentive).sum(axis=1)
    return normalise(product(earned, active_stake) if hyperparameters.yuma3 else earned)


def weights_for_bonds(
    weights: Ticks, clipped: Ticks, present: Mask, beta: int
) -> tuple[Ticks, Mask]:
    """Weights between unclipped (`beta` 0) and clipped (`beta` 1), and their entries (section 8).

    In between, `W + floor(beta * (Wc - W))` is computed as `Wc + floor((1 - beta) * (W - Wc))`,
    which is the same and has no negative factor.
    """
    if beta == 0:
        return weights, present
    if beta == ONE:
        return clipped, present & ((clipped > 0) | (weights == 0))
    mixed = clipped + product(weights - clipped, ONE - beta)
    return mixed, mixed > 0


def moving_average(new: Ticks, old: Ticks, alpha: Ticks | int) -> Ticks:
    """`alpha * new + (1 - alpha) * old`, each product floored."""
    average = product(new, alpha)
    average += product(old, ONE - alpha)
    return average


def liquid_alpha(
    weights: Ticks, bonds: Ticks, consensus: Ticks, low: int, high: int, steepness: int
) -> Ticks:
    """How fast each bond follows its weight (section 9.3).

    Between `low` and `high`, by a sigmoid of how far a validator buys above consensus, or how far
    it sells.
    """
    distance = np.where(weights >= bonds, weights - consensus, bonds - weights).clip(0, ONE)
    response = sigmoid(_scaled(distance - ONE // 2, -steepness))
    return (low + product(response, high - low)).clip(low, high)


def _classic(weights: Ticks, stored: Ticks, active_stake: Ticks, alpha: int) -> Bonds:
    old = fractions(stored, stored.sum(axis=0))
    new = normalise(product(weights, active_stake[:, None]), axis=0)
    mixed = moving_average(new, old, alpha)
    average = normalise(mixed, axis=0)
    return Bonds(average, upscale_columns(average), mixed > 0)


def _scaled(values: Ticks, factor: int) -> Ticks:
    """`floor(values * factor)` for values in [-1/2, 1/2] and a factor below 2^30 of either sign."""
    whole, part = divmod(factor, ONE)
    return values * whole + (values * part >> BITS)
