"""What one client may ask of the server: every number, and the counting by client address."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from iotapretrain.chain.allowances import TokenBucket


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """Bounds that keep one client from harming the others. Times are in seconds, sizes in bytes.

    An address is what `iotapretrain.net.site` counts as one. Beyond a bound nothing more is read,
    or the question waits, or it is refused; the page says which. `docs/chain.md` has each with its
    value and its reason, and a test that compares them.
    """

    connections: int = 256
    connections_per_address: int = 64
    waiting_at_the_door: int = 16
    arrivals_per_second: float = 8.0
    arrivals_burst: int = 128
    message_bytes: int = 2**20
    message_fragments: int = 64
    message_values: int = 2**14
    message_seconds: float = 5.0
    message_answer_bytes: int = 2**22
    batch: int = 64
    batches_per_address: int = 2
    pipelined: int = 64
    pipelined_bytes: int = 2**21
    pipelined_bytes_per_address: int = 2**23
    answer_bytes_per_address: int = 2**23
    queued_messages: int = 2
    received_bytes_per_second: float = 2.0**21
    received_burst_bytes: int = 2**23
    received_fragment_bytes: int = 1024
    signals_per_second: float = 32.0
    signals_burst: int = 256
    requests_per_second: float = 1000.0
    burst: int = 2000
    turn_seconds: float = 0.05
    turn_overhead_seconds: float = 0.0005
    answer_byte_seconds: float = 2e-8
    node_seconds_per_second: float = 0.5
    node_burst_seconds: float = 5.0
    submitted_bytes_per_second: float = 8192.0
    submitted_burst_bytes: int = 2**22
    extrinsic_bytes: int = 512
    addresses: int = 4096
    subscriptions: int = 64
    watched_per_address: int = 2**14
    watched_key_bytes: int = 256
    handshake_seconds: float = 10.0
    call_seconds: float = 30.0
    send_seconds: float = 10.0


class Backlog:
    """So many bytes at a time; what is larger than all of it may be there alone."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._taken = 0
        self._freed = asyncio.Event()

    async def take(self, amount: int) -> None:
        while self._taken and self._taken + amount > self._size:
            await self._change()
        self._taken += amount

    def add(self, amount: int) -> None:
        """Bring bytes in that are there already, whether they fit or not."""
        self._taken += amount

    def give(self, amount: int) -> None:
        self._taken -= amount
        self._freed.set()

    async def below(self) -> None:
        """Wait until it is not full."""
        while self._taken >= self._size:
            await self._change()

    async def _change(self) -> None:
        self._freed.clear()
        await self._freed.wait()


class Address:
    """One client address: its seats, its turns at the node, its bytes, its quotas."""

    def __init__(self, limits: ClientLimits) -> None:
        self._limits = limits
        self._seats, self._watched, self._used = 0, 0, 0.0
        self._turn = asyncio.Lock()
        self._arrivals = TokenBucket(limits.arrivals_per_second, limits.arrivals_burst)
        extrinsics = limits.submitted_bytes_per_second, limits.submitted_burst_bytes
        self._submitted = TokenBucket(*extrinsics)
        self._received = TokenBucket(limits.received_bytes_per_second, limits.received_burst_bytes)
        self._seconds = TokenBucket(limits.node_seconds_per_second, limits.node_burst_seconds)
        self._signals = TokenBucket(limits.signals_per_second, limits.signals_burst)
        self.batches = asyncio.Semaphore(limits.batches_per_address)
        self.messages = Backlog(limits.pipelined_bytes_per_address)
        self.answers = Backlog(limits.answer_bytes_per_address)

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
            await self.answers.below()
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
        self.answers.add(size)
        self.charge(size * self._limits.answer_byte_seconds)

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
        self._watched -= watched
