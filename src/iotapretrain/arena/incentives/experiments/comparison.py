"""Wins per page, wins by one score, or a succession of champions: whom does noise hurt?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from iotapretrain.arena.incentives.experiment import Experiment, Finding, Report, Run
from iotapretrain.arena.incentives.experiments.crowd import improvers
from iotapretrain.arena.incentives.figure import line, percent
from iotapretrain.arena.incentives.table import Column, Table
from iotapretrain.arena.incentives.world import LAST_SCHEDULED, World
from iotapretrain.rules.competition.tournament import MODES, RoundRules

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NOISES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05)
COMPARED = ("score-level", "per-page", "whitepaper", "champion")

Key = tuple[str, float]


def worlds(models: int) -> Mapping[Key, World]:
    crowd = improvers(models)
    return {
        (mode, noise): World(
            crowd, RoundRules(LAST_SCHEDULED.epsilon, MODES[mode]), page_noise=noise, referee=True
        )
        for mode in COMPARED
        for noise in NOISES
    }


def behind(run: Run) -> float:
    """By which share the winner's true loss is above that of the best public model."""
    return float(np.mean(run.history.winner_loss / run.history.public - 1))


def report(runs: Mapping[Key, Run]) -> Report:
    rows = [
        (
            mode,
            noise,
            run.history.undeserved(),
            behind(run),
            float(np.mean(run.history.share)),
            1000 * run.history.crowns() / len(run.history),
        )
        for (mode, noise), run in runs.items()
    ]
    columns = (
        Column("mode"),
        Column("noise of a page", "g"),
        Column("won by noise", ".1%"),
        Column("winner behind the best", ".3%"),
        Column("winner's share", ".1%"),
        Column("crowns per 1,000 rounds", ".0f"),
    )
    return Report(Table(columns, rows), findings(runs))


def findings(runs: Mapping[Key, Run]) -> list[Finding]:
    usual, loud = 0.005, NOISES[-1]
    score, page, paper, champion = ({n: runs[mode, n].history for n in NOISES} for mode in COMPARED)
    return [
        Finding(
            page[usual].undeserved() < score[usual].undeserved(),
            f"At a page noise of {usual} one score is decided by noise in "
            f"{score[usual].undeserved():.0%} of the rounds, wins per page in "
            f"{page[usual].undeserved():.0%}; at {loud} in {score[loud].undeserved():.0%} and "
            f"{page[loud].undeserved():.0%}.",
        ),
        Finding(
            float(np.mean(paper[loud].share)) > 0.9,
            f"Per page and without a filter the winner's share falls from "
            f"{np.mean(paper[NOISES[0]].share):.0%} to {np.mean(paper[loud].share):.0%} as pages "
            "get louder: everybody wins some pages, and the softmax pays for that.",
        ),
        Finding(
            None,
            f"The succession of champions, which has no cycles and pays one winner only, is "
            f"decided by noise in {champion[usual].undeserved():.0%} of the rounds at {usual}, "
            "hardly less than one score.",
        ),
    ]


def draw(figure: Figure, runs: Mapping[Key, Run]) -> None:
    left, right = figure.subplots(1, 2)
    for place, mode in enumerate(COMPARED):
        histories = [runs[mode, noise].history for noise in NOISES]
        line(left, place, list(NOISES), [each.undeserved() for each in histories], mode)
        shares = [float(np.mean(each.share)) for each in histories]
        line(right, place, list(NOISES), shares, mode)
    for axes in (left, right):
        axes.set(xscale="log", xlabel="noise of one page")
        axes.set_xticks(NOISES, [f"{noise:g}" for noise in NOISES])
        axes.minorticks_off()
        axes.set_ylim(bottom=0)
        percent(axes.yaxis)
    left.set_ylabel("share of rounds")
    left.set_title("Won by noise")
    right.set_ylabel("share of the round")
    right.set_title("What the winner gets")
    right.legend(loc="lower left")


COMPARISON = Experiment(
    "comparison",
    "Wins per page make a round more robust than one score (whitepaper, eq. 3 to 5).",
    "Steady improvers of skills from 0.5 to 1.5, 20 pages a round, page noise from 0.001 to 0.05. "
    "A referee plays every round without noise.",
    worlds,
    report,
    draw,
    share=0.25,
)
