"""Standings: what the rounds of each competition add up to, by hotkey (competition, 9 and 15.8).

Averages belong to hotkeys, so a newcomer on a recycled uid inherits nothing. A round without result
is simply not recorded. Whoever wants the original's vectors over uids takes the uids as hotkeys.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from iotapretrain.errors import InputError

ALPHA = 0.5
"""The share that the past keeps: a new winner holds .5, .75, .875 after 1, 2, 3 rounds."""

Averages = Mapping[str, float]


@dataclass(frozen=True)
class Standings:
    """Per competition the average of each hotkey, 0 if not listed. Never changed in place."""

    competitions: Mapping[int, Averages] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for competition, averages in self.competitions.items():
            _check_weights(f"standings of competition {competition}", averages)
        copy = {c: MappingProxyType(dict(a)) for c, a in self.competitions.items()}
        object.__setattr__(self, "competitions", MappingProxyType(copy))

    def record(
        self, competition: int, weights: Mapping[str, float], alpha: float = ALPHA
    ) -> Standings:
        """After a round: v <- alpha v + (1 - alpha) step, the step being `weights` scaled to sum 1.

        The first round of a competition is taken as it is. A hotkey that was not weighed enters
        with 0; weights that are all zero stay zero. A round without result must not be recorded at
        all.
        """
        if not 0 <= alpha <= 1:
            raise InputError(f"standings: alpha is {alpha}; give a number from 0 to 1")
        _check_weights("weights of a round", weights)
        step, before = _normalised(weights), self.competitions.get(competition)
        if before is not None:
            step = {
                hotkey: alpha * before.get(hotkey, 0.0) + (1 - alpha) * step.get(hotkey, 0.0)
                for hotkey in {**before, **step}
            }
        return Standings({**self.competitions, competition: step})

    def keep(self, competitions: Collection[int]) -> Standings:
        """Forget every competition that is not among these, the ones still scheduled."""
        return Standings({c: a for c, a in self.competitions.items() if c in competitions})

    def retain(self, hotkeys: Collection[str]) -> Standings:
        """Forget every hotkey that is no longer registered; nobody else's average changes."""
        registered = frozenset(hotkeys)
        return Standings(
            {
                competition: {h: average for h, average in averages.items() if h in registered}
                for competition, averages in self.competitions.items()
            }
        )

    def averages(self, competition: int, hotkeys: Sequence[str]) -> list[float]:
        """The averages of one competition as a vector over these hotkeys, in their order."""
        averages = self.competitions.get(competition, {})
        return [averages.get(hotkey, 0.0) for hotkey in hotkeys]

    def merge(self, shares: Mapping[int, float], threshold: float = 0.0) -> dict[str, float]:
        """The subnet's weights: share x averages summed over these competitions, scaled to sum 1.

        A competition that has no averages leaves its share to the others. With a threshold each
        competition's averages below it are cut and the rest normalised first. Empty when nobody has
        any weight.
        """
        _check_weights("shares of competitions", shares)
        if not 0 <= threshold <= 1:
            raise InputError(f"standings: threshold is {threshold}; give a number from 0 to 1")
        merged: dict[str, float] = {}
        for competition, share in shares.items():
            for hotkey, average in _cut(self.competitions.get(competition, {}), threshold).items():
                merged[hotkey] = merged.get(hotkey, 0.0) + share * average
        return _normalised(merged)


def _cut(averages: Averages, threshold: float) -> Averages:
    if threshold == 0:
        return averages
    return _normalised({hotkey: value for hotkey, value in averages.items() if value >= threshold})


def _normalised(weights: Averages) -> dict[str, float]:
    """Scaled to sum 1, zeros dropped; empty if all are zero. Their order changes no digit."""
    total = math.fsum(weights.values())
    return {key: weight / total for key, weight in weights.items() if weight > 0}


def _check_weights(name: str, weights: Mapping[str, float] | Mapping[int, float]) -> None:
    for key, weight in weights.items():
        if not (weight >= 0 and math.isfinite(weight)):
            raise InputError(f"{name}: {key} has {weight}; give finite numbers of 0 or more")
