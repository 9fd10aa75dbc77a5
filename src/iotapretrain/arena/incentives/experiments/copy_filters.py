"""Whoever copies the champion earns nothing.

A third steady improvers, a third exact copiers of each new champion, a third copiers who add noise
that makes the copy worse by 0.01 % on average, and gives it another digest. "With memory" is one
score, before validators who admit a content from its first owner only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from iotapretrain.arena.incentives.experiment import (
    SEEN,
    ClaimCheck,
    Column,
    Played,
    borne_out,
)
from iotapretrain.arena.incentives.figure import BLUE, ORANGE, Drawing, legend_below, percent
from iotapretrain.arena.incentives.strategies import Copier, steady
from iotapretrain.arena.incentives.world import EPSILONS, SimulatedWorld, alike
from iotapretrain.rules.competition.tournament import MODES, RoundRules

WRITTEN = 0.0001
"""The least pay that shows."""
NAME, SHARE = "copies", 1.0

NOISE = 1e-4
NAMES = ("whitepaper", "release-4.5.0", "release-4.5.3", "champion", "score-level")
REMEMBERING = "with memory"
SETTINGS = {**{name: (name, False) for name in NAMES}, REMEMBERING: ("score-level", True)}
"""By label: the mode, and whether validators remember who was first."""

GROUPS = ("improvers", "exact copiers", "noisy copiers")

Key = tuple[str, str]


def worlds(models: int) -> Mapping[Key, SimulatedWorld]:
    third = models // 3
    crowd = alike(third, steady) + alike(third, Copier(), 0) + alike(third, Copier(NOISE), 0)
    return {
        (name, rule): SimulatedWorld(
            crowd, RoundRules(epsilon, MODES[mode]), remembering=remembering
        )
        for name, (mode, remembering) in SETTINGS.items()
        for rule, epsilon in EPSILONS.items()
    }


def pay(run: Played) -> dict[str, float]:
    """The share of all pay by group."""
    third = len(run.world.miners) // 3
    return {
        group: run.earned(*range(place * third, (place + 1) * third))
        for place, group in enumerate(GROUPS)
    }


def columns(runs: Mapping[Key, Played]) -> Sequence[Column]:
    paid = [pay(run) for run in runs.values()]
    shares = [run.history.winners_share() for run in runs.values()]
    return (
        Column("mode", "", [name for name, _ in runs]),
        Column("epsilon", "", [rule for _, rule in runs]),
        *(Column(f"pay of {group}", ".2%", [each[group] for each in paid]) for group in GROUPS),
        Column("winner's share", ".1%", shares),
    )


def evidence(runs: Mapping[Key, Played]) -> list[ClaimCheck]:
    usual, fast = list(EPSILONS)[1:]
    paid = {key: pay(run) for key, run in runs.items()}
    exact, noisy = GROUPS[1:]
    most = {
        group: max(paid["score-level", rule][group] for rule in EPSILONS)
        for group in (exact, noisy)
    }
    remembered = max(paid[REMEMBERING, rule][exact] for rule in EPSILONS)
    unfiltered = {
        name: sum(paid[name, fast][group] for group in (exact, noisy))
        for name in ("whitepaper", "release-4.5.0")
    }
    return [
        ClaimCheck(
            most[noisy] < 0.005,
            f"Under the strict rules all noisy copiers together earn at most {most[noisy]:.2%} of "
            "the pay, although their digests are their own"
            + borne_out(most[noisy] < 0.005, ": they are not better than an earlier model")
            + ".",
        ),
        ClaimCheck(
            remembered == 0,
            f"All exact copiers together earn {remembered:.2%} from validators who remember who "
            "committed to a content first, for ever, as ours do. A round alone, which knows the "
            f"digests of its own field only, pays them up to {most[exact]:.2%}"
            + borne_out(
                most[exact] >= WRITTEN,
                ": a copy outlives an original whose owner has committed anew",
            )
            + ".",
        ),
        ClaimCheck(
            paid["champion", usual][noisy] < 0.001,
            f"The succession of champions pays noisy copiers {paid['champion', usual][noisy]:.2%}"
            + borne_out(
                paid["champion", usual][noisy] >= WRITTEN,
                ": each model meets the champion alone, and where noise lets the original just "
                "miss, a luckier copy takes its place",
            )
            + ".",
        ),
        ClaimCheck(
            max(unfiltered.values()) < 0.01,
            f"Without a filter copiers take {unfiltered['release-4.5.0']:.1%} by one score and "
            f"{unfiltered['whitepaper']:.1%} per page under the fast decay"
            + borne_out(
                max(unfiltered.values()) >= SEEN,
                ": a copy loses to hardly anybody but its original, and the softmax pays the "
                "places below the first",
            )
            + ".",
        ),
    ]


def draw(figure: Drawing, runs: Mapping[Key, Played]) -> None:
    panels = figure.subplots(1, len(EPSILONS), sharey=True, sharex=True)
    places = np.arange(len(SETTINGS))
    for axes, rule in zip(panels, EPSILONS, strict=True):
        for offset, group, colour in ((-0.2, GROUPS[1], BLUE), (0.2, GROUPS[2], ORANGE)):
            widths = [pay(runs[name, rule])[group] for name in SETTINGS]
            axes.barh(places + offset, widths, height=0.36, color=colour, label=group)
        axes.set_title(rule)
        axes.grid(axis="y", visible=False)
        percent(axes.xaxis)
    panels[0].set_yticks(places, list(SETTINGS))
    panels[0].invert_yaxis()
    panels[1].set_xlabel("share of all pay, a third of the field each")
    legend_below(figure, panels[0], 2)
