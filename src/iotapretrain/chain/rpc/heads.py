"""Watching a chain grow: one watcher asks the node, everyone else waits for the watcher."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import ParamSpec, TypeVar

from iotapretrain.chain.node import Node

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
    finalized: int


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
        """Ask the node now."""
        heads = await self._thread.ask(self._read)
        if heads != self.heads:
            async with self._changed:
                self.heads = heads
                self._changed.notify_all()

    async def newest(self, at_least: int) -> int:
        """The newest block, once the chain has come so far."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.heads.newest >= at_least)
            return self.heads.newest

    async def finalized(self, at_least: int) -> int:
        """The newest finalized block, once finality has come so far."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.heads.finalized >= at_least)
            return self.heads.finalized

    def _read(self) -> Heads:
        return Heads(self._node.head(), self._node.finalized())
