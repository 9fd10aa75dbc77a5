"""What lies between machines: delays, losses, repetitions and cuts, all drawn from one seed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Never

from iotapretrain.errors import AwayError, InputError
from iotapretrain.rules.sampling import Stream

PATIENCE = 5.0
"""Seconds after which whoever hears nothing gives up."""
FOREVER = float("inf")
_WORDS_AT_ONCE = 256


class Chance:
    """Numbers from 0 to below 1, of a seed and what they are for."""

    def __init__(self, seed: int, *labels: str | int) -> None:
        self._numbers = _drawn(Stream.of(seed, "world", *labels))

    def number(self) -> float:
        """The next one."""
        return next(self._numbers)

    def happens(self, share: float) -> bool:
        """Whether something of this probability does; what cannot happen draws nothing."""
        return share > 0 and next(self._numbers) < share

    def below(self, bound: int) -> int:
        """A whole number from 0."""
        return int(next(self._numbers) * bound)


def _drawn(stream: Stream) -> Iterator[float]:
    for lane in count():
        yield from ((stream.words(lane, _WORDS_AT_ONCE) >> 11) * 2.0**-53).tolist()


@dataclass(frozen=True)
class Weather:
    """Of all ways alike: seconds a way takes, and shares of what is lost or comes twice."""

    fastest: float = 0.02
    slowest: float = 0.2
    loss: float = 0.0
    twice: float = 0.0

    def __post_init__(self) -> None:
        if not (0 < self.fastest <= self.slowest < PATIENCE and 0 <= self.loss < 1):
            raise InputError(f"{self}: give seconds below {PATIENCE:g}, and a loss below 1")


@dataclass(frozen=True)
class Cut:
    """Nothing goes between these two groups for a while; an empty group is everybody else."""

    one: frozenset[str]
    other: frozenset[str]
    since: float = 0.0
    until: float = FOREVER

    def parts(self, source: str, target: str, now: float) -> bool:
        """Whether the two are parted."""
        if not self.since <= now < self.until:
            return False
        return self._between(source, target) or self._between(target, source)

    def _between(self, left: str, right: str) -> bool:
        return left in self.one and (right in self.other if self.other else right not in self.one)


class Ways:
    """Every way that a message takes; bytes and messages are counted by kind."""

    def __init__(self, weather: Weather, cuts: tuple[Cut, ...], seed: int) -> None:
        self.weather, self.cuts = weather, cuts
        self._chance = Chance(seed, "ways")
        self.bytes: dict[str, int] = {}
        self.events = 0

    async def go(self, source: str, target: str, kind: str, size: int = 0) -> None:
        """Be there; AwayError, after patience, where it is lost on the way."""
        self.events += 1
        self.bytes[kind] = self.bytes.get(kind, 0) + size
        now = asyncio.get_running_loop().time()
        parted = any(cut.parts(source, target, now) for cut in self.cuts)
        if parted or self._chance.happens(self.weather.loss):
            await self.nobody(source, target)
        await asyncio.sleep(self.delay())

    async def nobody(self, source: str, target: str) -> Never:
        """Wait for who does not answer."""
        await asyncio.sleep(PATIENCE)
        raise AwayError(f"{source}: {target} does not answer")

    def delay(self) -> float:
        """Of one way; later messages may be there earlier."""
        weather = self.weather
        return weather.fastest + (weather.slowest - weather.fastest) * self._chance.number()

    def again(self) -> float | None:
        """When a message comes once more, if it does."""
        return 3 * self.delay() if self._chance.happens(self.weather.twice) else None
