"""An experiment: a claim about the rules, the worlds that test it, and what they say."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from inspect import cleandoc
from typing import Any, Protocol

from iotapretrain.arena.incentives.figure import Drawing
from iotapretrain.arena.incentives.round_history import RoundHistory
from iotapretrain.arena.incentives.world import SimulatedWorld

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


SEEN = 0.01
"""A difference that shows in what is written."""


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


def moved(before: float, after: float, form: str) -> str:
    """Where a number went, as far as it shows in the numbers that are written."""
    first, last = format(before, form), format(after, form)
    if first == last:
        return f"stays at {first}"
    return f"{'falls' if after < before else 'rises'} from {first} to {last}"


def borne_out(by_numbers: bool, remark: str, otherwise: str = "") -> str:
    """A remark that stands only where the numbers say so."""
    return remark if by_numbers else otherwise


def _spaced(text: str) -> str:
    """With a space between a number and its per cent sign."""
    return re.sub(r"(\d)%", r"\1 %", text)
