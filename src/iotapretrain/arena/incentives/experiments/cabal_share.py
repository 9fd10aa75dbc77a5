"""A cabal of validators against Yuma Consensus, by its share of the stake."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from iotapretrain.arena.incentives.experiment import Experiment, Finding, Report, Run
from iotapretrain.arena.incentives.experiments.crowd import improvers
from iotapretrain.arena.incentives.figure import GREY, line, percent
from iotapretrain.arena.incentives.strategies.absent import Absent
from iotapretrain.arena.incentives.table import Column, Table
from iotapretrain.arena.incentives.validators.cabal import Cabal
from iotapretrain.arena.incentives.validators.honest import Honest
from iotapretrain.arena.incentives.world import Miner, Validator, World

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHARES = (0.1, 0.2, 0.3, 0.4, 0.49, 0.5, 0.51, 0.6, 0.8)
HONEST = 4
STAKE = 1_000_000
SETTINGS = {
    "all its weight": (1.0, False),
    "a tenth of its weight": (0.1, False),
    "all its weight, honest ones on own pages": (1.0, True),
}

Key = tuple[str, float]


def worlds(models: int) -> Mapping[Key, World]:
    miners = (Miner(Absent(), 0), *improvers(models - 1))
    return {
        (name, share): World(miners, validators=panel(share, greed), own_pages=own_pages)
        for name, (greed, own_pages) in SETTINGS.items()
        for share in SHARES
    }


def panel(share: float, greed: float) -> tuple[Validator, ...]:
    """The cabal as one validator, since Yuma only counts stake, and the honest ones."""
    honest = Validator(Honest(), round(STAKE * (1 - share) / HONEST))
    return (*(honest,) * HONEST, Validator(Cabal(0, greed), round(STAKE * share)))


def loot(run: Run) -> float:
    """What miners' pay goes to the cabal's own hotkey, which has never published."""
    return run.earned(0)


def dividends(run: Run, share: float) -> float:
    """The cabal's dividends as a multiple of its share of the stake."""
    return float(np.mean(run.history.dividends[:, HONEST])) / share


def honest_trust(run: Run) -> float:
    """The trust of the honest validators, on average."""
    return float(np.mean(run.history.trusts[:, :HONEST]))


def report(runs: Mapping[Key, Run]) -> Report:
    first, *others = SETTINGS
    rows = [
        (
            share,
            loot(runs[first, share]),
            dividends(runs[first, share], share),
            float(np.mean(runs[first, share].history.trusts[:, HONEST])),
            honest_trust(runs[first, share]),
            *(loot(runs[name, share]) for name in others),
            honest_trust(runs[others[-1], share]),
        )
        for share in SHARES
    ]
    columns = (
        Column("stake", ".0%"),
        Column("loot", ".1%"),
        Column("dividends per stake", ".2f"),
        Column("trust of the cabal", ".2f"),
        Column("trust of the honest", ".2f"),
        Column("loot, a tenth of its weight", ".1%"),
        Column("loot, own pages", ".1%"),
        Column("trust of the honest, own pages", ".2f"),
    )
    return Report(Table(columns, rows), findings(runs))


def findings(runs: Mapping[Key, Run]) -> list[Finding]:
    open_, modest, scattered = SETTINGS
    below = max(share for share in SHARES if share < 0.5)
    least = SHARES[0]
    return [
        Finding(
            loot(runs[open_, below]) < 0.001,
            f"With {below:.0%} of the stake a cabal's own miner gets "
            f"{loot(runs[open_, below]):.1%}, and the cabal "
            f"{dividends(runs[open_, below], below):.2f} times the dividends of its stake.",
        ),
        Finding(
            None,
            f"With exactly half it gets {loot(runs[open_, 0.5]):.0%}, since kappa is just below "
            f"one half and the higher score wins; with 51 % {loot(runs[open_, 0.51]):.0%}.",
        ),
        Finding(
            loot(runs[modest, below]) < 0.001,
            f"Taking only a tenth is no better below half ({loot(runs[modest, below]):.1%} with "
            f"{below:.0%}), but keeps the cabal's own trust at "
            f"{np.mean(runs[modest, below].history.trusts[:, HONEST]):.2f}.",
        ),
        Finding(
            loot(runs[scattered, below]) < 0.001,
            f"Where honest validators draw pages of their own, {below:.0%} of the stake cannot "
            f"loot either ({loot(runs[scattered, below]):.1%}), but it can disturb: whoever is to "
            f"be paid then needs nearly all of the honest, and their trust falls from "
            f"{honest_trust(runs[scattered, least]):.2f} to "
            f"{honest_trust(runs[scattered, below]):.2f}.",
        ),
    ]


def draw(figure: Figure, runs: Mapping[Key, Run]) -> None:
    left, right = figure.subplots(1, 2)
    for place, name in enumerate(SETTINGS):
        line(left, place, list(SHARES), [loot(runs[name, share]) for share in SHARES], name)
        paid = [dividends(runs[name, share], share) for share in SHARES]
        line(right, place, list(SHARES), paid, name)
    left.set_ylabel("share of miners' pay")
    left.set_title("Pay of the cabal's own miner")
    percent(left.yaxis)
    right.axhline(1, color=GREY, linewidth=0.9, linestyle=":")
    right.set_ylabel("per share of stake")
    right.set_title("Dividends of the cabal")
    for axes in (left, right):
        axes.set_xlabel("stake of the cabal")
        axes.set_ylim(bottom=0)
        percent(axes.xaxis)
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3)


CABAL = Experiment(
    "cabal",
    "Below half of the stake a cabal cannot pay itself: Yuma clips its weights away.",
    "Four honest validators against one who gives its weight to a hotkey that never publishes; "
    "Yuma consensus with Yuma3 bonds, once a round.",
    worlds,
    report,
    draw,
    share=0.1,
)
