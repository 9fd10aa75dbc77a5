"""An experiment: a claim about the rules, the worlds that test it, and what they say."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from iotapretrain.arena.incentives.simulated_rounds import History
from iotapretrain.arena.incentives.simulation import simulate
from iotapretrain.arena.incentives.table import Table, spaced
from iotapretrain.arena.incentives.world import World
from iotapretrain.errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROUNDS, SEED, MODELS = 2_000, 1, 30
"""What the page shows."""

SMALLEST_FIELD, FEWEST_ROUNDS = 6, 10
"""With fewer models some experiments lack a miner of some kind, with fewer rounds any change."""

Key = TypeVar("Key", bound=Hashable)
Tick = Callable[[int], None]


@dataclass(frozen=True)
class Finding:
    """What the numbers say. `holds` is whether they bear the claim out; None is beside the claim.

    Per cents are written as everywhere in the documentation, with a space.
    """

    holds: bool | None
    text: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", spaced(self.text))

    @property
    def verdict(self) -> str:
        """One word."""
        return "note" if self.holds is None else "holds" if self.holds else "fails"


@dataclass(frozen=True, eq=False)
class Run:
    """A world and what became of it."""

    world: World
    history: History

    def earned(self, *miners: int) -> float:
        """The share of all pay that went to these miners."""
        return self.history.earned([key for miner in miners for key in self.world.keys(miner)])


@dataclass(frozen=True)
class Report:
    """What an experiment found."""

    table: Table
    findings: Sequence[Finding]


@dataclass(frozen=True)
class Experiment(Generic[Key]):
    """`worlds` makes the worlds for a field of so many models; each is played for `share` of the
    rounds asked for. `report` and `draw` read what came out.
    """

    name: str
    claim: str
    setup: str
    worlds: Callable[[int], Mapping[Key, World]]
    report: Callable[[Mapping[Key, Run]], Report]
    draw: Callable[[Figure, Mapping[Key, Run]], None]
    share: float = 1.0

    def rounds(self, asked: int) -> int:
        """How many rounds each world is played."""
        return max(round(asked * self.share), FEWEST_ROUNDS)


@dataclass(frozen=True, eq=False)
class Study:
    """An experiment that was made."""

    experiment: Experiment[Any]
    runs: Mapping[Any, Run]
    report: Report

    def draw(self, figure: Figure) -> None:
        """Fill a figure with what was found."""
        self.experiment.draw(figure, self.runs)

    def as_data(self) -> dict[str, Any]:
        """Claim, set-up, numbers and findings."""
        return {
            "experiment": self.experiment.name,
            "claim": self.experiment.claim,
            "setup": self.experiment.setup,
            "rows": self.report.table.as_data(),
            "findings": [{"holds": each.holds, "text": each.text} for each in self.report.findings],
        }


def conduct(
    experiment: Experiment[Any],
    models: int,
    rounds: int,
    seed: int,
    tick: Tick = lambda _: None,
) -> Study:
    """Play all worlds of an experiment and report; `tick` hears of every bundle of rounds."""
    if models < SMALLEST_FIELD:
        raise InputError(f"experiment: a field of {models}; give at least {SMALLEST_FIELD} models")
    played = experiment.rounds(rounds)
    runs = {
        key: Run(world, simulate(world, played, seed, tick))
        for key, world in experiment.worlds(models).items()
    }
    return Study(experiment, runs, experiment.report(runs))
