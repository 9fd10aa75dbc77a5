"""What has changed since: a number a topic, and a way to wait for the next change.

A change is told only once the pages that are being looked at have been made anew, so that viewers
who then all ask at once are answered from memory. They get numbers, never a queue of messages: who
is slow misses nothing but the steps between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Literal, final, get_args

Topic = Literal["rounds", "events", "chain", "audits"]
TOPICS: tuple[Topic, ...] = get_args(Topic)
Numbers = Mapping[Topic, int]


@final
class Versions:
    """Numbers that only grow while the process lives; `boot` tells processes apart."""

    def __init__(self, boot: str) -> None:
        self.boot = boot
        self.told: Numbers = dict.fromkeys(TOPICS, 0)
        self._newest: dict[Topic, int] = dict.fromkeys(TOPICS, 0)
        self._serial = 0
        self._due, self._news = asyncio.Event(), asyncio.Event()

    def bump(self, topic: Topic) -> None:
        """Something of this topic is new."""
        self._serial += 1
        self._newest[topic] = self._serial
        self._due.set()

    async def due(self) -> Numbers:
        """The newest numbers, once they differ from those that were told."""
        await self._due.wait()
        self._due.clear()
        return dict(self._newest)

    def tell(self, numbers: Numbers) -> None:
        """Everybody who waits wakes up."""
        self.told = numbers
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def other_than(self, numbers: Numbers) -> None:
        """Return once others have been told."""
        while self.told == numbers:
            await self._news.wait()

    def tag(self, topics: tuple[Topic, ...], numbers: Numbers | None = None) -> str:
        """What a page that depends on these topics is as new as."""
        chosen = self.told if numbers is None else numbers
        return "-".join([self.boot, *(str(chosen[topic]) for topic in topics)])
