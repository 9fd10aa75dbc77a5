"""Which models meet again in the next round of a competition (competition, 10.2)."""

from __future__ import annotations

import math
from collections.abc import Mapping

from iotapretrain.errors import InputError

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
