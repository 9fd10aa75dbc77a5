"""From win rates to the weights of one round (competition, 8.6)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from iotapretrain.errors import InputError
from iotapretrain.rules.competition.epsilon import FloatArray


def softmax(win_rates: npt.ArrayLike, temperature: float) -> FloatArray:
    """exp(R / T), normalised; the largest rate is taken off first, so that nothing overflows."""
    check_temperature(temperature)
    rates = np.asarray(win_rates, dtype=np.float64)
    if not np.isfinite(rates).all():
        raise InputError("weights: a win rate is not finite; give numbers from 0 to 1")
    if rates.size == 0:
        return np.zeros(0)
    with np.errstate(over="ignore"):  # beyond the largest double the power is 0, as it should be
        powers = np.exp((rates - rates.max()) / temperature)
    return np.asarray(powers / powers.sum())


def best_share(models: int, temperature: float) -> float:
    """What the best of n strictly ordered models gets: T fixes it for one n only."""
    if models < 1:
        raise InputError(f"weights: a field of {models} models has no best one; give 1 or more")
    rates = np.arange(models) / max(models - 1, 1)
    return float(softmax(rates, temperature).max())


def check_temperature(temperature: float) -> None:
    if not (temperature > 0 and np.isfinite(temperature)):
        raise InputError(f"weights: the temperature is {temperature}; give a finite number above 0")
