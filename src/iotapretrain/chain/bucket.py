"""How much may be had of something that runs out and comes back with time."""

from __future__ import annotations

from collections.abc import Callable


class TokenBucket:
    """Lets `burst` requests through at once and `rate` a second after that."""

    def __init__(self, rate: float, burst: float, clock: Callable[[], float]) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._tokens, self._filled = float(burst), clock()

    def take(self, amount: float = 1) -> float:
        """Take this many tokens; returns 0, or the seconds until there are as many to take."""
        self._fill()
        if self._tokens < amount:
            return (amount - self._tokens) / self._rate
        self._tokens -= amount
        return 0.0

    def owe(self, amount: float) -> float:
        """Take tokens that may not be there yet; the seconds until they are."""
        self._fill()
        self._tokens -= amount
        return max(-self._tokens / self._rate, 0.0)

    def _fill(self) -> None:
        now = self._clock()
        self._tokens = min(self._tokens + (now - self._filled) * self._rate, self._burst)
        self._filled = now
