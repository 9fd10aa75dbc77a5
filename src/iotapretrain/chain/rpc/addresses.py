"""What all connections from one address share, so that more of them do not get more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from iotapretrain.chain.bucket import TokenBucket
from iotapretrain.chain.recent import Recent
from iotapretrain.chain.rpc.backlog import Backlog
from iotapretrain.chain.rpc.limits import Limits
from iotapretrain.net.site import site_of


class Address:
    """One client address: its seats, its turns at the node, its bytes, its quotas."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._seats, self._watched, self._used = 0, 0, 0.0
        self._turn = asyncio.Lock()
        self._arrivals = _bucket(limits.arrivals_per_second, limits.arrivals_burst)
        self._submitted = _bucket(limits.submitted_bytes_per_second, limits.submitted_burst_bytes)
        self._received = _bucket(limits.received_bytes_per_second, limits.received_burst_bytes)
        self._seconds = _bucket(limits.node_seconds_per_second, limits.node_burst_seconds)
        self._signals = _bucket(limits.signals_per_second, limits.signals_burst)
        self.batches = asyncio.Semaphore(limits.batches_per_address)
        self.messages = Backlog(limits.pipelined_bytes_per_address)
        self._answers = Backlog(limits.answer_bytes_per_address)

    def sit(self, seats: int) -> None:
        """Take so many seats, or give them back."""
        self._seats += seats

    def arrive(self) -> bool:
        """Count a new connection; false if there were too many of late to look at this one."""
        full = self._limits.connections_per_address + self._limits.waiting_at_the_door
        return self._seats < full and not self._arrivals.take()

    def signal(self) -> bool:
        """Count a ping or the like; false if there were too many of late."""
        return not self._signals.take()

    @property
    def over(self) -> bool:
        """Whether it has more connections than it may have."""
        return self._seats > self._limits.connections_per_address

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """One question of an address is with the node at a time, once what it owes is paid off.

        None is while it has not taken the answers that it has got.
        """
        async with self._turn:
            await self._answers.below()
            await asyncio.sleep(self._seconds.owe(0))
            yield

    def since(self, now: float) -> float:
        """What it has used of the node; who was away has nothing saved up from it."""
        self._used = max(self._used, now)
        return self._used

    def charge(self, seconds: float) -> None:
        """Count what a turn took."""
        self._used += seconds
        self._seconds.owe(seconds)

    def answered(self, size: int) -> None:
        """Count an answer, which costs something to send too, until it is sent."""
        self._answers.add(size)
        self.charge(size * self._limits.answer_byte_seconds)

    def sent(self, size: int) -> None:
        """An answer has been sent."""
        self._answers.give(size)

    async def receive(self, size: int, fragments: int) -> None:
        """Count a message's bytes, and wait until the next may be read."""
        further = fragments * self._limits.received_fragment_bytes
        await asyncio.sleep(self._received.owe(size + further))

    def submit(self, size: int) -> float:
        """Count an extrinsic's bytes; 0, or the seconds until it may be submitted."""
        return self._submitted.take(size + self._limits.extrinsic_bytes)

    def watch(self, watched: int) -> bool:
        """Count what a new subscription watches; false if that is too much for an address."""
        fits = self._watched + watched <= self._limits.watched_per_address
        self._watched += watched if fits else 0
        return fits

    def unwatch(self, watched: int) -> None:
        """A subscription has ended."""
        self._watched -= watched


class Addresses:
    """The addresses that are or recently were here."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._known: Recent[str, Address] = Recent(limits.addresses)

    def of(self, host: str) -> Address:
        """The address of a connection."""
        site = site_of(host)
        known = self._known.get(site)
        return known or self._known.put(site, Address(self._limits))


def _bucket(rate: float, burst: float) -> TokenBucket:
    return TokenBucket(rate, burst, time.monotonic)
