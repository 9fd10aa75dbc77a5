"""The lazy weight copier: what a validator earns who evaluates nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from iotapretrain.arena.incentives.experiment import Experiment, Finding, Report, Run
from iotapretrain.arena.incentives.experiments.crowd import improvers
from iotapretrain.arena.incentives.figure import GREY, line
from iotapretrain.arena.incentives.table import Column, Table
from iotapretrain.arena.incentives.validators.honest import Honest
from iotapretrain.arena.incentives.validators.weight_copier import WeightCopier
from iotapretrain.arena.incentives.world import Validator, World
from iotapretrain.rules.chain.hyperparameters import Hyperparameters

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LAGS = (0, 1, 2, 5, 10, 20)
HONEST = 4
BONDS = {
    "classic bonds": Hyperparameters(commit_reveal=False),
    "Yuma3": Hyperparameters(commit_reveal=False, yuma3=True),
    "Yuma3, liquid alpha": Hyperparameters(commit_reveal=False, yuma3=True, liquid_alpha=True),
}

Key = tuple[str, int]


def worlds(models: int) -> Mapping[Key, World]:
    crowd = improvers(models)
    return {
        (name, lag): World(
            crowd,
            validators=(Validator(Honest()),) * HONEST + (Validator(WeightCopier(lag)),),
            subnet=subnet,
        )
        for name, subnet in BONDS.items()
        for lag in LAGS
    }


def income(run: Run) -> float:
    """The copier's dividends as a multiple of an honest validator's."""
    dividends = run.history.dividends.mean(axis=0)
    return float(dividends[HONEST] / dividends[:HONEST].mean())


def trust(run: Run) -> float:
    return float(run.history.trusts[:, HONEST].mean())


def report(runs: Mapping[Key, Run]) -> Report:
    rows = [
        (lag, trust(runs["Yuma3", lag]), *(income(runs[name, lag]) for name in BONDS))
        for lag in LAGS
    ]
    columns = (
        Column("rounds behind", "d"),
        Column("trust", ".3f"),
        *(Column(f"income, {name}", ".3f") for name in BONDS),
    )
    return Report(Table(columns, rows), findings(runs))


def findings(runs: Mapping[Key, Run]) -> list[Finding]:
    liquid = list(BONDS)[-1]
    late = {name: income(runs[name, 1]) for name in BONDS}
    last = LAGS[-1]
    return [
        Finding(
            income(runs["Yuma3", 0]) < 0.99,
            f"Where weights are set in the open a copier earns {income(runs['Yuma3', 0]):.3f} of "
            f"what an honest validator of the same stake earns, with a trust of "
            f"{trust(runs['Yuma3', 0]):.3f}.",
        ),
        Finding(
            late["Yuma3"] < 0.9,
            f"Commit-reveal with one round of delay leaves it {late['Yuma3']:.3f}, with liquid "
            f"alpha {late[liquid]:.3f}: the champion of the last round is mostly that of this one.",
        ),
        Finding(
            income(runs["Yuma3", last]) < 0.9,
            f"Even {last} rounds behind it earns {income(runs['Yuma3', last]):.3f} "
            f"({income(runs[liquid, last]):.3f} with liquid alpha), at a trust of "
            f"{trust(runs['Yuma3', last]):.3f}.",
        ),
    ]


def draw(figure: Figure, runs: Mapping[Key, Run]) -> None:
    left, right = figure.subplots(1, 2)
    line(left, 1, list(LAGS), [trust(runs["Yuma3", lag]) for lag in LAGS], "any bonds")
    for place, name in enumerate(BONDS):
        line(right, place, list(LAGS), [income(runs[name, lag]) for lag in LAGS], name)
    for axes in (left, right):
        axes.set(xlabel="rounds that the copied weights are old")
        axes.set_ylim(0, 1.05)
        axes.axhline(1, color=GREY, linewidth=0.9, linestyle=":")
    left.set_ylabel("validator trust")
    left.set_title("Trust of the copier")
    right.set_ylabel("an honest validator = 1")
    right.set_title("Dividends of the copier")
    right.legend(loc="lower left")


WEIGHT_COPIER = Experiment(
    "weight-copier",
    "A validator who only copies weights earns less than one who evaluates.",
    "Four honest validators and a copier of equal stake. The copier sets the consensus of the "
    "weights that it can read: those of this round (0), or as old as commit-reveal keeps them.",
    worlds,
    report,
    draw,
    share=0.1,
)
