"""One round under two epsilons, as when 7B* ran beside 7B (competition, 5.2)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from iotapretrain.errors import InputError
from iotapretrain.rules.competition.epsilon import Epsilon, FloatArray
from iotapretrain.rules.competition.field import Field
from iotapretrain.rules.competition.tournament import NoResult, Outcome, RoundRules, play


@dataclass(frozen=True, eq=False)
class Blend:
    """Softmax first, then (1 - share) x one + share x the other: there are two first places."""

    first: Outcome
    second: Outcome
    share: float

    @property
    def weights(self) -> FloatArray:
        return (1 - self.share) * self.first.weights + self.share * self.second.weights


def blended(
    field: Field, rules: RoundRules, second: Epsilon, share: float, now: float
) -> Blend | NoResult:
    """Play the same losses under a second epsilon as well, which decides `share` of the weights."""
    if not 0 <= share <= 1:
        raise InputError(f"blend: the second epsilon's share is {share}; give a number from 0 to 1")
    outcome = play(field, rules, now)
    other = play(field, replace(rules, epsilon=second), now)
    if isinstance(outcome, NoResult):
        return outcome
    if isinstance(other, NoResult):
        return other
    return Blend(outcome, other, share)
