"""Which models meet again: the best of a round, and whom others pay (competition, 10.2 to 10.5)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from iotapretrain.errors import InputError

Weights = Sequence[tuple[int, float]]

SAMPLE_MIN = 5
ESTABLISHED = 0.001
"""An average from here on counts before any win rate."""


def priority(standing: float, win_rate: float) -> float:
    """1 + the averaged weight of an established model, else its win rate of this round."""
    return 1 + standing if standing >= ESTABLISHED else win_rate


def retained(
    scores: Mapping[int, float],
    win_rates: Mapping[int, float],
    standings: Mapping[int, float],
    sample_min: int = SAMPLE_MIN,
) -> list[int]:
    """The uids to keep, sorted: the `sample_min` of highest priority that passed the filter.

    If they are fewer, the lowest scores of all evaluated models fill the places; a score that is no
    number comes last. Ties go to the lower score, then to the lower uid.
    """
    if sample_min < 0:
        raise InputError(f"retention: sample_min is {sample_min}; give 0 or more")

    def by_score(uid: int) -> tuple[float, int]:
        score = scores.get(uid, math.inf)
        return (math.inf if math.isnan(score) else score, uid)

    def by_priority(uid: int) -> tuple[float, float, int]:
        return (-priority(standings.get(uid, 0.0), win_rates[uid]), *by_score(uid))

    others = [uid for uid in sorted(scores, key=by_score) if uid not in win_rates]
    return sorted([*sorted(win_rates, key=by_priority), *others][:sample_min])


def high_stake_validators(
    stake: Sequence[float], permit: Sequence[bool], min_stake: float
) -> list[int]:
    """The uids that hold a validator permit and at least this stake."""
    return [
        uid
        for uid, (held, permitted) in enumerate(zip(stake, permit, strict=True))
        if permitted and held >= min_stake
    ]


def top_miners(
    stake: Sequence[float],
    permit: Sequence[bool],
    weights: Mapping[int, Weights],
    min_stake: float,
    min_share: float,
) -> list[int]:
    """The uids to which some large validator gives at least `min_share` of its weights."""
    rewarded: set[int] = set()
    for validator in high_stake_validators(stake, permit, min_stake):
        row = weights.get(validator, ())
        total = 0.0
        for _, weight in row:  # not sum(): it rounds differently from Python 3.12 on
            total += weight
        rewarded.update(uid for uid, weight in row if weight >= min_share * total)
    return sorted(rewarded)
