"""The laboratory's swarms: sizes, machines that differ, drift and leave (specification 11)."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from iotapretrain.errors import InputError

SECOND = 1_000_000
GLOBAL_LATENCY = 20_000
DRIFT = 0.1
CLASSES = ((0.75, 0.01, 0.9), (0.15, 0.05, 0.6), (0.10, 0.20, 0.3))
"""Share of the miners, chance to drop out in an epoch, chance to be back in the next."""


@dataclass(frozen=True)
class LabWorld:
    """A swarm: its size, its work, and what its machines are like.

    `samples` an epoch are by default the run's own: 50 steps of 16 a member. `cache` is how many a
    miner can hold between forward and backward: two steps, since later gradients are dropped.
    `liars` is the share that reports that nothing waits.
    """

    miners: int = 96
    stages: int = 6
    samples: int | None = None
    epochs: int = 3
    cache: int = 32
    packet_bytes: int = 204_800
    liars: float = 0.0
    churn: bool = True

    def __post_init__(self) -> None:
        if not (1 <= self.stages <= 16 and 2 * self.stages <= self.miners <= 10_000):
            raise InputError(
                f"{self.miners} miners in {self.stages} stages; give 1 to 16 stages, and two miners"
                " or more a stage, 10,000 at most"
            )
        if min(self.epochs, self.cache, self.packet_bytes, self.wanted) < 1:
            raise InputError("laboratory: give 1 or more samples, epochs, slots and bytes")

    @property
    def wanted(self) -> int:
        """Samples to complete in an epoch."""
        return 800 * self.miners // self.stages if self.samples is None else self.samples


class Machines:
    """What is true of the miners, which no policy sees; drawn from the seed alone."""

    def __init__(self, world: LabWorld, seed: int) -> None:
        self._rng = rng = random.Random(seed)
        self.world, everybody = world, range(world.miners)
        self.ahead = [rng.uniform(0.2, 1.0) * SECOND for _ in everybody]
        self.latency = [rng.uniform(0.01, 0.15) * SECOND for _ in everybody]
        self.uplink = [rng.uniform(20, 500) / 8 for _ in everybody]  # bytes a microsecond
        kinds = rng.choices(CLASSES, [share for share, _, _ in CLASSES], k=world.miners)
        self.leaves = [leaves for _, leaves, _ in kinds]
        self.returns = [returns for _, _, returns in kinds]
        self.lies = [rng.random() < world.liars for _ in everybody]
        self.alive = [True for _ in everybody]
        self.noise = [rng.uniform(0.9, 1.1) for _ in range(1024)]

    def measured(self) -> list[float]:
        """A timed run of each, in seconds a sample: 5 % off."""
        return [3 * each / SECOND * self._rng.lognormvariate(0, 0.05) for each in self.ahead]

    def next_epoch(self) -> None:
        """Some are back; all have drifted."""
        rng, everybody = self._rng, range(self.world.miners)
        self.ahead = [each * rng.lognormvariate(0, DRIFT) for each in self.ahead]
        self.uplink = [each * rng.lognormvariate(0, DRIFT) for each in self.uplink]
        self.latency = [each * rng.uniform(1 - DRIFT, 1 + DRIFT) for each in self.latency]
        chances = [rng.random() for _ in everybody]
        self.alive = [self.alive[m] or chances[m] < self.returns[m] for m in everybody]

    def departures(self) -> list[tuple[int, int]]:
        """When who leaves from the coming epoch on: a Poisson process of each class's rate."""
        if not self.world.churn:
            return []
        length = self._work() / sum(map(self._rate, self._living()))
        moments = [self._rng.expovariate(1.0) * length for _ in self.alive]
        rates = [-math.log1p(-chance) for chance in self.leaves]
        return sorted((int(moments[m] / rates[m]), m) for m in self._living())

    def shortest(self, departures: list[tuple[int, int]]) -> float:
        """No epoch is shorter: whoever is there always busy, in the best of balances.

        The specification adds a round trip, but a head works while the pipeline fills: with it the
        sum is no bound. Departures count, since no routing uses a machine that has left.
        """
        rate, left, now = sum(map(self._rate, self._living())), float(self._work()), 0
        for moment, miner in departures[:-1]:  # an empty swarm has no bound; one machine is less
            if left <= (moment - now) * rate:
                break
            left, now = left - (moment - now) * rate, moment
            rate -= self._rate(miner)
        return now + left / rate

    def _living(self) -> list[int]:
        return [m for m in range(self.world.miners) if self.alive[m]]

    def _rate(self, miner: int) -> float:
        return 1 / (3 * self.ahead[miner])

    def _work(self) -> int:
        return self.world.wanted * self.world.stages
