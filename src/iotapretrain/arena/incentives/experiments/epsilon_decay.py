"""Epsilon protects who was first; too small it pays luck, too large it stops progress.

Steady improvers of skills from 0.5 to 1.5 under fixed epsilons and under the decays of three
schedules of the public network. A referee plays every round without noise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from iotapretrain.arena.incentives.experiment import ClaimCheck, Column, Played, borne_out
from iotapretrain.arena.incentives.figure import BLUE, GREEN, ORANGE, Drawing, percent
from iotapretrain.arena.incentives.world import SimulatedWorld, improvers
from iotapretrain.rules.competition.epsilon import Epsilon, Fixed, LinearDecay
from iotapretrain.rules.competition.tournament import RoundRules

NAME, SHARE = "epsilon", 1.0

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


def worlds(models: int) -> Mapping[str, SimulatedWorld]:
    crowd = improvers(models)
    return {
        name: SimulatedWorld(crowd, RoundRules(epsilon), referee=True)
        for name, epsilon in rules().items()
    }


def best_half(run: Played) -> float:
    """What the more skilled half of the miners earned."""
    count = len(run.world.miners)
    return run.earned(*range(count // 2, count))


def columns(runs: Mapping[str, Played]) -> Sequence[Column]:
    histories = [run.history for run in runs.values()]
    return (
        Column("epsilon", "", list(runs)),
        Column("champion improved", ".1%", [each.improvement() for each in histories]),
        Column("kept back", ".2%", [each.kept_back() for each in histories]),
        Column("crowns per 1,000 rounds", ".0f", [each.crowns_per_1000() for each in histories]),
        Column("won by noise", ".1%", [each.undeserved() for each in histories]),
        Column("pay of the better half", ".1%", [best_half(run) for run in runs.values()]),
    )


def evidence(runs: Mapping[str, Played]) -> list[ClaimCheck]:
    none, usual, large = (runs[label(epsilon)] for epsilon in (0.0, 0.005, FIXED[-1]))
    fast = runs[list(DECAYS)[-1]].history
    by_noise = [each.history.undeserved() for each in (none, usual)]
    improved = [each.history.improvement() for each in (none, usual, large)]
    return [
        ClaimCheck(
            by_noise[0] > by_noise[1],
            f"Without epsilon noise names the winner in {by_noise[0]:.0%} of the rounds and the "
            f"better half of the miners gets {best_half(none):.0%} of the pay; with a fixed "
            f"0.5 % it is {by_noise[1]:.0%} and {best_half(usual):.0%}.",
        ),
        ClaimCheck(
            improved[0] > improved[1] > improved[2],
            "The price is progress, because nobody can build on what is not published: the "
            f"champion improves by {improved[0]:.0%} without epsilon, {improved[1]:.0%} at 0.5 % "
            f"and {improved[2]:.0%} at 2 %. What is kept back is about half of epsilon.",
        ),
        ClaimCheck(
            None,
            borne_out(
                fast.undeserved() < by_noise[1] and fast.improvement() > improved[1],
                "Decay is better in both: to",
                "Decay is not better in both here: to",
            )
            + f" 0.01 % in two days noise decides {fast.undeserved():.0%} and the champion "
            f"improves by {fast.improvement():.0%}. "
            "A challenger commits when it would just win; under a fixed epsilon that contest stays "
            "at the edge and every round tosses a coin, under decay it is soon settled.",
        ),
    ]


def draw(figure: Drawing, runs: Mapping[str, Played]) -> None:
    places = list(range(len(runs)))
    progress, winners = figure.subplots(1, 2, sharey=True)
    improved = [run.history.improvement() for run in runs.values()]
    undeserved = [run.history.undeserved() for run in runs.values()]
    progress.barh(places, improved, color=BLUE, height=0.6)
    progress.set(title="Progress of the champion", xlabel="loss below the first champion's")
    winners.barh(places, undeserved, color=ORANGE, height=0.6)
    winners.set(title="Rounds that noise decided", xlabel="share of rounds")
    for place, name in enumerate(runs):
        if name in DECAYS:
            for axes in (progress, winners):
                axes.axhspan(place - 0.5, place + 0.5, color=GREEN, alpha=0.08, linewidth=0)
    for axes in (progress, winners):
        axes.grid(axis="y", visible=False)
        percent(axes.xaxis)
    progress.set_yticks(places, list(runs))
    progress.invert_yaxis()
    progress.set_xlim(0, 1.15 * max(improved))
