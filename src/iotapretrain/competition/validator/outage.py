"""A hub that is away for everybody: how long a competition is left alone before the next look."""

from __future__ import annotations

import asyncio
from random import Random

from iotapretrain.net.retry import pause


class Outage:
    """Pauses by competition, ever longer while the hub is silent; used by one event loop."""

    def __init__(self, first: float, longest: float, rng: Random) -> None:
        self._first, self._longest, self._rng = first, longest, rng
        self._held: dict[int, tuple[int, float]] = {}

    def begin(self, competition: int) -> float:
        """The hub was silent once more; the seconds until it is asked again."""
        failures = self._held.get(competition, (0, 0.0))[0] + 1
        seconds = pause(failures, self._first, self._longest, self._rng)
        self._held[competition] = failures, asyncio.get_running_loop().time() + seconds
        return seconds

    def lasts(self, competition: int) -> bool:
        """Whether it is too early to ask again."""
        _, until = self._held.get(competition, (0, 0.0))
        return asyncio.get_running_loop().time() < until

    def end(self, competition: int) -> None:
        self._held.pop(competition, None)
