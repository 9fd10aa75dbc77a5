"""Below half of the stake a cabal cannot pay itself: Yuma clips its weights away.

Four honest validators against one who gives its weight to a hotkey that never publishes; Yuma
consensus with Yuma3 bonds, once a round.
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
    moved,
)
from iotapretrain.arena.incentives.figure import Drawing, legend_below, level, lines, percent
from iotapretrain.arena.incentives.strategies import absent
from iotapretrain.arena.incentives.validator_behaviours import Cabal, Honest
from iotapretrain.arena.incentives.world import Miner, SimulatedValidator, SimulatedWorld, improvers

NAME, SHARE = "cabal", 0.1

SHARES = (0.1, 0.2, 0.3, 0.4, 0.49, 0.5, 0.51, 0.6, 0.8)
HONEST = 4
STAKE = 1_000_000
SETTINGS = {
    "all its weight": (1.0, False),
    "a tenth of its weight": (0.1, False),
    "all its weight, honest ones on own pages": (1.0, True),
}

Key = tuple[str, float]


def worlds(models: int) -> Mapping[Key, SimulatedWorld]:
    miners = (Miner(absent, 0), *improvers(models - 1))
    return {
        (name, share): SimulatedWorld(miners, validators=panel(share, greed), own_pages=own_pages)
        for name, (greed, own_pages) in SETTINGS.items()
        for share in SHARES
    }


def panel(share: float, greed: float) -> tuple[SimulatedValidator, ...]:
    """The cabal as one validator, since Yuma only counts stake, and the honest ones."""
    honest = SimulatedValidator(Honest(), round(STAKE * (1 - share) / HONEST))
    return (*(honest,) * HONEST, SimulatedValidator(Cabal(0, greed), round(STAKE * share)))


def loot(run: Played) -> float:
    """What miners' pay goes to the cabal's own hotkey, which has never published."""
    return run.earned(0)


def dividends(run: Played, share: float) -> float:
    """The cabal's dividends as a multiple of its share of the stake."""
    return float(np.mean(run.history.dividends[:, HONEST])) / share


def columns(runs: Mapping[Key, Played]) -> Sequence[Column]:
    greedy, modest, scattered = ([runs[name, share] for share in SHARES] for name in SETTINGS)
    paid = [dividends(run, share) for run, share in zip(greedy, SHARES, strict=True)]
    return (
        Column("stake", ".0%", SHARES),
        Column("loot", ".1%", [loot(run) for run in greedy]),
        Column("dividends per stake", ".2f", paid),
        Column("trust of the cabal", ".2f", [run.history.trust(HONEST) for run in greedy]),
        Column("trust of the honest", ".2f", [run.history.trust(slice(HONEST)) for run in greedy]),
        Column("loot, a tenth of its weight", ".1%", [loot(run) for run in modest]),
        Column("loot, own pages", ".1%", [loot(run) for run in scattered]),
        Column(
            "trust of the honest, own pages",
            ".2f",
            [run.history.trust(slice(HONEST)) for run in scattered],
        ),
    )


def evidence(runs: Mapping[Key, Played]) -> list[ClaimCheck]:
    open_, modest, scattered = SETTINGS
    below = max(share for share in SHARES if share < 0.5)
    calm, disturbed = (
        runs[scattered, share].history.trust(slice(HONEST)) for share in (SHARES[0], below)
    )
    return [
        ClaimCheck(
            loot(runs[open_, below]) < 0.001,
            f"With {below:.0%} of the stake a cabal's own miner gets "
            f"{loot(runs[open_, below]):.1%}, and the cabal "
            f"{dividends(runs[open_, below], below):.2f} times the dividends of its stake.",
        ),
        ClaimCheck(
            None,
            f"With exactly half it gets {loot(runs[open_, 0.5]):.0%}, since kappa is just below "
            f"one half and the higher score wins; with 51 % {loot(runs[open_, 0.51]):.0%}.",
        ),
        ClaimCheck(
            loot(runs[modest, below]) < 0.001,
            f"Taking only a tenth is no better below half ({loot(runs[modest, below]):.1%} with "
            f"{below:.0%}), but keeps the cabal's own trust at "
            f"{runs[modest, below].history.trust(HONEST):.2f}.",
        ),
        ClaimCheck(
            loot(runs[scattered, below]) < 0.001,
            f"Where honest validators draw pages of their own, {below:.0%} of the stake cannot "
            f"loot either ({loot(runs[scattered, below]):.1%}), "
            + borne_out(
                calm - disturbed >= SEEN,
                "but it can disturb: whoever is to be paid then needs nearly all of the honest, "
                "and their trust ",
                "and here it does not disturb: the trust of the honest ",
            )
            + f"{moved(calm, disturbed, '.2f')}.",
        ),
    ]


def draw(figure: Drawing, runs: Mapping[Key, Played]) -> None:
    left, right = figure.subplots(1, 2)
    looted = {name: [loot(runs[name, share]) for share in SHARES] for name in SETTINGS}
    lines(left, SHARES, looted)
    left.set(ylabel="share of miners' pay", title="Pay of the cabal's own miner")
    percent(left.yaxis)
    paid = {name: [dividends(runs[name, share], share) for share in SHARES] for name in SETTINGS}
    lines(right, SHARES, paid)
    level(right, 1)
    right.set(ylabel="per share of stake", title="Dividends of the cabal")
    for axes in (left, right):
        axes.set(xlabel="stake of the cabal", ylim=(0, None))
        percent(axes.xaxis)
    legend_below(figure, left, 3)
