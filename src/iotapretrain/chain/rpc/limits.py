"""What one client may ask of the server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that keep one client from harming the others. Times are in seconds.

    A client that is over the rate is told when to come back. One that does not take its answers
    within `send_seconds` is cut off, and while `pipelined` of its messages wait for theirs, no more
    are read. `call_seconds` stays below the 60 s that the SDK waits.
    """

    connections: int = 256
    message_bytes: int = 2**20
    batch: int = 64
    pipelined: int = 64
    requests_per_second: float = 1000.0
    burst: int = 2000
    subscriptions: int = 64
    handshake_seconds: float = 10.0
    call_seconds: float = 30.0
    send_seconds: float = 10.0


class TokenBucket:
    """Lets `burst` requests through at once and `rate` a second after that."""

    def __init__(self, rate: float, burst: int, clock: Callable[[], float]) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._tokens, self._filled = float(burst), clock()

    def take(self) -> float:
        """Take one token; returns 0, or the seconds until there is one to take."""
        now = self._clock()
        self._tokens = min(self._tokens + (now - self._filled) * self._rate, self._burst)
        self._filled = now
        if self._tokens < 1:
            return (1 - self._tokens) / self._rate
        self._tokens -= 1
        return 0.0
