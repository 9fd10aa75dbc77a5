"""Answers that may be a little old: served at once, and renewed behind the reader's back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Freshness:
    """Seconds until which an answer is as good as new, and until which it beats waiting."""

    fresh: float = 12.0
    stale: float = 300.0


class Cached(Generic[Answer]):
    """One answer, renewed by one read at a time however many ask."""

    def __init__(self, read: Callable[[], Awaitable[Answer]], freshness: Freshness) -> None:
        self._read, self._freshness = read, freshness
        self._answer: tuple[float, Answer] | None = None
        self._renewal: asyncio.Task[Answer] | None = None

    async def get(self) -> Answer:
        """The answer: at once if it is not stale, else after a read, whose errors are raised."""
        now = asyncio.get_running_loop().time()
        if self._answer is not None:
            read_at, answer = self._answer
            if now - read_at <= self._freshness.fresh:
                return answer
            if now - read_at <= self._freshness.stale:
                self._renewing()
                return answer
        return await asyncio.shield(self._renewing())

    def forget(self) -> None:
        """The next reader wants to see what has just been written."""
        self._answer = None

    def close(self) -> None:
        if self._renewal is not None:
            self._renewal.cancel()

    def _renewing(self) -> asyncio.Task[Answer]:
        if self._renewal is None or self._renewal.done():
            self._renewal = asyncio.create_task(self._renew())
            self._renewal.add_done_callback(_seen)
        return self._renewal

    async def _renew(self) -> Answer:
        began = asyncio.get_running_loop().time()
        answer = await self._read()
        self._answer = (began, answer)
        return answer


def _seen(task: asyncio.Task[Answer]) -> None:
    """A failed renewal is nobody's error yet: who finds the answer stale will see the next one."""
    if not task.cancelled():
        task.exception()
