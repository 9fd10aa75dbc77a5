"""An experiment: a claim about the rules, the worlds that test it, and what they say."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from inspect import cleandoc
from typing import Any, Protocol

from iotapretrain.arena.incentives.figure import Drawing
from iotapretrain.arena.incentives.round_history import RoundHistory
from iotapretrain.arena.incentives.simulation import simulate
from iotapretrain.arena.incentives.world import SimulatedWorld
from iotapretrain.errors import InputError

ROUNDS, SEED, MODELS = 2_000, 1, 30
"""What the page shows."""

SMALLEST_FIELD, FEWEST_ROUNDS = 6, 10
"""With fewer models some experiments lack a miner of some kind, with fewer rounds any change."""

Runs = Mapping[Any, "Played"]
"""What became of an experiment's worlds, by the keys that it gave them."""

Cell = str | int | float


@dataclass(frozen=True)
class Column:
    """A heading, how Python formats the numbers below it (`.1%` for example), and its cells."""

    name: str
    spec: str
    cells: Sequence[Cell]

    def texts(self) -> list[str]:
        """The cells for people; words stay as they are."""
        return [
            cell if isinstance(cell, str) else _spaced(format(cell, self.spec))
            for cell in self.cells
        ]


@dataclass(frozen=True)
class ClaimCheck:
    """What the numbers say. `holds` is whether they bear the claim out; None is beside the claim.

    Per cents are written as everywhere in the documentation, with a space.
    """

    holds: bool | None
    text: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", _spaced(self.text))

    @property
    def verdict(self) -> str:
        return "note" if self.holds is None else "holds" if self.holds else "fails"


@dataclass(frozen=True, eq=False)
class Played:
    """A world and what became of it."""

    world: SimulatedWorld
    history: RoundHistory

    def earned(self, *miners: int) -> float:
        """The share of all pay that went to these miners."""
        return self.history.earned([key for miner in miners for key in self.world.keys(miner)])


class Experiment(Protocol):
    """What a module of `experiments` has. Its docstring is the claim, and how that is set up.

    `worlds` makes the worlds for a field of so many models; each is played for SHARE of the rounds
    asked for. The others read what came out.
    """

    NAME: str
    SHARE: float

    def worlds(self, models: int) -> Mapping[Any, SimulatedWorld]: ...

    def columns(self, runs: Runs) -> Sequence[Column]: ...

    def evidence(self, runs: Runs) -> Sequence[ClaimCheck]: ...

    def draw(self, figure: Drawing, runs: Runs) -> None: ...


def claim_and_setup(experiment: Experiment) -> tuple[str, str]:
    """As the docstring says them, without its line breaks."""
    claim, _, setup = cleandoc(experiment.__doc__ or "").partition("\n\n")
    return " ".join(claim.split()), " ".join(setup.split())


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


def _spaced(text: str) -> str:
    """With a space between a number and its per cent sign."""
    return re.sub(r"(\d)%", r"\1 %", text)
