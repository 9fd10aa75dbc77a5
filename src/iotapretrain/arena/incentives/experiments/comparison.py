"""Wins per page make a round more robust than one score (whitepaper, eq. 3 to 5).

Steady improvers of skills from 0.5 to 1.5, 20 pages a round, page noise from 0.001 to 0.05. A
referee plays every round without noise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from iotapretrain.arena.incentives.experiment import ClaimCheck, Column, Played, borne_out, moved
from iotapretrain.arena.incentives.figure import Drawing, lines, log_ticks, percent
from iotapretrain.arena.incentives.world import LAST_SCHEDULED, SimulatedWorld, improvers
from iotapretrain.rules.competition.tournament import MODES, RoundRules

NAME, SHARE = "comparison", 0.25

NOISES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05)
COMPARED = ("score-level", "per-page", "whitepaper", "champion")

Key = tuple[str, float]


def worlds(models: int) -> Mapping[Key, SimulatedWorld]:
    crowd = improvers(models)
    return {
        (mode, noise): SimulatedWorld(
            crowd, RoundRules(LAST_SCHEDULED.epsilon, MODES[mode]), page_noise=noise, referee=True
        )
        for mode in COMPARED
        for noise in NOISES
    }


def behind(run: Played) -> float:
    """By which share the winner's true loss is above that of the best public model."""
    return float(np.mean(run.history.winner_loss / run.history.public - 1))


def columns(runs: Mapping[Key, Played]) -> Sequence[Column]:
    histories = [run.history for run in runs.values()]
    return (
        Column("mode", "", [mode for mode, _ in runs]),
        Column("noise of a page", "g", [noise for _, noise in runs]),
        Column("won by noise", ".1%", [each.undeserved() for each in histories]),
        Column("winner behind the best", ".3%", [behind(run) for run in runs.values()]),
        Column("winner's share", ".1%", [each.winners_share() for each in histories]),
        Column("crowns per 1,000 rounds", ".0f", [each.crowns_per_1000() for each in histories]),
    )


def evidence(runs: Mapping[Key, Played]) -> list[ClaimCheck]:
    usual, loud = 0.005, NOISES[-1]
    score, page, paper, champion = ({n: runs[mode, n].history for n in NOISES} for mode in COMPARED)
    return [
        ClaimCheck(
            page[usual].undeserved() < score[usual].undeserved(),
            f"At a page noise of {usual} one score is decided by noise in "
            f"{score[usual].undeserved():.0%} of the rounds, wins per page in "
            f"{page[usual].undeserved():.0%}; at {loud} in {score[loud].undeserved():.0%} and "
            f"{page[loud].undeserved():.0%}.",
        ),
        ClaimCheck(
            paper[loud].winners_share() > 0.9,
            f"Per page and without a filter the winner's share "
            f"{moved(paper[NOISES[0]].winners_share(), paper[loud].winners_share(), '.0%')} as "
            "pages get louder"
            + borne_out(
                paper[loud].winners_share() < paper[NOISES[0]].winners_share(),
                ": everybody wins some pages, and the softmax pays for that",
            )
            + ".",
        ),
        ClaimCheck(
            None,
            f"The succession of champions, which has no cycles and pays one winner only, is "
            f"decided by noise in {champion[usual].undeserved():.0%} of the rounds at {usual}, one "
            f"score in {score[usual].undeserved():.0%}.",
        ),
    ]


def draw(figure: Drawing, runs: Mapping[Key, Played]) -> None:
    left, right = figure.subplots(1, 2)
    found = {mode: [runs[mode, noise].history for noise in NOISES] for mode in COMPARED}
    undeserved = {mode: [each.undeserved() for each in line] for mode, line in found.items()}
    shares = {mode: [each.winners_share() for each in line] for mode, line in found.items()}
    for axes, curves in ((left, undeserved), (right, shares)):
        lines(axes, NOISES, curves)
        log_ticks(axes, NOISES)
        axes.set(xlabel="noise of one page", ylim=(0, None))
        percent(axes.yaxis)
    left.set(ylabel="share of rounds", title="Won by noise")
    right.set(ylabel="share of the round", title="What the winner gets")
    right.legend(loc="lower left")
