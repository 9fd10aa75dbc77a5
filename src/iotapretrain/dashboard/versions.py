"""What has changed since: a number a topic, and a way to wait for the next change.

Viewers get numbers, never a queue of messages: who is slow misses nothing but the steps between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Literal, final, get_args

Topic = Literal["rounds", "events", "chain", "audits"]
TOPICS: tuple[Topic, ...] = get_args(Topic)


@final
class Versions:
    """Numbers that only grow while the process lives; `boot` tells processes apart."""

    def __init__(self, boot: str) -> None:
        self.boot, self.serial = boot, 0
        self._topics: dict[Topic, int] = dict.fromkeys(TOPICS, 0)
        self._changed = asyncio.Event()

    @property
    def topics(self) -> Mapping[Topic, int]:
        """The number of the last change of every topic."""
        return self._topics

    def bump(self, topic: Topic) -> None:
        """Something of this topic is new; everybody who waits wakes up."""
        self.serial += 1
        self._topics[topic] = self.serial
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def later_than(self, serial: int) -> None:
        """Return once anything is newer than this."""
        while self.serial <= serial:
            await self._changed.wait()

    def tag(self, topics: tuple[Topic, ...]) -> str:
        """What a page that depends on these topics is as new as."""
        return "-".join([self.boot, *(str(self._topics[topic]) for topic in topics)])
