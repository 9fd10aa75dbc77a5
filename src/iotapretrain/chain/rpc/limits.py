"""What one client may ask of the server: every number, with its reason, in this one place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that keep one client from harming the others. Times are in seconds.

    A client that is over the rate is told when to come back. One that does not take its answers
    within `send_seconds` is cut off, and while `pipelined` of its messages or `pipelined_bytes` of
    them wait for theirs, no more are read. `call_seconds` stays below the 60 s that the SDK waits.
    """

    connections: int = 256
    connections_per_address: int = 64
    """A quarter of all seats, so that four addresses are needed to take them; a machine that runs
    a whole demo takes about twenty."""
    message_bytes: int = 2**20
    """An extrinsic has at most 64 KiB, 128 KiB in hex; 1,000 storage keys have about 200 KiB."""
    batch: int = 64
    pipelined: int = 64
    pipelined_bytes: int = 2**21
    """Two of the largest messages of a connection; parsed, they take some times as much memory."""
    queued_messages: int = 2
    """Messages that the WebSocket library reads ahead of us; it bounds nothing but their number."""
    requests_per_second: float = 1000.0
    burst: int = 2000
    submitted_bytes_per_second: float = 8192.0
    """Of an address: no fee bounds what it adds to the journal, so this does, to 0.7 GB a day."""
    submitted_burst_bytes: int = 2**22
    """Thousands of ordinary extrinsics (about 200 bytes), or 63 of the largest, at once."""
    extrinsic_bytes: int = 512
    """Added to the size of each, for its record and, by a manual clock, the block it closes."""
    addresses: int = 4096
    """Whose quota is remembered after they left; about 1 KiB each."""
    subscriptions: int = 64
    handshake_seconds: float = 10.0
    call_seconds: float = 30.0
    send_seconds: float = 10.0


class TokenBucket:
    """Lets `burst` requests through at once and `rate` a second after that."""

    def __init__(self, rate: float, burst: int, clock: Callable[[], float]) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._tokens, self._filled = float(burst), clock()

    def take(self, amount: float = 1) -> float:
        """Take this many tokens; returns 0, or the seconds until there are as many to take."""
        now = self._clock()
        self._tokens = min(self._tokens + (now - self._filled) * self._rate, self._burst)
        self._filled = now
        if self._tokens < amount:
            return (amount - self._tokens) / self._rate
        self._tokens -= amount
        return 0.0
