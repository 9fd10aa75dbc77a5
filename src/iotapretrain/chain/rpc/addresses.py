"""What all connections from one address share, so that more of them do not get more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from iotapretrain.chain.recent import Recent
from iotapretrain.chain.rpc.limits import Limits, TokenBucket


class Address:
    """One client address: its seats, its turn to ask the node, what it may still submit."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._seats = 0
        self._turn = asyncio.Lock()
        self._submitted = TokenBucket(
            limits.submitted_bytes_per_second, limits.submitted_burst_bytes, time.monotonic
        )

    @property
    def over(self) -> bool:
        """Whether it has more connections than it may have."""
        return self._seats > self._limits.connections_per_address

    @contextmanager
    def seat(self) -> Iterator[None]:
        """Count a connection while it lasts."""
        self._seats += 1
        try:
            yield
        finally:
            self._seats -= 1

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """One question of an address is with the node at a time, so others wait for one at most."""
        async with self._turn:
            yield

    def submit(self, size: int) -> float:
        """Count an extrinsic's bytes; 0, or the seconds until it may be submitted."""
        return self._submitted.take(size + self._limits.extrinsic_bytes)


class Addresses:
    """The addresses that are or recently were here."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._known: Recent[str, Address] = Recent(limits.addresses)

    def of(self, host: str) -> Address:
        """The address of a connection."""
        known = self._known.get(host)
        return known or self._known.put(host, Address(self._limits))
