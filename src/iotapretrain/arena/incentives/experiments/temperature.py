"""At T = 0.01 the best model gets about 96 % of the weight (whitepaper, eq. 6).

The softmax over win rates of a strictly ordered field, computed; and fields of steady improvers,
played at T = 0.01 with and without the filter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from iotapretrain.arena.incentives.experiment import SEEN, ClaimCheck, Column, Played, borne_out
from iotapretrain.arena.incentives.figure import (
    COLOURS,
    GREY,
    INK,
    Drawing,
    level,
    log_ticks,
    percent,
)
from iotapretrain.arena.incentives.world import LAST_SCHEDULED, SimulatedWorld, improvers
from iotapretrain.rules.competition.epsilon import Fixed
from iotapretrain.rules.competition.tournament import (
    RELEASE_4_5_0,
    REQUIRED,
    RoundRules,
    best_share,
)

NAME, SHARE = "temperature", 0.25

TOLD, NEAR = 0.96, 0.01
USUAL, IN_RANKS = 0.01, 0.3
SIZES = (2, 5, 10, 20, 30, 50, 100, 256)
FILTERS = {"no filter": RELEASE_4_5_0, "strict filter": REQUIRED}

Key = tuple[int, str]


def worlds(models: int) -> Mapping[Key, SimulatedWorld]:
    epsilon = LAST_SCHEDULED.epsilon
    return {
        (size, name): SimulatedWorld(improvers(size), RoundRules(epsilon, mode))
        for size in (max(models // 3, 2), models, 3 * models)
        for name, mode in FILTERS.items()
    }


def in_ranks(models: int) -> float:
    """The best one's share where the temperature counts in ranks."""
    rules = RoundRules(Fixed(0.0), temperature=IN_RANKS, temperature_in_ranks=True)
    return best_share(models, rules.temperature_for(models))


def inside(run: Played) -> float:
    """How many models the filter lets share, on average."""
    return float(np.mean(run.history.inside))


def columns(runs: Mapping[Key, Played]) -> Sequence[Column]:
    """What is computed for ordered fields, and below it what was played."""
    unknown = [""] * len(runs)
    sizes = [size for size, _ in runs]
    fields = ["ordered field"] * len(SIZES) + [f"simulated, {name}" for _, name in runs]
    counts = [*map(float, SIZES), *map(inside, runs.values())]
    shares = [run.history.winners_share() for run in runs.values()]
    return (
        Column("field", "", fields),
        Column("models", "", [*SIZES, *sizes]),
        Column("inside the filter", ".1f", counts),
        Column("best at T = 0.01", ".3f", [*(best_share(n, 0.01) for n in SIZES), *shares]),
        Column("at T = 0.03", ".3f", [*(best_share(n, 0.03) for n in SIZES), *unknown]),
        Column("at T = 0.3 ranks", ".3f", [*map(in_ranks, SIZES), *unknown]),
    )


def evidence(runs: Mapping[Key, Played]) -> list[ClaimCheck]:
    fitting = [n for n in range(2, 257) if abs(best_share(n, USUAL) - TOLD) <= NEAR]
    largest = max(size for size, _ in runs)
    open_field, filtered = (runs[largest, name] for name in FILTERS)
    return [
        ClaimCheck(
            False,
            f"In an ordered field the best gets {TOLD:.0%} give or take a point only with "
            f"{fitting[0]} to {fitting[-1]} models; with 10 it gets "
            f"{best_share(10, USUAL):.1%}, with 256 {best_share(256, USUAL):.1%}.",
        ),
        ClaimCheck(
            None,
            f"A temperature of {IN_RANKS} ranks gives it {in_ranks(256):.1%} to "
            f"{in_ranks(2):.1%}, whatever the field.",
        ),
        ClaimCheck(
            None,
            f"In play, with {largest} models, the winner gets "
            f"{open_field.history.winners_share():.1%} without a filter and "
            f"{filtered.history.winners_share():.1%} with the strict one, which lets only "
            f"{inside(filtered):.1f} models share."
            + borne_out(
                filtered.history.winners_share() > open_field.history.winners_share() + SEEN,
                " So it is the filter, not T, that makes the winner take nearly all.",
            ),
        ),
    ]


def draw(figure: Drawing, runs: Mapping[Key, Played]) -> None:
    axes = figure.subplots()
    fields = range(2, 257)
    for place, temperature in enumerate((0.003, 0.01, 0.03)):
        shares = [best_share(n, temperature) for n in fields]
        axes.plot(fields, shares, color=COLOURS[place], label=f"T = {temperature}")
    axes.plot(fields, [in_ranks(n) for n in fields], color=COLOURS[3], label="T = 0.3 ranks")
    for marker, name in zip(("o", "D"), FILTERS, strict=True):
        sizes = [size for size, filtered in runs if filtered == name]
        shares = [runs[size, name].history.winners_share() for size in sizes]
        axes.plot(sizes, shares, marker, color=INK, label=f"simulated, {name}")
    level(axes, TOLD)
    axes.text(2.1, TOLD - 0.015, "96 %", color=GREY, va="top")
    log_ticks(axes, SIZES)
    axes.set(xlabel="models in the field", ylabel="share of the best", ylim=(0, 1.03))
    percent(axes.yaxis)
    axes.set_title("What the best model gets of a round")
    axes.legend(loc="lower left", ncols=2)
