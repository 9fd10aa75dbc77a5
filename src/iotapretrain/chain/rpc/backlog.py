"""Bytes that wait: whoever would bring more than may wait does so himself until some have gone."""

from __future__ import annotations

import asyncio


class Backlog:
    """So many bytes at a time; what is larger than all of it may be there alone."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._taken = 0
        self._freed = asyncio.Event()

    async def take(self, amount: int) -> None:
        """Bring bytes in, once they fit."""
        while self._taken and self._taken + amount > self._size:
            await self._change()
        self._taken += amount

    def add(self, amount: int) -> None:
        """Bring bytes in that are there already, whether they fit or not."""
        self._taken += amount

    def give(self, amount: int) -> None:
        """Take bytes away."""
        self._taken -= amount
        self._freed.set()

    async def below(self) -> None:
        """Wait until it is not full."""
        while self._taken >= self._size:
            await self._change()

    async def _change(self) -> None:
        self._freed.clear()
        await self._freed.wait()
