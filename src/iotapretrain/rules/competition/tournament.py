"""One round of the competition: from the losses of a field of models to their weights (8 and 15).

    field -> epsilons now -> filter -> wins -> win rates -> weights

`RoundRules(epsilon)` is the round that we hold to be right; its `mode` reaches what the whitepaper
and the released code did instead, under the names in `MODES`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import starmap
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from iotapretrain.errors import InputError
from iotapretrain.rules.competition.eligibility import (
    Filter,
    Ineligibility,
    Verdicts,
    taking_part,
    verdicts,
)
from iotapretrain.rules.competition.epsilon import Epsilon, FloatArray, to_beat
from iotapretrain.rules.competition.field import Field, IntArray
from iotapretrain.rules.competition.wins import Margin, count_wins, margins, succession, win_rates

BoolArray = npt.NDArray[np.bool_]


class Comparison(StrEnum):
    """What two models are compared on, and how; named by their configuration values."""

    PER_PAGE = "per-page"
    SCORE_LEVEL = "score-level"
    CHAMPION = "champion"


@dataclass(frozen=True)
class Mode:
    """How a round is decided. `alone` is the win rate of a model that meets nobody."""

    comparison: Comparison = Comparison.SCORE_LEVEL
    filter: Filter = Filter.STRICT
    alone: float = 1.0

    def __post_init__(self) -> None:
        if self.alone not in (0.0, 1.0):
            raise InputError(f"mode: the win rate of a single model is {self.alone}; give 0 or 1")
        if self.comparison is Comparison.CHAMPION and self.filter is not Filter.STRICT:
            raise InputError(
                f"mode: champion with the filter {self.filter}; only strict says who takes part"
            )


REQUIRED = Mode()
PER_PAGE = Mode(Comparison.PER_PAGE)
CHAMPION = Mode(Comparison.CHAMPION)
WHITEPAPER = Mode(Comparison.PER_PAGE, Filter.NONE, alone=0.0)
RELEASE_4_5_0 = Mode(Comparison.SCORE_LEVEL, Filter.NONE, alone=0.0)
RELEASE_4_5_3 = Mode(Comparison.SCORE_LEVEL, Filter.ORIGINAL, alone=1.0)

MODES: Mapping[str, Mode] = MappingProxyType(
    {
        "score-level": REQUIRED,
        "per-page": PER_PAGE,
        "champion": CHAMPION,
        "whitepaper": WHITEPAPER,
        "release-4.5.0": RELEASE_4_5_0,
        "release-4.5.3": RELEASE_4_5_3,
    }
)
"""Every mode by the name that configuration files use."""


@dataclass(frozen=True)
class RoundRules:
    """What a round is decided by.

    With `temperature_in_ranks` the temperature counts in places of an ordered field of n models,
    T / (n - 1), and the share of the best no longer depends on n: 0.3 gives it 96 %.
    """

    epsilon: Epsilon
    mode: Mode = REQUIRED
    temperature: float = 0.01
    temperature_in_ranks: bool = False

    def __post_init__(self) -> None:
        check_temperature(self.temperature)

    def temperature_for(self, models: int) -> float:
        """The temperature in win rates for a field of so many models."""
        places = max(models - 1, 1) if self.temperature_in_ranks else 1
        return self.temperature / places


@dataclass(frozen=True)
class Placed:
    """What a round says of one model; `left_out` is None inside the filter."""

    epsilon: float | None = None
    wins: int = 0
    win_rate: float = 0.0
    weight: float = 0.0
    left_out: Ineligibility | None = None


@dataclass(frozen=True)
class NoResult:
    """A round in which nothing could take part, and why; the standings stay as they are."""

    left_out: tuple[tuple[int, Ineligibility], ...]

    @property
    def places(self) -> Mapping[int, Placed]:
        """By uid, of those that are left out."""
        return {uid: Placed(left_out=reason) for uid, reason in self.left_out}


@dataclass(frozen=True, eq=False)
class DecidedRound:
    """A decided round and all that led there; one entry a model, in the order of the field.

    `left_out` holds None for a model inside the filter. `margins` compare the winner with the
    others inside, where losses by page are known.
    """

    field: Field
    mode: Mode
    temperature: float
    epsilons: FloatArray
    left_out: Verdicts
    wins: IntArray
    win_rates: FloatArray
    weights: FloatArray
    margins: tuple[Margin, ...]

    @property
    def places(self) -> Mapping[int, Placed]:
        """By uid."""
        columns = (self.epsilons, self.wins, self.win_rates, self.weights)
        rows = zip(*(column.tolist() for column in columns), self.left_out, strict=True)
        return dict(zip(self.field.uids.tolist(), starmap(Placed, rows), strict=True))

    @property
    def kept(self) -> BoolArray:
        return np.array([reason is None for reason in self.left_out], dtype=np.bool_)

    @property
    def adjusted_scores(self) -> FloatArray:
        """(1 - epsilon now) x score: what a later model must be strictly below."""
        return to_beat(self.field.scores, self.epsilons)

    @property
    def adjusted_losses(self) -> FloatArray | None:
        """(1 - epsilon now) x loss, page by page, where losses are known."""
        losses = self.field.losses
        return None if losses is None else to_beat(losses, self.epsilons[:, np.newaxis])

    @property
    def winner(self) -> int:
        """The uid of the model with the largest weight, the earliest of equals."""
        return int(self.field.uids[_best(self.field, self.weights)])

    @property
    def winner_share(self) -> float:
        """What the winner really gets; `best_share` is what an ordered field of that size gives."""
        return float(self.weights.max())


def play(field: Field, rules: RoundRules, now: float) -> DecidedRound | NoResult:
    """Decide one round at block `now` (which may be infinite: everything fully decayed).

    An empty field has no result in any mode. With the strict filter a field of which nothing takes
    part has none either, and weights are exactly 0 outside the filter; the original modes share the
    weights among all models, those outside entering with a win rate of 0.
    """
    mode = rules.mode
    if mode.comparison is Comparison.PER_PAGE and field.losses is None:
        raise InputError(
            "round: a per-page comparison needs the losses of every page, not only scores"
        )
    epsilons = rules.epsilon.at(field.ages(now))
    left_out = _left_out(field, rules, epsilons)
    kept = np.flatnonzero([reason is None for reason in left_out])
    sharing = kept if mode.filter is Filter.STRICT else np.arange(len(field))
    if len(sharing) == 0:
        pairs = zip(field.uids.tolist(), left_out, strict=True)
        return NoResult(tuple((uid, reason) for uid, reason in pairs if reason is not None))
    wins, rates = _compare(field, mode, epsilons, kept)
    temperature = rules.temperature_for(len(sharing))
    weights = np.zeros(len(field))
    if mode.comparison is Comparison.CHAMPION:
        weights[sharing] = rates[sharing]
    else:
        weights[sharing] = softmax(rates[sharing], temperature)
    leads = margins(field, epsilons, _best(field, weights), map(int, kept))
    return DecidedRound(field, mode, temperature, epsilons, left_out, wins, rates, weights, leads)


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


def _left_out(field: Field, rules: RoundRules, epsilons: FloatArray) -> Verdicts:
    if rules.mode.comparison is not Comparison.CHAMPION:
        return verdicts(field, rules.mode.filter, rules.epsilon.floor)
    line = set(succession(field, epsilons))
    return tuple(
        reason or (None if row in line else Ineligibility.NEVER_CHAMPION)
        for row, reason in enumerate(taking_part(field))
    )


def _compare(
    field: Field, mode: Mode, epsilons: FloatArray, kept: IntArray
) -> tuple[IntArray, FloatArray]:
    """Wins and win rates over the kept models; 0 for all others."""
    wins, rates = np.zeros(len(field), dtype=np.int64), np.zeros(len(field))
    if mode.comparison is Comparison.CHAMPION:
        wins[kept] = 1  # each took the crown once; only the last still has it
        rates[field.seniority[np.isin(field.seniority, kept)][-1]] = 1.0
        return wins, rates
    losses = field.losses if mode.comparison is Comparison.PER_PAGE else None
    matrix = field.scores[:, np.newaxis] if losses is None else losses
    wins[kept] = count_wins(
        matrix[kept],
        field.blocks[kept],
        epsilons[kept],
        ties_to_earlier=mode.filter is Filter.STRICT,
    )
    rates[kept] = win_rates(wins[kept], matrix.shape[1], mode.alone)
    return wins, rates


def _best(field: Field, weights: FloatArray) -> int:
    return int(field.seniority[np.argmax(weights[field.seniority])])
