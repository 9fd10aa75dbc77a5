"""The moving average makes pay steady and lets validators agree.

Five honest validators of equal stake, Yuma consensus once a round; all draw the same pages, or each
draws its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from iotapretrain.arena.incentives.experiment import (
    SEEN,
    ClaimCheck,
    Column,
    Played,
    borne_out,
    moved,
)
from iotapretrain.arena.incentives.figure import Drawing, lines, percent
from iotapretrain.arena.incentives.validator_behaviours import Honest
from iotapretrain.arena.incentives.world import SimulatedValidator, SimulatedWorld, improvers

NAME, SHARE = "average", 0.1

ALPHAS = (0.0, 0.25, 0.5, 0.75, 0.9, 0.95)
SEEDS = {"one seed for all": False, "own pages": True}
VALIDATORS = 5

Key = tuple[float, str]


def worlds(models: int) -> Mapping[Key, SimulatedWorld]:
    crowd, panel = improvers(models), (SimulatedValidator(Honest()),) * VALIDATORS
    return {
        (alpha, name): SimulatedWorld(crowd, alpha=alpha, validators=panel, own_pages=own)
        for name, own in SEEDS.items()
        for alpha in ALPHAS
    }


def rounds_to(share: float, alpha: float) -> int:
    """After how many rounds a new winner's average reaches a share of all."""
    return 1 if alpha == 0 else math.ceil(round(math.log(1 - share) / math.log(alpha), 9))


def turnover(run: Played) -> float:
    """The share of all pay that goes to somebody else than in the round before."""
    return float(np.mean(np.abs(np.diff(run.history.pay, axis=0)).sum(axis=1)) / 2)


def trust(run: Played) -> float:
    return run.history.trust()


def columns(runs: Mapping[Key, Played]) -> Sequence[Column]:
    return (
        Column("alpha", "g", [alpha for alpha, _ in runs]),
        Column("rounds to 90 %", "d", [rounds_to(0.9, alpha) for alpha, _ in runs]),
        Column("pages", "", [pages for _, pages in runs]),
        Column("validator trust", ".3f", [trust(run) for run in runs.values()]),
        Column("pay that moves a round", ".1%", [turnover(run) for run in runs.values()]),
    )


def evidence(runs: Mapping[Key, Played]) -> list[ClaimCheck]:
    shared, own = SEEDS
    usual, slow = 0.5, 0.95
    apart = trust(runs[0.0, own]) < trust(runs[0.0, shared]) - SEEN
    return [
        ClaimCheck(
            trust(runs[usual, shared]) > 0.999,
            f"With one seed for all validators agree whatever the average: trust "
            f"{trust(runs[usual, shared]):.3f}.",
        ),
        ClaimCheck(
            trust(runs[usual, own]) > 0.9,
            f"With pages of their own they {borne_out(apart, 'do not', 'do as well')}: trust is "
            f"{trust(runs[0.0, own]):.2f} without an average, "
            f"{trust(runs[usual, own]):.2f} at 0.5 and {trust(runs[slow, own]):.2f} at "
            f"0.95, where a new winner waits {rounds_to(0.9, slow)} rounds for 90 % of the pay.",
        ),
        ClaimCheck(
            turnover(runs[usual, shared]) < turnover(runs[0.0, shared]),
            f"With the average at 0.5 the pay that moves from round to round "
            f"{moved(turnover(runs[0.0, shared]), turnover(runs[usual, shared]), '.1%')}.",
        ),
    ]


def draw(figure: Drawing, runs: Mapping[Key, Played]) -> None:
    left, right = figure.subplots(1, 2)
    for axes, measure in ((left, trust), (right, turnover)):
        lines(
            axes,
            ALPHAS,
            {name: [measure(runs[alpha, name]) for alpha in ALPHAS] for name in SEEDS},
        )
        axes.set(xlabel="share that the past keeps (alpha)", ylim=(0, None))
    left.set(ylabel="validator trust", title="Agreement of five honest validators")
    left.legend(loc="lower right")
    right.set(ylabel="share of all pay", title="Pay that moves in a round")
    percent(right.yaxis)
