"""The world that a simulation plays in: who takes part, and what all of them share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from iotapretrain.arena.incentives.strategies import Strategy, steady
from iotapretrain.arena.incentives.validator_behaviours import WeightBehaviour
from iotapretrain.errors import InputError
from iotapretrain.rules.chain.hyperparameters import Hyperparameters
from iotapretrain.rules.competition.epsilon import Epsilon, Fixed, LinearDecay
from iotapretrain.rules.competition.standings import ALPHA
from iotapretrain.rules.competition.tournament import RoundRules

LAST_SCHEDULED = RoundRules(LinearDecay(0.005, 0.0005, 50_400))
"""Epsilon as the last text-only schedule of the public network had it for 3B models."""

EPSILONS: Mapping[str, Epsilon] = {
    "fixed 0.5 %": Fixed(0.005),
    "to 0.05 % in 7 days": LAST_SCHEDULED.epsilon,
    "to 0.01 % in 2 days": LinearDecay(0.005, 0.0001, 14_400),
}
"""Fixed, and under the decays of two schedules of the public network, by what figures say."""


@dataclass(frozen=True)
class Miner:
    """One owner: its strategy, its skill as a trainer (0 never trains), and how many hotkeys."""

    strategy: Strategy
    skill: float = 1.0
    hotkeys: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.skill <= 100:
            raise InputError(f"miner: the skill is {self.skill}; give a number from 0 to 100")
        if self.hotkeys < 1:
            raise InputError(f"miner: {self.hotkeys} hotkeys; give at least 1")


def improvers(count: int) -> tuple[Miner, ...]:
    """Steady improvers whose skills are spread evenly from a half to one and a half."""
    return tuple(Miner(steady, float(skill)) for skill in np.linspace(0.5, 1.5, count))


def alike(count: int, strategy: Strategy, skill: float = 1.0) -> tuple[Miner, ...]:
    """Miners who differ in nothing but their luck."""
    return (Miner(strategy, skill),) * count


@dataclass(frozen=True)
class SimulatedValidator:
    """Its behaviour and its stake, in whole units."""

    behaviour: WeightBehaviour
    stake: int = 1_000

    def __post_init__(self) -> None:
        if self.stake < 1:
            raise InputError(f"validator: a stake of {self.stake}; give a whole number above 0")


@dataclass(frozen=True)
class SimulatedWorld:
    """Everything that decides a simulation but its seed and its length.

    A round is one tempo of `blocks`. In each, a miner of skill 1 makes the best model that it can
    get hold of better by `progress` on average, exponentially distributed. A model's loss on one
    page differs from its true loss by `page_noise`, which copies share. Without validators there is
    one who evaluates, and miners are paid what its standings say; with them Yuma pays. On
    `own_pages` each validator draws pages of its own. Validators who are `remembering` admit a
    content from its first owner only, for ever. A `referee` also plays every round without noise,
    to say who deserved it.
    """

    miners: tuple[Miner, ...]
    rules: RoundRules = LAST_SCHEDULED
    alpha: float = ALPHA
    validators: tuple[SimulatedValidator, ...] = ()
    own_pages: bool = False
    subnet: Hyperparameters = field(
        default_factory=lambda: Hyperparameters(yuma3=True, commit_reveal=False)
    )
    pages: int = 20
    page_noise: float = 0.005
    progress: float = 1e-4
    blocks: int = 360
    remembering: bool = False
    referee: bool = False
    replicate: int = 0

    def __post_init__(self) -> None:
        if not self.miners:
            raise InputError("world: no miners; give at least one")
        if self.own_pages and not self.validators:
            raise InputError("world: own pages, but no validators to draw them; give some")
        if not 0 <= self.progress * max(miner.skill for miner in self.miners) <= 0.01:
            raise InputError(
                f"world: progress of {self.progress} a round; give at most 0.01 for the best skill"
            )
        if self.pages < 1 or self.page_noise < 0:
            raise InputError(
                f"world: {self.pages} pages with noise {self.page_noise}; "
                "give at least one page and a noise of 0 or more"
            )

    @property
    def hotkeys(self) -> int:
        return sum(miner.hotkeys for miner in self.miners)

    def keys(self, miner: int) -> tuple[int, ...]:
        """The hotkeys of one miner; they are numbered through in the order of miners."""
        first = sum(other.hotkeys for other in self.miners[:miner])
        return tuple(range(first, first + self.miners[miner].hotkeys))
