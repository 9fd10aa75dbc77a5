"""Whose question the node answers next: the address's that has used the least (docs/chain.md)."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import ParamSpec, TypeVar

from iotapretrain.chain.node import Node
from iotapretrain.chain.rpc.limits import Address, ClientLimits
from iotapretrain.chain.rpc.wire import TOO_MANY_REQUESTS, RpcError
from iotapretrain.errors import UnfinishedError

P = ParamSpec("P")
T = TypeVar("T")
LONGEST_PAUSE = 5.0
"""Seconds after which we look again even when the node expects no block for longer."""


class NodeThread:
    """The one thread in which a node is asked, so that no question holds up the event loop."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="chain-node")

    async def ask(self, question: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The answer of a function that asks the node."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, partial(question, *args, **kwargs))

    def close(self) -> None:
        """Wait for the question being answered, and drop those that wait."""
        self._executor.shutdown(cancel_futures=True)


@dataclass(frozen=True, slots=True)
class Heads:
    """How far a chain has come."""

    newest: int
    final: int

    def reached(self, finalized: bool) -> int:
        return self.final if finalized else self.newest


class HeadWatcher:
    """Knows the newest block, and wakes those who wait for the next."""

    def __init__(self, node: Node, thread: NodeThread) -> None:
        self._node, self._thread = node, thread
        self._changed = asyncio.Condition()
        self.heads = Heads(0, 0)

    async def run(self) -> None:
        """Follow the chain until cancelled."""
        while True:
            pause = await self._thread.ask(self._node.until_next_block)
            await asyncio.sleep(min(pause, LONGEST_PAUSE))
            await self.look()

    async def look(self) -> None:
        heads = await self._thread.ask(self._read)
        if heads != self.heads:
            async with self._changed:
                self.heads = heads
                self._changed.notify_all()

    async def newest(self, at_least: int, finalized: bool = False) -> int:
        """The newest block, or finalized one, once the chain has come so far."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.heads.reached(finalized) >= at_least)
            return self.heads.reached(finalized)

    def _read(self) -> Heads:
        return Heads(self._node.head(), self._node.finalized())


@dataclass(slots=True)
class Spent:
    """What one message has cost so far."""

    seconds: float = 0.0
    answered: int = 0

    def check(self, limits: ClientLimits) -> None:
        """Refuse to go on with a message that costs too much."""
        if self.seconds >= limits.message_seconds:
            policy = {"policy": "seconds of the node for one message"}
            raise RpcError(TOO_MANY_REQUESTS, "Too costly: ask for less at once, or again", policy)
        if self.answered >= limits.message_answer_bytes:
            policy = {"policy": "bytes of the answers to one message"}
            raise RpcError(TOO_MANY_REQUESTS, "Too large: ask for less in one message", policy)


class Line:
    def __init__(self, node: Node, thread: NodeThread, limits: ClientLimits) -> None:
        self._node, self._thread, self._limits = node, thread, limits
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()
        self._busy = False
        self._now = 0.0  # what who has the turn had used when it began

    async def ask(self, address: Address, spent: Spent, question: Callable[[], T]) -> T:
        """The answer of a function that asks the node, after as many turns as it takes."""
        loop = asyncio.get_running_loop()
        asked = partial(self._timed, loop, address, spent, question)
        while True:
            spent.check(self._limits)
            async with address.turn():
                await self._chosen(address.since(self._now))
                try:
                    return await self._thread.ask(asked)
                except UnfinishedError:
                    pass  # it goes on in the next turn
                finally:
                    self._choose()

    async def _chosen(self, used: float) -> None:
        """Wait in line; those who have used least are in front."""
        if not self._busy:
            self._busy, self._now = True, used
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (used, next(self._numbers), place))
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self._choose()
            raise

    def _choose(self) -> None:
        """Give the turn to the next in line who is still there."""
        while self._waiting:
            used, _, place = heapq.heappop(self._waiting)
            if not place.done():
                self._now = used
                place.set_result(None)
                return
        self._busy = False

    def _timed(
        self,
        loop: asyncio.AbstractEventLoop,
        address: Address,
        spent: Spent,
        question: Callable[[], T],
    ) -> T:
        """Ask, in the node's thread, for one turn; whatever comes of it is charged."""
        began = time.perf_counter()
        try:
            with self._node.turn(self._limits.turn_seconds):
                return question()
        finally:
            seconds = time.perf_counter() - began + self._limits.turn_overhead_seconds
            loop.call_soon_threadsafe(self._charge, address, spent, seconds)

    def _charge(self, address: Address, spent: Spent, seconds: float) -> None:
        spent.seconds += seconds
        address.charge(seconds)


@dataclass(frozen=True, slots=True)
class Asker:
    """Somebody at an address, with a message that is being answered."""

    line: Line
    address: Address
    spent: Spent

    async def ask(self, question: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        asked = partial(question, *args, **kwargs)
        return await self.line.ask(self.address, self.spent, asked)

    def anew(self) -> Asker:
        """The same for what is told later, which is no cost of the message any more."""
        return Asker(self.line, self.address, Spent())
