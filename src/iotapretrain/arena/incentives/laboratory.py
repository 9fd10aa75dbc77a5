"""The laboratory: all experiments, how one is conducted, and the study that comes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from iotapretrain.arena.incentives.experiment import (
    ClaimCheck,
    Column,
    Experiment,
    Played,
    Runs,
    claim_and_setup,
)
from iotapretrain.arena.incentives.experiments import (
    average,
    cabal_share,
    comparison,
    copy_filters,
    epsilon_decay,
    hoarding,
    lazy_copier,
    sybil_gain,
    temperature,
)
from iotapretrain.arena.incentives.figure import Drawing
from iotapretrain.arena.incentives.simulation import simulate
from iotapretrain.errors import InputError

ROUNDS, SEED, MODELS = 2_000, 1, 30
"""What the page shows."""

SMALLEST_FIELD, FEWEST_ROUNDS = 6, 10
"""With fewer models some experiments lack a miner of some kind, with fewer rounds any change."""

EXPERIMENTS: tuple[Experiment, ...] = (
    temperature,
    epsilon_decay,
    hoarding,
    comparison,
    copy_filters,
    sybil_gain,
    average,
    cabal_share,
    lazy_copier,
)
"""In the order in which the page tells them."""


def chosen(names: Sequence[str]) -> list[Experiment]:
    """The experiments of these names, in their order; all of them for no name."""
    known = {each.NAME: each for each in EXPERIMENTS}
    for name in names:
        if name not in known:
            raise InputError(f"experiment: no {name!r}; there are {', '.join(known)}")
    return [known[name] for name in names or known]


def rounds_of_world(experiment: Experiment, asked: int) -> int:
    """How many rounds each world is played."""
    return max(round(asked * experiment.SHARE), FEWEST_ROUNDS)


@dataclass(frozen=True, eq=False)
class Study:
    """An experiment that was made, its table, and what that says."""

    experiment: Experiment
    runs: Runs
    columns: Sequence[Column]
    evidence: Sequence[ClaimCheck]

    def draw(self, figure: Drawing) -> None:
        self.experiment.draw(figure, self.runs)

    def texts(self) -> list[tuple[str, ...]]:
        return list(zip(*(column.texts() for column in self.columns), strict=True))

    def as_data(self) -> dict[str, Any]:
        claim, setup = claim_and_setup(self.experiment)
        names = [column.name for column in self.columns]
        rows = zip(*(column.cells for column in self.columns), strict=True)
        return {
            "experiment": self.experiment.NAME,
            "claim": claim,
            "setup": setup,
            "rows": [dict(zip(names, row, strict=True)) for row in rows],
            "findings": [{"holds": each.holds, "text": each.text} for each in self.evidence],
        }

    def as_markdown(self) -> str:
        """A section of a page, so that no number in the documentation is typed by hand."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        claim, setup = claim_and_setup(self.experiment)
        rounds = len(next(iter(self.runs.values())).history)
        yield f"**Claim.** {claim}\n"
        yield f"![{claim}](img/incentives/{self.experiment.NAME}.png)\n"
        yield f"*Set-up.* {setup} {len(self.runs)} worlds of {rounds:,} rounds.\n"
        yield from (f"* **{each.verdict.capitalize()}.** {each.text}" for each in self.evidence)
        yield ""
        names = tuple(column.name for column in self.columns)
        for row in (names, ("---",) * len(names), *self.texts()):
            yield f"| {' | '.join(row)} |"


def conduct(
    experiment: Experiment,
    models: int,
    rounds: int,
    seed: int,
    tick: Callable[[int], None] = lambda _: None,
) -> Study:
    """Play all worlds of an experiment and report; `tick` hears of every bundle of rounds."""
    if models < SMALLEST_FIELD:
        raise InputError(f"experiment: a field of {models}; give at least {SMALLEST_FIELD} models")
    played = rounds_of_world(experiment, rounds)
    runs = {
        key: Played(world, simulate(world, played, seed, tick))
        for key, world in experiment.worlds(models).items()
    }
    return Study(experiment, runs, experiment.columns(runs), experiment.evidence(runs))
