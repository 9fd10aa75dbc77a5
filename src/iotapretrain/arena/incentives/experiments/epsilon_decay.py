"""What epsilon and its decay do to progress and to who is paid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from iotapretrain.arena.incentives.experiment import Experiment, Finding, Report, Run
from iotapretrain.arena.incentives.experiments.crowd import improvers
from iotapretrain.arena.incentives.figure import BLUE, GREEN, ORANGE, percent
from iotapretrain.arena.incentives.table import Column, Table
from iotapretrain.arena.incentives.world import World
from iotapretrain.rules.competition.epsilon import Epsilon, Fixed, LinearDecay
from iotapretrain.rules.competition.tournament import RoundRules

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIXED = (0.0, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02)
DECAYS = {
    "0.5 % to 0.1 % in 7 days": LinearDecay(0.005, 0.001, 50_400),
    "0.5 % to 0.05 % in 7 days": LinearDecay(0.005, 0.0005, 50_400),
    "0.5 % to 0.01 % in 2 days": LinearDecay(0.005, 0.0001, 14_400),
}


def rules() -> dict[str, Epsilon]:
    """Every rule by its label."""
    fixed: dict[str, Epsilon] = {label(epsilon): Fixed(epsilon) for epsilon in FIXED}
    return fixed | DECAYS


def label(epsilon: float) -> str:
    return f"{100 * epsilon:g} %, fixed"


def worlds(models: int) -> Mapping[str, World]:
    crowd = improvers(models)
    return {
        name: World(crowd, RoundRules(epsilon), referee=True) for name, epsilon in rules().items()
    }


def best_half(run: Run) -> float:
    """What the more skilled half of the miners earned."""
    count = len(run.world.miners)
    return run.earned(*range(count // 2, count))


def report(runs: Mapping[str, Run]) -> Report:
    rows = [
        (
            name,
            run.history.improvement(),
            run.history.kept_back(),
            1000 * run.history.crowns() / len(run.history),
            run.history.undeserved(),
            best_half(run),
        )
        for name, run in runs.items()
    ]
    columns = (
        Column("epsilon"),
        Column("champion improved", ".1%"),
        Column("kept back", ".2%"),
        Column("crowns per 1,000 rounds", ".0f"),
        Column("won by noise", ".1%"),
        Column("pay of the better half", ".1%"),
    )
    table = Table(columns, rows)
    return Report(table, findings({str(row[0]): row for row in rows}))


def findings(rows: Mapping[str, tuple[str, float, float, float, float, float]]) -> list[Finding]:
    none, usual, large = (rows[label(epsilon)] for epsilon in (0.0, 0.005, FIXED[-1]))
    fast = rows[list(DECAYS)[-1]]
    return [
        Finding(
            none[4] > usual[4],
            f"Without epsilon noise names the winner in {none[4]:.0%} of the rounds and the better "
            f"half of the miners gets {none[5]:.0%} of the pay; with a fixed 0.5 % it is "
            f"{usual[4]:.0%} and {usual[5]:.0%}.",
        ),
        Finding(
            none[1] > usual[1] > large[1],
            f"The price is progress, because nobody can build on what is not published: the "
            f"champion improves by {none[1]:.0%} without epsilon, {usual[1]:.0%} at 0.5 % and "
            f"{large[1]:.0%} at 2 %. What is kept back is about half of epsilon.",
        ),
        Finding(
            None,
            f"Decay is better in both: to 0.01 % in two days noise decides {fast[4]:.0%} and the "
            f"champion improves by {fast[1]:.0%}. A challenger commits when it would just win; "
            "under a fixed epsilon that contest stays at the edge and every round tosses a coin, "
            "under decay it is soon settled.",
        ),
    ]


def draw(figure: Figure, runs: Mapping[str, Run]) -> None:
    places = list(range(len(runs)))
    progress, winners = figure.subplots(1, 2, sharey=True)
    histories = [run.history for run in runs.values()]
    progress.barh(places, [each.improvement() for each in histories], color=BLUE, height=0.6)
    progress.set_title("Progress of the champion")
    progress.set_xlabel("loss below the first champion's")
    winners.barh(places, [each.undeserved() for each in histories], color=ORANGE, height=0.6)
    winners.set_title("Rounds that noise decided")
    winners.set_xlabel("share of rounds")
    for place, name in enumerate(runs):
        if name in DECAYS:
            for axes in (progress, winners):
                axes.axhspan(place - 0.5, place + 0.5, color=GREEN, alpha=0.08, linewidth=0)
    for axes in (progress, winners):
        axes.grid(axis="y", visible=False)
        percent(axes.xaxis)
    progress.set_yticks(places, list(runs))
    progress.invert_yaxis()
    progress.set_xlim(0, 1.15 * float(np.max([each.improvement() for each in histories])))


EPSILON = Experiment(
    "epsilon",
    "Epsilon protects who was first; too small it pays luck, too large it stops progress.",
    "Steady improvers of skills from 0.5 to 1.5 under fixed epsilons and under the decays of "
    "three schedules of the public network. A referee plays every round without noise.",
    worlds,
    report,
    draw,
)
