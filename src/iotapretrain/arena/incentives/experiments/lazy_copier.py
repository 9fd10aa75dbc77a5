"""A validator who only copies weights earns less than one who evaluates.

Four honest validators and a copier of equal stake. The copier sets the consensus of the weights
that it can read: those of this round (0), or as old as commit-reveal keeps them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from iotapretrain.arena.incentives.experiment import ClaimCheck, Column, Played, borne_out
from iotapretrain.arena.incentives.figure import Drawing, level, lines
from iotapretrain.arena.incentives.validator_behaviours import Honest, WeightCopier
from iotapretrain.arena.incentives.world import SimulatedValidator, SimulatedWorld, improvers
from iotapretrain.rules.chain.hyperparameters import Hyperparameters

NAME, SHARE = "weight-copier", 0.1

LAGS = (0, 1, 2, 5, 10, 20)
HONEST = 4
BONDS = {
    "classic bonds": Hyperparameters(commit_reveal=False),
    "Yuma3": Hyperparameters(commit_reveal=False, yuma3=True),
    "Yuma3, liquid alpha": Hyperparameters(commit_reveal=False, yuma3=True, liquid_alpha=True),
}

Key = tuple[str, int]


def worlds(models: int) -> Mapping[Key, SimulatedWorld]:
    crowd = improvers(models)
    return {
        (name, lag): SimulatedWorld(
            crowd,
            validators=(SimulatedValidator(Honest()),) * HONEST
            + (SimulatedValidator(WeightCopier(lag)),),
            subnet=subnet,
        )
        for name, subnet in BONDS.items()
        for lag in LAGS
    }


def income(run: Played) -> float:
    """The copier's dividends as a multiple of an honest validator's."""
    dividends = run.history.dividends.mean(axis=0)
    return float(dividends[HONEST] / dividends[:HONEST].mean())


def incomes(runs: Mapping[Key, Played]) -> dict[str, list[float]]:
    return {name: [income(runs[name, lag]) for lag in LAGS] for name in BONDS}


def trusts(runs: Mapping[Key, Played]) -> list[float]:
    """Its trust by lag, whatever the bonds."""
    return [runs["Yuma3", lag].history.trust(HONEST) for lag in LAGS]


def columns(runs: Mapping[Key, Played]) -> Sequence[Column]:
    return (
        Column("rounds behind", "d", LAGS),
        Column("trust", ".3f", trusts(runs)),
        *(Column(f"income, {name}", ".3f", found) for name, found in incomes(runs).items()),
    )


def evidence(runs: Mapping[Key, Played]) -> list[ClaimCheck]:
    liquid = list(BONDS)[-1]
    late = {name: income(runs[name, 1]) for name in BONDS}
    last, trust = LAGS[-1], trusts(runs)
    return [
        ClaimCheck(
            income(runs["Yuma3", 0]) < 0.99,
            f"Where weights are set in the open a copier earns {income(runs['Yuma3', 0]):.3f} of "
            f"what an honest validator of the same stake earns, with a trust of "
            f"{trust[0]:.3f}.",
        ),
        ClaimCheck(
            late["Yuma3"] < 0.9,
            f"Commit-reveal with one round of delay leaves it {late['Yuma3']:.3f}, with liquid "
            f"alpha {late[liquid]:.3f}"
            + borne_out(
                late["Yuma3"] > 0.5, ": the champion of the last round is mostly that of this one"
            )
            + ".",
        ),
        ClaimCheck(
            income(runs["Yuma3", last]) < 0.9,
            f"Even {last} rounds behind it earns {income(runs['Yuma3', last]):.3f} "
            f"({income(runs[liquid, last]):.3f} with liquid alpha), at a trust of "
            f"{trust[-1]:.3f}.",
        ),
    ]


def draw(figure: Drawing, runs: Mapping[Key, Played]) -> None:
    left, right = figure.subplots(1, 2)
    lines(left, LAGS, {"any bonds": trusts(runs)}, first=1)
    lines(right, LAGS, incomes(runs))
    for axes in (left, right):
        axes.set(xlabel="rounds that the copied weights are old", ylim=(0, 1.05))
        level(axes, 1)
    left.set(ylabel="validator trust", title="Trust of the copier")
    right.set(ylabel="an honest validator = 1", title="Dividends of the copier")
    right.legend(loc="lower left")
